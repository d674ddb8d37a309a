//! The planner against a plain search with the engine itself, in thousands of random levels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::random::{self, Choices};
use crate::quest::planner::{Problem, search};
use crate::quest::{
    Atom, Init, Level, Play, Solution, SolveLimits, Term, VerifyError, World, certify, replay,
};

/// Most states of the plain search.
const PLAIN_STATES: usize = 3_000;

/// A random level in which most objects begin alike.
fn alike(bytes: &[u8]) -> Level {
    let mut level = random::level(bytes);
    let c = &mut Choices::new(bytes);
    let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
    level.objects.insert("thing".to_owned(), names(&["a", "b", "c", "n1", "n2"]));
    level.objects.insert("tool".to_owned(), names(&["t", "u", "v"]));
    level.init.retain(|i| matches!(i, Init::Number { .. }) || c.below(4) == 0);
    let things = ["a", "b", "c", "t", "u", "v"];
    let mut add = |predicate: &str, args: &[&str]| {
        let args = args.iter().map(|&a| Term::Object(a.to_owned())).collect();
        level.init.push(Init::Fact(Atom { predicate: predicate.to_owned(), args }));
    };
    let all = [c.below(2), c.below(2), c.below(2)];
    for (i, x) in things.iter().enumerate() {
        if all[0] == 1 {
            add("seen", &[x]);
        }
        for y in &things[3..] {
            if all[1] == 1 {
                add("near", &[x, y]);
            }
        }
        for y in &things[i..] {
            if all[2] == 1 {
                add("road", &[x, y]);
                add("road", &[y, x]);
            }
        }
    }
    let known: BTreeSet<String> = level.init.iter().map(ToString::to_string).collect();
    level.init = known.iter().map(|text| text.parse().unwrap()).collect();
    level
}

fn ground(level: Level) -> Option<Arc<World>> {
    World::ground(&level.normalised().ok()?).ok().map(Arc::new)
}

type State = (Vec<u64>, Vec<i64>);

fn state(play: &Play) -> State {
    (play.bits().to_vec(), play.fluents().to_vec())
}

/// Fewest calls and least cost by plain searches over the engine's own steps; None within where
/// there is no plan, None where there are too many states.
fn plain(world: &Arc<World>) -> Option<Option<(usize, f64)>> {
    let mut level = world.level().clone();
    level.limits.max_calls = 1_000_000;
    let world = Arc::new(World::ground(&level).unwrap());
    let start = Play::new(Arc::clone(&world), 0);
    let mut seen = BTreeSet::from([state(&start)]);
    let (mut now, mut depth, mut fewest) = (vec![start.clone()], 0, None);
    while !now.is_empty() && fewest.is_none() {
        let mut next = Vec::new();
        for play in now {
            if play.goal_achieved() {
                fewest = Some(depth);
                break;
            }
            next.extend(after(&play).into_iter().map(|(_, p)| p).filter(|p| seen.insert(state(p))));
        }
        if seen.len() > PLAIN_STATES {
            return None;
        }
        (now, depth) = (next, depth + 1);
    }
    let Some(fewest) = fewest else { return Some(None) };
    // Costs are multiples of a half here.
    let mut open = BTreeMap::from([((0u64, state(&start)), start)]);
    let mut done = BTreeSet::new();
    while let Some(((cost, at), play)) = open.pop_first() {
        if play.goal_achieved() {
            return Some(Some((fewest, cost as f64 / 2.0)));
        }
        if !done.insert(at) {
            continue;
        }
        if done.len() > PLAIN_STATES {
            return None;
        }
        for (price, next) in after(&play) {
            open.insert((cost + (price * 2.0) as u64, state(&next)), next);
        }
    }
    None
}

/// The episodes after every call that is not forbidden, with every outcome, and what it cost.
fn after(play: &Play) -> Vec<(f64, Play)> {
    let mut found = Vec::new();
    for &call in play.applicable().iter().filter(|&&c| !play.is_forbidden(c)) {
        let known = &play.world().calls()[call as usize];
        for (outcome, _) in known.outcomes.iter().enumerate().filter(|(_, o)| o.p > 0.0) {
            let mut next = play.clone();
            next.apply_logged(call, outcome).unwrap();
            found.push((known.cost, next));
        }
    }
    found
}

/// Ways to the same answer: breadth first, A* alone, and A* below a greedy plan.
fn ways() -> [SolveLimits; 3] {
    let states = 50_000;
    let none = SolveLimits::breadth_first(0);
    let astar = SolveLimits { astar_states: states, ..none };
    [SolveLimits::breadth_first(states), astar, SolveLimits { greedy_states: states, ..astar }]
}

/// Whether the plan is possible, makes no forbidden call, and meets the goal with its last call.
fn reaches(world: &Arc<World>, plan: &[(u32, usize)]) -> bool {
    let mut play = Play::new(Arc::clone(world), 0);
    plan.iter().all(|&(call, outcome)| {
        !play.goal_achieved()
            && !play.is_forbidden(call)
            && play.apply_logged(call, outcome).is_ok()
    }) && play.goal_achieved()
}

/// Compares every way with the plain search. False where the level is too large for that.
fn agree(world: &Arc<World>) -> bool {
    let Some(expected) = plain(world) else { return false };
    let problem = Problem::new(world);
    for problem in [problem.plain(), problem] {
        let start = problem.space.start(world);
        for limits in ways() {
            let solution = search(&problem, &start, &limits);
            match (&solution, expected) {
                (Solution::Proven { plan, .. }, Some((fewest, _))) => {
                    assert_eq!(plan.len(), fewest, "{limits:?}");
                    assert!(fewest > 30 || reaches(world, plan), "{limits:?}");
                }
                (Solution::Unsolvable { .. }, None) => {}
                _ => panic!("{solution:?} is not {expected:?} within {limits:?}"),
            }
        }
    }
    let certified = certify(world.level().clone(), &SolveLimits::default());
    match expected {
        None => assert!(matches!(certified, Err(VerifyError::Unsolvable { .. }))),
        Some((0, _)) => assert!(matches!(certified, Err(VerifyError::NoOpPasses { .. }))),
        Some((fewest, _)) if fewest > 30 => {}
        Some((fewest, least)) => {
            let level = certified.unwrap();
            let reference = level.reference.clone().unwrap();
            assert_eq!(reference.min_calls as usize, fewest);
            assert_eq!(reference.min_cost, Some(least));
            replay(&level).unwrap();
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_search_finds_the_plain_minimum(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(world) = ground(random::level(&bytes)) {
            agree(&world);
        }
    }

    #[test]
    fn every_search_finds_the_plain_minimum_among_objects_that_are_alike(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Some(world) = ground(alike(&bytes)) {
            agree(&world);
        }
    }
}
