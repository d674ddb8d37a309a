//! One night: freeze the plan, take the lock, run the steps, write the report.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::Utc;

use super::compose::{self, Told};
use super::console::Console;
use super::error::CliError;
use super::open::{Opened, environment, torch_program};
use super::{output, publish};
use crate::core::{Digest, LogicalDate};
use crate::pipeline::{
    self, Frozen, Lock, LockError, Observer, OnLocked, Outcome, Pipeline, RunEnd, StepStatus,
    Unresolved, schedule,
};
use crate::policy::DETERMINISM_ENV;
use crate::registry::Registry;
use crate::report::RunReport;

/// How a night is run.
pub(super) struct Options {
    pub jobs: usize,
    pub force: bool,
}

/// What came of a night.
pub(super) struct Night {
    pub run: String,
    pub pipeline: String,
    pub date: LogicalDate,
    pub plan: Digest,
    pub status: String,
    pub exit: i32,
    pub steps: BTreeMap<String, StepStatus>,
    pub digests: BTreeMap<String, String>,
    pub decision: Option<serde_json::Value>,
    pub headline: String,
    pub summary: String,
    pub report: PathBuf,
}

/// The date that was asked for, or yesterday in the pipeline's time zone.
pub(super) fn date_or_yesterday(pipeline: &Pipeline, date: Option<LogicalDate>) -> LogicalDate {
    let zone = pipeline.schedule.as_ref().map_or(chrono_tz::UTC, |s| s.timezone);
    date.unwrap_or_else(|| schedule::yesterday(zone, Utc::now()))
}

/// Freezes the plan of a night; `keep` stores it with what its aliases named.
pub(super) async fn freeze(
    opened: &Opened,
    pipeline: Pipeline,
    date: LogicalDate,
    keep: bool,
) -> Result<Frozen, CliError> {
    let registry = Registry::new(opened.workspace.open_registry()?);
    let resolve = async |alias: &crate::core::Alias| {
        let found = registry.find(alias).await;
        found.map_err(|e| Unresolved { message: e.to_string(), temporary: e.is_temporary() })
    };
    Ok(pipeline::freeze(pipeline, date, environment(), &opened.state, keep, resolve).await?)
}

/// Runs a night to its end and writes its report.
pub(super) async fn run(
    opened: &Opened,
    pipeline: Pipeline,
    date: LogicalDate,
    options: &Options,
) -> Result<Night, CliError> {
    let _lock = lock(opened, &pipeline).await?;
    let frozen = freeze(opened, pipeline, date, true).await?;
    let variables = DETERMINISM_ENV.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let run_options = pipeline::Options {
        jobs: options.jobs,
        force: options.force,
        program: torch_program(),
        variables: variables.collect(),
    };
    let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(Console::new())];
    let outcome = pipeline::run(
        &frozen,
        run_options,
        opened.catalog.clone(),
        &opened.state,
        &opened.workspace,
        &opened.blobs,
        &mut observers,
    )
    .await?;
    // A report that cannot be made or written is said, and changes nothing about the run.
    let Told { report, decision } = match compose::report(opened, &frozen, &outcome).await {
        Ok(told) => told,
        Err(error) => {
            output::talk(&format!(
                "warning: failed to compose the report: failed to {}",
                error.message
            ));
            Told::bare(&frozen, &outcome)
        }
    };
    let headline = match &report.decision {
        Some(decided) => format!("{}: {}", decided.verdict, decided.reason),
        None => report.headline.clone(),
    };
    opened.state.set_headline(&outcome.run, &headline)?;
    let page = page(opened, &report, &outcome);
    let summary = crate::report::summary_text(&report, &page.display().to_string());
    Ok(Night {
        run: outcome.run,
        pipeline: frozen.plan.pipeline,
        date,
        plan: frozen.digest,
        status: outcome.end.word().to_owned(),
        exit: outcome.end.exit(),
        steps: outcome.steps,
        digests: report.digests,
        decision,
        headline,
        summary,
        report: page,
    })
}

/// Writes the report and gives its path; an interrupted run leaves what is there.
fn page(opened: &Opened, report: &RunReport, outcome: &Outcome) -> PathBuf {
    if matches!(outcome.end, RunEnd::Interrupted(_)) {
        return PathBuf::new();
    }
    publish::write(opened, report).unwrap_or_else(|error| {
        output::talk(&format!("warning: failed to {}", error.message));
        PathBuf::new()
    })
}

/// Takes the pipeline's lock, waiting for it where the pipeline says so.
async fn lock(opened: &Opened, pipeline: &Pipeline) -> Result<Lock, CliError> {
    let holder = format!("process {} running {}", std::process::id(), pipeline.name);
    let mut told = false;
    loop {
        match Lock::take(opened.state.folder(), &pipeline.lock, &holder) {
            Err(LockError::Held { name, holder }) if pipeline.on_locked == OnLocked::Wait => {
                if !told {
                    output::talk(&format!("waiting for the lock `{name}`, held by {holder}"));
                    told = true;
                }
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
            taken => return Ok(taken?),
        }
    }
}
