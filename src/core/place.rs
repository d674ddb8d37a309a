//! Errors that point into a file: what is wrong, where, and what to write instead.

use std::ops::Range;

/// A fault at a place in a text file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceError {
    /// The file as the user knows it.
    pub file: String,
    /// The whole text of the file, so that the place can be shown.
    pub text: String,
    /// The bytes of `text` at fault; empty where the fault is the file as a whole.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
}

impl PlaceError {
    /// A fault at some bytes of a file.
    pub fn new(file: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let text = text.to_owned();
        Self { file: file.to_owned(), text, span, message: message.into(), help: None }
    }

    /// The same fault with a hint.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A fault that the TOML reader found; an unknown key gets the nearest known one as a hint.
    pub fn from_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        Self::new(file, text, span, error.message().trim().to_owned()).hinted()
    }

    /// Where the message is serde's on an unknown key or word: with the nearest known one as a
    /// hint.
    #[must_use]
    pub fn hinted(self) -> Self {
        let help = unknown_and_known(&self.message).map(|(unknown, known)| {
            match nearest(unknown, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            }
        });
        Self { help: help.or(self.help.clone()), ..self }
    }

    /// Line and column of the place, both counted from 1.
    pub fn line_and_column(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        (line, column)
    }
}

impl std::fmt::Display for PlaceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, column) = self.line_and_column();
        write!(f, "read {}:{line}:{column}: {}", self.file, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for PlaceError {}

/// Longest word that is compared with others, in bytes.
const MAX_WORD: usize = 128;

/// The candidate that a mistyped word most probably meant, if one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is longer than any name is no name that was mistyped.
    if word.len() > MAX_WORD {
        return None;
    }
    let length = word.chars().count();
    // The lengths come first: a distance costs the product of both, and the word may be anything.
    let near = |c: &&str| length.abs_diff(c.chars().count()) <= 1 + c.len() / 4;
    let scored = candidates.into_iter().filter(near);
    let scored = scored.map(|c| (strsim::damerau_levenshtein(word, c), c));
    scored.filter(|(d, c)| *d <= 1 + c.len() / 4 && *d < length).min().map(|(_, c)| c)
}

/// Takes serde's message on an unknown field or variant apart: the word, and the known ones.
fn unknown_and_known(message: &str) -> Option<(&str, Vec<&str>)> {
    message.starts_with("unknown ").then_some(())?;
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = words.next()?;
    Some((unknown, words.collect()))
}
