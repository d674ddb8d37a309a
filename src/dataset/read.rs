//! The reader: a dataset's id in, verified episodes out.

use super::decode::{self, Reason};
use super::{DatasetError, Episode, FileEntry, Manifest, SCHEMA, from_parquet};
use crate::core::{Blobs, Digest};

/// The manifest of a dataset.
///
/// # Errors
/// When the blob is missing or damaged, or another generation of this program wrote it.
pub async fn read_manifest(blobs: &Blobs, id: &Digest) -> Result<Manifest, DatasetError> {
    // The schema is looked at before the rest: a newer manifest may have another shape, and the
    // user should be told its version, not which of its fields is strange.
    let value: serde_json::Value = blobs.get_json(id).await?;
    let found = value.get("schema").and_then(|schema| schema.as_str()).unwrap_or("none");
    if found != SCHEMA {
        let found = found.to_owned();
        return Err(DatasetError::Schema { dataset: *id, found, known: SCHEMA });
    }
    serde_json::from_value(value).map_err(|error| DatasetError::Corrupt {
        dataset: *id,
        path: "manifest".to_owned(),
        reason: error.to_string(),
    })
}

/// A dataset: its manifest, and its episodes by id with their steps by index. Every blob is checked
/// against its digest, every file against its number of rows.
///
/// # Errors
/// When a blob is missing or damaged, or does not hold what the manifest says.
pub async fn read(blobs: &Blobs, id: &Digest) -> Result<(Manifest, Vec<Episode>), DatasetError> {
    let manifest = read_manifest(blobs, id).await?;
    let mut all = Vec::new();
    for entry in manifest.files.iter().filter(|entry| entry.path.starts_with("episodes/")) {
        let wrong = |path: &str| {
            let (dataset, path) = (*id, path.to_owned());
            move |reason: Reason| DatasetError::Corrupt { dataset, path, reason }
        };
        let steps_path = entry.path.replacen("episodes/", "steps/", 1);
        let steps_entry = manifest.files.iter().find(|other| other.path == steps_path);
        let steps_entry = steps_entry
            .ok_or_else(|| wrong(&steps_path)("the manifest does not list it".to_owned()))?;
        let heads = rows(blobs, entry, decode::episodes).await?.map_err(wrong(&entry.path))?;
        let steps = rows(blobs, steps_entry, decode::steps).await?.map_err(wrong(&steps_path))?;
        join(heads, steps, &mut all).map_err(wrong(&steps_path))?;
    }
    if all.len() as u64 != manifest.counts.episodes {
        let reason = format!("{} episodes, it counts {}", all.len(), manifest.counts.episodes);
        return Err(DatasetError::Corrupt { dataset: *id, path: "manifest".to_owned(), reason });
    }
    Ok((manifest, all))
}

/// The decoded rows of one file.
async fn rows<T>(
    blobs: &Blobs,
    entry: &FileEntry,
    decode: fn(&arrow::record_batch::RecordBatch) -> Result<Vec<T>, Reason>,
) -> Result<Result<Vec<T>, Reason>, DatasetError> {
    let (_, batches) = from_parquet(blobs.get(&entry.digest).await?)?;
    let mut all = Vec::new();
    for batch in &batches {
        match decode(batch) {
            Ok(rows) => all.extend(rows),
            Err(reason) => return Ok(Err(reason)),
        }
    }
    if all.len() as u64 != entry.rows {
        return Ok(Err(format!("{} rows, the manifest says {}", all.len(), entry.rows)));
    }
    Ok(Ok(all))
}

/// Gives each episode its steps: the two files hold the same episodes in the same order.
fn join(
    heads: Vec<decode::EpisodeHead>,
    steps: Vec<(String, super::Step)>,
    all: &mut Vec<Episode>,
) -> Result<(), Reason> {
    let mut steps = steps.into_iter();
    for head in heads {
        let mut episode = head.episode;
        for _ in 0..head.n_steps {
            let (id, step) = steps.next().ok_or("steps are missing")?;
            if id != episode.id.as_str() {
                return Err(format!(
                    "a step of `{id}` stands where `{}` has its steps",
                    episode.id
                ));
            }
            episode.steps.push(step);
        }
        all.push(episode);
    }
    match steps.next() {
        Some((id, _)) => Err(format!("a step of `{id}` belongs to no episode")),
        None => Ok(()),
    }
}
