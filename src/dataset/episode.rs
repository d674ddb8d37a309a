//! What a dataset holds: episodes with their steps, as the trainer reads them.

use serde::{Deserialize, Serialize};

use crate::core::{Digest, EpisodeId, derive_seed};

/// The action of a step that calls a function.
pub const ACTION_CALL: &str = "call";
/// The action of a step that answers in words.
pub const ACTION_RESPOND: &str = "respond";

/// One curated episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// The episode's id, unique in a dataset.
    pub id: EpisodeId,
    /// The task attempted; trials of one task share it.
    pub task_id: String,
    /// The workflow that ran.
    pub workflow: String,
    /// The log format it came in: `native`, `messages` or `langfuse`.
    pub format: String,
    /// The agent that acted.
    pub agent: String,
    /// The field of work: a level's family, else what the log says, else the workflow.
    pub domain: String,
    /// The Function Quest level played, where the log says.
    pub level: Option<LevelRef>,
    /// How it ended: `ok`, `error`, `timeout`, `cancelled` or `truncated`.
    pub status: String,
    /// The sum of rewards or the outcome reward; None when the log has none.
    pub total_reward: Option<f64>,
    /// How good it was, in 0..=1: mean feedback, else the outcome reward, else 0.
    pub score: f64,
    /// What `score` rests on.
    pub scored_by: ScoredBy,
    /// Whether it may be imitated: of high quality by the dataset's rules.
    pub imitation: bool,
    /// Whether it may serve offline learning: successes and failures alike.
    pub offline: bool,
    /// Its part of the dataset.
    pub split: DataSplit,
    /// Its steps in order.
    pub steps: Vec<Step>,
}

impl Episode {
    /// How many training examples it gives: steps that call a function or answer in words.
    pub fn examples(&self) -> usize {
        self.steps.iter().filter(|step| step.is_example()).count()
    }
}

/// Which Function Quest level an episode was played on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelRef {
    /// The family, such as `symphony`.
    pub family: String,
    /// The level within the family.
    pub level: u32,
    /// The challenge within the level.
    pub challenge: u32,
    /// The seed that generated it.
    pub seed: u64,
    /// Its content digest: the structure without names and narrative.
    pub digest: Digest,
}

/// One step of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the episode, from 0.
    pub index: i32,
    /// `call`, `respond` or `observe`.
    pub action: String,
    /// The function called.
    pub tool: Option<String>,
    /// The arguments as JSON text: an object where the log holds one.
    pub args_json: Option<String>,
    /// What the call returned, as JSON text.
    pub result_json: Option<String>,
    /// What the agent saw before it acted, as JSON text.
    pub observation_json: Option<String>,
    /// The actions that were possible; empty when the log does not say.
    pub candidates: Vec<Candidate>,
    /// Index of the chosen action in `candidates`.
    pub chosen: Option<i32>,
    /// The probability with which the action was chosen, in (0, 1].
    pub propensity: Option<f32>,
    /// Which outcome the function had: 0 is the intended one.
    pub outcome: Option<i32>,
    /// The reward of this step.
    pub reward: Option<f64>,
    /// Whether the episode ended with this step.
    pub done: bool,
    /// The kind of error, if it failed.
    pub error: Option<String>,
    /// Digest of the tool definitions in force.
    pub tool_defs: Option<Digest>,
    /// The call that a person said should have been made instead, such as `create_plan(p1)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<String>,
}

impl Step {
    /// Whether the step is a training example: it calls a function or answers in words.
    pub fn is_example(&self) -> bool {
        self.action == ACTION_CALL || self.action == ACTION_RESPOND
    }
}

/// One action that was possible at a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The action, such as `create_plan(p1)`.
    pub id: String,
    /// The behaviour policy's score, in its own unit.
    pub score: Option<f32>,
    /// The probability with which the behaviour policy would have chosen it.
    pub propensity: Option<f32>,
}

/// What an episode's score rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoredBy {
    /// The mean of feedback by people or evaluators.
    Feedback,
    /// The outcome reward: there was no such feedback.
    Outcome,
    /// Nothing: the log has neither.
    Nothing,
}

impl ScoredBy {
    /// The word that files hold.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Outcome => "outcome",
            Self::Nothing => "nothing",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Feedback, Self::Outcome, Self::Nothing].into_iter().find(|s| s.as_str() == text)
    }
}

/// The part of a dataset that an episode belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSplit {
    /// What is learned from.
    Train,
    /// What choices during training are checked on.
    Validation,
    /// What the finished policy is checked on.
    Test,
}

/// Shares of train, validation and test in percent; they sum to 100.
pub type SplitShares = [u32; 3];

impl DataSplit {
    /// The split of a key. Episodes of one key (one level, one task, one cluster of duplicates) fall
    /// together, so that no twin of a training episode is tested on.
    pub fn of(split_key: u64, shares: SplitShares, seed: u64) -> Self {
        let total: u64 = shares.iter().map(|share| u64::from(*share)).sum();
        let draw = derive_seed(seed, &format!("dataset-split/{split_key}")) % total.max(1);
        let [train, validation, _] = shares.map(u64::from);
        if draw < train {
            Self::Train
        } else if draw < train + validation {
            Self::Validation
        } else {
            Self::Test
        }
    }

    /// The word that files hold.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Train, Self::Validation, Self::Test].into_iter().find(|s| s.as_str() == text)
    }
}
