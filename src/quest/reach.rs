//! Relaxed reachability, and the pruned world that follows from it.

use std::collections::{BTreeMap, BTreeSet};

use super::expr::Compare;
use super::level::Level;
use super::raw::{Raw, RawCall, RawOutcome};
use super::world::{
    Call, CallId, Fact, FactId, GroundError, Index, NumChange, NumTest, Outcome, Rows, Start,
    World, list_bits, set_bit,
};

/// What can become true, false, or a value, if nothing that once held were ever lost.
pub(super) struct Reach {
    can_true: Vec<bool>,
    can_false: Vec<bool>,
    range: Vec<(i64, i64)>,
    calls: Vec<bool>,
}

impl Reach {
    pub(super) fn compute(raw: &Raw) -> Self {
        let is_init = |i: usize| raw.init.contains(&u32::try_from(i).unwrap_or(u32::MAX));
        let ticked = |min: i64, init: i64, ticks: bool| if ticks { min } else { init };
        let mut reach = Self {
            can_true: (0..raw.atoms.len()).map(is_init).collect(),
            can_false: (0..raw.atoms.len()).map(|i| !is_init(i)).collect(),
            range: raw.fluents.iter().map(|f| (ticked(f.min, f.init, f.ticks), f.init)).collect(),
            calls: vec![false; raw.calls.len()],
        };
        // Every round but the last reaches a new call, and ranges widen at once to their ends.
        loop {
            let before = reach.calls.iter().filter(|&&c| c).count();
            for (i, call) in raw.calls.iter().enumerate() {
                if reach.calls.get(i) == Some(&false) && reach.possible(call) {
                    reach.take(i, call, raw);
                }
            }
            if reach.calls.iter().filter(|&&c| c).count() == before {
                return reach;
            }
        }
    }

    fn literal(&self, id: u32, on: bool) -> bool {
        let side = if on { &self.can_true } else { &self.can_false };
        side.get(id as usize).copied().unwrap_or(false)
    }

    fn number(&self, test: &NumTest) -> bool {
        self.range.get(test.fluent).is_some_and(|&(low, high)| match test.compare {
            Compare::Ge => high >= test.value,
            Compare::Le => low <= test.value,
            Compare::Eq => low <= test.value && test.value <= high,
            Compare::Ne => low != test.value || high != test.value,
        })
    }

    fn possible(&self, call: &RawCall) -> bool {
        call.pre.iter().all(|&(id, on)| self.literal(id, on))
            && call.num.iter().all(|t| self.number(t))
    }

    fn take(&mut self, i: usize, call: &RawCall, raw: &Raw) {
        if let Some(reached) = self.calls.get_mut(i) {
            *reached = true;
        }
        for outcome in &call.outcomes {
            for &id in &outcome.add {
                if let Some(on) = self.can_true.get_mut(id as usize) {
                    *on = true;
                }
            }
            for &id in outcome.del.difference(&outcome.add) {
                if let Some(off) = self.can_false.get_mut(id as usize) {
                    *off = true;
                }
            }
            for effect in &outcome.num {
                let ends = raw.fluents.get(effect.fluent).map_or((0, 0), |f| (f.min, f.max));
                if let Some(range) = self.range.get_mut(effect.fluent) {
                    match effect.change {
                        NumChange::Add(by) if by > 0 => range.1 = ends.1,
                        NumChange::Add(by) if by < 0 => range.0 = ends.0,
                        NumChange::Add(_) => {}
                        NumChange::Set(to) => *range = (range.0.min(to), range.1.max(to)),
                    }
                }
            }
        }
    }
}

fn atom_name(raw: &Raw, atom: &(usize, Vec<usize>)) -> String {
    let predicate = raw.predicates.get(atom.0).map_or("", |p| p.name.as_str());
    if atom.1.is_empty() { predicate.to_owned() } else { named(raw, predicate, &atom.1) }
}

fn named(raw: &Raw, head: &str, args: &[usize]) -> String {
    let args: Vec<&str> =
        args.iter().map(|&a| raw.objects.get(a).map_or("", |(n, _)| n.as_str())).collect();
    format!("{head}({})", args.join(", "))
}

/// Refuses a level with a part of the goal that can never hold.
pub(super) fn check_goal(level: &Level, raw: &Raw, reach: &Reach) -> Result<(), GroundError> {
    let fail = |part: String| Err(GroundError::GoalUnreachable { level: level.id.clone(), part });
    for &(id, on) in &raw.goal {
        if !reach.literal(id, on) {
            let name = raw.atoms.get(id as usize).map(|a| atom_name(raw, a)).unwrap_or_default();
            return fail(if on { name } else { format!("not {name}") });
        }
    }
    for test in &raw.goal_num {
        if !reach.number(test) {
            let name = raw.fluents.get(test.fluent).map_or("", |f| f.name.as_str());
            return fail(format!("{name} {} {}", test.compare, test.value));
        }
    }
    for test in &level.goal.0 {
        if let super::expr::Test::Same { left, right, negated } = test
            && (left == right) == *negated
        {
            return fail(test.to_string());
        }
    }
    Ok(())
}

/// The pruned world.
pub(super) fn build(level: &Level, raw: Raw, reach: &Reach) -> World {
    let mut fact_ids: BTreeMap<u32, FactId> = BTreeMap::new();
    let mut facts = Vec::new();
    let mut constants = Vec::new();
    let mut init = Vec::new();
    for (i, atom) in (0u32..).zip(&raw.atoms) {
        let name = atom_name(&raw, atom);
        if reach.literal(i, true) && reach.literal(i, false) {
            let id = u32::try_from(facts.len()).unwrap_or(u32::MAX);
            fact_ids.insert(i, id);
            facts.push(Fact { name, predicate: atom.0, args: atom.1.clone() });
            if raw.init.contains(&i) {
                init.push(id);
            }
        } else if raw.init.contains(&i) {
            constants.push(name);
        }
    }
    constants.sort();
    let mut calls = Vec::new();
    for (i, call) in raw.calls.iter().enumerate() {
        if reach.calls.get(i) == Some(&true) {
            calls.push(kept_call(&raw, call, &fact_ids));
        }
    }
    let (goal_true, goal_false) = literals(&raw.goal, &fact_ids);
    let changes = |t: &NumTest| reach.range.get(t.fluent).is_some_and(|(low, high)| low != high);
    let goal_num = raw.goal_num.iter().filter(|t| changes(t)).copied().collect();
    let names = (0u32..).zip(&calls).map(|(i, c): (u32, &Call)| (c.name.clone(), i)).collect();
    let mut world = World {
        content: level.content_digest(),
        level: level.clone(),
        objects: raw.objects,
        predicates: raw.predicates,
        functions: raw.functions,
        fluents: raw.fluents,
        facts,
        calls,
        constants,
        init,
        goal_true,
        goal_false,
        goal_num,
        names,
        index: Index::default(),
    };
    world.index = index(&world);
    world
}

fn literals(pre: &[(u32, bool)], ids: &BTreeMap<u32, FactId>) -> (Vec<FactId>, Vec<FactId>) {
    let pick = |wanted: bool| {
        let kept = pre.iter().filter(|(_, on)| *on == wanted).filter_map(|(id, _)| ids.get(id));
        kept.copied().collect::<BTreeSet<_>>().into_iter().collect()
    };
    (pick(true), pick(false))
}

fn kept_call(raw: &Raw, call: &RawCall, ids: &BTreeMap<u32, FactId>) -> Call {
    let (pre_true, pre_false) = literals(&call.pre, ids);
    let function = raw.functions.get(call.function);
    let mut name = named(raw, function.map_or("", |f| f.name.as_str()), &call.args);
    if let Some((object, _)) = call.ret.and_then(|o| raw.objects.get(o)) {
        name.push_str("->");
        name.push_str(object);
    }
    Call {
        name,
        function: call.function,
        args: call.args.clone(),
        returns: call.ret,
        pre_true,
        pre_false,
        pre_num: call.num.clone(),
        outcomes: call.outcomes.iter().map(|o| kept_outcome(o, ids)).collect(),
        takes: 0,
        start_add: Vec::new(),
        start_del: Vec::new(),
        wait: false,
        forbidden: None,
        cost: function.map_or(1.0, |f| f.cost),
    }
}

fn kept_outcome(outcome: &RawOutcome, ids: &BTreeMap<u32, FactId>) -> Outcome {
    let keep = |id: &u32| ids.get(id).copied();
    let add: BTreeSet<FactId> = outcome.add.iter().filter_map(keep).collect();
    let del: BTreeSet<FactId> = outcome.del.difference(&outcome.add).filter_map(keep).collect();
    Outcome {
        name: outcome.name.clone(),
        p: outcome.p,
        add: add.into_iter().collect(),
        del: del.into_iter().collect(),
        num: outcome.num.clone(),
        left: None,
        quality: outcome.quality,
        failed: outcome.failed,
        returned: outcome.returned.clone(),
    }
}

fn index(world: &World) -> Index {
    let mut need_true = vec![Vec::new(); world.facts.len()];
    let mut need_false = vec![Vec::new(); world.facts.len()];
    let mut tests = vec![Vec::new(); world.fluents.len()];
    for (id, call) in (0u32..).zip(&world.calls) {
        wait(&mut need_true, &call.pre_true, id);
        wait(&mut need_false, &call.pre_false, id);
        for &test in &call.pre_num {
            if let Some(row) = tests.get_mut(test.fluent) {
                row.push((id, test));
            }
        }
    }
    let mut goal = vec![0; world.facts.len()];
    for (wanted, mark) in [(&world.goal_true, 1), (&world.goal_false, 2)] {
        for &fact in wanted {
            if let Some(slot) = goal.get_mut(fact as usize) {
                *slot = mark;
            }
        }
    }
    let ticking = world.fluents.iter().enumerate().filter(|(_, f)| f.ticks).map(|(i, _)| i);
    Index {
        need_true: Rows::new(&need_true),
        need_false: Rows::new(&need_false),
        tests: Rows::new(&tests),
        ticking: ticking.collect(),
        goal,
        start: start(world),
    }
}

fn wait(rows: &mut [Vec<CallId>], facts: &[FactId], call: CallId) {
    for &fact in facts {
        if let Some(row) = rows.get_mut(fact as usize) {
            row.push(call);
        }
    }
}

fn start(world: &World) -> Start {
    let mut bits = vec![0u64; world.facts.len().div_ceil(64)];
    for &fact in &world.init {
        set_bit(&mut bits, fact, true);
    }
    let fluents: Vec<i64> = world.fluents.iter().map(|f| f.init).collect();
    let on = |fact: FactId| super::world::bit(&bits, fact);
    let mut missing = Vec::with_capacity(world.calls.len());
    let mut open = vec![0u64; world.calls.len().div_ceil(64)];
    for (id, call) in (0u32..).zip(&world.calls) {
        let count = call.pre_true.iter().filter(|&&f| !on(f)).count()
            + call.pre_false.iter().filter(|&&f| on(f)).count()
            + call.pre_num.iter().filter(|t| !t.holds(&fluents)).count();
        missing.push(u32::try_from(count).unwrap_or(u32::MAX));
        set_bit(&mut open, id, count == 0);
    }
    let goal_missing = world.goal_true.iter().filter(|&&f| !on(f)).count()
        + world.goal_false.iter().filter(|&&f| on(f)).count()
        + world.goal_num.iter().filter(|t| !t.holds(&fluents)).count();
    let mut applicable = Vec::new();
    list_bits(&open, &mut applicable);
    Start {
        bits,
        fluents,
        missing,
        open,
        applicable,
        goal_missing: u32::try_from(goal_missing).unwrap_or(u32::MAX),
    }
}
