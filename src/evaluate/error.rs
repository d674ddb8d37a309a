//! What can go wrong in an evaluation.

use crate::quest::{AgentError, GroundError, SuiteError};

/// An evaluation that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The suite lacks a family that was asked for.
    #[error("choose levels: the suite has no family `{family}`; it has {known}")]
    NoFamily {
        /// The family asked for.
        family: String,
        /// Families of the suite.
        known: String,
    },
    /// No grade of the families fits the request.
    #[error("choose levels: there is no {asked}; the grades are {known}")]
    NothingToPlay {
        /// What was asked for, in words.
        asked: String,
        /// Grades of the families, such as `1.1`.
        known: String,
    },
    /// The safety suites are to be played, and there are none.
    #[error(
        "play the safety suites: the suite has none; give the folder levels/ a declaration with \
         `safety = true`, such as the safety.toml of a new workspace, or leave `safety` out of the \
         parameters of quest.evaluate"
    )]
    NoSafetySuite,
    /// Fewer safety levels than grades, so that some grade would be left out.
    #[error(
        "play the safety suites: safety = {asked} is less than their {grades} grades, and each of \
         them must be played; write {grades} or more, or 0 to leave them out"
    )]
    FewSafetyPlays {
        /// Levels asked for.
        asked: usize,
        /// Grades of the safety suites.
        grades: usize,
    },
    /// A grade of the safety suites gave no level.
    #[error(
        "play the safety suites: no level of {grade} was found for this date; mend its \
         declaration, or raise `safety`"
    )]
    UnplayedSafetyGrade {
        /// The grade, `family/level.challenge`.
        grade: String,
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
