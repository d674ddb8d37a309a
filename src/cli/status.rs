//! `fqm-pipe status`: the latest runs, or the steps of one.

use std::path::Path;

use chrono::Utc;
use serde_json::json;

use super::error::CliError;
use super::output;
use crate::pipeline::{Process, RunRow, State};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A run's id or the start of one
    run: Option<String>,
    /// How many runs
    #[arg(short = 'n', long, default_value_t = 10, value_name = "N")]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let state = State::open(&workspace.state)?;
    match &args.run {
        Some(prefix) => {
            let mut run = [find(&state, prefix)?];
            mark_lost(&mut run);
            one(&state, &run[0], args.json)
        }
        None => all(&state, args),
    }
}

fn all(state: &State, args: &Args) -> Result<i32, CliError> {
    let mut runs = state.runs(None, args.limit)?;
    mark_lost(&mut runs);
    if args.json {
        output::json(&runs)?;
    } else if runs.is_empty() {
        output::talk("no run yet; `fqm-pipe run nightly` makes one");
    } else {
        let mut rows = vec![
            ["RUN", "PIPELINE", "DATE", "STATUS", "EXIT", "STARTED", "DECISION"]
                .map(String::from)
                .to_vec(),
        ];
        rows.extend(runs.iter().map(row));
        output::data(&output::table(&rows));
    }
    Ok(0)
}

/// A run whose process is gone says `running` in the state until the next one starts. The process table
/// knows better.
pub(super) fn mark_lost(runs: &mut [RunRow]) {
    for run in runs.iter_mut().filter(|run| run.status == "running" && run.engine == "local") {
        // Of a process on another machine only its signs of life are known.
        let beats = run.heartbeat.is_some_and(|at| Utc::now() - at < STALE);
        let alive = run.holder.as_ref().map_or(Some(false), Process::is_alive).unwrap_or(beats);
        if !alive {
            run.status = "lost".to_owned();
        }
    }
}

/// How old the last sign of life of a run on another machine may be.
const STALE: chrono::Duration = chrono::Duration::seconds(120);

fn row(run: &RunRow) -> Vec<String> {
    vec![
        run.id.clone(),
        run.pipeline.clone(),
        run.date.clone(),
        run.status.clone(),
        run.exit.map_or("-".to_owned(), |e| e.to_string()),
        run.started.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        run.headline.clone().unwrap_or_default(),
    ]
}

fn one(state: &State, run: &RunRow, as_json: bool) -> Result<i32, CliError> {
    let steps = state.steps(&run.id)?;
    if as_json {
        output::json(&json!({ "run": run, "steps": steps }))?;
        return Ok(0);
    }
    output::data(&format!("{} {}  run {}  {}", run.pipeline, run.date, run.id, run.status));
    let mut rows =
        vec![["STEP", "STATUS", "TRIES", "SECONDS", "OUTPUTS", "WHY"].map(String::from).to_vec()];
    for step in &steps {
        let seconds = step.ended.map(|e| (e - step.started).num_milliseconds() as f64 / 1000.0);
        let outputs = step.outputs.iter().map(|(port, a)| format!("{port} {}", a.digest.short()));
        rows.push(vec![
            step.step.clone(),
            step.status.clone(),
            step.attempts.to_string(),
            seconds.map_or("-".to_owned(), |s| format!("{s:.1}")),
            outputs.collect::<Vec<_>>().join(", "),
            step.note.clone().or_else(|| step.reason.clone()).unwrap_or_default(),
        ]);
    }
    output::data(&output::table(&rows));
    Ok(0)
}

/// Finds the run that a prefix names.
pub(super) fn find(state: &State, prefix: &str) -> Result<RunRow, CliError> {
    let runs = state.runs_like(prefix)?;
    match (runs.first(), runs.get(1)) {
        (Some(run), None) => Ok(run.clone()),
        (None, _) => {
            Err(CliError::usage(format!("find a run `{prefix}`: `fqm-pipe status` lists them")))
        }
        (Some(_), Some(_)) => Err(CliError::usage(format!(
            "find one run `{prefix}`: several start so; give more of the id"
        ))),
    }
}
