//! A relaxed plan from a state: calls that would reach the goal if nothing ever became false
//! (Hoffmann and Nebel's FF, 2001). What a thoughtful player may consider at that moment.

use crate::quest::index::bit;
use crate::quest::play::Play;
use crate::quest::world::{Call, CallId, FactId, World};

const NEVER: u32 = u32::MAX;

/// Finds relaxed plans; its tables are reused from state to state.
#[derive(Debug)]
pub(super) struct Relaxed<'w> {
    world: &'w World,
    /// Per call: literals that it needs; [`NEVER`] where it is forbidden everywhere.
    need: Vec<u32>,
    /// Calls without conditions.
    free: Vec<CallId>,
    /// Per literal: the layer in which it comes up, and the call that brings it.
    layer: Vec<u32>,
    by: Vec<CallId>,
    left: Vec<u32>,
}

/// A fact, true or false, as one number.
fn literal(fact: FactId, on: bool) -> usize {
    fact as usize * 2 + usize::from(!on)
}

fn needs(call: &Call) -> impl Iterator<Item = usize> {
    let on = call.pre_true.iter().map(|&f| literal(f, true));
    on.chain(call.pre_false.iter().map(|&f| literal(f, false)))
}

impl<'w> Relaxed<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let mut need = Vec::with_capacity(world.calls().len());
        let mut free = Vec::new();
        for (id, call) in (0u32..).zip(world.calls()) {
            let never = call.forbidden.as_ref().is_some_and(|g| {
                g.pre_true.is_empty() && g.pre_false.is_empty() && g.num.is_empty()
            });
            let count = u32::try_from(needs(call).count()).unwrap_or(NEVER);
            need.push(if never { NEVER } else { count });
            if count == 0 && !never {
                free.push(id);
            }
        }
        let literals = world.facts().len() * 2;
        let (layer, by) = (vec![NEVER; literals], vec![NEVER; literals]);
        Self { world, need, free, layer, by, left: Vec::new() }
    }

    /// Calls of a relaxed plan from here, ascending; none where the goal is out of reach even so.
    /// Numeric conditions count as met, calls that take time as over at once.
    pub(super) fn plan(&mut self, play: &Play) -> Option<Vec<CallId>> {
        self.layer.fill(NEVER);
        self.left.clone_from(&self.need);
        let mut now = Vec::new();
        for fact in (0u32..).take(self.world.facts().len()) {
            self.reach(literal(fact, bit(play.bits(), fact)), 0, NEVER, &mut now);
        }
        for running in play.running() {
            self.bring(running.call, 0, NEVER, &mut now);
        }
        let mut depth = 0;
        let mut ready = self.free.clone();
        while !self.goals().all(|l| self.layer.get(l).is_some_and(|&d| d != NEVER)) {
            self.open(&now, &mut ready);
            now.clear();
            depth += 1;
            for call in std::mem::take(&mut ready) {
                self.bring(call, depth, call, &mut now);
            }
            if now.is_empty() {
                return None;
            }
        }
        Some(self.extract())
    }

    fn goals(&self) -> impl Iterator<Item = usize> + use<'w> {
        let world = self.world;
        let on = world.goal_true().iter().map(|&f| literal(f, true));
        on.chain(world.goal_false().iter().map(|&f| literal(f, false)))
    }

    fn reach(&mut self, l: usize, depth: u32, by: CallId, now: &mut Vec<usize>) {
        if let (Some(layer), Some(slot)) = (self.layer.get_mut(l), self.by.get_mut(l))
            && *layer == NEVER
        {
            (*layer, *slot) = (depth, by);
            now.push(l);
        }
    }

    fn bring(&mut self, call: CallId, depth: u32, by: CallId, now: &mut Vec<usize>) {
        let world = self.world;
        let Some(call) = world.calls().get(call as usize) else { return };
        for outcome in &call.outcomes {
            for &fact in outcome.add.iter().chain(&call.start_add) {
                self.reach(literal(fact, true), depth, by, now);
            }
            for &fact in outcome.del.iter().chain(&call.start_del) {
                self.reach(literal(fact, false), depth, by, now);
            }
        }
    }

    /// Adds the calls whose last missing literal has come up.
    fn open(&mut self, now: &[usize], ready: &mut Vec<CallId>) {
        let world = self.world;
        for &l in now {
            let on = u32::from(l % 2 == 0);
            let row = world.index.waiting.row(l / 2).iter().filter(|&&wait| wait % 2 == on);
            for call in row.map(|wait| wait / 2) {
                if let Some(left) = self.left.get_mut(call as usize).filter(|n| **n != NEVER) {
                    *left -= 1;
                    if *left == 0 {
                        ready.push(call);
                    }
                }
            }
        }
    }

    fn extract(&self) -> Vec<CallId> {
        let mut plan = Vec::new();
        let mut open: Vec<usize> = self.goals().collect();
        let mut seen = vec![false; self.layer.len()];
        while let Some(l) = open.pop() {
            let by = self.by.get(l).copied().unwrap_or(NEVER);
            let new = seen.get_mut(l).is_some_and(|s| !std::mem::replace(s, true));
            if !new || self.layer.get(l) == Some(&0) || by == NEVER {
                continue;
            }
            plan.push(by);
            if let Some(call) = self.world.calls().get(by as usize) {
                open.extend(needs(call));
            }
        }
        plan.sort_unstable();
        plan.dedup();
        plan
    }
}
