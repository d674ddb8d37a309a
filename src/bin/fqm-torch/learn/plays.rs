//! Plays by the policy, to learn from.

use std::sync::Arc;

use super::LearnError;
use crate::agent::{Decision, PolicyAgent};
use fqm_pipe::core::derive_seed;
use fqm_pipe::quest::{Play, World};

/// A finished play, with each of its decisions and the reward that followed it.
pub(super) struct Rollout {
    pub(super) play: Play,
    pub(super) decisions: Vec<(Decision, f32)>,
}

/// Plays each world once, all in lockstep. `seed` decides the outcomes drawn.
pub(super) fn roll(
    agent: &mut PolicyAgent,
    worlds: &[Arc<World>],
    seed: u64,
) -> Result<Vec<Rollout>, LearnError> {
    let begin = |(nth, world): (usize, &Arc<World>)| {
        let seed = derive_seed(seed, &format!("rollout/{nth}"));
        Rollout { play: Play::new(Arc::clone(world), seed), decisions: Vec::new() }
    };
    let mut rollouts: Vec<Rollout> = worlds.iter().enumerate().map(begin).collect();
    loop {
        let mut open: Vec<&mut Rollout> = rollouts.iter_mut().filter(|r| !ended(&r.play)).collect();
        if open.is_empty() {
            return Ok(rollouts);
        }
        let plays: Vec<&Play> = open.iter().map(|r| &r.play).collect();
        let decisions = agent.decide(&plays)?;
        for (rollout, decision) in open.iter_mut().zip(decisions) {
            let made = rollout.play.earn(decision.call);
            let (_, reward) = made.map_err(fqm_pipe::quest::AgentError::from)?;
            rollout.decisions.push((decision, reward as f32));
        }
    }
}

fn ended(play: &Play) -> bool {
    play.done() || play.applicable().is_empty()
}
