//! `ingest.logs`: the day's log objects into the tables of the store, exactly once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::{InPort, Kind, OutPort, Place, Takes, params_of, schema_of};

/// The kind.
pub const KIND: Kind = Kind {
    name: "ingest.logs",
    version: 1,
    summary: "takes the day's logs into the feature store, scrubbed and exactly once",
    inputs: &[InPort { name: "logs", takes: Takes::Logs, optional: false }],
    outputs: &[OutPort { name: "snapshot", makes: "snapshot" }],
    place: Place::Here,
    effect: false,
    params: params_of::<Params>,
    schema: schema_of::<Params>,
};

/// How logs are read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// The name of the log source. Batches of different sources are numbered apart.
    source: String,
    /// `auto`, or the format of all objects: `native`, `messages`, `langfuse`.
    format: String,
    /// Ids are compared with those of this many days before.
    dedup_days: u32,
    /// A longer record is quarantined, in MiB.
    max_record_mib: u64,
    /// Whether episodes whose log says nothing about consent may be trained on.
    default_consent: DefaultConsent,
}

/// The consent of episodes whose log says nothing about it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DefaultConsent {
    Train,
    Eval,
    None,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            source: "symphony".to_owned(),
            format: "auto".to_owned(),
            dedup_days: 30,
            max_record_mib: 32,
            default_consent: DefaultConsent::Train,
        }
    }
}

#[cfg(feature = "store")]
pub use body::Ingest;

#[cfg(feature = "store")]
mod body {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use serde_json::{Value, json};
    use url::Url;

    use super::{DefaultConsent, Params};
    use crate::core::{Digest, LogicalDate, ObjectInfo, Store, digest_json};
    use crate::logs::{Consent, Format};
    use crate::pipeline::{Body, FailureKind, Input, StepContext, StepFailure, StepResult};
    use crate::store::{
        IngestError, IngestRequest, Progress, Tables, ingest, other_nights, relevant,
    };
    use crate::workspace::Workspace;

    /// The body.
    pub struct Ingest;

    #[async_trait]
    impl Body for Ingest {
        async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
            let params: Params = context.params()?;
            let request = &context.request;
            let Some(Input::Logs { patterns }) = request.inputs.get("logs") else {
                return Err(StepFailure::internal("find the input `logs`"));
            };
            let (logs, globs) = place(&request.workspace, patterns)?;
            logs.ensure_readable().await?;
            let store = request.workspace.open_store()?;
            let tables = Tables::open(&store.sub("tables")).await.map_err(StepFailure::input)?;
            let key = request.workspace.scrub_key();
            let mut wanted = IngestRequest::new(&params.source, request.date, key.as_bytes());
            wanted.globs = globs;
            wanted.format = format(&params.format)?;
            wanted.dedup_days = params.dedup_days;
            wanted.max_record_bytes = params.max_record_mib << 20;
            wanted.default_consent = match params.default_consent {
                DefaultConsent::Train => Consent::Train,
                DefaultConsent::Eval => Consent::Eval,
                DefaultConsent::None => Consent::None,
            };
            let late = Mutex::new(BTreeMap::<LogicalDate, u64>::new());
            let progress = |event: Progress| {
                if let (Progress::Unclaimed { date, .. }, Ok(mut late)) = (&event, late.lock()) {
                    *late.entry(*date).or_default() += 1;
                }
                report(context, event);
            };
            let snapshot = ingest(&tables, &logs, wanted, progress).await.map_err(failed)?;
            let digest = context.blobs.put_json(&snapshot).await?;
            let rows = &snapshot.summary.rows;
            for (date, count) in late.into_inner().unwrap_or_default() {
                context.reporter.log(format!(
                    "{count} objects belong to {date} and came after its night: run that date again to take them in"
                ));
            }
            for skipped in &snapshot.summary.not_logs {
                context.reporter.log(format!("{}: left alone, {}", skipped.key, skipped.reason));
            }
            let facts = [
                ("objects", snapshot.summary.objects.len() as u64),
                ("not_logs", snapshot.summary.not_logs.len() as u64),
                ("episodes", rows.episodes),
                ("steps", rows.steps),
                ("feedback", rows.feedback),
                ("quarantined", rows.quarantined),
                ("duplicates", snapshot.summary.duplicates),
            ];
            let said = facts.iter().filter(|(name, n)| *n > 0 || *name != "not_logs");
            let said: Vec<_> = said
                .map(|(name, n)| format!("{n} {}", name.replace("not_logs", "left alone")))
                .collect();
            context.reporter.log(said.join(", "));
            Ok(StepResult::one("snapshot", digest, facts))
        }

        async fn fingerprint(
            &self,
            context: &StepContext,
            patterns: &[String],
        ) -> Result<Value, StepFailure> {
            let (logs, globs) = place(&context.request.workspace, patterns)?;
            logs.ensure_readable().await?;
            let date = context.request.date;
            let objects = relevant(&logs, &globs, date).await.map_err(failed)?;
            let params: Params = context.params()?;
            let store = context.request.workspace.open_store()?.sub("tables");
            // Curation reads the nights before as well, and placeholders hang on the key.
            let others =
                other_nights(&store, date, &params.source).await.map_err(StepFailure::input)?;
            let key = Digest::of(context.request.workspace.scrub_key().as_bytes());
            let object = |o: &ObjectInfo| match &o.etag {
                Some(etag) => json!([o.path, o.size, etag]),
                None => json!([o.path, o.size, o.modified]),
            };
            let listed: Vec<_> = objects.iter().map(object).collect();
            let digest = digest_json(&(&listed, others, key)).map_err(StepFailure::internal)?;
            Ok(json!(format!("{} objects, {digest}", listed.len())))
        }
    }

    /// Finds the store of the logs and the patterns below its root: `{{ logs }}/…` is the place that
    /// the workspace names, a URL is a place of its own.
    fn place(
        workspace: &Workspace,
        patterns: &[String],
    ) -> Result<(Store, Vec<String>), StepFailure> {
        let mut root: Option<Url> = None;
        let mut globs = Vec::new();
        for pattern in patterns {
            let (url, glob) = match pattern.strip_prefix("{{ logs }}/") {
                Some(glob) => (workspace.logs.clone(), glob.to_owned()),
                None => split(pattern)?,
            };
            if root.as_ref().is_some_and(|root| *root != url) {
                let message = "read the logs: all patterns of a step must lie under one place; use a step for each";
                return Err(StepFailure::input(message));
            }
            root = Some(url);
            globs.push(glob);
        }
        let root = root.ok_or_else(|| StepFailure::input("read the logs: no pattern is given"))?;
        Ok((Store::open(&root)?, globs))
    }

    /// Splits `s3://bucket/fixed/**/*.jsonl` where the first wildcard's folder begins.
    fn split(pattern: &str) -> Result<(Url, String), StepFailure> {
        let wrong = || {
            StepFailure::input(format!(
                "read the logs `{pattern}`: write \"{{{{ logs }}}}/PATTERN\" or a URL such as \"s3://bucket/logs/**\""
            ))
        };
        let (scheme, rest) = pattern.split_once("://").ok_or_else(wrong)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let wild = |part: &str| part.contains(['*', '?', '[', '{']);
        let at = parts.iter().position(|p| wild(p)).unwrap_or(parts.len() - 1).max(1);
        let url = format!("{scheme}://{}/", parts[..at].join("/"));
        Ok((Url::parse(&url).map_err(|_| wrong())?, parts[at..].join("/")))
    }

    fn format(name: &str) -> Result<Option<Format>, StepFailure> {
        match name {
            "auto" => Ok(None),
            other => other.parse().map(Some).map_err(|e| {
                StepFailure::input(format!("read the parameter `format`: {e}, or `auto`"))
            }),
        }
    }

    fn report(context: &StepContext, event: Progress) {
        match event {
            Progress::Batch { objects, bytes, redo } => {
                let again = if redo { ", begun by a run that was lost" } else { "" };
                let mib = bytes as f64 / f64::from(1 << 20);
                context.reporter.log(format!("batch of {objects} objects, {mib:.1} MiB{again}"));
            }
            Progress::Reading { records, .. } => {
                context.reporter.progress(records, None, "records")
            }
            Progress::ObjectDone { key, records, .. } => {
                context.reporter.log(format!("{key}: {records} records"));
            }
            // Said once for each date, when all is read: see `run`.
            Progress::Unclaimed { .. } => (),
        }
    }

    fn failed(error: IngestError) -> StepFailure {
        // An object that was listed and then cannot be read is the store's fault, not the log's.
        let kind = match error {
            IngestError::Object { .. } => FailureKind::Transient,
            _ => FailureKind::Input,
        };
        StepFailure { kind, message: error.to_string() }
    }
}
