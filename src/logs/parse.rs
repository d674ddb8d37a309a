//! From a framed record to rows, whatever the format.

use super::detect::Format;
use super::reader::Framed;
use super::rows::{Consent, Record};
use super::{Reject, langfuse, messages, native, rule};
use crate::core::{Digest, Hasher};

/// What the formats need to know besides the record.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The workspace's key, for hashing the people named in logs.
    pub key: &'a [u8],
    /// The consent of episodes whose log says nothing about it.
    pub default_consent: Consent,
}

impl Default for Context<'_> {
    /// An empty key, and logs without a word on consent may be trained on.
    fn default() -> Self {
        Self { key: &[], default_consent: Consent::Train }
    }
}

impl Context<'_> {
    /// The hash that the log holds already, or the keyed hash of the plain name.
    pub(super) fn hashed(&self, hash: Option<String>, plain: Option<&str>) -> Option<String> {
        hash.or_else(|| plain.map(|plain| self.hash(plain)))
    }

    fn hash(&self, plain: &str) -> String {
        // The key goes in twice, as in HMAC, so that a hash cannot be extended to another name's.
        let mut inner = Hasher::new();
        inner.update(self.key);
        inner.update(b"\0person\0");
        inner.update(plain.as_bytes());
        let mut outer = Hasher::new();
        outer.update(self.key);
        outer.update(inner.finish().hex().as_bytes());
        outer.finish().to_string()
    }
}

/// Reads one record. A native record gives one row, the other formats give an episode with all its
/// steps and feedback.
///
/// # Errors
/// A [`Reject`] that names the rule and the place; nothing of the record is kept then.
pub fn parse(
    format: Format,
    record: &Framed,
    context: &Context<'_>,
) -> Result<Vec<Record>, Reject> {
    parse_bytes(format, &record.bytes, context)
}

/// As [`parse`], for bytes that were scrubbed in between.
///
/// # Errors
/// As [`parse`].
pub fn parse_bytes(
    format: Format,
    bytes: &[u8],
    context: &Context<'_>,
) -> Result<Vec<Record>, Reject> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let reason = format!("no UTF-8 from byte {} of the record on", error.valid_up_to());
        Reject::new(rule::INVALID_UTF8, "", reason)
    })?;
    match format {
        Format::Native => native::parse(text, context).map(|row| vec![row]),
        Format::Messages => messages::parse(text, context),
        Format::Langfuse => langfuse::parse(text, context),
    }
}

/// Episodes with the same key go to the same split: by level where there is one, else by task, so
/// that trials of one task never stand on both sides.
pub(super) fn split_key(level: Option<&str>, workflow: &str, task: &str) -> u64 {
    let text = match level {
        Some(level) => format!("level\0{level}"),
        None => format!("task\0{workflow}\0{task}"),
    };
    let digest = Digest::of(text.as_bytes());
    digest.bytes().iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}
