//! How a plan is run, and how a run ended. Nothing of it is part of the plan or of a key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::catalog::{Artifact, Catalog};
use super::events::StepStatus;
use super::state::{Fence, State};
use crate::core::Blobs;
use crate::workspace::Workspace;

/// What a run works with.
pub struct Setting<'a> {
    /// The step kinds.
    pub catalog: Arc<dyn Catalog>,
    /// What is kept of earlier runs, and where this one is written down.
    pub state: &'a State,
    /// The places of the workspace.
    pub workspace: &'a Workspace,
    /// The blobs of the store.
    pub blobs: &'a Blobs,
}

/// How a plan is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many steps at a time.
    pub jobs: usize,
    /// Which steps run although their result is kept.
    pub force: Force,
    /// Which steps belong to the run.
    pub select: Selection,
    /// Which programs children are.
    pub programs: Programs,
    /// The right to write what the run's lock guards.
    pub fence: Option<Fence>,
    /// What started the run, for people.
    pub cause: String,
    /// How long steps may take to end when the run is ended.
    pub grace: Duration,
    /// The run that this one goes on with, where an engine still works on it.
    pub attach: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            jobs: 2,
            force: Force::None,
            select: Selection::default(),
            programs: Programs::default(),
            fence: None,
            cause: "a person".to_owned(),
            grace: Duration::from_secs(10),
            attach: None,
        }
    }
}

/// Which programs the children of a run are.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// Where `fqm-torch` may lie, in order.
    pub torch: Vec<PathBuf>,
    /// Where `fqm-pipe` itself lies.
    pub own: Vec<PathBuf>,
    /// What a child's environment gets, so that its results repeat.
    pub variables: Vec<(String, String)>,
}

/// Which steps run although their result is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Force {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those of these ids.
    Steps(BTreeSet<String>),
}

impl Force {
    /// Whether a step is forced.
    pub fn covers(&self, step: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Steps(steps) => steps.contains(step),
        }
    }
}

/// A part of a pipeline: all steps where both lists are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// These and all that need them. Steps before them give the results that they have.
    pub from: Vec<String>,
    /// These and all that they need.
    pub until: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every step is done or a hit.
    Ok,
    /// A step failed.
    Failed,
    /// A step, or the run, took too long.
    Timeout,
    /// There was not enough data.
    Skipped,
    /// A signal ended it.
    Interrupted(i32),
}

impl RunEnd {
    /// The word in the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed | Self::Timeout => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted(_) => "interrupted",
        }
    }

    /// The exit code: 0, 1, 99, 124, 130 or 143.
    pub fn exit(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Skipped => 99,
            Self::Timeout => 124,
            Self::Interrupted(signal) => 128 + signal,
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run's id.
    pub run: String,
    /// How it ended.
    pub end: RunEnd,
    /// How each step ended.
    pub steps: BTreeMap<String, StepStatus>,
    /// The outputs of the steps that have them.
    pub outputs: BTreeMap<String, BTreeMap<String, Artifact>>,
}
