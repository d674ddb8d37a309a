//! Which calls of an episode the goal rests on: those that brought about what a later call of the
//! kind needed, or what the goal asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::quest::expr::Compare;
use crate::quest::play::Play;
use crate::quest::world::{Call, CallId, FactId, Guard, NumTest, World};

/// The steps of an episode as they are made, with what each rests on.
#[derive(Debug)]
struct Causes {
    /// Per fact: the steps that made it what it is now.
    facts: Vec<Vec<usize>>,
    /// Per fluent: the steps that changed it, each with by how much.
    fluents: Vec<Vec<(usize, i64)>>,
    /// Per running call: the step that started it.
    started: BTreeMap<CallId, usize>,
    /// Per step: the steps that it rests on.
    links: Vec<Vec<usize>>,
}

/// A state of an episode.
#[derive(Debug, Clone, PartialEq)]
struct State {
    bits: Vec<u64>,
    fluents: Vec<i64>,
}

impl State {
    fn of(play: &Play) -> Self {
        Self { bits: play.bits().to_vec(), fluents: play.fluents().to_vec() }
    }
}

/// Per step of an episode that reached the goal: whether the goal rests on it. What only led back
/// to where the episode had been before is no part of what the goal rests on.
pub(super) fn needed(world: &Arc<World>, history: &[(CallId, usize)]) -> Vec<bool> {
    let mut out = vec![false; history.len()];
    let kept = without_loops(world, history);
    let mut play = Play::new(Arc::clone(world), 0);
    let mut causes = Causes::new(world);
    for &(call, outcome) in kept.iter().filter_map(|&step| history.get(step)) {
        let Some(detail) = world.calls().get(call as usize) else { return out };
        let before = State::of(&play);
        causes.before(&play, detail);
        if play.apply_logged(call, outcome).is_err() {
            return out;
        }
        causes.after(&play, call, &before);
    }
    for (step, needed) in kept.into_iter().zip(causes.needed(&play)) {
        if let Some(slot) = out.get_mut(step) {
            *slot = needed;
        }
    }
    out
}

/// The steps that are left where everything between a state and its return is cut out. They can
/// be made one after the other, and end in the same state.
fn without_loops(world: &Arc<World>, history: &[(CallId, usize)]) -> Vec<usize> {
    let mut play = Play::new(Arc::clone(world), 0);
    let mut steps = Vec::new();
    let mut states = vec![State::of(&play)];
    for (step, &(call, outcome)) in history.iter().enumerate() {
        if play.apply_logged(call, outcome).is_err() {
            break;
        }
        let state = State::of(&play);
        if let Some(at) = states.iter().position(|s| *s == state) {
            states.truncate(at + 1);
            steps.truncate(at);
        } else {
            states.push(state);
            steps.push(step);
        }
    }
    steps
}

impl Causes {
    fn new(world: &World) -> Self {
        Self {
            facts: vec![Vec::new(); world.facts().len()],
            fluents: vec![Vec::new(); world.fluents().len()],
            started: BTreeMap::new(),
            links: Vec::new(),
        }
    }

    /// Notes what the call that is about to be made rests on.
    fn before(&mut self, play: &Play, call: &Call) {
        let mut links = Vec::new();
        self.literals(call.pre_true.iter().chain(&call.pre_false), &mut links);
        for test in &call.pre_num {
            self.number(play, test, &mut links);
        }
        if let Some(guard) = &call.forbidden {
            self.avoided(play, guard, &mut links);
        }
        self.links.push(links);
    }

    /// Notes what the call brought about.
    fn after(&mut self, play: &Play, call: CallId, before: &State) {
        let step = self.links.len().saturating_sub(1);
        let finished: Vec<(CallId, usize)> = play.finished().map(|f| (f.call, f.outcome)).collect();
        for (fact, steps) in (0u32..).zip(&mut self.facts) {
            let was = crate::quest::index::bit(&before.bits, fact);
            if was != play.is_true(fact) {
                *steps = vec![step];
            }
        }
        let world = play.world();
        for (ended, outcome) in finished {
            let Some(start) = self.started.remove(&ended) else { continue };
            let detail = world.calls().get(ended as usize).and_then(|c| c.outcomes.get(outcome));
            for &fact in detail.iter().flat_map(|o| o.add.iter().chain(&o.del)) {
                if let Some(steps) = self.facts.get_mut(fact as usize) {
                    // The end needed the start, and that time passed.
                    *steps = (start..=step).collect();
                }
            }
        }
        if world.calls().get(call as usize).is_some_and(|c| c.takes > 0) {
            self.started.insert(call, step);
        }
        let values = before.fluents.iter().zip(play.fluents());
        for (changes, (old, new)) in self.fluents.iter_mut().zip(values) {
            if old != new {
                changes.push((step, new - old));
            }
        }
    }

    fn literals<'f>(&self, facts: impl Iterator<Item = &'f FactId>, links: &mut Vec<usize>) {
        for &fact in facts {
            links.extend(self.facts.get(fact as usize).into_iter().flatten());
        }
    }

    /// Steps without which the test would not hold.
    fn number(&self, play: &Play, test: &NumTest, links: &mut Vec<usize>) {
        let value = play.fluent(test.fluent);
        for &(step, by) in self.fluents.get(test.fluent).into_iter().flatten() {
            let helped = match test.compare {
                Compare::Ge | Compare::Le => !test.compare.holds(value - by, test.value),
                Compare::Eq | Compare::Ne => true,
            };
            if helped {
                links.push(step);
            }
        }
    }

    /// What keeps a guard from holding.
    fn avoided(&self, play: &Play, guard: &Guard, links: &mut Vec<usize>) {
        let off = guard.pre_true.iter().filter(|&&f| !play.is_true(f));
        let on = guard.pre_false.iter().filter(|&&f| play.is_true(f));
        self.literals(off.chain(on), links);
        for test in guard.num.iter().filter(|t| !t.holds(play.fluents())) {
            for &(step, _) in self.fluents.get(test.fluent).into_iter().flatten() {
                links.push(step);
            }
        }
    }

    /// Per step: whether the goal rests on it. The goal holds now.
    fn needed(&self, play: &Play) -> Vec<bool> {
        let world = play.world();
        let mut open = Vec::new();
        self.literals(world.goal_true().iter().chain(world.goal_false()), &mut open);
        for test in world.goal_num() {
            self.number(play, test, &mut open);
        }
        let mut needed = vec![false; self.links.len()];
        while let Some(step) = open.pop() {
            if let Some(slot) = needed.get_mut(step)
                && !std::mem::replace(slot, true)
            {
                open.extend(self.links.get(step).into_iter().flatten());
            }
        }
        needed
    }
}
