//! What must hold of every walk in every level: the engine agrees with the plain rules, undo is
//! exact, and logs repeat what happened.

use std::sync::Arc;

use proptest::prelude::*;

use super::oracle::Oracle;
use super::random::{self, Choices};
use crate::quest::generate::{Difficulty, generate};
use crate::quest::{Level, Play, StepOutcome, Suite, World};

/// A level of some grade of some family, as its generator makes it. None for the few that are
/// spoiled by chance, which drawing passes over.
fn generated(family: usize, grade: usize, seed: u64) -> Option<Arc<World>> {
    let suite = Suite::try_builtin().unwrap();
    let families = suite.all_families();
    let declared = suite.declaration(&families[family % families.len()]).unwrap();
    let grade = &declared.grades[grade % declared.grades.len()];
    let difficulty = Difficulty {
        family: declared.family.clone(),
        level: grade.level,
        challenge: grade.challenge,
        knobs: grade.knobs.clone(),
    };
    let level = generate(&declared.generator, &difficulty, seed).unwrap().ok()?;
    World::ground(&level).ok().map(Arc::new)
}

/// A random level that can be used.
fn small(bytes: &[u8]) -> Option<Arc<World>> {
    let level = random::level(bytes).normalised().ok()?;
    World::ground(&level).ok().map(Arc::new)
}

/// Applicable calls and the goal from the ground calls, without any counter.
fn recomputed(play: &Play) -> (Vec<u32>, bool) {
    let world = play.world();
    let holds = |on: &[u32], off: &[u32]| {
        on.iter().all(|&f| play.is_true(f)) && off.iter().all(|&f| !play.is_true(f))
    };
    let fits = |(_, c): &(u32, &crate::quest::Call)| {
        holds(&c.pre_true, &c.pre_false) && c.pre_num.iter().all(|t| t.holds(play.fluents()))
    };
    let calls = (0u32..).zip(world.calls()).filter(fits).map(|(i, _)| i).collect();
    let goal = holds(world.goal_true(), world.goal_false())
        && world.goal_num().iter().all(|t| t.holds(play.fluents()));
    (calls, goal && !play.violated())
}

/// Steps on with a call that the bytes choose. False where nothing can be called.
fn go(play: &mut Play, choices: &mut Choices<'_>) -> Option<StepOutcome> {
    if play.calls_left() == 0 || play.applicable().is_empty() {
        return None;
    }
    let call = play.applicable()[choices.below(play.applicable().len())];
    Some(play.step(call).unwrap())
}

/// Steps and steps back; after each, everything is as it was before, or as it is recomputed.
fn walk(world: Arc<World>, seed: u64, moves: &[u8]) {
    let start = Play::new(world, seed);
    let mut play = start.clone();
    let mut before = Vec::new();
    let choices = &mut Choices::new(moves);
    for _ in 0..moves.len() / 2 {
        if choices.below(4) == 3 {
            match before.pop() {
                Some(board) => assert!(play.undo() && play.board == board, "undo is exact"),
                None => assert!(!play.undo() && play.board == start.board),
            }
            continue;
        }
        let board = play.board.clone();
        let Some(made) = go(&mut play, choices) else { continue };
        let after = play.board.clone();
        assert!(play.undo() && play.board == board, "undo is exact");
        let (call, outcome) = *after.history.last().unwrap();
        assert_eq!(play.step(call).unwrap(), made, "the same luck again");
        assert!(play.board == after && made.outcome == outcome);
        assert_eq!((play.applicable().to_vec(), play.goal_achieved()), recomputed(&play));
        for (fluent, value) in play.world().fluents().iter().zip(play.fluents()) {
            assert!((fluent.min..=fluent.max).contains(value), "{} = {value}", fluent.name);
        }
        before.push(board);
    }
    let mut logged = start.clone();
    for &(call, outcome) in play.history() {
        logged.apply_logged(call, outcome).unwrap();
    }
    assert!(logged.board == play.board, "a log repeats it");
    play.reset();
    assert!(play.board == start.board, "reset equals new");
}

/// Plays on beside the plain rules.
fn compare(world: Arc<World>, seed: u64, moves: &[u8]) {
    let level: Level = world.level().clone();
    let mut oracle = Oracle::new(&level);
    let mut play = Play::new(world, seed);
    let choices = &mut Choices::new(moves);
    for _ in 0..moves.len() {
        let world = Arc::clone(play.world());
        let name = |id: &u32| world.calls()[*id as usize].name.clone();
        let mut plain = oracle.names();
        plain.sort();
        let mut ours: Vec<String> = play.applicable().iter().map(name).collect();
        ours.sort();
        assert_eq!(ours, plain);
        for &call in play.applicable() {
            assert_eq!(play.is_forbidden(call), oracle.forbidden(&name(&call)), "{}", name(&call));
        }
        assert_eq!((play.goal_achieved(), play.violated()), (oracle.goal(), oracle.violated));
        for (id, fact) in (0u32..).zip(world.facts()) {
            let predicate = &world.predicates()[fact.predicate].name;
            let args: Vec<_> = fact.args.iter().map(|&o| world.object(o).to_owned()).collect();
            if !predicate.contains('(') {
                assert_eq!(play.is_true(id), oracle.is_true(predicate, &args), "{}", fact.name);
            }
        }
        for (fluent, value) in world.fluents().iter().zip(play.fluents()) {
            let plain = oracle.fluents.get(&fluent.name).unwrap_or(value);
            assert_eq!(value, plain, "{}", fluent.name);
        }
        let Some(made) = go(&mut play, choices) else { return };
        let (call, outcome) = *play.history().last().unwrap();
        let mut ended = oracle.make(&name(&call), outcome);
        ended.sort();
        let mut finished: Vec<_> = made.finished.iter().map(|f| name(&f.call)).collect();
        finished.sort();
        assert_eq!(finished, ended);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn walks_in_every_family(
        family in 0usize..1000, grade in 0usize..1000, seed in any::<u64>(),
        moves in prop::collection::vec(any::<u8>(), 80),
    ) {
        if let Some(world) = generated(family, grade, seed) {
            walk(Arc::clone(&world), seed, &moves);
            compare(world, seed, &moves[..8]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn walks_in_random_levels(
        bytes in prop::collection::vec(any::<u8>(), 0..300), seed in any::<u64>(),
        moves in prop::collection::vec(any::<u8>(), 60),
    ) {
        if let Some(world) = small(&bytes) {
            walk(Arc::clone(&world), seed, &moves);
            compare(world, seed, &moves);
        }
    }
}

/// The properties above say something only where most generated levels can be used.
#[test]
fn nearly_every_generated_level_can_be_played() {
    let families = Suite::try_builtin().unwrap().all_families().len();
    let played = |n: usize| generated(n % families, n / families, n as u64).is_some();
    let found = (0..15 * families).filter(|&n| played(n)).count();
    assert!(found * 10 >= 15 * families * 9, "{found} of {}", 15 * families);
}

/// They say something of random levels only where those can be used, and use every rule.
#[test]
fn random_levels_use_every_rule() {
    use rand::Rng;
    let mut dice = crate::core::rng(1, "test");
    let mut found = [0usize; 8];
    for _ in 0..400 {
        let bytes: Vec<u8> = (0..300).map(|_| dice.random()).collect();
        let Some(world) = small(&bytes) else { continue };
        let mut play = Play::new(Arc::clone(&world), 1);
        let moves: Vec<u8> = (0..30).map(|_| dice.random()).collect();
        let choices = &mut Choices::new(&moves);
        let mut seen = [false; 8];
        while let Some(made) = go(&mut play, choices) {
            let call = &world.calls()[play.history().last().unwrap().0 as usize];
            let def = world.level().functions.get(&world.functions()[call.function].name);
            let marks = [
                true,
                !made.finished.is_empty(),
                play.violated(),
                call.wait,
                call.returns.is_some(),
                def.is_some_and(|d| d.cooldown.is_some() && d.takes.is_some()),
                made.failed || made.finished.iter().any(|f| f.failed),
                play.running().count() > 1,
            ];
            seen.iter_mut().zip(marks).for_each(|(seen, mark)| *seen |= mark);
        }
        found.iter_mut().zip(seen).for_each(|(n, seen)| *n += usize::from(seen));
    }
    assert!(found.iter().all(|&n| n >= 20), "{found:?}");
}

#[test]
fn measured_play_makes_every_step() {
    let world = (0..).find_map(|seed| generated(0, 0, seed)).unwrap();
    let max_calls = u64::from(world.level().limits.max_calls);
    for workers in [1, 2, 3] {
        let took = crate::quest::measure(&world, 1000, workers, 1).unwrap();
        assert_eq!(took.steps, 1000);
        assert!(
            took.episodes >= 1000 / max_calls - workers as u64 && took.reached <= took.episodes
        );
        assert!(took.cpu_seconds >= 0.0 && took.wall_seconds > 0.0);
    }
}
