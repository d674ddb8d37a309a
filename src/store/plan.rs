//! Which objects a night takes in: those of its date that no batch has taken in yet.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::batches::{Batch, Done, Ledger, Planned};
use super::error::IngestError;
use super::ingest::{IngestRequest, Progress};
use super::source::Source;
use crate::core::{Digest, LogicalDate, ObjectInfo, Store, path_date};

/// A batch ends before it would hold more bytes or objects than this. A larger object is a batch
/// by itself.
const BATCH_BYTES: u64 = 256 << 20;
const BATCH_OBJECTS: usize = 1000;

/// Plans the batches of a night. They are not announced yet, and their numbers follow the ledger's.
pub(super) async fn plan(
    logs: &Store,
    ledger: &Ledger,
    request: &IngestRequest,
    known_at: i64,
    progress: &impl Fn(Progress),
) -> Result<Vec<Batch>, IngestError> {
    let globs = globs(&request.globs)?;
    let known = known_objects(ledger);
    // What has no date belongs to the night that sees it first; an older night that is run again
    // must not take what came later.
    let newest = ledger.latest_date().is_none_or(|latest| latest <= request.date);
    let mut objects = Vec::new();
    for info in list(logs).await? {
        if is_hidden(&info.path) || !(request.globs.is_empty() || globs.is_match(&info.path)) {
            continue;
        }
        let before = known.get(info.path.as_str()).map(Vec::as_slice).unwrap_or_default();
        let version = version(&info);
        if before.iter().any(|d| d.size == info.size && d.version == version) {
            continue;
        }
        match path_date(&info.path) {
            Some(date) if request.date.holds(&date) => {}
            None if newest => {}
            Some(date) if date < request.date && before.is_empty() => {
                progress(Progress::Unclaimed { key: info.path, date });
                continue;
            }
            _ => continue,
        }
        objects.extend(decide(logs, &info, version, before, request).await?);
    }
    Ok(group(objects, ledger.next(), request, known_at))
}

/// What earlier batches say about each key, in their order.
fn known_objects(ledger: &Ledger) -> BTreeMap<&str, Vec<&Done>> {
    let mut known: BTreeMap<&str, Vec<&Done>> = BTreeMap::new();
    for done in ledger.published.values().flat_map(|p| &p.objects) {
        known.entry(&done.summary.key).or_default().push(done);
    }
    known
}

/// All objects of the logs. A folder that does not exist is an error, an empty one is not.
async fn list(logs: &Store) -> Result<Vec<ObjectInfo>, IngestError> {
    let place = || logs.place("");
    if let Some(folder) = logs.folder() {
        let readable = tokio::fs::read_dir(&folder).await.map(drop);
        readable.map_err(|e| IngestError::Logs {
            place: place(),
            reason: e.to_string(),
            fix: "correct the logs' URL in fqm.toml, or create the folder",
        })?;
    }
    logs.list("").await.map_err(|e| IngestError::Logs {
        place: place(),
        reason: e.to_string(),
        fix: "check that the bucket exists, that the URL in fqm.toml names it, and the credentials",
    })
}

/// Whether a part of the path begins with `_` or `.`: unfinished and internal files.
fn is_hidden(key: &str) -> bool {
    key.split('/').any(|part| part.starts_with(['_', '.']))
}

/// What tells one content of a key from another without reading it.
fn version(info: &ObjectInfo) -> String {
    match &info.etag {
        Some(etag) => etag.clone(),
        None => format!("modified:{}", info.modified.timestamp_micros()),
    }
}

/// What to read of an object that is new or has changed; None when its bytes are known already.
async fn decide(
    logs: &Store,
    info: &ObjectInfo,
    version: String,
    before: &[&Done],
    request: &IngestRequest,
) -> Result<Option<Planned>, IngestError> {
    let whole = Planned {
        key: info.path.clone(),
        size: info.size,
        version,
        start: 0,
        format: request.format.map(|f| f.as_str().to_owned()),
    };
    let Some((last, old)) = before.iter().rev().find_map(|d| Some((*d, d.sha256?))) else {
        return Ok(Some(whole));
    };
    let Some((prefix, now)) = hash(logs, info, last.size.min(info.size)).await? else {
        return Ok(None); // It went away since it was listed.
    };
    if before.iter().any(|d| d.sha256 == Some(now)) {
        return Ok(None);
    }
    let format = last.summary.format.clone();
    Ok(Some(match last.resume_at {
        Some(start) if info.size > last.size && prefix == old => Planned { start, format, ..whole },
        _ => whole,
    }))
}

/// The digests of the first `prefix` bytes and of the whole object.
async fn hash(
    logs: &Store,
    info: &ObjectInfo,
    prefix: u64,
) -> Result<Option<(Digest, Digest)>, IngestError> {
    let Some(mut source) = Source::open(logs, &info.path, info.size).await? else {
        return Ok(None);
    };
    let digests = tokio::task::spawn_blocking(move || {
        let first = source.skip(prefix)?;
        Ok::<_, std::io::Error>((first, source.finish()?.sha256))
    });
    let failed = |reason: String| IngestError::Object { place: logs.place(&info.path), reason };
    let digests = digests.await.map_err(|e| failed(e.to_string()))?;
    digests.map(Some).map_err(|e| failed(e.to_string()))
}

fn group(
    mut objects: Vec<Planned>,
    first: u64,
    request: &IngestRequest,
    known_at: i64,
) -> Vec<Batch> {
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    for object in objects {
        let size = object.size - object.start.min(object.size);
        match batches.last_mut() {
            Some(last) if bytes + size <= BATCH_BYTES && last.objects.len() < BATCH_OBJECTS => {
                bytes += size;
                last.objects.push(object);
            }
            _ => {
                bytes = size;
                let seq = first + batches.len() as u64;
                batches.push(Batch {
                    schema: Batch::schema(),
                    source: request.source.clone(),
                    seq,
                    logical_date: request.date,
                    known_at,
                    max_record_bytes: request.max_record_bytes,
                    dedup_days: request.dedup_days,
                    objects: vec![object],
                });
            }
        }
    }
    batches
}

fn globs(patterns: &[String]) -> Result<GlobSet, IngestError> {
    let wrong = |glob: &str, e: globset::Error| IngestError::Glob {
        glob: glob.to_owned(),
        reason: e.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|e| wrong(pattern, e))?);
    }
    set.build().map_err(|e| wrong(&patterns.join(", "), e))
}

/// The objects whose change may concern a night: those of its date, and those without a date. A
/// night whose list is unchanged has nothing new to take in.
///
/// # Errors
/// When the logs cannot be listed or a pattern is wrong.
pub async fn relevant(
    logs: &Store,
    patterns: &[String],
    date: LogicalDate,
) -> Result<Vec<ObjectInfo>, IngestError> {
    let globs = globs(patterns)?;
    let wanted = |info: &ObjectInfo| {
        !is_hidden(&info.path)
            && (patterns.is_empty() || globs.is_match(&info.path))
            && path_date(&info.path).is_none_or(|found| date.holds(&found))
    };
    Ok(list(logs).await?.into_iter().filter(wanted).collect())
}
