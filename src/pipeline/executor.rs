//! Runs one step: attempts, timeouts and pauses between them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::catalog::{Catalog, FailureKind, Kind, Place, StepContext, StepFailure, StepResult};
use super::child::run_in_child;
use super::events::Event;
use super::resolve::missing_body;
use super::spec::{Retry, RetryOn};
use super::state::State;

/// What the attempts of a step share.
pub(super) struct Executor {
    pub catalog: Arc<dyn Catalog>,
    pub state: State,
    pub run: String,
    pub sink: Arc<dyn Fn(Event) + Send + Sync>,
    /// Where the child program may lie, in order.
    pub program: Vec<PathBuf>,
    /// What the child's environment gets, so that its results repeat.
    pub variables: Vec<(String, String)>,
}

impl Executor {
    /// Runs a step until it is done, its failure is final, or its retries are spent.
    pub(super) async fn execute(
        &self,
        kind: &Kind,
        context: &StepContext,
        reason: &str,
        timeout: Option<Duration>,
        retry: &Retry,
    ) -> Result<StepResult, StepFailure> {
        let mut attempt = 1;
        loop {
            let step = &context.request.step;
            self.state
                .start_step(&self.run, step, attempt, reason)
                .map_err(StepFailure::internal)?;
            let (step, reason) = (step.clone(), reason.to_owned());
            (self.sink)(Event::StepStarted { step, attempt, reason });
            let failure = match limited(timeout, self.attempt(kind, context)).await {
                Ok(result) => return Ok(result),
                Err(failure) => failure,
            };
            if attempt > retry.max || !may_retry(retry, failure.kind) {
                return Err(failure);
            }
            let pause = pause(retry, attempt);
            context.reporter.log(format!(
                "attempt {attempt} failed to {failure}; trying again in {:.1} s",
                pause.as_secs_f64()
            ));
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, kind: &Kind, context: &StepContext) -> Result<StepResult, StepFailure> {
        match kind.place {
            Place::Torch => {
                run_in_child(&self.program, &self.variables, context, self.sink.as_ref()).await
            }
            Place::Here => {
                let body = self.catalog.body(kind.name).ok_or_else(|| missing_body(kind))?;
                body.run(context).await
            }
        }
    }
}

async fn limited(
    timeout: Option<Duration>,
    work: impl Future<Output = Result<StepResult, StepFailure>>,
) -> Result<StepResult, StepFailure> {
    let Some(timeout) = timeout else { return work.await };
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| {
        let seconds = timeout.as_secs_f64();
        let message =
            format!("finish within its timeout of {seconds} s; raise the step's `timeout` if it needs longer");
        Err(StepFailure { kind: FailureKind::Timeout, message })
    })
}

fn may_retry(retry: &Retry, kind: FailureKind) -> bool {
    let wanted = match kind {
        FailureKind::Transient => RetryOn::Transient,
        FailureKind::Lost => RetryOn::Lost,
        FailureKind::Timeout => RetryOn::Timeout,
        FailureKind::Input | FailureKind::Internal => return false,
    };
    retry.on.contains(&wanted)
}

fn pause(retry: &Retry, attempt: u32) -> Duration {
    let factor = retry.factor.max(1.0).powi(i32::try_from(attempt - 1).unwrap_or(i32::MAX));
    let seconds = (retry.delay.0.as_secs_f64() * factor).min(retry.cap.0.as_secs_f64());
    Duration::try_from_secs_f64(seconds).unwrap_or(retry.cap.0)
}
