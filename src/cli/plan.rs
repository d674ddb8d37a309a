//! `fqm-pipe plan`: what a run would do, step by step, and why. It changes nothing.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::error::CliError;
use super::night::{date_or_yesterday, freeze};
use super::{open, output, resources};
use crate::core::LogicalDate;
use crate::pipeline::{Param, Preview, preview};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// The logical date; yesterday in the pipeline's time zone where it is left out
    #[arg(long, value_name = "DATE")]
    date: Option<LogicalDate>,
    /// A parameter of a step in place of that in the file, e.g. finetune.trainer.epochs=4
    #[arg(long = "param", value_name = "STEP.NAME=VALUE")]
    params: Vec<Param>,
    /// Estimate from past runs what it will take, beside the budget of the pipeline; over it the exit
    /// code is 4
    #[arg(long)]
    resources: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let (workspace, catalog) = (&opened.workspace, opened.catalog.as_ref());
    let pipeline = open::pipeline_with(workspace, &args.pipeline, catalog, &args.params)?;
    let date = date_or_yesterday(&pipeline, args.date)?;
    let frozen = freeze(&opened, pipeline, date, false).await?;
    let frozen = Arc::new(frozen);
    let steps = preview(frozen.clone(), &opened.setting()).await?;
    if args.resources {
        return resources::run(&opened, &frozen, &steps, args.json).await;
    }
    let broken = steps.iter().any(|(_, p)| matches!(p, Preview::Error { .. }));
    if args.json {
        let steps: Vec<_> = steps.iter().map(|(id, p)| json!({ "id": id, "plan": p })).collect();
        output::json(
            &json!({ "pipeline": args.pipeline, "date": date, "plan": frozen.digest, "steps": steps }),
        )?;
    } else {
        let rows: Vec<_> = steps.iter().map(|(id, p)| row(id, p)).collect();
        output::data(&format!("{} {date}  plan {}", args.pipeline, frozen.digest));
        output::data(&output::table(&rows));
    }
    Ok(if broken { 2 } else { 0 })
}

fn row(id: &str, preview: &Preview) -> Vec<String> {
    let (word, text) = match preview {
        Preview::Hit { reason } => ("hit", reason.clone()),
        Preview::Miss { reason, .. } => ("miss", reason.clone()),
        Preview::Unknown { until } => ("unknown", format!("until {} has run", until.join(", "))),
        Preview::Skipped { when } => ("skipped", when.clone()),
        Preview::Error { message } => ("error", format!("failed to {message}")),
    };
    vec![format!("  {word}"), id.to_owned(), text]
}
