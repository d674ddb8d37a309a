//! Which of the objects that a clause speaks of goes into which argument: by order and type.

use super::candidates::Context;
use super::clauses::{Clause, Element};
use super::lexicon::Phrase;
use super::mentions::Thing;
use super::statements::Role;
use crate::quest::expr::Param;

/// Mentions of one clause that are tried as arguments.
pub(super) const MOST_THINGS: usize = 5;
/// Facts that one statement may stand for.
const MOST_FACTS: usize = 2000;

impl<'l> Context<'_, 'l> {
    /// Whether all that is mentioned can be of this type.
    pub(super) fn fits(&self, thing: &Thing, kind: &str) -> bool {
        let fits = |k: &str| self.lexicon.is_a(k, kind) || k == "object";
        thing.objects.iter().all(|(_, k)| k.as_deref().is_none_or(fits))
    }

    /// The arguments of a phrase, in the order of its parameters, and what their order costs.
    pub(super) fn arguments(
        &self,
        phrase: &Phrase<'l>,
        clause: &Clause,
        role: Role,
    ) -> Option<(Vec<Thing>, f64)> {
        let mut slots = phrase.slots();
        let passive = clause.says(&["by"]) && !phrase.words().any(|(w, _)| w == "by");
        if passive && slots.len() == 2 {
            slots.reverse();
        }
        let mut things: Vec<&Thing> = clause.things().take(MOST_THINGS).collect();
        let mut price = 0.0;
        if things.len() + 1 == slots.len()
            && clause.worded(self.lexicon)
            && let Some(subject) = self.before.as_ref().and_then(|said| said.args.first())
        {
            things.insert(0, subject);
            price = 0.05;
        }
        let only = if role == Role::Goal { self.only(phrase, &things) } else { None };
        if things.len() + 1 == slots.len()
            && clause.worded(self.lexicon)
            && let Some(one) = &only
        {
            things.push(one);
            price = 0.1;
        }
        let (args, order) = self.place(phrase.params, &slots, &things, &sides(clause))?;
        Some((args, price + order))
    }

    /// `Write the code` where there is one prompt: the only object that can be the argument which
    /// a clause leaves out.
    fn only(&self, phrase: &Phrase<'l>, things: &[&Thing]) -> Option<Thing> {
        let said = |kind: &str| things.iter().any(|t| self.fits(t, kind));
        let mut left = phrase.params.iter().filter(|p| !said(&p.kind));
        let (param, None) = (left.next()?, left.next()) else { return None };
        let mut all = self.lexicon.of_kind(&param.kind).into_iter();
        let ((name, kind), None) = (all.next()?, all.next()) else { return None };
        Some(Thing { objects: vec![(name, Some(kind))], every: false })
    }

    /// Puts things into slots so that the types fit, as near to the order of speech as can be.
    pub(super) fn place(
        &self,
        params: &[Param],
        slots: &[usize],
        things: &[&Thing],
        sides: &[bool],
    ) -> Option<(Vec<Thing>, f64)> {
        let spare = things.len().checked_sub(slots.len())?;
        if slots.len() != params.len() {
            return None;
        }
        let mut best: Option<(f64, Vec<usize>)> = None;
        for order in selections(things.len(), slots.len()) {
            let typed = order.iter().zip(slots).all(|(&t, &slot)| {
                let both = things.get(t).zip(params.get(slot));
                both.is_some_and(|(thing, param)| self.fits(thing, &param.kind))
            });
            if !typed {
                continue;
            }
            let turned = order.windows(2).filter(|w| w.first() > w.last()).count();
            let aside = order.iter().filter(|&&t| sides.get(t) == Some(&true)).count();
            let price = 0.1 * (turned + if spare > 0 { aside } else { 0 }) as f64;
            if best.as_ref().is_none_or(|(p, _)| price < *p) {
                best = Some((price, order));
            }
        }
        let (price, order) = best?;
        let mut args: Vec<Option<Thing>> = vec![None; params.len()];
        for (&t, &slot) in order.iter().zip(slots) {
            if let (Some(thing), Some(arg)) = (things.get(t), args.get_mut(slot)) {
                *arg = Some((*thing).clone());
            }
        }
        Some((args.into_iter().collect::<Option<Vec<Thing>>>()?, price + 0.05 * spare as f64))
    }
}

/// Per thing of the clause: whether `from`, `with` or `by` sets it aside.
fn sides(clause: &Clause) -> Vec<bool> {
    let mut before = "";
    let mut out = Vec::new();
    for element in &clause.elements {
        match element {
            Element::Word(word) => before = word.text.as_str(),
            Element::Thing(_) => {
                out.push(matches!(before, "from" | "with" | "by" | "using" | "via" | "through"));
                before = "";
            }
        }
    }
    out
}

/// All ways to choose `k` of `n` in some order, those nearest to the given order first.
fn selections(n: usize, k: usize) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new()];
    for _ in 0..k {
        let mut next = Vec::new();
        for prefix in &out {
            for i in (0..n).filter(|i| !prefix.contains(i)) {
                let mut longer = prefix.clone();
                longer.push(i);
                next.push(longer);
            }
        }
        out = next;
    }
    out
}

/// Each way to take one object for every argument; with `pairwise` the lists run side by side.
/// None where there are too many ways to be meant.
pub(super) fn spread(args: &[Thing], pairwise: bool) -> Option<Vec<Vec<String>>> {
    let longest = args.iter().map(|t| t.objects.len()).max().unwrap_or(0);
    let even = args.iter().all(|t| matches!(t.objects.len(), 1) || t.objects.len() == longest);
    if pairwise && even && longest > 1 {
        let pick = |t: &Thing, i: usize| {
            let (name, _) = t.objects.get(i).or_else(|| t.objects.first())?;
            Some(name.clone())
        };
        let row = |i| args.iter().filter_map(|t| pick(t, i)).collect();
        return Some((0..longest).map(row).collect());
    }
    let ways = args.iter().try_fold(1usize, |n, t| n.checked_mul(t.objects.len()))?;
    if ways > MOST_FACTS {
        return None;
    }
    let mut out = vec![Vec::new()];
    for thing in args {
        let longer = |prefix: &Vec<String>| {
            let prefix = prefix.clone();
            thing.objects.iter().map(move |(name, _)| {
                let mut next = prefix.clone();
                next.push(name.clone());
                next
            })
        };
        out = out.iter().flat_map(longer).collect::<Vec<_>>();
    }
    Some(out)
}
