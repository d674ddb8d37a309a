//! Playing: applicability, undo, outcomes, usage constraints.

use std::sync::Arc;

use super::format::SMALL;
use crate::quest::{Level, Play, StepError, Suite, World};

fn world(text: &str) -> Arc<World> {
    Arc::new(World::ground(&Level::from_toml(text).unwrap()).unwrap())
}

fn call(play: &Play, name: &str) -> u32 {
    play.world().call_by_name(name).unwrap_or_else(|| panic!("no call {name}"))
}

fn step(play: &mut Play, name: &str) {
    let id = call(play, name);
    play.step(id).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_small_level_plays_to_its_goal() {
    let world = world(SMALL);
    assert_eq!(world.calls().len(), 2);
    assert_eq!(world.facts().len(), 4);
    let mut play = Play::new(Arc::clone(&world), 7);
    assert_eq!(play.goal_progress(), 0.0);
    let first = call(&play, "finish(a)");
    let outcome = play.step(first).unwrap();
    assert!((outcome.reward + 0.02).abs() < 1e-12);
    assert_eq!(play.goal_progress(), 0.5);
    assert_eq!(play.step(first), Err(StepError::NotApplicable { call: "finish(a)".into() }));
    assert!(matches!(play.step(99), Err(StepError::UnknownCall { call: 99, calls: 2 })));
    assert!(!play.done());
    let second = call(&play, "finish(b)");
    let outcome = play.step(second).unwrap();
    assert!((outcome.reward - 0.98).abs() < 1e-12);
    assert!(play.goal_achieved() && play.done());
    assert_eq!(play.fluent(0), 0);
    assert_eq!(play.history(), &[(first, 0), (second, 0)]);
}

#[test]
fn fluents_stay_in_range_and_calls_run_out() {
    let poor = world(
        &SMALL.replace("coins = 2", "coins = 0").replace("coins >= 1", "coins >= 0").replace(
            "[functions.finish]",
            "[functions.earn]\neffects = \"coins += 1\"\n[functions.finish]",
        ),
    );
    let mut play = Play::new(poor, 0);
    let earn = call(&play, "earn()");
    assert_eq!(play.applicable(), &[earn]);
    for _ in 0..5 {
        play.step(earn).unwrap();
    }
    assert!(!play.is_applicable(earn), "coins are at their maximum");
    let limited = world(&SMALL.replace("max_calls = 9", "max_calls = 1"));
    let mut play = Play::new(limited, 0);
    step(&mut play, "finish(a)");
    assert!(play.done() && !play.goal_achieved());
    let next = call(&play, "finish(b)");
    assert!(matches!(play.step(next), Err(StepError::OutOfCalls { max_calls: 1, .. })));
}

const CONSTRAINTS: &str = r#"
schema = "fq-level/1"
id = "constraints"
family = "test"
level = 1
challenge = 1
source = { kind = "hand" }
goal = "end and made(n2)"
limits = { max_calls = 30 }
[types]
note = "object"
[objects]
note = ["n1", "n2"]
[predicates]
end = {}
liked = { params = ["?n: note"] }
[functions.rare]
cooldown = 2
[functions.twice]
max_calls = 2
[functions.left]
exclusive_with = ["right"]
[functions.right]
effects = "end"
[functions.write]
effects = "liked(?ret)"
returns = { pool = ["n1", "n2"] }
"#;

#[test]
fn usage_constraints_become_plain_conditions() {
    let mut play = Play::new(world(CONSTRAINTS), 0);
    let (rare, twice) = (call(&play, "rare()"), call(&play, "twice()"));
    step(&mut play, "rare()");
    assert!(!play.is_applicable(rare));
    step(&mut play, "twice()");
    assert!(!play.is_applicable(rare), "one of two calls in between");
    step(&mut play, "twice()");
    assert!(play.is_applicable(rare), "two calls in between");
    assert!(!play.is_applicable(twice), "used up");
    assert!(play.is_applicable(call(&play, "right()")));
    step(&mut play, "left()");
    assert!(!play.is_applicable(call(&play, "right()")), "left excludes right");
    play.undo();
    step(&mut play, "right()");
    assert!(!play.is_applicable(call(&play, "left()")), "and the other way round");
}

#[test]
fn pools_give_new_objects_in_order() {
    let mut play = Play::new(world(CONSTRAINTS), 0);
    let (first, second) = (call(&play, "write()->n1"), call(&play, "write()->n2"));
    assert!(play.is_applicable(first) && !play.is_applicable(second));
    assert_eq!(play.step(first).unwrap().returned.as_deref(), Some("n1"));
    assert!(!play.is_applicable(first) && play.is_applicable(second));
    assert_eq!(play.step(second).unwrap().returned.as_deref(), Some("n2"));
    assert!(!play.is_applicable(second), "the pool is empty");
    step(&mut play, "right()");
    assert!(play.goal_achieved());
}

#[test]
fn outcomes_follow_from_the_seed_and_keep_their_shares() {
    let flaky =
        Suite::try_builtin().unwrap().hand().iter().find(|l| l.id == "flaky-build").cloned();
    let world = Arc::new(World::ground(&flaky.unwrap()).unwrap());
    let build = world.call_by_name("build()").unwrap();
    let mut failures = 0;
    for seed in 0..2000 {
        let mut play = Play::new(Arc::clone(&world), seed);
        let outcome = play.step(build).unwrap();
        assert_eq!(outcome.failed, outcome.outcome == 1);
        failures += usize::from(outcome.failed);
        play.undo();
        assert_eq!(play.step(build).unwrap(), outcome, "undo keeps the luck");
    }
    assert!((430..570).contains(&failures), "{failures} of 2000 at 25 %");
    let mut play = Play::new(Arc::clone(&world), 0);
    assert!(play.apply_logged(build, 1).unwrap().failed);
    play.undo();
    assert!(!play.apply_logged(build, 0).unwrap().failed);
    play.undo();
    assert!(matches!(play.apply_logged(build, 2), Err(StepError::UnknownOutcome { .. })));
    assert!(play.history().is_empty());
}
