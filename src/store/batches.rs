//! The durable list of batches. A batch is announced by a manifest before its work starts and sealed
//! by a published mark when all its tables have committed. What happens in between can be lost and
//! is then done again, exactly as the manifest says.
//!
//! `batches/<source>/<number>.json` and `batches/<source>/<number>.published.json`, both created
//! only where absent, so that several programs agree on one order.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::TableError;
use super::summary::ObjectSummary;
use crate::core::{Created, Digest, LogicalDate, Store, canonical_json};

const FOLDER: &str = "batches";
const SCHEMA: &str = "fqm-batch/1";
const PUBLISHED: &str = "fqm-batch-published/1";
/// How many manifests are read at the same time.
const PARALLEL: usize = 16;

/// An object of a batch, as it was when the batch was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Planned {
    /// The object's key relative to the root of the logs.
    pub key: String,
    /// Its size in bytes; what is appended later belongs to a later batch.
    pub size: u64,
    /// Its entity tag, or its time of change where the store gives no tag.
    pub version: String,
    /// Where reading begins: 0, or in a log that grew the end of the last line taken in before.
    pub start: u64,
    /// The format to read it in; None: find out.
    pub format: Option<String>,
}

/// A batch: what one set of commits takes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub schema: String,
    pub source: String,
    pub seq: u64,
    pub logical_date: LogicalDate,
    /// When it was planned, microseconds UTC. A redo uses it again, so its files are the same bytes.
    pub known_at: i64,
    /// A record longer than this is skipped.
    pub max_record_bytes: u64,
    /// Ids are compared with those of this many days before the logical date.
    pub dedup_days: u32,
    pub objects: Vec<Planned>,
}

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    /// Its size when it was planned.
    pub size: u64,
    /// Its tag when it was planned.
    pub version: String,
    /// Where reading began.
    pub start: u64,
    /// The digest of all its bytes from 0 to `size`; None where it was not read to its end.
    pub sha256: Option<Digest>,
    /// For uncompressed logs of lines: the end of the last whole line. A tail is read from here.
    pub resume_at: Option<u64>,
    /// What it held.
    pub summary: ObjectSummary,
}

/// The seal of a batch: all its tables have committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Published {
    pub schema: String,
    pub source: String,
    pub seq: u64,
    pub logical_date: LogicalDate,
    /// The version of each table in which the batch's rows are visible.
    pub tables: BTreeMap<String, Option<u64>>,
    pub objects: Vec<Done>,
}

impl Published {
    pub(super) fn new(batch: &Batch, objects: Vec<Done>) -> Self {
        Self {
            schema: PUBLISHED.to_owned(),
            source: batch.source.clone(),
            seq: batch.seq,
            logical_date: batch.logical_date,
            tables: BTreeMap::new(),
            objects,
        }
    }
}

impl Batch {
    pub(super) fn schema() -> String {
        SCHEMA.to_owned()
    }
}

/// All batches of one source.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub announced: BTreeMap<u64, Batch>,
    pub published: BTreeMap<u64, Published>,
}

impl Ledger {
    /// Batches that were announced and not finished, oldest first.
    pub(super) fn pending(&self) -> Vec<Batch> {
        let open = self.announced.iter().filter(|(seq, _)| !self.published.contains_key(seq));
        open.map(|(_, batch)| batch.clone()).collect()
    }

    /// The number after the last one taken. Numbers start at 1.
    pub(super) fn next(&self) -> u64 {
        self.announced.keys().next_back().map_or(1, |last| last + 1)
    }

    /// The latest logical date of any batch.
    pub(super) fn latest_date(&self) -> Option<LogicalDate> {
        self.announced.values().map(|batch| batch.logical_date).max()
    }
}

fn manifest_path(source: &str, seq: u64) -> String {
    format!("{FOLDER}/{source}/{seq:020}.json")
}

fn published_path(source: &str, seq: u64) -> String {
    format!("{FOLDER}/{source}/{seq:020}.published.json")
}

/// Announces a batch; [`Created::Existed`] when another program took the number.
pub(super) async fn announce(store: &Store, batch: &Batch) -> Result<Created, TableError> {
    create(store, &manifest_path(&batch.source, batch.seq), batch).await
}

/// Seals a batch. Whoever comes second finds the same seal there.
pub(super) async fn publish(store: &Store, published: &Published) -> Result<Created, TableError> {
    create(store, &published_path(&published.source, published.seq), published).await
}

async fn create<T: Serialize>(store: &Store, path: &str, value: &T) -> Result<Created, TableError> {
    let bytes = canonical_json(value).map_err(|e| TableError::manifest(store.place(path), e))?;
    Ok(store.create(path, Bytes::from(bytes)).await?)
}

/// Reads the batches of all sources.
pub(super) async fn load(store: &Store) -> Result<BTreeMap<String, Ledger>, TableError> {
    let mut ledgers: BTreeMap<String, Ledger> = BTreeMap::new();
    let names: Vec<String> = store.list(FOLDER).await?.into_iter().map(|o| o.path).collect();
    let (seals, manifests): (Vec<_>, Vec<_>) =
        names.into_iter().filter(|n| n.ends_with(".json")).partition(|n| is_seal(n));
    for seal in read_all::<Published>(store, seals, PUBLISHED).await? {
        ledgers.entry(seal.source.clone()).or_default().published.insert(seal.seq, seal);
    }
    for batch in read_all::<Batch>(store, manifests, SCHEMA).await? {
        ledgers.entry(batch.source.clone()).or_default().announced.insert(batch.seq, batch);
    }
    Ok(ledgers)
}

/// Which batches of which sources are sealed, and for which dates: all that a reader must know.
pub(super) async fn load_published(store: &Store) -> Result<Vec<Published>, TableError> {
    let names = store.list(FOLDER).await?.into_iter().map(|o| o.path);
    let seals = names.filter(|n| is_seal(n)).collect();
    read_all(store, seals, PUBLISHED).await
}

fn is_seal(name: &str) -> bool {
    name.ends_with(".published.json")
}

async fn read_all<T: DeserializeOwned>(
    store: &Store,
    paths: Vec<String>,
    schema: &str,
) -> Result<Vec<T>, TableError> {
    let reads = paths.into_iter().map(|path| async move { read(store, &path, schema).await });
    futures::stream::iter(reads).buffered(PARALLEL).try_collect().await
}

async fn read<T: DeserializeOwned>(
    store: &Store,
    path: &str,
    schema: &str,
) -> Result<T, TableError> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let wrong = |reason: String| TableError::manifest(store.place(path), reason);
    let bytes = store.get(path).await?.ok_or_else(|| wrong("it is gone".to_owned()))?;
    let head: Head = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    if head.schema != schema {
        return Err(wrong(format!(
            "its schema is `{}`, this program reads `{schema}`",
            head.schema
        )));
    }
    serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))
}
