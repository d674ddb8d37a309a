//! The part of an episode that changes: facts as bits, counters, applicable calls, and the trail
//! by which every step can be taken back.
//!
//! A step touches only the calls that wait for a changed fact, so its cost follows the effects
//! and not the size of the level. Nothing is allocated per step but the growth of the history.

use super::index::{Start, bit, list_bits, set_bit, short};
use super::world::{Call, CallId, FactId, NumChange, NumEffect, World};

/// The changing part of an episode. Two boards of one world are equal where everything that
/// happened and everything that can happen is equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Board {
    pub bits: Vec<u64>,
    pub fluents: Vec<i64>,
    /// Per call: conditions that do not hold.
    missing: Vec<u32>,
    /// Bit set of applicable calls.
    pub open: Vec<u64>,
    pub applicable: Vec<CallId>,
    pub goal_missing: u32,
    pub history: Vec<(CallId, usize)>,
    /// Numbers of the steps, from 1, that made a forbidden call.
    pub violations: Vec<u32>,
    /// Per step: lengths of the two trails before it.
    frames: Vec<(u32, u32)>,
    fact_trail: Vec<FactId>,
    /// Fluents that changed, and their values before.
    fluent_trail: Vec<(u32, i64)>,
}

impl Board {
    pub(super) fn new(start: &Start) -> Self {
        Self {
            bits: start.bits.clone(),
            fluents: start.fluents.clone(),
            missing: start.missing.clone(),
            open: start.open.clone(),
            applicable: start.applicable.clone(),
            goal_missing: start.goal_missing,
            history: Vec::new(),
            violations: Vec::new(),
            frames: Vec::new(),
            fact_trail: Vec::new(),
            fluent_trail: Vec::new(),
        }
    }

    /// Back to the start, without new allocations.
    pub(super) fn reset(&mut self, start: &Start) {
        self.bits.clone_from(&start.bits);
        self.fluents.clone_from(&start.fluents);
        self.missing.clone_from(&start.missing);
        self.open.clone_from(&start.open);
        self.applicable.clone_from(&start.applicable);
        self.goal_missing = start.goal_missing;
        self.history.clear();
        self.violations.clear();
        self.frames.clear();
        self.fact_trail.clear();
        self.fluent_trail.clear();
    }

    #[inline]
    pub(super) fn fluent(&self, fluent: usize) -> i64 {
        self.fluents.get(fluent).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn forbidden(&self, call: &Call) -> bool {
        call.forbidden.as_ref().is_some_and(|guard| guard.holds(&self.bits, &self.fluents))
    }

    /// Makes an applicable call. Time passes, then the call's own effects come, then those of the
    /// calls that end now, in ascending order of call and outcome.
    #[inline]
    pub(super) fn apply(&mut self, world: &World, id: CallId, drawn: usize) {
        let fluents_before = self.fluent_trail.len();
        self.frames.push((short(self.fact_trail.len()), short(fluents_before)));
        self.history.push((id, drawn));
        let index = &world.index;
        let Some(&slot) = index.slot(id, drawn) else { return };
        let steps = if slot.special { self.mark(world, id) } else { 1 };
        for &fluent in &index.ticking {
            self.tick(world, fluent, steps);
        }
        let ended = fluents_before..self.pass_running(world, steps);
        let moves = index.moves.get(slot.moves.0 as usize..slot.moves.1 as usize);
        for &change in moves.unwrap_or(&[]) {
            self.move_fact(world, change >> 1, change & 1 == 1);
        }
        let nums = index.nums.get(slot.nums.0 as usize..slot.nums.1 as usize);
        for &NumEffect { fluent, change } in nums.unwrap_or(&[]) {
            let value = match change {
                NumChange::Add(by) => self.fluent(fluent) + by,
                NumChange::Set(to) => to,
            };
            self.move_fluent(world, fluent, value);
        }
        if let Some(running) = world.running {
            self.end(world, running, ended);
        }
        list_bits(&self.open, &mut self.applicable);
    }

    /// Notes a forbidden call. Returns how much time passes with this one.
    fn mark(&mut self, world: &World, id: CallId) -> i64 {
        let Some(call) = world.calls.get(id as usize) else { return 1 };
        if self.forbidden(call) {
            self.violations.push(short(self.history.len()));
        }
        if call.wait { self.until_next_end(world) } else { 1 }
    }

    /// Takes the last step back. False where there is none.
    pub(super) fn undo(&mut self, world: &World) -> bool {
        let step = short(self.history.len());
        let (Some(_), Some((facts, fluents))) = (self.history.pop(), self.frames.pop()) else {
            return false;
        };
        if self.violations.last() == Some(&step) {
            self.violations.pop();
        }
        while self.fact_trail.len() > facts as usize {
            if let Some(fact) = self.fact_trail.pop() {
                let on = !bit(&self.bits, fact);
                self.flip(world, fact, on);
            }
        }
        while self.fluent_trail.len() > fluents as usize {
            if let Some((fluent, value)) = self.fluent_trail.pop() {
                self.set_fluent(world, fluent as usize, value);
            }
        }
        list_bits(&self.open, &mut self.applicable);
        true
    }

    /// Calls that run, each with its outcome and the steps that are left of it; ascending.
    pub(super) fn running(&self, world: &World) -> impl Iterator<Item = (CallId, usize, i64)> {
        let left = self.fluents.get(world.index.first_left..).unwrap_or(&[]);
        let ends = world.index.ends.iter().zip(left);
        ends.filter(|(_, left)| **left > 0).map(|(&(call, outcome), &left)| (call, outcome, left))
    }

    /// Calls that ended in the last step, each with its outcome; ascending.
    pub(super) fn finished(&self, world: &World) -> impl Iterator<Item = (CallId, usize)> {
        let from = self.frames.last().map_or(0, |&(_, fluents)| fluents as usize);
        (from..self.fluent_trail.len()).filter_map(|at| self.ended(world, at))
    }

    /// The end of a call for which this entry of the trail stands: its counter fell to 0. Within
    /// a step no counter both falls to 0 and starts anew, because a call that runs cannot start.
    fn ended(&self, world: &World, at: usize) -> Option<(CallId, usize)> {
        let &(fluent, before) = self.fluent_trail.get(at)?;
        let nth = (fluent as usize).checked_sub(world.index.first_left)?;
        if before == 0 || self.fluent(fluent as usize) != 0 {
            return None;
        }
        world.index.ends.get(nth).copied()
    }

    fn until_next_end(&self, world: &World) -> i64 {
        self.running(world).map(|(_, _, left)| left).min().unwrap_or(1)
    }

    #[inline]
    fn tick(&mut self, world: &World, fluent: usize, steps: i64) {
        let floor = world.fluents.get(fluent).map_or(0, |f| f.min);
        let value = self.fluent(fluent);
        if value > floor {
            self.move_fluent(world, fluent, (value - steps).max(floor));
        }
    }

    /// The counters of running calls fall. Returns the length of the trail after that.
    #[inline]
    fn pass_running(&mut self, world: &World, steps: i64) -> usize {
        if world.running.is_some_and(|running| self.fluent(running) > 0) {
            for fluent in world.index.first_left..self.fluents.len() {
                self.tick(world, fluent, steps);
            }
        }
        self.fluent_trail.len()
    }

    /// The effects of the calls that end, found in this part of the trail.
    fn end(&mut self, world: &World, running: usize, ended: std::ops::Range<usize>) {
        for at in ended {
            let Some((call, outcome)) = self.ended(world, at) else { continue };
            let call = world.calls.get(call as usize);
            let Some(outcome) = call.and_then(|c| c.outcomes.get(outcome)) else { continue };
            self.move_facts(world, &outcome.del, &outcome.add);
            self.move_fluent(world, running, self.fluent(running) - 1);
        }
    }

    #[inline]
    fn move_facts(&mut self, world: &World, del: &[FactId], add: &[FactId]) {
        for &fact in del {
            self.move_fact(world, fact, false);
        }
        for &fact in add {
            self.move_fact(world, fact, true);
        }
    }

    #[inline]
    fn move_fact(&mut self, world: &World, fact: FactId, on: bool) {
        if bit(&self.bits, fact) != on {
            self.fact_trail.push(fact);
            self.flip(world, fact, on);
        }
    }

    #[inline]
    fn flip(&mut self, world: &World, fact: FactId, on: bool) {
        set_bit(&mut self.bits, fact, on);
        for &need in world.index.waiting.row(fact as usize) {
            if (need & 1 == 1) == on {
                self.ease(need >> 1);
            } else {
                self.block(need >> 1);
            }
        }
        match world.index.goal.get(fact as usize) {
            Some(1) if on => self.goal_missing -= 1,
            Some(1) => self.goal_missing += 1,
            Some(2) if on => self.goal_missing += 1,
            Some(2) => self.goal_missing -= 1,
            _ => {}
        }
    }

    #[inline]
    fn ease(&mut self, call: CallId) {
        if let Some(missing) = self.missing.get_mut(call as usize) {
            *missing -= 1;
            if *missing == 0 {
                set_bit(&mut self.open, call, true);
            }
        }
    }

    #[inline]
    fn block(&mut self, call: CallId) {
        if let Some(missing) = self.missing.get_mut(call as usize) {
            if *missing == 0 {
                set_bit(&mut self.open, call, false);
            }
            *missing += 1;
        }
    }

    fn move_fluent(&mut self, world: &World, fluent: usize, value: i64) {
        let before = self.fluent(fluent);
        if before != value {
            self.fluent_trail.push((u32::try_from(fluent).unwrap_or(u32::MAX), before));
            self.set_fluent(world, fluent, value);
        }
    }

    fn set_fluent(&mut self, world: &World, fluent: usize, value: i64) {
        let Some(slot) = self.fluents.get_mut(fluent) else { return };
        let before = std::mem::replace(slot, value);
        for &(call, test) in world.index.tests.row(fluent) {
            match (test.compare.holds(before, test.value), test.compare.holds(value, test.value)) {
                (false, true) => self.ease(call),
                (true, false) => self.block(call),
                _ => {}
            }
        }
        for test in world.goal_num.iter().filter(|t| t.fluent == fluent) {
            match (test.compare.holds(before, test.value), test.compare.holds(value, test.value)) {
                (false, true) => self.goal_missing -= 1,
                (true, false) => self.goal_missing += 1,
                _ => {}
            }
        }
    }
}
