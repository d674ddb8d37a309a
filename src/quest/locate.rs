//! Faults of a level shown where they stand in its file.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, de};

use super::expr::ExprError;
use super::level::{Level, LevelError};
use super::parse::{find, token_at};
use super::place::{Aim, Place, Step};
use super::planner::VerifyError;
use super::world::GroundError;
use crate::core::PlaceError;

/// The text of a level file, to read it and to show faults in it. A text that begins with `{` is
/// JSON, any other is TOML. Faults of TOML files point at the key, the value, or the words within
/// an expression; of JSON files, at the line where reading stopped, and else they name the place.
#[derive(Debug, Clone, Copy)]
pub struct LevelFile<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'a> LevelFile<'a> {
    /// A file as the user knows it, and its text.
    pub fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text }
    }

    fn is_json(&self) -> bool {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        text.trim_start().starts_with('{')
    }

    /// Reads, normalises and checks the level.
    ///
    /// # Errors
    /// The first fault, with its place and the fix.
    pub fn read(&self) -> Result<Level, PlaceError> {
        let level = match self.is_json() {
            true => Level::from_json(self.text),
            false => Level::from_toml(self.text),
        };
        level.map_err(|e| self.fault(&e))
    }

    /// The fault of an id that another level of the suite has.
    pub(super) fn twice(&self, id: &str) -> PlaceError {
        let message = format!("another level of the suite has the id `{id}`");
        self.at(&Place::level().key("id"), &message).with_help("give it another".to_owned())
    }

    /// A fault that reading found.
    pub fn fault(&self, error: &LevelError) -> PlaceError {
        match error {
            LevelError::Toml(error) => self.toml(error),
            LevelError::Json(error) => self.json(error),
            LevelError::Invalid(fault) => {
                self.at(&fault.place, &fault.problem).with_help(fault.fix.clone())
            }
            LevelError::Schema { .. } => {
                self.at(&Place::level().key("schema"), &bare(&error.to_string()))
            }
            LevelError::Expr(_) | LevelError::Size { .. } => {
                self.at(&Place::level(), &bare(&error.to_string()))
            }
        }
    }

    /// A fault that grounding found.
    pub fn ground_fault(&self, error: &GroundError) -> PlaceError {
        self.at(&ground_place(error), &bare(&error.to_string()))
    }

    /// A fault that certifying or replaying found.
    pub fn verify_fault(&self, error: &VerifyError) -> PlaceError {
        self.at(&verify_place(error), &bare(&error.to_string()))
    }

    fn at(&self, place: &Place, message: &str) -> PlaceError {
        fault_at(self.name, self.text, place, message)
    }

    fn toml(&self, error: &de::Error) -> PlaceError {
        let shown = PlaceError::from_toml(self.name, self.text, error);
        let Some(fault) = ExprError::from_message(error.message()) else { return shown };
        let literal = shown.span.clone();
        let inside = |raw: &str| {
            let text = decoded(raw)?;
            let token = token_at(&text, fault.column);
            Some(raw_offset(raw, token.start)..raw_offset(raw, token.end))
        };
        let span = match self.text.get(literal.clone()).and_then(inside) {
            Some(part) => literal.start + part.start..literal.start + part.end,
            None => literal,
        };
        let (problem, fix) = split_fix(&fault.problem);
        let mut shown = PlaceError::new(self.name, self.text, span, problem);
        shown.help = fix.map(str::to_owned);
        shown
    }

    fn json(&self, error: &serde_json::Error) -> PlaceError {
        let lines = self.text.split_inclusive('\n').map(str::len);
        let start: usize = lines.take(error.line().saturating_sub(1)).sum();
        let at = (start + error.column().saturating_sub(1)).min(self.text.len());
        let at = (0..=at).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or(0);
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(m, _)| m);
        PlaceError::new(self.name, self.text, at..at, message).hinted()
    }
}

fn ground_place(error: &GroundError) -> Place {
    let level = Place::level();
    match error {
        GroundError::TooManyCalls { function, .. } | GroundError::TooMuchWork { function, .. } => {
            level.key("functions").key(function).at_key()
        }
        GroundError::TooManyFacts { .. } => level.key("objects"),
        GroundError::GoalUnreachable { part, .. } => level.key("goal").words(part),
    }
}

fn verify_place(error: &VerifyError) -> Place {
    let level = Place::level();
    match error {
        VerifyError::Ground(error) => ground_place(error),
        VerifyError::NoOpPasses(_)
        | VerifyError::Unsolvable { .. }
        | VerifyError::NotProven(_)
        | VerifyError::NoReference(_) => level.key("goal"),
        VerifyError::TooFewCalls { .. } => level.key("limits").key("max_calls"),
        VerifyError::UnknownStep { step, .. }
        | VerifyError::Step { step, .. }
        | VerifyError::ForbiddenStep { step, .. }
        | VerifyError::GoalBefore { step, .. } => level.key("reference").key("plan").index(*step),
        VerifyError::Cost { .. } => level.key("reference").key("plan_cost"),
        VerifyError::PlanMisses(_) => level.key("reference").key("plan"),
    }
}

/// Messages of the house put the fix behind the last semicolon.
fn split_fix(message: &str) -> (&str, Option<&str>) {
    match message.rsplit_once("; ") {
        Some((problem, fix)) => (problem, Some(fix)),
        None => (message, None),
    }
}

/// A message without its head, ``ground level `x`: ``: the file says which level it is.
fn bare(message: &str) -> String {
    let heads = ["read the level: ", "ground level `", "verify level `"];
    let rest = heads.iter().find_map(|head| {
        let rest = message.strip_prefix(head)?;
        if head.ends_with('`') { rest.split_once("`: ").map(|(_, rest)| rest) } else { Some(rest) }
    });
    rest.unwrap_or(message).to_owned()
}

/// A fault at a place of a file, its fix behind the last semicolon of the message. Where the
/// text is not TOML the message names the place.
pub(super) fn fault_at(file: &str, text: &str, place: &Place, message: &str) -> PlaceError {
    let (problem, fix) = split_fix(message);
    let span = span_of(text, place);
    let named = match span {
        Some(_) => problem.to_owned(),
        None => format!("{place}: {problem}"),
    };
    let mut shown = PlaceError::new(file, text, span.unwrap_or(0..0), named);
    shown.help = fix.map(str::to_owned);
    shown
}

/// The bytes of a TOML text that a place means: the nearest thing above it where it is not
/// written out. None where the text is not TOML (JSON never is).
fn span_of(text: &str, place: &Place) -> Option<Range<usize>> {
    let table = DeTable::parse(text).ok()?;
    let mut key: Option<Range<usize>> = None;
    let mut value: Option<&Spanned<DeValue<'_>>> = None;
    let mut complete = true;
    for step in &place.steps {
        let next = match (step, value.map(Spanned::get_ref)) {
            (Step::Key(name), None) => entry(table.get_ref(), name),
            (Step::Key(name), Some(DeValue::Table(inner))) => entry(inner, name),
            (Step::Index(i), Some(DeValue::Array(list))) => list.get(*i).map(|v| (None, v)),
            _ => None,
        };
        let Some((name, inner)) = next else {
            complete = false;
            break;
        };
        key = name.or(key);
        value = Some(inner);
    }
    let found = value?;
    let words = match &place.aim {
        Aim::Words(words) if complete => words_in(text, found, words),
        _ => None,
    };
    let is_table = matches!(found.get_ref(), DeValue::Table(_) | DeValue::Array(_));
    let is_entry = matches!(place.steps.last(), Some(Step::Index(_)));
    let by_key = place.aim == Aim::Key || !complete || (is_table && !is_entry);
    words.or(key.filter(|_| by_key)).or_else(|| Some(found.span()))
}

type Entry<'t, 'd> = (Option<Range<usize>>, &'t Spanned<DeValue<'d>>);

fn entry<'t, 'd>(table: &'t DeTable<'d>, name: &str) -> Option<Entry<'t, 'd>> {
    let (key, value) = table.get_key_value(name)?;
    Some((Some(key.span()), value))
}

/// Where the words stand within an expression, or within the first one of a list that has them.
fn words_in(text: &str, value: &Spanned<DeValue<'_>>, words: &[String]) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::Array(list) => list.iter().find_map(|v| words_in(text, v, words)),
        DeValue::String(decoded) => {
            let mut part = 0..decoded.len();
            for (i, word) in words.iter().enumerate() {
                let within = decoded.get(part.clone())?;
                match find(within, word) {
                    Some(found) => part = part.start + found.start..part.start + found.end,
                    None if i > 0 => break,
                    None => return None,
                }
            }
            let span = value.span();
            let raw = text.get(span.clone())?;
            Some(span.start + raw_offset(raw, part.start)..span.start + raw_offset(raw, part.end))
        }
        _ => None,
    }
}

/// The text that a TOML string literal means.
fn decoded(raw: &str) -> Option<String> {
    let document = format!("k = {raw}");
    let table: toml::Table = document.parse().ok()?;
    table.get("k").and_then(toml::Value::as_str).map(str::to_owned)
}

/// The byte of a TOML string literal that the byte `at` of its meaning was written as.
pub(super) fn raw_offset(raw: &str, at: usize) -> usize {
    let quote = if raw.starts_with('"') { '"' } else { '\'' };
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let many = raw.starts_with(&triple);
    let mut pos = if many { 3 } else { 1 };
    let rest = |pos: usize| raw.get(pos..).unwrap_or_default();
    if many {
        pos +=
            ["\r\n", "\n"].iter().find(|end| rest(pos).starts_with(**end)).map_or(0, |e| e.len());
    }
    let mut meant = 0;
    loop {
        if quote == '"' {
            pos += folded(rest(pos));
        }
        let Some(c) = rest(pos).chars().next() else { return raw.len() };
        if meant >= at {
            return pos;
        }
        let (written, means) = match c {
            '\\' if quote == '"' => escape(rest(pos)),
            '\r' if rest(pos).starts_with("\r\n") => (2, 1),
            c => (c.len_utf8(), c.len_utf8()),
        };
        pos += written;
        meant += means;
    }
}

/// Length of a backslash at the end of a line with all the white space that it swallows.
fn folded(rest: &str) -> usize {
    let Some(after) = rest.strip_prefix('\\') else { return 0 };
    let blank = after.len() - after.trim_start_matches([' ', '\t']).len();
    let line_ends = after.get(blank..).is_some_and(|r| r.starts_with(['\n', '\r']));
    let swallowed = after.len() - after.trim_start_matches([' ', '\t', '\n', '\r']).len();
    if line_ends { 1 + swallowed } else { 0 }
}

/// Length of an escape in a TOML string, and of what it means.
fn escape(rest: &str) -> (usize, usize) {
    let digits = match rest.as_bytes().get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        _ => return (2, 1),
    };
    let code = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    (2 + digits, code.and_then(char::from_u32).map_or(1, char::len_utf8))
}
