//! The loss of imitation: cross-entropy, the value head's Huber loss, and a margin.

use tch::{Kind, Reduction, Tensor};

use crate::network::{Scores, scaled_value};
use crate::ops::{Torch, floats};
use fqm_pipe::policy::ImitationParams;

/// What is added to a logit that must not count; below the network's padding.
const HIDDEN: f64 = -2e9;

/// What a batch should have answered.
pub struct Targets {
    /// Positions of the right choices among the applicable calls, per graph; at least one.
    pub choices: Vec<Vec<usize>>,
    /// Weight per graph.
    pub weight: Vec<f32>,
    /// Calls still needed, where known.
    pub value: Vec<Option<f32>>,
}

/// The losses of a batch, as tensors with one value, and which graphs were answered rightly.
pub struct Losses {
    /// What is minimised.
    pub total: Tensor,
    /// Cross-entropy alone.
    pub policy: Tensor,
    /// 1 where a right choice has the highest logit.
    pub right: Vec<f32>,
}

/// Computes the losses; means are weighted. Where several choices are right, their probabilities
/// count together: the policy may settle on any of them.
pub fn losses(scores: &Scores, targets: &Targets, p: &ImitationParams) -> Torch<Losses> {
    let device = scores.grid.device();
    let weight = share_of_total(&targets.weight, device)?;
    let right_ones = mask(scores, targets)?;
    let hidden = |mask: &Tensor| scores.grid.f_add(&mask.f_mul_scalar(HIDDEN)?);
    let among_right = hidden(&right_ones.f_neg()?.f_add_scalar(1.0)?)?;
    let among_wrong = hidden(&right_ones)?;

    let all = scores.grid.f_logsumexp([1i64].as_slice(), false)?;
    let log_p = among_right.f_logsumexp([1i64].as_slice(), false)?.f_sub(&all)?;
    let policy = log_p.f_mul(&weight)?.f_sum(Kind::Float)?.f_neg()?;
    let best_right = among_right.f_amax([1i64].as_slice(), false)?;
    let best_wrong = among_wrong.f_amax([1i64].as_slice(), false)?;
    let short = best_wrong.f_sub(&best_right)?.f_add_scalar(p.margin)?.f_relu()?;
    let margin = short.f_mul(&weight)?.f_sum(Kind::Float)?;
    let right = super::ops::to_vec(&best_wrong.f_le_tensor(&best_right)?)?;

    let mut total = policy.f_add(&margin.f_mul_scalar(p.margin_weight)?)?;
    if let Some(value) = value_loss(&scores.value, targets)? {
        total = total.f_add(&value.f_mul_scalar(p.value_weight)?)?;
    }
    Ok(Losses { total, policy, right })
}

/// 1 at the right choices, 0 elsewhere: `graphs × width`.
fn mask(scores: &Scores, targets: &Targets) -> Torch {
    let (graphs, width) = scores.grid.size2()?;
    let mut mask = vec![0.0f32; (graphs * width).max(0) as usize];
    for (row, choices) in mask.chunks_exact_mut(width.max(1) as usize).zip(&targets.choices) {
        for choice in choices {
            if let Some(cell) = row.get_mut(*choice) {
                *cell = 1.0;
            }
        }
    }
    floats(&mask, &[graphs, width], scores.grid.device())
}

/// Huber loss over the graphs whose distance to the goal is known.
fn value_loss(value: &Tensor, targets: &Targets) -> Torch<Option<Tensor>> {
    let known: Vec<f32> = targets
        .value
        .iter()
        .zip(&targets.weight)
        .map(|(v, w)| if v.is_some() { *w } else { 0.0 })
        .collect();
    if known.iter().all(|w| *w <= 0.0) {
        return Ok(None);
    }
    let wanted: Vec<f32> = targets.value.iter().map(|v| scaled_value(v.unwrap_or(0.0))).collect();
    let wanted = floats(&wanted, &[wanted.len() as i64], value.device())?;
    let each = value.f_huber_loss(&wanted, Reduction::None, 1.0)?;
    Ok(Some(each.f_mul(&share_of_total(&known, value.device())?)?.f_sum(Kind::Float)?))
}

fn share_of_total(weights: &[f32], device: tch::Device) -> Torch {
    let total: f32 = weights.iter().sum();
    let shares: Vec<f32> = weights.iter().map(|w| w / total.max(1e-6)).collect();
    floats(&shares, &[shares.len() as i64], device)
}
