//! Why a record was refused: a stable rule, a place, a reason. None of them holds the record's text.

/// Why a record was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a record ({rule}) at {pointer:?}: {reason}")]
pub struct Reject {
    /// One of [`rule`]'s words.
    pub rule: &'static str,
    /// Where in the record, as a JSON pointer; empty for the whole record.
    pub pointer: String,
    /// What was wrong and what was expected.
    pub reason: String,
}

/// The rules' names. They stand in tables: never change one.
pub mod rule {
    /// The record is no JSON.
    pub const INVALID_JSON: &str = "invalid_json";
    /// The record is no UTF-8.
    pub const INVALID_UTF8: &str = "invalid_utf8";
    /// The record is longer than allowed.
    pub const OVERSIZE: &str = "oversize";
    /// The log breaks off inside the record.
    pub const TRUNCATED: &str = "truncated";
    /// A field is missing, unknown, or of the wrong type.
    pub const SCHEMA: &str = "schema";
    /// A field's value is out of its range.
    pub const BAD_VALUE: &str = "bad_value";
    /// The record's type is none that is known.
    pub const UNKNOWN_TYPE: &str = "unknown_type";
    /// The record was written in a newer schema than this program knows.
    pub const FUTURE_SCHEMA: &str = "future_schema";
}

impl Reject {
    pub(super) fn new(
        rule: &'static str,
        pointer: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self { rule, pointer: pointer.into(), reason: reason.into() }
    }

    pub(super) fn schema(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(rule::SCHEMA, pointer, reason)
    }

    pub(super) fn value(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(rule::BAD_VALUE, pointer, reason)
    }

    /// A JSON syntax error; serde's own text may hold the record's content, so only its place is kept.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let reason = format!("no JSON at line {}, column {}", error.line(), error.column());
        Self::new(rule::INVALID_JSON, "", reason)
    }
}
