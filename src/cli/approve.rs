//! `fqm-pipe approve`: the answer of a person to a step that waits. Who and why is written down, and the
//! first answer counts.

use std::path::Path;

use serde_json::json;

use super::error::{CliError, Kind};
use super::{output, run, status};
use crate::core::Digest;
use crate::pipeline::{Frozen, Gate, State};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A run's id or the start of one
    run: String,
    /// The step that waits
    step: String,
    /// Why; kept with the answer
    #[arg(long, value_name = "WHY", value_parser = super::registry::said)]
    reason: String,
    /// Say no: the step is skipped
    #[arg(long)]
    reject: bool,
    /// Who answers [default: the user of this shell]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An answer to a step that waits.
pub(super) struct Answer<'a> {
    pub run: &'a str,
    pub step: &'a str,
    pub approved: bool,
    pub person: &'a str,
    pub reason: &'a str,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let state = State::open(&workspace.state)?;
    let person = args.by.clone().unwrap_or_else(super::registry::actor);
    let answer = Answer {
        run: &args.run,
        step: &args.step,
        approved: !args.reject,
        person: &person,
        reason: &args.reason,
    };
    let gate = give(&state, &answer)?;
    if args.json {
        output::json(&json!({ "step": args.step, "gate": gate }))?;
    } else {
        let word = if gate.approved { "approved" } else { "rejected" };
        output::data(&format!("`{}` is {word} by {}: {}", args.step, gate.person, gate.reason));
    }
    Ok(0)
}

/// Writes an answer down. A step that was answered otherwise before keeps the first answer.
pub(super) fn give(state: &State, answer: &Answer<'_>) -> Result<Gate, CliError> {
    let row = status::find(state, answer.run)?;
    let frozen = Frozen::load(state, &row.plan)?;
    run::known(&frozen.pipeline, answer.step)?;
    let waits = frozen.pipeline.steps.iter().any(|s| s.id == answer.step && s.approve.is_some());
    if !waits {
        let message =
            format!("answer for `{}`: it waits for nobody, it has no `approve`", answer.step);
        return Err(CliError::usage(message));
    }
    let plan: Digest = frozen.digest;
    let (approved, person, reason) = (answer.approved, answer.person, answer.reason);
    let gate = state.decide_gate(&plan, answer.step, approved, person, reason)?;
    let gate = gate.ok_or_else(|| CliError::internal("read the answer back"))?;
    if gate.approved != approved {
        let word = if gate.approved { "approved" } else { "rejected" };
        let message = format!(
            "answer for `{}`: {} has {word} it already: {}",
            answer.step, gate.person, gate.reason
        );
        return Err(CliError::new(Kind::Gate, message));
    }
    Ok(gate)
}
