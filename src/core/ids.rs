//! Identifiers that cross the faces of rooms, so that none of them is a bare string there.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// A text that is not an identifier of the wished kind.
#[derive(Debug, thiserror::Error)]
pub enum IdError {
    /// Neither a calendar day nor an hour of one.
    #[error("read the date `{0}`: expected YYYY-MM-DD, or YYYY-MM-DDTHH for an hour")]
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

/// The interval that a run works on, by its start in the pipeline's time zone: a day, written
/// `2026-11-03`, or an hour of a day, written `2026-11-03T05`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogicalDate {
    day: NaiveDate,
    hour: Option<u8>,
}

impl LogicalDate {
    /// The date of a calendar day.
    pub fn new(day: NaiveDate) -> Self {
        Self { day, hour: None }
    }

    /// The date of an hour, 0 to 23, of a calendar day.
    pub fn at_hour(day: NaiveDate, hour: u8) -> Self {
        Self { day, hour: Some(hour.min(23)) }
    }

    /// The calendar day.
    pub fn naive(&self) -> NaiveDate {
        self.day
    }

    /// The hour of the day, where the date is one of an hour.
    pub fn hour(&self) -> Option<u8> {
        self.hour
    }

    /// The day alone.
    pub fn day(&self) -> Self {
        Self::new(self.day)
    }

    /// Whether this interval holds that one: a day holds its hours.
    pub fn holds(&self, other: &Self) -> bool {
        self.day == other.day && (self.hour.is_none() || self.hour == other.hour)
    }

    /// The date `days` later (earlier where negative); the same date at the end of the calendar.
    pub fn plus_days(&self, days: i64) -> Self {
        let moved = chrono::Duration::try_days(days).and_then(|d| self.day.checked_add_signed(d));
        Self { day: moved.unwrap_or(self.day), hour: self.hour }
    }

    /// The date so many of its own intervals later (earlier where negative): days, or hours.
    pub fn plus(&self, intervals: i64) -> Self {
        let Some(hour) = self.hour else { return self.plus_days(intervals) };
        let hours = i64::from(hour).saturating_add(intervals);
        let hour = u8::try_from(hours.rem_euclid(24)).ok();
        Self { hour, ..self.plus_days(hours.div_euclid(24)) }
    }
}

impl fmt::Display for LogicalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = (self.day.year(), self.day.month(), self.day.day());
        write!(f, "{year:04}-{month:02}-{day:02}")?;
        self.hour.map_or(Ok(()), |hour| write!(f, "T{hour:02}"))
    }
}

impl FromStr for LogicalDate {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || IdError::Date(text.to_owned());
        let (day, hour) = match text.split_once('T') {
            Some((day, hour)) => (day, Some(hour.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| wrong())?;
        let date = Self { day, hour };
        // chrono also reads signs and short fields, which would be another text for the same day.
        let same = date.to_string() == text && hour.is_none_or(|hour| hour < 24);
        if !same || text.starts_with(['+', '-']) || text.starts_with("0000") {
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

/// The date in a path: a part `2026-11-03`, `day=2026-11-03`, `2026-11-03.…` or `2026-11-03T05`, or three
/// parts `2026/11/03`; a part `hour=05`, or a number from `00` to `23` after the three, says the hour. A
/// date inside a longer name says nothing.
pub fn path_date(key: &str) -> Option<LogicalDate> {
    let parts: Vec<&str> = key.split('/').collect();
    let whole = parts.iter().enumerate().find_map(|(at, part)| {
        let stem = part.split('.').next()?;
        Some((at, stem.rsplit('=').next()?.parse::<LogicalDate>().ok()?))
    });
    let found = whole.or_else(|| {
        parts.windows(3).enumerate().find_map(|(at, window)| match window {
            [year, month, day] => {
                let date: LogicalDate = format!("{year}-{month}-{day}").parse().ok()?;
                date.hour().is_none().then_some((at + 2, date))
            }
            _ => None,
        })
    });
    let (at, date) = found?;
    let hour = parts.get(at + 1).and_then(|next| {
        // The last part is the name of a file, which may be a bare number.
        let plain = (at + 2 < parts.len()).then_some(*next);
        next.strip_prefix("hour=").or(plain)
    });
    let hour = hour.filter(|h| h.len() == 2).and_then(|h| h.parse().ok()).filter(|h| *h < 24);
    match hour {
        Some(hour) if date.hour().is_none() => Some(LogicalDate::at_hour(date.naive(), hour)),
        _ => Some(date),
    }
}
