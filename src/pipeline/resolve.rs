//! From a planned step to its inputs, its key, and whether its result is there already. `plan` and
//! `run` share this path, so a preview cannot disagree with the run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use globset::{GlobBuilder, GlobSetBuilder};

use super::catalog::{
    Artifact, Catalog, Files, Input, Kind, StepContext, StepFailure, StepRequest, StepResult, Takes,
};
use super::condition::Condition;
use super::events::Reporter;
use super::key::{Key, changed};
use super::plan::{Frozen, PlannedStep};
use super::spec::Source;
use super::state::State;
use crate::core::{Blobs, Digest, canonical_json};
use crate::workspace::Workspace;

/// What resolving steps needs.
pub(super) struct Resolver<'a> {
    pub frozen: &'a Frozen,
    pub catalog: &'a dyn Catalog,
    pub state: &'a State,
    pub blobs: &'a Blobs,
    pub workspace: &'a Workspace,
    /// Whether captured files are stored, or only hashed for a preview.
    pub store: bool,
}

/// The outputs of the steps that have them.
pub(super) type Outputs = BTreeMap<String, BTreeMap<String, Artifact>>;

/// A step with its inputs found.
pub(super) struct Resolved {
    pub context: StepContext,
    pub key: Key,
    /// The kept result whose blobs are all there.
    pub hit: Option<StepResult>,
    /// Why the step must run, field by field; why it is a hit where it is one.
    pub reason: String,
}

impl Resolver<'_> {
    pub(super) async fn resolve(
        &self,
        step: &PlannedStep,
        outputs: &Outputs,
        reporter: Reporter,
    ) -> Result<Resolved, StepFailure> {
        let kind = self.kind(step)?;
        let mut inputs = BTreeMap::new();
        for (port, source) in &step.inputs {
            inputs.insert(port.clone(), self.input(source, outputs).await?);
        }
        let request = StepRequest {
            format: "fqm-step/1".to_owned(),
            workspace: self.workspace.clone(),
            plan: self.frozen.digest,
            date: self.frozen.plan.date,
            step: step.id.clone(),
            kind: step.kind.clone(),
            params: step.params.clone(),
            inputs,
        };
        let context = StepContext { request, blobs: self.blobs.clone(), reporter };
        let fingerprint = self.fingerprint(kind, &context).await?;
        let pairs: Vec<_> = context
            .request
            .inputs
            .iter()
            .map(|(port, input)| (port.clone(), input.clone()))
            .collect();
        let (plan, digest) = (&self.frozen.plan, &self.frozen.digest);
        let key = Key::of(plan, digest, step, kind, &pairs, fingerprint.as_ref());
        let (hit, reason) = self.look_up(step, &key).await?;
        Ok(Resolved { context, key, hit, reason })
    }

    /// Whether the condition of a step holds.
    pub(super) fn holds(&self, step: &PlannedStep, outputs: &Outputs) -> Result<bool, StepFailure> {
        let Some(text) = &step.when else { return Ok(true) };
        let condition = Condition::parse(text).map_err(StepFailure::internal)?;
        let look_up = |fact: &super::condition::Fact| {
            let steps = &self.frozen.pipeline.steps;
            let spec = steps.iter().find(|spec| spec.id == fact.step)?;
            let port = spec.outputs.get(&fact.port)?;
            outputs.get(&fact.step)?.get(port)?.facts.get(&fact.name).cloned()
        };
        condition.holds(&look_up).map_err(|message| {
            StepFailure::input(format!("decide `when` of `{}`: {message}", step.id))
        })
    }

    fn kind(&self, step: &PlannedStep) -> Result<&Kind, StepFailure> {
        let kind = self.catalog.kind(&step.kind);
        kind.ok_or_else(|| StepFailure::internal(format!("find the step kind `{}`", step.kind)))
    }

    async fn input(&self, source: &Source, outputs: &Outputs) -> Result<Input, StepFailure> {
        match source {
            Source::Step { step, port } => {
                let artifact = outputs.get(step).and_then(|ports| ports.get(port));
                artifact.cloned().map(Input::Artifact).ok_or_else(|| {
                    StepFailure::input(format!(
                        "find the input `{step}.{port}`: that step gave none"
                    ))
                })
            }
            Source::Alias(alias) => {
                let digest = self.frozen.plan.aliases.get(alias).copied().flatten();
                Ok(Input::Alias { alias: alias.clone(), digest })
            }
            Source::Logs(patterns) => Ok(Input::Logs { patterns: patterns.clone() }),
            Source::Files(patterns) => Ok(Input::Files { digest: self.capture(patterns).await? }),
        }
    }

    async fn capture(&self, patterns: &[String]) -> Result<Digest, StepFailure> {
        let mut files = Files::default();
        for (path, bytes) in matching(&self.workspace.folder, patterns)? {
            let digest = Digest::of(&bytes);
            if self.store {
                self.blobs.put(Bytes::from(bytes)).await?;
            }
            files.0.insert(path, digest);
        }
        if self.store {
            return Ok(self.blobs.put_json(&files).await?);
        }
        Ok(Digest::of(&canonical_json(&files).map_err(StepFailure::internal)?))
    }

    async fn fingerprint(
        &self,
        kind: &Kind,
        context: &StepContext,
    ) -> Result<Option<serde_json::Value>, StepFailure> {
        if !kind.inputs.iter().any(|port| port.takes == Takes::Logs) {
            return Ok(None);
        }
        let body = self.catalog.body(kind.name).ok_or_else(|| missing_body(kind))?;
        let patterns = context.request.inputs.values().filter_map(|input| match input {
            Input::Logs { patterns } => Some(patterns.as_slice()),
            _ => None,
        });
        let patterns: Vec<String> = patterns.flatten().cloned().collect();
        body.fingerprint(context, &patterns).await.map(Some)
    }

    async fn look_up(
        &self,
        step: &PlannedStep,
        key: &Key,
    ) -> Result<(Option<StepResult>, String), StepFailure> {
        let state_failed = |e: super::state::StateError| StepFailure::internal(e);
        if let Some(row) = self.state.result(&key.digest()).map_err(state_failed)? {
            for (port, artifact) in &row.result.outputs {
                if !self.blobs.exists(&artifact.digest).await? {
                    return Ok((None, format!("its output `{port}` is no longer in the store")));
                }
            }
            return Ok((Some(row.result), format!("computed by run {}", row.run)));
        }
        let plan = &self.frozen.plan;
        let before =
            self.state.latest_result(&plan.pipeline, &step.id, plan.date).map_err(state_failed)?;
        let reason = match before {
            None => "it has never run".to_owned(),
            // What differs between two dates says nothing; what changed within one does.
            Some(row) if row.date != plan.date.to_string() => {
                format!("no result for {} yet", plan.date)
            }
            Some(row) => changed(&row.key, key).unwrap_or_else(|| "its result is gone".to_owned()),
        };
        Ok((None, reason))
    }
}

pub(super) fn missing_body(kind: &Kind) -> StepFailure {
    StepFailure::input(format!(
        "run `{}`: this fqm-pipe was built without the feature that it needs; build with the default features",
        kind.name
    ))
}

/// The files of a folder that match `{{ workspace }}/…` patterns, sorted by path.
fn matching(folder: &Path, patterns: &[String]) -> Result<BTreeMap<String, Vec<u8>>, StepFailure> {
    let mut found = BTreeMap::new();
    for pattern in patterns {
        let relative = pattern.strip_prefix("{{ workspace }}/").unwrap_or(pattern);
        let failed = |e: &dyn std::fmt::Display| {
            StepFailure::input(format!("read the files `{pattern}` of {}: {e}", folder.display()))
        };
        let glob = GlobBuilder::new(relative).literal_separator(true).build();
        let glob = glob.map_err(|e| failed(&e))?;
        let set = GlobSetBuilder::new().add(glob).build().map_err(|e| failed(&e))?;
        // Only the folder before the first wildcard is walked, so that a store below is not.
        let fixed: Vec<&str> =
            relative.split('/').take_while(|part| !part.contains(['*', '?', '[', '{'])).collect();
        let before = found.len();
        let mut open = vec![folder.join(fixed.join("/"))];
        while let Some(path) = open.pop() {
            let unreadable = |e: std::io::Error| failed(&format!("{}: {e}", path.display()));
            let kind = std::fs::symlink_metadata(&path).map_err(unreadable)?;
            if kind.is_dir() {
                for entry in std::fs::read_dir(&path).map_err(unreadable)? {
                    let entry = entry.map_err(unreadable)?;
                    // Hidden names are editors' locks and the like; links may lead in a circle.
                    if !entry.file_name().to_string_lossy().starts_with('.') {
                        open.push(entry.path());
                    }
                }
            } else if let Ok(name) = path.strip_prefix(folder)
                && set.is_match(name)
                && path.is_file()
            {
                let name = name.to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).map_err(unreadable)?);
            }
        }
        if found.len() == before {
            return Err(failed(&"no file matches; add one, or change the pattern"));
        }
    }
    Ok(found)
}

/// What `plan` says of a step.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Preview {
    /// Its result is there.
    Hit {
        /// Which run computed it.
        reason: String,
    },
    /// It will run.
    Miss {
        /// Why, field by field.
        reason: String,
    },
    /// Whether it will run is not known before other steps have.
    Unknown {
        /// The steps.
        until: Vec<String>,
    },
    /// Its condition does not hold.
    Skipped {
        /// Why.
        when: String,
    },
    /// Its inputs cannot be resolved.
    Error {
        /// Why.
        message: String,
    },
}

/// What a run of the plan would do, step by step, without writing anything but caches.
pub async fn preview(
    frozen: &Frozen,
    catalog: &dyn Catalog,
    state: &State,
    blobs: &Blobs,
    workspace: &Workspace,
) -> Vec<(String, Preview)> {
    let resolver = Resolver { frozen, catalog, state, blobs, workspace, store: false };
    let mut outputs = Outputs::new();
    let mut previews: BTreeMap<String, Preview> = BTreeMap::new();
    let mut stopped: BTreeSet<String> = BTreeSet::new();
    for spec in super::dispatcher::ordered(&frozen.pipeline.steps) {
        let Some(step) = frozen.plan.steps.iter().find(|s| s.id == spec.id) else { continue };
        let until: Vec<_> =
            spec.upstream().into_iter().filter(|id| !outputs.contains_key(id)).collect();
        let nothing = until.iter().find(|id| stopped.contains(*id));
        let preview = if let Some(id) = nothing {
            Preview::Skipped { when: format!("`{id}` gives nothing to go on with") }
        } else if until.is_empty() {
            one(&resolver, step, &mut outputs).await
        } else {
            Preview::Unknown { until }
        };
        if matches!(preview, Preview::Skipped { .. })
            || matches!(preview, Preview::Hit { .. }) && !outputs.contains_key(&spec.id)
        {
            stopped.insert(spec.id.clone());
        }
        previews.insert(spec.id.clone(), preview);
    }
    let order = frozen.plan.steps.iter();
    order.filter_map(|s| previews.remove(&s.id).map(|p| (s.id.clone(), p))).collect()
}

async fn one(resolver: &Resolver<'_>, step: &PlannedStep, outputs: &mut Outputs) -> Preview {
    match resolver.holds(step, outputs) {
        Ok(true) => (),
        Ok(false) => {
            let when = step.when.as_deref().unwrap_or_default();
            return Preview::Skipped { when: format!("`{when}` does not hold") };
        }
        Err(failure) => return Preview::Error { message: failure.message },
    }
    match resolver.resolve(step, outputs, Reporter::silent()).await {
        Err(failure) => Preview::Error { message: failure.message },
        Ok(Resolved { hit: Some(result), reason, .. }) => {
            // A result without enough data gives the steps behind it nothing, as in a run.
            if result.not_enough.is_none() {
                outputs.insert(step.id.clone(), result.outputs);
            }
            Preview::Hit { reason }
        }
        Ok(Resolved { reason, .. }) => Preview::Miss { reason },
    }
}
