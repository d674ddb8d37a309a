//! What was really written: the counts that a pipeline must arrive at.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fakes::FakeKind;
use crate::core::{Digest, LogicalDate};

/// Format of the truth file.
pub const TRUTH_SCHEMA: &str = "fqm-truth/1";

/// Kinds of broken lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokenKind {
    /// A line that breaks off in the middle.
    Truncated,
    /// A line that is no JSON at all.
    Garbage,
    /// A line that is no UTF-8.
    InvalidUtf8,
    /// A record of a type that nobody knows.
    UnknownType,
    /// A step whose index is a word.
    WrongType,
    /// A step with a propensity above one.
    BadValue,
}

impl BrokenKind {
    /// All kinds, in the order in which they are injected.
    pub const ALL: [BrokenKind; 6] = [
        BrokenKind::Truncated,
        BrokenKind::Garbage,
        BrokenKind::InvalidUtf8,
        BrokenKind::UnknownType,
        BrokenKind::WrongType,
        BrokenKind::BadValue,
    ];
}

/// Where a fake value was hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the attributes of an episode.
    EpisodeAttrs,
    /// In the attributes of a step.
    StepAttrs,
    /// In what a function returned.
    ToolResult,
    /// In the words of a feedback.
    Feedback,
    /// In a line that no reader can read.
    BrokenLine,
}

/// One hidden value; the value itself comes from [`injections`](super::injections).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InjectedValue {
    /// What it looks like.
    pub kind: FakeKind,
    /// Digest of the value's bytes.
    pub digest: Digest,
    /// Where it was hidden.
    pub place: Place,
}

/// One file of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTruth {
    /// Path below the log folder.
    pub path: String,
    /// Lines, the broken ones included.
    pub lines: u64,
    /// Bytes of the lines before compression.
    pub plain_bytes: u64,
    /// Digest of the file as written.
    pub digest: Digest,
}

/// How a behaviour did on the day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTruth {
    /// Episodes played, copies not included.
    pub episodes: u64,
    /// Episodes that reached the goal.
    pub successes: u64,
}

/// The truth about one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayTruth {
    /// `fqm-truth/1`.
    pub schema: String,
    /// The day.
    pub date: LogicalDate,
    /// Seed of the simulation.
    pub seed: u64,
    /// Rows of the episodes table: distinct episode ids, copies included.
    pub episodes: u64,
    /// Rows of the steps table: distinct event ids, copies included.
    pub steps: u64,
    /// Rows of the feedback table: distinct feedback ids.
    pub feedback: u64,
    /// Episodes that repeat another one's trajectory: copy, original.
    pub copied_episodes: BTreeMap<String, String>,
    /// Lines written a second time, byte for byte.
    pub repeated_lines: u64,
    /// Broken lines by kind.
    pub broken_lines: BTreeMap<BrokenKind, u64>,
    /// Hidden values, in the order of [`injections`](super::injections).
    pub values: Vec<InjectedValue>,
    /// Episodes and successes by agent.
    pub agents: BTreeMap<String, AgentTruth>,
    /// The day's log files.
    pub files: Vec<FileTruth>,
}
