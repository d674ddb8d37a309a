//! `fqm-pipe cancel`: ends a run. Its steps get a moment to end; what they finished is kept.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::error::CliError;
use super::{output, status};
use crate::pipeline::{Process, RunRow, State};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A run's id or the start of one
    run: String,
    /// Kill it at once
    #[arg(long)]
    now: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let state = State::open(&workspace.state)?;
    let mut run = [status::find(&state, &args.run)?];
    status::mark_lost(&mut run);
    let [run] = run;
    match run.status.as_str() {
        "running" => (),
        "lost" => {
            state.mark(&run.id, "lost")?;
            let said = format!("run {} had lost its process; it is marked so", run.id);
            return tell(&state, &run, &said, args.json);
        }
        status => {
            return Err(CliError::usage(format!(
                "end run {}: it has ended already, {status}",
                run.id
            )));
        }
    }
    let holder = run.holder.clone().ok_or_else(|| {
        CliError::usage(format!(
            "end run {}: its process is not known; an older program runs it",
            run.id
        ))
    })?;
    let signal = if args.now { Signal::KILL } else { Signal::TERM };
    holder.signal(signal).map_err(|e| CliError::temporary(format!("end run {}: {e}", run.id)))?;
    if !wait(&holder) {
        let message =
            format!("end run {}: {holder} was told to and still runs; --now kills it", run.id);
        return Err(CliError::temporary(message));
    }
    state.mark(&run.id, "cancelled")?;
    tell(&state, &run, &format!("run {} is ended", run.id), args.json)
}

/// Says how the run stands now: it may have ended by itself a moment before it was told to.
fn tell(state: &State, run: &RunRow, said: &str, as_json: bool) -> Result<i32, CliError> {
    if as_json {
        let now = status::find(state, &run.id)?;
        output::json(&json!({ "run": now.id, "status": now.status, "exit": now.exit }))?;
    } else {
        output::data(said);
    }
    Ok(0)
}

/// Waits for the end of a process; a run has ten seconds for its steps, and some for itself.
fn wait(holder: &Process) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if holder.is_alive() != Some(true) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}
