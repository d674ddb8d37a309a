//! The model registry: versioned variants (weights, configuration and prompts together), named by
//! movable aliases.
//!
//! The root is an OCI image layout whose artifacts follow CNCF ModelPack, so foreign tools can read
//! it as it is. The truth is one append-only, hash-chained log for each model; appending to it by
//! create-if-absent is the only operation that orders writers, and `index.json` is a projection.

mod aliases;
mod declared;
mod error;
mod evidence;
mod layout;
mod log;
mod modelpack;
mod names;
mod oci;
mod project;
mod request;
mod variant;
mod verify;

pub use aliases::{At, Moved, Resolved};
pub use declared::STARTER;
pub use error::RegistryError;
pub use evidence::{Evidence, EvidenceKind, NewEvidence};
pub use layout::Registry;
pub use log::{Action, AliasEntry};
pub use modelpack::{FileKind, ModelConfig, NewVariant, VariantFile};
pub use request::{Move, Note};
pub use variant::{StoredFile, Variant, VariantSummary};
pub use verify::{Problem, VerifyReport};

#[cfg(test)]
mod tests;
