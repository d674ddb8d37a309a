//! Simulator steps per second: a call drawn at random among those that the mask allows, made, and
//! the goal checked, episode after episode. Three levels of the compiled-in suite, and a walk
//! through rooms at larger sizes than the suite draws.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

#[path = "shared/rooms.rs"]
mod rooms;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fqm_pipe::quest::{Agent, Play, ROOMS, Random, Split, Suite, World};
use rooms::{Dice, rooms};

/// Steps in one measured round.
const STEPS: u64 = 10_000;
/// Levels drawn of a grade, of which one is taken by its size.
const DRAWN: usize = 5;
const FAMILY: &str = "courier";

/// The smallest, the middle and the largest of what grades 1, 3 and 5 draw.
fn drawn() -> Vec<(String, World)> {
    let suite = Suite::try_builtin().unwrap();
    let sizes = [("small", 1, 0), ("medium", 3, DRAWN / 2), ("large", 5, DRAWN - 1)];
    let take = |(name, grade, nth)| {
        let levels = suite.draw(FAMILY, grade, 1, Split::Evaluation, 1, DRAWN).unwrap();
        let mut worlds: Vec<_> = levels.iter().map(|l| World::ground(l).unwrap()).collect();
        worlds.sort_by_key(|w| (w.calls().len(), w.facts().len()));
        (format!("{FAMILY} {name}"), worlds.swap_remove(nth))
    };
    sizes.map(take).into()
}

/// The steps alone: the list and the bit set of applicable calls are kept, the goal is checked.
fn advance(play: &mut Play, dice: &mut Dice) -> u64 {
    let mut reached = 0;
    for _ in 0..STEPS {
        if play.done() {
            reached += u64::from(play.goal_achieved());
            play.reset();
        }
        let open = play.applicable();
        let call = open[dice.below(open.len())];
        play.advance(call).unwrap();
        black_box(play.mask());
    }
    reached
}

/// As [`advance`], with the reward and the names of what happened, as logs need them.
fn step(play: &mut Play, dice: &mut Dice) -> f64 {
    let mut reward = 0.0;
    for _ in 0..STEPS {
        if play.done() {
            play.reset();
        }
        let open = play.applicable();
        let call = open[dice.below(open.len())];
        reward += play.step(call).unwrap().reward;
        black_box(play.mask());
    }
    reward
}

/// The random agent behind the `Agent` trait, which states the propensity of every call.
fn agent(play: &mut Play, agent: &mut Random) -> u64 {
    let mut reached = 0;
    for _ in 0..STEPS {
        if play.done() {
            reached += u64::from(play.goal_achieved());
            play.reset();
        }
        let choice = agent.act(&[play]).unwrap().pop().unwrap();
        play.advance(choice.call).unwrap();
    }
    reached
}

fn simulator(criterion: &mut Criterion) {
    let mut worlds = drawn();
    worlds.extend(ROOMS.map(|(n, doors)| (format!("{n} rooms"), rooms(n, doors))));
    let mut group = criterion.benchmark_group("simulator");
    group.throughput(Throughput::Elements(STEPS)).sample_size(30);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for (name, world) in worlds {
        let size = format!("{name}, {} facts, {} calls", world.facts().len(), world.calls().len());
        let mut play = Play::new(Arc::new(world), 1);
        let mut dice = Dice(1);
        group.bench_function(BenchmarkId::new("advance", &size), |b| {
            b.iter(|| advance(&mut play, &mut dice));
        });
        group.bench_function(BenchmarkId::new("step", &size), |b| {
            b.iter(|| step(&mut play, &mut dice));
        });
        let mut random = Random::new(1);
        group.bench_function(BenchmarkId::new("random agent", &size), |b| {
            b.iter(|| agent(&mut play, &mut random));
        });
    }
    group.finish();
}

criterion_group!(benches, simulator);
criterion_main!(benches);
