//! `fqm-pipe logs RUN STEP`: the log lines and metrics of a step.

use std::path::Path;

use serde_json::json;

use super::error::CliError;
use super::{output, status};
use crate::core::nearest;
use crate::pipeline::{Event, EventRow, RunRow, State};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A run's id or the start of one; the latest run where it is left out
    run: Option<String>,
    /// The step's id; all steps where it is left out
    step: Option<String>,
    /// Go on until the run has ended
    #[arg(short, long)]
    follow: bool,
    /// Print JSON, one event a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let state = State::open(&workspace.state)?;
    let run = match &args.run {
        Some(prefix) => status::find(&state, prefix)?,
        None => state.runs(None, 1)?.pop().ok_or_else(|| {
            CliError::usage("find a run: there is none yet; `fqm-pipe run nightly` makes one")
        })?,
    };
    if let Some(step) = &args.step {
        known(&state, &run, step)?;
    }
    let mut next = 0;
    loop {
        let open = args.follow && goes_on(&state, &run.id)?;
        for row in state.events_after(&run.id, args.step.as_deref(), next)? {
            next = row.seq + 1;
            tell(&row, args);
        }
        if !open {
            return Ok(0);
        }
        std::thread::sleep(LOOK);
    }
}

/// How often new events are looked for.
const LOOK: std::time::Duration = std::time::Duration::from_millis(300);

fn goes_on(state: &State, run: &str) -> Result<bool, CliError> {
    let mut runs = state.runs_like(run)?;
    status::mark_lost(&mut runs);
    Ok(runs.iter().any(|run| run.status == "running"))
}

fn tell(row: &EventRow, args: &Args) {
    if args.json {
        let line = json!({ "at": row.at, "event": row.event });
        return output::data(&line.to_string());
    }
    let step = match (&args.step, row.event.step()) {
        (None, Some(step)) => format!("{step:12} "),
        _ => String::new(),
    };
    output::data(&format!("{}  {step}{}", row.at.format("%H:%M:%S%.3f"), words(&row.event)));
}

fn known(state: &State, run: &RunRow, step: &str) -> Result<(), CliError> {
    let steps = state.steps(&run.id)?;
    if steps.iter().any(|s| s.step == step) {
        return Ok(());
    }
    let names: Vec<_> = steps.iter().map(|s| s.step.as_str()).collect();
    let help = match nearest(step, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", names.join(", ")),
    };
    Err(CliError::usage(format!("find the step `{step}` in run {}: {help}", run.id)))
}

fn words(event: &Event) -> String {
    match event {
        Event::StepStarted { attempt, reason, .. } => format!("attempt {attempt}: {reason}"),
        Event::Log { line, .. } => line.clone(),
        Event::Metric { values, .. } => {
            let shown = |value: f64| {
                if value.fract() == 0.0 || value >= 100.0 {
                    format!("{value:.0}")
                } else {
                    format!("{value:.4}")
                }
            };
            let values = values.iter().map(|(name, value)| format!("{name} {}", shown(*value)));
            values.collect::<Vec<_>>().join("  ")
        }
        Event::StepEnded { status, note, millis, .. } => {
            let note = note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
            format!("{} after {:.1} s{note}", status.word(), *millis as f64 / 1000.0)
        }
        Event::RunStarted { pipeline, date, .. } => format!("{pipeline} {date} begins"),
        Event::RunEnded { status, exit, .. } => {
            format!("the run ended: {status}, exit code {exit}")
        }
        Event::Waiting { question, .. } => format!("waits: {question}"),
        Event::Warning { message, .. } => format!("warning: {message}"),
        Event::Usage { cpu_seconds, peak_bytes, .. } => {
            let mib = *peak_bytes as f64 / f64::from(1 << 20);
            format!("used {cpu_seconds:.1} CPU seconds and at most {mib:.0} MiB")
        }
        Event::Progress { done, unit, .. } => format!("{done} {unit}"),
    }
}
