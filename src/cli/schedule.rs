//! `fqm-pipe schedule next`: when pipelines fire, in their time zone and in UTC, and what a change of the
//! clocks does to it.

use std::path::Path;

use chrono::{DateTime, Offset, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::error::CliError;
use super::{open, output};
use crate::pipeline::{Pipeline, schedule};
use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Print the next occurrences
    Next(NextArgs),
}

#[derive(clap::Args)]
pub(super) struct NextArgs {
    /// The pipelines; all that have a [schedule] where none is named
    pipelines: Vec<String>,
    /// How many of each
    #[arg(short = 'n', long, default_value_t = 10, value_name = "N")]
    count: usize,
    /// After this instant instead of now, e.g. 2026-03-07T00:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    after: Option<DateTime<Utc>>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    text.parse().map_err(|_| "write an instant such as 2026-03-07T00:00:00Z")
}

/// An occurrence, as it is printed.
#[derive(Serialize)]
struct Row {
    pipeline: String,
    local: String,
    utc: String,
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

pub(super) fn run(from: &Path, command: &Command) -> Result<i32, CliError> {
    let Command::Next(args) = command;
    let workspace = Workspace::find(from)?;
    let mut rows = Vec::new();
    for pipeline in scheduled(&workspace, &args.pipelines)? {
        rows.extend(occurrences(&pipeline, args.after.unwrap_or_else(Utc::now), args.count)?);
    }
    if args.json {
        output::json(&rows)?;
        return Ok(0);
    }
    let mut table = vec![["PIPELINE", "LOCAL", "UTC", "DATE", "NOTE"].map(String::from).to_vec()];
    for row in rows {
        table.push(vec![row.pipeline, row.local, row.utc, row.date, row.note.unwrap_or_default()]);
    }
    output::data(&output::table(&table));
    Ok(0)
}

/// The pipelines that have a schedule: those that are named, or all.
pub(super) fn scheduled(
    workspace: &Workspace,
    wanted: &[String],
) -> Result<Vec<Pipeline>, CliError> {
    let names = if wanted.is_empty() { open::pipeline_names(workspace) } else { wanted.to_vec() };
    let mut found = Vec::new();
    for name in names {
        let pipeline = open::pipeline(workspace, &name, &crate::steps::here())?;
        if pipeline.schedule.is_some() {
            found.push(pipeline);
        } else if !wanted.is_empty() {
            let message = format!("schedule `{name}`: pipelines/{name}.toml has no [schedule]");
            return Err(CliError::usage(message));
        }
    }
    if found.is_empty() {
        return Err(CliError::usage("schedule anything: no pipeline has a [schedule]"));
    }
    Ok(found)
}

fn occurrences(
    pipeline: &Pipeline,
    after: DateTime<Utc>,
    count: usize,
) -> Result<Vec<Row>, CliError> {
    let Some(times) = &pipeline.schedule else { return Ok(Vec::new()) };
    let mut at = after;
    let mut before = after.with_timezone(&times.timezone);
    let mut rows = Vec::new();
    for _ in 0..count {
        let next = schedule::next(times, at).map_err(CliError::config)?;
        at = next.with_timezone(&Utc);
        rows.push(Row {
            pipeline: pipeline.name.clone(),
            local: next.format("%a %Y-%m-%d %H:%M:%S %Z").to_string(),
            utc: at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
            date: schedule::date_of(&next, pipeline.by).to_string(),
            note: note(&times.cron, &before, &next),
        });
        before = next;
    }
    Ok(rows)
}

/// What a change of the clocks since the occurrence before means for this one.
fn note(cron: &str, before: &DateTime<Tz>, next: &DateTime<Tz>) -> Option<String> {
    let seconds = |at: &DateTime<Tz>| at.offset().fix().local_minus_utc();
    let change = seconds(next) - seconds(before);
    let shifted = schedule::is_shifted(cron, next);
    let minutes = change.abs() / 60;
    match (change, shifted) {
        (0, false) => None,
        (_, true) => Some(format!(
            "the clocks skip the time of `{cron}`; the first moment after it stands in"
        )),
        (1.., _) => Some(format!("the clocks went forward by {minutes} minutes")),
        _ => Some(format!("the clocks went back by {minutes} minutes")),
    }
}
