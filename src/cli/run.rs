//! `fqm-pipe run`: one night, from the day's logs to the decision.

use std::num::NonZeroUsize;
use std::path::Path;

use super::error::CliError;
use super::night::{self, Night};
use super::{open, output};
use crate::core::LogicalDate;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// The logical date; yesterday in the pipeline's time zone where it is left out
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<LogicalDate>,
    /// Print the outcome as JSON on standard output
    #[arg(long)]
    json: bool,
    /// How many steps at a time
    #[arg(short = 'j', long, default_value = "2", value_name = "N")]
    jobs: NonZeroUsize,
    /// Run every step even where its result is there; effects are still applied once
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let pipeline = open::pipeline(&opened.workspace, &args.pipeline, opened.catalog.as_ref())?;
    let date = night::date_or_yesterday(&pipeline, args.date);
    let options = night::Options { jobs: args.jobs.get(), force: args.force };
    let night = night::run(&opened, pipeline, date, &options).await?;
    if args.json {
        output::json(&night.to_json())?;
    } else {
        output::data(&night.summary);
    }
    Ok(night.exit)
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
            "digests": self.digests,
            "decision": self.decision,
            "report": self.report,
        })
    }
}
