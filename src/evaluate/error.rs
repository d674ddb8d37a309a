//! What can go wrong in an evaluation.

use crate::quest::{AgentError, GroundError, SuiteError};

/// An evaluation that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// No family and grade of the suite fits the request.
    #[error(
        "choose levels: the suite has no level grade {levels:?} in each of the families \
         {families:?}; it has the families {known:?}"
    )]
    NothingToPlay {
        /// Families asked for; none means all.
        families: Vec<String>,
        /// Level grades asked for; none means all.
        levels: Vec<u32>,
        /// Families of the suite.
        known: Vec<String>,
    },
    /// The suite could not give the levels.
    #[error("draw the levels of {family} level {level} challenge {challenge}: {source}")]
    Draw {
        /// Family asked for.
        family: String,
        /// Level grade asked for.
        level: u32,
        /// Challenge asked for.
        challenge: u32,
        /// What the suite said.
        source: SuiteError,
    },
    /// A level could not be grounded.
    #[error("ground the level {id}: {source}")]
    Ground {
        /// Id of the level.
        id: String,
        /// What grounding said.
        source: GroundError,
    },
    /// The agent failed.
    #[error("let the agent {name} act: {source}")]
    Agent {
        /// The agent's name.
        name: String,
        /// What it said.
        source: AgentError,
    },
    /// The agent answered for more or fewer plays than it was asked.
    #[error("let the agent {name} act: it gave {given} choices for {asked} plays")]
    Choices {
        /// The agent's name.
        name: String,
        /// Choices given.
        given: usize,
        /// Plays shown.
        asked: usize,
    },
}
