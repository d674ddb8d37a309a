use std::sync::Arc;

use super::sample::sample;
use crate::quest::{Agent, GroundError, Play, Random, World};

#[test]
fn a_level_that_begins_in_a_state_has_its_facts_and_calls() {
    let mut compared = 0;
    for drawn in sample().iter().filter(|d| d.grade.0 <= 2) {
        let timed = drawn.level.functions.values().any(|f| {
            f.takes.is_some()
                || f.max_calls.is_some()
                || f.cooldown.is_some()
                || !f.exclusive_with.is_empty()
                || f.returns.as_ref().is_some_and(|r| !r.pool.is_empty())
        });
        if timed {
            continue;
        }
        let world = Arc::new(World::ground(&drawn.level).unwrap());
        let mut play = Play::new(world, 3);
        let mut random = Random::new(7);
        for _ in 0..3 {
            if play.done() {
                break;
            }
            let call = random.act(&[&play]).unwrap()[0].call;
            play.step(call).unwrap();
        }
        let Ok(level) = play.moment().normalised() else { panic!("{}", drawn.level.id) };
        // From some states there is no way to the goal any more.
        let begun = match World::ground(&level) {
            Ok(world) => Play::new(Arc::new(world), 0),
            Err(GroundError::GoalUnreachable { .. }) => continue,
            Err(e) => panic!("{}: {e}", level.id),
        };
        let truths = |play: &Play| {
            let world = play.world();
            let facts = (0u32..).zip(world.facts()).filter(|(id, _)| play.is_true(*id));
            facts.map(|(_, f)| f.name.clone()).collect::<Vec<_>>()
        };
        let calls = |play: &Play| {
            let name = |c: &u32| play.world().calls()[*c as usize].name.clone();
            play.applicable().iter().map(name).collect::<Vec<_>>()
        };
        // What cannot be reached any more is no part of the new world.
        let (now, then) = (truths(&play), truths(&begun));
        assert!(then.iter().all(|fact| now.contains(fact)), "{}: {then:?} {now:?}", level.id);
        assert_eq!(calls(&begun), calls(&play), "{}", level.id);
        compared += 1;
    }
    assert!(compared > 40, "only {compared}");
}
