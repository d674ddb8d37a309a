//! Nested lists of words with their places: the surface of PDDL.

use std::ops::Range;

use super::PddlFile;
use crate::core::PlaceError;

/// Largest PDDL file that is read, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting of parentheses.
const MAX_DEPTH: usize = 64;

/// Words that begin a section, and nothing else.
const SECTIONS: [&str; 11] = [
    ":action",
    ":constants",
    ":domain",
    ":functions",
    ":goal",
    ":init",
    ":metric",
    ":objects",
    ":predicates",
    ":requirements",
    ":types",
];

/// What reading a part of a file brings.
pub(super) type Read<T> = Result<T, PlaceError>;

/// A word or a list, and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub span: Range<usize>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A word in lower case.
    Word(String),
    List(Vec<Node>),
}

impl Node {
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            Kind::List(_) => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(nodes) => Some(nodes),
            Kind::Word(_) => None,
        }
    }

    /// The first word of a list, and what follows it.
    pub(super) fn headed(&self) -> Option<(&str, &[Node])> {
        let (head, rest) = self.list()?.split_first()?;
        Some((head.word()?, rest))
    }

    /// The opening parenthesis and the first word of a list: what an error about the whole of a
    /// long list points at.
    pub(super) fn start(&self) -> Range<usize> {
        match self.list().and_then(|nodes| nodes.first()) {
            Some(first) if first.word().is_some() => self.span.start..first.span.end,
            _ => self.span.start..(self.span.start + 1).min(self.span.end),
        }
    }
}

impl PddlFile<'_> {
    pub(super) fn fault(&self, span: &Range<usize>, message: impl Into<String>) -> PlaceError {
        PlaceError::new(self.name, self.text, span.clone(), message)
    }

    pub(super) fn fail<T>(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Read<T> {
        Err(self.fault(span, message).with_help(help))
    }
}

struct Open {
    at: usize,
    nodes: Vec<Node>,
}

/// Reads the one list that a PDDL file consists of. Comments run from `;` to the end of the line.
pub(super) fn read(file: &PddlFile<'_>) -> Read<Node> {
    if file.text.len() > MAX_BYTES {
        let message = format!("{} bytes; at most {MAX_BYTES} are read", file.text.len());
        return file.fail(&(0..0), message, "make the problem smaller");
    }
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some((span, token)) = next_token(file, at)? {
        at = span.end;
        let node = match token {
            "(" => {
                if open.len() >= MAX_DEPTH {
                    let message = format!("more than {MAX_DEPTH} parentheses are open here");
                    return file.fail(&span, message, "close some of them");
                }
                open.push(Open { at: span.start, nodes: Vec::new() });
                continue;
            }
            ")" => match open.pop() {
                Some(Open { at, nodes }) => Node { span: at..span.end, kind: Kind::List(nodes) },
                None => {
                    return file.fail(&span, "`)` closes nothing", "delete it, or open it before");
                }
            },
            word => {
                section_inside_section(file, &open, &span, word)?;
                Node { span, kind: Kind::Word(word.to_ascii_lowercase()) }
            }
        };
        match open.last_mut() {
            Some(list) => list.nodes.push(node),
            None => return last(file, node),
        }
    }
    match open.last() {
        Some(list) => {
            file.fail(&(list.at..list.at + 1), "this `(` is never closed", "write `)` at its end")
        }
        None => file.fail(&(0..0), "there is nothing here", "write `(define (domain …) …)`"),
    }
}

/// The next token from byte `at` on, with its place.
fn next_token<'a>(file: &PddlFile<'a>, at: usize) -> Read<Option<(Range<usize>, &'a str)>> {
    let text = file.text;
    let mut start = at;
    loop {
        let rest = text.get(start..).unwrap_or_default();
        // Some editors put a byte-order mark at the beginning.
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        start += rest.len() - trimmed.len();
        if !trimmed.starts_with(';') {
            break;
        }
        start += trimmed.find('\n').unwrap_or(trimmed.len());
    }
    let rest = text.get(start..).unwrap_or_default();
    // A `?` begins a word of its own: some files write `(clear?x)`.
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';' | '?');
    let length = match rest.chars().next() {
        None => return Ok(None),
        Some('(' | ')') => 1,
        Some(c) => {
            let more = rest.get(c.len_utf8()..).unwrap_or_default();
            more.find(ends).map_or(rest.len(), |at| at + c.len_utf8())
        }
    };
    let (span, token) = (start..start + length, rest.get(..length).unwrap_or_default());
    if let Some(bad) = token.chars().find(|c| !c.is_ascii_graphic()) {
        let message = format!("`{}` stands in a word", bad.escape_default());
        return file.fail(&span, message, "write names in ASCII");
    }
    Ok(Some((span, token)))
}

/// `(:action …` inside of another section: the parenthesis that is missing stands before it, and
/// not at the end of the file, where it would be noticed otherwise.
fn section_inside_section(
    file: &PddlFile<'_>,
    open: &[Open],
    span: &Range<usize>,
    word: &str,
) -> Read<()> {
    let [_, section, .., list] = open else { return Ok(()) };
    if !list.nodes.is_empty() || !SECTIONS.contains(&word.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    let line = file.fault(&(section.at..section.at), "").line_and_column().0;
    let message = format!("`({word}` begins before the section of line {line} is closed");
    file.fail(span, message, "write the missing `)` before it")
}

/// The file's one list has ended; nothing may follow.
fn last(file: &PddlFile<'_>, node: Node) -> Read<Node> {
    if node.list().is_none() {
        return file.fail(&node.span, "a word stands outside of `(define …)`", "delete it");
    }
    match next_token(file, node.span.end)? {
        None => Ok(node),
        Some((span, ")")) => {
            file.fail(&span, "`)` closes nothing: `(define` is closed already", "delete it")
        }
        Some((span, _)) => {
            let help = "delete it, or move the `)` that closes `(define` behind it";
            file.fail(&span, "text follows after the end of `(define …)`", help)
        }
    }
}
