//! What logged episodes teach.

use super::{LearnError, Learner, Now};
use crate::agent::{Manner, PolicyAgent};
use fqm_pipe::policy::{AwrParams, Example, ImitationParams};

/// Shows the same examples every round: choices that should be made.
pub struct Imitation<'a> {
    params: ImitationParams,
    examples: &'a [Example],
}

impl<'a> Imitation<'a> {
    /// Imitation of these choices.
    pub fn new(params: ImitationParams, examples: &'a [Example]) -> Self {
        Self { params, examples }
    }
}

impl Learner for Imitation<'_> {
    fn name(&self) -> &'static str {
        "imitation"
    }

    fn lessons(&mut self, now: &Now<'_>) -> Result<Vec<Example>, LearnError> {
        let examples = sample(self.examples, self.params.most, now.round);
        Ok(weighted(&examples, |example| example.weight * self.params.weight))
    }
}

/// Advantage-weighted regression, see [`AwrParams`].
pub struct Awr<'a> {
    params: AwrParams,
    examples: &'a [Example],
}

impl<'a> Awr<'a> {
    /// Regression on these choices; those of which is not known what came of them are left out.
    pub fn new(params: AwrParams, examples: &'a [Example]) -> Self {
        Self { params, examples }
    }

    /// How much better than expected each choice turned out, in standard deviations. Where nothing
    /// was learned yet, what is expected is the mean.
    fn advantages(&self, examples: &[Example], now: &Now<'_>) -> Result<Vec<f32>, LearnError> {
        let outcomes = examples.iter().map(|e| e.outcome.unwrap_or(0.0));
        let expected: Vec<f32> = if now.fresh {
            vec![0.0; examples.len()]
        } else {
            let agent = PolicyAgent::new("critic", now.policy, Manner::GREEDY, 0, now.device)?;
            let graphs: Vec<_> = examples.iter().map(|e| &*e.graph).collect();
            agent.score(&graphs)?.into_iter().map(|s| s.outcome).collect()
        };
        let mut ahead: Vec<f32> = outcomes.zip(expected).map(|(got, had)| got - had).collect();
        standardise(&mut ahead);
        Ok(ahead)
    }

    fn weight(&self, example: &Example, advantage: f32) -> f32 {
        let p = &self.params;
        let good = (advantage / p.temperature.max(1e-3)).exp().min(p.clip);
        let most = p.rarity.max(1.0);
        let rare = example.propensity.map_or(1.0, |propensity| {
            let calls = example.graph.applicable.len() as f32;
            (1.0 / (propensity * calls)).clamp(1.0 / most, most)
        });
        good * rare
    }
}

impl Learner for Awr<'_> {
    fn name(&self) -> &'static str {
        "awr"
    }

    fn lessons(&mut self, now: &Now<'_>) -> Result<Vec<Example>, LearnError> {
        let examples = sample(self.examples, self.params.most, now.round);
        let examples: Vec<Example> = examples.into_iter().filter(|e| e.outcome.is_some()).collect();
        let advantages = self.advantages(&examples, now)?;
        let weights = examples.iter().zip(advantages);
        let weights: Vec<f32> = weights.map(|(e, a)| self.weight(e, a)).collect();
        let mean = weights.iter().sum::<f32>() / weights.len().max(1) as f32;
        let mut of = weights.into_iter();
        let scale = self.params.weight / mean.max(1e-6);
        Ok(weighted(&examples, |_| of.next().unwrap_or(0.0) * scale))
    }
}

/// At most so many of the examples, in their order; which ones depends on the round.
fn sample(examples: &[Example], most: usize, round: usize) -> Vec<Example> {
    if examples.len() <= most {
        return examples.to_vec();
    }
    let mut dice = fqm_pipe::core::rng(round as u64, "policy/sample");
    let mut chosen = rand::seq::index::sample(&mut dice, examples.len(), most).into_vec();
    chosen.sort_unstable();
    chosen.into_iter().filter_map(|at| examples.get(at).cloned()).collect()
}

/// Copies with another weight.
fn weighted(examples: &[Example], mut weight: impl FnMut(&Example) -> f32) -> Vec<Example> {
    examples.iter().map(|e| Example { weight: weight(e), ..e.clone() }).collect()
}

/// Shifts and scales to mean 0 and standard deviation 1.
pub(super) fn standardise(values: &mut [f32]) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let square = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
    let spread = square.sqrt().max(1e-6);
    values.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean) / spread) as f32);
}
