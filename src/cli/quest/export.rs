//! `fqm-pipe quest export`: a level as a PDDL domain and problem.

use std::path::{Path, PathBuf};

use super::super::error::CliError;
use super::super::output;
use super::source;
use crate::quest::export_pddl;

#[derive(clap::Args)]
#[command(after_help = "What PDDL cannot say is refused with its place; docs/pddl.md lists it.")]
pub(in crate::cli) struct Args {
    /// A level file, FAMILY/LEVEL.CHALLENGE[@SEED], or the id of a hand-written level
    level: String,
    /// The folder to write domain.pddl and problem.pddl into
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let level = source::level(from, &args.level)?;
    let made = export_pddl(&level).map_err(CliError::config)?;
    for (file, text) in [("domain.pddl", made.domain), ("problem.pddl", made.problem)] {
        let path = args.out.join(file);
        crate::steps::write_log(&args.out, file, text.as_bytes())
            .map_err(|e| CliError::config(format!("write {}: {e}", path.display())))?;
        output::data(&path.display().to_string());
    }
    Ok(0)
}
