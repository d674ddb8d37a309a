//! What a clause may state: each predicate of the level is tried, the best one counts.

use super::Basis;
use super::arguments::MOST_THINGS;
use super::clauses::Clause;
use super::fit::fit;
use super::lexicon::{Lexicon, Origin, Subject};
use super::mentions::Thing;
use super::statements::Role;
use crate::quest::expr::Init;

/// How much of a phrase must be said where no object supports the reading.
const LEAST_COVER: f64 = 0.75;
/// Factor on the score of a goal that no function brings about.
const IMPOSSIBLE: f64 = 0.3;

/// A fact as it was said; arguments may be lists.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said<'l> {
    pub predicate: &'l str,
    pub args: Vec<Thing>,
    /// Whether the words themselves turn it round: `off` where the predicate is `on`.
    pub denied: bool,
}

/// A statement that a clause may make.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate<'l> {
    pub score: f64,
    pub basis: Basis,
    pub facts: Vec<Said<'l>>,
    /// Stems of the clause that it rests on.
    pub used: Vec<String>,
    /// The function whose words matched, with what is known of its arguments.
    pub function: Option<(&'l str, Vec<Option<String>>)>,
}

/// What clauses are read against.
#[derive(Debug)]
pub(super) struct Context<'x, 'l> {
    pub lexicon: &'x Lexicon<'l>,
    /// The statement before in the same sentence.
    pub before: Option<Said<'l>>,
}

impl<'l> Context<'_, 'l> {
    /// The predicate that the clause states best.
    pub(super) fn predicate(
        &self,
        clause: &Clause,
        role: Role,
        negated: bool,
    ) -> Option<Candidate<'l>> {
        let mut found: Vec<Candidate<'l>> = Vec::new();
        for phrase in &self.lexicon.phrases {
            let Subject::Predicate(predicate) = phrase.subject else { continue };
            let Some(fit) = fit(phrase, clause, self.lexicon) else { continue };
            if phrase.params.is_empty() && fit.cover < LEAST_COVER {
                continue;
            }
            let Some((args, price)) = self.arguments(phrase, clause, role) else { continue };
            let (worth, basis) = match phrase.origin {
                Origin::Says => (1.0, Basis::Says),
                Origin::Name => (0.9, Basis::Name),
                Origin::Description => (0.6, Basis::Description),
            };
            let score = worth * fit.quality() - price;
            let facts = vec![Said { predicate, args, denied: fit.denied }];
            found.push(Candidate { score, basis, facts, used: fit.used, function: None });
        }
        found.extend(self.carried(clause));
        if role == Role::Goal {
            found.extend(self.by_types(clause));
            let never = clause.says(&["never"]);
            found.iter_mut().for_each(|c| self.discount(c, negated, never));
        }
        // The first of equals: `says` before names, names before descriptions.
        found.into_iter().fold(None, |best: Option<Candidate<'l>>, c| match best {
            Some(b) if b.score >= c.score => Some(b),
            _ => Some(c),
        })
    }

    /// What no function brings about, and does not hold from the start, is hardly a goal. What
    /// must `never` be is one where a function could bring it about.
    fn discount(&self, candidate: &mut Candidate<'l>, negated: bool, never: bool) {
        let starts = |predicate: &str| {
            let fact = |i: &Init| matches!(i, Init::Fact(atom) if atom.predicate == predicate);
            self.lexicon.level.init.iter().any(fact)
        };
        let possible = candidate.facts.iter().all(|said| {
            let added = self.lexicon.added.contains_key(said.predicate);
            let removed = self.lexicon.removed.contains(said.predicate);
            if negated == said.denied {
                added || (removed && starts(said.predicate))
            } else {
                removed || (never && added)
            }
        });
        if !possible {
            candidate.score *= IMPOSSIBLE;
        }
    }

    /// `x1 belongs in r3, x2 in r4`: the predicate of the clause before, where the types agree.
    fn carried(&self, clause: &Clause) -> Option<Candidate<'l>> {
        let before = self.before.as_ref()?;
        let things: Vec<&Thing> = clause.things().take(MOST_THINGS).collect();
        if clause.finite() || clause.content(self.lexicon).next().is_some() || things.is_empty() {
            return None;
        }
        let params = &self.lexicon.level.predicates.get(before.predicate)?.params;
        let slots: Vec<usize> = (0..params.len()).collect();
        let (args, price) = self.place(params, &slots, &things, &[])?;
        let facts = vec![Said { args, ..before.clone() }];
        let (score, basis) = (0.7 - price, Basis::Carried);
        Some(Candidate { score, basis, facts, used: Vec::new(), function: None })
    }

    /// `x1 to r3`: the predicate that is wanted of objects of these types: the only one that fits,
    /// or the one that most functions bring about.
    fn by_types(&self, clause: &Clause) -> Option<Candidate<'l>> {
        let things: Vec<&Thing> = clause.things().take(MOST_THINGS).collect();
        let mut found = Vec::new();
        for (name, def) in &self.lexicon.level.predicates {
            let arity = def.params.len();
            let fits = (1..=things.len()).contains(&arity);
            let Some(&ways) = self.lexicon.added.get(name.as_str()).filter(|_| fits) else {
                continue;
            };
            let slots: Vec<usize> = (0..arity).collect();
            if let Some((args, _)) = self.place(&def.params, &slots, &things, &[]) {
                found.push((arity, ways, name.as_str(), args));
            }
        }
        // Those that use most of the objects come first.
        found.sort_by_key(|(arity, ways, ..)| std::cmp::Reverse((*arity, *ways)));
        let tied = matches!(found.as_slice(), [a, b, ..] if (a.0, a.1) == (b.0, b.1));
        let only = !matches!(found.as_slice(), [a, b, ..] if a.0 == b.0);
        let (_, _, predicate, args) = found.into_iter().next().filter(|_| !tied)?;
        let silent = clause.content(self.lexicon).next().is_none();
        let sure = match (only, silent) {
            (true, true) => 0.45,
            (true, false) => 0.35,
            (false, _) => 0.31,
        };
        let score = sure + if things.len() > 1 { 0.1 } else { 0.0 };
        // `No work is left on x1` says that x1 is done.
        let denied = clause.negated() && clause.says(&["left", "remains", "remain"]);
        let facts = vec![Said { predicate, args, denied }];
        Some(Candidate { score, basis: Basis::Types, facts, used: Vec::new(), function: None })
    }
}
