//! OpenLineage events (spec 2-0-2): a run and each of its steps as jobs, their inputs and outputs as
//! datasets whose version is a digest. They go to a file, to an address, or to both, as `[lineage]` of
//! fqm.toml says.
//!
//! Each run of a job has one START and one event that ends it, also where an engine starts the steps, a
//! result was there already, or a second driver goes on with the run. What never ran has no event.

mod dataset;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use self::dataset::Dataset;
use super::open::Opened;
use super::output;
use crate::core::Digest;
use crate::pipeline::{Event, Observer, Pipeline, StepStatus};

const PRODUCER: &str = concat!("urn:fqm-pipe:", env!("CARGO_PKG_VERSION"));
const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const PARENT: &str =
    "https://openlineage.io/spec/facets/1-1-0/ParentRunFacet.json#/$defs/ParentRunFacet";
const NOMINAL: &str =
    "https://openlineage.io/spec/facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet";
const VERSION: &str = "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet";
const ERROR: &str = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";

/// Makes events of what happens, and hands them to a task that posts them.
pub(super) struct Lineage {
    namespace: String,
    /// What each step reads.
    reads: BTreeMap<String, Vec<Dataset>>,
    file: Option<PathBuf>,
    post: Option<UnboundedSender<Value>>,
    run: String,
    pipeline: String,
    date: String,
    /// Whether the steps run in this process and its children, not on an engine.
    here: bool,
    /// The outputs of the steps that have ended: `STEP.PORT` → the digest.
    outputs: BTreeMap<String, Digest>,
    /// The steps whose START was sent, and those whose end was; the run itself is the empty name.
    started: BTreeSet<String>,
    ended: BTreeSet<String>,
}

impl Lineage {
    /// The observer of a pipeline, and the task that posts; nothing where no place is named. What the run
    /// that is gone on with has sent already is not sent again.
    pub(super) fn of(
        opened: &Opened,
        pipeline: &Pipeline,
        attach: Option<&str>,
    ) -> Option<(Self, tokio::task::JoinHandle<()>)> {
        let workspace = &opened.workspace;
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
        let namespace = place.namespace.clone().unwrap_or_else(|| workspace.name.clone());
        let reads = pipeline.steps.iter().map(|step| {
            let sources = step.inputs.values();
            let read = sources
                .flat_map(|source| Dataset::read(workspace, &namespace, &pipeline.name, source));
            (step.id.clone(), read.collect())
        });
        let mut lineage = Self {
            reads: reads.collect(),
            namespace,
            file: place.file.as_ref().map(|file| workspace.folder.join(file)),
            post: place.url.as_ref().map(|_| send),
            run: String::new(),
            pipeline: pipeline.name.clone(),
            date: String::new(),
            here: true,
            outputs: BTreeMap::new(),
            started: BTreeSet::new(),
            ended: BTreeSet::new(),
        };
        let before = attach.and_then(|run| opened.state.events(run, None).ok());
        for row in before.unwrap_or_default() {
            lineage.events(&row.event);
        }
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

    fn step(&self, kind: &str, step: &str, error: Option<&str>, at: DateTime<Utc>) -> Value {
        let job = format!("{}.{step}", self.pipeline);
        let mut event = self.event(kind, &job, &format!("{} {step}", self.run), error, at);
        let inputs = self.reads.get(step).into_iter().flatten();
        let digest = |read: &Dataset| read.output.as_ref().and_then(|name| self.outputs.get(name));
        event["inputs"] = inputs.map(|read| Self::dataset(read, digest(read))).collect();
        event
    }

    /// A dataset: its name says where it comes from, its version what it is.
    fn dataset(dataset: &Dataset, digest: Option<&Digest>) -> Value {
        let mut event = json!({ "namespace": dataset.namespace, "name": dataset.name });
        if let Some(digest) = digest {
            let version = Self::facet(VERSION, json!({ "datasetVersion": digest }));
            event["facets"] = json!({ "version": version });
        }
        event
    }

    /// What is to be sent of something that happened.
    fn events(&mut self, event: &Event) -> Vec<Value> {
        let now = Utc::now();
        match event {
            Event::RunStarted { run, pipeline, date, engine, .. } => {
                self.here = matches!(engine.as_str(), "" | "local");
                (self.run, self.pipeline, self.date) =
                    (run.clone(), pipeline.clone(), date.clone());
                let first = self.started.insert(String::new());
                Vec::from_iter(first.then(|| self.event("START", pipeline, run, None, now)))
            }
            // A worker tells when its step began only after it has ended.
            Event::StepStarted { step, .. } if self.here => {
                let first = self.started.insert(step.clone());
                Vec::from_iter(first.then(|| self.step("START", step, None, now)))
            }
            Event::StepEnded { step, status, outputs, note, millis } => {
                let note = note.as_deref();
                let (kind, error) = match status {
                    StepStatus::Done | StepStatus::Hit => ("COMPLETE", None),
                    StepStatus::Failed => ("FAIL", note),
                    _ => ("ABORT", None),
                };
                let ran = kind != "ABORT" || self.started.contains(step);
                if !ran || !self.ended.insert(step.clone()) {
                    return Vec::new();
                }
                let mut events = Vec::new();
                // A step of an engine, or whose result was there, is heard of when it has ended.
                if self.started.insert(step.clone()) {
                    let took = TimeDelta::milliseconds(i64::try_from(*millis).unwrap_or(0));
                    events.push(self.step("START", step, None, now - took));
                }
                let mut ended = self.step(kind, step, error, now);
                let written = outputs.iter().map(|(port, digest)| {
                    let dataset = Dataset::output(&self.namespace, &self.pipeline, step, port);
                    Self::dataset(&dataset, Some(digest))
                });
                ended["outputs"] = written.collect();
                events.push(ended);
                for (port, digest) in outputs {
                    self.outputs.insert(format!("{step}.{port}"), *digest);
                }
                events
            }
            Event::RunEnded { run, status, .. } => {
                let kind = match status.as_str() {
                    "ok" | "skipped" => "COMPLETE",
                    "failed" => "FAIL",
                    _ => "ABORT",
                };
                let first = self.ended.insert(String::new());
                Vec::from_iter(first.then(|| self.event(kind, &self.pipeline, run, None, now)))
            }
            _ => Vec::new(),
        }
    }
}

impl Observer for Lineage {
    fn on(&mut self, event: &Event) {
        for event in self.events(event) {
            self.send(event);
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
