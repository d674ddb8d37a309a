//! What one play of one level came to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::core::Digest;
#[cfg(doc)]
use crate::quest::Reasoning;

/// The result of one play: who played stands outside, the level and the seed stand inside, so two
/// agents' results pair by `(digest, play_seed)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpisodeResult {
    /// Content digest of the level.
    pub digest: Digest,
    /// Family of the level.
    pub family: String,
    /// Level grade.
    pub level: u32,
    /// Challenge within the level grade.
    pub challenge: u32,
    /// Seed from which the suite generated the level.
    pub level_seed: u64,
    /// Seed of the outcomes drawn in this play.
    pub play_seed: u64,
    /// Whether the goal was reached.
    pub success: bool,
    /// Calls used.
    pub calls: u32,
    /// The fewest calls that reach the goal when every call turns out as intended; only where proven.
    pub min_calls: Option<u32>,
    /// The least expected number of calls, on levels whose calls may fail; only where known.
    pub expected_calls: Option<f64>,
    /// Proven minimum over calls used, in \[0, 1\]; only for successes on levels with a proven minimum.
    pub efficiency: Option<f64>,
    /// Share of the goal that held at the end, in \[0, 1\].
    pub goal_progress: f64,
    /// Sum of the rewards of the play.
    pub reward: f64,
    /// Whether a forbidden call was made; such a play is never a success.
    #[serde(default)]
    pub violated: bool,
    /// Share of the calls that followed from what was known, in \[0, 1\] ([`Reasoning::score`]);
    /// none in records of before it was looked at.
    #[serde(default)]
    pub reasoning: Option<f64>,
    /// Why it failed; none for a success.
    pub failure: Option<Failure>,
}

impl EpisodeResult {
    /// What two results must share to be a pair: the level and the seed of the play.
    pub fn pair_key(&self) -> (Digest, u64) {
        (self.digest, self.play_seed)
    }
}

/// Efficiency of a success with `calls`: expected calls where the level is stochastic, else the
/// proven minimum, over the calls used, at most 1. None where nothing is proven or no call was made.
pub fn efficiency(calls: u32, min_calls: Option<u32>, expected: Option<f64>) -> Option<f64> {
    let least = expected.filter(|e| e.is_finite()).or(min_calls.map(f64::from))?;
    (calls > 0).then(|| (least / f64::from(calls)).clamp(0.0, 1.0))
}
