//! How well a phrase and a clause match, by their words alone.

use super::clauses::{Clause, Element};
use super::lexicon::{Lexicon, Origin, Part, Phrase, weight};
use super::synonyms::likeness;
use super::words::{negation, preposition};

/// How much must be in common for a clause and a phrase to be compared at all.
const LEAST_FOUND: f64 = 0.31;
/// Share of a clause that a phrase of small words alone must explain.
const LEAST_EXPLAINED: f64 = 0.5;

/// How well a phrase and a clause match.
#[derive(Debug)]
pub(super) struct Fit {
    /// Share of the phrase's words that the clause has.
    pub cover: f64,
    /// Share of the clause's telling words that the phrase has.
    pub explained: f64,
    /// Whether an opposite was said.
    pub denied: bool,
    /// Stems of the clause that matched.
    pub used: Vec<String>,
    /// Whether the words and arguments come in the order of the phrase.
    ordered: bool,
    described: bool,
}

impl Fit {
    /// With this share of the clause explained besides.
    pub(super) fn with(mut self, besides: f64) -> Self {
        self.explained = f64::min(1.0, self.explained + besides);
        self
    }

    /// One number for all of it, 0 to 1. The words of a description need not all be said.
    pub(super) fn quality(&self) -> f64 {
        let cover = if self.described { f64::max(self.cover, self.explained) } else { self.cover };
        let order = if self.ordered { 0.05 } else { 0.0 };
        f64::min(1.0, 0.6 * cover + 0.35 * self.explained + order)
    }
}

/// Compares a phrase with a clause; none where they have too little in common.
pub(super) fn fit(phrase: &Phrase<'_>, clause: &Clause, lexicon: &Lexicon<'_>) -> Option<Fit> {
    let mut matched = vec![0.0f64; clause.words().count()];
    let (mut found, mut all, mut denied) = (0.0, 0.0, false);
    for (word, weight) in phrase.words() {
        if negation(word) {
            // `nothing is owed on {0}`: the phrase turns the clause's own denial round.
            denied = !denied;
            if !clause.negated() {
                continue;
            }
        }
        all += weight;
        let likes =
            clause.words().enumerate().filter_map(|(i, w)| Some((i, likeness(&w.stem, word)?)));
        if let Some((i, like)) = likes.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())) {
            found += weight * like.abs();
            denied ^= like < 0.0;
            if let Some(slot) = matched.get_mut(i) {
                *slot = slot.max(like.abs());
            }
        }
    }
    if found < LEAST_FOUND || contrary(phrase, clause) {
        return None;
    }
    let (mut explained, mut telling) = (0.0, 0.0);
    for (word, matched) in clause.words().zip(&matched) {
        if word.tells(lexicon) || (preposition(&word.text) && !negation(&word.text)) {
            telling += weight(&word.text);
            explained += matched * weight(&word.text);
        }
    }
    let explained = if telling > 0.0 { explained / telling } else { found / all };
    if all < 1.0 && explained < LEAST_EXPLAINED {
        return None;
    }
    let used = clause.words().zip(&matched).filter(|(_, m)| **m > 0.0);
    Some(Fit {
        cover: found / all,
        explained,
        denied,
        used: used.map(|(w, _)| w.stem.clone()).collect(),
        ordered: ordered(phrase, clause),
        described: phrase.origin == Origin::Description,
    })
}

/// Whether one speaks of all and the other of some: `runs for a few users`, `runs for everybody`.
fn contrary(phrase: &Phrase<'_>, clause: &Clause) -> bool {
    let all = ["all", "every", "everybody", "everyon", "each"];
    let some = ["few", "some", "several"];
    let means = |set: &[&str]| phrase.words().any(|(w, _)| set.contains(&w));
    let says = |set: &[&str]| clause.words().any(|w| set.contains(&w.stem.as_str()));
    means(&all) && says(&some) || means(&some) && says(&all)
}

/// Whether the clause says the parts of the phrase in the phrase's order.
fn ordered(phrase: &Phrase<'_>, clause: &Clause) -> bool {
    let mut rest = clause.elements.iter();
    phrase.parts.iter().all(|part| match part {
        Part::Word(stem, _) => {
            rest.any(|e| matches!(e, Element::Word(w) if likeness(&w.stem, stem).is_some()))
        }
        Part::Slot(_) => rest.any(|e| matches!(e, Element::Thing(_))),
    })
}
