//! The driver of a run whose steps an engine starts: it hands the run over, follows what the workers
//! publish, and submits anew what was lost. When the driver dies, the engine and the workers go on; another
//! driver takes the same run up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Engine, EngineError, Sight, Task};
use crate::core::{Blobs, StoreError};
use crate::pipeline::catalog::{FailureKind, StepFailure};
use crate::pipeline::dispatcher::{HEARTBEAT, Run, Settled, sleep_until};
use crate::pipeline::events::{Event, Observer, Reporter, StepStatus};
use crate::pipeline::exchange::{Exchange, Handle, Handover, StepOutcome};
use crate::pipeline::executor::pause_before_retry;
use crate::pipeline::job::Prepared;
use crate::pipeline::options::{Options, Outcome, RunEnd, Setting};
use crate::pipeline::plan::Frozen;
use crate::pipeline::process::Process;
use crate::pipeline::signals::Signals;
use crate::pipeline::spec::Duration as Length;
use crate::pipeline::state::StateError;

/// How often the driver looks.
const LOOK: Duration = Duration::from_millis(500);

/// How often in a row an engine must say that a step has ended, while nothing is published, until that is
/// believed: engine and store need not agree at once.
const STRIKES: u32 = 6;

/// How long an engine may take until it knows what it was given.
const SETTLING: Duration = Duration::from_secs(20);

/// How often a step is submitted at most that its engine loses before it begins.
const MOST_SUBMISSIONS: u32 = 10;

/// A run that could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Runs a plan on an engine. The caller holds the pipeline's locks.
///
/// # Errors
/// When the state, the store or the engine fails; a failing step is an outcome.
pub async fn run_on(
    engine: Arc<dyn Engine>,
    frozen: Arc<Frozen>,
    options: Options,
    setting: &Setting<'_>,
    observers: Vec<Box<dyn Observer>>,
) -> Result<Outcome, FollowError> {
    supported(engine.name(), &frozen)?;
    let holder = Some(Process::current());
    let run = Run::start(frozen, options, setting, observers, engine.name(), holder)?;
    let mut follower = Follower::new(run, setting.blobs);
    follower.hand_over().await?;
    follower.known().await?;
    let open = follower.unsettled();
    let submitted = follower.submit(engine.as_ref(), &open).await;
    let end = match submitted {
        Ok(()) => follower.follow(engine.as_ref()).await?,
        Err(error) => {
            // What was not taken must not stay `running` for ever.
            follower.give_up(&error.to_string())?;
            follower.run.close(RunEnd::Failed)?;
            return Err(error.into());
        }
    };
    Ok(follower.run.close(end)?)
}

/// Begins a run that nobody follows: what is known already is published, the rest is for the engine.
///
/// # Errors
/// When the state or the store fails.
pub async fn begin(
    engine: &str,
    frozen: Arc<Frozen>,
    options: Options,
    setting: &Setting<'_>,
) -> Result<Handle, FollowError> {
    supported(engine, &frozen)?;
    let run = Run::start(frozen, options, setting, Vec::new(), engine, None)?;
    let mut follower = Follower::new(run, setting.blobs);
    follower.hand_over().await?;
    follower.known().await?;
    follower.run.keep()?;
    setting.state.flush()?;
    Ok(follower.handle)
}

/// Ends a run that nobody followed: takes what the workers published into the state.
///
/// # Errors
/// When the state or the store fails.
pub async fn finish(
    engine: &str,
    frozen: Arc<Frozen>,
    options: Options,
    setting: &Setting<'_>,
    observers: Vec<Box<dyn Observer>>,
) -> Result<Outcome, FollowError> {
    let holder = Some(Process::current());
    let run = Run::start(frozen, options, setting, observers, engine, holder)?;
    let mut follower = Follower::new(run, setting.blobs);
    follower.known().await?;
    follower.take_outcomes().await?;
    follower.give_up("its worker has published nothing")?;
    let end = follower.run.verdict();
    Ok(follower.run.close(end)?)
}

/// Refuses what workers on other machines cannot do.
fn supported(engine: &str, frozen: &Frozen) -> Result<(), EngineError> {
    for step in &frozen.pipeline.steps {
        let what = match (&step.approve, step.locks.is_empty()) {
            (Some(_), _) => "waits for a person (`approve`)",
            (None, false) => "holds a lock (`lock`)",
            (None, true) => continue,
        };
        let message = format!(
            "run `{}` on {engine}: it {what}, which works in a local run only; put it into a pipeline of its own",
            step.id
        );
        return Err(EngineError::setup(message));
    }
    Ok(())
}

struct Follower {
    run: Run,
    exchange: Exchange,
    handle: Handle,
    /// How often each step was submitted, and when last.
    submitted: Vec<(u32, Option<Instant>)>,
    /// How often in a row each step was seen ended, or not at all.
    strikes: Vec<u32>,
    /// How many claims each step had when it was last seen lost.
    claims: Vec<u32>,
    /// Whether the silence of the engine was said.
    told: bool,
}

impl Follower {
    fn new(mut run: Run, blobs: &Blobs) -> Self {
        run.mirror = Some(Vec::new());
        let handle = Handle { plan: run.frozen.digest, run: run.shared.names.run.clone() };
        let exchange = Exchange::new(blobs.store(), &handle.run);
        let steps = run.ended.len();
        let (submitted, strikes, claims) = (vec![(0, None); steps], vec![0; steps], vec![0; steps]);
        Self { run, exchange, handle, submitted, strikes, claims, told: false }
    }

    async fn hand_over(&self) -> Result<(), FollowError> {
        let handover = Handover {
            format: "fqm-handover/1".to_owned(),
            frozen: self.run.frozen.as_ref().clone(),
            force: self.run.shared.options.force.clone(),
        };
        Ok(self.exchange.hand_over(&handover).await?)
    }

    fn id(&self, at: usize) -> &str {
        &self.run.frozen.pipeline.steps[at].id
    }

    /// Settles what needs no worker: what was published before, hits, and what cannot run.
    async fn known(&mut self) -> Result<(), FollowError> {
        self.take_outcomes().await?;
        let mut waiting = Vec::new();
        while let Some(at) = self.run.ready.pop_front() {
            if self.run.ended[at].is_some() {
                continue;
            }
            let Some(job) = self.run.launch(at).await? else { continue };
            if let Prepared::Given(given) = job.prepared {
                let shared = self.run.shared.clone();
                let step = &self.run.frozen.plan.steps[at];
                // What cannot be resolved here is left to the worker, which says why.
                let resolved = shared.resolver.resolve(step, given, Reporter::silent()).await;
                if let Ok(resolved) = resolved
                    && let Some(result) = resolved.hit
                    && !shared.options.force.covers(&step.id)
                {
                    let settled = Settled::hit(resolved.key, result, resolved.reason, 0);
                    self.run.settle(at, settled)?;
                    continue;
                }
            }
            waiting.push(at);
        }
        self.publish().await
    }

    /// Tells the workers how steps were settled here.
    async fn publish(&mut self) -> Result<(), FollowError> {
        let settled = self.run.mirror.as_mut().map(std::mem::take).unwrap_or_default();
        for (step, outcome) in settled {
            self.exchange.publish(&step, &outcome).await?;
        }
        Ok(())
    }

    fn unsettled(&self) -> Vec<usize> {
        let order = self.run.graph.order.iter().copied();
        order.filter(|at| self.run.ended[*at].is_none()).collect()
    }

    async fn submit(&mut self, engine: &dyn Engine, steps: &[usize]) -> Result<(), EngineError> {
        let mut tasks = Vec::new();
        for at in steps {
            let spec = &self.run.frozen.pipeline.steps[*at];
            let after = self.run.graph.up[*at].iter().filter(|up| self.run.ended[**up].is_none());
            self.submitted[*at] = (self.submitted[*at].0 + 1, Some(Instant::now()));
            self.strikes[*at] = 0;
            tasks.push(Task {
                step: spec.id.clone(),
                attempt: self.submitted[*at].0,
                after: after.map(|up| self.id(*up).to_owned()).collect(),
                needs: spec.needs.clone(),
                limit: spec.timeout.map(|limit| Length(limit.0 * (spec.retry.max + 1))),
            });
        }
        if tasks.is_empty() {
            return Ok(());
        }
        let mut tries = 0;
        loop {
            match engine.submit(&self.handle, &tasks).await {
                Err(error) if error.temporary && tries < 5 => {
                    tries += 1;
                    let line = format!("failed to {error}; trying again");
                    self.run.emit(Event::Log { step: String::new(), line });
                    tokio::time::sleep(Duration::from_secs(tries)).await;
                }
                ended => return ended,
            }
        }
    }

    async fn follow(&mut self, engine: &dyn Engine) -> Result<RunEnd, FollowError> {
        let timeout = self.run.frozen.pipeline.timeout;
        let deadline = timeout.map(|t| tokio::time::Instant::now() + t.0);
        let mut signals = Signals::new();
        let mut beat = tokio::time::interval(HEARTBEAT);
        while self.run.ended.iter().any(Option::is_none) {
            let stopped = tokio::select! {
                () = tokio::time::sleep(LOOK) => None,
                signal = signals.next() => Some((RunEnd::Interrupted(signal), "interrupted by a signal")),
                () = sleep_until(deadline) => Some((RunEnd::Timeout, "the run took longer than [run] timeout")),
                _ = beat.tick() => {
                    self.run.shared.state.beat(self.run.fence(), &self.handle.run)?;
                    None
                }
            };
            if let Some((end, why)) = stopped {
                self.run.end_early(why);
                self.exchange.cancel(why).await?;
                if let Err(error) = engine.cancel(&self.handle).await {
                    self.say(&format!("failed to {error}; the workers end by themselves"));
                }
                self.take_outcomes().await?;
                self.give_up("ended with its run")?;
                return Ok(end);
            }
            self.look(engine).await?;
            self.run.keep()?;
        }
        Ok(self.run.verdict())
    }

    fn say(&mut self, line: &str) {
        self.run.emit(Event::Log { step: String::new(), line: line.to_owned() });
    }

    async fn look(&mut self, engine: &dyn Engine) -> Result<(), FollowError> {
        // The engine first: what it says of a step that ends meanwhile is old by the time it counts.
        let sights = match engine.look(&self.handle).await {
            Ok(sights) => {
                self.told = false;
                Some(sights)
            }
            Err(error) => {
                if !self.told {
                    self.say(&format!("failed to {error}; the workers go on meanwhile"));
                    self.told = true;
                }
                None
            }
        };
        self.take_outcomes().await?;
        if let Some(sights) = sights {
            self.lost(engine, &sights).await?;
        }
        self.publish().await
    }

    /// Takes what the workers published.
    async fn take_outcomes(&mut self) -> Result<(), FollowError> {
        let steps = &self.run.frozen.pipeline.steps;
        let ended: Vec<&str> = (0..steps.len())
            .filter(|at| self.run.ended[*at].is_some())
            .map(|at| steps[at].id.as_str())
            .collect();
        let mut found = self.exchange.outcomes(|step| ended.contains(&step)).await?;
        for at in self.run.graph.order.clone() {
            let id = self.id(at).to_owned();
            if let Some(outcome) = found.remove(&id) {
                self.take(at, &id, outcome).await?;
            }
        }
        while let Some(at) = self.run.ready.pop_front() {
            if self.run.ended[at].is_some() {
                continue;
            }
            match self.run.held_back(at) {
                Some((status, why)) => self.run.settle(at, Settled::bare(status, &why))?,
                // It was submitted, or is about to be.
                None => continue,
            }
        }
        Ok(())
    }

    async fn take(&mut self, at: usize, id: &str, outcome: StepOutcome) -> Result<(), FollowError> {
        if let Some(claim) = outcome.claim {
            for event in self.exchange.told(id, claim).await? {
                self.run.emit(event);
            }
            let shared = &self.run.shared;
            shared.state.start_step(
                self.run.fence(),
                &shared.names,
                id,
                outcome.attempts.max(claim),
                "a worker",
            )?;
        }
        if let Some(usage) = outcome.usage {
            self.run.usage.insert(id.to_owned(), usage);
        }
        if let Some(kind) = outcome.failure
            && outcome.result.is_none()
        {
            self.run.failures.push(kind);
        }
        let settled = Settled {
            computed: outcome.status == StepStatus::Done,
            note: outcome.note,
            key: outcome.key,
            result: outcome.result,
            millis: outcome.millis,
            ..Settled::bare(outcome.status, "")
        };
        self.run.settle(at, settled)?;
        // The workers know it already.
        self.run.mirror.as_mut().and_then(Vec::pop);
        Ok(())
    }

    /// Submits anew what the engine has lost, as often as the step may be tried again.
    async fn lost(
        &mut self,
        engine: &dyn Engine,
        sights: &BTreeMap<(String, u32), Sight>,
    ) -> Result<(), FollowError> {
        for at in self.unsettled() {
            // What waits for other steps is submitted with them.
            let (attempt, Some(since)) = self.submitted[at] else { continue };
            if self.run.open[at] > 0 || self.run.ended[at].is_some() {
                continue;
            }
            let why = match sights.get(&(self.id(at).to_owned(), attempt)) {
                Some(Sight::Ended(why)) => why.clone(),
                None if since.elapsed() > SETTLING => "the engine does not know it".to_owned(),
                _ => {
                    self.strikes[at] = 0;
                    continue;
                }
            };
            self.strikes[at] += 1;
            if self.strikes[at] < STRIKES {
                continue;
            }
            let id = self.id(at).to_owned();
            let claims = self.exchange.latest_claim(&id).await?;
            // A job that never began is the engine's loss, whatever the step says of its retries.
            let began = claims > self.claims[at];
            self.claims[at] = claims;
            let retry = &self.run.frozen.pipeline.steps[at].retry;
            let again = match began {
                true => pause_before_retry(retry, attempt, FailureKind::Lost).is_some(),
                false => attempt < MOST_SUBMISSIONS,
            };
            let message = format!("finish the step: {} lost its worker ({why})", engine.name());
            if !again || engine.restarts() {
                let failure = StepFailure { kind: FailureKind::Lost, message };
                self.run.fail(at, None, failure, 0)?;
                self.take_outcomes().await?;
                continue;
            }
            let line = format!("attempt {attempt} failed to {message}; submitting it again");
            self.run.emit(Event::Log { step: id, line });
            let behind = self.run.graph.with_downstream(&[at]);
            let order = self.unsettled();
            let steps: Vec<usize> = order.into_iter().filter(|at| behind.contains(at)).collect();
            self.submit(engine, &steps).await?;
        }
        Ok(())
    }

    /// Settles what is still open.
    fn give_up(&mut self, why: &str) -> Result<(), StateError> {
        for at in self.unsettled() {
            if self.run.ended[at].is_some() {
                continue;
            }
            if let Some((status, why)) = self.run.held_back(at).filter(|_| self.run.open[at] == 0) {
                self.run.settle(at, Settled::bare(status, &why))?;
                continue;
            }
            self.run.failures.push(FailureKind::Lost);
            self.run.settle(at, Settled::bare(StepStatus::Interrupted, why))?;
        }
        Ok(())
    }
}
