//! Cache keys: what a step's outputs depend on, field by field, so that a miss is explained.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::core::{Digest, Hasher};

/// Names and values of what a key is made of.
pub type Fields = Vec<(Cow<'static, str>, String)>;

/// A cache key with the fields that it was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Names and values, sorted by name.
    pub fields: Fields,
}

impl Key {
    /// The key of these fields.
    pub fn new(mut fields: Fields) -> Self {
        fields.sort();
        Self { fields }
    }

    /// The digest of the fields, each length-prefixed so that no two lists of fields meet.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for text in self.fields.iter().flat_map(|(name, value)| [&**name, value]) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finish()
    }
}

/// A field in which two keys differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field, e.g. `params.trainer.seed` or `in.dataset`.
    pub field: String,
    /// What it was; none where it was not there.
    pub before: Option<String>,
    /// What it is.
    pub now: Option<String>,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), short);
        write!(f, "{} {} → {}", self.field, shown(&self.before), shown(&self.now))
    }
}

/// The fields in which two keys differ, sorted by name.
pub fn changes(before: &Key, now: &Key) -> Vec<Change> {
    let mut names: Vec<_> = before.fields.iter().chain(&now.fields).map(|(n, _)| n).collect();
    names.sort();
    names.dedup();
    let pairs = names.into_iter().map(|name| Change {
        field: name.to_string(),
        before: find_raw(before, name).cloned(),
        now: find_raw(now, name).cloned(),
    });
    pairs.filter(|change| change.before != change.now).collect()
}

fn find_raw<'k>(key: &'k Key, name: &str) -> Option<&'k String> {
    key.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

fn short(value: &str) -> String {
    match value.parse::<Digest>() {
        Ok(digest) => format!("sha256:{}…", digest.short()),
        Err(_) if value.chars().count() > 40 => {
            format!("{}…", value.chars().take(40).collect::<String>())
        }
        Err(_) => value.to_owned(),
    }
}
