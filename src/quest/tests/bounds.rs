//! Bounds, plans and expectations from every state of small random worlds, beside what plain
//! sweeps over the engine's own steps come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::random;
use super::worlds::{after, aimed, alike, endless, state};
use crate::quest::planner::{Budget, Problem, Values, search};
use crate::quest::{CallId, Play, Solution, SolveLimits, World};

/// Most states of a world that is looked at.
const MOST_STATES: usize = 150;
/// What giving up costs, in calls.
const FAILURE: f64 = 40.0;
/// Values change by less than this when a sweep is the last.
const STILL: f64 = 1e-10;

/// A call from a state: its outcomes, each with its probability and the state it leads to.
type Step = (CallId, Vec<(f64, usize)>);

/// All states that an episode can come to without a forbidden call; goals have no steps.
struct Graph {
    plays: Vec<Play>,
    steps: Vec<Vec<Step>>,
}

impl Graph {
    /// None where there are too many states.
    fn of(world: &Arc<World>) -> Option<Self> {
        let start = endless(world);
        let mut known = BTreeMap::from([(state(&start), 0)]);
        let mut graph = Self { plays: vec![start], steps: Vec::new() };
        while let Some(play) = graph.plays.get(graph.steps.len()).cloned() {
            let mut calls: BTreeMap<CallId, Vec<(f64, usize)>> = BTreeMap::new();
            let open = if play.goal_achieved() { Vec::new() } else { after(&play) };
            for (call, p, next) in open {
                let at = *known.entry(state(&next)).or_insert(graph.plays.len());
                if at == graph.plays.len() {
                    graph.plays.push(next);
                }
                calls.entry(call).or_default().push((p, at));
            }
            if graph.plays.len() > MOST_STATES {
                return None;
            }
            graph.steps.push(calls.into_iter().collect());
        }
        Some(graph)
    }

    /// Sweeps until no value changes: goals are worth nothing, all others what their best step is
    /// worth, `most` at the start and at the most.
    fn values(&self, most: f64, worth: impl Fn(&Step, &[f64]) -> f64) -> Vec<f64> {
        let value = |p: &Play| if p.goal_achieved() { 0.0 } else { most };
        let mut values: Vec<f64> = self.plays.iter().map(value).collect();
        loop {
            let mut change = 0.0f64;
            for (at, steps) in self.steps.iter().enumerate() {
                let best = steps.iter().map(|s| worth(s, &values)).fold(values[at], f64::min);
                change = change.max(values[at] - best);
                values[at] = best;
            }
            if change < STILL {
                return values;
            }
        }
    }

    /// Fewest calls to the goal from every state; infinite where it is out of reach.
    fn fewest(&self) -> Vec<f64> {
        let luckiest = |(_, outcomes): &Step, values: &[f64]| {
            outcomes.iter().map(|&(_, next)| 1.0 + values[next]).fold(f64::MAX, f64::min)
        };
        // No way to the goal passes a state twice.
        let most = self.plays.len() as f64;
        let found = self.values(most, luckiest);
        found.into_iter().map(|v| if v < most { v } else { f64::INFINITY }).collect()
    }
}

fn expected((_, outcomes): &Step, values: &[f64]) -> f64 {
    1.0 + outcomes.iter().map(|&(p, next)| p * values[next]).sum::<f64>()
}

/// What the first bound and the greedy plan say from every state. Returns how often the bound was
/// of use.
fn bounds_hold(world: &Arc<World>) -> usize {
    let Some(graph) = Graph::of(world) else { return 0 };
    let limits = SolveLimits {
        greedy_states: 2 * MOST_STATES,
        astar_states: 0,
        ..SolveLimits::breadth_first(0)
    };
    let mut of_use = 0;
    let problem = Problem::new(world);
    for problem in [problem.plain(), problem] {
        for (play, fewest) in graph.plays.iter().zip(graph.fewest()) {
            let start = problem.space.state(play);
            match search(&problem, &start, &limits, &mut Budget::new(&limits)) {
                Solution::Proven { plan, .. } => assert_eq!(plan.len() as f64, fewest),
                Solution::UpperBound { plan, at_least, .. } => {
                    let above = plan.len() as f64;
                    assert!(f64::from(at_least) <= fewest && fewest <= above);
                    of_use += usize::from(at_least > 1);
                }
                Solution::Unsolvable { .. } => assert!(fewest.is_infinite()),
                Solution::GaveUp { .. } => panic!("every state fits into the limits"),
            }
        }
    }
    of_use
}

/// Value iteration against plain sweeps: at the start, and in what it chooses in every state.
/// Returns in how many states chance matters.
fn expectations_hold(world: &Arc<World>) -> usize {
    let Some(graph) = Graph::of(world) else { return 0 };
    let values = graph.values(FAILURE, expected);
    let found = Values::with_failure(world, &SolveLimits::default(), FAILURE).unwrap();
    assert!((found.at_start() - values[0]).abs() < 1e-6, "{} {}", found.at_start(), values[0]);
    let mut drawn = 0;
    for ((play, steps), &value) in graph.plays.iter().zip(&graph.steps).zip(&values) {
        if play.goal_achieved() {
            continue;
        }
        let Some(call) = found.best(play) else {
            assert!(value > FAILURE - 1e-6);
            continue;
        };
        let step = steps.iter().find(|(c, _)| *c == call).unwrap();
        assert!((expected(step, &values) - value).abs() < 1e-6);
        drawn += usize::from(value < FAILURE && value.fract() > 1e-6);
    }
    drawn
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bound_is_above_the_fewest_calls(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for level in [random::level(&bytes), alike(&bytes)] {
            if let Some(world) = aimed(level, &bytes) {
                bounds_hold(&world);
            }
        }
    }

    #[test]
    fn expected_calls_are_those_of_plain_sweeps(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        for level in [random::level(&bytes), alike(&bytes)] {
            if let Some(world) = aimed(level, &bytes) {
                expectations_hold(&world);
            }
        }
    }
}

/// The properties above say something only where bounds are above one call and chance matters.
#[test]
fn random_worlds_put_bounds_and_expectations_to_the_test() {
    use rand::Rng;
    let mut dice = crate::core::rng(5, "test");
    let (mut of_use, mut drawn) = (0, 0);
    for i in 0..200 {
        let bytes: Vec<u8> = (0..300).map(|_| dice.random()).collect();
        let level = if i % 2 == 0 { random::level(&bytes) } else { alike(&bytes) };
        if let Some(world) = aimed(level, &bytes) {
            of_use += bounds_hold(&world);
            drawn += expectations_hold(&world);
        }
    }
    assert!(of_use >= 30 && drawn >= 50, "{of_use} {drawn}");
}
