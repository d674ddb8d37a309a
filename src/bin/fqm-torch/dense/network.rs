//! Two dense networks: one points at a call, the other foretells the rewards to come.

use rand::Rng;
use tch::{Device, Tensor};

use crate::ops::{Torch, floats, linear};

/// One layer.
struct Layer {
    w: Tensor,
    b: Tensor,
}

/// Policy and value network over the same input, with tanh between the layers.
pub(super) struct ActorCritic {
    actor: Vec<Layer>,
    critic: Vec<Layer>,
    named: Vec<(String, Tensor)>,
}

impl ActorCritic {
    /// Weights are drawn from a seeded stream; the last layer of the policy is small, so that play
    /// begins without a preference.
    pub(super) fn new(inputs: i64, hidden: &[i64], calls: i64, seed: u64) -> Torch<Self> {
        let mut rng = fqm_pipe::core::rng(seed, "dense/weights");
        let mut named = Vec::new();
        let mut stack = |name: &str, outputs: i64, last: f32| -> Torch<Vec<Layer>> {
            let mut widths = vec![inputs];
            widths.extend(hidden);
            widths.push(outputs);
            let mut layers = Vec::new();
            for (at, pair) in widths.windows(2).enumerate() {
                let [n, m] = pair else { continue };
                let gain = if at + 2 == widths.len() { last } else { 1.7 };
                let bound = gain / (*n as f32).sqrt();
                let values: Vec<f32> =
                    (0..n * m).map(|_| rng.random_range(-1.0f32..1.0) * bound).collect();
                let w = floats(&values, &[*n, *m], Device::Cpu)?.set_requires_grad(true);
                let zeros = vec![0.0f32; usize::try_from(*m).unwrap_or(0)];
                let b = floats(&zeros, &[*m], Device::Cpu)?.set_requires_grad(true);
                named.push((format!("{name}{at}_w"), w.shallow_clone()));
                named.push((format!("{name}{at}_b"), b.shallow_clone()));
                layers.push(Layer { w, b });
            }
            Ok(layers)
        };
        let actor = stack("actor", calls, 0.01)?;
        let critic = stack("critic", 1, 1.0)?;
        Ok(Self { actor, critic, named })
    }

    pub(super) fn weights(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.named.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Logits of all calls, `samples × calls`, and guesses of the rewards to come.
    pub(super) fn forward(&self, x: &Tensor) -> Torch<(Tensor, Tensor)> {
        let logits = through(&self.actor, x)?;
        let guess = through(&self.critic, x)?.f_squeeze_dim(1)?;
        Ok((logits, guess))
    }
}

fn through(layers: &[Layer], x: &Tensor) -> Torch {
    let mut h = x.shallow_clone();
    for (at, layer) in layers.iter().enumerate() {
        h = linear(&h, &layer.w, Some(&layer.b))?;
        if at + 1 < layers.len() {
            h = h.f_tanh()?;
        }
    }
    Ok(h)
}
