//! A frozen plan: what a night will do, with a digest. Workers get the plan and never plan again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog::Artifact;
use super::spec::{Level, Pipeline, Source};
use super::state::{State, StateError};
use crate::core::{Alias, Digest, LogicalDate, canonical_json, digest_json};

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
    /// The state keeps no such plan.
    #[error(
        "find the plan {0}: the state keeps none of that digest, or an older fqm-pipe wrote it; start a new run"
    )]
    Missing(String),
    /// The plan is not the one that its digest names.
    #[error("read the plan {digest}: it has the digest {found}; start a new run")]
    Damaged {
        /// The digest that it is named by.
        digest: Digest,
        /// The digest that it has.
        found: Digest,
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
    /// What the interval before left on each output that a step asks for: `STEP.PORT` → the artifact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub previous: BTreeMap<String, Option<Artifact>>,
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
    /// What must hold of its outputs, as written; those that only warn are no part of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// Whether a person must agree before it runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approve: bool,
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Frozen {
    /// The plan.
    pub plan: Plan,
    /// Its digest.
    pub digest: Digest,
    /// The pipeline, for what is no part of the plan.
    pub pipeline: Pipeline,
}

impl Frozen {
    /// The plan that the state keeps under a digest, with the pipeline of its latest run.
    ///
    /// # Errors
    /// When it is not there, or does not have that digest.
    pub fn load(state: &State, digest: &str) -> Result<Self, PlanError> {
        let missing = || PlanError::Missing(digest.to_owned());
        let (plan, pipeline) = state.plan(digest)?.ok_or_else(missing)?;
        let pipeline = pipeline.ok_or_else(missing)?;
        let digest: Digest = digest.parse().map_err(|_| missing())?;
        // The plan is kept as the very bytes that its digest was made of.
        let found = Digest::of(plan.as_bytes());
        if found != digest {
            return Err(PlanError::Damaged { digest, found });
        }
        let (plan, pipeline) = std::thread::scope(|scope| {
            let pipeline = scope.spawn(|| serde_json::from_str(&pipeline));
            (serde_json::from_str(&plan), pipeline.join())
        });
        let pipeline = pipeline.map_err(|_| missing())?;
        Ok(Self { plan: plan?, digest, pipeline: pipeline? })
    }

    /// The same, where its digest is that of its plan.
    ///
    /// # Errors
    /// When it is not: the document is damaged, or another program wrote it.
    pub fn checked(self) -> Result<Self, PlanError> {
        match digest_json(&self.plan)? {
            found if found == self.digest => Ok(self),
            found => Err(PlanError::Damaged { digest: self.digest, found }),
        }
    }
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
    let wanted = used(&pipeline);
    aliases.retain(|alias, _| wanted.contains(alias));
    let plan = Plan {
        previous: previous(&pipeline, date, state)?,
        format: "fqm-plan/1".to_owned(),
        pipeline: pipeline.name.clone(),
        date,
        steps: pipeline.steps.iter().map(|step| planned(step, date)).collect(),
        aliases,
        environment,
    };
    let json = canonical_json(&plan)?;
    let digest = Digest::of(&json);
    if keep {
        let json = String::from_utf8_lossy(&json).into_owned();
        state.keep_plan(&plan, json, &digest, serde_json::to_string(&pipeline)?)?;
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

/// What the interval before left on the outputs that steps ask for.
fn previous(
    pipeline: &Pipeline,
    date: LogicalDate,
    state: &State,
) -> Result<BTreeMap<String, Option<Artifact>>, StateError> {
    let sources = pipeline.steps.iter().flat_map(|step| step.inputs.values());
    let mut found = BTreeMap::new();
    for source in sources {
        if let Source::Previous { step, port } = source {
            let artifact = state.finished_output(&pipeline.name, date.plus(-1), step, port)?;
            found.insert(format!("{step}.{port}"), artifact);
        }
    }
    Ok(found)
}

fn planned(step: &super::spec::StepSpec, date: LogicalDate) -> PlannedStep {
    let hour = date.hour().map(|hour| format!("{hour:02}")).unwrap_or_default();
    let fill = |patterns: &[String]| {
        let day = date.day().to_string();
        let filled = patterns.iter().map(|p| p.replace("{{ date }}", &day));
        filled.map(|p| p.replace("{{ hour }}", &hour)).collect()
    };
    let inputs = step.inputs.iter().map(|(port, source)| {
        let source = match source {
            Source::Logs(patterns) => Source::Logs(fill(patterns)),
            Source::Files(patterns) => Source::Files(fill(patterns)),
            other => other.clone(),
        };
        (port.clone(), source)
    });
    let blocking = step.checks.iter().filter(|check| check.level == Level::Block);
    PlannedStep {
        id: step.id.clone(),
        kind: step.kind.clone(),
        version: step.version,
        params: step.params.clone(),
        inputs: inputs.collect(),
        when: step.when_text.clone(),
        checks: blocking.map(|check| check.text.clone()).collect(),
        approve: step.approve.is_some(),
    }
}
