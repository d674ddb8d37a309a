//! Keeping tables quick: many small files of one date become few, old files go, the log gets a
//! checkpoint. None of it changes a row, and none of it forgets a transaction.

use std::collections::BTreeSet;

use bytes::Bytes;
use deltalake::kernel::Action;
use deltalake::operations::vacuum::VacuumMode;
use deltalake::protocol::{DeltaOperation, checkpoints};
use parquet::arrow::ArrowWriter;

use super::delta::{Tables, add_action};
use super::error::TableError;
use super::scan::{Dates, files_for, visit_file};
use super::schema::{PARTITION, Table};
use super::writer::properties;
use crate::core::{Digest, LogicalDate};

/// Files of this size or more stay as they are, bytes.
const TARGET_BYTES: u64 = 64 << 20;
const ROW_GROUP_BYTES: usize = 16 << 20;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files that were merged.
    pub before: usize,
    /// Files that took their place.
    pub after: usize,
}

/// Merges the small published files of one date, up to about 64 MiB at a time, so that memory stays
/// bounded however much the date holds. Each merge is one commit.
///
/// # Errors
/// When the table cannot be read or written.
pub async fn compact(
    tables: &Tables,
    table: Table,
    date: LogicalDate,
) -> Result<Compacted, TableError> {
    let mut done = Compacted::default();
    let files = files_for(tables, table, Dates::only(date)).await?;
    let mut group: Vec<(String, u64)> = Vec::new();
    let mut groups = Vec::new();
    for file in files.into_iter().filter(|f| f.bytes < TARGET_BYTES) {
        if group.iter().map(|(_, bytes)| bytes).sum::<u64>() + file.bytes > TARGET_BYTES {
            groups.push(std::mem::take(&mut group));
        }
        group.push((file.path, file.bytes));
    }
    groups.push(group);
    for group in groups.into_iter().filter(|g| g.len() > 1) {
        if merge(tables, table, date, &group).await? {
            done.before += group.len();
            done.after += 1;
        }
    }
    Ok(done)
}

/// Merges a group of files. False when another writer changed the table meanwhile: the next
/// compaction will look again.
async fn merge(
    tables: &Tables,
    table: Table,
    date: LogicalDate,
    group: &[(String, u64)],
) -> Result<bool, TableError> {
    let delta = tables.load(table).await?;
    let (bytes, rows) = merged(tables, table, date, group).await?;
    let digest = Digest::of(&bytes).short();
    let path = format!("{PARTITION}={date}/compact-{digest}.parquet");
    let size = bytes.len() as u64;
    tables.store().sub(table.name()).put(&path, bytes).await?;
    let failed = |source| TableError::delta("list the files of", tables.place(table), source);
    let state = delta.snapshot().map_err(failed)?;
    let old: BTreeSet<&str> = group.iter().map(|(path, _)| path.as_str()).collect();
    let mut actions: Vec<Action> = state
        .log_data()
        .iter()
        .filter(|f| old.contains(format!("{}/{}", table.name(), f.path()).as_str()))
        .map(|f| Action::Remove(f.remove_action(false)))
        .collect();
    if actions.len() != group.len() {
        return Ok(false);
    }
    let now = chrono::Utc::now().timestamp_micros();
    let mut add = add_action(path, date.to_string(), size, rows, now);
    add.data_change = false;
    actions.push(Action::Add(add));
    let target_size = i64::try_from(TARGET_BYTES).unwrap_or(i64::MAX);
    let operation = DeltaOperation::Optimize { predicate: None, target_size };
    Ok(tables.commit(table, &delta, actions, operation, None).await?.is_some())
}

/// The rows of all files of a group as one Parquet file.
async fn merged(
    tables: &Tables,
    table: Table,
    date: LogicalDate,
    group: &[(String, u64)],
) -> Result<(Bytes, u64), TableError> {
    let schema = table.file_schema();
    let failed = |source| TableError::Parquet { place: tables.place(table), source };
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rows = 0;
    let properties = Some(properties(&schema));
    let mut file = ArrowWriter::try_new(Vec::new(), schema, properties).map_err(failed)?;
    for (path, bytes) in group {
        visit_file(tables, path, *bytes, date, &names, &mut |batch| {
            rows += batch.num_rows() as u64;
            file.write(&batch).map_err(failed)?;
            if file.in_progress_size() >= ROW_GROUP_BYTES {
                file.flush().map_err(failed)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok((Bytes::from(file.into_inner().map_err(failed)?), rows))
}

impl Tables {
    /// Deletes files that no version of the last `keep` needs: merged ones, and those that a lost
    /// run left. Returns how many.
    ///
    /// Keep it longer than any ingest or reader runs: a file that is written but not committed yet
    /// looks like one that a lost run left.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn vacuum(&self, table: Table, keep: chrono::Duration) -> Result<usize, TableError> {
        let delta = self.load(table).await?;
        let failed = |source| TableError::delta("vacuum", self.place(table), source);
        let (_, metrics) = delta
            .vacuum()
            .with_retention_period(keep)
            .with_enforce_retention_duration(false)
            .with_mode(VacuumMode::Full)
            .await
            .map_err(failed)?;
        Ok(metrics.files_deleted.len())
    }

    /// Writes a checkpoint of a table's newest version, so that opening it reads one file.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn checkpoint(&self, table: Table) -> Result<(), TableError> {
        let delta = self.load(table).await?;
        let failed = |source| TableError::delta("checkpoint", self.place(table), source);
        checkpoints::create_checkpoint(&delta, None).await.map_err(failed)
    }
}
