//! What a caller of the registry says about a change, besides the change itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Action;
use crate::core::{Digest, LogicalDate};

/// Who changes the registry, why, and on which evidence. It stands in the log for ever.
#[derive(Clone, Debug)]
pub struct Note {
    /// Who asks: a pipeline (`pipeline:nightly`) or a person (`user:ada`).
    pub actor: String,
    /// Why, in a sentence.
    pub reason: String,
    /// Manifests of evidence that the change rests on.
    pub evidence: Vec<Digest>,
    /// The logical date of the night, where a night asks.
    pub logical_date: Option<LogicalDate>,
    /// The time of the change. The registry never looks at the clock itself.
    pub time: DateTime<Utc>,
    /// Idempotency key, e.g. plan digest and step: a second call with the same key changes nothing
    /// and gets the first call's result, even after a rollback.
    pub key: Option<String>,
}

impl Note {
    /// A note without evidence, logical date and key.
    pub fn new(actor: impl Into<String>, reason: impl Into<String>, time: DateTime<Utc>) -> Self {
        Self {
            actor: actor.into(),
            reason: reason.into(),
            evidence: Vec::new(),
            logical_date: None,
            time,
            key: None,
        }
    }

    /// With the logical date of a night.
    #[must_use]
    pub fn on(mut self, date: LogicalDate) -> Self {
        self.logical_date = Some(date);
        self
    }

    /// With an idempotency key.
    #[must_use]
    pub fn keyed(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// With evidence.
    #[must_use]
    pub fn because(mut self, evidence: impl IntoIterator<Item = Digest>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}

/// A move of several aliases at once: all of them or none.
#[derive(Clone, Debug)]
pub struct Move {
    /// What the log calls it.
    pub action: Action,
    /// Where the caller believes aliases to be (none: absent). Any difference refuses the move.
    pub expect: BTreeMap<String, Option<Digest>>,
    /// Where aliases go (none: the alias is removed). Aliases that are not named stay.
    pub set: BTreeMap<String, Option<Digest>>,
    /// Who, why, on which evidence.
    pub note: Note,
}

impl Move {
    /// A move that expects nothing and sets nothing yet.
    pub fn new(action: Action, note: Note) -> Self {
        Self { action, expect: BTreeMap::new(), set: BTreeMap::new(), note }
    }

    /// Moves an alias, which must be at `from` when the move commits.
    #[must_use]
    pub fn alias(mut self, name: &str, from: Option<Digest>, to: Option<Digest>) -> Self {
        self.expect.insert(name.to_owned(), from);
        self.set.insert(name.to_owned(), to);
        self
    }

    /// Moves an alias from wherever it is.
    #[must_use]
    pub fn force(mut self, name: &str, to: Option<Digest>) -> Self {
        self.set.insert(name.to_owned(), to);
        self
    }
}
