//! `fqm-pipe upgrade`: moves a workspace that an older fqm-pipe wrote on to this one. What it changes it
//! keeps a copy of, and what it cannot change it names with what to do.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::error::CliError;
use super::open::{self, pipeline_names};
use super::{night, output};
use crate::pipeline::{Pipeline, State, upgraded};
use crate::registry::{Problem, Registry};
use crate::steps::write_file;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How a part of the workspace stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// Nothing was to be done.
    Current,
    /// It was moved on, or would be.
    Upgraded,
    /// A person must look at it.
    Stuck,
}

/// A part of the workspace.
#[derive(Serialize)]
struct Part {
    what: String,
    standing: Standing,
    says: String,
}

pub(super) async fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let mut parts = vec![state(&workspace, args.dry_run)?];
    // Nothing may run while its pipeline is rewritten.
    let _held = (!args.dry_run).then(|| hold(from)).transpose()?;
    for name in pipeline_names(&workspace) {
        parts.push(pipeline(&workspace, &name, args.dry_run)?);
    }
    parts.push(registry(&workspace, args.dry_run).await?);
    let stuck = parts.iter().any(|part| part.standing == Standing::Stuck);
    if args.json {
        output::json(&serde_json::json!({ "dry_run": args.dry_run, "parts": parts }))?;
    } else {
        let rows = parts.iter().map(|part| {
            let word = match part.standing {
                Standing::Current => "current",
                Standing::Upgraded if args.dry_run => "would upgrade",
                Standing::Upgraded => "upgraded",
                Standing::Stuck => "stuck",
            };
            vec![format!("  {word}"), part.what.clone(), part.says.clone()]
        });
        output::data(&output::table(&rows.collect::<Vec<_>>()));
    }
    Ok(if stuck { 2 } else { 0 })
}

/// The locks of all pipelines that can be read.
fn hold(from: &Path) -> Result<Vec<crate::pipeline::Lock>, CliError> {
    let opened = open::open(from)?;
    let mut names = BTreeSet::new();
    for name in pipeline_names(&opened.workspace) {
        let read = open::pipeline(&opened.workspace, &name, opened.catalog.as_ref());
        // The lock of one that cannot be read is its name, unless the file says otherwise.
        names.extend(read.map_or_else(|_| vec![name], |pipeline| pipeline.locks));
    }
    night::lock_now(&opened, &names)
}

fn state(workspace: &Workspace, dry_run: bool) -> Result<Part, CliError> {
    let part = |standing, says| Part { what: "state".to_owned(), standing, says };
    let Some(found) = State::version(&workspace.state)? else {
        return Ok(part(Standing::Current, "there is none yet".to_owned()));
    };
    let wanted = State::newest_version();
    if found == wanted {
        return Ok(part(Standing::Current, format!("version {found}")));
    }
    if !dry_run {
        // Opening it moves it on, and keeps a copy first.
        State::open(&workspace.state)?;
    }
    let copy = State::copy(&workspace.state, found);
    let says = format!("version {found} → {wanted}; the old one is kept as {}", copy.display());
    Ok(part(Standing::Upgraded, says))
}

fn pipeline(workspace: &Workspace, name: &str, dry_run: bool) -> Result<Part, CliError> {
    let file = format!("pipelines/{name}.toml");
    let part = |standing, says| Part { what: file.clone(), standing, says };
    let catalog = crate::steps::here();
    let text = std::fs::read_to_string(workspace.folder.join(&file))
        .map_err(|e| CliError::config(format!("read {file}: {e}")))?;
    let stuck = |error: &crate::core::PlaceError| Ok(part(Standing::Stuck, error.to_string()));
    let Some((newer, raised)) = upgraded(&text, &catalog) else {
        return match Pipeline::parse(&file, &text, &catalog) {
            Ok(_) => Ok(part(Standing::Current, "as this program reads it".to_owned())),
            Err(error) => stuck(&error),
        };
    };
    if let Err(error) = Pipeline::parse(&file, &newer, &catalog) {
        return stuck(&error);
    }
    if !dry_run {
        let failed = |e| CliError::config(format!("write {file}: {e}"));
        write_file(&workspace.folder, &format!("{file}.old"), text.as_bytes()).map_err(failed)?;
        write_file(&workspace.folder, &file, newer.as_bytes()).map_err(failed)?;
    }
    let raised = raised.iter().map(|r| format!("{}@{} → @{}", r.kind, r.from, r.to));
    let raised = raised.collect::<Vec<_>>().join(", ");
    let says = format!("{raised}; these steps run again; the old file is kept as {file}.old");
    Ok(part(Standing::Upgraded, says))
}

/// The file of the registry that foreign tools read is made from its log, so it is simply made anew.
async fn registry(workspace: &Workspace, dry_run: bool) -> Result<Part, CliError> {
    let part = |standing, says: &str| {
        Ok(Part { what: "registry".to_owned(), standing, says: says.to_owned() })
    };
    let registry = Registry::new(workspace.open_registry()?);
    if registry.models().await?.is_empty() {
        return part(Standing::Current, "there is none yet");
    }
    let wrong = !dry_run && registry.fsck().await?;
    let report = registry.verify().await?;
    if let Some(Problem { place, problem, fix, .. }) = report.problems.first() {
        return part(Standing::Stuck, &format!("{place}: {problem}; {fix}"));
    }
    if wrong {
        return part(Standing::Upgraded, "index.json was made anew from the log");
    }
    part(Standing::Current, "its log, index and blobs are whole")
}
