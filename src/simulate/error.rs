//! What can go wrong while days are played.

use crate::core::LogicalDate;
use crate::evaluate::EvaluateError;
use crate::quest::{AgentError, GroundError, StepError};

/// A simulation that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A parameter outside its range.
    #[error("simulate days: `{name}` {problem}")]
    Param {
        /// The parameter.
        name: &'static str,
        /// What is wrong, and what is right.
        problem: String,
    },
    /// The levels of a day could not be drawn.
    #[error("draw the levels of {date}: {source}")]
    Levels {
        /// The day.
        date: LogicalDate,
        /// What was wrong.
        source: EvaluateError,
    },
    /// A level could not be grounded.
    #[error("ground the level {id}: {source}")]
    Ground {
        /// Id of the level.
        id: String,
        /// What grounding said.
        source: GroundError,
    },
    /// An agent failed.
    #[error("let the agent {name} act: {source}")]
    Agent {
        /// The agent's name.
        name: String,
        /// What it said.
        source: AgentError,
    },
    /// An agent chose what cannot be played.
    #[error("play the choice of the agent {name}: {problem}")]
    Choice {
        /// The agent's name.
        name: String,
        /// What was wrong with it.
        problem: String,
    },
    /// A line could not be written as JSON.
    #[error("write a log line: {0}")]
    Json(#[from] serde_json::Error),
    /// The place where the logs go refused them.
    #[error("write {path}: {source}")]
    Sink {
        /// Path below the log folder.
        path: String,
        /// What the place said.
        source: std::io::Error,
    },
}

impl SimulateError {
    pub(super) fn choice(name: &str, problem: impl Into<String>) -> Self {
        SimulateError::Choice { name: name.to_owned(), problem: problem.into() }
    }

    pub(super) fn step(name: &str, error: &StepError) -> Self {
        SimulateError::choice(name, error.to_string())
    }
}
