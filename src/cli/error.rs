//! Every failure at the edge: what kind it is decides the exit code.

use crate::core::{PlaceError, StoreError};
use crate::pipeline::{LockError, PlanError, StateError};
use crate::workspace::WorkspaceError;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The command line makes no sense in this workspace.
    Usage,
    /// A file of the workspace, or its place, is wrong.
    Config,
    /// A gate refused what a person asked for.
    Gate,
    /// Trying again later may help.
    Temporary,
    /// Standard output does not take what is written to it.
    Output,
    /// A fault of this program.
    Internal,
}

/// A failed command. The message reads after "failed to".
#[derive(Debug)]
pub(super) struct CliError {
    pub kind: Kind,
    pub message: String,
    /// The place in a file, where the fault has one.
    pub place: Option<Box<PlaceError>>,
}

impl CliError {
    pub(super) fn new(kind: Kind, message: impl ToString) -> Self {
        Self { kind, message: message.to_string(), place: None }
    }

    /// A failure that somebody has told of already.
    pub(super) fn told(kind: Kind) -> Self {
        Self::new(kind, "")
    }

    pub(super) fn usage(message: impl ToString) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(super) fn config(message: impl ToString) -> Self {
        Self::new(Kind::Config, message)
    }

    pub(super) fn temporary(message: impl ToString) -> Self {
        Self::new(Kind::Temporary, message)
    }

    pub(super) fn internal(message: impl ToString) -> Self {
        Self::new(Kind::Internal, message)
    }

    pub(super) fn exit(&self) -> i32 {
        match self.kind {
            Kind::Usage | Kind::Config => 2,
            Kind::Gate => 4,
            Kind::Internal => 70,
            Kind::Output => 74,
            Kind::Temporary => 75,
        }
    }
}

impl From<PlaceError> for CliError {
    fn from(place: PlaceError) -> Self {
        Self { kind: Kind::Config, message: place.to_string(), place: Some(Box::new(place)) }
    }
}

impl From<WorkspaceError> for CliError {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::Place(place) => Self::from(*place),
            other => Self::config(other),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let kind = if error.is_temporary() { Kind::Temporary } else { Kind::Config };
        Self::new(kind, error)
    }
}

impl From<StateError> for CliError {
    fn from(error: StateError) -> Self {
        let kind = match error {
            StateError::Open { .. } | StateError::Newer { .. } => Kind::Config,
            StateError::Leased { .. } | StateError::Fenced { .. } => Kind::Temporary,
            _ => Kind::Internal,
        };
        Self::new(kind, error)
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        let kind = match error {
            LockError::Held { .. } => Kind::Temporary,
            LockError::File { .. } => Kind::Config,
        };
        Self::new(kind, error)
    }
}

impl From<PlanError> for CliError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::State(state) => Self::from(state),
            PlanError::BeforeStart { .. } => Self::usage(error),
            PlanError::Alias { temporary: true, .. } => Self::new(Kind::Temporary, error),
            PlanError::Alias { .. } => Self::config(error),
            PlanError::Missing(_) | PlanError::Damaged { .. } => Self::usage(error),
            PlanError::Encode(_) => Self::internal(error),
        }
    }
}
