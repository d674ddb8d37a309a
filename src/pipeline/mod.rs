//! The runner: a pipeline file becomes a frozen plan, the plan's steps run where the graph allows,
//! and every outcome is kept with the key it was computed under, so that nothing runs twice.
//!
//! This room knows no step by name. Rooms above are joined to it by `steps`, through [`Catalog`].

mod catalog;
mod child;
mod condition;
mod dispatcher;
pub mod engine;
mod events;
mod exchange;
mod executor;
mod graph;
mod job;
mod key;
mod keying;
mod lock;
mod options;
mod param;
mod plan;
mod process;
mod reading;
mod resolve;
pub mod schedule;
mod signals;
mod spec;
mod state;
mod stop;
mod texts;
mod upgrade;

pub use catalog::{
    Artifact, Body, Catalog, FailureKind, Files, InPort, Input, Kind, OutPort, Place, StepContext,
    StepFailure, StepRequest, StepResult, Takes, params_of, schema_of,
};
pub use child::{ChildMessage, Relay, end_with_parent, serve_step};
pub use condition::Condition;
pub use dispatcher::run;
pub use events::{Event, Observer, Reporter, StepStatus};
pub use exchange::{Exchange, Handle, Handover, StepOutcome};
pub use key::{Change, Key, changes};
pub use lock::{Lock, LockError};
pub use options::{Force, Options, Outcome, Programs, RunEnd, Selection, Setting};
pub use param::Param;
pub use plan::{Frozen, Plan, PlanError, PlannedInput, PlannedStep, Unresolved, freeze};
pub use process::{Process, Usage};
pub use reading::pipeline_schema;
pub use resolve::{Preview, preview};
pub use spec::{
    Approve, Budget, By, Check, Duration, Level, Needs, Notify, Occasion, OnLocked, Pipeline,
    Retry, Schedule, Source, StepSpec, Trigger,
};
pub use state::{AttemptRow, EventRow, Fence, Gate, NewRun, ResultRow, RunRow, State, StateError};
pub use upgrade::{Raised, upgraded};

#[cfg(test)]
mod schedule_tests;
#[cfg(test)]
mod tests;
