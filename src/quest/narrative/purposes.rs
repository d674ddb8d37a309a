//! From functions to facts: `polish j1` wants what polishing brings about.

use std::collections::BTreeSet;

use super::Basis;
use super::candidates::{Candidate, Context, Said};
use super::clauses::Clause;
use super::fit::fit;
use super::lexicon::{Origin, Subject};
use super::mentions::Thing;
use super::words::{pieces, stem};
use crate::quest::expr::{Change, Param};

/// What the words of a function's name and of its description are worth.
const NAME: f64 = 0.85;
const DESCRIPTION: f64 = 0.5;
/// How much of a name must be said, or of a clause explained, to read that something shall end.
const WHOLE: f64 = 0.9;

impl<'l> Context<'_, 'l> {
    /// The function that the clause names best, and what it is for.
    pub(super) fn function(&self, clause: &Clause) -> Option<Candidate<'l>> {
        let mut best: Option<Candidate<'l>> = None;
        for phrase in &self.lexicon.phrases {
            let Subject::Function(name) = phrase.subject else { continue };
            let Some(fit) = fit(phrase, clause, self.lexicon) else { continue };
            let (worth, share) = match phrase.origin {
                Origin::Description => (DESCRIPTION, fit.explained),
                Origin::Name | Origin::Says => (NAME, fit.cover),
            };
            let score = worth * fit.with(self.effects_said(name, clause)).quality();
            if best.as_ref().is_some_and(|b| score <= b.score) {
                continue;
            }
            let whole = share > WHOLE;
            let by_name = whole && phrase.origin == Origin::Name;
            best = self.achieved(name, phrase.params, clause, by_name).map(|mut found| {
                found.score = score;
                // Half a name is too little to read that something shall end.
                let ends = found.facts.iter().any(|said| said.denied);
                found.facts.retain(|_| whole || !ends);
                found
            });
        }
        best
    }

    /// Share of the clause's telling words that name what the function changes.
    fn effects_said(&self, name: &str, clause: &Clause) -> f64 {
        let Some(def) = self.lexicon.level.functions.get(name) else { return 0.0 };
        let changed = def.effects.0.iter().filter_map(|c| match c {
            Change::Add(atom) | Change::Delete(atom) => Some(stem(&atom.predicate)),
            Change::Increase { .. } | Change::Assign { .. } => None,
        });
        let changed: BTreeSet<String> = changed.collect();
        let (mut said, mut all) = (0.0, 0.0);
        for word in clause.content(self.lexicon) {
            all += 1.0;
            said += f64::from(u8::from(changed.contains(&word.stem)));
        }
        if all > 0.0 { said / all } else { 0.0 }
    }

    /// What the function brings about with the objects of the clause. None where one of these has
    /// no place among its parameters.
    fn achieved(
        &self,
        name: &'l str,
        params: &'l [Param],
        clause: &Clause,
        by_name: bool,
    ) -> Option<Candidate<'l>> {
        let given = self.given(params, clause)?;
        let value = |term: &String| match term.strip_prefix('?') {
            Some(var) => {
                let at = params.iter().position(|p| p.name == var)?;
                given.get(at)?.clone()
            }
            None => Some(Thing { objects: vec![(term.clone(), None)], every: false }),
        };
        let said = |predicate: &str| {
            let words = pieces(predicate, &BTreeSet::new());
            words.iter().any(|p| clause.words().any(|w| w.stem == stem(p)))
        };
        let purpose = self.lexicon.purpose(name, &|term| value(term).is_some());
        let named = purpose.iter().any(|(predicate, ..)| said(predicate));
        let mut facts = Vec::new();
        for (predicate, terms, denied) in purpose {
            // Where one of its facts is named, that one is meant; what concerns no object must be,
            // or else the whole function.
            let of_things = terms.iter().any(|t| t.starts_with('?'));
            let meant = said(predicate) || (!named && (of_things || (by_name && !denied)));
            let args: Option<Vec<Thing>> = terms.iter().map(&value).collect();
            facts.extend(args.filter(|_| meant).map(|args| Said { predicate, args, denied }));
        }
        let one = |thing: &Option<Thing>| {
            let (name, _) = thing.as_ref()?.objects.first()?;
            Some(name.clone())
        };
        let function = Some((name, given.iter().map(one).collect()));
        let (score, basis) = (0.0, Basis::Function);
        Some(Candidate { score, basis, facts, used: Vec::new(), function })
    }

    /// The objects of the clause as arguments: each goes to the first parameter that takes it.
    fn given(&self, params: &[Param], clause: &Clause) -> Option<Vec<Option<Thing>>> {
        let mut given: Vec<Option<Thing>> = vec![None; params.len()];
        for thing in clause.things() {
            let free = |(p, g): (&Param, &Option<Thing>)| g.is_none() && self.fits(thing, &p.kind);
            let at = params.iter().zip(&given).position(free)?;
            if let Some(slot) = given.get_mut(at) {
                *slot = Some(thing.clone());
            }
        }
        Some(given)
    }
}
