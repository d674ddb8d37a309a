//! What every room stands on: digests, identifiers, logical dates, seeded randomness, object
//! stores with create-if-absent, content-addressed blobs, and counted crash points.

mod blobs;
mod boundary;
mod digest;
mod heap;
mod ids;
mod json;
mod local;
mod objects;
mod place;
mod seed;

pub use blobs::Blobs;
pub use boundary::boundary;
pub use digest::{Digest, DigestError, Hasher};
pub use heap::return_freed_memory;
pub use ids::{Alias, EpisodeId, IdError, LogicalDate, path_date};
pub use json::{canonical_json, digest_json};
pub use objects::{Created, ObjectInfo, Store, StoreError};
pub use place::{PlaceError, nearest};
pub use seed::{derive_seed, rng};

#[cfg(test)]
mod tests;
