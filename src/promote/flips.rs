//! A paired test on means: what the differences would be if their signs were drawn.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::evaluate::Interval;

/// Up to this many differences all signs are tried; more are drawn.
const ALL_SIGNS: usize = 16;
/// How many signs, and how many samples for the interval, are drawn.
const DRAWS: usize = 20_000;
/// Sums that differ by less are equal: rounding must not decide.
const SAME: f64 = 1e-9;

/// The mean of paired differences and how sure its sign is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flips {
    /// Independent differences.
    pub pairs: u64,
    /// Their mean with its 95 % interval (bootstrap, percentiles).
    pub difference: Interval,
    /// How probable a mean as far from 0 would be if either sign of every difference were as likely.
    pub p_value: f64,
}

/// The two-sided sign-flip test of independent paired differences; None without any. Exact for few of
/// them; else, and for the interval, the seed decides the draws.
pub fn sign_flips(differences: &[f64], seed: u64) -> Option<Flips> {
    if differences.is_empty() {
        return None;
    }
    let n = differences.len() as f64;
    let sum: f64 = differences.iter().sum();
    let mut rng = crate::core::rng(seed, "promote/flips");
    let far = |flipped: f64| flipped.abs() >= sum.abs() - SAME;
    let p_value = if differences.len() <= ALL_SIGNS {
        let all = 1u32 << differences.len();
        let flipped = |signs: u32| -> f64 {
            let sign = |at: usize| if signs >> at & 1 == 0 { 1.0 } else { -1.0 };
            differences.iter().enumerate().map(|(at, d)| sign(at) * d).sum()
        };
        (0..all).filter(|signs| far(flipped(*signs))).count() as f64 / f64::from(all)
    } else {
        let mut flipped = || -> f64 {
            differences.iter().map(|d| if rng.random_bool(0.5) { *d } else { -d }).sum()
        };
        // The differences as they are belong to the draws, so p is never 0.
        (1 + (0..DRAWS).filter(|_| far(flipped())).count()) as f64 / (1 + DRAWS) as f64
    };
    let mut sample = || -> f64 {
        let one = |_| differences.get(rng.random_range(0..differences.len())).unwrap_or(&0.0);
        (0..differences.len()).map(one).sum::<f64>() / n
    };
    let mut means: Vec<f64> = (0..DRAWS).map(|_| sample()).collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means.get((share * DRAWS as f64) as usize).copied().unwrap_or(sum / n);
    let difference = Interval { estimate: sum / n, low: at(0.025), high: at(0.975) };
    Some(Flips { pairs: differences.len() as u64, difference, p_value })
}
