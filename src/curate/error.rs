//! What can go wrong in curation.

use crate::core::StoreError;
use crate::dataset::DatasetError;

/// Why rows could not be curated. Reads after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum CurateError {
    /// A parameter that does not exist.
    #[error("read the parameters of curation: unknown parameter `{name}`{hint}; known are {known}")]
    UnknownParameter {
        /// As written.
        name: String,
        /// The nearest known name, or nothing.
        hint: String,
        /// All names.
        known: String,
    },
    /// A parameter with a value that makes no sense.
    #[error("read the parameters of curation: `{name}` {reason}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// Parameters that are not an object or have values of another type.
    #[error("read the parameters of curation: {0}")]
    Parameters(serde_json::Error),
    /// A table lacks a column, or has it with a type that cannot be used.
    #[error("curate the table `{table}`: column `{column}` {reason}")]
    Column {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// What is wrong.
        reason: String,
    },
    /// The query engine failed.
    #[cfg(feature = "store")]
    #[error("query the store's rows: {0}")]
    Query(#[from] polars::error::PolarsError),
    /// The store could not be read.
    #[cfg(feature = "store")]
    #[error(transparent)]
    Table(#[from] crate::store::TableError),
    /// The work was cut off.
    #[error("finish curating: the worker stopped ({0})")]
    Worker(#[from] tokio::task::JoinError),
    /// The dataset could not be written, or a blob of drops not read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A blob could not be stored or read.
    #[error("reach a blob of the curation: {0}")]
    Store(#[from] StoreError),
    /// A blob of drops that holds something else.
    #[error("read the drops: {0}")]
    Drops(String),
    /// A digest could not be taken.
    #[error("encode the rules: {0}")]
    Encode(serde_json::Error),
}
