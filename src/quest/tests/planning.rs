//! The planner: known minima, agreement of its searches, expected calls, the expert.

use std::sync::Arc;
use std::time::Duration;

use crate::quest::{
    Agent, Expert, FAMILIES, Level, Noisy, Play, Solution, SolveLimits, Split, Suite, World,
    certify, expected_calls, plan_from, play_out, replay, solve,
};

use super::format::SMALL;

fn hand(id: &str) -> Level {
    let suite = Suite::try_builtin().unwrap();
    suite.hand().iter().find(|l| l.id == id).cloned().unwrap()
}

#[test]
fn hand_written_levels_have_their_known_minima() {
    // lean-budget: only two cheap reports, reviewed, or one dear after asking, leave a token.
    let known = [("first-steps", 6), ("flaky-build", 2), ("lean-budget", 4), ("new-branch", 6)];
    for (id, min) in known {
        let level = hand(id);
        let reference = level.reference.clone().unwrap();
        assert_eq!((reference.min_calls, reference.proven), (min, true), "{id}");
        replay(&level).unwrap();
    }
}

#[test]
fn a_wrong_reference_does_not_replay() {
    let mut level = hand("first-steps");
    let plan = &mut level.reference.as_mut().unwrap().plan;
    plan.swap(0, 1);
    let text = replay(&level).unwrap_err().to_string();
    assert!(text.contains("step 0") && text.contains("not applicable"), "{text}");
    let mut level = hand("first-steps");
    level.reference.as_mut().unwrap().plan.pop();
    assert!(replay(&level).unwrap_err().to_string().contains("does not reach the goal"));
    let mut level = hand("first-steps");
    level.reference.as_mut().unwrap().plan[2] = "dance(p1)".into();
    assert!(replay(&level).unwrap_err().to_string().contains("`dance(p1)` is not a call"));
}

#[test]
fn expected_calls_match_the_geometric_series() {
    // Each failed build (1/4) costs two more calls: E = 1 + E(builds) with
    // b = 1 + 1/4 (1 + b), so b = 5/3 and the deployment makes 8/3.
    let mut level = hand("flaky-build");
    level.limits.max_calls = 1000;
    let world = World::ground(&level).unwrap();
    let expected = expected_calls(&world, &SolveLimits::default()).unwrap();
    assert!((expected - 8.0 / 3.0).abs() < 1e-6, "{expected}");
}

#[test]
fn breadth_first_and_astar_agree_on_every_family() {
    let suite = Suite::try_builtin().unwrap();
    let (mut compared, mut drawn_in_all) = (0, 0);
    for family in suite.families() {
        for (level, challenge) in [(1, 1), (2, 3), (3, 2)] {
            for drawn in suite.draw(&family, level, challenge, Split::Train, 5, 2).unwrap() {
                let world = World::ground(&drawn).unwrap();
                drawn_in_all += 1;
                let wide = solve(&world, &SolveLimits::breadth_first(150_000));
                // Some levels are for A* alone.
                if matches!(wide, Solution::GaveUp { .. }) {
                    continue;
                }
                let deep = SolveLimits { astar_states: 1_000_000, ..SolveLimits::breadth_first(0) };
                let deep = solve(&world, &deep);
                let (Solution::Proven { plan: a, .. }, Solution::Proven { plan: b, .. }) =
                    (&wide, &deep)
                else {
                    panic!("{}: {wide:?}, {deep:?}", drawn.id)
                };
                assert_eq!(a.len(), b.len(), "{}", drawn.id);
                assert_eq!(a.len() as u32, drawn.reference.unwrap().min_calls);
                compared += 1;
            }
        }
    }
    assert_eq!(drawn_in_all, 6 * FAMILIES.len());
    assert!(compared * 10 >= drawn_in_all * 9, "{compared} of {drawn_in_all} compared");
}

#[test]
fn limits_lead_to_astar_and_to_giving_up() {
    let world = World::ground(&hand("first-steps")).unwrap();
    let tight = SolveLimits { bfs_states: 3, ..SolveLimits::default() };
    let Solution::Proven { plan, method, .. } = solve(&world, &tight) else { panic!("solvable") };
    assert_eq!((plan.len(), method), (6, "astar-lmcut"));
    // Numbers are beyond the bound, so its first value proves nothing here.
    let budget = World::ground(&hand("lean-budget")).unwrap();
    let tight = SolveLimits { greedy_states: 100, ..SolveLimits::breadth_first(2) };
    let Solution::UpperBound { plan, at_least, .. } = solve(&budget, &tight) else {
        panic!("some plan is found")
    };
    assert!(plan.len() >= 4 && (1..=4).contains(&at_least));
    let none = SolveLimits::breadth_first(2);
    assert!(matches!(solve(&world, &none), Solution::GaveUp { .. }));
    let no_memory = SolveLimits { memory: 0, ..SolveLimits::default() };
    assert!(matches!(solve(&world, &no_memory), Solution::GaveUp { .. }));
    let no_time = SolveLimits { cpu: Some(Duration::ZERO), ..SolveLimits::default() };
    assert!(!matches!(solve(&world, &no_time), Solution::Unsolvable { .. }));
}

#[test]
fn waiting_for_a_cooldown_is_planned() {
    // Two finishes with two calls of anything between them: idle twice.
    let text =
        SMALL.replace("[functions.finish]", "[functions.idle]\n[functions.finish]\ncooldown = 2");
    let level = certify(Level::from_toml(&text).unwrap(), &SolveLimits::default()).unwrap();
    assert_eq!(level.reference.as_ref().unwrap().min_calls, 4);
    replay(&level).unwrap();
    // Where idling itself has a condition, the general way finds the same.
    let text = text.replace("[functions.idle]", "[functions.idle]\npre = \"coins >= 1\"");
    let level = certify(Level::from_toml(&text).unwrap(), &SolveLimits::default()).unwrap();
    assert_eq!(level.reference.unwrap().min_calls, 4);
}

#[test]
fn plans_start_from_the_current_state() {
    let mut play = Play::new(Arc::new(World::ground(&hand("first-steps")).unwrap()), 0);
    let plan = plan_from(&play, &SolveLimits::default()).unwrap();
    play.step(plan[0]).unwrap();
    assert_eq!(plan_from(&play, &SolveLimits::default()).unwrap(), plan[1..]);
}

#[test]
fn the_expert_needs_the_minimum_on_deterministic_levels() {
    let suite = Suite::try_builtin().unwrap();
    let mut expert = Expert::default();
    for family in suite.families().into_iter().filter(|f| f != "recovery") {
        for level in 1..=3 {
            for drawn in suite.draw(&family, level, 2, Split::Evaluation, 9, 2).unwrap() {
                let world = Arc::new(World::ground(&drawn).unwrap());
                assert!(!world.is_stochastic());
                let play = play_out(&mut expert, &world, 3).unwrap();
                assert!(play.goal_achieved(), "{}", drawn.id);
                let min = drawn.reference.unwrap().min_calls;
                assert_eq!(play.calls_used(), min, "{}", drawn.id);
            }
        }
    }
}

#[test]
fn propensities_are_a_distribution_over_the_applicable_calls() {
    let suite = Suite::try_builtin().unwrap();
    let drawn = suite.draw("symphony", 2, 3, Split::Train, 4, 1).unwrap().remove(0);
    let world = Arc::new(World::ground(&drawn).unwrap());
    let mut agent = Noisy::new(Expert::default(), 0.3, 8);
    assert_eq!(agent.name(), "noisy-expert");
    let mut play = Play::new(world, 1);
    while !play.done() {
        let choice = agent.act(&[&play]).unwrap().remove(0);
        let n = play.applicable().len();
        assert_eq!(choice.propensities.len(), n);
        let sum: f32 = choice.propensities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        let least = 0.3 / n as f32 - 1e-6;
        assert!(choice.propensities.iter().all(|&p| p >= least));
        assert!(play.is_applicable(choice.call));
        play.step(choice.call).unwrap();
    }
}
