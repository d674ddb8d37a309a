//! The champion guard: what the champion knows stays known.
//!
//! Of the grades that the champion has mastered, fresh levels are played by the champion, and the
//! challenger learns to choose there as it does. How strongly is decided by the trainer from the
//! divergence that it sees.

use std::sync::Arc;

use rand::seq::{IndexedRandom, SliceRandom};

use super::plays::roll;
use super::{LearnError, Now};
use crate::agent::{Manner, PolicyAgent};
use fqm_pipe::core::{derive_seed, rng};
use fqm_pipe::policy::{Aim, Checkpoint, Example, GuardParams};
use fqm_pipe::quest::{Split, Suite, World};

/// Decisions of a play, to guess how many levels must be drawn.
const DECISIONS: usize = 5;

/// A family and a grade.
type FamilyGrade = (String, (u32, u32));

/// The guard of one training.
pub struct Guard<'a> {
    params: &'a GuardParams,
    champion: &'a Checkpoint,
    suite: &'a Suite,
    held: Vec<FamilyGrade>,
    seed: u64,
}

impl<'a> Guard<'a> {
    /// A guard of what the champion has mastered.
    pub fn new(
        params: &'a GuardParams,
        champion: &'a Checkpoint,
        suite: &'a Suite,
        held: Vec<FamilyGrade>,
        seed: u64,
    ) -> Self {
        Self { params, champion, suite, held, seed }
    }

    /// Examples of what to keep, so many that they are the wanted share beside `others`.
    pub(super) fn lessons(
        &mut self,
        others: usize,
        now: &Now<'_>,
    ) -> Result<Vec<Example>, LearnError> {
        let share = self.params.replay.clamp(0.0, 0.9);
        let wanted = (others as f64 * share / (1.0 - share)).round() as usize;
        if wanted == 0 || self.held.is_empty() {
            return Ok(Vec::new());
        }
        let seed = derive_seed(self.seed, &format!("guard/{}", now.round));
        let worlds = self.worlds(wanted.div_ceil(DECISIONS), seed)?;
        let mut champion =
            PolicyAgent::new("champion", self.champion, Manner::GREEDY, 0, now.device)?;
        let mut kept = Vec::new();
        for rollout in roll(&mut champion, &worlds, seed)? {
            if !rollout.play.goal_achieved() {
                continue;
            }
            let level = rollout.play.world().level().name();
            for (step, (decision, _)) in rollout.decisions.into_iter().enumerate() {
                let shares = decision.plain();
                let episode = fqm_pipe::core::EpisodeId::new(format!("champion:{level}"));
                let choice = Example::choose(decision.graph, decision.index, episode, step as i32);
                kept.push(Example { aim: Aim::Keep(shares), ..choice });
            }
        }
        kept.shuffle(&mut rng(seed, "guard/order"));
        kept.truncate(wanted);
        Ok(kept)
    }

    fn worlds(&self, count: usize, seed: u64) -> Result<Vec<Arc<World>>, LearnError> {
        let mut dice = rng(seed, "guard/grades");
        let mut wanted = std::collections::BTreeMap::<&FamilyGrade, usize>::new();
        for _ in 0..count {
            if let Some(grade) = self.held.choose(&mut dice) {
                *wanted.entry(grade).or_default() += 1;
            }
        }
        let mut worlds = Vec::new();
        for ((family, (level, challenge)), n) in wanted {
            let levels = self
                .suite
                .draw(family, *level, *challenge, Split::Train, seed, n)
                .map_err(|e| LearnError::Draw(e.to_string()))?;
            for level in levels {
                let world = World::ground(&level).map_err(|e| LearnError::Draw(e.to_string()))?;
                worlds.push(Arc::new(world));
            }
        }
        Ok(worlds)
    }
}
