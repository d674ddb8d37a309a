//! What feedback teaches by comparison: of two choices in the same state, which one was better.

use super::{LearnError, Learner, Now};
use crate::agent::{Manner, PolicyAgent};
use crate::loss::Knobs;
use fqm_pipe::policy::{Aim, Example, Pair, PreferenceParams};

/// Learning from pairs, see [`PreferenceParams`].
pub struct Preference<'a> {
    params: PreferenceParams,
    pairs: &'a [Pair],
}

impl<'a> Preference<'a> {
    /// Learning from these pairs.
    pub fn new(params: PreferenceParams, pairs: &'a [Pair]) -> Self {
        Self { params, pairs }
    }
}

impl Learner for Preference<'_> {
    fn name(&self) -> &'static str {
        "preference"
    }

    /// The reference is the policy before the first round; one that knows nothing prefers nothing.
    fn lessons(&mut self, now: &Now<'_>) -> Result<Vec<Example>, LearnError> {
        let graphs: Vec<_> = self.pairs.iter().map(|pair| &*pair.graph).collect();
        let agent = PolicyAgent::new("reference", now.policy, Manner::GREEDY, 0, now.device)?;
        let scored = if now.fresh { Vec::new() } else { agent.score(&graphs)? };
        let ahead = |at: usize, pair: &Pair| {
            let logits = scored.get(at).map(|s| &s.logits);
            let logit = |place: usize| logits.and_then(|l| l.get(place)).copied().unwrap_or(0.0);
            logit(pair.better) - logit(pair.worse)
        };
        let example = |(at, pair): (usize, &Pair)| {
            let aim = Aim::Prefer { over: pair.worse, reference: ahead(at, pair) };
            let choice =
                Example::choose(pair.graph.clone(), pair.better, pair.episode.clone(), pair.step);
            Example { aim, weight: self.params.weight, ..choice }
        };
        Ok(self.pairs.iter().enumerate().map(example).collect())
    }

    fn tune(&self, knobs: &mut Knobs) {
        knobs.preference_beta = f64::from(self.params.beta);
    }
}
