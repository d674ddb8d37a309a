//! What can matter for the goal: a search leaves out the rest, and its minimum stays the same.
//!
//! A fact or fluent matters where the goal speaks of it, or a call that matters has it as a
//! condition. A call matters where it changes something that matters. Other calls can be dropped
//! from every plan without harm, save that they let time pass for cooldowns.

use std::collections::BTreeSet;

use super::world::{Call, FactId, World};

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
        let mut on = vec![false; world.calls().len()];
        let mut grown = true;
        while grown {
            grown = false;
            for (slot, call) in on.iter_mut().zip(world.calls()) {
                if !*slot && relevant.touched_by(call) {
                    *slot = true;
                    grown = true;
                    relevant.take(call);
                }
            }
        }
        let ticks = |f: &usize| world.fluents().get(*f).is_some_and(|f| f.ticks);
        if relevant.fluents.iter().any(ticks) {
            relevant.keep_waiting(world, &mut on);
        }
        relevant.calls = on.iter().enumerate().filter(|(_, on)| **on).map(|(i, _)| i).collect();
        relevant
    }

    fn touched_by(&self, call: &Call) -> bool {
        call.outcomes.iter().any(|o| {
            o.add.iter().chain(&o.del).any(|f| self.facts.contains(f))
                || o.num.iter().any(|e| self.fluents.contains(&e.fluent))
        })
    }

    fn take(&mut self, call: &Call) {
        self.facts.extend(call.pre_true.iter().chain(&call.pre_false));
        self.fluents.extend(call.pre_num.iter().map(|t| t.fluent));
    }

    /// Where a cooldown matters, waiting does: one call that is always possible stands for all
    /// ways of waiting, and where there is none every call is kept.
    fn keep_waiting(&mut self, world: &World, on: &mut [bool]) {
        let free =
            |c: &Call| c.pre_true.is_empty() && c.pre_false.is_empty() && c.pre_num.is_empty();
        let idle = on.iter().zip(world.calls()).position(|(on, call)| !on && free(call));
        if let Some(slot) = idle.and_then(|i| on.get_mut(i)) {
            *slot = true;
            return;
        }
        on.fill(true);
        for call in world.calls() {
            self.take(call);
        }
    }
}
