//! `fqm-pipe init`: a new workspace, with sample logs where wished.

use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::json;

use super::error::CliError;
use super::output::{self, counted};
use crate::core::LogicalDate;
use crate::quest::Suite;
use crate::registry::STARTER;
use crate::simulate::{DayTruth, SimulateParams, simulate};

/// The pipeline that a new workspace begins with: the one that this repository runs.
const NIGHTLY: &str = include_str!("../../pipelines/nightly.toml");

/// How many days of sample logs `--sample` plays.
const SAMPLE_DAYS: u32 = 3;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder to make
    dir: PathBuf,
    /// Also play three days of sample logs, ending yesterday
    #[arg(long)]
    sample: bool,
    /// The seed of the sample logs
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Print what was made as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<i32, CliError> {
    let dir = &args.dir;
    if dir.join(crate::workspace::FILE).exists() {
        let message = format!("make a workspace in {}: there is one already", dir.display());
        return Err(CliError::usage(message));
    }
    if dir.exists() && !dir.is_dir() {
        let message = format!("make a workspace in {}: it is a file", dir.display());
        return Err(CliError::usage(message));
    }
    if dir.to_str().is_none() {
        return Err(CliError::usage("make a workspace in a folder whose name is not UTF-8"));
    }
    let (mut made, mut kept) = (Vec::new(), Vec::new());
    // fqm.toml comes last: a folder that has one is whole.
    for (path, text) in files(dir).into_iter().rev() {
        if dir.join(&path).exists() {
            output::talk(&format!("kept {path}"));
            kept.push(path);
            continue;
        }
        write(dir, &path, text.as_bytes())?;
        made.push(path);
    }
    output::talk(&format!("made the workspace {}", dir.display()));
    // People look for fqm.toml first.
    made.reverse();
    kept.reverse();
    let days = if args.sample { sample(dir, args.seed)? } else { Vec::new() };
    let command = if args.sample { "backfill nightly" } else { "run nightly" };
    let next = format!("fqm-pipe --workspace {} {command}", output::shell_word(dir));
    if args.json {
        output::json(
            &json!({ "workspace": dir, "made": made, "kept": kept, "days": days, "next": next }),
        )?;
    } else {
        output::data(&format!("next: {next}"));
    }
    Ok(0)
}

fn files(dir: &Path) -> Vec<(String, String)> {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let name = absolute.file_name().and_then(|n| n.to_str()).unwrap_or("workspace").to_owned();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let workspace = format!(
        "# A workspace of fqm-pipe. Places are URLs (file, s3, az, gs, http), or paths relative to this\n\
         # file; FQM_LOGS, FQM_STORE, FQM_REGISTRY, FQM_STATE and FQM_REPORTS win over it.\n\
         schema = 1\nname = \"{name}\"\n\n\
         logs = \"logs\"\nstore = \".fqm/store\"\nregistry = \".fqm/registry\"\nstate = \".fqm/state\"\nreports = \"reports\"\n"
    );
    let mut files = vec![
        (crate::workspace::FILE.to_owned(), workspace),
        ("pipelines/nightly.toml".to_owned(), NIGHTLY.to_owned()),
        (".gitignore".to_owned(), "/.fqm\n/reports\n".to_owned()),
        ("logs/.keep".to_owned(), String::new()),
    ];
    let levels =
        Suite::builtin_files().map(|(name, text)| (format!("levels/{name}"), text.to_owned()));
    files.extend(levels);
    files.extend(
        STARTER.iter().map(|(name, text)| (format!("registry/{name}"), (*text).to_owned())),
    );
    files
}

fn write(dir: &Path, path: &str, bytes: &[u8]) -> Result<(), CliError> {
    crate::steps::write_file(dir, path, bytes)
        .map_err(|e| CliError::config(format!("write {}: {e}", dir.join(path).display())))
}

/// Plays sample days that end yesterday.
fn sample(dir: &Path, seed: u64) -> Result<Vec<DayTruth>, CliError> {
    let today = LogicalDate::new(Utc::now().date_naive());
    let from = today.plus_days(-i64::from(SAMPLE_DAYS));
    let params = SimulateParams::sample(from, SAMPLE_DAYS, seed);
    let logs = dir.join("logs");
    let mut sink = |path: &str, bytes: &[u8]| crate::steps::write_log(&logs, path, bytes);
    let days = simulate(&params, &Suite::builtin(), None, &mut sink).map_err(CliError::config)?;
    for day in &days {
        let episodes = counted(day.episodes as usize, "episode", "episodes");
        output::talk(&format!("played {}: {episodes}", day.date));
    }
    Ok(days)
}
