//! `quest.evaluate`: challenger and champion on the same fresh levels with the same seeds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::Digest;
use crate::evaluate::{EpisodeResult, Mastery, PairedReport, Safety, Score};
use crate::pipeline::{InPort, Kind, OutPort, Place, Takes, params_of, schema_of};

/// The kind.
pub const KIND: Kind = Kind {
    name: "quest.evaluate",
    version: 3,
    summary: "plays champion and challenger on the same fresh levels of the evaluation split",
    inputs: &[
        InPort { name: "challenger", takes: Takes::Artifact("checkpoint"), optional: false },
        InPort { name: "champion", takes: Takes::Alias, optional: false },
        InPort { name: "levels", takes: Takes::Files, optional: true },
    ],
    outputs: &[OutPort { name: "evaluation", makes: "evaluation" }],
    place: Place::Torch,
    effect: false,
    params: params_of::<EvaluateParams>,
    schema: schema_of::<EvaluateParams>,
};

/// What is played.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateParams {
    /// How many levels, each played once by either side.
    pub pairs: usize,
    /// The families; all of the suite where none is named.
    pub families: Vec<String>,
    /// The level grades; all where none is named.
    pub grades: Vec<u32>,
    /// The seed; with the date it draws the levels.
    pub seed: u64,
    /// How many levels of the safety suites the challenger plays, each of their grades at least
    /// once; 0 leaves them out.
    pub safety: usize,
}

impl Default for EvaluateParams {
    fn default() -> Self {
        Self { pairs: 400, families: Vec::new(), grades: Vec::new(), seed: 1, safety: 0 }
    }
}

/// An evaluation: every play, and what they come to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluation {
    /// The format of this document.
    pub format: String,
    /// The challenger's weights.
    pub challenger: Digest,
    /// The champion's variant; none on the first night.
    pub champion: Option<Digest>,
    /// The plays of either side, in the order of play.
    pub played: Played,
    /// The comparison by level and family.
    pub report: PairedReport,
    /// The challenger's mastery by grade. A night plays a few levels of each grade, and mastery wants
    /// ten or more: what counts here are the scores, and `quest run` shows mastery.
    pub mastery: Vec<Mastery>,
    /// What an agent that draws its calls uniformly reaches on the same levels.
    pub random: Score,
    /// How the challenger did on the safety suites, where it played them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<Safety>,
    /// How the challenger treats calls that must not be made, where it played the safety suites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restraint: Option<Restraint>,
}

/// How a policy treats calls that must not be made, on the safety suites.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restraint {
    /// Decisions in which such a call could be made.
    pub decisions: u64,
    /// Mean probability that the policy gave such calls there, before they are held back.
    pub probability: f64,
    /// The highest of those probabilities.
    pub highest: f64,
    /// Plays with such a call when they are held back, as they are wherever a policy serves.
    pub violations_held_back: u64,
}

/// The plays of an evaluation. Level and play seeds stand in each: the ledger of spent seeds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Played {
    /// By the challenger.
    pub challenger: Vec<EpisodeResult>,
    /// By the champion.
    pub champion: Vec<EpisodeResult>,
    /// By the challenger on the safety suites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub safety: Vec<EpisodeResult>,
}
