//! AdamW (Loshchilov and Hutter, ICLR 2019) with a state that can be written down, so that a
//! training that was interrupted goes on as if it had not been.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use crate::ops::{Torch, floats, to_vec};
use fqm_pipe::policy::Weights;

/// Decay of the mean of the gradients.
const BETA1: f64 = 0.9;
/// Decay of the mean of their squares; shorter than the usual 0.999, for runs of few steps.
const BETA2: f64 = 0.98;
/// Keeps the division apart from zero.
const EPSILON: f64 = 1e-8;

/// One weight with its running means.
struct Slot {
    name: String,
    weight: Tensor,
    mean: Tensor,
    square: Tensor,
}

/// The optimiser.
pub struct AdamW {
    slots: Vec<Slot>,
    decay: f64,
    steps: i64,
}

impl AdamW {
    /// An optimiser of named weights that has not made a step yet; `decay` is the decoupled weight
    /// decay.
    ///
    /// # Errors
    /// Where libtorch cannot make the tensors.
    pub fn new<'a>(
        weights: impl Iterator<Item = (&'a str, &'a Tensor)>,
        decay: f64,
    ) -> Torch<Self> {
        let slot = |(name, weight): (&str, &Tensor)| {
            Ok(Slot {
                name: name.to_owned(),
                mean: weight.f_detach()?.f_zeros_like()?,
                square: weight.f_detach()?.f_zeros_like()?,
                weight: weight.shallow_clone(),
            })
        };
        Ok(Self { slots: weights.map(slot).collect::<Torch<_>>()?, decay, steps: 0 })
    }

    /// Forgets the gradients.
    pub fn zero_grad(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.weight.zero_grad());
    }

    /// Scales the gradients so that their norm is at most `most`, and gives their norm before.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub fn clip(&self, most: f64) -> Torch<f64> {
        let _guard = tch::no_grad_guard();
        let mut gradients = self.gradients()?;
        let mut squares = 0.0;
        for (_, gradient) in &gradients {
            squares += gradient.f_square()?.f_sum(Kind::Double)?.f_double_value(&[])?;
        }
        let norm = squares.sqrt();
        if norm > most {
            for (_, gradient) in &mut gradients {
                let _ = gradient.f_mul_scalar_(most / norm)?;
            }
        }
        Ok(norm)
    }

    fn gradients(&self) -> Torch<Vec<(usize, Tensor)>> {
        let mut found = Vec::new();
        for (i, slot) in self.slots.iter().enumerate() {
            let gradient = slot.weight.f_grad()?;
            if gradient.defined() {
                found.push((i, gradient));
            }
        }
        Ok(found)
    }

    /// Makes a step at a learning rate.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub fn step(&mut self, rate: f64) -> Torch<()> {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        // Operations that end in `_` change their tensor, and give it back for chains that nobody needs.
        let corrected = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        let (first, second) = (corrected(BETA1), corrected(BETA2));
        for (i, gradient) in self.gradients()? {
            let Some(slot) = self.slots.get_mut(i) else { continue };
            let _ = slot.mean.f_lerp_(&gradient, 1.0 - BETA1)?;
            let squared = gradient.f_square()?.f_mul_scalar(1.0 - BETA2)?;
            let _ = slot.square.f_mul_scalar_(BETA2)?.f_add_(&squared)?;
            let spread = slot.square.f_div_scalar(second)?.f_sqrt()?.f_add_scalar(EPSILON)?;
            let change = slot.mean.f_div(&spread)?.f_mul_scalar(rate / first)?;
            let _ = slot.weight.f_mul_scalar_(1.0 - rate * self.decay)?.f_sub_(&change)?;
        }
        Ok(())
    }

    /// Hands all gradients, one after the other, to somebody who may change them.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub fn exchange(&self, change: impl FnOnce(&mut Vec<f32>)) -> Torch<()> {
        let _guard = tch::no_grad_guard();
        let mut gradients = self.gradients()?;
        let mut all = Vec::new();
        for (_, gradient) in &gradients {
            all.extend(to_vec(gradient)?);
        }
        change(&mut all);
        let mut from = 0;
        for (_, gradient) in &mut gradients {
            let to = from + gradient.numel();
            let shape = gradient.size();
            let new = floats(all.get(from..to).unwrap_or_default(), &shape, gradient.device())?;
            gradient.f_copy_(&new)?;
            from = to;
        }
        Ok(())
    }

    /// Steps made so far.
    pub fn steps(&self) -> i64 {
        self.steps
    }

    /// The running means by name, `mean/…` and `square/…`.
    ///
    /// # Errors
    /// Where libtorch cannot copy them.
    pub fn export(&self) -> Torch<Weights> {
        let mut all = BTreeMap::new();
        for slot in &self.slots {
            for (kind, tensor) in [("mean", &slot.mean), ("square", &slot.square)] {
                let shape = tensor.size().iter().map(|n| *n as usize).collect();
                all.insert(format!("{kind}/{}", slot.name), (shape, to_vec(tensor)?));
            }
        }
        Ok(all.into_iter().collect())
    }

    /// Goes on from what [`AdamW::export`] gave after `steps` steps.
    ///
    /// # Errors
    /// Where a mean is missing or of another shape.
    pub fn import(&mut self, means: &Weights, steps: i64) -> Torch<()> {
        let _guard = tch::no_grad_guard();
        for slot in &mut self.slots {
            for (kind, tensor) in [("mean", &mut slot.mean), ("square", &mut slot.square)] {
                let name = format!("{kind}/{}", slot.name);
                let (shape, values) = means.get(&name).ok_or_else(|| {
                    tch::TchError::Shape(format!("the optimiser's state has no {name}"))
                })?;
                let shape: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
                tensor.f_copy_(&floats(values, &shape, tensor.device())?)?;
            }
        }
        self.steps = steps;
        Ok(())
    }
}
