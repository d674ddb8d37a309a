//! The planner against a plain search with the engine itself, in thousands of random levels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::random::{self, Choices};
use super::worlds::{after, aimed, alike, endless, state};
use crate::quest::planner::{Budget, Problem, search};
use crate::quest::{Play, Solution, SolveLimits, VerifyError, World, certify, replay};

/// Most states of the plain search.
const PLAIN_STATES: usize = 3_000;

/// Fewest calls and least cost by plain searches over the engine's own steps; None within where
/// there is no plan, None where there are too many states.
fn plain(world: &Arc<World>) -> Option<Option<(usize, f64)>> {
    let start = endless(world);
    let mut seen = BTreeSet::from([state(&start)]);
    let (mut now, mut depth, mut fewest) = (vec![start.clone()], 0, None);
    while !now.is_empty() && fewest.is_none() {
        let mut next = Vec::new();
        for play in now {
            if play.goal_achieved() {
                fewest = Some(depth);
                break;
            }
            let steps = after(&play).into_iter().map(|(_, _, next)| next);
            next.extend(steps.filter(|next| seen.insert(state(next))));
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
        for (call, _, next) in after(&play) {
            let price = world.calls()[call as usize].cost;
            open.insert((cost + (price * 2.0) as u64, state(&next)), next);
        }
    }
    None
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
            let solution = search(&problem, &start, &limits, &mut Budget::new(&limits));
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
        if let Some(world) = aimed(random::level(&bytes), &bytes) {
            agree(&world);
        }
    }

    #[test]
    fn every_search_finds_the_plain_minimum_among_objects_that_are_alike(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Some(world) = aimed(alike(&bytes), &bytes) {
            agree(&world);
        }
    }
}

/// Walks on beside the engine: the space knows the same calls and comes to the same states.
fn walk(world: &Arc<World>, moves: &[u8]) -> usize {
    let space = Problem::new(world).space;
    let mut play = Play::new(Arc::clone(world), 0);
    let choices = &mut Choices::new(moves);
    let (mut open, mut next) = (Vec::new(), Vec::new());
    let mut steps = 0;
    for _ in 0..moves.len() / 2 {
        let state = space.state(&play);
        space.applicable(&state, &mut open);
        let call_of = |id: u32| space.named(space.ops_of(id).start).unwrap().0;
        let known: BTreeSet<u32> = open.iter().map(|&id| call_of(id)).collect();
        let allowed: BTreeSet<u32> = play
            .applicable()
            .iter()
            .copied()
            .filter(|c| !play.is_forbidden(*c) && space.knows(*c))
            .collect();
        assert_eq!(known, allowed);
        assert_eq!(space.goal(&state), play.goal_achieved());
        if open.is_empty() || play.calls_left() == 0 {
            break;
        }
        let ops = space.ops_of(open[choices.below(open.len())]);
        let op = ops.start + choices.below(ops.len()) as u32;
        space.successor(&state, op, &mut next);
        let (call, outcome) = space.named(op).unwrap();
        play.apply_logged(call, outcome).unwrap();
        assert_eq!(space.state(&play), next);
        steps += 1;
    }
    steps
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_space_steps_as_the_engine_does(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        moves in prop::collection::vec(any::<u8>(), 60),
    ) {
        if let Some(world) = aimed(random::level(&bytes), &bytes) {
            walk(&world, &moves);
        }
    }
}

/// The properties above say something only where levels are solvable, large enough, and of every
/// kind.
#[test]
fn random_levels_ask_the_planner_everything() {
    use rand::Rng;
    let mut dice = crate::core::rng(3, "test");
    let mut found = [0usize; 8];
    for i in 0..600 {
        let bytes: Vec<u8> = (0..300).map(|_| dice.random()).collect();
        let level = if i % 2 == 0 { random::level(&bytes) } else { alike(&bytes) };
        let Some(world) = aimed(level, &bytes) else { continue };
        let Some(expected) = plain(&world) else { continue };
        let calls = || world.calls().iter();
        let problem = Problem::new(&world);
        let plan = expected.map_or(0, |(fewest, _)| fewest);
        let marks = [
            expected.is_none(),
            plan >= 3,
            plan >= 2 && problem.has_orbits(),
            plan >= 2 && calls().any(|c| c.takes > 1),
            plan >= 2 && calls().any(|c| c.forbidden.is_some()),
            plan >= 2 && calls().any(|c| (c.cost - 1.0).abs() > 0.1),
            plan >= 2 && calls().any(|c| !c.pre_num.is_empty()),
            walk(&world, &bytes[..40]) >= 5,
        ];
        found.iter_mut().zip(marks).for_each(|(n, mark)| *n += usize::from(mark));
    }
    assert!(found[0] >= 2 && found[1..].iter().all(|&n| n >= 20), "{found:?}");
}
