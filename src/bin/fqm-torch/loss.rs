//! The loss of imitation: cross-entropy, the value head's Huber loss, and a margin.

use tch::{Kind, Reduction, Tensor};

use crate::network::{Scores, scaled_value};
use crate::ops::{Torch, floats, indices};
use fqm_pipe::policy::ImitationParams;

/// What a batch should have answered.
pub struct Targets {
    /// Position of the choice among the applicable calls, per graph.
    pub choice: Vec<usize>,
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
    /// 1 where the choice has the highest logit.
    pub right: Vec<f32>,
}

/// Computes the losses; means are weighted.
pub fn losses(scores: &Scores, targets: &Targets, p: &ImitationParams) -> Torch<Losses> {
    let (graphs, width) = scores.grid.size2()?;
    let device = scores.grid.device();
    let weight = share_of_total(&targets.weight, device)?;
    let places: Vec<i64> =
        targets.choice.iter().enumerate().map(|(g, c)| g as i64 * width + *c as i64).collect();
    let places = indices(&places, device)?;
    let chosen = |t: &Tensor| t.f_reshape([-1])?.f_index_select(0, &places);

    let log_p = scores.grid.f_log_softmax(1, Kind::Float)?;
    let policy = chosen(&log_p)?.f_mul(&weight)?.f_sum(Kind::Float)?.f_neg()?;
    let teacher = chosen(&scores.grid)?;
    let best_other = others(&scores.grid, &places, (graphs, width))?;
    let short = best_other.f_sub(&teacher)?.f_add_scalar(p.margin)?.f_relu()?;
    let margin = short.f_mul(&weight)?.f_sum(Kind::Float)?;
    let right = super::ops::to_vec(&best_other.f_le_tensor(&teacher)?)?;

    let mut total = policy.f_add(&margin.f_mul_scalar(p.margin_weight)?)?;
    if let Some(value) = value_loss(&scores.value, targets)? {
        total = total.f_add(&value.f_mul_scalar(p.value_weight)?)?;
    }
    Ok(Losses { total, policy, right })
}

/// The highest logit per graph when the chosen one is left out.
fn others(grid: &Tensor, places: &Tensor, (graphs, width): (i64, i64)) -> Torch {
    let shift = Tensor::f_full([places.numel() as i64], -2e9, (grid.kind(), grid.device()))?;
    let hide = Tensor::f_zeros([graphs * width], (grid.kind(), grid.device()))?
        .f_index_add(0, places, &shift)?
        .f_reshape([graphs, width])?;
    grid.f_add(&hide)?.f_amax([1i64].as_slice(), false)
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
