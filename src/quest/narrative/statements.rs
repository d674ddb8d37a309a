//! A text as sentences, each with its part in the story: how things stand, what is wanted, rules
//! of the world, plans and questions.

use super::Span;
use super::wishes::{Wish, wish};
use super::words::Token;

/// What a sentence is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// How things stand at the start.
    Initial,
    /// What is wanted.
    Goal,
    /// How the world works.
    Rule,
    /// Somebody's plan.
    Plan,
    /// A question to the reader.
    Question,
    /// A problem before the last one: a worked example.
    Earlier,
}

/// A sentence.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    /// Its tokens, without the mark that ends it.
    pub tokens: Vec<Token>,
    /// What the heading above it or the sentence as a whole says that it is for.
    pub role: Option<Role>,
}

impl Sentence {
    /// Where it stands.
    pub(super) fn span(&self) -> Span {
        let start = self.tokens.first().map_or(0, |t| t.span.start);
        Span { start, end: self.tokens.last().map_or(start, |t| t.span.end) }
    }
}

/// Cuts a text into sentences and gives each its part.
pub(super) fn sentences(tokens: &[Token]) -> Vec<Sentence> {
    let mut out: Vec<Sentence> = Vec::new();
    let mut heading: Option<Role> = None;
    let mut marked = false;
    for (piece, end) in cut(tokens) {
        if let Some(section) = marker(&piece) {
            // In prompts with marked sections the last statement is the one that counts.
            if section == "statement" {
                let earlier = if marked { Role::Earlier } else { Role::Rule };
                out.iter_mut().for_each(|s| s.role = Some(s.role.map_or(earlier, settle(earlier))));
                marked = true;
            }
            heading = (section != "statement").then_some(Role::Plan);
            continue;
        }
        let own = if end == End::Question { Some(Role::Question) } else { cue(&piece) };
        let strong = own == Some(Role::Initial) && says_initial(&piece);
        if strong && out.iter().any(|s| s.role == Some(Role::Goal)) {
            let told = |s: &Sentence| matches!(s.role, Some(Role::Goal | Role::Initial) | None);
            out.iter_mut().filter(|s| told(s)).for_each(|s| s.role = Some(Role::Earlier));
        }
        if end == End::Line && own.is_some() {
            heading = own;
        } else if own.is_some() && heading == Some(Role::Plan) {
            heading = None;
        }
        out.push(Sentence { tokens: piece, role: own.or(heading) });
    }
    out
}

/// Facts and goals before a marked statement belong to an earlier problem.
fn settle(earlier: Role) -> impl Fn(Role) -> Role {
    move |role| match role {
        Role::Initial | Role::Goal => earlier,
        other => other,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Stop,
    Question,
    /// A colon or the end of a line: perhaps a heading.
    Line,
}

fn cut(tokens: &[Token]) -> Vec<(Vec<Token>, End)> {
    let mut out = Vec::new();
    let mut piece: Vec<Token> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let next = tokens.get(i + 1);
        let line_ends = next.is_none_or(|n| n.is('\n'));
        let end = if token.is('.') || token.is('!') || token.is(';') {
            Some(End::Stop)
        } else if token.is('?') {
            Some(End::Question)
        } else if token.is(']')
            || (token.is(':') && line_ends)
            || (token.is('\n') && next.is_none_or(starts_sentence))
        {
            Some(End::Line)
        } else {
            None
        };
        if token.is('[') && !piece.is_empty() {
            out.push((std::mem::take(&mut piece), End::Stop));
        }
        if token.is(']') || !(token.is('\n') || end.is_some()) {
            piece.push(token.clone());
        }
        if let Some(end) = end
            && !piece.is_empty()
        {
            out.push((std::mem::take(&mut piece), end));
        }
    }
    if !piece.is_empty() {
        out.push((piece, End::Stop));
    }
    out
}

/// A new line goes on with the sentence where it begins with a plain word in lower case.
fn starts_sentence(token: &Token) -> bool {
    !token.is_word() || token.capital || token.number.is_some()
}

/// The name of a section marked like `[STATEMENT]`.
fn marker(piece: &[Token]) -> Option<String> {
    let [open, words @ .., close] = piece else { return None };
    let inside = open.is('[') && close.is(']') && words.iter().all(Token::is_word);
    let name: Vec<&str> = words.iter().map(|t| t.text.as_str()).collect();
    inside.then(|| name.join(" "))
}

fn has(tokens: &[Token], word: &str) -> bool {
    tokens.iter().any(|t| t.text == word)
}

fn follows(tokens: &[Token], first: &str, second: &[&str]) -> bool {
    let pair =
        |w: &[Token]| matches!(w, [a, b] if a.text == first && second.contains(&b.text.as_str()));
    tokens.windows(2).any(pair)
}

fn says_initial(tokens: &[Token]) -> bool {
    const WHAT: &[&str] = &["condition", "conditions", "state", "situation", "facts"];
    follows(tokens, "initial", WHAT) || follows(tokens, "starting", WHAT)
}

/// What the words of a sentence say that it is for.
pub(super) fn cue(tokens: &[Token]) -> Option<Role> {
    let first = tokens.iter().find(|t| t.is_word()).map_or("", |t| t.text.as_str());
    let any = |words: &[&str]| words.iter().any(|w| has(tokens, w));
    if says_initial(tokens) {
        return Some(Role::Initial);
    }
    if follows(tokens, "my", &["goal"]) || follows(tokens, "the", &["goal"]) || first == "goal" {
        return Some(if has(tokens, "plan") { Role::Question } else { Role::Goal });
    }
    if follows(tokens, "my", &["plan"]) || first == "plan" {
        return Some(Role::Plan);
    }
    let conditional = ["if", "once", "when", "whenever", "unless"].contains(&first);
    let general = any(&["restrictions", "rules", "actions", "allowed", "example"])
        || follows(tokens, "can", &["only", "do"])
        || follows(tokens, "may", &["only"])
        || (has(tokens, "only") && has(tokens, "if"));
    if conditional || general || follows(tokens, "to", &["perform"]) {
        return Some(Role::Rule);
    }
    let words: Vec<&str> = tokens.iter().filter(|t| t.is_word()).map(|t| t.text.as_str()).collect();
    if let Some(Wish::Wanted(_)) = wish(&words) {
        return Some(Role::Goal);
    }
    any(&["initially", "currently", "already", "given", "starts", "yesterday"])
        .then_some(Role::Initial)
}
