//! The parser of expressions: bounded in length, parts and depth; no input makes it panic.

use std::ops::Range;
use std::str::FromStr;

use super::expr::{Atom, Change, Compare, Condition, Effects, ExprError, Init, Param, Term, Test};

/// Longest text of one expression, in bytes.
pub(super) const MAX_TEXT: usize = 16 * 1024;
/// Most tests or changes in one expression.
pub(super) const MAX_PARTS: usize = 512;
/// Longest name, in bytes.
pub(super) const MAX_NAME: usize = 128;
/// Deepest nesting of parentheses.
const MAX_DEPTH: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Var(String),
    Int(i64),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 16] =
    [">=", "<=", "==", "!=", "-=", "+=", "(", ")", ",", ":", ">", "<", "=", "&&", "!", "?"];

/// Words that are no names.
const WORDS: [&str; 3] = ["and", "or", "not"];

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
}

fn fail<T>(column: usize, problem: impl Into<String>) -> Result<T, ExprError> {
    Err(ExprError { column, problem: problem.into() })
}

/// Length of the name at the start of `text`: a letter or underscore, then letters, digits,
/// underscores, dots, and dashes that stand before a letter or digit (`my-key`, `plan.json`).
fn name_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut n = 0;
    while let Some(&b) = bytes.get(n) {
        let inner = b.is_ascii_digit()
            || b == b'.'
            || (b == b'-' && bytes.get(n + 1).is_some_and(u8::is_ascii_alphanumeric));
        if b.is_ascii_alphabetic() || b == b'_' || (n > 0 && inner) {
            n += 1;
        } else {
            break;
        }
    }
    n
}

fn number_length(text: &str) -> usize {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let n = digits.bytes().take_while(u8::is_ascii_digit).count();
    if n == 0 { 0 } else { n + (text.len() - digits.len()) }
}

/// The token at the start of `rest` (not blank) and its length in bytes.
fn token(rest: &str, column: usize) -> Result<(Token, usize), ExprError> {
    let (sigil, after) = rest.strip_prefix('?').map_or((0, rest), |after| (1, after));
    let n = name_length(after);
    if n > MAX_NAME {
        return fail(column, format!("a name of {n} bytes; use at most {MAX_NAME}"));
    }
    if n > 0 {
        let name = after.get(..n).unwrap_or_default().to_owned();
        let token = if sigil == 1 { Token::Var(name) } else { Token::Name(name) };
        return Ok((token, n + sigil));
    }
    if sigil == 1 {
        return fail(column, "`?` must be followed by a parameter's name");
    }
    let n = number_length(rest);
    if n > 0 {
        let digits = rest.get(..n).unwrap_or_default();
        return match digits.parse::<i32>() {
            Ok(value) => Ok((Token::Int(i64::from(value)), n)),
            Err(_) => fail(column, format!("`{digits}` is out of range; stay within 32 bits")),
        };
    }
    for sign in SIGNS {
        if rest.starts_with(sign) {
            return Ok((Token::Sign(sign), sign.len()));
        }
    }
    let shown: String = rest.chars().take(1).collect();
    fail(column, format!("unexpected `{shown}`"))
}

/// The tokens of a text and the bytes that each stands on.
fn tokens(text: &str) -> Result<Vec<(Range<usize>, Token)>, ExprError> {
    if text.len() > MAX_TEXT {
        return fail(1, format!("longer than {MAX_TEXT} bytes; split the function"));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if trimmed.is_empty() {
            break;
        }
        let (token, length) = token(trimmed, at + 1)?;
        tokens.push((at..at + length, token));
        at += length;
    }
    Ok(tokens)
}

/// The first bytes of an expression that spell `wanted`, however they are spaced.
pub(super) fn find(text: &str, wanted: &str) -> Option<Range<usize>> {
    let (text, wanted) = (tokens(text).ok()?, tokens(wanted).ok()?);
    let same = |found: &[(Range<usize>, Token)]| {
        found.iter().zip(&wanted).all(|((_, found), (_, wanted))| found == wanted)
    };
    let found = text.windows(wanted.len().max(1)).find(|found| same(found))?;
    Some(found.first()?.0.start..found.last()?.0.end)
}

/// The bytes of the token at a column, counted from 1; empty behind the last one.
pub(super) fn token_at(text: &str, column: usize) -> Range<usize> {
    let at = column.saturating_sub(1).min(text.len());
    let rest = text.get(at..).unwrap_or_default();
    let length = match token(rest, column) {
        Ok((_, length)) => length,
        Err(_) => {
            let all = name_length(rest).max(number_length(rest));
            all.max(rest.chars().next().map_or(0, char::len_utf8))
        }
    };
    at..at + length
}

/// Whether expressions can name something so.
pub(super) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && name_length(text) == text.len()
        && !WORDS.contains(&text)
}

impl Parser {
    fn new(text: &str) -> Result<Self, ExprError> {
        let mut tokens: Vec<_> =
            tokens(text)?.into_iter().map(|(bytes, token)| (bytes.start + 1, token)).collect();
        tokens.push((text.len() + 1, Token::End));
        Ok(Self { tokens, at: 0 })
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(_, t)| t)
    }

    fn column(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(c, _)| *c)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len());
        token
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(n) if n == word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), ExprError> {
        if self.take(sign) { Ok(()) } else { fail(self.column(), format!("expected `{sign}`")) }
    }

    fn name(&mut self, what: &str) -> Result<String, ExprError> {
        let column = self.column();
        match self.next() {
            Token::Name(n) if !WORDS.contains(&n.as_str()) => Ok(n),
            _ => fail(column, format!("expected {what}")),
        }
    }

    fn int(&mut self) -> Result<i64, ExprError> {
        let column = self.column();
        match self.next() {
            Token::Int(n) => Ok(n),
            _ => fail(column, "expected a whole number"),
        }
    }

    fn term(&mut self) -> Result<Term, ExprError> {
        if let Token::Var(name) = self.peek() {
            let name = name.clone();
            self.at += 1;
            return Ok(Term::Var(name));
        }
        self.name("an object or a ?parameter").map(Term::Object)
    }

    fn args(&mut self) -> Result<Vec<Term>, ExprError> {
        let mut args = Vec::new();
        if !self.take("(") || self.take(")") {
            return Ok(args);
        }
        loop {
            args.push(self.term()?);
            if self.take(")") {
                return Ok(args);
            }
            self.expect(",")?;
        }
    }

    fn atom(&mut self) -> Result<Atom, ExprError> {
        let predicate = self.name("a predicate")?;
        Ok(Atom { predicate, args: self.args()? })
    }

    /// True where another part follows.
    fn more(&mut self, depth: usize) -> Result<bool, ExprError> {
        if self.take_word("and") || self.take("&&") || self.take(",") {
            return Ok(true);
        }
        match self.peek() {
            Token::End => Ok(false),
            Token::Sign(")") if depth > 0 => Ok(false),
            Token::Name(word) if word == "or" => {
                fail(self.column(), "`or` is not supported; write two functions instead")
            }
            _ => fail(self.column(), "expected `and`, `,` or the end"),
        }
    }

    fn condition(&mut self, depth: usize, out: &mut Vec<Test>) -> Result<(), ExprError> {
        if depth > MAX_DEPTH {
            return fail(self.column(), "too many nested parentheses");
        }
        loop {
            if out.len() >= MAX_PARTS {
                return fail(self.column(), format!("more than {MAX_PARTS} parts"));
            }
            if self.take("(") {
                self.condition(depth + 1, out)?;
                self.expect(")")?;
            } else {
                let test = self.test()?;
                out.push(test);
            }
            if !self.more(depth)? {
                return Ok(());
            }
        }
    }

    fn test(&mut self) -> Result<Test, ExprError> {
        if self.take_word("not") || self.take("!") {
            return Ok(Test::Fact { atom: self.atom()?, negated: true });
        }
        if let Token::Var(_) = self.peek() {
            let left = self.term()?;
            return self.same(left);
        }
        let atom = self.atom()?;
        let next_is_term =
            matches!(self.tokens.get(self.at + 1), Some((_, Token::Name(_) | Token::Var(_))));
        match self.peek() {
            Token::Sign("==" | "=" | "!=") if atom.args.is_empty() && next_is_term => {
                self.same(Term::Object(atom.predicate))
            }
            Token::Sign(">=" | "<=" | ">" | "<" | "==" | "=" | "!=") if atom.args.is_empty() => {
                self.number(atom.predicate)
            }
            _ => Ok(Test::Fact { atom, negated: false }),
        }
    }

    fn same(&mut self, left: Term) -> Result<Test, ExprError> {
        let negated = self.take("!=");
        if !negated && !self.take("==") && !self.take("=") {
            return fail(self.column(), "expected `==` or `!=` after the term");
        }
        let right = self.term()?;
        let (left, right) = if left <= right { (left, right) } else { (right, left) };
        Ok(Test::Same { left, right, negated })
    }

    fn number(&mut self, fluent: String) -> Result<Test, ExprError> {
        let sign = self.next();
        let column = self.column();
        let value = self.int()?;
        let (compare, value) = match sign {
            Token::Sign(">") => (Compare::Ge, value + 1),
            Token::Sign("<") => (Compare::Le, value - 1),
            Token::Sign("<=") => (Compare::Le, value),
            Token::Sign(">=") => (Compare::Ge, value),
            Token::Sign("!=") => (Compare::Ne, value),
            _ => (Compare::Eq, value),
        };
        if i32::try_from(value).is_err() {
            return fail(column, "no whole number of 32 bits is beyond this one; drop the test");
        }
        Ok(Test::Number { fluent, compare, value })
    }

    fn change(&mut self) -> Result<Change, ExprError> {
        if self.take_word("not") || self.take("!") {
            return Ok(Change::Delete(self.atom()?));
        }
        let atom = self.atom()?;
        if !atom.args.is_empty() {
            return Ok(Change::Add(atom));
        }
        let fluent = atom.predicate.clone();
        let column = self.column();
        if self.take("-=") {
            return Ok(Change::Increase { fluent, by: writable(column, -self.int()?)? });
        }
        if self.take("+=") {
            return Ok(Change::Increase { fluent, by: writable(column, self.int()?)? });
        }
        if self.take("=") {
            return Ok(Change::Assign { fluent, to: self.int()? });
        }
        Ok(Change::Add(atom))
    }

    fn end(&self) -> Result<(), ExprError> {
        if self.peek() == &Token::End { Ok(()) } else { fail(self.column(), "expected the end") }
    }
}

/// A change that can be written with either sign.
fn writable(column: usize, by: i64) -> Result<i64, ExprError> {
    if i32::try_from(by).is_ok() && i32::try_from(-by).is_ok() {
        return Ok(by);
    }
    fail(column, format!("a change by {by} is too large; stay within {} either way", i32::MAX))
}

/// Refuses what would be too long once it is written in full: what was read must read again.
fn fits<T: std::fmt::Display>(read: T) -> Result<T, ExprError> {
    let length = read.to_string().len();
    if length > MAX_TEXT {
        let problem = format!("{length} bytes when written in full, more than {MAX_TEXT}");
        return fail(1, format!("{problem}; split the function"));
    }
    Ok(read)
}

impl FromStr for Condition {
    type Err = ExprError;
    fn from_str(text: &str) -> Result<Self, ExprError> {
        let mut parser = Parser::new(text)?;
        let mut tests = Vec::new();
        if parser.peek() != &Token::End {
            parser.condition(0, &mut tests)?;
            parser.end()?;
        }
        tests.sort();
        tests.dedup();
        fits(Self(tests))
    }
}

impl FromStr for Effects {
    type Err = ExprError;
    fn from_str(text: &str) -> Result<Self, ExprError> {
        let mut parser = Parser::new(text)?;
        let mut changes = Vec::new();
        while parser.peek() != &Token::End {
            changes.push(parser.change()?);
            if changes.len() > MAX_PARTS {
                return fail(parser.column(), format!("more than {MAX_PARTS} parts"));
            }
            if !parser.more(0)? {
                break;
            }
        }
        changes.sort();
        // A fact that becomes true twice becomes true; a number that changes twice is a mistake,
        // which the checks of the level report.
        changes.dedup_by(|a, b| a == b && matches!(a, Change::Add(_) | Change::Delete(_)));
        fits(Self(changes))
    }
}

impl FromStr for Atom {
    type Err = ExprError;
    fn from_str(text: &str) -> Result<Self, ExprError> {
        let mut parser = Parser::new(text)?;
        let atom = parser.atom()?;
        parser.end()?;
        Ok(atom)
    }
}

impl FromStr for Param {
    type Err = ExprError;
    fn from_str(text: &str) -> Result<Self, ExprError> {
        let mut parser = Parser::new(text)?;
        let column = parser.column();
        let name = match parser.next() {
            Token::Var(name) | Token::Name(name) => name,
            _ => return fail(column, "write a parameter as `?name: type`"),
        };
        parser.expect(":")?;
        let kind = parser.name("a type")?;
        parser.end()?;
        Ok(Self { name, kind })
    }
}

impl FromStr for Init {
    type Err = ExprError;
    fn from_str(text: &str) -> Result<Self, ExprError> {
        let mut parser = Parser::new(text)?;
        let atom = parser.atom()?;
        let init = if atom.args.is_empty() && (parser.take("=") || parser.take("==")) {
            Self::Number { fluent: atom.predicate, value: parser.int()? }
        } else {
            Self::Fact(atom)
        };
        parser.end()?;
        Ok(init)
    }
}
