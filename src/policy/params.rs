//! What can be set, and what a training reports. Compiled without torch, so that a pipeline can
//! be planned and checked on a machine that has none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Size of the graph network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkShape {
    /// Width of every node's state, `d`.
    #[schemars(range(min = 4, max = 512))]
    pub width: usize,
    /// Rounds of message passing with the same weights, `L`.
    #[schemars(range(min = 1, max = 64))]
    pub rounds: usize,
}

impl Default for NetworkShape {
    fn default() -> Self {
        Self { width: 32, rounds: 5 }
    }
}

/// How weights are changed, whatever is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainerParams {
    /// Size of the network; must equal the base checkpoint's where there is one.
    pub network: NetworkShape,
    /// Seed of the weights, the order of examples and the dropout.
    pub seed: u64,
    /// Most passes over the training examples.
    pub epochs: usize,
    /// Most states trained on in all: bounds the time, whatever the number of examples. The last
    /// pass is always finished.
    pub max_states: usize,
    /// Peak learning rate of AdamW; it falls linearly to a twentieth.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// The gradient's norm is clipped to this.
    pub clip: f64,
    /// Nodes in a training batch.
    pub batch_nodes: usize,
    /// Share of graphs whose texts are hidden in training, so that structure must do as well.
    pub text_dropout: f64,
    /// Weight of the value head's Huber loss.
    pub value_weight: f64,
    /// Weight of the margin loss.
    pub margin_weight: f64,
    /// By how much the teacher's call should stand above all others, in logits.
    pub margin: f64,
    /// Weight of the loss for liking calls that must not be made: −log(1 − their probability).
    pub forbidden_weight: f64,
    /// Most validation examples that an epoch looks at (a seeded sample).
    pub validation_examples: usize,
}

impl Default for TrainerParams {
    fn default() -> Self {
        Self {
            network: NetworkShape::default(),
            seed: 0,
            epochs: 25,
            max_states: 30_000,
            learning_rate: 3e-3,
            weight_decay: 1e-3,
            clip: 1.0,
            batch_nodes: 3_000,
            text_dropout: 0.5,
            value_weight: 0.5,
            margin_weight: 0.1,
            margin: 1.0,
            forbidden_weight: 1.0,
            validation_examples: 400,
        }
    }
}

impl TrainerParams {
    /// Passes that will be made over `examples` examples, at least one.
    pub fn passes(&self, examples: usize) -> usize {
        let allowed = self.max_states.div_ceil(examples.max(1));
        self.epochs.min(allowed).max(1)
    }
}

/// What one pass over the examples did. Means are over the examples that have such a figure.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EpochMetrics {
    /// Counted from 1.
    pub epoch: usize,
    /// Passes in all.
    pub epochs: usize,
    /// Mean training loss: all that is minimised.
    pub loss: f64,
    /// Share of training examples whose choice had the highest logit.
    pub accuracy: f64,
    /// Mean cross-entropy on the validation examples.
    pub validation_loss: Option<f64>,
    /// The same share on the validation examples.
    pub validation_accuracy: Option<f64>,
    /// Mean norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Mean entropy of the policy, in nats.
    pub entropy: f64,
    /// Mean divergence of the policy from the champion on what the champion knows, in nats.
    pub kl: Option<f64>,
    /// Mean probability of calls that must not be made, in states that allow one.
    pub forbidden: Option<f64>,
    /// Mean error of the estimate of the calls still needed, in calls.
    pub value_error: Option<f64>,
    /// Mean error of the estimate of what comes of it.
    pub outcome_error: Option<f64>,
    /// Whether the trip-wire of the champion guard undid the pass.
    pub undone: bool,
    /// Peak learning rate of the pass.
    pub learning_rate: f64,
    /// Speed of the pass. Depends on the machine: keep it out of digests.
    #[serde(skip)]
    pub examples_per_second: f64,
}

/// What a checkpoint says about its training. No clock, no speed, no path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// Which learners made it, joined by `+`.
    pub learner: String,
    /// The trainer's parameters, as JSON.
    pub params: serde_json::Value,
    /// Training examples of the last round.
    pub examples: usize,
    /// Validation examples.
    pub validation_examples: usize,
    /// The pass whose weights were kept.
    pub best_epoch: usize,
    /// Whether it started from another checkpoint's weights, and their digest.
    pub base: Option<crate::core::Digest>,
    /// The learning curve.
    pub curve: Vec<EpochMetrics>,
}
