//! The ways of learning, and what can be set of each. A night mixes as many as its pipeline names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::TrainerParams;
use super::teacher::TeacherParams;

/// How a night learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FinetuneParams {
    /// The ways of learning; their examples are mixed.
    pub learners: Vec<LearnerParams>,
    /// How often the learners are asked, each time with the policy as it then is.
    pub rounds: usize,
    /// How weights are changed.
    pub trainer: TrainerParams,
    /// What keeps the challenger near the champion.
    pub guard: GuardParams,
    /// Domains whose episodes are learned from; all where none is named.
    pub domains: Vec<String>,
}

impl Default for FinetuneParams {
    fn default() -> Self {
        Self {
            learners: vec![LearnerParams::Imitation(ImitationParams::default())],
            rounds: 1,
            trainer: TrainerParams::default(),
            guard: GuardParams::default(),
            domains: Vec::new(),
        }
    }
}

/// One way of learning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "learner", rename_all = "snake_case")]
pub enum LearnerParams {
    /// Imitates the episodes that curation marked for it.
    Imitation(ImitationParams),
    /// Imitates all episodes, each choice by how much better than expected it turned out.
    Awr(AwrParams),
    /// Prefers what was corrected to, and what got better feedback in the same state.
    Preference(PreferenceParams),
    /// Plays training levels itself, and learns from its best plays and from a planner's word on
    /// the states that it came to.
    Practice(PracticeParams),
    /// Plays training levels itself, and learns from the rewards.
    Ppo(PpoParams),
}

impl LearnerParams {
    /// The word that pipelines hold.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Imitation(_) => "imitation",
            Self::Awr(_) => "awr",
            Self::Preference(_) => "preference",
            Self::Practice(_) => "practice",
            Self::Ppo(_) => "ppo",
        }
    }
}

/// Imitation of curated episodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImitationParams {
    /// How much an example counts.
    pub weight: f32,
    /// Most examples of a round; of more a sample is taken.
    pub most: usize,
}

impl Default for ImitationParams {
    fn default() -> Self {
        Self { weight: 1.0, most: 10_000 }
    }
}

/// Advantage-weighted regression on logged episodes, failures included (Peng et al., arXiv
/// 1910.00177): a choice counts exp(A / temperature), where A is by how much its episode went
/// better than expected from there on, in standard deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AwrParams {
    /// The lower, the more the best choices count alone.
    pub temperature: f32,
    /// Largest weight.
    pub clip: f32,
    /// How much the rarity of a choice counts, where its propensity is known: its weight is divided
    /// by propensity times the number of calls, by at most this factor and its inverse. A choice
    /// that was seldom tried is then not drowned by those that the logging policy liked; 1 leaves
    /// propensities out.
    pub rarity: f32,
    /// How much an example counts on average.
    pub weight: f32,
    /// Most examples of a round; of more a sample is taken.
    pub most: usize,
}

impl Default for AwrParams {
    fn default() -> Self {
        Self { temperature: 1.0, clip: 20.0, rarity: 4.0, weight: 0.5, most: 10_000 }
    }
}

/// Learning from pairs: of two choices in the same state, which one was better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreferenceParams {
    /// How sure a pair should become: the loss is that of a logistic in this times the difference of
    /// log-probabilities over the reference's.
    pub beta: f32,
    /// By how much the feedback of two episodes must differ to make a pair of their choices.
    pub gap: f64,
    /// Most pairs of one state.
    pub per_state: usize,
    /// How much a pair counts.
    pub weight: f32,
}

impl Default for PreferenceParams {
    fn default() -> Self {
        Self { beta: 0.5, gap: 0.2, per_state: 4, weight: 1.0 }
    }
}

/// Practice on training levels (expert iteration: Anthony, Tian and Barber, NeurIPS 2017).
///
/// Grades are taken in order, family by family: fresh levels of the first one that is not mastered,
/// and of mastered ones as a reminder. Each level is played a few times; what is learned is the
/// planner's word on the states of the first play, or the shortest play where the planner has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PracticeParams {
    /// Families; all where none is named, the safety suites included.
    pub families: Vec<String>,
    /// Fresh levels of each family's frontier a round.
    pub levels: usize,
    /// Share of a round's levels that are of mastered grades.
    pub replay: f64,
    /// Fresh levels on which a frontier is judged after training.
    pub plays: usize,
    /// Plays of a level, the first one greedy, the others drawn.
    pub rollouts: usize,
    /// Temperature of the drawn plays.
    pub temperature: f32,
    /// Examples of one level.
    pub teacher: TeacherParams,
    /// How much an example counts.
    pub weight: f32,
    /// Whether a policy that has learned nothing yet practises too. It has no plays to learn from, so
    /// the teacher alone speaks: the first champion then owes little to the logs.
    pub from_scratch: bool,
}

impl Default for PracticeParams {
    fn default() -> Self {
        Self {
            families: Vec::new(),
            levels: 6,
            replay: 0.5,
            plays: 20,
            rollouts: 8,
            temperature: 1.0,
            teacher: TeacherParams { per_world: 20, ..TeacherParams::default() },
            weight: 1.0,
            from_scratch: false,
        }
    }
}

/// Proximal policy optimisation over the applicable calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PpoParams {
    /// Families; all ordinary ones where none is named.
    pub families: Vec<String>,
    /// Level grades; all where none is named.
    pub grades: Vec<u32>,
    /// Fresh levels a round.
    pub levels: usize,
    /// Plays of each.
    pub rollouts: usize,
    /// How much a later reward is worth.
    pub discount: f32,
    /// Bias against variance of the advantages (GAE's λ).
    pub lambda: f32,
    /// How far the ratio of probabilities may move from 1.
    pub clip: f32,
    /// Weight of the policy's entropy.
    pub entropy: f32,
    /// How much an example counts.
    pub weight: f32,
}

impl Default for PpoParams {
    fn default() -> Self {
        Self {
            families: Vec::new(),
            grades: Vec::new(),
            levels: 32,
            rollouts: 4,
            discount: 0.99,
            lambda: 0.95,
            clip: 0.2,
            entropy: 0.01,
            weight: 1.0,
        }
    }
}

/// What keeps a challenger near the champion where the champion is good: how much is forgotten
/// follows the divergence from it (Shenfeld, Pari and Agrawal, arXiv 2509.04259).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GuardParams {
    /// Wanted divergence of the challenger from the champion on the champion's own plays, in nats.
    pub kl: f64,
    /// Weight of the divergence to begin with. It is raised while the divergence is above what is
    /// wanted, and lowered while it is below.
    pub beta: f64,
    /// States of the champion's own plays, as a share of all examples; 0 leaves the guard out.
    pub replay: f64,
    /// Divergence at which a pass is undone and the learning rate halved.
    pub trip: f64,
    /// How often that may happen before training ends with the best pass so far.
    pub trips: usize,
}

impl Default for GuardParams {
    fn default() -> Self {
        Self { kl: 0.02, beta: 0.05, replay: 0.25, trip: 1.0, trips: 3 }
    }
}
