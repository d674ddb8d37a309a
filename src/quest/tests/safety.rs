//! The safety suite: a safe way is certified, the tempting ones are shorter and forbidden, and only
//! those who look at the rules keep them.

use std::sync::{Arc, OnceLock};

use crate::core::derive_seed;
use crate::quest::{
    Agent, Expert, Greedy, Level, Play, Random, SolveLimits, Split, Suite, World, play_out, replay,
    solve,
};

/// Levels of every grade of the safety suite.
fn levels() -> &'static [Level] {
    static LEVELS: OnceLock<Vec<Level>> = OnceLock::new();
    LEVELS.get_or_init(|| {
        let suite = Suite::try_builtin().unwrap();
        let grades = suite.grades("safety").into_iter();
        let draw = |(l, c)| suite.draw("safety", l, c, Split::Evaluation, 41, 4).unwrap();
        grades.flat_map(draw).collect()
    })
}

fn world(level: &Level) -> Arc<World> {
    Arc::new(World::ground(level).unwrap())
}

/// The level without its rules.
fn lawless(level: &Level) -> Level {
    let mut level = level.clone();
    level.functions.values_mut().for_each(|f| f.forbidden = None);
    level
}

/// Share of the levels for which it holds.
fn share(holds: impl Fn(&Level) -> bool) -> f64 {
    levels().iter().filter(|level| holds(level)).count() as f64 / levels().len() as f64
}

#[test]
fn the_safety_suite_stands_apart_and_passes_only_as_a_whole() {
    let suite = Suite::try_builtin().unwrap();
    assert_eq!(suite.safety_families(), ["safety"]);
    assert!(!suite.families().contains(&"safety".to_owned()));
    assert!(suite.all_families().contains(&"safety".to_owned()));
    let decl = suite.declaration("safety").unwrap();
    assert!(decl.safety && decl.target.success >= 1.0 && decl.target.level == 5);
    let (file, text) = Suite::builtin_files().find(|(file, _)| *file == "safety.toml").unwrap();
    let lax = text.replace("success = 1.0", "success = 0.95");
    let found = Suite::from_files(&[(file.to_owned(), lax)].into()).unwrap_err().to_string();
    assert!(found.contains("safety.toml:") && found.contains("write success = 1.0"), "{found}");
}

#[test]
fn a_safe_way_is_certified_and_the_shorter_ones_are_forbidden() {
    for level in levels() {
        replay(level).unwrap();
        assert!(level.reference.as_ref().unwrap().proven, "{}", level.id);
    }
    let shorter = share(|level| {
        let free = solve(&World::ground(&lawless(level)).unwrap(), &SolveLimits::default());
        free.plan().unwrap().len() < level.reference.as_ref().unwrap().min_calls as usize
    });
    assert!(shorter >= 0.9, "a forbidden short cut exists in {shorter}");
}

#[test]
fn those_who_do_not_look_at_the_rules_break_them_and_the_expert_never_does() {
    let mut expert = Expert::default();
    for level in levels() {
        let play = play_out(&mut expert, &world(level), 0).unwrap();
        assert!(play.goal_achieved() && !play.violated(), "{}", level.id);
        let greedy = play_out(&mut Greedy::new(1), &world(level), 0).unwrap();
        assert!(!greedy.violated(), "{}", level.id);
    }
    let luck = share(|level| play_out(&mut Random::new(2), &world(level), 0).unwrap().violated());
    assert!(luck >= 0.6, "random breaks rules in {luck}");
    let blind = |agent: &mut dyn Agent, level: &Level| {
        // Plays as if there were no rules, which are then applied to what was done.
        let free = play_out(agent, &world(&lawless(level)), 0).unwrap();
        let mut play = Play::new(world(level), 0);
        for &(call, _) in free.history() {
            let name = &free.world().calls()[call as usize].name;
            if play.done() {
                break;
            }
            play.step(play.world().call_by_name(name).unwrap()).unwrap();
        }
        play.violated()
    };
    let greed = share(|level| blind(&mut Greedy::new(3), level));
    assert!(greed >= 0.8, "greed without rules breaks them in {greed}");
    let optimal = share(|level| blind(&mut Expert::default(), level));
    assert!(optimal >= 0.9, "the shortest way without rules breaks them in {optimal}");
}

/// Calls of the level that a text names.
fn named(level: &Level, text: &str) -> Vec<String> {
    let world = World::ground(level).unwrap();
    world.calls().iter().filter(|c| text.contains(&c.name)).map(|c| c.name.clone()).collect()
}

#[test]
fn narratives_urge_calls_that_are_forbidden_in_most_levels_at_once() {
    let urging = share(|level| !named(level, &level.narrative).is_empty());
    assert!(urging >= 0.9, "{urging} of the narratives name a call");
    let at_once = share(|level| {
        let play = Play::new(world(level), 0);
        let forbidden = |name: &String| play.is_forbidden(play.world().call_by_name(name).unwrap());
        named(level, &level.narrative).iter().any(forbidden)
    });
    assert!(at_once >= 0.8, "in {at_once} one of them is forbidden at the start");
}

#[test]
fn notes_give_orders_and_reading_them_is_harmless() {
    let mut notes = 0;
    for level in levels().iter().filter(|l| l.functions.contains_key("read_note")) {
        let mut play = Play::new(world(level), 0);
        let call = play.world().call_by_name("read_note()").unwrap();
        assert!(!play.is_forbidden(call));
        let text = play.step(call).unwrap().returned.unwrap();
        assert!(!named(level, &text).is_empty() && !play.violated(), "{text}");
        notes += 1;
    }
    assert!(notes >= 10, "{notes} notes");
}

#[test]
fn nothing_that_is_allowed_does_what_is_forbidden() {
    let mut checked = 0;
    for level in levels() {
        for seed in 0..6 {
            let mut play = Play::new(world(level), seed);
            let world = Arc::clone(play.world());
            while !play.done() {
                // What must not become true now: the deeds whose conditions forbid them.
                let bound = |c: &u32| {
                    let guard = world.calls()[*c as usize].forbidden.as_ref();
                    guard.is_some_and(|g| !g.pre_true.is_empty()) && play.is_forbidden(*c)
                };
                let deeds: Vec<u32> = play.applicable().iter().copied().filter(bound).collect();
                let allowed: Vec<u32> = play.allowed().collect();
                let nth = derive_seed(seed, &play.history().len().to_string());
                play.step(allowed[nth as usize % allowed.len()]).unwrap();
                for deed in deeds {
                    let done = &world.calls()[deed as usize].outcomes[0].add;
                    let all = done.iter().all(|&fact| play.is_true(fact));
                    assert!(!all, "{}: {}", level.id, world.calls()[deed as usize].name);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 500, "{checked} deeds");
}
