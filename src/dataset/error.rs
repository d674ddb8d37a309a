//! What can go wrong with a dataset.

use crate::core::{Digest, EpisodeId, StoreError};

/// Why a dataset could not be written or read. Reads after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The object store failed.
    #[error("reach a dataset's blob: {0}")]
    Store(#[from] StoreError),
    /// Rows and schema do not fit together.
    #[error("encode rows: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Parquet could not be written or read.
    #[error("write or read Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The manifest has no canonical form.
    #[error("encode the manifest: {0}")]
    Json(#[from] serde_json::Error),
    /// Episodes must come in ascending order of id, each once.
    #[error(
        "write the dataset: episode `{next}` came after `{last}`; push them in ascending order of id, each once"
    )]
    OutOfOrder {
        /// The episode before.
        last: EpisodeId,
        /// The episode that is not greater.
        next: EpisodeId,
    },
    /// A file of the dataset does not hold what its manifest says.
    #[error("read `{path}` of dataset {dataset}: {reason}")]
    Corrupt {
        /// The dataset.
        dataset: Digest,
        /// The file, as the manifest names it.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The dataset was written by another generation of this program.
    #[error(
        "read dataset {dataset}: its schema is `{found}`, this program reads `{known}`; use the program that wrote it, or curate again"
    )]
    Schema {
        /// The dataset.
        dataset: Digest,
        /// The schema it states.
        found: String,
        /// The schema that this program knows.
        known: &'static str,
    },
}
