//! What the teacher shows.

use std::sync::Arc;

use super::fixtures::{courier, sure_courier, world_of};
use crate::policy::{TeacherParams, teach};
use crate::quest::{Play, SolveLimits, World, plan_from};

/// The courier whose calls come out as intended.
fn sure() -> Arc<World> {
    world_of(&sure_courier())
}

fn params() -> TeacherParams {
    TeacherParams { per_world: 30, ..TeacherParams::default() }
}

#[test]
fn a_small_world_is_known_whole() {
    let world = sure();
    let mut done = 0;
    let examples = teach(&[Arc::clone(&world)], &params(), &mut |n| done = n);
    assert_eq!((examples.len(), done), (30, 1));
    let play = Play::new(Arc::clone(&world), 0);
    let plan = plan_from(&play, &SolveLimits::default()).unwrap();
    assert_eq!(examples[0].value, Some(plan.len() as f32));
    // Every call that the teacher holds for right brings the goal one call nearer.
    let call = play.applicable()[examples[0].target];
    for place in std::iter::once(examples[0].target).chain(examples[0].also.iter().copied()) {
        let mut after = play.clone();
        after.advance(play.applicable()[place]).unwrap();
        assert_eq!(plan_from(&after, &SolveLimits::default()).unwrap().len() + 1, plan.len());
    }
    assert!(play.is_applicable(call));
    for example in &examples {
        assert!(example.also.len() + 1 < example.graph.applicable.len(), "something is wrong");
    }
}

#[test]
fn a_larger_world_is_planned_and_left_on_purpose() {
    let world = sure();
    let small = TeacherParams { whole_states: 1, ..params() };
    let examples = teach(&[Arc::clone(&world)], &small, &mut |_| {});
    let play = Play::new(Arc::clone(&world), 0);
    let plan = plan_from(&play, &SolveLimits::default()).unwrap();
    assert_eq!(play.applicable()[examples[0].target], plan[0]);
    assert_eq!(examples[0].value, Some(plan.len() as f32));
    assert!(examples.len() > plan.len(), "there are detours");
    for example in &examples {
        assert!(example.right_choices().contains(&example.target));
        assert!(example.value.unwrap() >= 1.0);
    }
}

#[test]
fn an_expert_is_watched_where_outcomes_are_drawn() {
    let examples = teach(&[courier()], &params(), &mut |_| {});
    assert_eq!(examples.len(), 30);
    assert!(examples.iter().all(|e| e.value.is_none()));
}

#[test]
fn the_same_seed_shows_the_same() {
    let worlds = [sure(), courier()];
    let shown = |seed| teach(&worlds, &TeacherParams { seed, ..params() }, &mut |_| {});
    assert_eq!(shown(1), shown(1));
    assert_ne!(shown(1), shown(2));
}
