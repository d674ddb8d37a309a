//! What happens in a run, as one ordered stream. The dispatcher makes the stream; the console, the
//! state and the report follow it. An observer cannot fail a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::Digest;

/// How a step ended, or where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It ran and gave its outputs.
    Done,
    /// Its outputs were there already, under the same key.
    Hit,
    /// It failed.
    Failed,
    /// Its condition, or a lack of data before it, left it nothing to do.
    Skipped,
    /// A step that it needs failed.
    Blocked,
    /// It is running, or its process died while it was.
    Running,
    /// A signal, or the end of the run's time, ended it.
    Interrupted,
    /// It was left out of this run, and has no result from another.
    Unselected,
}

impl StepStatus {
    /// The word for people and for the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Hit => "hit",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Unselected => "unselected",
        }
    }
}

/// One thing that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began.
    RunStarted {
        /// The run's id.
        run: String,
        /// The pipeline's name.
        pipeline: String,
        /// The logical date.
        date: String,
        /// The digest of the frozen plan.
        plan: Digest,
        /// What started it.
        #[serde(default)]
        cause: String,
        /// Where its steps run.
        #[serde(default)]
        engine: String,
    },
    /// A step waits for a person to agree.
    Waiting {
        /// The step's id.
        step: String,
        /// What the person is asked, and how to answer.
        question: String,
    },
    /// Something to look at that stops nothing.
    Warning {
        /// The step's id.
        step: String,
        /// What.
        message: String,
    },
    /// An attempt at a step began, and why it is not a hit.
    StepStarted {
        /// The step's id.
        step: String,
        /// Counted from 1.
        attempt: u32,
        /// Field by field.
        reason: String,
    },
    /// How far a step is.
    Progress {
        /// The step's id.
        step: String,
        /// Units done.
        done: u64,
        /// Units in all, where known.
        total: Option<u64>,
        /// What a unit is, e.g. `records`.
        unit: String,
    },
    /// A line of a step's log.
    Log {
        /// The step's id.
        step: String,
        /// The line.
        line: String,
    },
    /// A measured value.
    Metric {
        /// The step's id.
        step: String,
        /// Named values, e.g. `epoch`, `loss`.
        values: BTreeMap<String, f64>,
    },
    /// What a step in a process of its own has used.
    Usage {
        /// The step's id.
        step: String,
        /// CPU time in seconds, user and system.
        cpu_seconds: f64,
        /// The most memory held, in bytes.
        peak_bytes: u64,
    },
    /// A step ended.
    StepEnded {
        /// The step's id.
        step: String,
        /// How.
        status: StepStatus,
        /// The outputs by port.
        outputs: BTreeMap<String, Digest>,
        /// The error, or why it was skipped.
        note: Option<String>,
        /// Wall time of the attempt in milliseconds.
        millis: u64,
    },
    /// The run ended.
    RunEnded {
        /// The run's id.
        run: String,
        /// `ok`, `failed`, `skipped` or `interrupted`.
        status: String,
        /// The exit code.
        exit: i32,
    },
}

impl Event {
    /// The step that the event is about, where it is about one.
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::RunStarted { .. } | Self::RunEnded { .. } => None,
            Self::StepStarted { step, .. }
            | Self::Waiting { step, .. }
            | Self::Warning { step, .. }
            | Self::Progress { step, .. }
            | Self::Log { step, .. }
            | Self::Metric { step, .. }
            | Self::Usage { step, .. }
            | Self::StepEnded { step, .. } => Some(step),
        }
    }
}

/// Someone who follows a run.
pub trait Observer: Send + Sync {
    /// Takes the next event.
    fn on(&mut self, event: &Event);
}

/// What a step reports through while it runs.
#[derive(Clone)]
pub struct Reporter {
    step: String,
    sink: Arc<dyn Fn(Event) + Send + Sync>,
}

impl Reporter {
    /// A reporter for a step that gives its events to a sink.
    pub fn new(step: &str, sink: Arc<dyn Fn(Event) + Send + Sync>) -> Self {
        Self { step: step.to_owned(), sink }
    }

    /// A reporter that nobody follows.
    pub fn silent() -> Self {
        Self::new("", Arc::new(|_| ()))
    }

    /// Tells how far the step is.
    pub fn progress(&self, done: u64, total: Option<u64>, unit: &str) {
        (self.sink)(Event::Progress {
            step: self.step.clone(),
            done,
            total,
            unit: unit.to_owned(),
        });
    }

    /// Adds a line to the step's log.
    pub fn log(&self, line: impl Into<String>) {
        (self.sink)(Event::Log { step: self.step.clone(), line: line.into() });
    }

    /// Reports measured values; one that is not finite has no JSON form and is left out.
    pub fn metric<'a>(&self, values: impl IntoIterator<Item = (&'a str, f64)>) {
        let finite = values.into_iter().filter(|(_, value)| value.is_finite());
        let values = finite.map(|(name, value)| (name.to_owned(), value)).collect();
        (self.sink)(Event::Metric { step: self.step.clone(), values });
    }
}
