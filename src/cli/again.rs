//! `fqm-pipe resume` and `retry`: a run once more under its own frozen plan, whatever the pipeline file
//! says by now. What it had finished is not done again.

use std::path::Path;

use clap::ValueEnum;

use super::engines::EngineKind;
use super::error::CliError;
use super::night::{self, Common};
use super::open::{self, Opened};
use super::{run, status};
use crate::pipeline::{Force, Frozen, Process, RunRow};

#[derive(clap::Args)]
pub(super) struct ResumeArgs {
    /// A run's id or the start of one; the latest that did not end well where it is left out
    run: Option<String>,
    /// Plan anew from the pipeline file as it is now
    #[arg(long)]
    replan: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
pub(super) struct RetryArgs {
    /// A run's id or the start of one
    run: String,
    /// The step that runs again although its result is there; those behind it run where its outputs
    /// differ
    #[arg(long, required = true, value_name = "STEP")]
    step: Vec<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn resume(from: &Path, args: ResumeArgs) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let before = match &args.run {
        Some(prefix) => status::find(&opened.state, prefix)?,
        None => unfinished(&opened)?,
    };
    let mut options = args.common.options(&format!("resuming run {}", before.id));
    // What an engine may still work on is taken up again, not begun anew.
    if before.engine != "local" && !args.replan && before.status == "running" {
        options.engine = EngineKind::from_str(&before.engine, true).map_err(CliError::internal)?;
        options.attach = Some(before.id.clone());
    }
    if !args.replan {
        return again(&opened, &before, &options, args.common.json).await;
    }
    let pipeline = open::pipeline(&opened.workspace, &before.pipeline, opened.catalog.as_ref())?;
    let date = before.date.parse().map_err(CliError::internal)?;
    let night = night::run(&opened, pipeline, date, &options).await?;
    run::tell(&night, args.common.json)
}

pub(super) async fn retry(from: &Path, args: RetryArgs) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let before = status::find(&opened.state, &args.run)?;
    let frozen = Frozen::load(&opened.state, &before.plan)?;
    args.step.iter().try_for_each(|step| run::known(&frozen.pipeline, step))?;
    let mut options = args.common.options(&format!("retrying run {}", before.id));
    options.force = Force::Steps(args.step.into_iter().collect());
    again(&opened, &before, &options, args.common.json).await
}

async fn again(
    opened: &Opened,
    before: &RunRow,
    options: &night::Options,
    as_json: bool,
) -> Result<i32, CliError> {
    let frozen = Frozen::load(&opened.state, &before.plan)?;
    night::same_environment(&frozen)?;
    let held = night::lock(opened, &frozen.pipeline).await?;
    let night = night::run_frozen(opened, &held, frozen, options).await?;
    run::tell(&night, as_json)
}

/// The latest run of each (pipeline, date) counts: an older one that failed was made good since.
fn unfinished(opened: &Opened) -> Result<RunRow, CliError> {
    let mut runs = opened.state.runs(None, 1000)?;
    status::mark_lost(&mut runs);
    let mut seen = std::collections::BTreeSet::new();
    let latest =
        runs.into_iter().filter(|run| seen.insert((run.pipeline.clone(), run.date.clone())));
    let unfollowed = |run: &RunRow| run.holder.as_ref().and_then(Process::is_alive) != Some(true);
    let open = |run: &RunRow| match run.status.as_str() {
        "ok" | "skipped" => false,
        // The steps of a run on an engine may go on without the process that followed it.
        "running" => run.engine != "local" && unfollowed(run),
        _ => true,
    };
    latest.into_iter().find(open).ok_or_else(|| {
        CliError::usage("find a run to resume: the latest run of every date ended well")
    })
}
