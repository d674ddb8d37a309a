//! One night: freeze the plan, take the lock, run the steps, write the report.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use rustix::process::Signal;

use super::compose::{self, Told};
use super::console::{Console, Manner};
use super::engines::{self, EngineKind};
use super::error::CliError;
use super::lineage::Lineage;
use super::notify::{Notices, Waiting};
use super::open::{Opened, environment, own_program, torch_program};
use super::traces::{self, Traces};
use super::{output, publish};
use crate::core::{Digest, LogicalDate};
use crate::pipeline::engine::run_on;
use crate::pipeline::{
    self, By, Fence, Force, Frozen, Lock, LockError, Observer, OnLocked, Outcome, Pipeline,
    Process, Programs, RunEnd, Selection, StepStatus, Unresolved, schedule,
};
use crate::policy::DETERMINISM_ENV;
use crate::registry::Registry;
use crate::report::RunReport;

/// What the commands that run nights share.
#[derive(clap::Args)]
pub(super) struct Common {
    /// Print the outcome as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// How many steps at a time
    #[arg(short = 'j', long, default_value = "2", value_name = "N", value_parser = some)]
    pub jobs: NonZeroUsize,
    /// Say on standard error only what went wrong
    #[arg(short, long, conflicts_with = "events")]
    pub quiet: bool,
    /// Tell what happens as JSON on standard error, one event a line
    #[arg(long)]
    pub events: bool,
    /// What starts the steps
    #[arg(long, value_enum, default_value_t = EngineKind::Local, env = "FQM_ENGINE")]
    pub engine: EngineKind,
}

/// A number of things of which there must be one.
pub(super) fn some(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "write a number from 1")
}

impl Common {
    /// How a night is run as these arguments say.
    pub(super) fn options(&self, cause: &str) -> Options {
        let manner = match (self.quiet, self.events) {
            (true, _) => Manner::Quiet,
            (_, true) => Manner::Events,
            _ => Manner::Lines,
        };
        Options {
            jobs: self.jobs.get(),
            force: Force::None,
            select: Selection::default(),
            cause: cause.to_owned(),
            manner,
            label: None,
            engine: self.engine,
            attach: None,
        }
    }
}

/// How a night is run.
#[derive(Clone)]
pub(super) struct Options {
    pub jobs: usize,
    pub force: Force,
    pub select: Selection,
    /// What started it, for people.
    pub cause: String,
    /// What is said meanwhile.
    pub manner: Manner,
    /// What every line begins with, where several nights run side by side.
    pub label: Option<String>,
    /// What starts the steps.
    pub engine: EngineKind,
    /// The run that an engine may still work on, and that this one goes on with.
    pub attach: Option<String>,
}

impl Options {
    /// As the daemon runs a night: two steps at a time, and a line for whatever happens.
    pub(super) fn of_daemon(cause: &str) -> Self {
        Self {
            jobs: 2,
            force: Force::None,
            select: Selection::default(),
            cause: cause.to_owned(),
            manner: Manner::Lines,
            label: None,
            engine: EngineKind::Local,
            attach: None,
        }
    }
}

/// The locks of a pipeline, held by this process.
pub(super) struct Held {
    _locks: Vec<Lock>,
    fence: Option<Fence>,
}

/// What came of a night.
pub(super) struct Night {
    pub run: String,
    pub pipeline: String,
    pub date: LogicalDate,
    pub plan: Digest,
    pub status: String,
    pub exit: i32,
    pub steps: BTreeMap<String, StepStatus>,
    /// The outputs by step and port.
    pub outputs: BTreeMap<String, BTreeMap<String, Digest>>,
    pub digests: BTreeMap<String, String>,
    pub decision: Option<serde_json::Value>,
    pub headline: String,
    pub summary: String,
    pub report: PathBuf,
}

/// The date that was asked for, or the interval before this one in the pipeline's time zone: yesterday,
/// or the hour before.
///
/// # Errors
/// When a day is asked for where the pipeline has hours, or an hour where it has days.
pub(super) fn date_or_yesterday(
    pipeline: &Pipeline,
    date: Option<LogicalDate>,
) -> Result<LogicalDate, CliError> {
    let zone = pipeline.schedule.as_ref().map_or(chrono_tz::UTC, |s| s.timezone);
    let date = date.unwrap_or_else(|| schedule::latest(zone, pipeline.by, Utc::now()));
    let fits = date.hour().is_some() == (pipeline.by == By::Hour);
    fits.then_some(date).ok_or_else(|| {
        let wanted = match pipeline.by {
            By::Day => "has a run for every day; write YYYY-MM-DD",
            By::Hour => "has a run for every hour; write YYYY-MM-DDTHH",
        };
        CliError::usage(format!("run {} for {date}: it {wanted}", pipeline.name))
    })
}

/// Refuses a plan that was made for another device or libtorch than this program has.
pub(super) fn same_environment(frozen: &Frozen) -> Result<(), CliError> {
    let here = environment();
    if frozen.plan.environment == here {
        return Ok(());
    }
    let say = |environment: &BTreeMap<String, String>| {
        environment.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", ")
    };
    Err(CliError::usage(format!(
        "run the plan {}: it was made for {}, here is {}; run it there, or plan anew with --replan",
        frozen.digest.short(),
        say(&frozen.plan.environment),
        say(&here)
    )))
}

/// Freezes the plan of a night; `keep` stores it with what its aliases named.
pub(super) async fn freeze(
    opened: &Opened,
    pipeline: Pipeline,
    date: LogicalDate,
    keep: bool,
) -> Result<Frozen, CliError> {
    let registry = Registry::new(opened.workspace.open_registry()?);
    let resolve = async |alias: &crate::core::Alias| {
        let found = registry.find(alias).await;
        found.map_err(|e| Unresolved { message: e.to_string(), temporary: e.is_temporary() })
    };
    Ok(pipeline::freeze(pipeline, date, environment(), &opened.state, keep, resolve).await?)
}

/// Takes the pipeline's locks, runs a night to its end and writes its report.
pub(super) async fn run(
    opened: &Opened,
    pipeline: Pipeline,
    date: LogicalDate,
    options: &Options,
) -> Result<Night, CliError> {
    let held = lock(opened, &pipeline).await?;
    let frozen = freeze(opened, pipeline, date, true).await?;
    run_frozen(opened, &held, frozen, options).await
}

/// Runs a frozen plan to its end and writes its report.
pub(super) async fn run_frozen(
    opened: &Opened,
    held: &Held,
    frozen: Frozen,
    options: &Options,
) -> Result<Night, CliError> {
    let frozen = Arc::new(frozen);
    let run_options = pipeline::Options {
        jobs: options.jobs,
        force: options.force.clone(),
        select: options.select.clone(),
        programs: programs(),
        fence: held.fence.clone(),
        cause: options.cause.clone(),
        attach: options.attach.clone(),
        ..pipeline::Options::default()
    };
    let console = Console::new(options.manner).labelled(options.label.clone());
    let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(console)];
    let (more, followers) = Followers::of(opened, &frozen.pipeline, options);
    observers.extend(more);
    let (plan, setting) = (frozen.clone(), opened.setting());
    let outcome = match engines::engine(options.engine, opened, &frozen.pipeline)? {
        None => pipeline::run(plan, run_options, &setting, observers).await?,
        Some(engine) => run_on(engine, plan, run_options, &setting, observers).await?,
    };
    let night = told(opened, &frozen, outcome).await?;
    followers.ended(&night).await;
    Ok(night)
}

/// Those who follow runs from outside: notices, lineage, traces. None of them can fail a run.
pub(super) struct Followers {
    notices: Notices,
    lineage: Option<tokio::task::JoinHandle<()>>,
    traces: Option<traces::Post>,
}

/// How long the last events may take to arrive somewhere.
const LINGER: Duration = Duration::from_secs(30);

impl Followers {
    /// The observers of a run, and what is to be done when it has ended.
    pub(super) fn of(
        opened: &Opened,
        pipeline: &Pipeline,
        options: &Options,
    ) -> (Vec<Box<dyn Observer>>, Self) {
        let notices = Notices::of(&opened.workspace, pipeline);
        let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(Waiting::new(notices.clone()))];
        let attach = options.attach.as_deref();
        let lineage = Lineage::of(opened, pipeline, attach).map(|(observer, posting)| {
            observers.push(Box::new(observer));
            posting
        });
        let traces = Traces::of_environment().map(|(observer, post)| {
            observers.push(Box::new(observer));
            post
        });
        (observers, Self { notices, lineage, traces })
    }

    /// Tells how the night ended, and waits a moment for what is still on its way.
    pub(super) async fn ended(self, night: &Night) {
        let told = async {
            self.notices.ended(night).await;
            if let Some(lineage) = self.lineage {
                let _ = lineage.await;
            }
            if let Some(traces) = self.traces {
                traces.send().await;
            }
        };
        if tokio::time::timeout(LINGER, told).await.is_err() {
            output::talk("warning: not everybody could be told how the run ended");
        }
    }
}

/// Which programs the children of a run are.
pub(super) fn programs() -> Programs {
    let variables = DETERMINISM_ENV.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Programs { torch: torch_program(), own: own_program(), variables: variables.collect() }
}

/// Writes the report of a run that has ended.
pub(super) async fn told(
    opened: &Opened,
    frozen: &Frozen,
    outcome: Outcome,
) -> Result<Night, CliError> {
    let date = frozen.plan.date;
    // A report that cannot be made or written is said, and changes nothing about the run.
    let Told { report, decision } = match compose::report(opened, frozen, &outcome).await {
        Ok(told) => told,
        Err(error) => {
            output::talk(&format!(
                "warning: failed to compose the report: failed to {}",
                error.message
            ));
            Told::bare(frozen, &outcome)
        }
    };
    let headline = match &report.decision {
        Some(decided) => format!("{}: {}", decided.verdict, decided.reason),
        None => report.headline.clone(),
    };
    opened.state.set_headline(&outcome.run, &headline)?;
    let page = page(opened, &report, &outcome);
    let summary = crate::report::summary_text(&report, &page.display().to_string());
    let summary = summary.trim_end().to_owned();
    let outputs = outcome.outputs.into_iter().map(|(step, ports)| {
        (step, ports.into_iter().map(|(port, artifact)| (port, artifact.digest)).collect())
    });
    Ok(Night {
        outputs: outputs.collect(),
        run: outcome.run,
        pipeline: frozen.plan.pipeline.clone(),
        date,
        plan: frozen.digest,
        status: outcome.end.word().to_owned(),
        exit: outcome.end.exit(),
        steps: outcome.steps,
        digests: report.digests,
        decision,
        headline,
        summary,
        report: page,
    })
}

/// Writes the report and gives its path; an interrupted run leaves what is there.
fn page(opened: &Opened, report: &RunReport, outcome: &Outcome) -> PathBuf {
    if matches!(outcome.end, RunEnd::Interrupted(_)) {
        return PathBuf::new();
    }
    publish::write(opened, report).unwrap_or_else(|error| {
        output::talk(&format!("warning: failed to {}", error.message));
        PathBuf::new()
    })
}

/// Takes the pipeline's locks. Where one is held, what follows is as the pipeline says: an error, a wait,
/// or the end of the other run.
pub(super) async fn lock(opened: &Opened, pipeline: &Pipeline) -> Result<Held, CliError> {
    let mut locks = Vec::new();
    let mut fence = None;
    for name in &pipeline.locks {
        locks.push(take(opened, pipeline, name).await?);
        fence = Some(opened.state.take_lease(name, &Process::current())?);
    }
    Ok(Held { _locks: locks, fence })
}

/// Takes locks, or says at once that one is held.
pub(super) fn lock_now(opened: &Opened, names: &BTreeSet<String>) -> Result<Vec<Lock>, CliError> {
    let mine = format!("process {}", std::process::id());
    let locks = names.iter().map(|name| Lock::take(opened.state.folder(), name, &mine));
    Ok(locks.collect::<Result<_, _>>()?)
}

async fn take(opened: &Opened, pipeline: &Pipeline, name: &str) -> Result<Lock, CliError> {
    let mine = format!("process {} running {}", std::process::id(), pipeline.name);
    let mut told = false;
    loop {
        match Lock::take(opened.state.folder(), name, &mine) {
            Err(LockError::Held { name, holder }) if pipeline.on_locked != OnLocked::Fail => {
                if !told && pipeline.on_locked == OnLocked::Replace {
                    output::talk(&format!("ending {holder}, to take its place"));
                    replace(opened, &name)?;
                } else if !told {
                    output::talk(&format!("waiting for the lock `{name}`, held by {holder}"));
                }
                told = true;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            taken => return Ok(taken?),
        }
    }
}

/// Tells the holder of a lease to end; it lets go of the lock when its steps have ended.
fn replace(opened: &Opened, name: &str) -> Result<(), CliError> {
    let Some((holder, _)) = opened.state.lease(name)? else { return Ok(()) };
    // A holder that has ended meanwhile is as good as one that was told to.
    if holder.is_alive() == Some(true) {
        holder.signal(Signal::TERM).map_err(|e| CliError::temporary(format!("end {e}")))?;
    }
    Ok(())
}
