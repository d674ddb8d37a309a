//! The pruned world: what relaxed reachability leaves of a grounded level.

use std::collections::{BTreeMap, BTreeSet};

use super::index::Index;
use super::level::Level;
use super::raw::{Raw, RawCall, RawOutcome, RawTests};
use super::reach::{Reach, atom_name, named};
use super::world::{Call, Fact, FactId, Fluent, Guard, NumTest, Outcome, World};

/// The world of what can be reached.
pub(super) fn build(level: &Level, mut raw: Raw, reach: &Reach) -> World {
    let mut fact_ids: BTreeMap<u32, FactId> = BTreeMap::new();
    let mut facts = Vec::new();
    let mut constants = Vec::new();
    let mut init = Vec::new();
    for (i, atom) in (0u32..).zip(&raw.atoms) {
        let (predicate, args) = atom.clone();
        let fact = Fact { name: atom_name(&raw, atom), predicate, args };
        if reach.literal(i, true) && reach.literal(i, false) {
            let id = u32::try_from(facts.len()).unwrap_or(u32::MAX);
            fact_ids.insert(i, id);
            facts.push(fact);
            if raw.init.contains(&i) {
                init.push(id);
            }
        } else if raw.init.contains(&i) {
            constants.push(fact);
        }
    }
    constants.sort();
    let mut calls = Vec::new();
    for (i, call) in raw.calls.iter().enumerate() {
        if reach.calls.get(i) == Some(&true) {
            let kept = kept_call(&raw, call, reach, &fact_ids);
            let runs = call.running.and_then(|atom| fact_ids.get(&atom));
            if let Some(fact) = runs.and_then(|&id| facts.get_mut(id as usize)) {
                fact.name = format!("running({})", kept.name);
            }
            calls.push(kept);
        }
    }
    let first_left = count_down(&mut raw, &mut calls);
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
        running: raw.running,
        index: Index::default(),
    };
    world.index = Index::new(&world, first_left);
    world
}

/// Gives every outcome of a call that takes time its hidden counter of steps left, in ascending
/// order of call and outcome after all other fluents, and returns the number of the first one.
fn count_down(raw: &mut Raw, calls: &mut [Call]) -> usize {
    let first = raw.fluents.len();
    for call in calls.iter_mut().filter(|c| c.takes > 0) {
        for (i, outcome) in call.outcomes.iter_mut().enumerate() {
            outcome.left = Some(raw.fluents.len());
            let name = format!("left({}#{i})", call.name);
            let max = i64::from(call.takes);
            raw.fluents.push(Fluent { name, min: 0, max, init: 0, ticks: true });
        }
    }
    first
}

fn literals(pre: &[(u32, bool)], ids: &BTreeMap<u32, FactId>) -> (Vec<FactId>, Vec<FactId>) {
    let pick = |wanted: bool| {
        let kept = pre.iter().filter(|(_, on)| *on == wanted).filter_map(|(id, _)| ids.get(id));
        kept.copied().collect::<BTreeSet<_>>().into_iter().collect()
    };
    (pick(true), pick(false))
}

fn kept_call(raw: &Raw, call: &RawCall, reach: &Reach, ids: &BTreeMap<u32, FactId>) -> Call {
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
        takes: call.takes,
        start_add: kept_facts(call.start_add.iter(), ids),
        start_del: kept_facts(call.start_del.difference(&call.start_add), ids),
        wait: call.wait,
        forbidden: call.forbidden.as_ref().and_then(|tests| guard(tests, reach, ids)),
        cost: call.cost,
    }
}

/// None where the conditions can never hold together; those that always hold are dropped.
fn guard(tests: &RawTests, reach: &Reach, ids: &BTreeMap<u32, FactId>) -> Option<Guard> {
    let possible = tests.facts.iter().all(|&(id, on)| reach.literal(id, on))
        && tests.num.iter().all(|t| reach.number(t));
    if !possible {
        return None;
    }
    let (pre_true, pre_false) = literals(&tests.facts, ids);
    Some(Guard { pre_true, pre_false, num: tests.num.clone() })
}

fn kept_facts<'a>(
    atoms: impl Iterator<Item = &'a u32>,
    ids: &BTreeMap<u32, FactId>,
) -> Vec<FactId> {
    atoms.filter_map(|id| ids.get(id).copied()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn kept_outcome(outcome: &RawOutcome, ids: &BTreeMap<u32, FactId>) -> Outcome {
    Outcome {
        name: outcome.name.clone(),
        p: outcome.p,
        add: kept_facts(outcome.add.iter(), ids),
        del: kept_facts(outcome.del.difference(&outcome.add), ids),
        num: outcome.num.clone(),
        left: None,
        quality: outcome.quality,
        failed: outcome.failed,
        returned: outcome.returned.clone(),
    }
}
