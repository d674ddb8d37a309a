//! `fqm-pipe quest generate`: certified levels of a family, as files.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::error::CliError;
use super::super::output;
use super::source;
use super::words::counted;
use crate::core::nearest;
use crate::quest::{Level, Split, Suite};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// The family
    family: String,
    /// The level
    #[arg(long, default_value_t = 1, value_name = "L")]
    level: u32,
    /// The challenge
    #[arg(long, default_value_t = 1, value_name = "C")]
    challenge: u32,
    /// The split: train, validation or evaluation
    #[arg(long, default_value = "train", value_parser = split)]
    split: Split,
    /// The seed of the draw
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// How many levels
    #[arg(short, default_value_t = 1, value_name = "N", value_parser = count)]
    n: usize,
    /// The folder to write into
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

/// The most levels or plays that can be asked for at once.
const MOST: usize = 100_000;

/// Reads how many levels or plays are wanted.
pub(super) fn count(text: &str) -> Result<usize, String> {
    let n = text.parse::<usize>().ok().filter(|n| (1..=MOST).contains(n));
    n.ok_or_else(|| format!("write a number from 1 to {MOST}"))
}

/// Reads the name of a split.
pub(super) fn split(text: &str) -> Result<Split, String> {
    match text {
        "train" => Ok(Split::Train),
        "validation" => Ok(Split::Validation),
        "evaluation" => Ok(Split::Evaluation),
        _ => Err("it is train, validation or evaluation".to_owned()),
    }
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let suite = source::suite(from)?;
    known_family(&suite, &args.family)?;
    let levels = suite
        .draw(&args.family, args.level, args.challenge, args.split, args.seed, args.n)
        .map_err(CliError::usage)?;
    let mut written = Vec::new();
    for level in &levels {
        let file = format!("{}.toml", file_stem(level));
        let text = level.to_toml();
        crate::steps::write_log(&args.out, &file, text.as_bytes()).map_err(|e| {
            CliError::config(format!("write {}: {e}", args.out.join(&file).display()))
        })?;
        written.push((args.out.join(file), level));
    }
    if args.json {
        let files = written.iter().map(|(path, level)| {
            let reference = level.reference.as_ref();
            json!({
                "file": path,
                "id": level.id,
                "digest": level.content_digest(),
                "seed": level.source.seed,
                "min_calls": reference.map(|r| r.min_calls),
            })
        });
        return output::json(&files.collect::<Vec<_>>()).map(|()| 0);
    }
    for (path, level) in written {
        let calls = level.reference.as_ref().map_or(0, |r| r.min_calls);
        let calls = counted(calls as usize, "call", "calls");
        output::data(&format!("{}  {calls} at least", path.display()));
    }
    Ok(0)
}

/// Refuses families that the suite of a folder lacks.
pub(in crate::cli) fn known_families(from: &Path, families: &[String]) -> Result<(), CliError> {
    let suite = source::suite(from)?;
    families.iter().try_for_each(|family| known_family(&suite, family))
}

/// Refuses a family that the suite lacks, with the nearest one.
pub(super) fn known_family(suite: &Suite, family: &str) -> Result<(), CliError> {
    let families = suite.all_families();
    if families.iter().any(|known| known == family) {
        return Ok(());
    }
    let help = match nearest(family, families.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", families.join(", ")),
    };
    Err(CliError::usage(format!("find the family `{family}`: {help}")))
}

fn file_stem(level: &Level) -> String {
    let seed = level.source.seed.unwrap_or_default();
    format!("{}-{}.{}-{seed}", level.family, level.level, level.challenge)
}
