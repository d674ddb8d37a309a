//! How far a state is from the goal when nothing is ever lost: the delete relaxation of a world as
//! agents are told it.
//!
//! Costs add up over conditions (hadd: Bonet and Geffner, "Planning as heuristic search", AIJ
//! 2001). From the open parts of the goal the cheapest supporters are followed back, all of them
//! where several are equally cheap, so that nothing depends on the order of facts and calls. The
//! supporters that can be made now are the helpful actions of FF (Hoffmann and Nebel, JAIR 2001).
//! Messages of the network travel a few rounds; these marks travel any distance.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::quest::{Call, CallId, Compare, FactId, NumChange, NumTest, Play, World};

/// Cost of what cannot be reached.
pub(super) const NEVER: u32 = u32::MAX;
/// Sums of costs stay below this.
const MOST: u32 = 1 << 24;

/// Number of a proposition: two literals for each fact, then the numeric tests.
type Prop = u32;

/// What a call brings about: a proposition, and for a numeric test by how much a call moves the
/// fluent (0: at once, whatever its value).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Gift {
    prop: Prop,
    step: i64,
}

/// The relaxation of a world. Made once, used for all its states.
#[derive(Debug)]
pub(super) struct Relaxation {
    facts: usize,
    tests: Vec<NumTest>,
    needs: Vec<Vec<Prop>>,
    gives: Vec<Vec<Gift>>,
    needed_by: Vec<Vec<CallId>>,
    given_by: Vec<Vec<(CallId, i64)>>,
    goal: Vec<Prop>,
    wait: Option<CallId>,
}

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
}

impl Relaxation {
    /// None where an agent is not told enough: without the goal nothing is needed, and without
    /// effects nothing comes about.
    pub(super) fn new(world: &World) -> Option<Self> {
        if !world.tells_goal() || !world.tells_effects() {
            return None;
        }
        let goal = world.told_goal();
        let guards = world.calls().iter().filter_map(|c| c.forbidden.as_ref());
        let conditions = world.calls().iter().flat_map(|c| &c.pre_num);
        let mut tests: Vec<NumTest> = goal.num.iter().chain(conditions).copied().collect();
        tests.extend(guards.flat_map(|g| &g.num));
        tests.sort_unstable();
        tests.dedup();
        let facts = world.facts().len();
        let number = |t: &NumTest| Some((2 * facts + tests.binary_search(t).ok()?) as Prop);
        let needs: Vec<Vec<Prop>> = world.calls().iter().map(|c| needs(c, &number)).collect();
        let movers = movers(&tests, facts);
        let gives: Vec<Vec<Gift>> =
            world.calls().iter().map(|c| gives(world, c, &movers)).collect();
        let props = 2 * facts + tests.len();
        let (mut needed_by, mut given_by) = (vec![Vec::new(); props], vec![Vec::new(); props]);
        for (call, (needs, gives)) in (0u32..).zip(needs.iter().zip(&gives)) {
            for prop in needs {
                needed_by[*prop as usize].push(call);
            }
            for gift in gives {
                given_by[gift.prop as usize].push((call, gift.step));
            }
        }
        let mut aims = literals(goal.wanted, goal.unwanted);
        aims.extend(goal.num.iter().filter_map(number));
        let wait = world.calls().iter().position(|c| c.wait).map(|id| id as CallId);
        Some(Self { facts, tests, needs, gives, needed_by, given_by, goal: aims, wait })
    }

    /// Looks ahead from the present state.
    pub(super) fn outlook(&self, play: &Play) -> Outlook {
        let mut search = Search::new(self, play);
        search.explore();
        search.trace()
    }

    /// How often a call that moves the fluent by `step` must be made until the test holds.
    fn times(&self, prop: Prop, step: i64, play: &Play) -> Option<u32> {
        let Some(test) = (prop as usize).checked_sub(2 * self.facts) else { return Some(1) };
        let test = self.tests.get(test)?;
        let missing = lack(*test, play.fluent(test.fluent));
        if step == 0 || test.compare == Compare::Ne {
            return Some(1);
        }
        if missing.signum() != step.signum() {
            return None;
        }
        u32::try_from(missing.unsigned_abs().div_ceil(step.unsigned_abs())).ok()
    }
}

/// What a fluent must still change by for a test to hold; 0 where it holds.
fn lack(test: NumTest, value: i64) -> i64 {
    let by = test.value.saturating_sub(value);
    match test.compare {
        Compare::Ge => by.max(0),
        Compare::Le => by.min(0),
        Compare::Eq => by,
        Compare::Ne => i64::from(by == 0),
    }
}

fn literals(on: &[FactId], off: &[FactId]) -> Vec<Prop> {
    on.iter().map(|f| 2 * f).chain(off.iter().map(|f| 2 * f + 1)).collect()
}

/// A guard of one condition is a condition of its own: that it does not hold.
fn needs(call: &Call, number: &dyn Fn(&NumTest) -> Option<Prop>) -> Vec<Prop> {
    let mut needs = literals(&call.pre_true, &call.pre_false);
    needs.extend(call.pre_num.iter().filter_map(number));
    if let Some(guard) = &call.forbidden
        && guard.pre_true.len() + guard.pre_false.len() == 1
        && guard.num.is_empty()
    {
        needs.extend(literals(&guard.pre_false, &guard.pre_true));
    }
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// The tests of each fluent, as propositions.
fn movers(tests: &[NumTest], facts: usize) -> BTreeMap<usize, Vec<(Prop, NumTest)>> {
    let mut movers: BTreeMap<usize, Vec<(Prop, NumTest)>> = BTreeMap::new();
    for (prop, test) in ((2 * facts) as Prop..).zip(tests) {
        movers.entry(test.fluent).or_default().push((prop, *test));
    }
    movers
}

/// What a call brings about by its intended outcome, a call that takes time as if it ended at once.
fn gives(world: &World, call: &Call, movers: &BTreeMap<usize, Vec<(Prop, NumTest)>>) -> Vec<Gift> {
    let (start_add, start_del) = world.told_start(call);
    let mut props = literals(start_add, start_del);
    let intended = world.told_outcomes(call).first();
    let mut gifts = Vec::new();
    if let Some(outcome) = intended {
        props.extend(literals(&outcome.add, &outcome.del));
        for effect in &outcome.num {
            for (prop, test) in movers.get(&effect.fluent).into_iter().flatten() {
                gifts.extend(match effect.change {
                    NumChange::Add(n) if n != 0 => Some(Gift { prop: *prop, step: n }),
                    NumChange::Set(n) if lack(*test, n) == 0 => Some(Gift { prop: *prop, step: 0 }),
                    _ => None,
                });
            }
        }
    }
    gifts.extend(props.into_iter().map(|prop| Gift { prop, step: 0 }));
    gifts.sort_unstable();
    gifts.dedup();
    gifts
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
        let mut needed = vec![false; self.cost.len()];
        let mut rivals = vec![0; self.calls.len()];
        let mut stack = Vec::new();
        let mut need = |prop: Prop, stack: &mut Vec<Prop>| {
            if !std::mem::replace(&mut needed[prop as usize], true) {
                stack.push(prop);
            }
        };
        r.goal.iter().for_each(|p| need(*p, &mut stack));
        let (mut open, mut supporters) = (0, Vec::new());
        while let Some(prop) = stack.pop() {
            let cost = self.cost[prop as usize];
            if cost == 0 || cost == NEVER {
                continue;
            }
            open += 1;
            supporters.clear();
            supporters.extend(self.supporters(prop, cost));
            for &call in &supporters {
                let rival = &mut rivals[call as usize];
                let new = *rival == 0;
                *rival = if new {
                    supporters.len() as u32
                } else {
                    (*rival).min(supporters.len() as u32)
                };
                if new {
                    r.needs[call as usize].iter().for_each(|p| need(*p, &mut stack));
                }
            }
        }
        let goal_cost = |p: &&Prop| self.cost[**p as usize];
        let goals = r.goal.iter().filter(|p| goal_cost(p) > 0).count();
        let dead = r.goal.iter().any(|p| self.cost[*p as usize] == NEVER);
        let tests = r.tests.clone();
        Outlook {
            facts: r.facts,
            tests,
            cost: self.cost,
            needed,
            calls: self.calls,
            rivals,
            open,
            goals,
            dead,
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

/// What the running calls bring about at their ends, as far as it is intended.
fn pending(play: &Play) -> Vec<Prop> {
    let world = play.world();
    let ends = play.running().filter_map(|running| {
        let call = world.calls().get(running.call as usize)?;
        world.told_outcomes(call).first()
    });
    ends.flat_map(|outcome| literals(&outcome.add, &outcome.del)).collect()
}

impl Outlook {
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
