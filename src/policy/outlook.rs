//! What the delete relaxation says of one state.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::relaxation::{Prop, Relaxation, lack, literals};
use crate::quest::{CallId, FactId, NumTest, Play};

/// Cost of what cannot be reached.
pub(super) const NEVER: u32 = u32::MAX;
/// Sums of costs stay below this.
const MOST: u32 = 1 << 24;

/// What the relaxation says of one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outlook {
    facts: usize,
    tests: Vec<NumTest>,
    cost: Vec<u32>,
    needed: Vec<bool>,
    /// Per call: what its conditions cost together, [`NEVER`] where they cannot be met.
    pub calls: Vec<u32>,
    /// Per call: among how many equally cheap ones it brings about something that is needed, in
    /// the best case; 0 where it brings about nothing that is.
    pub rivals: Vec<u32>,
    /// Propositions that are yet to come about.
    pub open: usize,
    /// Parts of the goal that do not hold.
    pub goals: usize,
    /// Some part of the goal cannot be reached.
    pub dead: bool,
    /// Propositions that come about only by using up what nothing brings back.
    pub demand: usize,
    /// What there is to use up for them, on the cheapest ways.
    pub supply: usize,
}

impl Outlook {
    /// Looks ahead from the present state.
    pub(super) fn of(relaxation: &Relaxation, play: &Play) -> Self {
        let mut search = Search::new(relaxation, play);
        search.explore();
        search.trace()
    }

    /// Of a fact: the cost of making it true where it is false, or false where it is true.
    pub(super) fn turning(&self, fact: FactId, holds: bool) -> u32 {
        self.cost.get(2 * fact as usize + usize::from(holds)).copied().unwrap_or(NEVER)
    }

    /// Calls on a cheapest way to the goal, ascending.
    pub(super) fn helpers(&self) -> impl Iterator<Item = CallId> {
        (0u32..).zip(&self.rivals).filter(|(_, rivals)| **rivals > 0).map(|(call, _)| call)
    }

    /// Whether the goal or a supporter needs the fact to be true, and to be false.
    pub(super) fn needed(&self, fact: FactId) -> [bool; 2] {
        let at = |side: usize| self.needed.get(2 * fact as usize + side).copied().unwrap_or(false);
        [at(0), at(1)]
    }

    /// Tests that the goal or a supporter needs and that do not hold yet, with what they cost.
    pub(super) fn open_tests(&self) -> impl Iterator<Item = (NumTest, u32)> {
        let first = 2 * self.facts;
        let marks = self.needed.iter().skip(first).zip(self.cost.iter().skip(first));
        let open =
            self.tests.iter().zip(marks).filter(|(_, (needed, cost))| **needed && **cost > 0);
        open.map(|(test, (_, cost))| (*test, *cost))
    }
}

/// The relaxation at work on one state.
struct Search<'a> {
    relaxation: &'a Relaxation,
    play: &'a Play,
    cost: Vec<u32>,
    calls: Vec<u32>,
    missing: Vec<u32>,
    /// What comes about when the running calls end.
    pending: Vec<Prop>,
    queue: BinaryHeap<Reverse<(u32, Prop)>>,
}

impl<'a> Search<'a> {
    fn new(relaxation: &'a Relaxation, play: &'a Play) -> Self {
        let r = relaxation;
        let mut cost = vec![NEVER; 2 * r.facts + r.tests.len()];
        for (fact, pair) in (0u32..).zip(cost.chunks_exact_mut(2).take(r.facts)) {
            pair[usize::from(!play.is_true(fact))] = 0;
        }
        for (test, cost) in r.tests.iter().zip(cost.iter_mut().skip(2 * r.facts)) {
            if test.holds(play.fluents()) {
                *cost = 0;
            }
        }
        Self {
            cost,
            calls: vec![0; r.needs.len()],
            missing: r.needs.iter().map(|n| n.len() as u32).collect(),
            pending: pending(play),
            queue: BinaryHeap::new(),
            relaxation,
            play,
        }
    }

    /// Costs of all propositions and calls, cheapest first.
    fn explore(&mut self) {
        let r = self.relaxation;
        if r.wait.is_some() {
            for prop in self.pending.clone() {
                self.reach(prop, 1);
            }
        }
        for (prop, calls) in self.passing() {
            self.reach(prop, calls);
        }
        for call in (0u32..).zip(&r.needs).filter(|(_, needs)| needs.is_empty()) {
            self.make(call.0);
        }
        for prop in 0..self.cost.len() {
            if self.cost[prop] == 0 {
                self.settle(prop as Prop, 0);
            }
        }
        while let Some(Reverse((cost, prop))) = self.queue.pop() {
            if self.cost[prop as usize] == cost {
                self.settle(prop, cost);
            }
        }
        for (cost, missing) in self.calls.iter_mut().zip(&self.missing) {
            if *missing > 0 {
                *cost = NEVER;
            }
        }
    }

    /// Tests that hold once a ticking counter has fallen, and after how many calls.
    fn passing(&self) -> Vec<(Prop, u32)> {
        let r = self.relaxation;
        let fluents = self.play.world().fluents();
        let first = (2 * r.facts) as Prop;
        let falls = |(prop, test): (Prop, &NumTest)| {
            fluents.get(test.fluent).filter(|f| f.ticks)?;
            let lack = lack(*test, self.play.fluent(test.fluent));
            (lack < 0).then_some((prop, u32::try_from(lack.unsigned_abs()).unwrap_or(MOST)))
        };
        (first..).zip(&r.tests).filter_map(falls).collect()
    }

    fn settle(&mut self, prop: Prop, cost: u32) {
        let r = self.relaxation;
        for &call in &r.needed_by[prop as usize] {
            let at = call as usize;
            self.calls[at] = (self.calls[at] + cost).min(MOST);
            self.missing[at] -= 1;
            if self.missing[at] == 0 {
                self.make(call);
            }
        }
    }

    fn make(&mut self, call: CallId) {
        let r = self.relaxation;
        let before = self.calls[call as usize];
        for gift in &r.gives[call as usize] {
            if self.cost[gift.prop as usize] > before
                && let Some(times) = r.times(gift.prop, gift.step, self.play)
            {
                self.reach(gift.prop, (before + times).min(MOST));
            }
        }
    }

    fn reach(&mut self, prop: Prop, cost: u32) {
        let known = &mut self.cost[prop as usize];
        if cost < *known {
            *known = cost;
            self.queue.push(Reverse((cost, prop)));
        }
    }

    /// Follows the cheapest supporters back from what the goal lacks.
    fn trace(self) -> Outlook {
        let r = self.relaxation;
        let cost_of = |prop: &Prop| self.cost[*prop as usize];
        let mut trace = Trace {
            needed: vec![false; self.cost.len()],
            rivals: vec![0; self.calls.len()],
            stack: Vec::new(),
            open: 0,
            demand: 0,
            supply: BTreeSet::new(),
        };
        r.goal.iter().for_each(|prop| trace.need(*prop));
        let mut supporters = Vec::new();
        while let Some(prop) = trace.stack.pop() {
            let cost = cost_of(&prop);
            if cost != 0 && cost != NEVER {
                supporters.clear();
                supporters.extend(self.supporters(prop, cost));
                trace.support(r, &supporters);
            }
        }
        Outlook {
            facts: r.facts,
            tests: r.tests.clone(),
            goals: r.goal.iter().filter(|prop| cost_of(prop) > 0).count(),
            dead: r.goal.iter().any(|prop| cost_of(prop) == NEVER),
            needed: trace.needed,
            rivals: trace.rivals,
            open: trace.open,
            demand: trace.demand,
            supply: trace.supply.len(),
            calls: self.calls,
            cost: self.cost,
        }
    }

    /// All calls that bring a proposition about at its cost.
    fn supporters(&self, prop: Prop, cost: u32) -> impl Iterator<Item = CallId> {
        let r = self.relaxation;
        let given = r.given_by[prop as usize].iter().filter(move |(call, step)| {
            let before = self.calls[*call as usize];
            let times = r.times(prop, *step, self.play);
            before != NEVER && times.is_some_and(|t| (before + t).min(MOST) == cost)
        });
        let waits = cost == 1 && self.pending.contains(&prop);
        given.map(|(call, _)| *call).chain(r.wait.filter(|_| waits))
    }
}

/// The way back from the goal.
struct Trace {
    needed: Vec<bool>,
    rivals: Vec<u32>,
    stack: Vec<Prop>,
    open: usize,
    demand: usize,
    supply: BTreeSet<FactId>,
}

impl Trace {
    fn need(&mut self, prop: Prop) {
        if !std::mem::replace(&mut self.needed[prop as usize], true) {
            self.stack.push(prop);
        }
    }

    /// Marks the calls that bring about something that is needed, and what they need in turn.
    fn support(&mut self, r: &Relaxation, supporters: &[CallId]) {
        self.open += 1;
        let rivals = supporters.len() as u32;
        for &call in supporters {
            let known = &mut self.rivals[call as usize];
            if *known == 0 {
                *known = rivals;
                r.needs[call as usize].iter().for_each(|prop| self.need(*prop));
            } else {
                *known = (*known).min(rivals);
            }
        }
        let spent = |call: &CallId| &r.spends[*call as usize];
        if !supporters.is_empty() && supporters.iter().all(|call| !spent(call).is_empty()) {
            self.demand += 1;
            self.supply.extend(supporters.iter().flat_map(spent));
        }
    }
}

/// What the running calls bring about at their ends, as far as it is intended.
fn pending(play: &Play) -> Vec<Prop> {
    let world = play.world();
    let ends = play.running().filter_map(|running| {
        let call = world.calls().get(running.call as usize)?;
        world.told_outcomes(call).first()
    });
    ends.flat_map(|outcome| literals(&outcome.add, &outcome.del)).collect()
}
