//! What a stream of bytes is, judged by its first bytes alone: never by a file's name.

use std::borrow::Cow;

/// The log formats that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `fqm-log/1`: one typed record per line, see `schemas/README.md`.
    Native,
    /// Chat-message trajectories, in the shape of tau-bench.
    Messages,
    /// A Langfuse trace export: `{trace, observations}`.
    Langfuse,
}

impl Format {
    /// The name used in tables and by `--format`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Messages => "messages",
            Self::Langfuse => "langfuse",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "native" => Ok(Self::Native),
            "messages" => Ok(Self::Messages),
            "langfuse" => Ok(Self::Langfuse),
            _ => Err(UnknownFormat(text.to_owned())),
        }
    }
}

/// A format name that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("find the log format {0:?}: known are native, messages and langfuse")]
pub struct UnknownFormat(String);

/// How records lie in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One JSON value per line.
    Lines,
    /// The elements of one JSON array.
    Array,
    /// Whole JSON values that may span lines, one after the other.
    Document,
}

/// How the stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, any number of members.
    Gzip,
    /// Zstandard, any number of frames.
    Zstd,
}

impl Compression {
    /// Judges by the magic bytes at the start of the stream.
    pub fn sniff(head: &[u8]) -> Self {
        if head.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

/// The shape of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What the records say.
    pub format: Format,
    /// How they lie in the stream.
    pub framing: Framing,
}

/// A stream that is no log: it is named and left alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("recognise a log: {reason}")]
pub struct NotALog {
    /// Why, in words fit for a report. Holds none of the stream's content.
    pub reason: Cow<'static, str>,
}

fn not(reason: &'static str) -> NotALog {
    NotALog { reason: Cow::Borrowed(reason) }
}

/// The UTF-8 byte order mark.
pub(super) const BOM: &[u8] = &[0xef, 0xbb, 0xbf];

/// Judges the shape of a log by its (uncompressed) head; `format` overrides what the records seem
/// to be, and then only the framing is judged.
///
/// # Errors
/// When nothing in the head looks like a record of a known format.
pub fn detect(head: &[u8], format: Option<Format>) -> Result<Shape, NotALog> {
    let body = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let Some(first) = body.first() else { return Err(not("it is empty")) };
    if let Some(format) = format {
        return Ok(Shape { format, framing: framing(body) });
    }
    match first {
        b'[' => {
            let element = body.get(1..).unwrap_or_default().trim_ascii_start();
            let format = format_of(&keys(element)).ok_or_else(|| {
                not("it is a JSON array whose first element is no record of a known format")
            })?;
            Ok(Shape { format, framing: Framing::Array })
        }
        b'{' if framing(body) == Framing::Document => {
            let format = format_of(&keys(body))
                .ok_or_else(|| not("it is a JSON object without the fields of a known format"))?;
            Ok(Shape { format, framing: Framing::Document })
        }
        _ => by_lines(body),
    }
}

/// The first line that speaks for a format decides: a broken first line must not hide a whole log.
fn by_lines(body: &[u8]) -> Result<Shape, NotALog> {
    let mut objects = false;
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if !line.starts_with(b"{") {
            continue;
        }
        objects = true;
        if let Some(format) = format_of(&keys(line)) {
            return Ok(Shape { format, framing: Framing::Lines });
        }
    }
    Err(not(match (objects, std::str::from_utf8(body)) {
        (true, _) => "it holds JSON objects without the fields of a known format",
        // An error at the very end is a character cut by the head's length, so the text is text.
        (false, Err(error)) if error.error_len().is_some() => "it holds binary data",
        _ => "it is text without a JSON record",
    }))
}

/// Lines or document: an object whose first line does not close it spans lines.
fn framing(body: &[u8]) -> Framing {
    if body.starts_with(b"[") {
        return Framing::Array;
    }
    let mut scan = Scan::default();
    for byte in body {
        if *byte == b'\n' && scan.depth > 0 && !scan.in_string {
            return Framing::Document;
        }
        scan.step(*byte);
        if scan.depth == 0 {
            break;
        }
    }
    Framing::Lines
}

/// Tracks strings, escapes and nesting in JSON text, one byte at a time.
#[derive(Default)]
pub(super) struct Scan {
    pub depth: usize,
    pub in_string: bool,
    escaped: bool,
}

impl Scan {
    #[inline]
    pub fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

/// The keys at the top of an object with the raw text of short values; the object may be cut off.
fn keys(body: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut found = Vec::new();
    if !body.starts_with(b"{") {
        return found;
    }
    let (mut scan, mut start, mut key) = (Scan::default(), 0, None);
    for (at, byte) in body.iter().enumerate() {
        if scan.depth == 1 && !scan.in_string {
            match byte {
                b'{' | b'[' => {}
                b':' if key.is_none() => {
                    key = Some(unquoted(body.get(start..at)));
                    start = at + 1;
                }
                b',' | b'}' => {
                    if let Some(key) = key.take() {
                        found.push((key, unquoted(body.get(start..at))));
                    }
                    start = at + 1;
                }
                _ => {}
            }
        }
        scan.step(*byte);
        if scan.depth == 1 && start == 0 {
            start = at + 1;
        }
        if scan.depth == 0 {
            return found;
        }
    }
    if let Some(key) = key {
        found.push((key, &[])); // The head ends inside this value: the key still speaks.
    }
    found
}

fn unquoted(text: Option<&[u8]>) -> &[u8] {
    let text = text.unwrap_or_default().trim_ascii();
    text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text)
}

fn format_of(keys: &[(&[u8], &[u8])]) -> Option<Format> {
    let value = |name: &str| keys.iter().find(|(key, _)| *key == name.as_bytes()).map(|(_, v)| *v);
    if value("schema").is_some_and(|schema| schema.starts_with(b"fqm-log/")) {
        return Some(Format::Native);
    }
    if value("traj").is_some() {
        return Some(Format::Messages);
    }
    if value("task_id").is_some() && (value("reward").is_some() || value("trial").is_some()) {
        return Some(Format::Messages); // The head may end before `traj`, in a long `info`.
    }
    let trace = value("trace").is_some_and(|v| v.is_empty() || v.starts_with(b"{"));
    if trace && (value("observations").is_some() || keys.len() == 1) {
        return Some(Format::Langfuse);
    }
    None
}
