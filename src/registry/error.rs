//! What can go wrong in the registry. Every message names the place and what to do.

use std::path::PathBuf;

use crate::core::{Digest, StoreError};

/// A failed operation on the registry. Messages read after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The object store failed, or a blob in it is missing or damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name or a file of a request cannot be used.
    #[error("use {what} `{value}`: {why}")]
    Invalid {
        /// Which field of the request.
        what: &'static str,
        /// Its value.
        value: String,
        /// What is wrong and what is expected.
        why: String,
    },
    /// A file of the registry is not what its place says.
    #[error("read {place}: {problem}; {fix}")]
    Damaged {
        /// The URL of the file.
        place: String,
        /// What is wrong with it.
        problem: String,
        /// What puts it right.
        fix: String,
    },
    /// The registry holds no such model.
    #[error(
        "find the model `{model}` in the registry at {place}: it has no variant yet; run a night that registers one, or check the name and the registry URL"
    )]
    NoModel {
        /// The model asked for.
        model: String,
        /// The URL of the registry.
        place: String,
    },
    /// The model has no such alias.
    #[error("resolve `registry:{model}@{alias}`: there is no such alias; there {known}")]
    NoAlias {
        /// The model.
        model: String,
        /// The alias asked for.
        alias: String,
        /// The aliases that exist, in words.
        known: String,
    },
    /// The model has no such variant, or more than one fits.
    #[error("find the variant `{wanted}` of the model `{model}`: {why}")]
    NoVariant {
        /// The model.
        model: String,
        /// The digest, its beginning or the alias asked for.
        wanted: String,
        /// Why it was not found and what would be.
        why: String,
    },
    /// An alias is not where the caller expected it: somebody else moved it first.
    #[error(
        "move `registry:{model}@{alias}`: expected it at {}, found it at {} (entry {seq} of the log); look at `fqm-pipe registry log {model}` and decide again",
        place_of(.expected), place_of(.found)
    )]
    Conflict {
        /// The model.
        model: String,
        /// The alias.
        alias: String,
        /// Where the caller expected it; none: absent.
        expected: Option<Digest>,
        /// Where it is.
        found: Option<Digest>,
        /// The number of the log entry that says so.
        seq: u64,
    },
    /// A rollback has nowhere to go.
    #[error("roll back `registry:{model}@{alias}`: {why}")]
    NothingBefore {
        /// The model.
        model: String,
        /// The alias.
        alias: String,
        /// Why there is nothing to return to.
        why: String,
    },
    /// Other writers won every race for the next log entry.
    #[error(
        "append to {place}: other writers were faster {tries} times in a row; run the command again"
    )]
    Contended {
        /// The URL of the log.
        place: String,
        /// How often it was tried.
        tries: u32,
    },
    /// A value has no JSON form.
    #[error("encode {what} as JSON: {source}")]
    Encode {
        /// Which value.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A file outside the registry could not be written.
    #[error("write {}: {source}", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl RegistryError {
    /// Whether trying again later may help.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Store(error) => error.is_temporary(),
            Self::Contended { .. } => true,
            _ => false,
        }
    }
}

fn place_of(digest: &Option<Digest>) -> String {
    digest.map_or_else(|| "no variant".to_owned(), |d| d.short())
}
