//! `policy.search`: successive halving over parameters of the training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finetune;
use crate::pipeline::{Kind, params_of, schema_of};
use crate::policy::FinetuneParams;

/// The kind. It takes and makes what `policy.finetune` does, so either can stand for the other.
pub const KIND: Kind = Kind {
    name: "policy.search",
    version: 1,
    summary: "trains with many parameters, goes on with the better ones, and keeps the best",
    params: params_of::<TuneParams>,
    schema: schema_of::<TuneParams>,
    ..finetune::KIND
};

/// What is tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TuneParams {
    /// The parameters that the first trial has, and the others where the space does not say.
    /// `trainer.max_states` is what the last trial may see.
    pub base: FinetuneParams,
    /// What is drawn.
    pub space: Space,
    /// Trials to begin with.
    pub trials: usize,
    /// One trial in so many goes on, with as many times the states.
    pub keep: usize,
    /// Levels of the validation split that every trial plays.
    pub plays: usize,
    /// Their families; all where none is named.
    pub families: Vec<String>,
    /// Their level grades; all where none is named.
    pub grades: Vec<u32>,
}

impl Default for TuneParams {
    fn default() -> Self {
        Self {
            base: FinetuneParams::default(),
            space: Space::default(),
            trials: 9,
            keep: 3,
            plays: 200,
            families: Vec::new(),
            grades: Vec::new(),
        }
    }
}

/// From where parameters are drawn; what is left out stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Space {
    /// Peak learning rate.
    pub learning_rate: Option<Range>,
    /// Weight of the divergence from the champion to begin with.
    pub guard_beta: Option<Range>,
    /// Share of replay, of the guard and of practice.
    pub replay: Option<Range>,
    /// Rounds of message passing. A champion with another number cannot be continued.
    pub rounds: Vec<usize>,
}

impl Default for Space {
    fn default() -> Self {
        Self {
            learning_rate: Some(Range(5e-4, 6e-3)),
            guard_beta: Some(Range(0.01, 1.0)),
            replay: Some(Range(0.1, 0.5)),
            rounds: Vec::new(),
        }
    }
}

/// From the one number to the other, evenly on a logarithmic scale; both are positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Range(pub f64, pub f64);

impl Range {
    /// The number at a share of the way, 0 to 1.
    pub fn between(self, share: f64) -> f64 {
        let (low, high) = (self.0.max(1e-12).ln(), self.1.max(1e-12).ln());
        (low + share * (high - low)).exp()
    }
}

/// One training of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// The rung, from 0.
    pub rung: usize,
    /// States that it was allowed to see.
    pub states: usize,
    /// Share of plays won, and a hundredth of their efficiency.
    pub score: f64,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Rounds of message passing.
    pub rounds: usize,
    /// Weight of the guard to begin with.
    pub guard_beta: f64,
    /// Share of replay.
    pub replay: f64,
}
