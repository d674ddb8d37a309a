//! From a planned step to its inputs, its key, and whether its result is there already. `plan` and
//! `run` share this path, so a preview cannot disagree with the run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use globset::{GlobBuilder, GlobSetBuilder};

use super::catalog::{
    Artifact, Catalog, Files, Input, Kind, StepContext, StepFailure, StepRequest, StepResult, Takes,
};
use super::condition::Fact;
use super::events::Reporter;
use super::exchange::Exchange;
use super::graph::Graph;
use super::key::{Change, Key, changes};
use super::keying::key_of;
use super::options::Setting;
use super::plan::{Frozen, Plan, PlannedStep};
use super::spec::{Level, Source, StepSpec};
use super::state::{State, StateError};
use crate::core::{Blobs, Digest, canonical_json};
use crate::workspace::Workspace;

/// What is kept of earlier runs, as it was when the run began.
#[derive(Default)]
pub(super) struct Ledger {
    /// The results for the plan's date; see [`State::kept`].
    kept: HashMap<Digest, (String, String)>,
    /// Where to look for results of other keys, to say what has changed; none where there is nothing.
    before: Option<State>,
    /// Whether results that workers left in the store count as well.
    shared: bool,
}

impl Ledger {
    pub(super) fn of(state: &State, plan: &Plan) -> Result<Self, StateError> {
        let before = state.has_results(&plan.pipeline)?.then(|| state.clone());
        Ok(Self { kept: state.kept(plan.date)?, before, shared: false })
    }

    /// The same with what workers left in the store.
    pub(super) fn with_shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// What workers left in the store alone: a worker has no other.
    pub(super) fn shared() -> Self {
        Self::default().with_shared()
    }
}

/// What resolving steps needs.
pub(super) struct Resolver {
    pub frozen: Arc<Frozen>,
    pub catalog: Arc<dyn Catalog>,
    /// What is kept of earlier runs.
    pub ledger: Ledger,
    pub blobs: Blobs,
    pub workspace: Arc<Workspace>,
    /// Whether captured files are stored, or only hashed for a preview.
    pub store: bool,
    /// Blobs that were found in the store.
    pub seen: Mutex<HashSet<Digest>>,
}

/// Inputs of a step by port.
pub(super) type Given = BTreeMap<String, Input>;

/// The outputs of the steps that have them.
pub(super) type Outputs = BTreeMap<String, BTreeMap<String, Artifact>>;

/// A step with its inputs found.
pub(super) struct Resolved {
    pub inputs: Given,
    pub key: Key,
    /// The kept result whose blobs are all there.
    pub hit: Option<StepResult>,
    /// Why the step must run, in words; why it is a hit where it is one.
    pub reason: String,
    /// What changed since its latest result for the same date, field by field.
    pub changes: Vec<Change>,
}

/// What is kept under a key.
enum Kept {
    /// Outputs, all of which are in the store, and why they count.
    Hit(StepResult, String),
    /// Outputs of which the one on this port is gone.
    Gone(String),
    /// Nothing.
    Miss,
}

impl Resolver {
    /// The inputs of a step that other steps, aliases and the interval before give: what is known
    /// without looking at any store.
    pub(super) fn given(
        &self,
        step: &PlannedStep,
        outputs: &Outputs,
    ) -> Result<Given, StepFailure> {
        let mut inputs = Given::new();
        for (port, source) in &step.inputs {
            if let Some(input) = self.known(source, outputs)? {
                inputs.insert(port.clone(), input);
            }
        }
        Ok(inputs)
    }

    /// Whether resolving a step may take a while: logs are listed, files read, a remote store asked.
    pub(super) fn is_slow(&self, step: &PlannedStep) -> bool {
        let slow = |source: &Source| matches!(source, Source::Logs(_) | Source::Files(_));
        self.blobs.store().folder().is_none() || step.inputs.values().any(slow)
    }

    /// Finds the other inputs of a step, its key, and its result where it is there.
    pub(super) async fn resolve(
        &self,
        step: &PlannedStep,
        given: Given,
        reporter: Reporter,
    ) -> Result<Resolved, StepFailure> {
        let kind = self.kind(step)?;
        let mut inputs = given;
        for (port, source) in &step.inputs {
            let input = match source {
                Source::Logs(patterns) => Input::Logs { patterns: patterns.clone() },
                Source::Files(patterns) => Input::Files { digest: self.capture(patterns).await? },
                _ => continue,
            };
            inputs.insert(port.clone(), input);
        }
        let fingerprint = match kind.inputs.iter().any(|port| port.takes == Takes::Logs) {
            true => Some(self.fingerprint(kind, &self.context(step, &inputs, &reporter)).await?),
            false => None,
        };
        let (plan, digest) = (&self.frozen.plan, &self.frozen.digest);
        let key = key_of(plan, digest, step, kind, &inputs, fingerprint.as_ref());
        let found = self.look_up(key.digest()).await?;
        Ok(match found {
            Kept::Hit(result, reason) => {
                Resolved { inputs, key, hit: Some(result), reason, changes: Vec::new() }
            }
            Kept::Miss => {
                let (reason, changes) = self.why(step, &key)?;
                Resolved { inputs, key, hit: None, reason, changes }
            }
            Kept::Gone(port) => {
                let reason = format!("its output `{port}` is no longer in the store");
                Resolved { inputs, key, hit: None, reason, changes: Vec::new() }
            }
        })
    }

    /// Whether the condition of a step holds.
    pub(super) fn holds(&self, spec: &StepSpec, outputs: &Outputs) -> Result<bool, StepFailure> {
        let Some(condition) = &spec.when else { return Ok(true) };
        condition.holds(&|fact| self.fact(fact, outputs)).map_err(|message| {
            StepFailure::input(format!("decide `when` of `{}`: {message}", spec.id))
        })
    }

    /// The value of a fact of an earlier output, under the name that the pipeline gives the output.
    pub(super) fn fact(&self, fact: &Fact, outputs: &Outputs) -> Option<serde_json::Value> {
        let steps = &self.frozen.pipeline.steps;
        let spec = steps.iter().find(|spec| spec.id == fact.step)?;
        let port = spec.outputs.get(&fact.port)?;
        outputs.get(&fact.step)?.get(port)?.facts.get(&fact.name).cloned()
    }

    fn kind(&self, step: &PlannedStep) -> Result<&Kind, StepFailure> {
        let kind = self.catalog.kind(&step.kind);
        kind.ok_or_else(|| StepFailure::internal(format!("find the step kind `{}`", step.kind)))
    }

    fn known(&self, source: &Source, outputs: &Outputs) -> Result<Option<Input>, StepFailure> {
        Ok(match source {
            Source::Step { step, port } => {
                let artifact = outputs.get(step).and_then(|ports| ports.get(port));
                let found = artifact.cloned().map(Input::Artifact);
                Some(found.ok_or_else(|| {
                    StepFailure::input(format!(
                        "find the input `{step}.{port}`: that step gave none"
                    ))
                })?)
            }
            Source::Alias(alias) => {
                let digest = self.frozen.plan.aliases.get(alias).copied().flatten();
                Some(Input::Alias { alias: alias.clone(), digest })
            }
            Source::Previous { step, port } => {
                let before = self.frozen.plan.previous.get(&format!("{step}.{port}"));
                before.cloned().flatten().map(Input::Artifact)
            }
            Source::Logs(_) | Source::Files(_) => None,
        })
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
    ) -> Result<serde_json::Value, StepFailure> {
        let body = self.catalog.body(kind.name).ok_or_else(|| missing_body(kind))?;
        let patterns = context.request.inputs.values().filter_map(|input| match input {
            Input::Logs { patterns } => Some(patterns.as_slice()),
            _ => None,
        });
        let patterns: Vec<String> = patterns.flatten().cloned().collect();
        body.fingerprint(context, &patterns).await
    }

    async fn look_up(&self, key: Digest) -> Result<Kept, StepFailure> {
        let (result, why) = match self.ledger.kept.get(&key) {
            Some((result, run)) => {
                let result = serde_json::from_str(result).map_err(StepFailure::internal)?;
                (result, format!("computed by run {run}"))
            }
            None if self.ledger.shared => {
                let shared = Exchange::shared(self.blobs.store(), &key).await?;
                let Some(result) = shared else { return Ok(Kept::Miss) };
                (result, "computed by a worker".to_owned())
            }
            None => return Ok(Kept::Miss),
        };
        let result: StepResult = result;
        for (port, artifact) in &result.outputs {
            if !self.is_there(&artifact.digest).await? {
                return Ok(Kept::Gone(port.clone()));
            }
        }
        Ok(Kept::Hit(result, why))
    }

    /// Whether a blob is in the store; it is looked for once, since nothing takes one away meanwhile.
    async fn is_there(&self, digest: &Digest) -> Result<bool, StepFailure> {
        let seen = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen().contains(digest) {
            return Ok(true);
        }
        let there = self.blobs.exists(digest).await?;
        if there {
            seen().insert(*digest);
        }
        Ok(there)
    }

    /// Why a step has no result under its key: in words, and field by field.
    fn why(&self, step: &PlannedStep, key: &Key) -> Result<(String, Vec<Change>), StepFailure> {
        let plan = &self.frozen.plan;
        let before = match &self.ledger.before {
            Some(state) => state.latest_result(&plan.pipeline, &step.id, plan.date),
            None => Ok(None),
        };
        Ok(match before.map_err(StepFailure::internal)? {
            None => ("it has never run".to_owned(), Vec::new()),
            // What differs between two dates says nothing; what changed within one does.
            Some(row) if row.date != plan.date.to_string() => {
                (format!("no result for {} yet", plan.date), Vec::new())
            }
            Some(row) => {
                let changes = changes(&row.key, key);
                let words: Vec<_> = changes.iter().map(Change::to_string).collect();
                let gone = || "its result is gone".to_owned();
                (if words.is_empty() { gone() } else { words.join(", ") }, changes)
            }
        })
    }

    /// What a step is given when it runs.
    pub(super) fn context(
        &self,
        step: &PlannedStep,
        inputs: &Given,
        reporter: &Reporter,
    ) -> StepContext {
        let request = StepRequest {
            format: "fqm-step/1".to_owned(),
            workspace: self.workspace.clone(),
            plan: self.frozen.digest,
            date: self.frozen.plan.date,
            step: step.id.clone(),
            kind: step.kind.clone(),
            params: step.params.clone(),
            inputs: inputs.clone(),
        };
        StepContext { request, blobs: self.blobs.clone(), reporter: reporter.clone() }
    }
}

/// The first check of a step that bars the way; those that only warn are given to `warn`.
pub(super) fn broken_check(
    resolver: &Resolver,
    spec: &StepSpec,
    outputs: &Outputs,
    mut warn: impl FnMut(String),
) -> Option<String> {
    for check in &spec.checks {
        let wrong = match check.expr.holds(&|fact| resolver.fact(fact, outputs)) {
            Ok(true) => continue,
            Ok(false) => {
                let facts = check.expr.facts().into_iter();
                let facts = facts.filter_map(|fact| {
                    Some(format!("{fact} is {}", resolver.fact(fact, outputs)?))
                });
                let facts = facts.collect::<Vec<_>>().join(", ");
                format!("the check `{}` does not hold: {facts}", check.text)
            }
            Err(why) => format!("the check `{}` cannot be made: {why}", check.text),
        };
        if check.level == Level::Block {
            return Some(wrong);
        }
        warn(wrong);
    }
    None
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
        /// Why, in words.
        reason: String,
        /// What changed since its latest result for the same date, field by field.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        changes: Vec<Change>,
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
///
/// # Errors
/// When the state does not answer.
pub async fn preview(
    frozen: Arc<Frozen>,
    setting: &Setting<'_>,
) -> Result<Vec<(String, Preview)>, StateError> {
    let resolver = Resolver {
        ledger: Ledger::of(setting.state, &frozen.plan)?,
        frozen,
        catalog: setting.catalog.clone(),
        blobs: setting.blobs.clone(),
        workspace: Arc::new(setting.workspace.clone()),
        store: false,
        seen: Mutex::default(),
    };
    let previews = previews(&resolver).await.into_iter();
    Ok(previews.map(|(id, preview, _)| (id, preview)).collect())
}

/// What a run would do with a step, and what is kept of it where it would be a hit.
type Previewed = (Preview, Option<(Key, StepResult)>);

/// What a run would do with each step, in the order of the file, and what is kept of those that would be
/// hits.
pub(super) async fn previews(
    resolver: &Resolver,
) -> Vec<(String, Preview, Option<(Key, StepResult)>)> {
    let (pipeline, plan) = (&resolver.frozen.pipeline, &resolver.frozen.plan);
    let mut outputs = Outputs::new();
    let mut found: Vec<Option<Previewed>> = pipeline.steps.iter().map(|_| None).collect();
    let mut stopped: BTreeSet<String> = BTreeSet::new();
    for at in Graph::of(&pipeline.steps).order {
        let (spec, step) = (&pipeline.steps[at], &plan.steps[at]);
        let until: Vec<_> =
            spec.upstream().into_iter().filter(|id| !outputs.contains_key(id)).collect();
        let nothing = until.iter().find(|id| stopped.contains(*id));
        let (preview, kept) = if let Some(id) = nothing {
            (Preview::Skipped { when: format!("`{id}` gives nothing to go on with") }, None)
        } else if until.is_empty() {
            one(resolver, spec, step, &mut outputs).await
        } else {
            (Preview::Unknown { until }, None)
        };
        if matches!(preview, Preview::Skipped { .. })
            || matches!(preview, Preview::Hit { .. }) && !outputs.contains_key(&spec.id)
        {
            stopped.insert(spec.id.clone());
        }
        found[at] = Some((preview, kept));
    }
    let steps = plan.steps.iter().zip(found);
    steps.filter_map(|(s, found)| found.map(|(p, kept)| (s.id.clone(), p, kept))).collect()
}

async fn one(
    resolver: &Resolver,
    spec: &StepSpec,
    step: &PlannedStep,
    outputs: &mut Outputs,
) -> Previewed {
    match resolver.holds(spec, outputs) {
        Ok(true) => (),
        Ok(false) => {
            let when = step.when.as_deref().unwrap_or_default();
            return (Preview::Skipped { when: format!("`{when}` does not hold") }, None);
        }
        Err(failure) => return (Preview::Error { message: failure.message }, None),
    }
    let resolved = match resolver.given(step, outputs) {
        Ok(given) => resolver.resolve(step, given, Reporter::silent()).await,
        Err(failure) => Err(failure),
    };
    match resolved {
        Err(failure) => (Preview::Error { message: failure.message }, None),
        Ok(Resolved { hit: Some(result), reason, key, .. }) => {
            // A result without enough data gives the steps behind it nothing, as in a run.
            if result.not_enough.is_none() {
                outputs.insert(step.id.clone(), result.outputs.clone());
            }
            (Preview::Hit { reason }, Some((key, result)))
        }
        Ok(Resolved { reason, changes, .. }) => (Preview::Miss { reason, changes }, None),
    }
}
