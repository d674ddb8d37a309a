//! The engine: finishes what a lost run left, then takes in what is new, batch by batch. Every step
//! can be lost and repeated; only the seal at its end makes a batch visible.

use std::collections::BTreeMap;

use chrono::Utc;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::batches::{self, Batch, Ledger, Published};
use super::delta::{Tables, add_action};
use super::error::{IngestError, TableError};
use super::plan::plan;
use super::schema::{BatchRow, Batches, Table};
use super::seen::Seen;
use super::summary::{Rows, Snapshot, snapshot};
use super::work::{Means, Worked, origin, work};
use super::writer::single_file;
use crate::core::{Created, LogicalDate, Store};
use crate::logs::{Consent, Format};

/// What to take in.
#[derive(Clone, Debug)]
pub struct IngestRequest {
    /// The name of the log source: lowercase letters, digits, `-` and `_`.
    pub source: String,
    /// The logical date of the night.
    pub date: LogicalDate,
    /// Patterns for keys relative to the root of the logs; none means all objects.
    pub globs: Vec<String>,
    /// The format to read all objects in; None: find out for each.
    pub format: Option<Format>,
    /// Ids are compared with those taken in during this many days before the date.
    pub dedup_days: u32,
    /// A longer record is quarantined, bytes.
    pub max_record_bytes: u64,
    /// The workspace's key for placeholders and hashes of persons.
    pub scrub_key: Vec<u8>,
    /// The consent of episodes whose log says nothing about it.
    pub default_consent: Consent,
}

impl IngestRequest {
    /// Everything of a source on a date, with the usual limits.
    pub fn new(source: &str, date: LogicalDate, scrub_key: &[u8]) -> Self {
        Self {
            source: source.to_owned(),
            date,
            globs: Vec::new(),
            format: None,
            dedup_days: 30,
            max_record_bytes: 32 << 20,
            scrub_key: scrub_key.to_vec(),
            default_consent: Consent::Train,
        }
    }
}

/// What is going on, for whoever waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A batch begins.
    Batch {
        /// How many objects it holds.
        objects: usize,
        /// Their bytes.
        bytes: u64,
        /// Whether an earlier run began it and was lost.
        redo: bool,
    },
    /// An object is being read.
    Reading {
        /// Its key.
        key: String,
        /// Records so far.
        records: u64,
        /// Uncompressed bytes so far.
        bytes: u64,
    },
    /// An object was read.
    ObjectDone {
        /// Its key.
        key: String,
        /// Its records.
        records: u64,
        /// The rows it added.
        rows: Rows,
    },
    /// An object of an earlier date came too late for its night; run that date again to take it in.
    Unclaimed {
        /// Its key.
        key: String,
        /// The date in its path.
        date: LogicalDate,
    },
}

/// Takes the logs of one night into the tables and says what the store holds then. Running a date
/// again adds nothing and gives an equal snapshot.
///
/// # Errors
/// When the logs cannot be listed or read, or the tables cannot be written. What was begun is then
/// finished by the next run.
pub async fn ingest(
    tables: &Tables,
    logs: &Store,
    request: IngestRequest,
    progress: impl Fn(Progress),
) -> Result<Snapshot, IngestError> {
    Engine { tables, logs, request: &request, cut: Cut::default() }.run(&progress).await
}

/// Where a test may cut the power.
#[derive(Clone, Default)]
pub(super) struct Cut {
    #[cfg(test)]
    pub after: Option<std::sync::Arc<std::sync::atomic::AtomicI64>>,
}

impl Cut {
    #[cfg_attr(not(test), expect(clippy::unused_self, clippy::unnecessary_wraps))]
    fn point(&self) -> Result<(), IngestError> {
        #[cfg(test)]
        if let Some(left) = &self.after
            && left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) <= 0
        {
            return Err(IngestError::Cut);
        }
        Ok(())
    }
}

pub(super) struct Engine<'a> {
    pub tables: &'a Tables,
    pub logs: &'a Store,
    pub request: &'a IngestRequest,
    pub cut: Cut,
}

impl Engine<'_> {
    pub(super) async fn run(&self, progress: &impl Fn(Progress)) -> Result<Snapshot, IngestError> {
        check_source(&self.request.source)?;
        while !self.round(progress).await? {}
        let published = batches::load_published(self.store()).await?;
        Ok(snapshot(&self.request.source, self.request.date, &published)?)
    }

    fn store(&self) -> &Store {
        self.tables.store()
    }

    /// Finishes lost batches, or takes in what is new. True when there is nothing left to do.
    async fn round(&self, progress: &impl Fn(Progress)) -> Result<bool, IngestError> {
        let mut ledgers = batches::load(self.store()).await?;
        let ledger: Ledger = ledgers.remove(&self.request.source).unwrap_or_default();
        let lost = ledger.pending();
        if !lost.is_empty() {
            let mut seen = None;
            for batch in &lost {
                seen = Some(self.batch(batch, seen.take(), true, progress).await?);
            }
            return Ok(false);
        }
        let known_at = Utc::now().timestamp_micros();
        let planned = plan(self.logs, &ledger, self.request, known_at, progress).await?;
        let mut seen = None;
        for batch in &planned {
            // Another program may have taken the number: then its batch goes first.
            if batches::announce(self.store(), batch).await? == Created::Existed {
                return Ok(false);
            }
            self.cut.point()?;
            seen = Some(self.batch(batch, seen.take(), false, progress).await?);
        }
        Ok(true)
    }

    /// Does one announced batch from its first byte to its seal.
    async fn batch(
        &self,
        batch: &Batch,
        seen: Option<Seen>,
        redo: bool,
        progress: &impl Fn(Progress),
    ) -> Result<Seen, IngestError> {
        progress(Progress::Batch {
            objects: batch.objects.len(),
            bytes: batch.objects.iter().map(|o| o.size - o.start.min(o.size)).sum(),
            redo,
        });
        let seen = match seen {
            Some(seen) => seen,
            None => {
                let (date, days) = (batch.logical_date, batch.dedup_days);
                Seen::load(self.tables, &batch.source, date, days).await?
            }
        };
        let worked = self.work(batch.clone(), seen, progress).await?;
        self.cut.point()?;
        self.commit(batch, worked.files, Published::new(batch, worked.objects)).await?;
        Ok(worked.seen)
    }

    /// Runs the blocking part on a thread of its own and passes its progress on.
    async fn work(
        &self,
        batch: Batch,
        seen: Seen,
        progress: &impl Fn(Progress),
    ) -> Result<Worked, IngestError> {
        let (tell, mut told) = mpsc::unbounded_channel();
        let means = Means {
            logs: self.logs.clone(),
            store: self.store().clone(),
            runtime: Handle::current(),
            scrub_key: self.request.scrub_key.clone(),
            default_consent: self.request.default_consent,
            // Nobody listens any more only when this future was dropped.
            tell: Box::new(move |news| drop(tell.send(news))),
        };
        let place = self.store().place("");
        let working = tokio::task::spawn_blocking(move || work(&batch, &means, seen));
        while let Some(news) = told.recv().await {
            progress(news);
        }
        working.await.map_err(|e| TableError::Worker { place, reason: e.to_string() })?
    }

    /// Commits the files of a batch, one commit per table, and seals it.
    async fn commit(
        &self,
        batch: &Batch,
        mut files: BTreeMap<Table, Vec<deltalake::kernel::Add>>,
        mut published: Published,
    ) -> Result<(), IngestError> {
        let number = i64::try_from(batch.seq).unwrap_or(i64::MAX);
        let app = |table: Table| format!("ingest/{}/{}", batch.source, table.name());
        for table in Table::ROWS {
            let files = files.remove(&table).unwrap_or_default();
            let version = if files.is_empty() {
                None
            } else {
                Some(self.tables.append(table, files, &app(table), number).await?.version())
            };
            published.tables.insert(table.name().to_owned(), version);
            self.cut.point()?;
        }
        let table = Table::IngestBatches;
        let row = batch_row(&published)?;
        let (path, bytes) = single_file::<Batches>(table, batch, &row, &origin(batch))?;
        let size = bytes.len() as u64;
        self.store().sub(table.name()).put(&path, bytes).await?;
        let date = batch.logical_date.to_string();
        let file = add_action(path, date, size, 1, batch.known_at);
        self.tables.append(table, vec![file], &app(table), number).await?;
        self.cut.point()?;
        batches::publish(self.store(), &published).await?;
        self.cut.point()
    }
}

fn batch_row(published: &Published) -> Result<BatchRow, TableError> {
    let mut rows = Rows::default();
    published.objects.iter().for_each(|object| rows += object.summary.rows);
    let objects: Vec<_> = published
        .objects
        .iter()
        .map(|o| (&o.summary.key, o.start, o.size, o.sha256, &o.summary.not_a_log))
        .collect();
    let failed = |e: serde_json::Error| TableError::manifest("ingest_batches".to_owned(), e);
    Ok(BatchRow {
        objects: i64::try_from(objects.len()).unwrap_or(i64::MAX),
        rows_json: serde_json::to_string(&rows).map_err(failed)?,
        versions_json: serde_json::to_string(&published.tables).map_err(failed)?,
        objects_json: serde_json::to_string(&objects).map_err(failed)?,
    })
}

/// The name is part of paths and of transaction ids.
fn check_source(name: &str) -> Result<(), IngestError> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fine = (1..=64).contains(&name.len())
        && name.bytes().next().is_some_and(letter)
        && name.bytes().all(|b| letter(b) || b == b'-' || b == b'_');
    if fine { Ok(()) } else { Err(IngestError::Source { name: name.to_owned() }) }
}
