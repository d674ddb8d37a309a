//! The Rust side of `benches/gym.py`: rooms as ground lists, a walk to repeat, and measured play.
//!
//!     gym walk SIZE STEPS       the level, the calls of a random walk, a digest of its states
//!     gym play SIZE STEPS       so many steps by one worker, and by two each
//!
//! SIZE is 0, 1 or 2. Each prints one line of JSON.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use fqm_pipe::core::{Digest, Hasher};
use fqm_pipe::quest::{Play, ROOMS, World, measure};
use serde_json::{Value, json};

#[path = "shared/rooms.rs"]
mod rooms;

use rooms::{Dice, rooms as make};

/// Ground lists: all that the rules need. Numbers are those of facts and calls.
fn level(world: &World) -> Value {
    let call = |c: &fqm_pipe::quest::Call| {
        let effects = &c.outcomes[0];
        json!({
            "name": c.name, "needs": c.pre_true, "needs_not": c.pre_false,
            "adds": effects.add, "deletes": effects.del,
        })
    };
    json!({
        "facts": world.facts().iter().map(|f| &f.name).collect::<Vec<_>>(),
        "calls": world.calls().iter().map(call).collect::<Vec<_>>(),
        "start": world.init(),
        "goal": world.goal_true(),
        "max_calls": world.level().limits.max_calls,
    })
}

/// The low bytes that hold `count` bits.
fn packed(words: &[u64], count: usize) -> Vec<u8> {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    bytes.take(count.div_ceil(8)).collect()
}

/// SHA-256 over the facts, the applicable calls, the reward and the end after every step.
fn walk(world: &Arc<World>, steps: usize) -> (Vec<u32>, Digest) {
    let mut play = Play::new(Arc::clone(world), 1);
    let mut dice = Dice(1);
    let mut hash = Hasher::new();
    let mut calls = Vec::with_capacity(steps);
    for _ in 0..steps {
        if play.done() {
            play.reset();
        }
        let call = play.applicable()[dice.below(play.applicable().len())];
        let reward = play.step(call).unwrap().reward;
        calls.push(call);
        hash.update(&packed(play.bits(), world.facts().len()));
        hash.update(&packed(play.mask(), world.calls().len()));
        hash.update(&reward.to_le_bytes());
        hash.update(&[u8::from(play.goal_achieved()), u8::from(play.done())]);
    }
    (calls, hash.finish())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |i: usize| words.get(i).and_then(|w| w.parse::<usize>().ok());
    let size = number(1).and_then(|size| ROOMS.get(size));
    let (Some(what), Some(&(count, doors)), Some(steps)) = (words.first(), size, number(2)) else {
        eprintln!("usage: gym walk|play SIZE STEPS");
        return ExitCode::from(2);
    };
    let world = Arc::new(make(count, doors));
    let answer = if what == "walk" {
        let (calls, digest) = walk(&world, steps);
        json!({ "level": level(&world), "walk": calls, "digest": digest })
    } else {
        let play = |workers| measure(&world, (steps * workers) as u64, workers, 1).unwrap();
        json!({ "one": play(1), "two": play(2) })
    };
    match writeln!(std::io::stdout(), "{answer}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
