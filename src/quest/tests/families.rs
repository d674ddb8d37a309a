//! What the families are about: each has the structure that its name promises, measured with the
//! planner on drawn levels.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::quest::{
    Condition, Effects, Init, Level, Play, PredicateDef, SolveLimits, Split, Suite, World,
    plan_from, solve,
};

const LIMITS: SolveLimits = SolveLimits {
    greedy_states: 20_000,
    astar_states: 200_000,
    value_states: 1,
    ..SolveLimits::breadth_first(50_000)
};

/// Levels of all challenges of one level of a family.
fn drawn(family: &str, level: u32, n: usize) -> Vec<Level> {
    let suite = Suite::try_builtin().unwrap();
    let grades = suite.grades(family).into_iter().filter(|g| g.0 == level);
    grades.flat_map(|(l, c)| suite.draw(family, l, c, Split::Train, 31, n).unwrap()).collect()
}

fn min_calls(level: &Level) -> usize {
    level.reference.as_ref().unwrap().min_calls as usize
}

/// Fewest calls for the level with another goal or other functions; None where it has no solution.
fn calls_for(level: &Level) -> Option<usize> {
    solve(&World::ground(level).ok()?, &LIMITS).plan().map(Vec::len)
}

/// The play of the reference plan, from its start to its end.
fn along(level: &Level) -> Vec<Play> {
    let world = Arc::new(World::ground(level).unwrap());
    let mut plays = vec![Play::new(world, 0)];
    for step in &level.reference.as_ref().unwrap().plan {
        let mut next = plays[plays.len() - 1].clone();
        let call = next.world().call_by_name(step).unwrap();
        next.step(call).unwrap();
        plays.push(next);
    }
    plays
}

/// The level as it stands in a play, with this goal alone.
fn goes_on(play: &Play, goal: &Condition) -> Level {
    let world = play.world();
    let mut level = world.level().clone();
    let is_true = |id: usize| play.is_true(u32::try_from(id).unwrap());
    let facts = world.facts().iter().enumerate().filter(|(id, _)| is_true(*id));
    let all = facts.map(|(_, fact)| fact).chain(world.constants());
    level.init = all.map(|fact| fact.name.parse::<Init>().unwrap()).collect();
    for (i, fluent) in world.fluents().iter().enumerate() {
        if level.fluents.contains_key(&fluent.name) {
            let (fluent, value) = (fluent.name.clone(), play.fluent(i));
            level.init.push(Init::Number { fluent, value });
        }
    }
    level.goal = goal.clone();
    level
}

/// Calls of a player who wins one part of the goal after the other, each in the fewest calls.
fn one_by_one(level: &Level) -> usize {
    let mut play = Play::new(Arc::new(World::ground(level).unwrap()), 0);
    for test in &level.goal.0 {
        let part = goes_on(&play, &Condition(vec![test.clone()]));
        let world = Arc::new(World::ground(&part).unwrap());
        for call in plan_from(&Play::new(Arc::clone(&world), 0), &LIMITS).unwrap() {
            let name = &world.calls()[call as usize].name;
            play.step(play.world().call_by_name(name).unwrap()).unwrap();
        }
    }
    play.history().len()
}

#[test]
fn refinery_goals_share_what_they_are_made_of() {
    let levels = drawn("refinery", 4, 6);
    let (mut shared, mut planned) = (0, 0);
    for level in &levels {
        let alone = |test| {
            let mut alone = level.clone();
            alone.goal = Condition(vec![test]);
            calls_for(&alone).unwrap()
        };
        let apart: usize = level.goal.0.iter().cloned().map(alone).sum();
        shared += usize::from(apart > min_calls(level));
        planned += usize::from(one_by_one(level) > min_calls(level));
    }
    assert!(shared * 10 >= levels.len() * 8, "{shared} of {} share", levels.len());
    assert!(planned * 4 >= levels.len(), "order matters in {planned} of {}", levels.len());
}

#[test]
fn migration_takes_down_what_must_run_in_the_end() {
    let levels = drawn("migration", 4, 4);
    let falls = |level: &Level| {
        let progress: Vec<f64> = along(level).iter().map(Play::goal_progress).collect();
        progress.windows(2).any(|pair| pair[1] < pair[0])
    };
    let falling = levels.iter().filter(|level| falls(level)).count();
    assert!(falling * 10 >= levels.len() * 9, "{falling} of {}", levels.len());
}

/// The level in which nothing else is done while a call runs on a runner.
fn without_overlap(level: &Level) -> Level {
    let mut level = level.clone();
    level.predicates.insert("busy".to_owned(), PredicateDef::default());
    for function in level.functions.values_mut() {
        let on_runner = function.params.iter().any(|p| p.kind == "runner");
        function.pre.0.extend("not busy".parse::<Condition>().unwrap().0);
        if on_runner {
            function.at_start.0.extend("busy".parse::<Effects>().unwrap().0);
            function.effects.0.extend("not busy".parse::<Effects>().unwrap().0);
        }
    }
    level
}

#[test]
fn rollout_passes_without_overlap_but_not_in_the_fewest_calls() {
    let levels = drawn("rollout", 4, 3);
    let (mut efficiency, mut overlapping) = (0.0, 0);
    for level in &levels {
        let apart = calls_for(&without_overlap(level)).unwrap();
        assert!(apart <= level.limits.max_calls as usize, "{}", level.id);
        efficiency += min_calls(level) as f64 / apart as f64;
        let most = along(level).iter().map(|play| play.running().count()).max();
        overlapping += usize::from(most >= Some(2));
    }
    assert!(overlapping * 3 >= levels.len() * 2, "{overlapping} of {} overlap", levels.len());
    efficiency /= levels.len() as f64;
    assert!(efficiency < 0.9, "efficiency without overlap {efficiency}");
}

#[test]
fn dialogue_answers_are_new_objects_and_run_out() {
    let (mut spent, mut lost) = (0, 0);
    for level in drawn("dialogue", 3, 4) {
        let world = Arc::new(World::ground(&level).unwrap());
        let pool = level.functions["ask"].returns.as_ref().unwrap().pool.len();
        let mut play = Play::new(Arc::clone(&world), 0);
        let question = |play: &Play| {
            let asks = |c: &u32| world.calls()[*c as usize].name.starts_with("ask(");
            play.applicable().iter().copied().find(asks).filter(|_| play.calls_left() > 0)
        };
        // The same question again and again.
        let mut made = 0;
        while let Some(call) = question(&play) {
            made += 1;
            let answer = play.step(call).unwrap().returned.unwrap();
            assert_eq!(answer, format!("answer{made}"), "{}", level.id);
        }
        assert!(made <= pool, "{}", level.id);
        spent += usize::from(made == pool);
        lost += usize::from(made == pool && plan_from(&play, &LIMITS).is_none());
    }
    assert!(spent >= 6, "patience runs out in {spent}");
    assert!(lost * 10 >= spent * 8, "{lost} of {spent} are lost without it");
}

/// Numbers of the steps of the reference plan at which a call of the same function is forbidden,
/// and of those that were forbidden at the start.
fn conditions(level: &Level) -> (usize, usize) {
    let plays = along(level);
    let world = Arc::clone(plays[0].world());
    let (mut beside, mut before) = (0, 0);
    for (play, &(made, _)) in plays.iter().zip(plays[plays.len() - 1].history()) {
        let function = world.calls()[made as usize].function;
        let same = |&&c: &&u32| world.calls()[c as usize].function == function;
        let forbidden = |c: &u32| play.is_forbidden(*c);
        beside += usize::from(play.applicable().iter().filter(same).any(forbidden));
        before += usize::from(plays[0].is_applicable(made) && plays[0].is_forbidden(made));
    }
    (beside, before)
}

#[test]
fn guard_forbids_by_state_and_not_by_name() {
    let levels = drawn("guard", 4, 3);
    let all: Vec<(usize, usize)> = levels.iter().map(conditions).collect();
    let beside = all.iter().filter(|c| c.0 > 0).count();
    let before = all.iter().filter(|c| c.1 > 0).count();
    assert!(beside * 2 >= levels.len(), "the same function is right and wrong in {beside}");
    assert!(before * 2 > levels.len(), "what was forbidden becomes right in {before}");
}

/// From each of the sentences that say a result may be poor.
const TELLS_OF_POOR: [&str; 4] = [
    "then it has to be made again",
    "is of no use and must be redone",
    "nothing can follow until it is redone",
    "in 100 turn out poor",
];

#[test]
fn symphony_has_every_chance_that_it_tells_of() {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut together = 0;
    for level in drawn("symphony", 3, 12) {
        for function in level.functions.values() {
            let risks = function.outcomes.iter().skip(1);
            together += usize::from(risks.clone().count() > 1);
            risks.for_each(|o| *names.entry(o.name.clone()).or_default() += 1);
            let sum: f64 = function.outcomes.iter().map(|o| o.p).sum();
            assert!(function.outcomes.is_empty() || (sum - 1.0).abs() < 1e-9);
            assert!(function.outcomes.first().is_none_or(|o| o.p > 0.2), "{}", level.id);
        }
        let told = TELLS_OF_POOR.iter().any(|said| level.narrative.contains(said));
        let all = level.functions.values().flat_map(|f| &f.outcomes);
        let real = all.into_iter().any(|o| o.name == "poor");
        assert_eq!(told, real, "{}: {}", level.id, level.narrative);
    }
    for outcome in ["poor", "question", "timeout", "overtaken", "model_lost", "broken"] {
        assert!(names.contains_key(outcome), "{outcome} is never there: {names:?}");
    }
    assert!(together > 0, "no function has two risks");
}
