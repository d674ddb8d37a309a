//! `fqm-pipe daemon`: fires pipelines at their times. croner computes the times, in the pipeline's
//! time zone; tokio-cron-scheduler wakes the daemon at them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_cron_scheduler::{Job, JobScheduler};

use super::error::CliError;
use super::{night, open, output};
use crate::pipeline::{Schedule, schedule};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The pipelines; all that have a [schedule] where none is named
    pipelines: Vec<String>,
    /// End after this many nights (for trying it out)
    #[arg(long, value_name = "N")]
    nights: Option<u64>,
}

/// A pipeline that is due.
struct Due {
    pipeline: String,
    occurrence: DateTime<Tz>,
    /// Whether it makes up for a missed occurrence; only the others have a next one to wait for.
    made_up: bool,
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let timetable = timetable(from, &args.pipelines)?;
    let mut signals = Signals::new()?;
    let scheduler = JobScheduler::new().await.map_err(CliError::internal)?;
    scheduler.start().await.map_err(CliError::internal)?;
    let (send, mut due) = unbounded_channel();
    for (name, times) in &timetable {
        make_up(from, name, times, &send)?;
        wake(&scheduler, name, times, Utc::now(), &send).await?;
    }
    let mut left = args.nights;
    while left != Some(0) {
        let next: Due = tokio::select! {
            biased;
            signal = signals.next() => return Ok(128 + signal),
            next = due.recv() => match next { Some(next) => next, None => break },
        };
        let exit = fire(from, &next).await;
        if matches!(exit, 130 | 143) {
            // The signal that ended the night was meant for the daemon.
            return Ok(exit);
        }
        let date = schedule::date_of(&next.occurrence);
        output::talk(&format!("{} {date}: exit {exit}", next.pipeline));
        let times = timetable.iter().find(|(name, _)| *name == next.pipeline);
        if let Some((name, times)) = times.filter(|_| !next.made_up) {
            // A night may take longer than the pause to the next one.
            let since = next.occurrence.with_timezone(&Utc);
            let missed = schedule::missed(times, since, Utc::now()).map_err(CliError::config)?;
            queue(name, missed, &send);
            wake(&scheduler, name, times, Utc::now(), &send).await?;
        }
        left = left.map(|n| n - 1);
    }
    Ok(0)
}

fn timetable(from: &Path, wanted: &[String]) -> Result<Vec<(String, Schedule)>, CliError> {
    let workspace = crate::workspace::Workspace::find(from)?;
    let names = if wanted.is_empty() { open::pipeline_names(&workspace) } else { wanted.to_vec() };
    let mut timetable = Vec::new();
    for name in names {
        let pipeline = open::pipeline(&workspace, &name, &crate::steps::here())?;
        match pipeline.schedule {
            Some(schedule) => timetable.push((name, schedule)),
            None if wanted.is_empty() => (),
            None => {
                return Err(CliError::usage(format!(
                    "schedule `{name}`: pipelines/{name}.toml has no [schedule]"
                )));
            }
        }
    }
    if timetable.is_empty() {
        return Err(CliError::usage("schedule anything: no pipeline has a [schedule]"));
    }
    Ok(timetable)
}

/// How far back missed occurrences are looked for where no deadline says so.
const HORIZON: chrono::Duration = chrono::Duration::days(7);

/// Queues what was missed while no daemon ran: occurrences since the first run whose date no run has
/// finished.
fn make_up(
    from: &Path,
    name: &str,
    times: &Schedule,
    send: &UnboundedSender<Due>,
) -> Result<(), CliError> {
    let workspace = crate::workspace::Workspace::find(from)?;
    let state = crate::pipeline::State::open(&workspace.state)?;
    let runs = state.runs(Some(name), 1000)?;
    let Some(first) = runs.last() else { return Ok(()) };
    let now = Utc::now();
    let since = first.started.max(now - HORIZON);
    let finished = |occurrence: &DateTime<Tz>| {
        let date = schedule::date_of(occurrence).to_string();
        runs.iter().any(|r| r.date == date && matches!(r.status.as_str(), "ok" | "skipped"))
    };
    let mut missed = schedule::missed(times, since, now).map_err(CliError::config)?;
    missed.retain(|occurrence| !finished(occurrence));
    queue(name, missed, send);
    Ok(())
}

fn queue(name: &str, missed: Vec<DateTime<Tz>>, send: &UnboundedSender<Due>) {
    for occurrence in missed {
        output::talk(&format!("{name}: missed {occurrence}, making up for it"));
        let _ = send.send(Due { pipeline: name.to_owned(), occurrence, made_up: true });
    }
}

async fn wake(
    scheduler: &JobScheduler,
    name: &str,
    times: &Schedule,
    after: DateTime<Utc>,
    send: &UnboundedSender<Due>,
) -> Result<(), CliError> {
    let occurrence = schedule::next(times, after).map_err(CliError::config)?;
    let utc = occurrence.with_timezone(&Utc).format("%Y-%m-%d %H:%M:%S UTC");
    output::talk(&format!("{name}: next at {} ({utc})", occurrence.format("%Y-%m-%d %H:%M:%S %Z")));
    let pause = (occurrence.with_timezone(&Utc) - Utc::now()).to_std().unwrap_or_default();
    let (send, pipeline) = (Arc::new(send.clone()), name.to_owned());
    let job = Job::new_one_shot_async(pause, move |_, _| {
        let (send, pipeline) = (send.clone(), pipeline.clone());
        Box::pin(async move { drop(send.send(Due { pipeline, occurrence, made_up: false })) })
    });
    let job = job.map_err(CliError::internal)?;
    scheduler.add(job).await.map(drop).map_err(CliError::internal)
}

async fn fire(from: &Path, due: &Due) -> i32 {
    let night = async {
        let opened = open::open(&PathBuf::from(from))?;
        let pipeline = open::pipeline(&opened.workspace, &due.pipeline, opened.catalog.as_ref())?;
        let options = night::Options { jobs: 2, force: false };
        night::run(&opened, pipeline, schedule::date_of(&due.occurrence), &options).await
    };
    match night.await {
        Ok(night) => {
            output::talk(&night.summary);
            night.exit
        }
        Err(error) => {
            output::error(&error);
            error.exit()
        }
    }
}

/// The signals that end the daemon, listened to from its start.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(CliError::internal);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}
