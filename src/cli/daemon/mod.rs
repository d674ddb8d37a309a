//! `fqm-pipe daemon`: fires pipelines at their times, on triggers and on calls. croner computes the times, in
//! the pipeline's time zone; tokio-cron-scheduler wakes the daemon at them. Two runs of one pipeline never
//! overlap; runs of different pipelines may.

mod http;
mod metrics;
mod systemd;
mod timetable;
mod triggers;

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::Utc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::error::CliError;
use super::{night, notify, open, output};
use crate::core::LogicalDate;
use crate::pipeline::State;
use crate::workspace::Workspace;
use timetable::Timetable;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The pipelines; all that have a [schedule] or a [[trigger]] where none is named
    pipelines: Vec<String>,
    /// End after this many nights (for trying it out)
    #[arg(long, value_name = "N")]
    nights: Option<u64>,
    /// Serve /healthz, /readyz, /metrics and calls here, e.g. 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// A pipeline that is due.
#[derive(Clone, Debug)]
struct Due {
    pipeline: String,
    date: LogicalDate,
    /// What makes it due, for people.
    cause: String,
    /// Whether it came from the schedule, which then has a next occurrence to wait for.
    scheduled: Option<chrono::DateTime<Utc>>,
}

/// What the parts of the daemon share.
struct Shared {
    /// The folder of the workspace.
    from: PathBuf,
    workspace: Workspace,
    state: State,
    send: UnboundedSender<Due>,
    /// When the loop last went round, in seconds since 1970.
    tick: AtomicI64,
    /// The names of the pipelines that the daemon fires.
    timetable: std::sync::Mutex<Vec<crate::pipeline::Pipeline>>,
}

/// How often the daemon looks around.
const TICK: Duration = Duration::from_secs(1);

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    // What joins the parts of a night stays on this thread; its steps do not.
    tokio::task::LocalSet::new().run_until(watch(from, args)).await
}

async fn watch(from: &Path, args: Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let state = State::open(&workspace.state)?;
    let mut signals = Signals::new()?;
    let (send, mut due) = unbounded_channel();
    let shared = Arc::new(Shared {
        from: workspace.folder.clone(),
        workspace,
        state,
        send,
        tick: AtomicI64::new(Utc::now().timestamp()),
        timetable: std::sync::Mutex::default(),
    });
    let mut timetable = Timetable::read(shared.clone(), &args.pipelines).await?;
    let server = match args.listen {
        Some(address) => Some(http::serve(shared.clone(), address).await?),
        None => None,
    };
    systemd::tell("READY=1");
    let mut queue: VecDeque<Due> = VecDeque::new();
    let mut running: JoinSet<(Due, i32)> = JoinSet::new();
    let mut busy: BTreeSet<String> = BTreeSet::new();
    let mut tick = tokio::time::interval(TICK);
    let mut left = args.nights;
    while left != Some(0) {
        tokio::select! {
            biased;
            signal = signals.next() => {
                systemd::tell("STOPPING=1");
                // The nights heard the signal as well, and end in their own way.
                while running.join_next().await.is_some() {}
                return Ok(128 + signal);
            }
            Some(ended) = running.join_next() => {
                let Ok((due, exit)) = ended else { continue };
                busy.remove(&due.pipeline);
                output::talk(&format!("{} {}: exit {exit}", due.pipeline, due.date));
                if matches!(exit, 130 | 143) {
                    // The signal that ended the night was meant for the daemon.
                    return Ok(exit);
                }
                timetable.ended(&due).await?;
                left = left.map(|n| n - 1);
            }
            Some(next) = due.recv() => {
                // A trigger that goes off while its night already waits adds nothing.
                let same = |other: &Due| other.pipeline == next.pipeline && other.date == next.date;
                if !queue.iter().any(same) {
                    queue.push_back(next);
                }
            }
            _ = tick.tick() => {
                shared.tick.store(Utc::now().timestamp(), Ordering::Relaxed);
                systemd::tell("WATCHDOG=1");
                timetable.look().await;
            }
        }
        while let Some(at) = queue.iter().position(|due| !busy.contains(&due.pipeline)) {
            let Some(due) = queue.remove(at) else { break };
            busy.insert(due.pipeline.clone());
            let from = shared.from.clone();
            running.spawn_local(async move {
                let exit = fire(&from, &due).await;
                (due, exit)
            });
        }
    }
    drop(server);
    Ok(0)
}

async fn fire(from: &Path, due: &Due) -> i32 {
    let night = async {
        let opened = open::open(from)?;
        let pipeline = open::pipeline(&opened.workspace, &due.pipeline, opened.catalog.as_ref())?;
        let options = night::Options::of_daemon(&due.cause);
        let notices = notify::Notices::of(&opened.workspace, &pipeline);
        let night = night::run(&opened, pipeline, due.date, &options).await;
        // A night that could not even begin has nobody else who tells.
        if let Err(error) = &night {
            notices.could_not_run(due.date, &error.message).await;
        }
        night
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
