//! Identifiers that cross the faces of rooms, so that none of them is a bare string there.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A text that is not an identifier of the wished kind.
#[derive(Debug, thiserror::Error)]
pub enum IdError {
    /// Not a calendar day.
    #[error("read the date `{0}`: expected YYYY-MM-DD")]
    Date(String),
    /// Not an alias of the registry.
    #[error("read the alias `{0}`: expected `registry:MODEL@ALIAS`, e.g. `registry:fqm@champion`")]
    Alias(String),
}

/// The identifier of one episode, as its log states it or as derived from its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpisodeId(String);

impl EpisodeId {
    /// Wraps an identifier.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EpisodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The day that a night works on: the start of its interval, in the pipeline's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogicalDate(NaiveDate);

impl LogicalDate {
    /// The date of a calendar day.
    pub fn new(day: NaiveDate) -> Self {
        Self(day)
    }

    /// The calendar day.
    pub fn naive(&self) -> NaiveDate {
        self.0
    }

    /// The date `days` later (earlier where negative); the same date at the end of the calendar.
    pub fn plus_days(&self, days: i64) -> Self {
        let moved = chrono::Duration::try_days(days).and_then(|d| self.0.checked_add_signed(d));
        Self(moved.unwrap_or(self.0))
    }
}

impl fmt::Display for LogicalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl FromStr for LogicalDate {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || IdError::Date(text.to_owned());
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self).map_err(|_| wrong())?;
        // chrono also reads signs and short fields, which would be another text for the same day.
        if date.to_string() != text || text.starts_with(['+', '-']) || text.starts_with("0000") {
            return Err(wrong());
        }
        Ok(date)
    }
}

impl TryFrom<String> for LogicalDate {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LogicalDate> for String {
    fn from(date: LogicalDate) -> Self {
        date.to_string()
    }
}

/// A movable name for a variant in the registry, written `registry:fqm@champion`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias {
    /// The model, e.g. `fqm`.
    pub model: String,
    /// The alias within the model, e.g. `champion`.
    pub name: String,
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registry:{}@{}", self.model, self.name)
    }
}

impl FromStr for Alias {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || IdError::Alias(text.to_owned());
        let rest = text.strip_prefix("registry:").ok_or_else(wrong)?;
        let (model, name) = rest.split_once('@').ok_or_else(wrong)?;
        let plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
        };
        if !plain(model) || !plain(name) {
            return Err(wrong());
        }
        Ok(Self { model: model.to_owned(), name: name.to_owned() })
    }
}

impl TryFrom<String> for Alias {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> Self {
        alias.to_string()
    }
}

/// The date in a path: a part `2026-11-03`, `day=2026-11-03` or `2026-11-03.…`, or three parts
/// `2026/11/03`. A date inside a longer name says nothing.
pub fn path_date(key: &str) -> Option<LogicalDate> {
    let parts: Vec<&str> = key.split('/').collect();
    let whole = parts.iter().find_map(|part| {
        let stem = part.split('.').next()?;
        stem.rsplit('=').next()?.parse().ok()
    });
    whole.or_else(|| {
        parts.windows(3).find_map(|window| match window {
            [year, month, day] => format!("{year}-{month}-{day}").parse().ok(),
            _ => None,
        })
    })
}
