//! The nights before: the latest finished run of each earlier date, read from the state.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::CliError;
use crate::core::LogicalDate;
use crate::pipeline::{Artifact, State};

/// How many nights a report looks back.
const NIGHTS: usize = 30;

/// What a night left: its artifacts by output port.
#[derive(Clone, Default)]
pub(super) struct Past {
    pub date: String,
    pub headline: String,
    pub artifacts: BTreeMap<String, Artifact>,
}

impl Past {
    /// A number among the facts of an artifact.
    pub(super) fn number(&self, port: &str, fact: &str) -> Option<f64> {
        self.artifacts.get(port)?.facts.get(fact).and_then(Value::as_f64)
    }

    /// A count among the facts of an artifact; 0 where there is none.
    pub(super) fn count(&self, port: &str, fact: &str) -> u64 {
        let fact = self.artifacts.get(port).and_then(|a| a.facts.get(fact));
        fact.and_then(Value::as_u64).unwrap_or(0)
    }

    /// A text among the facts of an artifact.
    pub(super) fn text(&self, port: &str, fact: &str) -> Option<&str> {
        self.artifacts.get(port)?.facts.get(fact).and_then(Value::as_str)
    }
}

/// The nights of a pipeline before a date, oldest first.
pub(super) fn before(
    state: &State,
    pipeline: &str,
    date: LogicalDate,
) -> Result<Vec<Past>, CliError> {
    let mut nights: BTreeMap<String, Past> = BTreeMap::new();
    for run in state.runs(Some(pipeline), 1000)? {
        let finished = matches!(run.status.as_str(), "ok" | "skipped");
        if !finished || run.date >= date.to_string() || nights.contains_key(&run.date) {
            continue;
        }
        let mut night = Past { date: run.date.clone(), ..Past::default() };
        night.headline = run.headline.unwrap_or_default();
        for step in state.steps(&run.id)? {
            night.artifacts.extend(step.outputs);
        }
        nights.insert(run.date, night);
    }
    let skip = nights.len().saturating_sub(NIGHTS);
    Ok(nights.into_values().skip(skip).collect())
}
