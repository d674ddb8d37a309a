//! `fqm-pipe run`: one night, from the day's logs to the decision.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::CliError;
use super::night::{self, Common, Night};
use super::{open, output};
use crate::core::{LogicalDate, nearest};
use crate::pipeline::{Force, Param, Pipeline, Selection};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// The logical date: a day, or an hour such as 2026-11-03T05 where the pipeline has hours; the last
    /// that is over in the pipeline's time zone where it is left out
    #[arg(long, value_name = "DATE")]
    date: Option<LogicalDate>,
    /// Run this step and all that need it; steps before it give the results that they have
    #[arg(long, value_name = "STEP")]
    from: Vec<String>,
    /// Run this step and all that it needs, and nothing else
    #[arg(long, value_name = "STEP")]
    until: Vec<String>,
    /// A parameter of a step in place of that in the file, e.g. finetune.trainer.epochs=4
    #[arg(long = "param", value_name = "STEP.NAME=VALUE")]
    params: Vec<Param>,
    /// Run every step even where its result is there; effects are still applied once
    #[arg(long)]
    force: bool,
    /// The exit code where there is not enough data: 0 for what takes every other code as a failure
    #[arg(long, value_name = "CODE", default_value_t = 99)]
    skip_exit: i32,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let (workspace, catalog) = (&opened.workspace, opened.catalog.as_ref());
    let pipeline = open::pipeline_with(workspace, &args.pipeline, catalog, &args.params)?;
    args.from.iter().chain(&args.until).try_for_each(|step| known(&pipeline, step))?;
    something_between(&pipeline, &args.from, &args.until)?;
    let date = night::date_or_yesterday(&pipeline, args.date)?;
    let mut options = args.common.options("a person");
    options.force = if args.force { Force::All } else { Force::None };
    options.select = Selection { from: args.from, until: args.until };
    let night = night::run(&opened, pipeline, date, &options).await?;
    Ok(match tell(&night, args.common.json)? {
        99 => args.skip_exit,
        exit => exit,
    })
}

/// Prints what came of a night, and gives its exit code.
pub(super) fn tell(night: &Night, as_json: bool) -> Result<i32, CliError> {
    if as_json {
        output::json(&night.to_json())?;
    } else {
        output::data(&night.summary);
    }
    Ok(night.exit)
}

/// Refuses a step that a pipeline does not have.
pub(super) fn known(pipeline: &Pipeline, step: &str) -> Result<(), CliError> {
    let names: Vec<_> = pipeline.steps.iter().map(|step| step.id.as_str()).collect();
    if names.contains(&step) {
        return Ok(());
    }
    let help = match nearest(step, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", names.join(", ")),
    };
    Err(CliError::usage(format!("find the step `{step}` of {}: {help}", pipeline.name)))
}

/// Refuses a selection that leaves no step: none that is asked for until a step needs the first one.
fn something_between(
    pipeline: &Pipeline,
    from: &[String],
    until: &[String],
) -> Result<(), CliError> {
    let mut open = until.to_vec();
    let mut needed = BTreeSet::new();
    while let Some(step) = open.pop() {
        let spec = pipeline.steps.iter().find(|spec| spec.id == step);
        if needed.insert(step) {
            open.extend(spec.iter().flat_map(|spec| spec.upstream()));
        }
    }
    if from.is_empty() || until.is_empty() || from.iter().any(|step| needed.contains(step)) {
        return Ok(());
    }
    let (from, until) = (from.join(", "), until.join(", "));
    Err(CliError::usage(format!(
        "run from `{from}` until `{until}`: `{until}` does not need `{from}`"
    )))
}

impl Night {
    /// The outcome as `--json` prints it: digests only, nothing of the clock.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "format": "fqm-run/1",
            "run": self.run,
            "pipeline": self.pipeline,
            "date": self.date,
            "plan": self.plan,
            "status": self.status,
            "exit": self.exit,
            "steps": self.steps,
            "outputs": self.outputs,
            "digests": self.digests,
            "decision": self.decision,
            "report": self.report,
        })
    }
}
