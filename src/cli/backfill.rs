//! `fqm-pipe backfill`: the nights of a range of dates, in order.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use super::error::CliError;
use super::{night, open, output};
use crate::core::{LogicalDate, path_date};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// The first date; the first that has logs where it is left out
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<LogicalDate>,
    /// The last date; the last that has logs where it is left out
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<LogicalDate>,
    /// Print the outcomes as JSON on standard output
    #[arg(long)]
    json: bool,
    /// How many steps at a time
    #[arg(short = 'j', long, default_value = "2", value_name = "N")]
    jobs: NonZeroUsize,
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let options = night::Options { jobs: args.jobs.get(), force: false };
    let mut outcomes = Vec::new();
    let mut last = None;
    for date in dates(&opened.workspace, args.from, args.to).await? {
        let pipeline = open::pipeline(&opened.workspace, &args.pipeline, opened.catalog.as_ref())?;
        let night = night::run(&opened, pipeline, date, &options).await?;
        output::talk(&format!("  {date}: {}", night.headline));
        outcomes.push(night.to_json());
        let exit = night.exit;
        last = Some(night);
        // A night without enough data is an answer; a failed one must not be built upon.
        if exit != 0 && exit != 99 {
            break;
        }
    }
    if args.json {
        output::json(&outcomes)?;
    } else if let Some(night) = &last {
        output::data(&format!("\n{}", night.summary));
    }
    Ok(last.map_or(0, |night| if night.exit == 99 { 0 } else { night.exit }))
}

/// The dates of a range; its open ends are the first and the last date in the paths of the logs.
async fn dates(
    workspace: &Workspace,
    from: Option<LogicalDate>,
    to: Option<LogicalDate>,
) -> Result<Vec<LogicalDate>, CliError> {
    if let (Some(from), Some(to)) = (from, to) {
        if from > to {
            return Err(CliError::usage(format!("go from {from} to {to}: the first is later")));
        }
        return Ok(range(from, to));
    }
    let logs = workspace.open_logs()?;
    logs.ensure_readable().await?;
    let listed = logs.list("").await?;
    let found: BTreeSet<LogicalDate> =
        listed.iter().filter_map(|object| path_date(&object.path)).collect();
    let in_range =
        |date: &LogicalDate| from.is_none_or(|f| *date >= f) && to.is_none_or(|t| *date <= t);
    let found: Vec<_> = found.into_iter().filter(in_range).collect();
    if found.is_empty() {
        let place = &workspace.logs;
        let message = format!(
            "find dated logs under {place}: no path there has a date; give --from and --to"
        );
        return Err(CliError::usage(message));
    }
    Ok(found)
}

fn range(from: LogicalDate, to: LogicalDate) -> Vec<LogicalDate> {
    std::iter::successors(Some(from), |date| Some(date.plus_days(1)))
        .take_while(|d| *d <= to)
        .collect()
}
