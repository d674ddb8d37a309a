//! `fqm-pipe backfill`: the nights of a range of dates, in order, or side by side where they do not rest
//! on each other.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;
use futures::StreamExt;
use serde::Serialize;

use super::error::CliError;
use super::night::{self, Common, Held, Night, Options};
use super::open::{self, Opened};
use super::{output, status};
use crate::core::{LogicalDate, path_date};
use crate::pipeline::{By, Catalog, Param, Pipeline, Preview, Source, preview};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// The first date; the first that has logs where it is left out
    #[arg(long, value_name = "DATE")]
    from: Option<LogicalDate>,
    /// The last date; the last that has logs where it is left out
    #[arg(long, value_name = "DATE")]
    to: Option<LogicalDate>,
    /// How many dates at a time; more than one only where no date rests on the one before
    #[arg(long, default_value = "1", value_name = "N", value_parser = night::some)]
    max_active: NonZeroUsize,
    /// Which dates run that have run before. What has not changed since is taken from the cache even so
    #[arg(long, value_enum, default_value_t = Reprocess::Completed, value_name = "WHICH")]
    reprocess: Reprocess,
    /// A parameter of a step in place of that in the file, e.g. finetune.trainer.epochs=4
    #[arg(long = "param", value_name = "STEP.NAME=VALUE")]
    params: Vec<Param>,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// The last date first
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    common: Common,
}

/// Which dates run that have run before.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reprocess {
    /// None of them
    None,
    /// Those whose latest run did not end well
    Failed,
    /// All of them
    Completed,
}

/// What is to be done with a date.
#[derive(Serialize)]
struct Todo {
    date: LogicalDate,
    /// Why it is passed over, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    passed_over: Option<String>,
    /// What its steps would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Counts>,
}

/// How many steps of a date would be what.
#[derive(Serialize)]
struct Counts {
    hit: usize,
    miss: usize,
    /// Not known before others have run.
    unknown: usize,
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let pipeline = read(&opened, &args)?;
    let apart = args.max_active.get() > 1 || args.reverse;
    if let Some(why) = in_order(&pipeline, opened.catalog.as_ref()).filter(|_| apart) {
        let message = format!("run the dates of {} in another order: {why}", pipeline.name);
        return Err(CliError::usage(message));
    }
    let mut todo = todo(&opened, &pipeline, &args).await?;
    if args.reverse {
        todo.reverse();
    }
    if args.dry_run {
        return dry_run(&opened, &pipeline, todo, args.common.json).await;
    }
    for passed in todo.iter().filter_map(|t| Some((t.date, t.passed_over.as_ref()?))) {
        output::talk(&format!("  {}: passed over, {}", passed.0, passed.1));
    }
    let dates = todo.into_iter().filter(|t| t.passed_over.is_none()).map(|t| t.date).collect();
    let nights = nights(&opened, &pipeline, dates, &args).await?;
    let outcomes: Vec<_> = nights.iter().map(Night::to_json).collect();
    if args.common.json {
        output::json(&outcomes)?;
    } else if let Some(night) = nights.last() {
        output::data(&night.summary);
    } else {
        output::talk("nothing to run");
    }
    let bad = nights.iter().map(|night| night.exit).find(|exit| !matches!(exit, 0 | 99));
    Ok(bad.unwrap_or(0))
}

/// Runs the dates. After one that failed no other is begun.
async fn nights(
    opened: &Opened,
    pipeline: &Pipeline,
    dates: Vec<LogicalDate>,
    args: &Args,
) -> Result<Vec<Night>, CliError> {
    let held = night::lock(opened, pipeline).await?;
    let side_by_side = args.max_active.get() > 1;
    let failed = std::sync::atomic::AtomicBool::new(false);
    let runs = dates.into_iter().map(|date| {
        let (held, failed) = (&held, &failed);
        let mut options = args.common.options("a backfill");
        options.label = side_by_side.then(|| date.to_string());
        async move {
            if failed.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(None);
            }
            let night = one(opened, held, args, date, &options).await;
            // A night without enough data is an answer; a failed one must not be built upon.
            let bad = !matches!(&night, Ok(night) if matches!(night.exit, 0 | 99));
            failed.fetch_or(bad, std::sync::atomic::Ordering::Relaxed);
            night.map(Some)
        }
    });
    let mut runs = futures::stream::iter(runs).buffered(args.max_active.get());
    let mut nights = Vec::new();
    while let Some(night) = runs.next().await {
        if let Some(night) = night? {
            output::talk(&format!("  {}: {}", night.date, night.headline));
            nights.push(night);
        }
    }
    Ok(nights)
}

fn read(opened: &Opened, args: &Args) -> Result<Pipeline, CliError> {
    let (workspace, catalog) = (&opened.workspace, opened.catalog.as_ref());
    open::pipeline_with(workspace, &args.pipeline, catalog, &args.params)
}

/// The pipeline file is read for every date: a long backfill sees what is mended meanwhile.
async fn one(
    opened: &Opened,
    held: &Held,
    args: &Args,
    date: LogicalDate,
    options: &Options,
) -> Result<Night, CliError> {
    let pipeline = read(opened, args)?;
    let frozen = night::freeze(opened, pipeline, date, true).await?;
    night::run_frozen(opened, held, frozen, options).await
}

/// Why the dates of a pipeline must run one after the other, where they must.
fn in_order(pipeline: &Pipeline, catalog: &dyn Catalog) -> Option<String> {
    for step in &pipeline.steps {
        for (port, source) in &step.inputs {
            match source {
                Source::Previous { .. } => {
                    return Some(format!("`{}` reads the interval before on `{port}`", step.id));
                }
                Source::Alias(alias) => {
                    return Some(format!("`{}` reads {alias}, which a run may move", step.id));
                }
                _ => (),
            }
        }
        if catalog.kind(&step.kind).is_some_and(|kind| kind.effect) {
            return Some(format!("`{}` has effects outside the store", step.id));
        }
    }
    None
}

async fn todo(opened: &Opened, pipeline: &Pipeline, args: &Args) -> Result<Vec<Todo>, CliError> {
    let mut runs = opened.state.runs(Some(&pipeline.name), usize::MAX)?;
    status::mark_lost(&mut runs);
    let passed_over = |date: &LogicalDate| {
        let latest = runs.iter().find(|run| run.date == date.to_string())?;
        let well = matches!(latest.status.as_str(), "ok" | "skipped");
        let over = match args.reprocess {
            Reprocess::None => true,
            Reprocess::Failed => well,
            Reprocess::Completed => false,
        };
        over.then(|| format!("run {} ended {}", latest.id, latest.status))
    };
    let dates = dates(opened, pipeline, args.from, args.to).await?;
    let todo = dates.into_iter().map(|date| {
        let passed_over = passed_over(&date);
        Todo { date, passed_over, steps: None }
    });
    Ok(todo.collect())
}

async fn dry_run(
    opened: &Opened,
    pipeline: &Pipeline,
    mut todo: Vec<Todo>,
    as_json: bool,
) -> Result<i32, CliError> {
    for todo in todo.iter_mut().filter(|todo| todo.passed_over.is_none()) {
        let frozen = night::freeze(opened, pipeline.clone(), todo.date, false).await?;
        let steps = preview(Arc::new(frozen), &opened.setting()).await?;
        let count = |of: fn(&Preview) -> bool| steps.iter().filter(|(_, p)| of(p)).count();
        todo.steps = Some(Counts {
            hit: count(|p| matches!(p, Preview::Hit { .. })),
            miss: count(|p| matches!(p, Preview::Miss { .. } | Preview::Error { .. })),
            unknown: count(|p| matches!(p, Preview::Unknown { .. } | Preview::Skipped { .. })),
        });
    }
    if as_json {
        output::json(&todo)?;
        return Ok(0);
    }
    let rows = todo.iter().map(|todo| {
        let what = match (&todo.passed_over, &todo.steps) {
            (Some(why), _) => format!("passed over, {why}"),
            (None, Some(Counts { hit, miss, unknown })) => {
                format!("{hit} from the cache, {miss} to run, {unknown} not known before")
            }
            (None, None) => String::new(),
        };
        vec![format!("  {}", todo.date), what]
    });
    output::data(&output::table(&rows.collect::<Vec<_>>()));
    Ok(0)
}

/// The dates of a range; its open ends are the first and the last date in the paths of the logs.
async fn dates(
    opened: &Opened,
    pipeline: &Pipeline,
    from: Option<LogicalDate>,
    to: Option<LogicalDate>,
) -> Result<Vec<LogicalDate>, CliError> {
    let workspace = &opened.workspace;
    for date in [from, to].into_iter().flatten() {
        night::date_or_yesterday(pipeline, Some(date))?;
    }
    if let (Some(from), Some(to)) = (from, to) {
        if from > to {
            return Err(CliError::usage(format!("go from {from} to {to}: the first is later")));
        }
        return Ok(range(from, to));
    }
    let logs = workspace.open_logs()?;
    logs.ensure_readable().await?;
    let listed = logs.list("").await?;
    let dated = listed.iter().filter_map(|object| path_date(&object.path));
    let found: BTreeSet<LogicalDate> = match pipeline.by {
        By::Day => dated.map(|date| date.day()).collect(),
        By::Hour => dated.filter(|date| date.hour().is_some()).collect(),
    };
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
    std::iter::successors(Some(from), |date| Some(date.plus(1))).take_while(|d| *d <= to).collect()
}
