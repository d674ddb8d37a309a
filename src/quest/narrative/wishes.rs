//! How people say that something is wanted: `your task is to`, `you are done when`, `make sure`.

use super::words::{filler, preposition};

/// What a wording says about wanting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// It is wanted; the wish begins at the word of this number.
    Wanted(usize),
    /// It is said not to be wanted: `nobody asked for`.
    Unwanted,
}

/// Nouns for a wish; they count where the wish follows them (`the task is to`).
const NOUNS: [&str; 12] = [
    "goal",
    "goals",
    "objective",
    "aim",
    "mission",
    "task",
    "job",
    "assignment",
    "wish",
    "wishes",
    "target",
    "purpose",
];
/// Words that make a wish of any clause.
const PLAIN: [&str; 18] = [
    "stays",
    "stay",
    "must",
    "should",
    "shall",
    "ensure",
    "please",
    "want",
    "wants",
    "wanted",
    "supposed",
    "finally",
    "eventually",
    "expected",
    "desired",
    "wish",
    "due",
    "let's",
];
/// Verbs that say of their subject how it must be.
pub(super) const MODALS: [&str; 3] = ["must", "should", "shall"];
/// Verbs of asking; `not asked for` says that it is not wanted.
const ASKED: [&str; 6] = ["asked", "required", "requested", "needed", "ordered", "demanded"];
/// Verbs that are a wish where people are their subject.
const FELT: [&str; 6] = ["need", "needs", "hope", "like", "expect", "require"];
const PEOPLE: [&str; 6] = ["we", "i", "you", "they", "would", "customers"];
/// Words that say that all is done.
const DONE: [&str; 8] =
    ["done", "finished", "complete", "completed", "over", "satisfied", "happy", "accomplished"];
/// Words after which the wish itself begins.
const LINKS: [&str; 14] = [
    "to", "that", "when", "once", "if", "as", "must", "ensure", "is", "are", "be", "you", "us",
    "please",
];

/// What a wording says about wanting, if anything.
pub(super) fn wish(words: &[&str]) -> Option<Wish> {
    let at = |i: usize| words.get(i).copied().unwrap_or("");
    let nobody = words.iter().any(|w| matches!(*w, "nobody" | "noone"));
    for (i, word) in words.iter().enumerate() {
        let before = i.checked_sub(1).map_or("", at);
        if ASKED.contains(word)
            && (matches!(before, "is" | "are" | "was" | "were" | "be") || nobody)
        {
            return Some(if nobody { Wish::Unwanted } else { Wish::Wanted(i) });
        }
        if ASKED.contains(word) && before == "not" || (FELT.contains(word) && nobody) {
            return Some(Wish::Unwanted);
        }
        let noun = NOUNS.contains(word)
            && matches!(at(i + 1), "is" | "are" | "was" | "must" | "to" | "that" | "" | "of");
        let done =
            DONE.contains(word) && matches!(at(i + 1), "when" | "once" | "if" | "as" | "only");
        let earlier = i.checked_sub(2).map_or("", at);
        let felt = FELT.contains(word) && [before, earlier].iter().any(|w| PEOPLE.contains(w));
        // `It can stay so` asks for nothing.
        let allowed = matches!(before, "can" | "may" | "might");
        // `What the customer wants` says nothing of what that is.
        let open = matches!(*word, "want" | "wants") && at(i + 1).is_empty();
        if (PLAIN.contains(word) && !allowed && !open) || noun || done || felt {
            return Some(Wish::Wanted(i));
        }
    }
    None
}

/// How many words stand before what is wanted, given the words before the first object. Small
/// words go on with the wording; the first other one begins the wish.
pub(super) fn head(words: &[&str]) -> usize {
    let Some(Wish::Wanted(from)) = wish(words) else { return 0 };
    if words.get(from).is_some_and(|w| matches!(*w, "finally" | "eventually")) {
        return 0;
    }
    let mut end = from + 1;
    for (at, word) in words.iter().enumerate().skip(from + 1) {
        let asks = at == from + 1 && *word == "for";
        if LINKS.contains(word) || asks {
            end = at + 1;
        } else if !(filler(word) || preposition(word)) {
            break;
        }
    }
    end
}
