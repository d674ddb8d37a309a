//! Runs a frozen plan: starts what is ready, as many at a time as wished, and turns everything that
//! happens into one ordered stream of events.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use super::catalog::{Catalog, FailureKind, StepFailure, StepResult};
use super::events::{Event, Observer, Reporter, StepStatus};
use super::executor::Executor;
use super::key::Key;
use super::plan::Frozen;
use super::resolve::{Outputs, Resolved, Resolver};
use super::spec::StepSpec;
use super::state::{State, StateError, StepEnd};
use crate::core::Blobs;
use crate::workspace::Workspace;

/// How a plan is run.
pub struct Options {
    /// How many steps at a time.
    pub jobs: usize,
    /// Whether kept results are passed over.
    pub force: bool,
    /// Where the child program may lie, in order.
    pub program: Vec<PathBuf>,
    /// What the child's environment gets.
    pub variables: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every step is done or a hit.
    Ok,
    /// A step failed.
    Failed,
    /// A step, or the run, took too long.
    Timeout,
    /// There was not enough data.
    Skipped,
    /// A signal ended it.
    Interrupted(i32),
}

impl RunEnd {
    /// The word in the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed | Self::Timeout => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted(_) => "interrupted",
        }
    }

    /// The exit code: 0, 1, 99, 124, 130 or 143.
    pub fn exit(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Skipped => 99,
            Self::Timeout => 124,
            Self::Interrupted(signal) => 128 + signal,
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run's id.
    pub run: String,
    /// How it ended.
    pub end: RunEnd,
    /// How each step ended.
    pub steps: BTreeMap<String, StepStatus>,
    /// The outputs of the steps that have them.
    pub outputs: Outputs,
}

/// The steps in an order in which each comes after what it needs, ties in the order of the file.
pub(super) fn ordered(steps: &[StepSpec]) -> Vec<&StepSpec> {
    let mut done = BTreeSet::new();
    let mut order = Vec::new();
    while order.len() < steps.len() {
        let next = steps.iter().find(|step| {
            !done.contains(&step.id) && step.upstream().iter().all(|id| done.contains(id))
        });
        let Some(next) = next else { break };
        done.insert(next.id.clone());
        order.push(next);
    }
    order
}

/// A step that ran, or was found done, in a task.
struct Ended {
    step: String,
    started: Instant,
    key: Option<Key>,
    hit: bool,
    result: Result<StepResult, StepFailure>,
}

struct Run<'a> {
    id: String,
    frozen: &'a Frozen,
    state: &'a State,
    observers: &'a mut Vec<Box<dyn Observer>>,
    ended: BTreeMap<String, StepStatus>,
    outputs: Outputs,
    failures: Vec<FailureKind>,
    /// Whether a step said that there is not enough data.
    short: bool,
    next_event: u64,
}

/// Runs a plan to its end. The caller holds the pipeline's lock.
///
/// # Errors
/// Only when the state fails; a failing step is an outcome.
pub async fn run(
    frozen: &Frozen,
    options: Options,
    catalog: Arc<dyn Catalog>,
    state: &State,
    workspace: &Workspace,
    blobs: &Blobs,
    observers: &mut Vec<Box<dyn Observer>>,
) -> Result<Outcome, StateError> {
    let id = run_id(frozen);
    let plan = &frozen.plan;
    let lost = state.start_run(&id, &plan.pipeline, plan.date, &frozen.digest)?;
    let (send, mut events) = unbounded_channel();
    let sink: Arc<dyn Fn(Event) + Send + Sync> = Arc::new(move |event| drop(send.send(event)));
    let executor = Arc::new(Executor {
        catalog: catalog.clone(),
        state: state.clone(),
        run: id.clone(),
        sink: sink.clone(),
        program: options.program.clone(),
        variables: options.variables.clone(),
    });
    let mut run = Run {
        id: id.clone(),
        frozen,
        state,
        observers,
        ended: BTreeMap::new(),
        outputs: Outputs::new(),
        failures: Vec::new(),
        short: false,
        next_event: 0,
    };
    let (pipeline, date) = (plan.pipeline.clone(), plan.date.to_string());
    run.emit(vec![Event::RunStarted { run: id.clone(), pipeline, date, plan: frozen.digest }])?;
    if lost > 0 {
        let line = format!("{lost} earlier run lost its process; what it finished is kept");
        run.emit(vec![Event::Log { step: String::new(), line }])?;
    }
    let end = run.drive(&options, catalog, workspace, blobs, &executor, &mut events, &sink).await?;
    state.end_run(&id, end.word(), end.exit())?;
    run.emit(vec![Event::RunEnded {
        run: id.clone(),
        status: end.word().to_owned(),
        exit: end.exit(),
    }])?;
    Ok(Outcome { run: id, end, steps: run.ended, outputs: run.outputs })
}

impl Run<'_> {
    #[expect(clippy::too_many_arguments, reason = "the parts of one run, each used once")]
    async fn drive(
        &mut self,
        options: &Options,
        catalog: Arc<dyn Catalog>,
        workspace: &Workspace,
        blobs: &Blobs,
        executor: &Arc<Executor>,
        events: &mut UnboundedReceiver<Event>,
        sink: &Arc<dyn Fn(Event) + Send + Sync>,
    ) -> Result<RunEnd, StateError> {
        let order = ordered(&self.frozen.pipeline.steps);
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut started: BTreeSet<String> = BTreeSet::new();
        let deadline = self.frozen.pipeline.timeout.map(|t| tokio::time::Instant::now() + t.0);
        let mut signals = Signals::new();
        loop {
            // Steps that cannot run free those behind them, so this repeats until nothing changes.
            let mut settled = true;
            for spec in &order {
                if running.len() >= options.jobs.max(1) {
                    break;
                }
                if started.contains(&spec.id) || !self.is_ready(spec) {
                    continue;
                }
                started.insert(spec.id.clone());
                settled = false;
                let resolver = Resolver {
                    frozen: self.frozen,
                    catalog: catalog.as_ref(),
                    state: self.state,
                    blobs,
                    workspace,
                    store: true,
                };
                let launch = self.launch(spec, &resolver, options.force, sink).await?;
                if let Some((resolved, kind)) = launch {
                    let (executor, spec) = (executor.clone(), (*spec).clone());
                    running.spawn(execute(executor, spec, kind, resolved, options.force));
                }
            }
            if !settled {
                continue;
            }
            if running.is_empty() {
                break;
            }
            tokio::select! {
                ended = running.join_next() => {
                    self.drain(events)?;
                    if let Some(Ok(ended)) = ended {
                        self.end(ended)?;
                    }
                }
                Some(event) = events.recv() => self.emit_with(event, events)?,
                signal = signals.next() => {
                    running.shutdown().await;
                    self.stop(&started, "interrupted by a signal")?;
                    return Ok(RunEnd::Interrupted(signal));
                }
                () = sleep_until(deadline) => {
                    running.shutdown().await;
                    self.stop(&started, "the run took longer than [run] timeout")?;
                    return Ok(RunEnd::Timeout);
                }
            }
        }
        self.drain(events)?;
        Ok(self.verdict())
    }

    fn is_ready(&self, spec: &StepSpec) -> bool {
        spec.upstream().iter().all(|id| self.ended.contains_key(id))
    }

    /// Settles a step that has nothing to run, or gives back what is to be run.
    async fn launch(
        &mut self,
        spec: &StepSpec,
        resolver: &Resolver<'_>,
        force: bool,
        sink: &Arc<dyn Fn(Event) + Send + Sync>,
    ) -> Result<Option<(Resolved, super::catalog::Kind)>, StateError> {
        let with = |status: StepStatus, ended: &BTreeMap<String, StepStatus>| {
            spec.upstream().into_iter().find(|id| ended.get(id) == Some(&status))
        };
        let broken =
            with(StepStatus::Failed, &self.ended).or(with(StepStatus::Blocked, &self.ended));
        if let Some(id) = broken {
            self.settle(spec, StepStatus::Blocked, None, Some(format!("`{id}` failed")), None, 0)?;
            return Ok(None);
        }
        let empty = spec.upstream().into_iter().find(|id| !self.outputs.contains_key(id));
        if let Some(id) = empty {
            self.settle(
                spec,
                StepStatus::Skipped,
                None,
                Some(format!("`{id}` gave nothing to go on with")),
                None,
                0,
            )?;
            return Ok(None);
        }
        let Some(step) = self.frozen.plan.steps.iter().find(|s| s.id == spec.id) else {
            return Ok(None);
        };
        let started = Instant::now();
        match resolver.holds(step, &self.outputs) {
            Ok(true) => (),
            Ok(false) => {
                let note = format!("`{}` does not hold", step.when.as_deref().unwrap_or_default());
                self.settle(spec, StepStatus::Skipped, None, Some(note), None, 0)?;
                return Ok(None);
            }
            Err(failure) => return self.fail(spec, None, failure, started).map(|()| None),
        }
        let reporter = Reporter::new(&spec.id, sink.clone());
        let resolved = match resolver.resolve(step, &self.outputs, reporter).await {
            Ok(resolved) => resolved,
            Err(failure) => return self.fail(spec, None, failure, started).map(|()| None),
        };
        if !force && let Some(result) = resolved.hit {
            let millis = elapsed(started);
            let note = Some(resolved.reason);
            self.settle(spec, StepStatus::Hit, Some(resolved.key), note, Some(result), millis)?;
            return Ok(None);
        }
        let kind = resolver.catalog.kind(&spec.kind).copied();
        Ok(kind.map(|kind| (resolved, kind)))
    }

    fn end(&mut self, ended: Ended) -> Result<(), StateError> {
        let pipeline = &self.frozen.pipeline;
        let Some(spec) = pipeline.steps.iter().find(|s| s.id == ended.step).cloned() else {
            return Ok(());
        };
        match ended.result {
            Ok(result) => {
                let status = if ended.hit { StepStatus::Hit } else { StepStatus::Done };
                let note = result.not_enough.clone();
                self.settle(&spec, status, ended.key, note, Some(result), elapsed(ended.started))
            }
            Err(failure) => self.fail(&spec, ended.key, failure, ended.started),
        }
    }

    fn fail(
        &mut self,
        spec: &StepSpec,
        key: Option<Key>,
        failure: StepFailure,
        started: Instant,
    ) -> Result<(), StateError> {
        self.failures.push(failure.kind);
        let note = Some(format!("failed to {failure}"));
        self.settle(spec, StepStatus::Failed, key, note, None, elapsed(started))
    }

    /// Writes down how a step ended, then tells the observers.
    fn settle(
        &mut self,
        spec: &StepSpec,
        status: StepStatus,
        key: Option<Key>,
        note: Option<String>,
        result: Option<StepResult>,
        millis: u64,
    ) -> Result<(), StateError> {
        self.ended.insert(spec.id.clone(), status);
        self.short |= result.as_ref().is_some_and(|r| r.not_enough.is_some());
        let digests = result.iter().flat_map(|r| &r.outputs).map(|(p, a)| (p.clone(), a.digest));
        let digests: BTreeMap<_, _> = digests.collect();
        if let Some(result) = &result
            && result.not_enough.is_none()
        {
            self.outputs.insert(spec.id.clone(), result.outputs.clone());
        }
        self.state.end_step(StepEnd {
            run: self.id.clone(),
            pipeline: self.frozen.plan.pipeline.clone(),
            date: self.frozen.plan.date.to_string(),
            step: spec.id.clone(),
            status,
            key,
            note: note.clone(),
            result,
        })?;
        let step = spec.id.clone();
        self.emit(vec![Event::StepEnded { step, status, outputs: digests, note, millis }])
    }

    fn stop(&mut self, started: &BTreeSet<String>, note: &str) -> Result<(), StateError> {
        let open: Vec<_> =
            started.iter().filter(|id| !self.ended.contains_key(*id)).cloned().collect();
        for spec in self.frozen.pipeline.steps.clone().iter().filter(|s| open.contains(&s.id)) {
            self.settle(spec, StepStatus::Failed, None, Some(note.to_owned()), None, 0)?;
        }
        Ok(())
    }

    fn verdict(&self) -> RunEnd {
        if self.failures.contains(&FailureKind::Timeout) {
            RunEnd::Timeout
        } else if !self.failures.is_empty() || self.ended.len() < self.frozen.plan.steps.len() {
            RunEnd::Failed
        } else if self.short || self.stopped_others() {
            RunEnd::Skipped
        } else {
            RunEnd::Ok
        }
    }

    /// Whether a skipped step left others without their input; a leaf that is skipped is no lack.
    fn stopped_others(&self) -> bool {
        let steps = &self.frozen.pipeline.steps;
        let needed = |id: &String| steps.iter().any(|step| step.upstream().contains(id));
        self.ended.iter().any(|(id, status)| *status == StepStatus::Skipped && needed(id))
    }

    fn emit_with(
        &mut self,
        first: Event,
        rest: &mut UnboundedReceiver<Event>,
    ) -> Result<(), StateError> {
        let mut events = vec![first];
        while let Ok(event) = rest.try_recv() {
            events.push(event);
        }
        self.emit(events)
    }

    fn drain(&mut self, events: &mut UnboundedReceiver<Event>) -> Result<(), StateError> {
        match events.try_recv() {
            Ok(first) => self.emit_with(first, events),
            Err(_) => Ok(()),
        }
    }

    /// Tells the observers, and keeps what is worth keeping: progress is not.
    fn emit(&mut self, events: Vec<Event>) -> Result<(), StateError> {
        for event in &events {
            self.observers.iter_mut().for_each(|observer| observer.on(event));
        }
        let kept: Vec<_> =
            events.into_iter().filter(|e| !matches!(e, Event::Progress { .. })).collect();
        if kept.is_empty() {
            return Ok(());
        }
        let first = self.next_event;
        self.next_event += kept.len() as u64;
        self.state.append(&self.id, first, kept)
    }
}

async fn execute(
    executor: Arc<Executor>,
    spec: StepSpec,
    kind: super::catalog::Kind,
    resolved: Resolved,
    force: bool,
) -> Ended {
    let started = Instant::now();
    let reason = if force { "--force".to_owned() } else { resolved.reason };
    let timeout = spec.timeout.map(|t| t.0);
    let work = executor.execute(&kind, &resolved.context, &reason, timeout, &spec.retry);
    // A panic in a body must end its step, not leave the run without it.
    let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        Err(StepFailure::internal(
            "finish the step: its code panicked, which is a fault of fqm-pipe",
        ))
    });
    Ended { step: spec.id, started, key: Some(resolved.key), hit: false, result }
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// A short id that two runs do not share: the clock and the process make it, never an output.
fn run_id(frozen: &Frozen) -> String {
    let now = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
    let text = format!("{} {now} {}", frozen.digest, std::process::id());
    crate::core::Digest::of(text.as_bytes()).short()
}

/// SIGINT and SIGTERM, where they can be listened to.
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    async fn next(&mut self) -> i32 {
        let (interrupt, terminate) = (self.interrupt.as_mut(), self.terminate.as_mut());
        let wait = async |signal: Option<&mut tokio::signal::unix::Signal>| match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        };
        tokio::select! {
            () = wait(interrupt) => 2,
            () = wait(terminate) => 15,
        }
    }
}
