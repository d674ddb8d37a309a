//! A decision to learn from, and what is to be learned of it.

use std::sync::Arc;

use super::graph::{CALL_FEATURES, Graph, call};
use crate::core::EpisodeId;

/// One decision, with what is known about how good it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The state in which the choice was made.
    pub graph: Arc<Graph>,
    /// The choice, as an index into [`Graph::applicable`].
    pub target: usize,
    /// Other choices that are known to be as good.
    pub also: Vec<usize>,
    /// How much the example counts, usually 1.
    pub weight: f32,
    /// Calls that were still needed, this one included; only where the goal was reached.
    pub value: Option<f32>,
    /// What came of it: the discounted sum of the rewards from here on.
    pub outcome: Option<f32>,
    /// The probability with which the choice was made, where that is known.
    pub propensity: Option<f32>,
    /// What is to be learned.
    pub aim: Aim,
    /// Where it comes from.
    pub episode: EpisodeId,
    /// The step's index in its episode.
    pub step: i32,
}

/// What is to be learned of a decision.
#[derive(Debug, Clone, PartialEq)]
pub enum Aim {
    /// To make the choice, or one that is as good: cross-entropy and a margin.
    Choose,
    /// To like the choice better than this other one of the same state, by more than a reference
    /// does: the logistic loss of direct preference optimisation (Rafailov et al., NeurIPS 2023).
    Prefer {
        /// The choice that was rejected.
        over: usize,
        /// Log-probability of the choice less that of the rejected one, as the reference has it.
        reference: f32,
    },
    /// To make the choice more often where it did better than expected, and no further than the
    /// clip from the policy that made it (Schulman et al., arXiv 1707.06347).
    Reinforce {
        /// By how much it did better than expected, standardised.
        advantage: f32,
        /// Its log-probability when it was made.
        log_p: f32,
    },
    /// To stay with these probabilities of the applicable calls: those of the champion.
    Keep(Vec<f32>),
}

impl Example {
    /// An example of a choice that should be made.
    pub fn choose(
        graph: impl Into<Arc<Graph>>,
        target: usize,
        episode: EpisodeId,
        step: i32,
    ) -> Self {
        Self {
            graph: graph.into(),
            target,
            also: Vec::new(),
            weight: 1.0,
            value: None,
            outcome: None,
            propensity: None,
            aim: Aim::Choose,
            episode,
            step,
        }
    }

    /// Positions of all right choices: the target, those known to be as good, and those that
    /// share a node with one of them.
    pub fn right_choices(&self) -> Vec<usize> {
        let node = |at: &usize| self.graph.applicable.get(*at);
        let nodes: Vec<_> = std::iter::once(&self.target).chain(&self.also).map(node).collect();
        let right = |at: &usize| nodes.contains(&node(at));
        (0..self.graph.applicable.len()).filter(right).collect()
    }

    /// The largest index into [`Graph::applicable`] that it speaks of.
    pub fn furthest(&self) -> usize {
        let over = match &self.aim {
            Aim::Prefer { over, .. } => *over,
            Aim::Keep(shares) => shares.len().saturating_sub(1),
            _ => 0,
        };
        self.also.iter().fold(self.target.max(over), |a, b| a.max(*b))
    }
}

impl Graph {
    /// Positions of the applicable calls that must not be made.
    pub fn forbidden(&self) -> Vec<usize> {
        let must_not = |node: &i32| {
            let at = usize::try_from(*node).unwrap_or(usize::MAX);
            let cell = at.checked_mul(CALL_FEATURES).map(|start| start + call::FORBIDDEN);
            cell.and_then(|cell| self.call_features.get(cell)).is_some_and(|mark| *mark > 0.0)
        };
        let places = self.applicable.iter().enumerate();
        places.filter(|(_, node)| must_not(node)).map(|(place, _)| place).collect()
    }
}
