//! Calibration: probabilities that are logged as propensities must mean what they say.
//!
//! Logits are divided by one number, the temperature, that makes held-out choices most probable
//! (Guo et al., ICML 2017). The order of the calls does not change.

use super::LearnError;
use super::batches::{join, ranges};
use crate::network::Network;
use fqm_pipe::policy::{Aim, Example};

/// Temperatures that are tried lie between these.
const COLDEST: f64 = 0.25;
const HOTTEST: f64 = 4.0;
/// Fewer held-out choices than this say nothing.
const ENOUGH: usize = 50;
/// Halvings of the search; the result is then exact to a thousandth.
const HALVINGS: usize = 20;

/// The temperature that fits the held-out choices best; 1 where there are too few.
pub(super) fn temperature(
    network: &Network,
    held_out: &[&Example],
    budget: usize,
) -> Result<f32, LearnError> {
    let chosen: Vec<&Example> = held_out.iter().filter(|e| e.aim == Aim::Choose).copied().collect();
    if chosen.len() < ENOUGH {
        return Ok(1.0);
    }
    let mut rows = Vec::with_capacity(chosen.len());
    for range in ranges(&chosen, budget) {
        let some = chosen.get(range).unwrap_or_default();
        let scored = network.score(&join(some))?;
        rows.extend(scored.into_iter().zip(some).map(|(s, e)| (s.logits, e.right_choices())));
    }
    // The loss is convex in the inverse of the temperature, so the search may halve its range.
    let (mut low, mut high) = (1.0 / HOTTEST, 1.0 / COLDEST);
    for _ in 0..HALVINGS {
        let third = (high - low) / 3.0;
        if loss(&rows, low + third) < loss(&rows, high - third) {
            high -= third;
        } else {
            low += third;
        }
    }
    Ok((2.0 / (low + high)) as f32)
}

/// Mean −log of the probability of the right choices, with logits times `sharpness`.
fn loss(rows: &[(Vec<f32>, Vec<usize>)], sharpness: f64) -> f64 {
    let of = |(logits, right): &(Vec<f32>, Vec<usize>)| {
        let at =
            |i: &usize| logits.get(*i).map_or(f64::NEG_INFINITY, |l| f64::from(*l) * sharpness);
        let all: Vec<usize> = (0..logits.len()).collect();
        log_sum(all.iter().map(at)) - log_sum(right.iter().map(at))
    };
    rows.iter().map(of).sum::<f64>() / rows.len().max(1) as f64
}

fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = values.clone().fold(f64::NEG_INFINITY, f64::max);
    top + values.map(|v| (v - top).exp()).sum::<f64>().ln()
}
