//! What a trained policy thinks of states, for somebody who asks why. The weights need libtorch, so this
//! runs in `fqm-torch`, which gets the request on its standard input.

use serde::{Deserialize, Serialize};

use super::play::Weights;
use crate::quest::Level;

/// Whose opinion of which states.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScoreRequest {
    /// The weights.
    pub weights: Weights,
    /// The states, each as a level with the calls that lead to it.
    pub states: Vec<AskedState>,
}

/// A state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskedState {
    /// The level.
    pub level: Level,
    /// Names of the calls that were made, with `#outcome` where it is not the first one.
    pub after: Vec<String>,
}

/// What the policy thinks of a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// The calls that can be made, the most probable first.
    pub calls: Vec<Likely>,
    /// Estimate of the calls still needed.
    pub calls_needed: f32,
}

/// A call and how probable it is that the policy makes it at temperature 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likely {
    /// Name of the call.
    pub call: String,
    /// From 0 to 1; those of a state sum to 1.
    pub probability: f32,
    /// Making it would end the play as a failure.
    pub forbidden: bool,
}
