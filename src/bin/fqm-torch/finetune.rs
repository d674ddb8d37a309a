//! The body of `policy.finetune`: one training of a night.

use async_trait::async_trait;
use fqm_pipe::core::Digest;
use fqm_pipe::pipeline::{Body, StepContext, StepFailure, StepResult};
use fqm_pipe::policy::{CONFIG_FILE, Checkpoint, FinetuneParams, MODEL_FILE};
use fqm_pipe::registry::Registry;
use fqm_pipe::workspace::Workspace;

use crate::night::Night;

/// The body.
pub struct Finetune;

#[async_trait]
impl Body for Finetune {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: FinetuneParams = context.params()?;
        let night = Night::load(context, &params).await?;
        let reporter = context.reporter.clone();
        let work = move || {
            let done = night.train(&params, &reporter)?;
            Ok::<_, StepFailure>((night, done))
        };
        let (night, done) =
            tokio::task::spawn_blocking(work).await.map_err(StepFailure::internal)??;
        night.store(context, done, None).await
    }
}

/// Reads the checkpoint of a registered variant.
///
/// # Errors
/// When the variant is missing, damaged or does not fit this program.
pub async fn read_checkpoint(
    workspace: &Workspace,
    variant: &Digest,
) -> Result<Checkpoint, StepFailure> {
    let registry = Registry::new(workspace.open_registry()?);
    let config = registry.read(variant, CONFIG_FILE).await.map_err(StepFailure::input)?;
    let model = registry.read(variant, MODEL_FILE).await.map_err(StepFailure::input)?;
    Checkpoint::from_files(&config, model.to_vec()).map_err(StepFailure::input)
}
