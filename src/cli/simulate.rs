//! `fqm-pipe simulate`: days of orchestration, played and written as logs of the workspace.

use std::path::Path;

use chrono::Utc;

use super::error::CliError;
use super::output::{self, counted};
use super::torch;
use crate::core::{Alias, LogicalDate};
use crate::registry::Registry;
use crate::simulate::{DayTruth, SimulateParams, simulate};
use crate::steps::{SimulateRequest, workspace_suite};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// How many days
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// The seed of everything that is drawn
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// The first day; left out, the days end yesterday
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<LogicalDate>,
    /// Episodes a day; left out, as the curriculum has them
    #[arg(long, value_name = "N")]
    episodes: Option<u32>,
    /// Let a registered policy play along, e.g. registry:fqm@champion
    #[arg(long, value_name = "ALIAS")]
    policy: Option<Alias>,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let today = LogicalDate::new(Utc::now().date_naive());
    let first = args.from.unwrap_or_else(|| today.plus_days(-i64::from(args.days)));
    let mut params = SimulateParams::sample(first, args.days, args.seed);
    if let Some(episodes) = args.episodes {
        params.curriculum.0.iter_mut().for_each(|day| day.episodes = episodes);
    }
    let days = match args.policy {
        Some(alias) => with_policy(workspace, params, alias).await?,
        None => without(&workspace, params)?,
    };
    if args.json {
        output::json(&days)?;
        return Ok(0);
    }
    for day in days {
        let files: Vec<_> = day.files.iter().map(|f| f.path.as_str()).collect();
        let episodes = counted(day.episodes as usize, "episode", "episodes");
        output::data(&format!("{}: {episodes} in {}", day.date, files.join(", ")));
    }
    Ok(0)
}

fn without(workspace: &Workspace, mut params: SimulateParams) -> Result<Vec<DayTruth>, CliError> {
    let folder = workspace.logs.to_file_path().map_err(|()| {
        CliError::usage(format!(
            "write logs to {}: simulate writes to local folders only",
            workspace.logs
        ))
    })?;
    let mut sink = |path: &str, bytes: &[u8]| crate::steps::write_log(&folder, path, bytes);
    let suite = workspace_suite(workspace).map_err(CliError::config)?;
    params.curriculum = params.curriculum.fit(&suite);
    simulate(&params, &suite, None, &mut sink).map_err(CliError::config)
}

/// Lets `fqm-torch` play, which holds the weights.
async fn with_policy(
    workspace: Workspace,
    params: SimulateParams,
    alias: Alias,
) -> Result<Vec<DayTruth>, CliError> {
    let registry = Registry::new(workspace.open_registry()?);
    let variant = registry.resolve(&alias).await.map_err(CliError::usage)?.digest;
    let request = SimulateRequest { workspace, params, alias, variant };
    torch::ask("simulate", &request).await
}
