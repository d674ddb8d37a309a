//! `policy.finetune`: a dataset and the champion's weights into a challenger's checkpoint.

use serde::{Deserialize, Serialize};

use super::tune::Trial;
use crate::core::Digest;
use crate::evaluate::{Advance, Grade};
use crate::pipeline::{InPort, Kind, OutPort, Place, Takes, params_of, schema_of};
use crate::policy::{BaselineReport, EpochMetrics, FinetuneParams, RewardReport};

/// The kind.
pub const KIND: Kind = Kind {
    name: "policy.finetune",
    version: 2,
    summary: "trains the policy on curated episodes and by practice, from the champion where there is one",
    inputs: &[
        InPort { name: "dataset", takes: Takes::Artifact("dataset"), optional: false },
        InPort { name: "base", takes: Takes::Alias, optional: true },
        InPort { name: "levels", takes: Takes::Files, optional: true },
        InPort { name: "hard", takes: Takes::Artifact("levels"), optional: true },
    ],
    outputs: &[OutPort { name: "checkpoint", makes: "checkpoint" }],
    place: Place::Torch,
    effect: false,
    params: params_of::<FinetuneParams>,
    schema: schema_of::<FinetuneParams>,
};

/// A trained checkpoint: the blobs of its files and how the training went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainedModel {
    /// The format of this document.
    pub format: String,
    /// The weights: safetensors.
    pub model: Digest,
    /// The configuration: JSON.
    pub config: Digest,
    /// The dataset.
    pub dataset: Digest,
    /// The variant it started from.
    pub base: Option<Digest>,
    /// The learning curve.
    pub curve: Vec<EpochMetrics>,
    /// The pass whose weights were kept, counted from 1.
    pub best_epoch: usize,
    /// Training examples by the way they were lifted.
    pub replayed: u64,
    /// Examples of episodes without a known level: the target is the next function.
    pub from_history: u64,
    /// Episodes that could not be lifted, and why: reason → count.
    pub not_lifted: std::collections::BTreeMap<String, u64>,
    /// On held-out episodes without a known level.
    pub next_function: Option<NextFunctionReport>,
    /// Examples of the first round by what taught them.
    #[serde(default)]
    pub taught: std::collections::BTreeMap<String, u64>,
    /// How well feedback is foretold from episodes, where there is enough of it.
    #[serde(default)]
    pub feedback: Option<RewardReport>,
    /// What practice came to, where it was among the learners.
    #[serde(default)]
    pub practice: Option<PracticeReport>,
    /// What a search over parameters tried, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Vec<Trial>>,
}

/// What practice came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PracticeReport {
    /// Mastered grades, and all of them.
    pub mastered: (usize, usize),
    /// The first grade of each family that is not mastered; none where its target is reached.
    pub frontiers: std::collections::BTreeMap<String, Option<Grade>>,
    /// Grades that were mastered or lost this night.
    pub moves: Vec<Advance>,
    /// Levels that broke the champion and were practised on.
    pub hard: u64,
}

/// How well the next function is foretold on held-out episodes without a known level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NextFunctionReport {
    /// Held-out choices.
    pub choices: u64,
    /// The share that the policy gets right.
    pub policy: f64,
    /// What simple baselines get right on the same choices.
    pub baselines: BaselineReport,
}
