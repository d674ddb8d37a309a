//! A worker: one step of a run that was handed over. It plans nothing. It finds the outputs of the steps
//! before it in the store, works, and publishes how it ended.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::core::{Blobs, StoreError};
use crate::pipeline::catalog::{Catalog, FailureKind, StepFailure, StepResult};
use crate::pipeline::events::{Event, Reporter, StepStatus};
use crate::pipeline::exchange::{Claim, Exchange, Handle, Handover, StepOutcome};
use crate::pipeline::executor::Executor;
use crate::pipeline::graph::Graph;
use crate::pipeline::options::Programs;
use crate::pipeline::plan::Frozen;
use crate::pipeline::process::{Process, Usage};
use crate::pipeline::resolve::{Ledger, Outputs, Resolver, broken_check};
use crate::pipeline::spec::StepSpec;
use crate::pipeline::stop::interrupted;
use crate::workspace::Workspace;

/// How often a worker looks whether it is still wanted.
const LOOK: Duration = Duration::from_secs(2);

/// The most events that a worker passes on: a bound on what a step that talks too much can fill.
const MOST_EVENTS: usize = 20_000;

/// A worker that cannot say how its step ended.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan or the step is not what the worker was told.
    #[error("{0}")]
    Wrong(String),
    /// Steps before this one have not published how they ended: it was started too early.
    #[error("start `{step}`: `{before}` has not published how it ended; start it again later")]
    TooEarly {
        /// The step.
        step: String,
        /// The step before it.
        before: String,
    },
    /// Another worker has taken the step over, or the run was ended.
    #[error("go on with `{0}`: another worker has taken it over, or the run was ended")]
    Fenced(String),
}

/// What a worker works with.
pub struct Worker {
    /// The step kinds.
    pub catalog: Arc<dyn Catalog>,
    /// The workspace as it is on this machine.
    pub workspace: Workspace,
    /// Which programs children are.
    pub programs: Programs,
    /// What the results of child processes depend on here.
    pub environment: std::collections::BTreeMap<String, String>,
    /// What the engine calls this worker.
    pub job: Option<String>,
    /// Where events go.
    pub sink: Arc<dyn Fn(Event) + Send + Sync>,
}

impl Worker {
    /// Brings a step of a run to its end and publishes how it ended. A step that has ended already is
    /// left alone.
    ///
    /// # Errors
    /// When nothing could be published: the engine may start the step again.
    pub async fn exec(&self, handle: &Handle, step: &str) -> Result<StepOutcome, WorkerError> {
        let store = self.workspace.open_store()?;
        let exchange = Exchange::new(&store, &handle.run);
        let handover = self.handover(&exchange, handle).await?;
        let frozen = Arc::new(handover.frozen.clone());
        let at = frozen.pipeline.steps.iter().position(|spec| spec.id == step);
        let at = at.ok_or_else(|| {
            let steps = frozen.pipeline.steps.iter().map(|spec| spec.id.as_str());
            let steps = steps.collect::<Vec<_>>().join(", ");
            let plan = handle.plan.short();
            WorkerError::Wrong(format!("find the step `{step}` in the plan {plan}: it has {steps}"))
        })?;
        if let Some(outcome) = exchange.outcome(step).await? {
            return Ok(outcome);
        }
        let (worker, job) = (Process::current(), self.job.clone());
        let number = exchange.claim(step, &Claim { worker, job }).await?;
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let (outputs, held_back) = before(&exchange, &frozen, at).await?;
        let mut outcome = match held_back {
            Some(outcome) => outcome,
            None => {
                let (tell, stop) = watch::channel(false);
                let sink = self.listening(events.clone());
                let work = self.work(&handover, frozen, at, &outputs, &store, stop, sink);
                tokio::select! {
                    outcome = work => outcome,
                    fenced = self.unwanted(&exchange, step, number, tell) => return Err(fenced),
                }
            }
        };
        // A worker that was taken over must not speak for its successor.
        if exchange.latest_claim(step).await? != number || exchange.is_cancelled().await? {
            return Err(WorkerError::Fenced(step.to_owned()));
        }
        let done = outcome.status == StepStatus::Done;
        if let (true, Some(key), Some(result)) = (done, &outcome.key, &outcome.result) {
            Exchange::share(&store, key, result).await?;
        }
        outcome.claim = Some(number);
        let events = events.lock().map(|mut events| std::mem::take(&mut *events));
        exchange.tell(step, number, &events.unwrap_or_default()).await?;
        Ok(exchange.publish(step, &outcome).await?)
    }

    /// The sink with a memory of what the driver will want to know.
    fn listening(&self, events: Arc<Mutex<Vec<Event>>>) -> Arc<dyn Fn(Event) + Send + Sync> {
        let sink = self.sink.clone();
        Arc::new(move |event| {
            if !matches!(event, Event::Progress { .. })
                && let Ok(mut events) = events.lock()
                && events.len() < MOST_EVENTS
            {
                events.push(event.clone());
            }
            sink(event);
        })
    }

    async fn handover(
        &self,
        exchange: &Exchange,
        handle: &Handle,
    ) -> Result<Handover, WorkerError> {
        let handover = exchange.handover().await?;
        let wrong = |message: String| WorkerError::Wrong(message);
        let frozen = handover.frozen.clone().checked().map_err(|e| wrong(e.to_string()))?;
        if frozen.digest != handle.plan {
            let found = frozen.digest;
            return Err(wrong(format!("read run {}: it has the plan {found}", handle.run)));
        }
        // A worker of another device class would compute something else under the same key.
        if frozen.plan.environment != self.environment {
            return Err(wrong(format!(
                "work on run {}: it was planned for {:?}, this worker has {:?}; start it where the plan fits",
                handle.run, frozen.plan.environment, self.environment
            )));
        }
        Ok(handover)
    }

    /// Ends when nobody wants the step from this worker any more.
    async fn unwanted(
        &self,
        exchange: &Exchange,
        step: &str,
        number: u32,
        tell: watch::Sender<bool>,
    ) -> WorkerError {
        loop {
            tokio::time::sleep(LOOK).await;
            // A store that does not answer says nothing.
            let taken = exchange.latest_claim(step).await.is_ok_and(|latest| latest != number);
            if taken || exchange.is_cancelled().await.unwrap_or(false) {
                let _ = tell.send(true);
                return WorkerError::Fenced(step.to_owned());
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one step, each used once")]
    async fn work(
        &self,
        handover: &Handover,
        frozen: Arc<Frozen>,
        at: usize,
        outputs: &Outputs,
        store: &crate::core::Store,
        stop: watch::Receiver<bool>,
        sink: Arc<dyn Fn(Event) + Send + Sync>,
    ) -> StepOutcome {
        let started = Instant::now();
        let usage: Arc<Mutex<Option<Usage>>> = Arc::default();
        let seen = usage.clone();
        let sink: Arc<dyn Fn(Event) + Send + Sync> = Arc::new(move |event| {
            if let Event::Usage { cpu_seconds, peak_bytes, .. } = &event
                && let Ok(mut seen) = seen.lock()
            {
                *seen = Some(Usage { cpu_seconds: *cpu_seconds, peak_bytes: *peak_bytes });
            }
            sink(event);
        });
        let resolver = Resolver {
            frozen: frozen.clone(),
            catalog: self.catalog.clone(),
            ledger: Ledger::shared(),
            blobs: Blobs::new(store.clone()),
            workspace: self.workspace.clone().into(),
            store: true,
            seen: Mutex::default(),
        };
        let spec = &frozen.pipeline.steps[at];
        let mut outcome = StepOutcome::new(StepStatus::Failed);
        let ended = self.attempt(handover, &resolver, at, outputs, stop, &sink, &mut outcome).await;
        match ended {
            Ok(Some(result)) => {
                let mut all = outputs.clone();
                all.insert(spec.id.clone(), result.outputs.clone());
                outcome.note = result.not_enough.clone();
                let checked = broken_check(&resolver, spec, &all, |_| ());
                if let Some(why) = checked {
                    (outcome.status, outcome.note) = (StepStatus::Failed, Some(why));
                    outcome.failure = Some(FailureKind::Input);
                }
                outcome.result = Some(result);
            }
            Ok(None) => outcome.status = StepStatus::Skipped,
            Err(failure) => {
                outcome.status = StepStatus::Failed;
                outcome.note = Some(format!("failed to {failure}"));
                outcome.failure = Some(failure.kind);
            }
        }
        outcome.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A step that ran in this process has used what the process has.
        let used = usage.lock().ok().and_then(|usage| *usage);
        outcome.usage = Some(used.unwrap_or_else(Usage::of_this_process));
        outcome
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one step, each used once")]
    async fn attempt(
        &self,
        handover: &Handover,
        resolver: &Resolver,
        at: usize,
        outputs: &Outputs,
        stop: watch::Receiver<bool>,
        sink: &Arc<dyn Fn(Event) + Send + Sync>,
        outcome: &mut StepOutcome,
    ) -> Result<Option<StepResult>, StepFailure> {
        let frozen = resolver.frozen.clone();
        let (spec, step) = (&frozen.pipeline.steps[at], &frozen.plan.steps[at]);
        if !resolver.holds(spec, outputs)? {
            outcome.note =
                Some(format!("`{}` does not hold", step.when.as_deref().unwrap_or_default()));
            return Ok(None);
        }
        let given = resolver.given(step, outputs)?;
        let reporter = Reporter::new(&spec.id, sink.clone());
        let resolved = resolver.resolve(step, given, reporter.clone()).await?;
        outcome.key = Some(resolved.key);
        let forced = handover.force.covers(&spec.id);
        if let Some(result) = resolved.hit.filter(|_| !forced) {
            outcome.status = StepStatus::Hit;
            return Ok(Some(result));
        }
        outcome.status = StepStatus::Done;
        let kind = self.catalog.kind(&spec.kind).copied();
        let kind = kind.ok_or_else(|| StepFailure::internal("find the step kind"))?;
        let executor = Executor {
            catalog: self.catalog.clone(),
            sink: sink.clone(),
            programs: self.programs.clone(),
            stop,
            grace: Duration::from_secs(10),
        };
        let context = resolver.context(step, &resolved.inputs, &reporter);
        let attempts = Mutex::new(0);
        let begin = |attempt| {
            attempts.lock().map(|mut attempts| *attempts = attempt).map_err(|_| interrupted())
        };
        let reason = if forced { "--force" } else { &resolved.reason };
        let result = executor.execute(spec, &kind, &context, reason, begin).await;
        outcome.attempts = attempts.lock().map(|attempts| *attempts).unwrap_or(0);
        result.map(Some)
    }
}

/// The outputs of the steps before a step; where one of them gave none, how this one ends.
async fn before(
    exchange: &Exchange,
    frozen: &Frozen,
    at: usize,
) -> Result<(Outputs, Option<StepOutcome>), WorkerError> {
    let steps: &[StepSpec] = &frozen.pipeline.steps;
    let graph = Graph::of(steps);
    let mut outputs = Outputs::new();
    let mut held_back = None;
    for up in &graph.up[at] {
        let id = &steps[*up].id;
        let outcome = exchange.outcome(id).await?.ok_or_else(|| WorkerError::TooEarly {
            step: steps[at].id.clone(),
            before: id.clone(),
        })?;
        let (status, why) = match (outcome.status, outcome.result) {
            (StepStatus::Done | StepStatus::Hit, Some(result)) if result.not_enough.is_none() => {
                outputs.insert(id.clone(), result.outputs);
                continue;
            }
            (StepStatus::Done | StepStatus::Hit | StepStatus::Skipped, _) => {
                (StepStatus::Skipped, format!("`{id}` gave nothing to go on with"))
            }
            _ => (StepStatus::Blocked, format!("`{id}` failed")),
        };
        let outcome = StepOutcome { note: Some(why), ..StepOutcome::new(status) };
        // That something failed says more than that something was skipped.
        if held_back.is_none() || status == StepStatus::Blocked {
            held_back = Some(outcome);
        }
    }
    Ok((outputs, held_back))
}
