//! Training on levels, outside of a night: what to train, and what came of it. The weights need
//! libtorch, so this runs in `fqm-torch`, which gets the request on its standard input.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::play::Weights;
use crate::core::Digest;
use crate::evaluate::{Curriculum, Grade, Score, Thresholds};
use crate::policy::{TeacherParams, TrainerParams};
use crate::quest::Level;

/// The format of [`TrainState`].
pub const TRAIN_FORMAT: &str = "fqm-train/1";

/// What to train and where to keep it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainRequest {
    /// What decides the result.
    pub plan: TrainPlan,
    /// The folder of the checkpoint, and of the state that an interrupted training goes on from.
    pub folder: PathBuf,
    /// The weights to begin with; a fresh network where there are none.
    pub base: Option<Weights>,
    /// Stop after this many seconds, at the end of a round; where it stops depends on the machine.
    pub seconds: Option<f64>,
}

/// What decides the result of a training: equal plans give equal weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainPlan {
    /// The levels.
    pub course: Course,
    /// The learner.
    pub learner: TrainerParams,
    /// The teacher.
    pub teacher: TeacherParams,
    /// Digest of the checkpoint to begin with.
    pub base: Option<Digest>,
}

/// What is trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// These levels, once.
    Levels(Vec<Level>),
    /// Grade after grade of the suite's families.
    Mastery(Box<MasteryPlan>),
}

/// The way through the grades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MasteryPlan {
    /// The suite's files by name; empty for the suite that is compiled in.
    pub files: BTreeMap<String, String>,
    /// The families; all ordinary ones where none is named.
    pub families: Vec<String>,
    /// In place of the suite's own thresholds.
    pub thresholds: Thresholds,
    /// Fresh training levels of each frontier grade a round.
    pub levels: usize,
    /// Share of a round's training levels that are of mastered grades, so that they are not
    /// forgotten.
    pub replay: f64,
    /// Fresh plays of a grade that decide whether it is mastered.
    pub plays: usize,
    /// Most rounds.
    pub rounds: u32,
    /// Rounds without a newly mastered grade after which training stops.
    pub patience: u32,
}

/// What one round did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Counted from 1.
    pub round: u32,
    /// Examples that were learned from.
    pub examples: u64,
    /// States seen in training so far, over all rounds.
    pub states: u64,
    /// Mean loss of the last pass.
    pub loss: f64,
    /// Share of examples that the last pass answered rightly.
    pub accuracy: f64,
    /// Mean norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Success on the fresh plays, by family: what was played and how it went.
    pub played: BTreeMap<String, Played>,
    /// Mastered grades after the round, and all.
    pub mastered: (usize, usize),
}

/// The fresh plays of one family in one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Played {
    /// The frontier after the round; none where the target is reached.
    pub frontier: Option<Grade>,
    /// All plays of the family.
    pub score: Score,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// It has not yet.
    Running,
    /// Every target is reached: ready for deployment.
    Ready,
    /// The levels that were given are learned.
    Learned,
    /// The rounds are used up.
    Rounds,
    /// The time is used up.
    Time,
    /// Nothing new was mastered for as many rounds as patience lasts.
    Stuck,
}

impl Stopped {
    /// In words, after "stopped: ".
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "it goes on",
            Self::Ready => "every target is reached: ready for deployment",
            Self::Learned => "the levels are learned",
            Self::Rounds => "the rounds are used up",
            Self::Time => "the time is used up",
            Self::Stuck => "nothing new was mastered for as many rounds as patience lasts",
        }
    }
}

/// A training after its last whole round, as its folder keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainState {
    /// [`TRAIN_FORMAT`].
    pub format: String,
    /// Digest of the plan: another plan does not go on from here.
    pub plan: Digest,
    /// How far each family has come.
    pub curriculum: Curriculum,
    /// What was done, round by round.
    pub rounds: Vec<Round>,
    /// Digest of the checkpoint.
    pub checkpoint: Option<Digest>,
    /// Why it ended.
    pub stopped: Stopped,
}

impl TrainState {
    /// Before the first round.
    pub fn new(plan: Digest, curriculum: Curriculum) -> Self {
        Self {
            format: TRAIN_FORMAT.to_owned(),
            plan,
            curriculum,
            rounds: Vec::new(),
            checkpoint: None,
            stopped: Stopped::Running,
        }
    }
}
