//! The feature store: Delta tables of episodes, steps and feedback, and the engine that takes logs
//! into them exactly once. Rows become visible batch by batch, when a batch is sealed; what a lost
//! run began is finished by the next. Any engine that reads Delta Lake reads the tables.

mod batches;
mod cells;
mod compact;
mod delta;
mod error;
mod ingest;
mod plan;
mod reader;
mod scan;
mod schema;
mod seen;
mod source;
mod summary;
mod work;
mod writer;

pub use compact::{Compacted, compact};
pub use delta::Tables;
pub use error::{IngestError, TableError};
pub use ingest::{IngestRequest, Progress, ingest};
pub use plan::relevant;
pub use scan::{Dates, PublishedFile, files_for, read_batches, scan, visit};
pub use schema::{SCHEMA_VERSION, Table};
pub use summary::{
    Counts, IngestSummary, Night, NotLog, ObjectSummary, Rows, Snapshot, other_nights,
};
pub use work::CONFLICT;

#[cfg(test)]
mod tests;
