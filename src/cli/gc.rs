//! `fqm-pipe gc`: forgets old runs and removes what nothing refers to any more. What stays can be followed as
//! before: a blob is kept as long as a kept result names it, directly or through the documents that it names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::error::CliError;
use super::night;
use super::open::{self, Opened};
use super::output::{self, counted};
use crate::core::{Blobs, Digest, ObjectInfo};
use crate::pipeline::Duration;
use crate::steps::PASSES;

#[derive(clap::Args)]
pub(super) struct Args {
    /// How long runs are kept, e.g. 30d
    #[arg(long, default_value = "90d", value_name = "TIME")]
    keep: Duration,
    /// Say what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What went, or would go.
#[derive(Default, Serialize)]
struct Swept {
    runs: usize,
    results: usize,
    blobs: usize,
    /// What runs on engines left in the store.
    exchanges: usize,
    /// Files of writes and trainings that were cut off.
    leftovers: usize,
    bytes: u64,
}

/// How old anything must be that is removed from the store: something may be about to refer to it.
const GRACE: chrono::Duration = chrono::Duration::days(1);

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    // Nothing may run meanwhile: it could come to rest on what is about to go.
    let mut names = BTreeSet::new();
    for name in open::pipeline_names(&opened.workspace) {
        let pipeline = open::pipeline(&opened.workspace, &name, opened.catalog.as_ref())?;
        names.extend(pipeline.locks);
    }
    let _held = night::lock_now(&opened, &names)?;
    let keep = chrono::Duration::from_std(args.keep.0).map_err(CliError::usage)?;
    let before = Utc::now() - keep;
    let swept = sweep(&opened, before, args.dry_run).await?;
    if args.json {
        output::json(&swept)?;
        return Ok(0);
    }
    let would = if args.dry_run { "would remove" } else { "removed" };
    output::data(&format!(
        "{would} {}, {}, {}, {}, {}: {:.1} MiB",
        counted(swept.runs, "run", "runs"),
        counted(swept.results, "result", "results"),
        counted(swept.blobs, "blob", "blobs"),
        counted(swept.exchanges, "exchange of an engine", "exchanges of engines"),
        counted(swept.leftovers, "leftover", "leftovers"),
        swept.bytes as f64 / f64::from(1 << 20)
    ));
    Ok(0)
}

async fn sweep(opened: &Opened, before: DateTime<Utc>, dry: bool) -> Result<Swept, CliError> {
    let old = opened.state.older_than(before)?;
    let mut swept = Swept { runs: old.runs.len(), results: old.results.len(), ..Swept::default() };
    let store = opened.blobs.store();
    let kept = marked(&opened.blobs, &old.kept_outputs).await?;
    let late = before.min(Utc::now() - GRACE);
    for object in store.list("").await? {
        if object.modified > late {
            continue;
        }
        let count = match kind(&object, &old.kept_runs, &old.kept_keys, &kept) {
            Some(Junk::Blob) => &mut swept.blobs,
            Some(Junk::Exchange) => &mut swept.exchanges,
            None => continue,
        };
        *count += 1;
        swept.bytes += object.size;
        if !dry {
            store.delete(&object.path).await?;
        }
    }
    let staged = store.folder().map(|root| (root, is_staged as fn(&str) -> bool));
    // A training that nobody took up again.
    let passes = (opened.workspace.state.join(PASSES), (|_| true) as fn(&str) -> bool);
    for (root, is_leftover) in staged.into_iter().chain([passes]) {
        leftovers(root, is_leftover, late, dry, &mut swept)?;
    }
    // The state goes last: what is cut off here is found again by the next sweep.
    if !dry {
        opened.state.forget(old)?;
    }
    Ok(swept)
}

enum Junk {
    Blob,
    Exchange,
}

/// What an object of the store is, where nothing refers to it.
fn kind(
    object: &ObjectInfo,
    runs: &BTreeSet<String>,
    keys: &BTreeSet<String>,
    blobs: &BTreeSet<Digest>,
) -> Option<Junk> {
    let parts: Vec<&str> = object.path.split('/').collect();
    match parts[..] {
        ["blobs", "sha256", hex] => {
            let digest: Digest = format!("sha256:{hex}").parse().ok()?;
            (!blobs.contains(&digest)).then_some(Junk::Blob)
        }
        ["runs", run, ..] => (!runs.contains(run)).then_some(Junk::Exchange),
        ["results", name] => {
            let key = format!("sha256:{}", name.strip_suffix(".json")?);
            (!keys.contains(&key)).then_some(Junk::Exchange)
        }
        ["probes", ..] => Some(Junk::Exchange),
        _ => None,
    }
}

/// The largest document that is looked into for digests; data is larger, and names none.
const DOCUMENT: u64 = 64 << 20;

/// All blobs that the outputs name, directly or through documents.
pub(super) async fn marked(
    blobs: &Blobs,
    outputs: &[Digest],
) -> Result<BTreeSet<Digest>, CliError> {
    let mut marked = BTreeSet::new();
    let mut open = outputs.to_vec();
    while let Some(digest) = open.pop() {
        if !marked.insert(digest) || !blobs.exists(&digest).await? {
            continue;
        }
        if blobs.size(&digest).await? > DOCUMENT {
            continue;
        }
        let bytes = blobs.get(&digest).await?;
        // Whatever looks like the digest of a blob counts as one: too much is kept rather than too little.
        let text = String::from_utf8_lossy(&bytes);
        let names = text.match_indices("sha256:").filter_map(|(at, _)| text.get(at..at + 71));
        open.extend(names.filter_map(|name| name.parse::<Digest>().ok()));
    }
    Ok(marked)
}

/// Whether a file is what a write left behind that was cut off: `NAME#` and digits.
fn is_staged(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Old files below a folder of the local disk that nothing will ask for.
fn leftovers(
    root: PathBuf,
    is_leftover: fn(&str) -> bool,
    before: DateTime<Utc>,
    dry: bool,
    swept: &mut Swept,
) -> Result<(), CliError> {
    let mut open = vec![root];
    while let Some(folder) = open.pop() {
        let Ok(listed) = std::fs::read_dir(&folder) else { continue };
        for entry in listed.flatten() {
            let path = entry.path();
            let Ok(data) = entry.metadata() else { continue };
            if data.is_dir() {
                open.push(path);
                continue;
            }
            let old = data.modified().is_ok_and(|at| DateTime::<Utc>::from(at) < before);
            if old && is_leftover(&entry.file_name().to_string_lossy()) {
                swept.leftovers += 1;
                swept.bytes += data.len();
                if !dry {
                    let removed = std::fs::remove_file(&path);
                    removed
                        .map_err(|e| CliError::config(format!("remove {}: {e}", path.display())))?;
                }
            }
        }
    }
    Ok(())
}
