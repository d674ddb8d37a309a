//! The scrubber's face: texts and JSON records in, the same without secrets out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use regex::Regex;

use super::detectors::{Detectors, Find, Kind};
use super::{json, smell};
use crate::core::Hasher;

/// Replacing one secret can lay bare another, so a text is looked at until nothing is found.
const ROUNDS: usize = 8;

/// Replaces secrets and structured personal data by keyed placeholders.
pub struct Scrubber {
    key: Vec<u8>,
    patterns: Option<&'static Patterns>,
    counts: [AtomicU64; Kind::ALL.len()],
}

struct Patterns {
    smell: regex::bytes::Regex,
    placeholder: Regex,
    detectors: Detectors,
}

impl Patterns {
    /// Compiled once for the whole program: they are constants, and compiling takes milliseconds.
    fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Patterns>> = OnceLock::new();
        SHARED.get_or_init(|| Self::new().ok()).as_ref()
    }

    fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            smell: smell::pattern()?,
            placeholder: Regex::new(r"<[A-Z][A-Z_]{1,20}:[0-9a-f]{8}>")?,
            detectors: Detectors::new()?,
        })
    }
}

impl Scrubber {
    /// A scrubber whose placeholders depend on `key`: with another key, or none, they cannot be
    /// joined or guessed from a list of likely values.
    pub fn new(key: &[u8]) -> Self {
        // The patterns are constants that a test compiles; should one ever fail, everything is
        // replaced rather than anything let through.
        Self {
            key: key.to_vec(),
            patterns: Patterns::shared(),
            counts: [const { AtomicU64::new(0) }; Kind::ALL.len()],
        }
    }

    /// A text without its secrets; borrowed when it holds none.
    pub fn scrub_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.patterns {
            Some(patterns) if patterns.smell.is_match(text.as_bytes()) => {
                self.closer(patterns, text)
            }
            Some(_) => Cow::Borrowed(text),
            None => Cow::Owned(self.placeholder(Kind::Secret, text)),
        }
    }

    /// A JSON record without its secrets; borrowed when it holds none. Strings, keys and long
    /// numbers are looked at as a reader would see them, with escapes undone, and JSON inside
    /// strings too. Key order and the text of numbers stay. Bytes that are no JSON are scrubbed as
    /// text; bytes that are no UTF-8 stay as they are.
    pub fn scrub_json_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match self.patterns {
            Some(patterns) if !patterns.smell.is_match(bytes) => return Cow::Borrowed(bytes),
            _ => {}
        }
        let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + 64);
        for chunk in bytes.utf8_chunks() {
            let clean = json::rewrite(self, chunk.valid(), 0);
            // In broken JSON a pattern may lie across quotes, where only a look at the text sees it.
            let whole = serde_json::from_str::<serde::de::IgnoredAny>(&clean).is_ok();
            let clean = if whole { Cow::Borrowed(&*clean) } else { self.scrub_text(&clean) };
            out.extend_from_slice(clean.as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        if out == bytes { Cow::Borrowed(bytes) } else { Cow::Owned(out) }
    }

    /// How many secrets were replaced so far, by kind; kinds never seen are absent.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let counts = Kind::ALL.iter().zip(&self.counts);
        counts
            .map(|(kind, count)| (kind.as_str(), count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// The placeholder of a value, counted.
    pub(super) fn placeholder(&self, kind: Kind, value: &str) -> String {
        if let Some(count) = self.counts.get(kind as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // Numbers and addresses are the same value however they are written.
        let plain: String = match kind {
            Kind::Email => value.to_lowercase(),
            Kind::Card | Kind::Phone | Kind::Ssn | Kind::Iban => {
                value.chars().filter(char::is_ascii_alphanumeric).collect()
            }
            _ => value.to_owned(),
        };
        let mut inner = Hasher::new();
        inner.update(&self.key);
        inner.update(b"\0");
        inner.update(kind.as_str().as_bytes());
        inner.update(b"\0");
        inner.update(plain.as_bytes());
        let mut outer = Hasher::new();
        outer.update(&self.key);
        outer.update(inner.finish().bytes());
        let hex = outer.finish().hex();
        format!("<{}:{}>", kind.as_str(), hex.get(..8).unwrap_or(&hex))
    }

    /// Whether a text is nothing but a placeholder.
    pub(super) fn is_placeholder(&self, text: &str) -> bool {
        let found = self.patterns.and_then(|patterns| patterns.placeholder.find(text));
        found.is_some_and(|found| found.len() == text.len())
    }

    fn closer<'a>(&self, patterns: &Patterns, text: &'a str) -> Cow<'a, str> {
        let mut current = Cow::Borrowed(text);
        for _ in 0..ROUNDS {
            match self.round(patterns, &current) {
                Some(changed) => current = Cow::Owned(changed),
                None => break,
            }
        }
        current
    }

    /// One round; what is a placeholder already is a wall that no pattern looks across.
    fn round(&self, patterns: &Patterns, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut changed = false;
        let mut from = 0;
        let walls = patterns.placeholder.find_iter(text).map(|wall| (wall.start(), wall.end()));
        for (start, end) in walls.chain([(text.len(), text.len())]) {
            let open = text.get(from..start).unwrap_or_default();
            let finds = patterns.detectors.find(open);
            changed |= !finds.is_empty();
            self.replace(open, &finds, &mut out);
            out.push_str(text.get(start..end).unwrap_or_default());
            from = end;
        }
        changed.then_some(out)
    }

    fn replace(&self, text: &str, finds: &[Find], out: &mut String) {
        let mut from = 0;
        for find in finds {
            out.push_str(text.get(from..find.start).unwrap_or_default());
            let value = text.get(find.start..find.end).unwrap_or_default();
            out.push_str(&self.placeholder(find.kind, value));
            from = find.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
    }
}
