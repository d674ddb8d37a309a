//! `fqm-pipe quest import`: PDDL problems as level files.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::error::CliError;
use super::super::output;
use super::source::text_of;
use crate::quest::{Level, PddlError, PddlFile, PddlOptions, import_pddl};

/// The name of the domain's file in a folder of problems.
const DOMAIN: &str = "domain.pddl";

#[derive(clap::Args)]
#[command(after_help = "The subset of PDDL that is read stands in docs/pddl.md.")]
pub(in crate::cli) struct Args {
    /// A folder with a domain.pddl; all other .pddl files below it are its problems, and keep their
    /// places in it
    #[arg(value_name = "FOLDER", required_unless_present = "domain")]
    folder: Option<PathBuf>,
    /// The domain's file
    #[arg(long, value_name = "FILE", requires = "problems", conflicts_with = "folder")]
    domain: Option<PathBuf>,
    /// A problem's file; may be given several times
    #[arg(long = "problem", value_name = "FILE", requires = "domain")]
    problems: Vec<PathBuf>,
    /// The folder to write into
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Most calls of an episode
    #[arg(long, value_name = "N")]
    max_calls: Option<u32>,
    /// The license of the files, kept in the levels
    #[arg(long)]
    license: Option<String>,
    /// The commit that the files come from, kept in the levels
    #[arg(long)]
    commit: Option<String>,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<i32, CliError> {
    let (domain, problems) = named(args)?;
    let mut written = Vec::new();
    for problem in problems {
        let name = name_of(&problem, args.folder.as_deref());
        let options = PddlOptions {
            id: Some(name.replace('/', "-")),
            max_calls: args.max_calls,
            commit: args.commit.clone(),
            license: args.license.clone(),
            ..PddlOptions::default()
        };
        let level = import(&domain, &problem, &options)?;
        let file = format!("{name}.toml");
        crate::steps::write_log(&args.out, &file, level.to_toml().as_bytes()).map_err(|e| {
            CliError::config(format!("write {}: {e}", args.out.join(&file).display()))
        })?;
        written.push((args.out.join(file), level));
    }
    if args.json {
        let files = written.iter().map(|(path, level)| {
            json!({ "file": path, "id": level.id, "digest": level.content_digest() })
        });
        return output::json(&files.collect::<Vec<_>>()).map(|()| 0);
    }
    written.iter().for_each(|(path, _)| output::data(&path.display().to_string()));
    Ok(0)
}

/// Reads a problem; a fault points into the file that has it.
pub(super) fn import(
    domain: &Path,
    problem: &Path,
    options: &PddlOptions,
) -> Result<Level, CliError> {
    let (domain, problem) = (text_of(domain)?, text_of(problem)?);
    let read = import_pddl(
        PddlFile { name: &domain.0, text: &domain.1 },
        PddlFile { name: &problem.0, text: &problem.1 },
        options,
    );
    read.map_err(|error| match error {
        PddlError::Place(place) => place.into(),
        PddlError::Level(_) => CliError::config(error),
    })
}

/// The domain and the problems that the command line names.
fn named(args: &Args) -> Result<(PathBuf, Vec<PathBuf>), CliError> {
    let Some(folder) = &args.folder else {
        let domain = args.domain.clone().ok_or_else(|| CliError::usage("name the domain"))?;
        return Ok((domain, args.problems.clone()));
    };
    let domain = folder.join(DOMAIN);
    let mut found = Vec::new();
    collect(folder, &mut found)
        .map_err(|e| CliError::usage(format!("read {}: {e}", folder.display())))?;
    found.retain(|path| *path != domain);
    if !domain.is_file() || found.is_empty() {
        let message = format!(
            "find a {DOMAIN} with problems beside it in {}; or name them with --domain and --problem",
            folder.display()
        );
        return Err(CliError::usage(message));
    }
    Ok((domain, found))
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = std::fs::read_dir(folder)?.map(|e| Ok(e?.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "pddl") {
            found.push(path);
        }
    }
    Ok(())
}

/// The name of a problem: its path within the folder, without the ending.
fn name_of(problem: &Path, folder: Option<&Path>) -> String {
    let inside = folder.and_then(|folder| problem.strip_prefix(folder).ok());
    let inside = inside.or(problem.file_name().map(Path::new)).unwrap_or(problem);
    inside.with_extension("").to_string_lossy().into_owned()
}
