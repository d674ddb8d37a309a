//! How fast a level plays: random play by some workers, and the CPU time that it took.

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use serde::Serialize;

use super::level::{Level, LevelError};
use super::play::{Play, StepError, mix};
use super::world::World;

/// Rooms and doors of the three sizes at which the simulator is measured.
pub const ROOMS: [(usize, usize); 3] = [(20, 30), (65, 135), (230, 570)];

/// Nanoseconds that the thread ran on a processor, as its first number.
const CPU_TIME: &str = "/proc/thread-self/schedstat";

/// Why play could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// No clock for the CPU time of a thread.
    #[error("read the CPU time of a thread from {CPU_TIME}: {0}; it needs Linux")]
    Clock(#[from] io::Error),
    /// An episode of the level is over before its first call.
    #[error("play level `{level}`: nothing can be called at its start")]
    Over {
        /// Id of the level.
        level: String,
    },
    /// A call was refused.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A worker panicked.
    #[error("play level `{level}`: a worker panicked")]
    Panic {
        /// Id of the level.
        level: String,
    },
}

/// What random play took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Measured {
    /// Steps made, by all workers together.
    pub steps: u64,
    /// Episodes that ended, by all workers together.
    pub episodes: u64,
    /// Of these, episodes that reached the goal.
    pub reached: u64,
    /// CPU seconds, by all workers together.
    pub cpu_seconds: f64,
    /// Seconds by the clock, from the start of the first worker to the end of the last.
    pub wall_seconds: f64,
}

impl Measured {
    /// Steps per second of one core.
    pub fn steps_per_cpu_second(&self) -> f64 {
        self.steps as f64 / self.cpu_seconds.max(f64::MIN_POSITIVE)
    }
}

/// Plays `steps` steps, shared among `workers` threads with one world: a call drawn uniformly
/// among the applicable ones, its outcome and reward, the history, the mask, the goal and the end
/// of the episode after every step, and a new episode after each.
///
/// # Errors
/// Where the level has nothing to call, or the system does not tell the CPU time of a thread.
pub fn measure(
    world: &Arc<World>,
    steps: u64,
    workers: usize,
    seed: u64,
) -> Result<Measured, MeasureError> {
    let begin = Instant::now();
    let workers = workers.max(1) as u64;
    let mut all = thread::scope(|scope| {
        let start = |worker: u64| {
            let share = steps / workers + u64::from(worker < steps % workers);
            scope.spawn(move || play(world, share, mix(seed.wrapping_add(worker))))
        };
        let started: Vec<_> = (0..workers).map(start).collect();
        let mut ended = started.into_iter().map(|worker| {
            let panicked = |_| MeasureError::Panic { level: world.level().id.clone() };
            worker.join().map_err(panicked)?
        });
        ended.try_fold(Measured::default(), |sum, one| one.map(|one| sum.with(&one)))
    })?;
    all.wall_seconds = begin.elapsed().as_secs_f64();
    Ok(all)
}

/// A level of any size: at least three rooms in a ring with further doors across, and a lamp to light
/// in each. The same numbers give the same level.
///
/// # Errors
/// Where so many rooms make no level.
pub fn rooms_level(rooms: usize, doors: usize) -> Result<Level, LevelError> {
    let name = |room: usize| format!("r{}", room % rooms.max(1));
    let mut drawn = 1u64;
    let mut below = |n: usize| {
        drawn = drawn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((u128::from(mix(drawn)) * n as u128) >> 64) as usize
    };
    let door = |from: usize, to: usize| format!("\"door({}, {})\"", name(from), name(to));
    let mut init: Vec<_> = (0..rooms).map(|room| door(room, room + 1)).collect();
    // Every room can have a door to every other one, but no more.
    while init.len() < doors.min(rooms * rooms.saturating_sub(1)) {
        let (from, on) = (below(rooms), 2 + below(rooms - 2));
        let new = door(from, from + on);
        if !init.contains(&new) {
            init.push(new);
        }
    }
    init.push("\"at(r0)\"".to_owned());
    let names: Vec<_> = (0..rooms).map(|room| format!("\"{}\"", name(room))).collect();
    let goal: Vec<_> = (0..rooms).map(|room| format!("lit({})", name(room))).collect();
    Level::from_toml(&format!(
        r#"schema = "fq-level/1"
id = "rooms"
family = "bench"
level = 1
challenge = 1
narrative = "Light every lamp."
source = {{ kind = "hand" }}
init = [{init}]
goal = "{goal}"
limits = {{ max_calls = 200 }}
[types]
room = "object"
[objects]
room = [{names}]
[predicates]
at = {{ params = ["?r: room"] }}
lit = {{ params = ["?r: room"] }}
door = {{ params = ["?a: room", "?b: room"], static = true }}
[functions.go]
description = "Walks through a door."
params = ["?a: room", "?b: room"]
pre = "at(?a) and door(?a, ?b)"
effects = "at(?b), not at(?a)"
[functions.light]
description = "Lights the lamp of a room."
params = ["?r: room"]
pre = "at(?r) and not lit(?r)"
effects = "lit(?r)"
"#,
        init = init.join(", "),
        goal = goal.join(" and "),
        names = names.join(", "),
    ))
}

impl Measured {
    fn with(mut self, other: &Self) -> Self {
        self.steps += other.steps;
        self.episodes += other.episodes;
        self.reached += other.reached;
        self.cpu_seconds += other.cpu_seconds;
        self
    }
}

fn play(world: &Arc<World>, steps: u64, seed: u64) -> Result<Measured, MeasureError> {
    let mut play = Play::new(Arc::clone(world), seed);
    if play.done() {
        return Err(MeasureError::Over { level: world.level().id.clone() });
    }
    let mut done = Measured { steps, ..Measured::default() };
    let mut reward = 0.0;
    let begin = cpu_seconds()?;
    for step in 0..steps {
        if play.done() {
            done.episodes += 1;
            done.reached += u64::from(play.goal_achieved());
            play.reset();
        }
        let open = play.applicable();
        let drawn = u128::from(mix(seed.wrapping_add(step))) * open.len() as u128;
        let Some(&call) = open.get((drawn >> 64) as usize) else { continue };
        reward += play.earn(call)?.1;
        black_box(play.mask());
    }
    black_box(reward);
    done.cpu_seconds = cpu_seconds()? - begin;
    Ok(done)
}

fn cpu_seconds() -> Result<f64, MeasureError> {
    let text = std::fs::read_to_string(CPU_TIME)?;
    let nanoseconds = text.split_whitespace().next().and_then(|n| n.parse::<u64>().ok());
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "it holds no number");
    Ok(nanoseconds.ok_or_else(wrong)? as f64 * 1e-9)
}
