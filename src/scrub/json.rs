//! Rewrites the strings of JSON text and leaves everything else as it is written: no value tree, so
//! key order and the text of numbers stay, and broken JSON is scrubbed as far as it goes.

use std::borrow::Cow;

use super::checks;
use super::detectors::Kind;
use super::keys::{Says, counts_something, says};
use super::scrubber::Scrubber;

/// JSON inside strings inside JSON is followed this deep.
const DEPTH: usize = 6;

/// JSON text without its secrets.
pub(super) fn rewrite(scrubber: &Scrubber, text: &str, depth: usize) -> String {
    let mut walk =
        Walk { scrubber, depth, out: String::with_capacity(text.len()), keys: Vec::new() };
    let mut rest = text;
    while !rest.is_empty() {
        let quote = rest.find('"').unwrap_or(rest.len());
        let (outside, string) = rest.split_at(quote);
        walk.outside(outside);
        let end = string_end(string);
        let (literal, tail) = string.split_at(end);
        let is_key = tail.trim_ascii_start().starts_with(':');
        walk.string(literal, is_key);
        rest = tail;
    }
    walk.out
}

/// Where the string that begins here ends: after its closing quote, or with the text.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

struct Walk<'a> {
    scrubber: &'a Scrubber,
    depth: usize,
    out: String,
    /// The last key of each open object or list, innermost last.
    keys: Vec<String>,
}

impl Walk<'_> {
    /// What stands between strings: signs and numbers, or, in broken JSON, anything.
    fn outside(&mut self, text: &str) {
        let sign = |b: u8| {
            b.is_ascii_whitespace() || b.is_ascii_digit() || b"{}[],:.+-truefalsnE".contains(&b)
        };
        if !text.bytes().all(sign) {
            let clean = self.scrubber.scrub_text(text);
            self.out.push_str(&clean);
            return;
        }
        let mut rest = text;
        while let Some(first) = rest.bytes().next() {
            let number =
                |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
            let length = rest.bytes().take_while(|b| number(*b)).count();
            if length == 0 {
                self.sign(first);
                self.out.push(char::from(first));
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let (digits, tail) = rest.split_at(length);
            self.number(digits);
            rest = tail;
        }
    }

    fn sign(&mut self, sign: u8) {
        match sign {
            // A list's elements stand under the list's own key.
            b'[' => self.keys.push(self.keys.last().cloned().unwrap_or_default()),
            b'{' => self.keys.push(String::new()),
            b'}' | b']' => drop(self.keys.pop()),
            _ => {}
        }
    }

    fn number(&mut self, text: &str) {
        let key = self.keys.last().map(String::as_str).unwrap_or_default();
        let digits = matches!(text.len(), 15 | 16) && text.bytes().all(|b| b.is_ascii_digit());
        let card = digits && checks::card(text.as_bytes()) && !counts_something(key);
        let kind = if card {
            Some(Kind::Card)
        } else if says(key) == Says::Secret {
            Some(Kind::Secret)
        } else {
            None
        };
        match kind {
            Some(kind) => {
                let placeholder = self.scrubber.placeholder(kind, text);
                self.out.push('"');
                self.out.push_str(&placeholder);
                self.out.push('"');
            }
            None => self.out.push_str(text),
        }
    }

    fn string(&mut self, literal: &str, is_key: bool) {
        if literal.is_empty() {
            return;
        }
        let Some(inner) = inner(literal) else {
            return self.broken(literal);
        };
        let Some(decoded) = decoded(literal, inner) else {
            return self.broken(literal);
        };
        let clean = if is_key { self.scrubber.scrub_text(&decoded) } else { self.value(&decoded) };
        if *clean == *decoded {
            self.out.push_str(literal);
        } else {
            let written = serde_json::to_string(&*clean).unwrap_or_default();
            self.out.push_str(&written);
        }
        if is_key && let Some(last) = self.keys.last_mut() {
            *last = decoded.into_owned();
        }
    }

    /// A value under a key that names a secret goes as a whole; others are looked through.
    fn value<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let key = self.keys.last().map(String::as_str).unwrap_or_default();
        let secret = match says(key) {
            Says::Secret => !text.trim_matches(['*', ' ']).is_empty(),
            Says::Perhaps => checks::random(text) && !checks::plain_id(text),
            Says::Nothing => false,
        };
        if secret && !self.scrubber.is_placeholder(text) {
            return Cow::Owned(self.scrubber.placeholder(Kind::Secret, text));
        }
        let nested = self.depth < DEPTH && text.trim_start().starts_with(['{', '[', '"']);
        if nested && text.len() > 2 {
            // It may be prose that begins like JSON, so it is looked at as a text as well.
            let inner = rewrite(self.scrubber, text, self.depth + 1);
            return Cow::Owned(self.scrubber.scrub_text(&inner).into_owned());
        }
        self.scrubber.scrub_text(text)
    }

    /// A string that does not end, or holds an escape that is none: what can be read is scrubbed.
    fn broken(&mut self, literal: &str) {
        let key = self.keys.last().map(String::as_str).unwrap_or_default();
        if says(key) == Says::Secret && literal.len() > 1 {
            let placeholder = self.scrubber.placeholder(Kind::Secret, literal);
            self.out.push('"');
            self.out.push_str(&placeholder);
            return;
        }
        let plain = unescaped(literal);
        let clean = self.scrubber.scrub_text(&plain);
        if *clean == *plain {
            self.out.push_str(literal);
        } else {
            self.out.push_str(&clean);
        }
    }
}

/// The text between the quotes; None when the closing one is missing.
fn inner(literal: &str) -> Option<&str> {
    literal.strip_prefix('"')?.strip_suffix('"')
}

fn decoded<'t>(literal: &str, inner: &'t str) -> Option<Cow<'t, str>> {
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(literal).ok().map(Cow::Owned)
}

/// Undoes the escapes of printable ASCII characters, other than quotes and backslashes.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u00") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u00") {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let code = tail.get(4..6).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.map(char::from).filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')) {
            Some(c) => {
                out.push(c);
                rest = tail.get(6..).unwrap_or_default();
            }
            None => {
                out.push_str("\\u00");
                rest = tail.get(4..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}
