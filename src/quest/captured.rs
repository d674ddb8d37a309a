//! A suite from captured files, and what names it: a step gets its levels as content, not as a
//! folder that may change under it.

use std::collections::{BTreeMap, BTreeSet};

use super::level::{Split, split_of};
use super::suite::{Suite, SuiteError};
use crate::core::{Digest, digest_json};

impl Suite {
    /// Reads files by path and text: `…/hand/NAME.toml` is a hand-written level, any other file
    /// declares a family.
    ///
    /// # Errors
    /// Names the file, the place in it and the fix.
    pub fn from_files(files: &BTreeMap<String, String>) -> Result<Self, SuiteError> {
        let mut suite = Self { families: BTreeMap::new(), hand: Vec::new() };
        for (path, text) in files {
            if path.split('/').rev().nth(1) == Some("hand") {
                suite.add_level(path, text)?;
            } else {
                suite.add_declaration(path, text)?;
            }
        }
        Ok(suite)
    }

    /// The digest of what the suite declares.
    ///
    /// # Errors
    /// When a declaration has no JSON form (a number that is not finite).
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        let declared: Vec<_> = self.families.values().map(digest_json).collect::<Result<_, _>>()?;
        let hand: Vec<_> = self.hand.iter().map(|level| level.content_digest()).collect();
        digest_json(&(declared, hand))
    }

    /// The hand-written levels that are kept for evaluation. Generated ones are known by their digest
    /// alone ([`split_of`]).
    pub fn evaluation_levels(&self) -> BTreeSet<Digest> {
        let digests = self.hand.iter().map(|level| level.content_digest());
        digests.filter(|digest| split_of(digest) == Split::Evaluation).collect()
    }
}
