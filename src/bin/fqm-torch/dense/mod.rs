//! Masked PPO with a dense network over the facts of one level: what `benches/ppo.py` measures beside
//! its peer. The graph policy learns by the same rule (`learn/ppo.rs`); this one has the shape that
//! other libraries know, so that speeds can be compared.
//!
//! Every worker owns environments, a copy of the network and a share of each minibatch. Gradients are
//! summed in the order of the workers, so all copies stay equal and results repeat.

mod network;
mod share;
mod worker;

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use fqm_pipe::pipeline::StepFailure;
use fqm_pipe::quest::{Level, World};

use share::Exchange;
use worker::Worker;

/// What to learn, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The level.
    pub level: Level,
    /// Widths of the hidden layers of policy and value network.
    pub hidden: Vec<i64>,
    /// Samples to learn from, rounded up to whole rollouts.
    pub samples: usize,
    /// Seed of weights, draws and order.
    pub seed: u64,
    /// Threads, each with one thread inside operations.
    pub workers: usize,
    /// Samples of a minibatch.
    pub batch: usize,
    /// Passes over each rollout.
    pub epochs: usize,
    /// Steps of a rollout.
    pub rollout: usize,
    /// Environments.
    pub envs: usize,
}

/// What it took, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Samples learned from.
    pub samples: usize,
    /// By the clock, without grounding the level.
    pub seconds: f64,
    /// Of all threads.
    pub cpu_seconds: f64,
    /// By the clock.
    pub samples_per_second: f64,
    /// Share of episodes that reached the goal, in the first rollout.
    pub success_first: f64,
    /// The same in the last rollout.
    pub success_last: f64,
    /// The same in every rollout.
    pub success: Vec<f64>,
}

/// Learns, and measures it.
///
/// # Errors
/// When the request makes no sense, the level cannot be grounded, or libtorch fails.
pub async fn bench(request: Request) -> Result<Answer, StepFailure> {
    let whole = request.workers > 0
        && request.envs.is_multiple_of(request.workers)
        && request.batch.is_multiple_of(request.workers)
        && (request.envs * request.rollout).is_multiple_of(request.batch.max(1));
    if !whole || request.hidden.is_empty() {
        return Err(StepFailure::input(
            "divide the work: envs and batch must be multiples of workers, envs × rollout one of \
             batch, and there must be a hidden layer",
        ));
    }
    let world = Arc::new(World::ground(&request.level).map_err(StepFailure::input)?);
    let rollouts = request.samples.div_ceil(request.envs * request.rollout);
    let exchange = Exchange::new(request.workers);
    let (begin, cpu) = (Instant::now(), cpu_seconds());
    let counts = std::thread::scope(|scope| {
        let run = |nth| {
            let (world, exchange, request) = (Arc::clone(&world), &exchange, &request);
            scope.spawn(move || Worker::new(world, request, nth, exchange)?.run(rollouts))
        };
        let threads: Vec<_> = (0..request.workers).map(run).collect();
        threads.into_iter().map(|t| t.join()).collect::<Vec<_>>()
    });
    let seconds = begin.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds() - cpu;
    let mut ended = vec![(0u64, 0u64); rollouts];
    for counts in counts {
        let counts = counts.map_err(|_| StepFailure::internal("wait for a worker: it panicked"))?;
        for (sum, (won, all)) in ended.iter_mut().zip(counts.map_err(StepFailure::internal)?) {
            *sum = (sum.0 + won, sum.1 + all);
        }
    }
    let success: Vec<f64> =
        ended.iter().map(|(won, all)| *won as f64 / (*all).max(1) as f64).collect();
    let samples = rollouts * request.envs * request.rollout;
    Ok(Answer {
        samples,
        seconds,
        cpu_seconds,
        samples_per_second: samples as f64 / seconds.max(1e-9),
        success_first: success.first().copied().unwrap_or(0.0),
        success_last: success.last().copied().unwrap_or(0.0),
        success,
    })
}

/// CPU time of the process so far, all threads together; 0 where the system does not tell. The kernel
/// counts it in hundredths.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in brackets, which may hold spaces.
    let after = text.rsplit_once(") ").map_or("", |(_, after)| after);
    let ticks = after.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
