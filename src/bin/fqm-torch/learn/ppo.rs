//! Masked proximal policy optimisation: the policy plays, and learns from the rewards.
//!
//! The mask is the graph's list of applicable calls, so that no probability ever falls on a call that
//! cannot be made (Huang and Ontañón, arXiv 2006.14171).

use std::sync::Arc;

use super::logs::standardise;
use super::plays::{Rollout, roll};
use super::{LearnError, Learner, Now};
use crate::agent::{Manner, PolicyAgent};
use crate::loss::Knobs;
use fqm_pipe::core::{EpisodeId, derive_seed};
use fqm_pipe::evaluate::draw_levels;
use fqm_pipe::policy::{Aim, Example, PpoParams};
use fqm_pipe::quest::{Split, Suite, World};

/// The learner, see [`PpoParams`].
pub struct Ppo<'a> {
    params: PpoParams,
    suite: &'a Suite,
    seed: u64,
}

impl<'a> Ppo<'a> {
    /// A learner that plays training levels of this suite.
    pub fn new(params: PpoParams, suite: &'a Suite, seed: u64) -> Self {
        Self { params, suite, seed }
    }

    fn worlds(&self, seed: u64) -> Result<Vec<Arc<World>>, LearnError> {
        let p = &self.params;
        let levels = draw_levels(self.suite, Split::Train, &p.families, &p.grades, seed, p.levels)
            .map_err(|e| LearnError::Draw(e.to_string()))?;
        let mut worlds = Vec::new();
        for level in levels {
            let world = World::ground(&level).map_err(|e| LearnError::Draw(e.to_string()))?;
            let world = Arc::new(world);
            worlds.extend(std::iter::repeat_n(world, p.rollouts));
        }
        Ok(worlds)
    }

    fn examples(&self, rollouts: Vec<Rollout>) -> Vec<Example> {
        let mut examples = Vec::new();
        let mut advantages = Vec::new();
        for (nth, rollout) in rollouts.into_iter().enumerate() {
            let rewards: Vec<f32> = rollout.decisions.iter().map(|(_, r)| *r).collect();
            let guesses: Vec<f32> = rollout.decisions.iter().map(|(d, _)| d.outcome).collect();
            let ahead = gae(&rewards, &guesses, self.params.discount, self.params.lambda);
            for (step, (decision, _)) in rollout.decisions.into_iter().enumerate() {
                let advantage = ahead.get(step).copied().unwrap_or(0.0);
                let log_p = decision.log_p();
                let outcome = Some(decision.outcome + advantage);
                let episode = EpisodeId::new(format!("rollout:{nth}"));
                let choice = Example::choose(decision.graph, decision.index, episode, step as i32);
                let aim = Aim::Reinforce { advantage, log_p };
                advantages.push(advantage);
                examples.push(Example { aim, outcome, weight: self.params.weight, ..choice });
            }
        }
        standardise(&mut advantages);
        for (example, fair) in examples.iter_mut().zip(advantages) {
            if let Aim::Reinforce { advantage, .. } = &mut example.aim {
                *advantage = fair;
            }
        }
        examples
    }
}

impl Learner for Ppo<'_> {
    fn name(&self) -> &'static str {
        "ppo"
    }

    fn lessons(&mut self, now: &Now<'_>) -> Result<Vec<Example>, LearnError> {
        let seed = derive_seed(self.seed, &format!("ppo/{}", now.round));
        let worlds = self.worlds(seed)?;
        let mut agent = PolicyAgent::new("ppo", now.policy, Manner::PLAIN, seed, now.device)?;
        Ok(self.examples(roll(&mut agent, &worlds, seed)?))
    }

    fn tune(&self, knobs: &mut Knobs) {
        knobs.clip = f64::from(self.params.clip);
        knobs.entropy = f64::from(self.params.entropy);
    }
}

/// Generalised advantage estimates of one play, which ends after its last reward (Schulman et al.,
/// arXiv 1506.02438).
pub(super) fn gae(rewards: &[f32], guesses: &[f32], discount: f32, lambda: f32) -> Vec<f32> {
    let mut ahead = vec![0.0; rewards.len()];
    let (mut next_guess, mut next_ahead) = (0.0, 0.0);
    let steps = rewards.iter().zip(guesses).zip(&mut ahead);
    for ((reward, guess), ahead) in steps.rev() {
        let surprise = reward + discount * next_guess - guess;
        *ahead = surprise + discount * lambda * next_ahead;
        (next_guess, next_ahead) = (*guess, *ahead);
    }
    ahead
}
