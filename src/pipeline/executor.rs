//! Runs one step: attempts, timeouts and pauses between them.

use std::sync::Arc;
use std::time::Duration;

use super::catalog::{Catalog, FailureKind, Kind, Place, StepContext, StepFailure, StepResult};
use super::child::{Limits, run_in_child};
use super::events::Event;
use super::options::Programs;
use super::resolve::missing_body;
use super::spec::{Retry, RetryOn, StepSpec};
use super::stop::{Stop, interrupted, stopped};

/// What the attempts of all steps share.
pub(super) struct Executor {
    pub catalog: Arc<dyn Catalog>,
    pub sink: Arc<dyn Fn(Event) + Send + Sync>,
    /// Which programs children are.
    pub programs: Programs,
    /// Says that the run is to end.
    pub stop: Stop,
    /// How long a child may take to end after it was told to.
    pub grace: Duration,
}

impl Executor {
    /// Runs a step until it is done, its failure is final, or its retries are spent. `begin` is told
    /// of every attempt.
    pub(super) async fn execute(
        &self,
        spec: &StepSpec,
        kind: &Kind,
        context: &StepContext,
        reason: &str,
        begin: impl Fn(u32) -> Result<(), StepFailure>,
    ) -> Result<StepResult, StepFailure> {
        let (timeout, retry) = (spec.timeout.map(|t| t.0), &spec.retry);
        let mut attempt = 1;
        loop {
            begin(attempt)?;
            let (step, reason) = (context.request.step.clone(), reason.to_owned());
            (self.sink)(Event::StepStarted { step, attempt, reason });
            let failure = match limited(timeout, self.attempt(spec, kind, context)).await {
                Ok(result) => return Ok(result),
                Err(failure) => failure,
            };
            let Some(pause) = pause_before_retry(retry, attempt, failure.kind) else {
                return Err(failure);
            };
            context.reporter.log(format!(
                "attempt {attempt} failed to {failure}; trying again in {:.1} s",
                pause.as_secs_f64()
            ));
            tokio::select! {
                () = tokio::time::sleep(pause) => (),
                () = stopped(&self.stop) => return Err(interrupted()),
            }
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        spec: &StepSpec,
        kind: &Kind,
        context: &StepContext,
    ) -> Result<StepResult, StepFailure> {
        let program = match kind.place {
            Place::Torch => Some(&self.programs.torch),
            Place::Here if spec.isolate => Some(&self.programs.own),
            Place::Here => None,
        };
        if let Some(program) = program {
            let limits = Limits { memory: spec.needs.mem, grace: self.grace };
            let variables = &self.programs.variables;
            return run_in_child(program, variables, context, &limits, &self.stop, &*self.sink)
                .await;
        }
        let body = self.catalog.body(kind.name).ok_or_else(|| missing_body(kind))?;
        tokio::select! {
            result = body.run(context) => result,
            () = stopped(&self.stop) => Err(interrupted()),
        }
    }
}

/// How long to wait before a failed attempt is made again; nothing where it is not.
pub(super) fn pause_before_retry(
    retry: &Retry,
    attempt: u32,
    kind: FailureKind,
) -> Option<Duration> {
    (attempt <= retry.max && may_retry(retry, kind)).then(|| pause(retry, attempt))
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
        FailureKind::Input | FailureKind::Internal | FailureKind::Interrupted => return false,
    };
    retry.on.contains(&wanted)
}

fn pause(retry: &Retry, attempt: u32) -> Duration {
    let factor = retry.factor.max(1.0).powi(i32::try_from(attempt - 1).unwrap_or(i32::MAX));
    let seconds = (retry.delay.0.as_secs_f64() * factor).min(retry.cap.0.as_secs_f64());
    Duration::try_from_secs_f64(seconds).unwrap_or(retry.cap.0)
}
