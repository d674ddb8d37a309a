//! Runs a frozen plan: starts what is ready, as many at a time as wished, and turns everything that
//! happens into one ordered stream of events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::catalog::{FailureKind, StepFailure, StepResult};
use super::events::{Event, Observer, Reporter, StepStatus};
use super::exchange::StepOutcome;
use super::executor::Executor;
use super::graph::Graph;
use super::job::{Ended, How, Job, Prepared, Shared, work};
use super::key::Key;
use super::options::{Options, Outcome, RunEnd, Setting};
use super::plan::Frozen;
use super::process::{Process, Usage};
use super::resolve::{Ledger, Outputs, Resolver, broken_check};
use super::signals::Signals;
use super::spec::StepSpec;
use super::state::{Fence, Names, NewRun, StateError, StepEnd};

/// How often a run gives a sign of life.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Runs a plan to its end. The caller holds the pipeline's locks.
///
/// # Errors
/// Only when the state fails, or another process took the lease over; a failing step is an outcome.
pub async fn run(
    frozen: Arc<Frozen>,
    options: Options,
    setting: &Setting<'_>,
    observers: Vec<Box<dyn Observer>>,
) -> Result<Outcome, StateError> {
    let run = Run::start(frozen, options, setting, observers, "local", Some(Process::current()))?;
    // On a worker of the runtime, steps that wait for nothing follow each other without waking a thread.
    tokio::spawn(run.finish()).await.map_err(|_| StateError::Gone)?
}

pub(super) struct Run {
    pub(super) shared: Arc<Shared>,
    pub(super) frozen: Arc<Frozen>,
    pub(super) graph: Graph,
    observers: Vec<Box<dyn Observer>>,
    events: UnboundedReceiver<Event>,
    /// Tells the steps that the run is to end.
    tell: watch::Sender<bool>,
    /// How each step ended.
    pub(super) ended: Vec<Option<StepStatus>>,
    /// How many steps each step still waits for.
    pub(super) open: Vec<usize>,
    pub(super) ready: VecDeque<usize>,
    /// The steps that are left out, and those of them that may give the results they have.
    unselected: BTreeSet<usize>,
    lending: BTreeSet<usize>,
    outputs: Outputs,
    pub(super) usage: BTreeMap<String, Usage>,
    pub(super) failures: Vec<FailureKind>,
    /// Whether a step said that there is not enough data.
    short: bool,
    /// How steps were settled, for workers to see; only where an engine starts them.
    pub(super) mirror: Option<Vec<(String, StepOutcome)>>,
    /// Events that are not handed to the state yet, and the number of the first.
    unkept: Vec<Event>,
    first_unkept: u64,
}

impl Run {
    /// Writes down that a run begins, and tells the observers.
    pub(super) fn start(
        frozen: Arc<Frozen>,
        options: Options,
        setting: &Setting<'_>,
        observers: Vec<Box<dyn Observer>>,
        engine: &str,
        holder: Option<Process>,
    ) -> Result<Self, StateError> {
        let (state, plan) = (setting.state, &frozen.plan);
        let id = options.attach.clone().unwrap_or_else(|| run_id(&frozen));
        let lost = state.start_run(NewRun {
            id: id.clone(),
            pipeline: plan.pipeline.clone(),
            date: plan.date.to_string(),
            plan: frozen.digest,
            holder,
            cause: options.cause.clone(),
            engine: engine.to_owned(),
        })?;
        let (send, events) = unbounded_channel();
        let (tell, stop) = watch::channel(false);
        let sink: Arc<dyn Fn(Event) + Send + Sync> = Arc::new(move |event| drop(send.send(event)));
        let ledger = Ledger::of(state, plan)?;
        let resolver = Resolver {
            frozen: frozen.clone(),
            catalog: setting.catalog.clone(),
            ledger: if engine == "local" { ledger } else { ledger.with_shared() },
            blobs: setting.blobs.clone(),
            workspace: Arc::new(setting.workspace.clone()),
            store: true,
            seen: Mutex::default(),
        };
        let (catalog, programs) = (setting.catalog.clone(), options.programs.clone());
        let executor = Executor { catalog, sink, programs, stop, grace: options.grace };
        let slots = Semaphore::new(options.jobs.max(1));
        let first_unkept = state.next_event(&id)?;
        let names =
            Names { run: id.clone(), pipeline: plan.pipeline.clone(), date: plan.date.to_string() };
        let (names, state) = (Arc::new(names), state.clone());
        let shared = Shared { resolver, executor, options, names, state, slots };
        let mut run = Self::new(Arc::new(shared), frozen.clone(), observers, events, tell);
        run.first_unkept = first_unkept;
        run.emit(Event::RunStarted {
            run: id,
            pipeline: plan.pipeline.clone(),
            date: plan.date.to_string(),
            plan: frozen.digest,
            cause: run.shared.options.cause.clone(),
            engine: engine.to_owned(),
        });
        if lost > 0 {
            let line = format!("{lost} earlier run lost its process; what it finished is kept");
            run.emit(Event::Log { step: String::new(), line });
        }
        Ok(run)
    }

    fn new(
        shared: Arc<Shared>,
        frozen: Arc<Frozen>,
        observers: Vec<Box<dyn Observer>>,
        events: UnboundedReceiver<Event>,
        tell: watch::Sender<bool>,
    ) -> Self {
        let graph = Graph::of(&frozen.pipeline.steps);
        let open: Vec<usize> = graph.up.iter().map(Vec::len).collect();
        let ready = (0..open.len()).filter(|at| open[*at] == 0).collect();
        let (unselected, lending) = left_out(&frozen, &graph, &shared.options);
        Self {
            ended: vec![None; open.len()],
            shared,
            frozen,
            graph,
            observers,
            events,
            tell,
            open,
            ready,
            unselected,
            lending,
            outputs: Outputs::new(),
            usage: BTreeMap::new(),
            failures: Vec::new(),
            short: false,
            mirror: None,
            unkept: Vec::new(),
            first_unkept: 0,
        }
    }

    /// Runs all steps and writes down how the run ended.
    async fn finish(mut self) -> Result<Outcome, StateError> {
        let end = self.drive().await?;
        self.close(end)
    }

    /// Writes down how the run ended, and waits until all of it is durable.
    pub(super) fn close(mut self, end: RunEnd) -> Result<Outcome, StateError> {
        let (status, exit) = (end.word(), end.exit());
        let run = self.shared.names.run.clone();
        self.emit(Event::RunEnded { run: run.clone(), status: status.to_owned(), exit });
        self.keep()?;
        self.shared.state.end_run(self.fence(), &run, status, exit)?;
        let ids = self.frozen.plan.steps.iter().map(|step| step.id.clone());
        let steps = ids.zip(self.ended).filter_map(|(id, status)| Some((id, status?))).collect();
        Ok(Outcome { run, end, steps, outputs: self.outputs })
    }

    async fn drive(&mut self) -> Result<RunEnd, StateError> {
        let mut running: JoinSet<Ended> = JoinSet::new();
        let deadline = self.frozen.pipeline.timeout.map(|t| tokio::time::Instant::now() + t.0);
        let mut signals = Signals::new();
        let mut beat = tokio::time::interval(HEARTBEAT);
        let mut stopped: Option<RunEnd> = None;
        loop {
            while stopped.is_none()
                && let Some(at) = self.ready.pop_front()
            {
                if let Some(job) = self.launch(at).await? {
                    running.spawn(work(self.shared.clone(), job));
                }
            }
            // What ended meanwhile is taken before the disk is troubled with events.
            let next = running.try_join_next();
            if let Some(ended) = next {
                self.take(ended)?;
                continue;
            }
            if running.is_empty() {
                break;
            }
            self.keep()?;
            tokio::select! {
                ended = running.join_next() => {
                    if let Some(ended) = ended {
                        self.take(ended)?;
                    }
                }
                Some(event) = self.events.recv() => self.hear(event),
                signal = signals.next() => {
                    if stopped.is_some() {
                        // The second signal: nobody waits any longer.
                        running.shutdown().await;
                    }
                    stopped = Some(RunEnd::Interrupted(signal));
                    self.end_early("interrupted by a signal; steps may take a moment to end");
                }
                () = sleep_until(deadline), if stopped.is_none() => {
                    stopped = Some(RunEnd::Timeout);
                    self.end_early("the run took longer than [run] timeout");
                }
                _ = beat.tick() => self.shared.state.beat(self.fence(), &self.shared.names.run)?,
            }
        }
        self.hear_all();
        if stopped.is_some() {
            self.interrupt_rest()?;
        }
        Ok(stopped.unwrap_or_else(|| self.verdict()))
    }

    pub(super) fn fence(&self) -> Option<&Fence> {
        self.shared.options.fence.as_ref()
    }

    /// Settles a step that has nothing to run, or gives back what is to be done for it.
    pub(super) async fn launch(&mut self, at: usize) -> Result<Option<Job>, StateError> {
        let frozen = self.frozen.clone();
        let (spec, step) = (&frozen.pipeline.steps[at], &frozen.plan.steps[at]);
        let unselected = self.unselected.contains(&at);
        if unselected && !self.lending.contains(&at) {
            return self
                .settle(at, Settled::bare(StepStatus::Unselected, "not selected"))
                .map(none);
        }
        if let Some((status, why)) = self.held_back(at) {
            return self.settle(at, Settled::bare(status, &why)).map(none);
        }
        let shared = self.shared.clone();
        match shared.resolver.holds(spec, &self.outputs) {
            Ok(true) => (),
            Ok(false) => {
                let why = format!("`{}` does not hold", step.when.as_deref().unwrap_or_default());
                return self.settle(at, Settled::bare(StepStatus::Skipped, &why)).map(none);
            }
            Err(failure) => return self.fail(at, None, failure, 0).map(none),
        }
        let given = match shared.resolver.given(step, &self.outputs) {
            Ok(given) => given,
            Err(failure) => return self.fail(at, None, failure, 0).map(none),
        };
        if shared.resolver.is_slow(step) && !unselected {
            return Ok(Some(Job { at, prepared: Prepared::Given(given) }));
        }
        let started = Instant::now();
        let reporter = Reporter::new(&spec.id, shared.executor.sink.clone());
        let mut resolved = match shared.resolver.resolve(step, given, reporter).await {
            Ok(resolved) => resolved,
            Err(failure) => return self.fail(at, None, failure, elapsed(started)).map(none),
        };
        let hit = resolved.hit.take().filter(|_| !shared.options.force.covers(&spec.id));
        if let Some(result) = hit {
            let note = resolved.reason;
            let settled = Settled::hit(resolved.key, result, note, elapsed(started));
            return self.settle(at, settled).map(none);
        }
        if unselected {
            let why = format!("not selected, and it has no result: {}", resolved.reason);
            return self.settle(at, Settled::bare(StepStatus::Unselected, &why)).map(none);
        }
        Ok(Some(Job { at, prepared: Prepared::Resolved(Box::new(resolved)) }))
    }

    /// Why a step cannot run, seen from how those before it ended.
    pub(super) fn held_back(&self, at: usize) -> Option<(StepStatus, String)> {
        let steps = &self.frozen.pipeline.steps;
        let up = &self.graph.up[at];
        let with = |wanted: &[StepStatus]| {
            let found = up.iter().find(|up| self.ended[**up].is_some_and(|s| wanted.contains(&s)));
            found.map(|up| &steps[*up].id)
        };
        if let Some(id) = with(&[StepStatus::Failed, StepStatus::Blocked]) {
            return Some((StepStatus::Blocked, format!("`{id}` failed")));
        }
        if let Some(id) = with(&[StepStatus::Unselected]) {
            let why = format!("`{id}` is not selected and has no result; run it first");
            return Some((StepStatus::Blocked, why));
        }
        let empty = up.iter().find(|up| !self.outputs.contains_key(&steps[**up].id));
        let id = &steps[*empty?].id;
        Some((StepStatus::Skipped, format!("`{id}` gave nothing to go on with")))
    }

    /// Takes how a step ended from its task, after everything that it said before.
    fn take(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), StateError> {
        self.hear_all();
        // A task that was cut off has said nothing; its step is settled with the rest.
        let Ok(ended) = ended else { return Ok(()) };
        let millis = elapsed(ended.started);
        match ended.how {
            How::Done(result) => {
                let settled = Settled {
                    status: StepStatus::Done,
                    note: result.not_enough.clone(),
                    key: ended.key,
                    result: Some(result),
                    computed: true,
                    millis,
                };
                self.settle(ended.at, settled)
            }
            How::Hit(result, reason) => match ended.key {
                Some(key) => self.settle(ended.at, Settled::hit(key, result, reason, millis)),
                None => Ok(()),
            },
            How::Refused(why) => {
                let settled = Settled { millis, ..Settled::bare(StepStatus::Skipped, &why) };
                self.settle(ended.at, settled)
            }
            How::Failed(failure) => self.fail(ended.at, ended.key, failure, millis),
        }
    }

    pub(super) fn fail(
        &mut self,
        at: usize,
        key: Option<Key>,
        failure: StepFailure,
        millis: u64,
    ) -> Result<(), StateError> {
        let interrupted = failure.kind == FailureKind::Interrupted;
        let status = if interrupted { StepStatus::Interrupted } else { StepStatus::Failed };
        if !interrupted {
            self.failures.push(failure.kind);
        }
        let note = format!("failed to {failure}");
        self.settle(at, Settled { key, millis, ..Settled::bare(status, &note) })
    }

    /// Writes down how a step ended, tells the observers, and frees the steps behind it.
    pub(super) fn settle(&mut self, at: usize, mut settled: Settled) -> Result<(), StateError> {
        let frozen = self.frozen.clone();
        let spec = &frozen.pipeline.steps[at];
        if let Some(result) = &settled.result {
            self.short |= result.not_enough.is_some();
            if result.not_enough.is_none() {
                self.outputs.insert(spec.id.clone(), result.outputs.clone());
            }
            if let Some(why) = self.broken_check(spec) {
                self.outputs.remove(&spec.id);
                self.failures.push(FailureKind::Input);
                (settled.status, settled.note) = (StepStatus::Failed, Some(why));
            }
        }
        let digests = settled.result.iter().flat_map(|r| &r.outputs);
        let event = Event::StepEnded {
            step: spec.id.clone(),
            status: settled.status,
            outputs: digests.map(|(port, a)| (port.clone(), a.digest)).collect(),
            note: settled.note.clone(),
            millis: settled.millis,
        };
        let usage = self.usage.remove(&spec.id);
        if let Some(mirror) = &mut self.mirror {
            let outcome = StepOutcome {
                key: settled.key.clone(),
                result: settled.result.clone(),
                note: settled.note.clone(),
                ..StepOutcome::new(settled.status)
            };
            mirror.push((spec.id.clone(), outcome));
        }
        self.shared.state.end_step(
            self.fence(),
            &self.shared.names,
            StepEnd {
                step: spec.id.clone(),
                status: settled.status,
                key: settled.key,
                note: settled.note,
                result: settled.result,
                computed: settled.computed,
                usage,
            },
        )?;
        self.emit(event);
        self.ended[at] = Some(settled.status);
        for next in &self.graph.down[at] {
            self.open[*next] -= 1;
            if self.open[*next] == 0 {
                self.ready.push_back(*next);
            }
        }
        Ok(())
    }

    /// The first check of a step that bars the way; those that only warn are said.
    fn broken_check(&mut self, spec: &StepSpec) -> Option<String> {
        let mut warnings = Vec::new();
        let resolver = &self.shared.resolver;
        let wrong = broken_check(resolver, spec, &self.outputs, |warning| warnings.push(warning));
        for message in warnings {
            self.emit(Event::Warning { step: spec.id.clone(), message });
        }
        wrong
    }

    pub(super) fn end_early(&mut self, why: &str) {
        self.emit(Event::Log { step: String::new(), line: why.to_owned() });
        let _ = self.tell.send(true);
    }

    /// Settles what was begun when the run was ended and did not say so itself.
    pub(super) fn interrupt_rest(&mut self) -> Result<(), StateError> {
        let run = self.shared.names.run.clone();
        let begun = self.frozen.pipeline.steps.len();
        for at in (0..begun).filter(|at| self.ended[*at].is_none()).collect::<Vec<_>>() {
            if self.open[at] == 0 && !self.ready.contains(&at) {
                let why = format!("ended with run {run}");
                self.settle(at, Settled::bare(StepStatus::Interrupted, &why))?;
            }
        }
        Ok(())
    }

    pub(super) fn verdict(&self) -> RunEnd {
        let all = self.ended.iter().all(Option::is_some);
        let blocked = self.ended.contains(&Some(StepStatus::Blocked));
        if self.failures.contains(&FailureKind::Timeout) {
            RunEnd::Timeout
        } else if !self.failures.is_empty() || blocked || !all {
            RunEnd::Failed
        } else if self.short || self.stopped_others() {
            RunEnd::Skipped
        } else {
            RunEnd::Ok
        }
    }

    /// Whether a skipped step left others without their input; a leaf that is skipped is no lack.
    fn stopped_others(&self) -> bool {
        let skipped = |at: &usize| self.ended[*at] == Some(StepStatus::Skipped);
        let selected = |at: &usize| !self.unselected.contains(at);
        (0..self.ended.len()).filter(skipped).any(|at| self.graph.down[at].iter().any(selected))
    }

    pub(super) fn hear_all(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.hear(event);
        }
    }

    fn hear(&mut self, event: Event) {
        if let Event::Usage { step, cpu_seconds, peak_bytes } = &event {
            let usage = Usage { cpu_seconds: *cpu_seconds, peak_bytes: *peak_bytes };
            self.usage.insert(step.clone(), usage);
        }
        self.emit(event);
    }

    /// Tells the observers, and remembers what is worth keeping: progress is not.
    pub(super) fn emit(&mut self, event: Event) {
        self.observers.iter_mut().for_each(|observer| observer.on(&event));
        if !matches!(event, Event::Progress { .. }) {
            self.unkept.push(event);
        }
    }

    /// Hands the remembered events to the state.
    pub(super) fn keep(&mut self) -> Result<(), StateError> {
        if self.unkept.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.unkept);
        let first = self.first_unkept;
        self.first_unkept += events.len() as u64;
        self.shared.state.append(self.fence(), &self.shared.names, first, &events)
    }
}

/// How a step is settled.
pub(super) struct Settled {
    pub status: StepStatus,
    pub note: Option<String>,
    pub key: Option<Key>,
    pub result: Option<StepResult>,
    pub computed: bool,
    pub millis: u64,
}

impl Settled {
    pub(super) fn bare(status: StepStatus, note: &str) -> Self {
        let note = Some(note.to_owned());
        Self { status, note, key: None, result: None, computed: false, millis: 0 }
    }

    pub(super) fn hit(key: Key, result: StepResult, reason: String, millis: u64) -> Self {
        let (key, result) = (Some(key), Some(result));
        Self { key, result, millis, ..Self::bare(StepStatus::Hit, &reason) }
    }
}

fn none<T>((): ()) -> Option<T> {
    None
}

/// The steps that a selection leaves out, and those of them whose results the others may use.
fn left_out(
    frozen: &Frozen,
    graph: &Graph,
    options: &Options,
) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let steps = &frozen.pipeline.steps;
    let indices = |ids: &[String]| -> Vec<usize> {
        (0..steps.len()).filter(|at| ids.contains(&steps[*at].id)).collect()
    };
    let all: BTreeSet<usize> = (0..steps.len()).collect();
    let select = &options.select;
    let mut chosen = all.clone();
    if !select.until.is_empty() {
        chosen = graph.with_upstream(&indices(&select.until));
    }
    if !select.from.is_empty() {
        let behind = graph.with_downstream(&indices(&select.from));
        chosen = chosen.intersection(&behind).copied().collect();
    }
    let needed = graph.with_upstream(&chosen.iter().copied().collect::<Vec<_>>());
    (all.difference(&chosen).copied().collect(), needed.difference(&chosen).copied().collect())
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

pub(super) async fn sleep_until(deadline: Option<tokio::time::Instant>) {
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
