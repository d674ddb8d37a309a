//! How far a state is from the goal when nothing is ever lost: the delete relaxation of a world as
//! agents are told it.
//!
//! Costs add up over conditions (hadd: Bonet and Geffner, "Planning as heuristic search", AIJ
//! 2001). From the open parts of the goal the cheapest supporters are followed back, all of them
//! where several are equally cheap, so that nothing depends on the order of facts and calls. The
//! supporters that can be made now are the helpful actions of FF (Hoffmann and Nebel, JAIR 2001).
//! Messages of the network travel a few rounds; these marks travel any distance.

use std::collections::BTreeMap;

use crate::quest::{Call, CallId, Compare, FactId, NumChange, NumTest, Play, World};

/// Number of a proposition: two literals for each fact, then the numeric tests.
pub(super) type Prop = u32;

/// What a call brings about: a proposition, and for a numeric test by how much a call moves the
/// fluent (0: at once, whatever its value).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Gift {
    pub prop: Prop,
    pub step: i64,
}

/// The relaxation of a world. Made once, used for all its states.
#[derive(Debug)]
pub(super) struct Relaxation {
    pub(super) facts: usize,
    pub(super) tests: Vec<NumTest>,
    pub(super) needs: Vec<Vec<Prop>>,
    pub(super) gives: Vec<Vec<Gift>>,
    pub(super) needed_by: Vec<Vec<CallId>>,
    pub(super) given_by: Vec<Vec<(CallId, i64)>>,
    /// Per call: facts that it uses up and that no call brings back.
    pub(super) spends: Vec<Vec<FactId>>,
    pub(super) goal: Vec<Prop>,
    pub(super) wait: Option<CallId>,
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
        let lasting = |fact: &FactId| given_by[2 * *fact as usize].is_empty();
        let spends = world.calls().iter().map(|c| spends(world, c, &lasting)).collect();
        let mut aims = literals(goal.wanted, goal.unwanted);
        aims.extend(goal.num.iter().filter_map(number));
        let wait = world.calls().iter().position(|c| c.wait).map(|id| id as CallId);
        Some(Self { facts, tests, needs, gives, needed_by, given_by, spends, goal: aims, wait })
    }

    /// How often a call that moves the fluent by `step` must be made until the test holds.
    pub(super) fn times(&self, prop: Prop, step: i64, play: &Play) -> Option<u32> {
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
pub(super) fn lack(test: NumTest, value: i64) -> i64 {
    let by = test.value.saturating_sub(value);
    match test.compare {
        Compare::Ge => by.max(0),
        Compare::Le => by.min(0),
        Compare::Eq => by,
        Compare::Ne => i64::from(by == 0),
    }
}

pub(super) fn literals(on: &[FactId], off: &[FactId]) -> Vec<Prop> {
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

fn spends(world: &World, call: &Call, lasting: &dyn Fn(&FactId) -> bool) -> Vec<FactId> {
    let intended = world.told_outcomes(call).first();
    let gone = |fact: &&FactId| {
        intended.is_some_and(|o| o.del.binary_search(fact).is_ok())
            || world.told_start(call).1.binary_search(fact).is_ok()
    };
    call.pre_true.iter().filter(gone).filter(|fact| lasting(fact)).copied().collect()
}
