//! Two dense networks: one points at a call, the other foretells the rewards to come.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor};

use crate::ops::{Torch, floats, linear};

/// One layer.
struct Layer {
    w: Tensor,
    b: Tensor,
}

impl Layer {
    fn of(&self, x: &Tensor) -> Torch {
        linear(x, &self.w, Some(&self.b))
    }
}

/// Policy and value network over the same input, with rectifiers between the layers. Their first
/// layers stand side by side in one matrix: the same function by one product instead of two.
pub(super) struct ActorCritic {
    first: Layer,
    width: i64,
    actor: Vec<Layer>,
    critic: Vec<Layer>,
    named: Vec<(String, Tensor)>,
}

/// Makes layers from a seeded stream.
struct Maker {
    rng: ChaCha8Rng,
    named: Vec<(String, Tensor)>,
}

impl Maker {
    fn layer(&mut self, name: &str, (n, m): (i64, i64), gain: f32) -> Torch<Layer> {
        let bound = gain / (n as f32).sqrt();
        let values: Vec<f32> =
            (0..n * m).map(|_| self.rng.random_range(-1.0f32..1.0) * bound).collect();
        let w = floats(&values, &[n, m], Device::Cpu)?.set_requires_grad(true);
        let zeros = vec![0.0f32; usize::try_from(m).unwrap_or(0)];
        let b = floats(&zeros, &[m], Device::Cpu)?.set_requires_grad(true);
        self.named.push((format!("{name}_w"), w.shallow_clone()));
        self.named.push((format!("{name}_b"), b.shallow_clone()));
        Ok(Layer { w, b })
    }

    /// The layers behind the first; `last` is the gain of the last one.
    fn stack(&mut self, name: &str, hidden: &[i64], out: i64, last: f32) -> Torch<Vec<Layer>> {
        let mut widths = hidden.to_vec();
        widths.push(out);
        let mut layers = Vec::new();
        for (at, pair) in widths.windows(2).enumerate() {
            let [n, m] = pair else { continue };
            let gain = if at + 2 == widths.len() { last } else { 1.7 };
            layers.push(self.layer(&format!("{name}{at}"), (*n, *m), gain)?);
        }
        Ok(layers)
    }
}

impl ActorCritic {
    /// Weights are drawn from a seeded stream; the last layer of the policy is small, so that play
    /// begins without a preference.
    pub(super) fn new(inputs: i64, hidden: &[i64], calls: i64, seed: u64) -> Torch<Self> {
        let rng = fqm_pipe::core::rng(seed, "dense/weights");
        let mut maker = Maker { rng, named: Vec::new() };
        let width = hidden.first().copied().unwrap_or(1);
        let first = maker.layer("first", (inputs, 2 * width), 1.7)?;
        let actor = maker.stack("actor", hidden, calls, 0.01)?;
        let critic = maker.stack("critic", hidden, 1, 1.0)?;
        Ok(Self { first, width, actor, critic, named: maker.named })
    }

    pub(super) fn weights(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.named.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Logits of all calls, `samples × calls`, and guesses of the rewards to come.
    pub(super) fn forward(&self, x: &Tensor) -> Torch<(Tensor, Tensor)> {
        let h = self.first.of(x)?.f_relu()?;
        let logits = through(&self.actor, h.f_narrow(1, 0, self.width)?)?;
        let guess = through(&self.critic, h.f_narrow(1, self.width, self.width)?)?;
        Ok((logits, guess.f_squeeze_dim(1)?))
    }
}

fn through(layers: &[Layer], mut h: Tensor) -> Torch {
    for (at, layer) in layers.iter().enumerate() {
        h = layer.of(&h)?;
        if at + 1 < layers.len() {
            h = h.f_relu()?;
        }
    }
    Ok(h)
}
