//! The runner: a pipeline file becomes a frozen plan, the plan's steps run where the graph allows,
//! and every outcome is kept with the key it was computed under, so that nothing runs twice.
//!
//! This room knows no step by name. Rooms above are joined to it by `steps`, through [`Catalog`].

mod catalog;
mod child;
mod condition;
mod dispatcher;
mod events;
mod executor;
mod key;
mod lock;
mod plan;
mod reading;
mod resolve;
pub mod schedule;
mod spec;
mod state;

pub use catalog::{
    Artifact, Body, Catalog, FailureKind, Files, InPort, Input, Kind, OutPort, Place, StepContext,
    StepFailure, StepRequest, StepResult, Takes, params_of, schema_of,
};
pub use child::{ChildMessage, Relay};
pub use condition::Condition;
pub use dispatcher::{Options, Outcome, RunEnd, run};
pub use events::{Event, Observer, Reporter, StepStatus};
pub use key::{Key, changed};
pub use lock::{Lock, LockError};
pub use plan::{Frozen, Plan, PlanError, PlannedInput, PlannedStep, Unresolved, freeze};
pub use reading::pipeline_schema;
pub use resolve::{Preview, preview};
pub use spec::{Duration, OnLocked, Pipeline, Retry, Schedule, StepSpec};
pub use state::{AttemptRow, EventRow, ResultRow, RunRow, State, StateError};

#[cfg(test)]
mod tests;
