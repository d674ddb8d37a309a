//! `fqm-pipe diff`: what differs between two runs, step by step and field by field.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use super::error::CliError;
use super::{output, status};
use crate::pipeline::{AttemptRow, Change, RunRow, State, changes};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A run's id or the start of one
    before: String,
    /// Another run's id or the start of one
    after: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What differs in a step.
#[derive(Serialize)]
struct StepDiff {
    step: String,
    /// How it ended in each run; none where the run does not have it.
    status: [Option<String>; 2],
    /// The fields of its key.
    key: Vec<Change>,
    /// Its outputs.
    outputs: Vec<Change>,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let state = State::open(&workspace.state)?;
    let runs = [status::find(&state, &args.before)?, status::find(&state, &args.after)?];
    let found = compare(&state, &runs)?;
    let differs =
        |d: &StepDiff| d.status[0] != d.status[1] || !d.key.is_empty() || !d.outputs.is_empty();
    if args.json {
        let found: Vec<_> = found.iter().filter(|d| differs(d)).collect();
        output::json(
            &json!({ "runs": runs, "same_plan": runs[0].plan == runs[1].plan, "steps": found }),
        )?;
        return Ok(0);
    }
    let [before, after] = &runs;
    output::data(&format!(
        "{} {} {} → {} {} {}  {}",
        before.id,
        before.pipeline,
        before.date,
        after.id,
        after.pipeline,
        after.date,
        if before.plan == after.plan { "the same plan" } else { "another plan" }
    ));
    for diff in &found {
        output::data(&words(diff, differs(diff)));
    }
    Ok(0)
}

fn words(diff: &StepDiff, differs: bool) -> String {
    if !differs {
        return format!("  {}: the same", diff.step);
    }
    let word = |status: &Option<String>| status.clone().unwrap_or_else(|| "not there".to_owned());
    let mut text =
        format!("  {}: {} → {}", diff.step, word(&diff.status[0]), word(&diff.status[1]));
    for (what, changes) in [("because", &diff.key), ("gives", &diff.outputs)] {
        for change in changes {
            text += &format!("\n      {what} {change}");
        }
    }
    text
}

fn compare(state: &State, runs: &[RunRow; 2]) -> Result<Vec<StepDiff>, CliError> {
    let [before, after] = [state.steps(&runs[0].id)?, state.steps(&runs[1].id)?];
    let mut names: Vec<String> = before.iter().map(|s| s.step.clone()).collect();
    for step in &after {
        if !names.contains(&step.step) {
            names.push(step.step.clone());
        }
    }
    names
        .into_iter()
        .map(|step| {
            let find = |rows: &[AttemptRow]| rows.iter().find(|r| r.step == step).cloned();
            let rows = [find(&before), find(&after)];
            let keys = [state.key_of(&runs[0].id, &step)?, state.key_of(&runs[1].id, &step)?];
            let key = match &keys {
                [Some(a), Some(b)] => changes(&a.key, &b.key),
                _ => Vec::new(),
            };
            let status = rows.each_ref().map(|r| r.as_ref().map(|r| r.status.clone()));
            let outputs = outputs(&rows);
            Ok(StepDiff { step, status, key, outputs })
        })
        .collect()
}

fn outputs(rows: &[Option<AttemptRow>; 2]) -> Vec<Change> {
    let digests = rows.each_ref().map(|row| -> BTreeMap<String, String> {
        let outputs = row.iter().flat_map(|r| &r.outputs);
        outputs.map(|(port, artifact)| (port.clone(), artifact.digest.to_string())).collect()
    });
    let [before, after] = &digests;
    let mut ports: Vec<&String> = before.keys().chain(after.keys()).collect();
    ports.sort();
    ports.dedup();
    let pairs = ports.into_iter().map(|port| Change {
        field: port.clone(),
        before: before.get(port).cloned(),
        now: after.get(port).cloned(),
    });
    pairs.filter(|change| change.before != change.now).collect()
}
