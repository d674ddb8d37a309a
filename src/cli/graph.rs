//! `fqm-pipe graph`: the steps of a pipeline and what each needs.

use std::path::Path;

use clap::ValueEnum;
use serde_json::json;

use super::error::CliError;
use super::{open, output};
use crate::pipeline::Pipeline;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// How to draw it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print JSON, as --format json does
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Dot,
    Mermaid,
    Json,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let pipeline = open::pipeline(&workspace, &args.pipeline, &crate::steps::here())?;
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Text => output::data(&text(&pipeline)),
        Format::Dot => output::data(&edges(&pipeline, "digraph {\n", "}", |a, b| {
            format!("  \"{a}\" -> \"{b}\"\n")
        })),
        Format::Mermaid => {
            output::data(&edges(&pipeline, "flowchart LR\n", "", |a, b| format!("  {a} --> {b}\n")))
        }
        Format::Json => {
            let steps: Vec<_> = pipeline
                .steps
                .iter()
                .map(|s| json!({ "id": s.id, "uses": format!("{}@{}", s.kind, s.version), "needs": s.upstream() }))
                .collect();
            output::json(&json!({ "pipeline": pipeline.name, "steps": steps }))?;
        }
    }
    Ok(0)
}

fn text(pipeline: &Pipeline) -> String {
    let rows = pipeline.steps.iter().map(|step| {
        let needs = step.upstream();
        let needs =
            if needs.is_empty() { String::new() } else { format!("← {}", needs.join(", ")) };
        vec![step.id.clone(), format!("{}@{}", step.kind, step.version), needs]
    });
    output::table(&rows.collect::<Vec<_>>())
}

fn edges(
    pipeline: &Pipeline,
    head: &str,
    tail: &str,
    edge: impl Fn(&str, &str) -> String,
) -> String {
    let lines = pipeline
        .steps
        .iter()
        .flat_map(|step| step.upstream().into_iter().map(|need| (need, step.id.clone())));
    let lines: String = lines.map(|(from, to)| edge(&from, &to)).collect();
    format!("{head}{lines}{tail}")
}
