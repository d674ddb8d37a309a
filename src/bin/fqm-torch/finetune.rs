//! The body of `policy.finetune`: one training of a night.

use async_trait::async_trait;
use fqm_pipe::pipeline::{Body, StepContext, StepFailure, StepResult};
use fqm_pipe::policy::FinetuneParams;

use crate::night::Night;
use crate::passes::NightPasses;

/// The body.
pub struct Finetune;

#[async_trait]
impl Body for Finetune {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: FinetuneParams = context.params()?;
        let night = Night::load(context, &params).await?;
        let (reporter, passes) = (context.reporter.clone(), NightPasses::of(context)?);
        let work = move || {
            let done = night.train(&params, Some(&passes), &reporter)?;
            Ok::<_, StepFailure>((night, done, passes))
        };
        let (night, done, passes) =
            tokio::task::spawn_blocking(work).await.map_err(StepFailure::internal)??;
        let result = night.store(context, done, None).await?;
        passes.forget();
        Ok(result)
    }
}
