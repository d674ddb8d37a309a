//! `registry.register`: checkpoint, card and prompts become one variant of the registry, with the
//! evaluation and the dataset's manifest attached as evidence.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finetune::TrainedModel;
use crate::core::{Digest, LogicalDate};
use crate::dataset::read_manifest;
use crate::pipeline::{
    Body, FailureKind, InPort, Kind, OutPort, Place, StepContext, StepFailure, StepResult, Takes,
    params_of, schema_of,
};
use crate::policy::{CONFIG_FILE, MODEL_FILE};
use crate::registry::{
    EvidenceKind, FileKind, NewEvidence, NewVariant, Note, Registry, RegistryError, VariantFile,
};

/// The kind.
pub const KIND: Kind = Kind {
    name: "registry.register",
    version: 1,
    summary: "registers checkpoint, card and prompts as one content-addressed variant",
    inputs: &[
        InPort { name: "checkpoint", takes: Takes::Artifact("checkpoint"), optional: false },
        InPort { name: "evaluation", takes: Takes::Artifact("evaluation"), optional: true },
        InPort { name: "declarations", takes: Takes::Files, optional: true },
    ],
    outputs: &[OutPort { name: "variant", makes: "variant" }],
    place: Place::Here,
    effect: false,
    params: params_of::<Params>,
    schema: schema_of::<Params>,
};

/// As what it is registered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// The model.
    model: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { model: "fqm".to_owned() }
    }
}

/// A registered variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The format of this document.
    pub format: String,
    /// The model.
    pub model: String,
    /// The digest of the variant's manifest.
    pub variant: Digest,
    /// The evidence manifests.
    pub evidence: Vec<Digest>,
}

/// The body.
pub struct Register;

#[async_trait]
impl Body for Register {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: Params = context.params()?;
        let date = context.request.date;
        let checkpoint = context.artifact("checkpoint")?.digest;
        let trained: TrainedModel = context.blobs.get_json(&checkpoint).await?;
        let new = variant(context, &params.model, &trained).await?;
        let registry = Registry::new(context.request.workspace.open_registry()?);
        let note = |reason: &str| Note::new("fqm-pipe", reason, Utc::now()).on(date);
        let reason = format!("trained by the night of {date}");
        let (variant, _) = registry.register(&new, note(&reason)).await.map_err(failed)?;
        let mut evidence = Vec::new();
        for new in proofs(context, &params.model, variant, &trained, date).await? {
            let attached = registry.attach(&new, note("evidence of the night")).await;
            evidence.push(attached.map_err(failed)?.0);
        }
        context.reporter.log(format!("registered {variant}"));
        let made = Registered {
            format: "fqm-registered/1".to_owned(),
            model: params.model,
            variant,
            evidence,
        };
        let digest = context.blobs.put_json(&made).await?;
        Ok(StepResult::one("variant", digest, [("variant", variant.to_string())]))
    }
}

async fn variant(
    context: &StepContext,
    model: &str,
    trained: &TrainedModel,
) -> Result<NewVariant, StepFailure> {
    let date = context.request.date;
    let weights = context.blobs.get(&trained.model).await?;
    let config = context.blobs.get(&trained.config).await?;
    let mut files = vec![
        VariantFile::new(MODEL_FILE, FileKind::Weight, weights),
        VariantFile::new(CONFIG_FILE, FileKind::WeightConfig, config),
    ];
    for (path, digest) in context.files("declarations").await?.0 {
        let bytes = context.blobs.get(&digest).await?;
        files.extend(declared(&path, model, bytes));
    }
    let mut facts = std::collections::BTreeMap::from([
        ("dataset".to_owned(), trained.dataset.to_string()),
        ("plan.date".to_owned(), date.to_string()),
    ]);
    facts.extend(trained.base.map(|base| ("base".to_owned(), base.to_string())));
    Ok(NewVariant {
        model: model.to_owned(),
        logical_date: date,
        title: format!("{model} of {date}"),
        description: format!(
            "graph policy, imitation of {} curated examples, pass {} kept",
            trained.replayed + trained.from_history,
            trained.best_epoch
        ),
        architecture: "bipartite-graph-pointer".to_owned(),
        parameters: None,
        precision: "float32".to_owned(),
        files,
        facts,
    })
}

/// A declared file as a file of the variant: the card and the prompts; the rest is for people.
fn declared(path: &str, model: &str, bytes: Bytes) -> Option<VariantFile> {
    let (_, name) = path.split_once(&format!("registry/{model}/"))?;
    VariantFile::declared(name, bytes)
}

async fn proofs(
    context: &StepContext,
    model: &str,
    subject: Digest,
    trained: &TrainedModel,
    date: LogicalDate,
) -> Result<Vec<NewEvidence>, StepFailure> {
    let new = |kind, document: Bytes| NewEvidence {
        model: model.to_owned(),
        subject,
        kind,
        logical_date: date,
        document,
        facts: Default::default(),
    };
    let manifest = read_manifest(&context.blobs, &trained.dataset).await;
    let manifest = manifest.map_err(StepFailure::input)?;
    let manifest = crate::core::canonical_json(&manifest).map_err(StepFailure::internal)?;
    let mut proofs = vec![new(EvidenceKind::Dataset, Bytes::from(manifest))];
    if let Ok(evaluation) = context.artifact("evaluation") {
        let document = context.blobs.get(&evaluation.digest).await?;
        proofs.push(new(EvidenceKind::Evaluation, document));
    }
    Ok(proofs)
}

pub(super) fn failed(error: RegistryError) -> StepFailure {
    let kind = if error.is_temporary() { FailureKind::Transient } else { FailureKind::Input };
    StepFailure { kind, message: error.to_string() }
}
