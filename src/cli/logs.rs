//! `fqm-pipe logs RUN STEP`: the log lines and metrics of a step.

use std::path::Path;

use serde_json::json;

use super::error::CliError;
use super::{output, status};
use crate::core::nearest;
use crate::pipeline::{Event, State};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A run's id or the start of one
    run: String,
    /// The step's id
    step: String,
    /// Print JSON, one event a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let state = State::open(&workspace.state)?;
    let run = status::find(&state, &args.run)?;
    let steps = state.steps(&run.id)?;
    if !steps.iter().any(|s| s.step == args.step) {
        let names: Vec<_> = steps.iter().map(|s| s.step.as_str()).collect();
        let help = match nearest(&args.step, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", names.join(", ")),
        };
        return Err(CliError::usage(format!(
            "find the step `{}` in run {}: {help}",
            args.step, run.id
        )));
    }
    for row in state.events(&run.id, Some(&args.step))? {
        if args.json {
            let line = json!({ "at": row.at, "event": row.event });
            output::data(&line.to_string());
        } else {
            output::data(&format!("{}  {}", row.at.format("%H:%M:%S%.3f"), words(&row.event)));
        }
    }
    Ok(0)
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
        other => format!("{other:?}"),
    }
}
