//! How long a policy takes to decide, and how much memory: what `benches/act.py` measures.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use fqm_pipe::pipeline::StepFailure;
use fqm_pipe::quest::{Agent, Level, Play, World};
use fqm_pipe::steps::Weights;

use crate::agent::{Manner, PolicyAgent};

/// Which policy decides where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The weights; drawn ones do as well, for they take as long.
    pub weights: Option<Weights>,
    /// The levels, each in its first state.
    pub levels: Vec<Level>,
    /// How often each decision is made.
    pub times: usize,
}

/// What it took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Levels.
    pub levels: usize,
    /// Milliseconds of a decision alone: median and 95th percentile.
    pub single_ms: [f64; 2],
    /// Milliseconds of a decision when all levels are decided at once.
    pub batched_ms: f64,
    /// Largest memory of the process so far, in MiB.
    pub peak_mib: f64,
}

/// Measures decisions.
///
/// # Errors
/// When the weights cannot be read, a level cannot be grounded, or libtorch fails.
pub async fn bench(request: Request) -> Result<Answer, StepFailure> {
    let checkpoint = match &request.weights {
        Some(weights) => crate::weights::read(weights).await?,
        None => crate::load::drawn(1).map_err(StepFailure::internal)?,
    };
    let device = crate::device::choose(crate::device::Wish::Cpu).device;
    let agent = PolicyAgent::new("policy", &checkpoint, Manner::GREEDY, 0, device);
    let mut agent = agent.map_err(StepFailure::input)?;
    let worlds: Result<Vec<World>, _> = request.levels.iter().map(World::ground).collect();
    let worlds = worlds.map_err(StepFailure::input)?;
    let plays: Vec<Play> = worlds.into_iter().map(|w| Play::new(w.into(), 0)).collect();
    let all: Vec<&Play> = plays.iter().collect();
    let mut decide = |some: &[&Play]| -> Result<f64, StepFailure> {
        let begin = Instant::now();
        agent.act(some).map_err(StepFailure::internal)?;
        Ok(begin.elapsed().as_secs_f64() * 1000.0)
    };
    decide(&all)?;
    let (mut single, mut batched) = (Vec::new(), 0.0);
    for _ in 0..request.times.max(1) {
        for play in &all {
            single.push(decide(&[play])?);
        }
        batched += decide(&all)?;
    }
    single.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (single.len() as f64 * share) as usize;
        single.get(place.min(single.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    Ok(Answer {
        levels: all.len(),
        single_ms: [at(0.5), at(0.95)],
        batched_ms: batched / single.len().max(1) as f64,
        peak_mib: peak_mib(),
    })
}

/// The high-water mark of the process's memory; 0 where the system does not tell.
fn peak_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
