//! Classical tests on paired results, reported beside the e-process.

use serde::{Deserialize, Serialize};
use statrs::function::beta::{checked_beta_reg, ln_beta};
use statrs::function::gamma::ln_gamma;

use crate::evaluate::{Interval, Z95, wilson};

/// The two-sided exact McNemar test of `b` and `c` discordant pairs: twice the smaller binomial
/// tail at ½, at most 1. Without discordant pairs it is 1.
pub fn mcnemar_exact(b: u64, c: u64) -> f64 {
    if b == c {
        return 1.0;
    }
    (2.0 * binomial_upper_tail(b.max(c), b + c)).min(1.0)
}

/// The one-sided sign test: P(X ≥ `wins`) for X binomial on wins + losses fair coins.
pub fn sign_test(wins: u64, losses: u64) -> f64 {
    binomial_upper_tail(wins, wins + losses)
}

/// P(X ≥ k) for X ~ Binomial(n, ½), summed from the largest term down.
pub fn binomial_upper_tail(k: u64, n: u64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    if 2 * k < n {
        // The other tail is the shorter and keeps its digits.
        return 1.0 - binomial_upper_tail(n - k + 1, n);
    }
    let log_first = ln_gamma(n as f64 + 1.0)
        - ln_gamma(k as f64 + 1.0)
        - ln_gamma((n - k) as f64 + 1.0)
        - n as f64 * std::f64::consts::LN_2;
    let (mut ratio, mut sum) = (1.0, 0.0);
    for i in k..=n {
        sum += ratio;
        ratio *= (n - i) as f64 / (i + 1) as f64;
    }
    (log_first + sum.ln()).exp()
}

/// The log e-value of the one-sided uniform mixture over p in (½, 1) of winning:
/// E = 2^(n+1) · B(W+1, L+1) · I_½(L+1, W+1).
pub fn log_e_mixture_one_sided(wins: u64, losses: u64) -> f64 {
    let (w, l) = (wins as f64 + 1.0, losses as f64 + 1.0);
    // Both arguments are at least one and ½ lies in [0, 1], so the function is defined.
    let tail = checked_beta_reg(l, w, 0.5).unwrap_or(0.0);
    (wins + losses + 1) as f64 * std::f64::consts::LN_2 + ln_beta(w, l) + tail.ln()
}

/// The log e-value of the two-sided Beta(1, 1) mixture over the chance of winning.
pub fn log_e_mixture_two_sided(wins: u64, losses: u64) -> f64 {
    let n = (wins + losses) as f64;
    n * std::f64::consts::LN_2 + ln_beta(wins as f64 + 1.0, losses as f64 + 1.0)
}

/// A paired two-by-two table of successes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairedTable {
    /// Both succeeded.
    pub both: u64,
    /// Only the candidate succeeded.
    pub candidate_only: u64,
    /// Only the champion succeeded.
    pub champion_only: u64,
    /// Neither succeeded.
    pub neither: u64,
}

impl PairedTable {
    /// Pairs in the table.
    pub fn pairs(&self) -> u64 {
        self.both + self.candidate_only + self.champion_only + self.neither
    }

    /// The candidate's success minus the champion's with its 95 % interval (Newcombe 1998, paired
    /// method 10: Wilson intervals joined through the corrected correlation φ). None without pairs.
    pub fn difference(&self) -> Option<Interval> {
        let n = self.pairs();
        let candidate = wilson(self.both + self.candidate_only, n, Z95)?;
        let champion = wilson(self.both + self.champion_only, n, Z95)?;
        let phi = self.correlation();
        let join = |near: f64, far: f64| {
            (near * near - 2.0 * phi * near * far + far * far).max(0.0).sqrt()
        };
        let estimate = candidate.estimate - champion.estimate;
        let below = join(candidate.estimate - candidate.low, champion.high - champion.estimate);
        let above = join(candidate.high - candidate.estimate, champion.estimate - champion.low);
        Some(Interval { estimate, low: estimate - below, high: estimate + above })
    }

    /// Newcombe's continuity-corrected φ; zero where a margin is empty.
    fn correlation(&self) -> f64 {
        let [a, b, c, d] =
            [self.both, self.candidate_only, self.champion_only, self.neither].map(|x| x as f64);
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        if margins == 0.0 {
            return 0.0;
        }
        let raw = a * d - b * c;
        let corrected = if raw > 0.0 { (raw - (a + b + c + d) / 2.0).max(0.0) } else { raw };
        corrected / margins.sqrt()
    }
}
