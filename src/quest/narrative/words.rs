//! Words of a text: tokens with their places, stems, numbers, and what a word does in a sentence.

use std::collections::BTreeSet;

use super::Span;
use crate::quest::pddl::original;

/// A word, a number or a punctuation mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Where it stands.
    pub span: Span,
    /// In lower case.
    pub text: String,
    /// Without inflection; empty for punctuation.
    pub stem: String,
    /// Its value, where it is a number or the word of one.
    pub number: Option<i64>,
    /// True where only `_`, `-`, `.` or nothing stands between it and the token before it.
    pub glued: bool,
    /// True where it begins with a capital letter.
    pub capital: bool,
}

impl Token {
    /// Whether it is this punctuation mark.
    pub(super) fn is(&self, mark: char) -> bool {
        self.stem.is_empty() && self.text.starts_with(mark)
    }

    /// Whether it is a word or a number.
    pub(super) fn is_word(&self) -> bool {
        !self.stem.is_empty()
    }
}

/// Expressions of several words that stand for one: `on top of` says `on`.
const FIXED: &[(&[&str], &str)] = &[
    (&["no", "longer", "exists"], "removed"),
    (&["no", "longer", "exist"], "removed"),
    (&["nothing", "is", "left", "of"], "removed"),
    (&["nothing", "remains", "of"], "removed"),
    (&["on", "top", "of"], "on"),
    (&["in", "front", "of"], "before"),
    (&["as", "well", "as"], "and"),
    (&["each", "other"], "another"),
    (&["in", "order", "to"], "to"),
    (&["out", "of"], "from"),
    (&["no", "longer"], "not"),
    (&["rid", "of"], "remove"),
    (&["free", "of"], "not"),
    (&["free", "from"], "not"),
    (&["make", "sure"], "ensure"),
    (&["making", "sure"], "ensure"),
    (&["see", "to", "it"], "ensure"),
    (&["have", "to"], "must"),
    (&["has", "to"], "must"),
    (&["need", "to"], "must"),
    (&["needs", "to"], "must"),
    (&["ought", "to"], "must"),
    (&["are", "to"], "must"),
    (&["is", "to"], "must"),
    (&["no", "more", "than"], "atmost"),
    (&["not", "more", "than"], "atmost"),
    (&["at", "most"], "atmost"),
    (&["up", "to"], "atmost"),
    (&["or", "less"], "atmost"),
    (&["or", "fewer"], "atmost"),
    (&["no", "less", "than"], "atleast"),
    (&["no", "fewer", "than"], "atleast"),
    (&["not", "less", "than"], "atleast"),
    (&["at", "least"], "atleast"),
    (&["or", "more"], "atleast"),
    (&["more", "than"], "above"),
    (&["less", "than"], "below"),
    (&["fewer", "than"], "below"),
    (&["to", "begin", "with"], "initially"),
    (&["to", "start", "with"], "initially"),
    (&["at", "first"], "initially"),
    (&["at", "the", "start"], "initially"),
    (&["at", "the", "beginning"], "initially"),
    (&["at", "the", "moment"], "initially"),
    (&["right", "now"], "initially"),
    (&["so", "far"], "initially"),
    (&["at", "the", "end"], "finally"),
    (&["in", "the", "end"], "finally"),
    (&["by", "the", "end"], "finally"),
    (&["so", "that"], "ensure"),
    (&["such", "that"], "ensure"),
];

/// Reads a text into tokens; line breaks are tokens of their own.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut before: Option<char> = None;
    let mut joined = false;
    while let Some((start, c)) = chars.next() {
        if c.is_alphanumeric() {
            let mut end = start + c.len_utf8();
            while let Some(&(at, next)) = chars.peek() {
                let inside = next.is_alphanumeric()
                    || (matches!(next, '\'' | '’') && letter_after(text, at + next.len_utf8()));
                if !inside {
                    break;
                }
                end = at + next.len_utf8();
                chars.next();
            }
            push_word(&mut out, text, Span { start, end }, joined);
            joined = false;
        } else {
            let next = chars.peek().map(|&(_, n)| n);
            joined = joins(before, c, next);
            if !joined && (c == '\n' || !c.is_whitespace()) {
                let span = Span { start, end: start + c.len_utf8() };
                out.push(Token {
                    span,
                    text: c.to_string(),
                    stem: String::new(),
                    number: None,
                    glued: false,
                    capital: false,
                });
            }
        }
        before = Some(c);
    }
    fix(out)
}

fn letter_after(text: &str, at: usize) -> bool {
    text.get(at..).and_then(|rest| rest.chars().next()).is_some_and(char::is_alphabetic)
}

/// Whether a mark joins its neighbours to one name: `pick_up`, `plan.json`, but not `table.My`.
fn joins(before: Option<char>, mark: char, next: Option<char>) -> bool {
    let (Some(before), Some(next)) = (before, next) else { return false };
    let between = before.is_alphanumeric() && next.is_alphanumeric();
    match mark {
        '_' => true,
        '-' | '/' => between,
        '.' => between && !(next.is_uppercase() && before.is_lowercase()),
        _ => false,
    }
}

fn push_word(out: &mut Vec<Token>, text: &str, span: Span, glued: bool) {
    let word = text.get(span.start..span.end).unwrap_or("");
    let capital = word.starts_with(char::is_uppercase);
    let word = word.to_lowercase().replace('’', "'");
    let mut push = |word: &str, glued: bool| {
        let number = number(word);
        let (text, stem) = (word.to_owned(), stem(word));
        out.push(Token { span, text, stem, number, glued, capital });
    };
    if let Some(verb) = word.strip_suffix("n't").or_else(|| word.strip_suffix("not")) {
        let verb = match verb {
            "ca" | "can" => "can",
            "wo" => "will",
            other => other,
        };
        if word.contains('\'') || word == "cannot" {
            push(verb, glued);
            push("not", false);
            return;
        }
    }
    match word.split_once('\'') {
        Some((stem, "s")) => push(stem, glued),
        Some((stem, rest @ ("ll" | "d" | "ve" | "re" | "m"))) => {
            push(stem, glued);
            push(if rest == "ve" { "have" } else { "be" }, false);
        }
        _ => push(&word, glued),
    }
}

/// Replaces fixed expressions by the word that they stand for.
fn fix(tokens: Vec<Token>) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let here = FIXED.iter().find(|(words, _)| {
            words.iter().enumerate().all(|(i, w)| tokens.get(at + i).is_some_and(|t| t.text == *w))
        });
        let Some((words, meaning)) = here else {
            out.push(token.clone());
            at += 1;
            continue;
        };
        let end = tokens.get(at + words.len() - 1).map_or(token.span.end, |t| t.span.end);
        out.push(Token {
            span: Span { start: token.span.start, end },
            text: (*meaning).to_owned(),
            stem: stem(meaning),
            number: None,
            glued: token.glued,
            capital: token.capital,
        });
        at += words.len();
    }
    out
}

fn number(word: &str) -> Option<i64> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return word.parse().ok();
    }
    let found = match word {
        "single" => Some(1),
        "both" | "couple" => Some(2),
        "dozen" => Some(12),
        _ => WORDS.iter().position(|w| *w == word),
    };
    found.and_then(|n| i64::try_from(n).ok())
}

/// A word without its inflection. Light: plural, `-ing`, `-ed`, final `e`, and common irregulars.
pub(super) fn stem(word: &str) -> String {
    if let Some(base) = irregular(word) {
        return base.to_owned();
    }
    if word.len() <= 3 || !word.is_ascii() {
        return word.to_owned();
    }
    let word = singular(word);
    let word = bare_verb(&word);
    match word.strip_suffix('e') {
        Some(rest) if rest.len() >= 3 => rest.to_owned(),
        _ => word,
    }
}

fn singular(word: &str) -> String {
    if let Some(rest) = word.strip_suffix("ies").filter(|r| r.len() >= 3) {
        return format!("{rest}y");
    }
    for ending in ["sses", "xes", "ches", "shes", "zes"] {
        if word.ends_with(ending) {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    let kept = ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    match word.strip_suffix('s') {
        Some(rest) if !kept && rest.len() >= 2 => rest.to_owned(),
        _ => word.to_owned(),
    }
}

fn bare_verb(word: &str) -> String {
    if let Some(rest) = word.strip_suffix("ied").filter(|r| r.len() >= 3) {
        return format!("{rest}y");
    }
    let vowel = |text: &str| text.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    let cut = word.strip_suffix("ing").or_else(|| word.strip_suffix("ed"));
    let Some(rest) = cut.filter(|r| r.len() >= 3 && vowel(r) && !r.ends_with('e')) else {
        return word.to_owned();
    };
    let mut ends = rest.chars().rev();
    match (ends.next(), ends.next()) {
        (Some(a), Some(b)) if a == b && !matches!(a, 'l' | 's' | 'z' | 'a' | 'e' | 'o') => {
            rest.get(..rest.len() - 1).unwrap_or(rest).to_owned()
        }
        _ => rest.to_owned(),
    }
}

fn irregular(word: &str) -> Option<&'static str> {
    Some(match word {
        "am" | "is" | "are" | "was" | "were" | "been" | "being" | "become" | "becomes" => "be",
        "have" | "has" | "had" | "having" => "have",
        "does" | "did" | "doing" => "do",
        "brought" => "bring",
        "built" => "build",
        "sent" => "send",
        "held" => "hold",
        "kept" => "keep",
        "make" | "makes" | "made" | "making" => "make",
        "broke" | "broken" | "breaks" | "breaking" => "break",
        "take" | "takes" | "taken" | "took" | "taking" => "take",
        "lain" | "lying" => "lie",
        "found" => "find",
        "gone" | "went" | "going" | "goes" => "go",
        "got" | "gotten" | "getting" => "get",
        "give" | "gives" | "gave" | "given" | "giving" => "give",
        "written" | "wrote" | "writing" => "writ",
        "chosen" | "chose" => "choos",
        "drawn" | "drew" => "draw",
        "driven" | "drove" => "driv",
        "flown" | "flew" => "fly",
        "stood" => "stand",
        "sold" => "sell",
        "paid" => "pay",
        "spent" => "spend",
        "left" | "leaving" => "leav",
        "ran" | "running" => "run",
        "told" => "tell",
        "used" | "using" => "use",
        "put" | "putting" => "put",
        "shut" => "shut",
        "won" => "win",
        "worn" => "wear",
        "frozen" => "freez",
        "note" | "notes" | "noted" | "noting" => "note",
        "children" => "child",
        _ => return None,
    })
}

/// Pieces of a name in lower case: cut at `_`, `-`, `.`, at capitals, and (where the piece is no
/// word of the text) into two words of the text, so that `handempty` reads as `hand empty`.
///
/// Names that come from PDDL are read as PDDL spells them.
pub(super) fn pieces(name: &str, known: &BTreeSet<String>) -> Vec<String> {
    let original = original(name);
    let name = original.as_deref().unwrap_or(name);
    let mut cut = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_uppercase() && lower {
            cut.push(' ');
        }
        lower = c.is_lowercase();
        cut.push(if c.is_alphanumeric() { c } else { ' ' });
    }
    let mut out = Vec::new();
    for piece in cut.to_lowercase().split_whitespace() {
        match two_words(piece, known) {
            Some((a, b)) if !known.contains(piece) => out.extend([a.to_owned(), b.to_owned()]),
            _ => out.push(piece.to_owned()),
        }
    }
    out
}

fn two_words<'n>(piece: &'n str, known: &BTreeSet<String>) -> Option<(&'n str, &'n str)> {
    let word = |w: &str| w.len() >= 2 && (known.contains(w) || preposition(w) || w == "not");
    let cuts = piece.char_indices().skip(2).map(|(at, _)| piece.split_at(at));
    cuts.into_iter().find(|(a, b)| word(a) && word(b))
}

/// Whether the word says where or whither.
pub(super) fn preposition(word: &str) -> bool {
    matches!(
        word,
        "in" | "on"
            | "at"
            | "into"
            | "onto"
            | "to"
            | "from"
            | "with"
            | "by"
            | "under"
            | "over"
            | "above"
            | "below"
            | "beneath"
            | "underneath"
            | "for"
            | "inside"
            | "within"
            | "near"
            | "between"
            | "through"
            | "behind"
            | "before"
            | "after"
            | "off"
            | "up"
            | "down"
            | "against"
            | "via"
            | "of"
            | "out"
            | "about"
            | "around"
    )
}

/// Whether the word carries no meaning of its own here: articles, auxiliaries, pronouns, and the
/// words by which people say that something is wanted or so.
pub(super) fn filler(word: &str) -> bool {
    const FILLERS: &str = " the a an this that these those its his her their my your our be am is \
        are was were been being do does did have has had having will would shall should must may \
        might can could it they them he she i we you me us who there also too then now currently \
        already just only still again even finally eventually so please each all every any some \
        other another here as such same get gets getting got make makes made making bring brings \
        bringing let ensure ensuring put want wants wanted wish wishes need needs needed like \
        goal goals task job's objective aim target initial initially condition conditions start \
        starts starting state end ends ending everything thing things what following true hold \
        holds asked wanted required order turn until and or but first next last moment time \
        somebody someone nobody everybody anybody one today tonight tomorrow respectively keep keeps keeping job ";
    FILLERS.contains(&format!(" {word} "))
}

/// Whether the word turns a statement round.
pub(super) fn negation(word: &str) -> bool {
    matches!(word, "not" | "no" | "never" | "neither" | "nor" | "nothing" | "none" | "without")
}
