//! One step on its way: its inputs are found, its result looked up, the gate and the locks passed, a slot
//! waited for, its attempts made. It runs in a task of its own; the dispatcher hears how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::Semaphore;

use super::catalog::{FailureKind, StepFailure, StepResult};
use super::events::{Event, Reporter};
use super::executor::{Executor, pause_before_retry};
use super::key::Key;
use super::lock::{Lock, LockError};
use super::options::{Force, Options};
use super::plan::PlannedStep;
use super::resolve::{Given, Resolved, Resolver};
use super::spec::{Approve, StepSpec, Unanswered};
use super::state::{Names, State, StateError};
use super::stop::{interrupted, stopped};

/// How often a gate or a lock is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What the steps of a run share.
pub(super) struct Shared {
    pub resolver: Resolver,
    pub executor: Executor,
    pub options: Options,
    pub names: Arc<Names>,
    pub state: State,
    /// As many as steps may run at a time.
    pub slots: Semaphore,
}

/// A step that is to be brought to its end.
pub(super) struct Job {
    pub at: usize,
    /// What the dispatcher found already.
    pub prepared: Prepared,
}

/// How far a step is when its task begins.
pub(super) enum Prepared {
    /// Its inputs are found, and it has no result.
    Resolved(Box<Resolved>),
    /// Its logs or files are still to be looked at.
    Given(Given),
}

/// How a step ended.
pub(super) struct Ended {
    pub at: usize,
    pub started: Instant,
    pub key: Option<Key>,
    pub how: How,
}

/// Which way a step ended.
pub(super) enum How {
    /// It ran.
    Done(StepResult),
    /// Its result was there, and which run had computed it.
    Hit(StepResult, String),
    /// It failed.
    Failed(StepFailure),
    /// A person said no, or nothing in time.
    Refused(String),
}

/// Brings a step to its end.
pub(super) async fn work(shared: Arc<Shared>, job: Job) -> Ended {
    let (at, started) = (job.at, Instant::now());
    let mut key = None;
    let way = shared.way(job, &mut key);
    // A panic in a body must end its step, not leave the run without it.
    let how = AssertUnwindSafe(way).catch_unwind().await.unwrap_or_else(|_| {
        Ok(How::Failed(StepFailure::internal(
            "finish the step: its code panicked, which is a fault of fqm-pipe",
        )))
    });
    Ended { at, started, key, how: how.unwrap_or_else(How::Failed) }
}

impl Shared {
    async fn way(&self, job: Job, key: &mut Option<Key>) -> Result<How, StepFailure> {
        let frozen = self.resolver.frozen.clone();
        let (spec, step) = (&frozen.pipeline.steps[job.at], &frozen.plan.steps[job.at]);
        let resolved = match job.prepared {
            Prepared::Resolved(resolved) => *resolved,
            Prepared::Given(given) => self.resolve(spec, step, given).await?,
        };
        *key = Some(resolved.key);
        let forced = self.options.force.covers(&spec.id);
        if let Some(result) = resolved.hit.filter(|_| !forced) {
            return Ok(How::Hit(result, resolved.reason));
        }
        if let Some(approve) = &spec.approve
            && let Some(why) = self.ask(spec, approve).await?
        {
            return Ok(How::Refused(why));
        }
        let _locks = self.lock(spec).await?;
        let _slot = tokio::select! {
            slot = self.slots.acquire() => slot.map_err(StepFailure::internal)?,
            () = stopped(&self.executor.stop) => return Err(interrupted()),
        };
        let kind = self.resolver.catalog.kind(&spec.kind).copied();
        let kind = kind.ok_or_else(|| StepFailure::internal("find the step kind"))?;
        if kind.effect {
            // What an effect rests on must be durable before it is felt.
            self.settled().await?;
        }
        let reason = match &self.options.force {
            Force::Steps(_) if forced => "--step".to_owned(),
            _ if forced => "--force".to_owned(),
            _ => resolved.reason,
        };
        let begin = |attempt| {
            let (state, fence) = (&self.state, self.options.fence.as_ref());
            let begun = state.start_step(fence, &self.names, &spec.id, attempt, &reason);
            begun.map_err(StepFailure::internal)
        };
        let reporter = Reporter::new(&spec.id, self.executor.sink.clone());
        let context = self.resolver.context(step, &resolved.inputs, &reporter);
        let done = self.executor.execute(spec, &kind, &context, &reason, begin).await?;
        Ok(How::Done(done))
    }

    /// Looks at logs and files; a store that does not answer is asked again, as a step is tried again.
    async fn resolve(
        &self,
        spec: &StepSpec,
        step: &PlannedStep,
        given: Given,
    ) -> Result<Resolved, StepFailure> {
        let mut attempt = 1;
        loop {
            let reporter = Reporter::new(&spec.id, self.executor.sink.clone());
            let failure = tokio::select! {
                resolved = self.resolver.resolve(step, given.clone(), reporter.clone()) => {
                    match resolved {
                        Ok(resolved) => return Ok(resolved),
                        Err(failure) => failure,
                    }
                }
                () = stopped(&self.executor.stop) => return Err(interrupted()),
            };
            let pause = pause_before_retry(&spec.retry, attempt, failure.kind);
            let Some(pause) = pause else { return Err(failure) };
            let seconds = pause.as_secs_f64();
            reporter.log(format!("failed to {failure}; looking again in {seconds:.1} s"));
            tokio::select! {
                () = tokio::time::sleep(pause) => (),
                () = stopped(&self.executor.stop) => return Err(interrupted()),
            }
            attempt += 1;
        }
    }

    /// Waits for a person. Gives back why the step may not run, where it may not.
    async fn ask(&self, spec: &StepSpec, ask: &Approve) -> Result<Option<String>, StepFailure> {
        let plan = &self.resolver.frozen.digest;
        let deadline = Instant::now() + ask.timeout.0;
        let mut told = false;
        loop {
            let said = self.state.gate(plan, &spec.id).map_err(StepFailure::internal)?;
            if let Some(gate) = said {
                let word = if gate.approved { "approved" } else { "rejected" };
                let line = format!("{word} by {}: {}", gate.person, gate.reason);
                (self.executor.sink)(Event::Log { step: spec.id.clone(), line: line.clone() });
                return Ok((!gate.approved).then_some(line));
            }
            if !told {
                let question = format!(
                    "{} (answer with `fqm-pipe approve {} {} --reason WHY`)",
                    if ask.question.is_empty() { "may it run?" } else { &ask.question },
                    self.names.run,
                    spec.id
                );
                (self.executor.sink)(Event::Waiting { step: spec.id.clone(), question });
                told = true;
            }
            if Instant::now() >= deadline {
                let why = format!("nobody answered within {}", ask.timeout);
                return match ask.otherwise {
                    Unanswered::Skip => Ok(Some(why)),
                    Unanswered::Fail => Err(StepFailure {
                        kind: FailureKind::Timeout,
                        message: format!("be approved: {why}"),
                    }),
                };
            }
            self.pause().await?;
        }
    }

    async fn lock(&self, spec: &StepSpec) -> Result<Vec<Lock>, StepFailure> {
        let mut held = Vec::new();
        let holder = format!("step {} of run {}", spec.id, self.names.run);
        for name in &spec.locks {
            let mut told = false;
            loop {
                match Lock::take(self.state.folder(), &format!("step/{name}"), &holder) {
                    Ok(lock) => break held.push(lock),
                    Err(LockError::Held { holder, .. }) => {
                        if !told {
                            let line = format!("waiting for the lock `{name}`, held by {holder}");
                            (self.executor.sink)(Event::Log { step: spec.id.clone(), line });
                            told = true;
                        }
                        self.pause().await?;
                    }
                    Err(error) => return Err(StepFailure::input(error)),
                }
            }
        }
        Ok(held)
    }

    async fn pause(&self) -> Result<(), StepFailure> {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => Ok(()),
            () = stopped(&self.executor.stop) => Err(interrupted()),
        }
    }

    async fn settled(&self) -> Result<(), StepFailure> {
        let state = self.state.clone();
        let flushed = tokio::task::spawn_blocking(move || state.flush()).await;
        let flushed: Result<(), StateError> = flushed.map_err(StepFailure::internal)?;
        flushed.map_err(StepFailure::internal)
    }
}
