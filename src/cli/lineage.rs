//! OpenLineage events (spec 2-0-2): a run and each of its steps as jobs, their inputs and outputs as
//! datasets named by digest. They go to a file, to an address, or to both, as `[lineage]` of fqm.toml says.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::output;
use crate::core::Digest;
use crate::pipeline::{Event, Observer, Pipeline, Source, StepStatus};
use crate::workspace::Workspace;

const PRODUCER: &str = concat!("urn:fqm-pipe:", env!("CARGO_PKG_VERSION"));
const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const PARENT: &str =
    "https://openlineage.io/spec/facets/1-1-0/ParentRunFacet.json#/$defs/ParentRunFacet";
const NOMINAL: &str =
    "https://openlineage.io/spec/facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet";
const ERROR: &str = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";

/// Makes events of what happens, and hands them to a task that posts them.
pub(super) struct Lineage {
    namespace: String,
    /// What each step reads, as the pipeline says: `STEP.PORT`, an alias, a pattern.
    reads: BTreeMap<String, Vec<String>>,
    file: Option<PathBuf>,
    post: Option<UnboundedSender<Value>>,
    run: String,
    pipeline: String,
    date: String,
    /// The outputs of the steps that have ended: `STEP.PORT` → the digest.
    outputs: BTreeMap<String, Digest>,
}

impl Lineage {
    /// The observer of a pipeline, and the task that posts; nothing where no place is named.
    pub(super) fn of(
        workspace: &Workspace,
        pipeline: &Pipeline,
    ) -> Option<(Self, tokio::task::JoinHandle<()>)> {
        let place = workspace.lineage.as_ref()?;
        let (send, mut events) = unbounded_channel::<Value>();
        let url = place.url.clone();
        let posting = tokio::spawn(async move {
            let Some(url) = url else { return };
            let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(5));
            let Ok(client) = client.build() else { return };
            while let Some(event) = events.recv().await {
                let sent = client.post(url.clone()).json(&event).send().await;
                if let Err(error) = sent.and_then(reqwest::Response::error_for_status) {
                    let why = error.without_url();
                    output::talk(&format!("warning: failed to post a lineage event: {why}"));
                    // The rest would fail as slowly.
                    return;
                }
            }
        });
        let reads = pipeline.steps.iter().map(|step| {
            let inputs = step.inputs.iter().map(|(port, source)| match source {
                Source::Step { step, port } | Source::Previous { step, port } => {
                    format!("{step}.{port}")
                }
                Source::Alias(alias) => alias.to_string(),
                Source::Files(patterns) | Source::Logs(patterns) => {
                    patterns.first().unwrap_or(port).clone()
                }
            });
            (step.id.clone(), inputs.collect())
        });
        let lineage = Self {
            namespace: place.namespace.clone().unwrap_or_else(|| workspace.name.clone()),
            reads: reads.collect(),
            file: place.file.as_ref().map(|file| workspace.folder.join(file)),
            post: place.url.as_ref().map(|_| send),
            run: String::new(),
            pipeline: pipeline.name.clone(),
            date: String::new(),
            outputs: BTreeMap::new(),
        };
        Some((lineage, posting))
    }

    fn send(&self, event: Value) {
        if let Some(file) = &self.file {
            let mut options = std::fs::OpenOptions::new();
            let opened = options.create(true).append(true).open(file);
            if let Err(error) = opened.and_then(|mut file| writeln!(file, "{event}")) {
                let place = file.display();
                output::talk(&format!("warning: failed to write {place}: {error}"));
            }
        }
        if let Some(post) = &self.post {
            let _ = post.send(event);
        }
    }

    fn facet(url: &str, fields: Value) -> Value {
        let mut facet = json!({ "_producer": PRODUCER, "_schemaURL": url });
        if let (Some(facet), Some(fields)) = (facet.as_object_mut(), fields.as_object()) {
            facet.extend(fields.clone());
        }
        facet
    }

    fn event(
        &self,
        kind: &str,
        job: &str,
        run: &str,
        error: Option<&str>,
        at: DateTime<Utc>,
    ) -> Value {
        let mut facets = serde_json::Map::new();
        if job != self.pipeline {
            let parent = json!({
                "run": { "runId": id(&self.run) },
                "job": { "namespace": self.namespace, "name": self.pipeline },
            });
            facets.insert("parent".to_owned(), Self::facet(PARENT, parent));
        } else if let Some(start) = nominal(&self.date) {
            let time = json!({ "nominalStartTime": start });
            facets.insert("nominalTime".to_owned(), Self::facet(NOMINAL, time));
        }
        if let Some(message) = error {
            let message = json!({ "message": message, "programmingLanguage": "rust" });
            facets.insert("errorMessage".to_owned(), Self::facet(ERROR, message));
        }
        json!({
            "eventTime": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
            "eventType": kind,
            "run": { "runId": id(run), "facets": facets },
            "job": { "namespace": self.namespace, "name": job },
            "inputs": [],
            "outputs": [],
        })
    }

    fn step(&self, kind: &str, step: &str, error: Option<&str>) -> Value {
        let job = format!("{}.{step}", self.pipeline);
        let mut event = self.event(kind, &job, &format!("{} {step}", self.run), error, Utc::now());
        let inputs = self.reads.get(step).into_iter().flatten();
        let inputs = inputs.map(|name| self.dataset(name, self.outputs.get(name)));
        event["inputs"] = inputs.collect();
        event
    }

    /// A dataset: its name says where it comes from, its version what it is.
    fn dataset(&self, name: &str, digest: Option<&Digest>) -> Value {
        let mut dataset = json!({ "namespace": self.namespace, "name": name });
        if let Some(digest) = digest {
            let url = "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet";
            let version = Self::facet(url, json!({ "datasetVersion": digest }));
            dataset["facets"] = json!({ "version": version });
        }
        dataset
    }
}

impl Observer for Lineage {
    fn on(&mut self, event: &Event) {
        match event {
            Event::RunStarted { run, pipeline, date, .. } => {
                (self.run, self.pipeline, self.date) =
                    (run.clone(), pipeline.clone(), date.clone());
                self.send(self.event("START", pipeline, run, None, Utc::now()));
            }
            Event::StepStarted { step, attempt: 1, .. } => {
                self.send(self.step("START", step, None))
            }
            Event::StepEnded { step, status, outputs, note, .. } => {
                for (port, digest) in outputs {
                    self.outputs.insert(format!("{step}.{port}"), *digest);
                }
                let (kind, error) = match status {
                    StepStatus::Done | StepStatus::Hit => ("COMPLETE", None),
                    StepStatus::Failed => ("FAIL", note.as_deref()),
                    _ => ("ABORT", None),
                };
                let mut ended = self.step(kind, step, error);
                let outputs = outputs
                    .iter()
                    .map(|(port, digest)| self.dataset(&format!("{step}.{port}"), Some(digest)));
                ended["outputs"] = outputs.collect();
                self.send(ended);
            }
            Event::RunEnded { run, status, .. } => {
                let kind = match status.as_str() {
                    "ok" | "skipped" => "COMPLETE",
                    "failed" => "FAIL",
                    _ => "ABORT",
                };
                self.send(self.event(kind, &self.pipeline, run, None, Utc::now()));
            }
            _ => (),
        }
    }
}

/// The start of the interval that a date names.
fn nominal(date: &str) -> Option<String> {
    let date: crate::core::LogicalDate = date.parse().ok()?;
    let at = date.naive().and_hms_opt(u32::from(date.hour().unwrap_or(0)), 0, 0)?;
    Some(at.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A UUID that the same text always has.
fn id(text: &str) -> String {
    let digest = Digest::of(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}
