//! Why a suite cannot be read or drawn from.

use std::path::PathBuf;

use crate::core::PlaceError;
use crate::quest::level::Split;

/// Why a suite cannot be read or drawn from.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A file or folder cannot be read.
    #[error("read suite {}: {source}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A declaration or a hand-written level is wrong, or the level not fit for use.
    #[error(transparent)]
    Place(Box<PlaceError>),
    /// No such family or grade.
    #[error("draw levels: the suite has no {what}; known are {known}")]
    Unknown {
        /// What was asked for.
        what: String,
        /// What there is.
        known: String,
    },
    /// Too few distinct levels of this split were found.
    #[error(
        "draw levels of {grade}: found {found} of {wanted} distinct {split:?} levels among {tries} \
         seeds; ask for fewer, or widen the grade's knobs{}",
        refused.as_ref().map_or_else(String::new, |why| format!(" (the last was refused: {why})"))
    )]
    Exhausted {
        /// Family and grade.
        grade: String,
        /// The split.
        split: Split,
        /// How many were found.
        found: usize,
        /// How many were asked for.
        wanted: usize,
        /// Seeds tried.
        tries: usize,
        /// Why the last candidate was not taken, if one was not.
        refused: Option<String>,
    },
    /// The seed makes no level that the grade accepts.
    #[error("make the level of {grade}, seed {seed}: {problem}")]
    Rejected {
        /// Family and grade.
        grade: String,
        /// The seed.
        seed: u64,
        /// Why it is not accepted.
        problem: String,
    },
}
