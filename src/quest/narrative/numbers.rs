//! Numbers of a clause: what a fluent is or shall be, and how many calls may be made.

use super::clauses::{Clause, Element, Word};
use super::lexicon::{Lexicon, Origin, Subject};
use super::statements::Role;
use super::synonyms::likeness;
use crate::quest::expr::{Compare, Init};
use crate::quest::level::Level;

/// A number that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Counted<'l> {
    /// The fluent shall compare so at the end.
    Wanted(&'l str, Compare, i64),
    /// The fluent has this value at the start.
    Given(&'l str, i64),
    /// At most this many calls.
    Calls(u32),
}

/// Reads a number and takes the words that it used out of the clause.
pub(super) fn take<'l>(
    clause: &mut Clause,
    lexicon: &Lexicon<'l>,
    role: Role,
) -> Option<(Counted<'l>, f64)> {
    if let Some(calls) = most_calls(clause, role) {
        return Some((Counted::Calls(calls), 0.8));
    }
    // What something costs is a rule of the world.
    if clause.says(&["cost", "costs", "each", "per", "pay", "price", "takes"]) {
        return None;
    }
    let (fluent, score) = fluent(clause, lexicon)?;
    let value = match clause.words().find_map(|w| w.number) {
        Some(n) => n,
        None if lacks(clause, lexicon, fluent) => 0,
        None => return None,
    };
    let counted = counted(clause, lexicon.level, fluent, value, role)?;
    let keep = |word: &Word| word.number.is_none() && !names(lexicon, fluent, &word.stem);
    clause.elements.retain(|e| match e {
        Element::Word(word) => keep(word),
        Element::Thing(_) => true,
    });
    Some((counted, score))
}

/// `no tokens`, `without fuel`.
fn lacks(clause: &Clause, lexicon: &Lexicon<'_>, fluent: &str) -> bool {
    let words: Vec<&Word> = clause.words().collect();
    words.windows(2).any(|w| match w {
        [no, what] => {
            matches!(no.text.as_str(), "no" | "without") && names(lexicon, fluent, &what.stem)
        }
        _ => false,
    })
}

/// `in at most seven calls`, `within 7 steps`.
fn most_calls(clause: &Clause, role: Role) -> Option<u32> {
    let calls = ["calls", "call", "steps", "step", "actions", "action", "moves", "move"];
    let bound = clause.says(&["atmost", "within"]) || (role == Role::Goal && clause.says(&["in"]));
    let words: Vec<&Word> = clause.words().collect();
    let pair = words.windows(2).find_map(|w| match w {
        [n, unit] if calls.contains(&unit.text.as_str()) => u32::try_from(n.number?).ok(),
        _ => None,
    });
    pair.filter(|_| bound)
}

fn names(lexicon: &Lexicon<'_>, fluent: &str, stem: &str) -> bool {
    lexicon.phrases.iter().any(|p| {
        p.subject == Subject::Fluent(fluent)
            && p.origin == Origin::Name
            && p.words().any(|(word, _)| likeness(stem, word).is_some_and(|l| l > 0.5))
    })
}

/// The fluent that the clause names, and how well.
fn fluent<'l>(clause: &Clause, lexicon: &Lexicon<'l>) -> Option<(&'l str, f64)> {
    let mut best: Option<(&str, f64)> = None;
    for phrase in &lexicon.phrases {
        let Subject::Fluent(name) = phrase.subject else { continue };
        let (mut found, mut all) = (0.0, 0.0);
        for (word, weight) in phrase.words() {
            let like = clause.words().filter_map(|w| likeness(&w.stem, word)).fold(0.0, f64::max);
            found += weight * like;
            all += weight;
        }
        let score = match phrase.origin {
            Origin::Description => 0.6 * f64::min(found, 1.0),
            _ => 0.9 * found / f64::max(all, 1.0),
        };
        if score >= 0.45 && best.is_none_or(|(_, s)| score > s) {
            best = Some((name, score));
        }
    }
    best
}

fn counted<'l>(
    clause: &Clause,
    level: &Level,
    fluent: &'l str,
    value: i64,
    role: Role,
) -> Option<Counted<'l>> {
    let start = || {
        level.init.iter().find_map(|i| match i {
            Init::Number { fluent: f, value } if f == fluent => Some(*value),
            _ => None,
        })
    };
    let most = clause.says(&["atmost", "within", "maximum", "limit"]);
    let below = clause.says(&["below", "under"]);
    let spend = clause.words().any(|w| matches!(w.stem.as_str(), "spend" | "use" | "pay" | "cost"));
    if spend
        && (most || below)
        && let Some(start) = start()
    {
        return Some(Counted::Wanted(fluent, Compare::Ge, start - value + i64::from(below)));
    }
    let keeps = ["keep", "leav", "remain", "spar", "sav", "retain", "minimum", "preserv", "reserv"];
    let kept = clause.words().any(|w| keeps.contains(&w.stem.as_str()));
    let wanted = |compare, value| Some(Counted::Wanted(fluent, compare, value));
    match () {
        // Outside a wish this tells how much there is.
        () if most || below => {
            let most = value - i64::from(!most);
            (role == Role::Goal).then_some(Counted::Wanted(fluent, Compare::Le, most))
        }
        () if clause.says(&["above", "over"]) => wanted(Compare::Ge, value + 1),
        () if clause.says(&["exactly", "precisely"]) => wanted(Compare::Eq, value),
        () if clause.negated() && value == 0 => wanted(Compare::Le, 0),
        () if kept || clause.says(&["atleast"]) => wanted(Compare::Ge, value),
        () if clause.says(&["for"]) => None,
        () => Some(Counted::Given(fluent, value)),
    }
}
