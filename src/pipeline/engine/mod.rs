//! Engines past this process: something else starts the steps of a run (Slurm, Airflow), on this machine
//! or another. Plan and program are the same everywhere; only who starts `fqm-pipe step exec` differs.
//!
//! What engine and workers say of a step is a hint. The truth is in the store: a worker claims its step,
//! works, and publishes how it ended by create-if-absent (see [`Exchange`]), so that a worker that was
//! thought dead, or started twice, changes nothing.

mod airflow;
mod follow;
mod kubernetes;
mod slurm;
mod worker;

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::exchange::Handle;
use super::spec::{Duration, Needs};

pub use airflow::{Airflow, dag};
pub use follow::{FollowError, begin, finish, run_on};
pub use kubernetes::{Pod, manifests};
pub use slurm::Slurm;
pub use worker::{Worker, WorkerError};

/// Something that starts the steps of a run.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Its name, as `--engine` has it.
    fn name(&self) -> &'static str;

    /// Whether it starts a step again by itself whose worker died.
    fn restarts(&self) -> bool {
        false
    }

    /// Has steps started, each after those it names. What was submitted before under the same attempt is
    /// not submitted again.
    ///
    /// # Errors
    /// When the engine does not take them.
    async fn submit(&self, handle: &Handle, tasks: &[Task]) -> Result<(), EngineError>;

    /// What the engine knows of the steps that were submitted, by step and attempt.
    ///
    /// # Errors
    /// When the engine does not answer: then nothing is known of any.
    async fn look(&self, handle: &Handle) -> Result<BTreeMap<(String, u32), Sight>, EngineError>;

    /// Ends what still waits or runs.
    ///
    /// # Errors
    /// When the engine does not answer. The workers see that the run is ended all the same.
    async fn cancel(&self, handle: &Handle) -> Result<(), EngineError>;
}

/// A step for an engine.
#[derive(Clone, Debug)]
pub struct Task {
    /// The step's id.
    pub step: String,
    /// Counted from 1: a step whose worker was lost is submitted again under the next number.
    pub attempt: u32,
    /// The steps that must end well before, of those that were submitted.
    pub after: Vec<String>,
    /// What it needs.
    pub needs: Needs,
    /// The longest that its worker should take, with all attempts.
    pub limit: Option<Duration>,
}

/// What an engine says of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It has not started.
    Waiting,
    /// It runs.
    Running,
    /// It has ended, or never will start.
    Ended(String),
}

/// An engine that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What is wrong and what to do.
    pub message: String,
    /// Whether trying again later may help.
    pub temporary: bool,
}

impl EngineError {
    fn temporary(message: impl ToString) -> Self {
        Self { message: message.to_string(), temporary: true }
    }

    fn setup(message: impl ToString) -> Self {
        Self { message: message.to_string(), temporary: false }
    }
}

/// The command line of a worker.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// Where `fqm-pipe` lies on the machine of the worker.
    pub program: String,
    /// The workspace there.
    pub workspace: String,
}

impl WorkerCommand {
    /// The command as a shell reads it, with more arguments.
    pub fn with(&self, arguments: &[&str]) -> String {
        let words = [self.program.as_str(), "--workspace", self.workspace.as_str()];
        let words = words.iter().chain(arguments).map(|word| quoted(word));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
