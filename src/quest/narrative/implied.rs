//! Functions that a clause names or paraphrases, whether or not it says what they bring about.

use std::collections::BTreeMap;

use super::clauses::Clause;
use super::lexicon::{Lexicon, Origin, Subject};
use super::synonyms::likeness;

/// Share of a name, by how much its words tell, that a clause must say.
const LEAST_SHARE: f64 = 0.5;
/// A verb that this many functions begin with tells little.
const COMMON_VERB: usize = 3;

/// Functions by name, each with the share of its name that the clause says.
///
/// A word tells the more the fewer functions have it in their name (inverse document frequency):
/// in an airline's functions `cancel` tells much and `reservation` little. The first word of a
/// name is its verb, and must be said unless it is common.
pub(super) fn implied<'l>(clause: &Clause, lexicon: &Lexicon<'l>) -> Vec<(&'l str, f64)> {
    let names: Vec<(&'l str, Vec<&str>)> = lexicon
        .phrases
        .iter()
        .filter(|p| p.origin == Origin::Name)
        .filter_map(|p| match p.subject {
            Subject::Function(name) => Some((name, p.words().map(|(w, _)| w).collect())),
            _ => None,
        })
        .collect();
    let mut in_names: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, words) in &names {
        for word in words {
            *in_names.entry(word).or_default() += 1;
        }
    }
    let count = |word: &str| in_names.get(word).copied().unwrap_or(1);
    let tells = |word: &str| (1.0 + names.len() as f64 / count(word) as f64).ln();
    let said = |word: &str| {
        let like = clause.words().filter_map(|w| likeness(&w.stem, word));
        like.fold(0.0, f64::max)
    };
    let mut out = Vec::new();
    for (name, words) in &names {
        let all: f64 = words.iter().map(|w| tells(w)).sum();
        let found: f64 = words.iter().map(|w| tells(w) * said(w)).sum();
        let verb = words.first().is_none_or(|v| said(v) > 0.0 || count(v) >= COMMON_VERB);
        if verb && found / all >= LEAST_SHARE {
            out.push((*name, found / all));
        }
    }
    out
}
