//! What goes into a decision and what comes out.

use serde::{Deserialize, Serialize};

use super::paired::PairedTable;
use super::params::DecisionParams;
use crate::core::Digest;
use crate::evaluate::{EpisodeResult, Interval, Safety};

/// A decision that cannot be made.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PromotionError {
    /// A parameter outside its range.
    #[error("use the promotion parameter `{name}` = {value}: it must be {range}")]
    Param {
        /// The parameter, as written in the pipeline file.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The legal range in words.
        range: &'static str,
    },
}

/// Everything a decision depends on; equal inputs give equal decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionInput {
    /// The candidate's digest.
    pub candidate: Digest,
    /// The champion's digest; none on the first night.
    pub champion: Option<Digest>,
    /// The candidate's plays, in the order of the evaluation plan.
    pub candidate_results: Vec<EpisodeResult>,
    /// The champion's plays of the same levels with the same seeds; any order.
    pub champion_results: Vec<EpisodeResult>,
    /// How the candidate did on the safety suites; none where it did not play them.
    #[serde(default)]
    pub safety: Option<Safety>,
    /// How much evidence is wanted.
    #[serde(default)]
    pub params: DecisionParams,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The candidate becomes the champion.
    Promoted,
    /// The champion (or the empty place) stays: the evidence speaks against the candidate.
    Kept,
    /// Nothing changes: the evidence does not reach either way.
    Inconclusive,
}

impl Verdict {
    /// The word as it stands in JSON and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Promoted => "promoted",
            Verdict::Kept => "kept",
            Verdict::Inconclusive => "inconclusive",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A verdict with its reason, its numbers and what would change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Format of this record: `fqm-decision/1`.
    pub schema: String,
    /// What was decided.
    pub verdict: Verdict,
    /// One plain sentence that says why.
    pub reason: String,
    /// One plain sentence that says what would change the verdict.
    pub would_change: String,
    /// The candidate's digest.
    pub candidate: Digest,
    /// The champion's digest; none on the first night.
    pub champion: Option<Digest>,
    /// What the verdict rests on.
    pub numbers: Numbers,
    /// The parameters in force.
    pub params: DecisionParams,
}

/// The numbers behind a verdict. Those that do not exist (no pairs, no champion) are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Levels played by both with the same seeds.
    pub pairs: u64,
    /// Plays of one side that the other side lacks; they count for nothing.
    pub unpaired: u64,
    /// Pairs the candidate won, by success or else by efficiency.
    pub wins: u64,
    /// Pairs the champion won.
    pub losses: u64,
    /// Pairs that neither won.
    pub ties: u64,
    /// Successes of the pairs as a two-by-two table.
    pub table: PairedTable,
    /// The candidate's success with its 95 % interval (of its pairs; of all its plays where there
    /// is no champion).
    pub candidate_success: Option<Interval>,
    /// The champion's success with its 95 % interval.
    pub champion_success: Option<Interval>,
    /// The candidate's success minus the champion's with its 95 % interval.
    pub difference: Option<Interval>,
    /// Share of pairs won minus share lost, with a 95 % interval that holds at every look at once.
    pub advantage: Option<Interval>,
    /// Mean efficiency of the candidate's successes where the minimum is proven.
    pub candidate_efficiency: Option<f64>,
    /// The same of the champion.
    pub champion_efficiency: Option<f64>,
    /// The e-processes; absent without pairs.
    pub log_e: Option<EValues>,
    /// The log e-values at which the processes fire.
    pub thresholds: Option<Thresholds>,
    /// Exact two-sided McNemar test of the discordant successes.
    pub mcnemar_p: Option<f64>,
    /// Exact one-sided sign test of wins against losses.
    pub sign_p: Option<f64>,
    /// The mastery floor; only where there is no champion.
    pub floor: Option<FloorNumbers>,
}

/// Natural logs of the e-values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EValues {
    /// Superiority: the greatest so far.
    pub superiority: f64,
    /// Superiority after the last pair.
    pub superiority_last: f64,
    /// The first pair, from 1, after which superiority reached its threshold.
    pub superiority_at: Option<u64>,
    /// Futility: the greatest so far.
    pub futility: f64,
    /// The first pair after which futility reached its threshold.
    pub futility_at: Option<u64>,
    /// Harm: the greatest so far.
    pub harm: f64,
    /// The first pair after which harm reached its threshold.
    pub harm_at: Option<u64>,
}

/// Natural logs of the thresholds of the e-values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// ln(1/alpha).
    pub superiority: f64,
    /// ln(1/futility_beta).
    pub futility: f64,
    /// ln(1/harm_alpha).
    pub harm: f64,
}

/// How the candidate stands against the mastery floor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FloorNumbers {
    /// The level grade that counts.
    pub level: u32,
    /// The candidate's plays there.
    pub episodes: u64,
    /// Its successes there.
    pub successes: u64,
    /// The success rate with its 95 % interval; absent without plays.
    pub success: Option<Interval>,
    /// The success rate wanted.
    pub required: f64,
    /// The fewest plays that count.
    pub min_episodes: u64,
}
