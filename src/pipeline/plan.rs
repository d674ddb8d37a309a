//! A frozen plan: what a night will do, with a digest. Workers get the plan and never plan again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spec::{Pipeline, Source};
use super::state::{State, StateError};
use crate::core::{Alias, Digest, LogicalDate, digest_json};

/// A plan that cannot be frozen.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The state could not be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// An alias could not be resolved.
    #[error("resolve {alias}: {message}")]
    Alias {
        /// The alias.
        alias: Alias,
        /// Why.
        message: String,
        /// Whether trying again later may help.
        temporary: bool,
    },
    /// The date lies before the pipeline's first.
    #[error(
        "plan {date}: the pipeline starts at {start}; give a later --date, or change [partition] start"
    )]
    BeforeStart {
        /// The date asked for.
        date: LogicalDate,
        /// The first date.
        start: LogicalDate,
    },
    /// The plan has no JSON form.
    #[error("encode the plan: {0}")]
    Encode(#[from] serde_json::Error),
}

/// What a night will do. Its digest covers what decides the outcome: steps, parameters, sources,
/// what the aliases named, the environment and the date; not resources, retries or timeouts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The format of this document.
    pub format: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The logical date.
    pub date: LogicalDate,
    /// The steps in the order of the file.
    pub steps: Vec<PlannedStep>,
    /// What each alias named when the night was first planned.
    pub aliases: BTreeMap<Alias, Option<Digest>>,
    /// What else the results of child processes depend on, e.g. the device class.
    pub environment: BTreeMap<String, String>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its id.
    pub id: String,
    /// The kind's name.
    pub kind: String,
    /// The kind's version.
    pub version: u32,
    /// The parameters with all defaults.
    pub params: Value,
    /// Where each input comes from, with the date filled in.
    pub inputs: BTreeMap<String, PlannedInput>,
    /// The condition as written.
    pub when: Option<String>,
}

/// Where an input of a planned step comes from.
pub type PlannedInput = Source;

/// An alias that could not be looked up.
#[derive(Debug)]
pub struct Unresolved {
    /// Why.
    pub message: String,
    /// Whether trying again later may help.
    pub temporary: bool,
}

/// A plan with its digest and the pipeline it was made from.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// The plan.
    pub plan: Plan,
    /// Its digest.
    pub digest: Digest,
    /// The pipeline, for what is no part of the plan.
    pub pipeline: Pipeline,
}

/// Freezes the plan of a night. Aliases are resolved once per (pipeline, date) and kept in the
/// state, so that a night that is run again sees the champion that it saw at first.
///
/// # Errors
/// When the date is before the start, an alias cannot be resolved, or the state does not answer.
pub async fn freeze<F>(
    pipeline: Pipeline,
    date: LogicalDate,
    environment: BTreeMap<String, String>,
    state: &State,
    keep: bool,
    resolve: F,
) -> Result<Frozen, PlanError>
where
    F: AsyncFn(&Alias) -> Result<Option<Digest>, Unresolved>,
{
    if let Some(start) = pipeline.start.filter(|start| date < *start) {
        return Err(PlanError::BeforeStart { date, start });
    }
    let mut aliases = state.aliases(&pipeline.name, date)?;
    for alias in used(&pipeline) {
        if let Entry::Vacant(unset) = aliases.entry(alias) {
            let alias = unset.key().clone();
            let named = resolve(&alias).await;
            let named = named.map_err(|Unresolved { message, temporary }| PlanError::Alias {
                alias,
                message,
                temporary,
            });
            unset.insert(named?);
        }
    }
    aliases.retain(|alias, _| used(&pipeline).contains(alias));
    let plan = Plan {
        format: "fqm-plan/1".to_owned(),
        pipeline: pipeline.name.clone(),
        date,
        steps: pipeline.steps.iter().map(|step| planned(step, date)).collect(),
        aliases,
        environment,
    };
    let digest = digest_json(&plan)?;
    if keep {
        state.keep_plan(&plan, &digest)?;
    }
    Ok(Frozen { plan, digest, pipeline })
}

fn used(pipeline: &Pipeline) -> Vec<Alias> {
    let sources = pipeline.steps.iter().flat_map(|step| step.inputs.values());
    let aliases = sources.filter_map(|source| match source {
        Source::Alias(alias) => Some(alias.clone()),
        _ => None,
    });
    aliases.collect()
}

fn planned(step: &super::spec::StepSpec, date: LogicalDate) -> PlannedStep {
    let fill = |patterns: &[String]| {
        patterns.iter().map(|p| p.replace("{{ date }}", &date.to_string())).collect()
    };
    let inputs = step.inputs.iter().map(|(port, source)| {
        let source = match source {
            Source::Logs(patterns) => Source::Logs(fill(patterns)),
            Source::Files(patterns) => Source::Files(fill(patterns)),
            other => other.clone(),
        };
        (port.clone(), source)
    });
    PlannedStep {
        id: step.id.clone(),
        kind: step.kind.clone(),
        version: step.version,
        params: step.params.clone(),
        inputs: inputs.collect(),
        when: step.when_text.clone(),
    }
}
