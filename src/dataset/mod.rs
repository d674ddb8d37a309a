//! Datasets: curated episodes as content-addressed Parquet files under a manifest.
//!
//! A dataset's id is the digest of its manifest, and the manifest names every file by its digest, so
//! an id names exact rows. Neither the clock nor a path nor a table version enters it. This room
//! knows Arrow and Parquet only: the trainer reads datasets without a query engine.

mod card;
mod decode;
mod encode;
mod episode;
mod error;
mod manifest;
mod parquet_io;
mod read;
mod rows;
mod write;

pub use episode::{
    ACTION_CALL, ACTION_RESPOND, Candidate, DataSplit, Episode, LevelRef, ScoredBy, SplitShares,
    Step,
};
pub use error::DatasetError;
pub use manifest::{Counts, FileEntry, Header, Manifest, Role, SCHEMA, WaterfallRow, Window};
#[cfg(feature = "store")]
pub(crate) use parquet_io::parquet_writer;
pub use parquet_io::{from_parquet, to_parquet};
pub use read::{read, read_manifest};
pub use rows::{Gathered, domain_of, episodes_of};
pub use write::{Limits, Writer, write};

#[cfg(test)]
pub(crate) mod tests;
