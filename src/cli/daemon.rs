//! `fqm-pipe daemon`: fires pipelines at their times. croner computes the times, in the pipeline's
//! time zone; tokio-cron-scheduler wakes the daemon at them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
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
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let timetable = timetable(from, &args.pipelines)?;
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
            next = due.recv() => match next { Some(next) => next, None => break },
            signal = ended() => return Ok(128 + signal),
        };
        let exit = fire(from, &next).await;
        output::talk(&format!(
            "{} {}: exit {exit}",
            next.pipeline,
            schedule::date_of(&next.occurrence)
        ));
        if let Some((name, times)) = timetable.iter().find(|(name, _)| *name == next.pipeline) {
            let after = next.occurrence.with_timezone(&Utc).max(Utc::now());
            wake(&scheduler, name, times, after, &send).await?;
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

/// Queues what was missed while no daemon ran, since the latest run of the pipeline.
fn make_up(
    from: &Path,
    name: &str,
    times: &Schedule,
    send: &UnboundedSender<Due>,
) -> Result<(), CliError> {
    let workspace = crate::workspace::Workspace::find(from)?;
    let state = crate::pipeline::State::open(&workspace.state)?;
    let Some(last) = state.runs(Some(name), 1)?.into_iter().next() else { return Ok(()) };
    let missed = schedule::missed(times, last.started, Utc::now()).map_err(CliError::config)?;
    for occurrence in missed {
        output::talk(&format!("{name}: missed {occurrence}, making up for it"));
        let _ = send.send(Due { pipeline: name.to_owned(), occurrence });
    }
    Ok(())
}

async fn wake(
    scheduler: &JobScheduler,
    name: &str,
    times: &Schedule,
    after: DateTime<Utc>,
    send: &UnboundedSender<Due>,
) -> Result<(), CliError> {
    let occurrence = schedule::next(times, after).map_err(CliError::config)?;
    output::talk(&format!("{name}: next at {occurrence} ({})", occurrence.with_timezone(&Utc)));
    let pause = (occurrence.with_timezone(&Utc) - Utc::now()).to_std().unwrap_or_default();
    let (send, pipeline) = (Arc::new(send.clone()), name.to_owned());
    let job = Job::new_one_shot_async(pause, move |_, _| {
        let (send, pipeline) = (send.clone(), pipeline.clone());
        Box::pin(async move { drop(send.send(Due { pipeline, occurrence })) })
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

async fn ended() -> i32 {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => 15,
        _ = tokio::signal::ctrl_c() => 2,
    }
}
