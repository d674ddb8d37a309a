//! What can go wrong between a log object and a published row. Messages name the place and the fix.

use deltalake::DeltaTableError;

use crate::core::StoreError;

/// A failed access to the feature store's tables or batch manifests.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The object store underneath refused.
    #[error("{source}{fix}")]
    Store {
        /// What the object store says, with the place.
        source: Box<StoreError>,
        /// What to do about it; empty where nothing general can be said.
        fix: &'static str,
    },
    /// Delta Lake refused.
    #[error("{action} the table {place}: {source}{fix}")]
    Delta {
        /// `open`, `create`, `commit to`, `vacuum`, …
        action: &'static str,
        /// The URL of the table.
        place: String,
        /// What Delta Lake says.
        source: Box<DeltaTableError>,
        /// What to do about it; empty where nothing general can be said.
        fix: &'static str,
    },
    /// Other writers kept winning.
    #[error(
        "commit to the table {place}: other writers won {attempts} times in a row; run it again when fewer programs write"
    )]
    Contended {
        /// The URL of the table.
        place: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// Rows could not be encoded as, or read from, Parquet.
    #[error("encode or decode rows of {place}: {source}")]
    Parquet {
        /// The table or file.
        place: String,
        /// What the Parquet library says.
        source: parquet::errors::ParquetError,
    },
    /// Rows do not fit the table's columns.
    #[error("build rows of {place}: {source}")]
    Arrow {
        /// The table.
        place: String,
        /// What the Arrow library says.
        source: arrow::error::ArrowError,
    },
    /// polars cannot read the files.
    #[error("scan {place} with polars: {source}")]
    Polars {
        /// The table.
        place: String,
        /// What polars says.
        source: Box<polars::error::PolarsError>,
    },
    /// A lazy scan needs files on a local disk.
    #[error("scan {place} lazily: only tables on a local disk can be; read batches instead")]
    NotLocal {
        /// The URL of the table.
        place: String,
    },
    /// A manifest is not what this program writes.
    #[error(
        "read the batch manifest {place}: {reason}; restore it from a copy, or use the program version that wrote it"
    )]
    Manifest {
        /// The URL of the manifest.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A worker thread ended early.
    #[error("finish the work on {place}: the worker stopped: {reason}")]
    Worker {
        /// What it worked on.
        place: String,
        /// Why it stopped.
        reason: String,
    },
}

/// A failed ingest.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The tables or the manifests refused.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The logs' folder or bucket cannot be listed.
    #[error("list the logs at {place}: {reason}; {fix}")]
    Logs {
        /// The URL of the logs.
        place: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        fix: &'static str,
    },
    /// A log object cannot be read for a reason that lies with the store, not with its content.
    #[error("read the log object {place}: {reason}; run it again when the store answers")]
    Object {
        /// The URL of the object.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The source name cannot be part of a path.
    #[error(
        "use `{name}` as the name of a log source: 1 to 64 lowercase letters, digits, `-` and `_`, beginning with a letter or digit"
    )]
    Source {
        /// The name as given.
        name: String,
    },
    /// A pattern is not a glob.
    #[error("use `{glob}` as a pattern for log objects: {reason}")]
    Glob {
        /// The pattern as given.
        glob: String,
        /// What is wrong.
        reason: String,
    },
    /// The format asked for is none that this program reads.
    #[error("read logs as `{name}`: {reason}")]
    Format {
        /// The name as given.
        name: String,
        /// Which ones there are.
        reason: String,
    },
    /// The simulated power cut of a test.
    #[cfg(test)]
    #[error("go on: the test cut the power")]
    Cut,
}

impl From<StoreError> for TableError {
    fn from(source: StoreError) -> Self {
        let fix = fix_for(&source.to_string());
        Self::Store { source: Box::new(source), fix }
    }
}

impl From<StoreError> for IngestError {
    fn from(source: StoreError) -> Self {
        Self::Table(source.into())
    }
}

impl TableError {
    pub(super) fn delta(action: &'static str, place: String, source: DeltaTableError) -> Self {
        let fix = fix_for(&source.to_string());
        Self::Delta { action, place, source: Box::new(source), fix }
    }

    pub(super) fn manifest(place: String, reason: impl ToString) -> Self {
        Self::Manifest { place, reason: reason.to_string() }
    }

    /// Whether the disk under the tables is full.
    pub fn is_full_disk(&self) -> bool {
        self.to_string().contains(FULL)
    }
}

const FULL: &str = "; the disk is full: free some space and run it again, nothing is lost";
const READ_ONLY: &str = "; the place cannot be written: give this user the right to write there, or choose another store URL";

/// The advice that goes with an operating system's words.
fn fix_for(message: &str) -> &'static str {
    let has = |words: &str| message.contains(words);
    if has("No space left") || has("os error 28") || has("StorageFull") {
        FULL
    } else if has("Read-only file system") || has("Permission denied") || has("AccessDenied") {
        READ_ONLY
    } else if has("NoSuchBucket") || has("ContainerNotFound") {
        "; the bucket does not exist: create it, or correct the URL"
    } else {
        ""
    }
}
