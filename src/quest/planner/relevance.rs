//! What can matter for the goal: a search leaves out the rest, and its minimum stays the same.
//!
//! A fact or fluent matters where the goal speaks of it, or a call that matters has it as a
//! condition. A call matters where it changes something that matters. Other calls can be dropped
//! from every plan without harm, save that they let time pass.

use std::collections::BTreeSet;

use crate::quest::expr::Compare;
use crate::quest::world::{Call, FactId, Guard, NumTest, Outcome, World};

/// When a call may be made: its conditions, and not where it is forbidden.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// Facts that must be true, sorted.
    pub on: Vec<FactId>,
    /// Facts that must be false, sorted.
    pub off: Vec<FactId>,
    pub num: Vec<NumTest>,
    /// Must not hold; it has at least two parts.
    pub never: Option<Guard>,
}

impl Terms {
    /// None where the call is forbidden everywhere. A guard of one part becomes a condition, its
    /// contrary.
    pub(super) fn of(call: &Call) -> Option<Self> {
        let mut terms = Self {
            on: call.pre_true.clone(),
            off: call.pre_false.clone(),
            num: call.pre_num.clone(),
            never: None,
        };
        let Some(guard) = &call.forbidden else { return Some(terms) };
        match (&guard.pre_true[..], &guard.pre_false[..], &guard.num[..]) {
            ([], [], []) => return None,
            ([fact], [], []) => insert(&mut terms.off, *fact),
            ([], [fact], []) => insert(&mut terms.on, *fact),
            ([], [], [test]) => terms.num.push(contrary(*test)),
            _ => terms.never = Some(guard.clone()),
        }
        Some(terms)
    }

    /// Facts that decide whether the call may be made.
    pub(super) fn facts(&self) -> impl Iterator<Item = &FactId> {
        let guard = self.never.iter().flat_map(|g| g.pre_true.iter().chain(&g.pre_false));
        self.on.iter().chain(&self.off).chain(guard)
    }

    /// Tests that decide whether the call may be made.
    fn tests(&self) -> impl Iterator<Item = &NumTest> {
        self.num.iter().chain(self.never.iter().flat_map(|g| &g.num))
    }

    fn is_free(&self) -> bool {
        self.facts().next().is_none() && self.tests().next().is_none()
    }
}

fn insert(facts: &mut Vec<FactId>, fact: FactId) {
    if let Err(at) = facts.binary_search(&fact) {
        facts.insert(at, fact);
    }
}

fn contrary(test: NumTest) -> NumTest {
    let (compare, value) = match test.compare {
        Compare::Ge => (Compare::Le, test.value - 1),
        Compare::Le => (Compare::Ge, test.value + 1),
        Compare::Eq => (Compare::Ne, test.value),
        Compare::Ne => (Compare::Eq, test.value),
    };
    NumTest { compare, value, ..test }
}

/// Facts that an outcome changes, at its start or its end.
pub(super) fn changed<'a>(
    call: &'a Call,
    outcome: &'a Outcome,
) -> impl Iterator<Item = &'a FactId> {
    let start = call.start_add.iter().chain(&call.start_del);
    start.chain(&outcome.add).chain(&outcome.del)
}

/// Facts, fluents and calls that can matter.
pub(super) struct Relevant {
    pub facts: BTreeSet<FactId>,
    pub fluents: BTreeSet<usize>,
    /// Ascending.
    pub calls: Vec<usize>,
}

impl Relevant {
    pub(super) fn compute(world: &World) -> Self {
        let mut relevant = Self {
            facts: world.goal_true().iter().chain(world.goal_false()).copied().collect(),
            fluents: world.goal_num().iter().map(|t| t.fluent).collect(),
            calls: Vec::new(),
        };
        let terms: Vec<Option<Terms>> = world.calls().iter().map(Terms::of).collect();
        let mut on = vec![false; terms.len()];
        let mut grown = true;
        while grown {
            grown = false;
            for ((slot, call), terms) in on.iter_mut().zip(world.calls()).zip(&terms) {
                if let Some(terms) = terms
                    && !*slot
                    && relevant.touched_by(call)
                {
                    *slot = true;
                    grown = true;
                    relevant.take(call, terms);
                }
            }
        }
        let ticks = |f: &usize| world.fluents().get(*f).is_some_and(|f| f.ticks);
        let takes = on.iter().zip(world.calls()).any(|(on, call)| *on && call.takes > 0);
        if takes || relevant.fluents.iter().any(ticks) {
            relevant.keep_waiting(world, &terms, &mut on);
        }
        relevant.calls = on.iter().enumerate().filter(|(_, on)| **on).map(|(i, _)| i).collect();
        relevant
    }

    fn touched_by(&self, call: &Call) -> bool {
        call.outcomes.iter().any(|o| {
            changed(call, o).any(|f| self.facts.contains(f))
                || o.num.iter().any(|e| self.fluents.contains(&e.fluent))
        })
    }

    fn take(&mut self, call: &Call, terms: &Terms) {
        self.facts.extend(terms.facts());
        self.fluents.extend(terms.tests().map(|t| t.fluent));
        self.fluents.extend(call.outcomes.iter().filter_map(|o| o.left));
    }

    /// Where a cooldown matters, waiting does: one call that is always possible stands for all
    /// ways of waiting, and where there is none every call is kept. Calls that take time let more
    /// time pass than they cost, so where there are any every call is kept.
    fn keep_waiting(&mut self, world: &World, terms: &[Option<Terms>], on: &mut [bool]) {
        if world.calls().iter().all(|c| c.takes == 0) {
            let free = |t: &Option<Terms>| t.as_ref().is_some_and(Terms::is_free);
            let idle = on.iter().zip(terms).position(|(on, terms)| !on && free(terms));
            if let Some(slot) = idle.and_then(|i| on.get_mut(i)) {
                *slot = true;
                return;
            }
        }
        for ((slot, call), terms) in on.iter_mut().zip(world.calls()).zip(terms) {
            if let Some(terms) = terms {
                *slot = true;
                self.take(call, terms);
            }
        }
    }
}
