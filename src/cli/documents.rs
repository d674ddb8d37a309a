//! The documents that the steps of a run left in the store.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::CliError;
use super::open::Opened;
use crate::dataset::{Manifest, read_manifest};
use crate::pipeline::{Artifact, Outcome};
use crate::promote::Decision;
use crate::steps::{Challenge, Evaluation, TrainedModel};

/// The documents that the steps of a run left.
#[derive(Default)]
pub(super) struct Documents {
    pub snapshot: Option<Value>,
    pub manifest: Option<Manifest>,
    pub challenge: Option<Challenge>,
    pub trained: Option<TrainedModel>,
    pub evaluation: Option<Evaluation>,
    pub decision: Option<Decision>,
}

/// The artifacts of a run by output port.
pub(super) fn artifacts(
    opened: &Opened,
    outcome: &Outcome,
) -> Result<BTreeMap<String, Artifact>, CliError> {
    let steps = opened.state.steps(&outcome.run)?;
    Ok(steps.into_iter().flat_map(|step| step.outputs).collect())
}

/// Reads what the artifacts point to.
pub(super) async fn documents(
    opened: &Opened,
    artifacts: &BTreeMap<String, Artifact>,
) -> Result<Documents, CliError> {
    let manifest = match artifacts.get("dataset") {
        Some(a) => Some(read_manifest(&opened.blobs, &a.digest).await.map_err(CliError::config)?),
        None => None,
    };
    Ok(Documents {
        snapshot: document(opened, artifacts, "snapshot").await?,
        manifest,
        challenge: document(opened, artifacts, "levels").await?,
        trained: document(opened, artifacts, "checkpoint").await?,
        evaluation: document(opened, artifacts, "evaluation").await?,
        decision: document(opened, artifacts, "decision").await?,
    })
}

async fn document<T: DeserializeOwned>(
    opened: &Opened,
    artifacts: &BTreeMap<String, Artifact>,
    port: &str,
) -> Result<Option<T>, CliError> {
    match artifacts.get(port) {
        Some(artifact) => Ok(Some(opened.blobs.get_json(&artifact.digest).await?)),
        None => Ok(None),
    }
}
