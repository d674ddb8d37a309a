//! The betting e-process behind every gate.
//!
//! A gambler starts with one unit and bets at each pair that the mean of d exceeds the null mean
//! m0. While the null holds, the wealth is a non-negative supermartingale, so by Ville's inequality
//! it ever reaches 1/α with probability at most α, however often one looks (Waudby-Smith and
//! Ramdas, "Estimating means of bounded random variables by betting", 2023).

/// The constant bets that hedge a wrong guess of the effect, each with an eighth of the wealth.
const HEDGE: [f64; 4] = [0.1, 0.2, 0.4, 0.6];
/// The share of the starting wealth in the adaptive bet; the constant bets share the rest.
const ADAPTIVE_SHARE: f64 = 0.5;
/// The adaptive bet never stakes more than half of the wealth on one pair.
const LARGEST_BET: f64 = 0.5;
/// The prior of E[d²]: three discordant pairs among ten.
const PRIOR_SQUARES: f64 = 3.0;
const PRIOR_COUNT: f64 = 10.0;

/// Wealth of a bettor against H0: E\[d_t | past\] ≤ m0, for d in \[−1, 1\], kept in log space.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    null_mean: f64,
    effect: f64,
    count: u64,
    sum_squares: f64,
    log_adaptive: f64,
    log_constant: [f64; 4],
    max_log_wealth: f64,
}

impl Kernel {
    /// A fresh bettor (wealth 1). `null_mean` is m0 and is kept within ±0.9; `effect` is δ_MDE, the
    /// smallest gain over m0 worth seeing, and is kept within \[0, 1\].
    pub fn new(null_mean: f64, effect: f64) -> Self {
        Kernel {
            null_mean: finite(null_mean).clamp(-0.9, 0.9),
            effect: finite(effect).clamp(0.0, 1.0),
            count: 0,
            sum_squares: 0.0,
            log_adaptive: 0.0,
            log_constant: [0.0; 4],
            max_log_wealth: 0.0,
        }
    }

    /// The process that gains when the candidate is better: H0 is E\[d\] ≤ 0.
    pub fn superiority(mde: f64) -> Self {
        Kernel::new(0.0, mde)
    }

    /// The process that gains when the candidate's mean lies below the gain worth having: feed −d,
    /// and each step multiplies the wealth by 1 − λ(d − δ_MDE).
    pub fn futility(mde: f64) -> Self {
        Kernel::new(-mde, mde)
    }

    /// The process that gains when the candidate is worse: feed −d; H0 is E\[−d\] ≤ 0.
    pub fn harm(mde: f64) -> Self {
        Kernel::new(0.0, mde)
    }

    /// The bet that the next pair meets. It depends on earlier pairs alone: λ = min(δ/ψ̂, ½), where
    /// ψ̂ = (3 + Σd²)/(10 + t − 1).
    pub fn next_bet(&self) -> f64 {
        let psi = (PRIOR_SQUARES + self.sum_squares) / (PRIOR_COUNT + self.count as f64);
        self.legal((self.effect / psi).min(LARGEST_BET))
    }

    /// Takes one pair's d and returns the log of the wealth after it. A value outside \[−1, 1\] is
    /// cut to the range; one that is not a number counts as a tie.
    pub fn observe(&mut self, d: f64) -> f64 {
        let d = finite(d).clamp(-1.0, 1.0);
        let gain = d - self.null_mean;
        self.log_adaptive += (self.next_bet() * gain).ln_1p();
        for (log_wealth, bet) in self.log_constant.iter_mut().zip(HEDGE) {
            // A null mean above ⅔ would make the largest constant bet ruinous, so it is cut too.
            let bet = bet.min(0.99 / (1.0 + self.null_mean));
            *log_wealth += (bet * gain).ln_1p();
        }
        self.count += 1;
        self.sum_squares += d * d;
        let now = self.log_wealth();
        self.max_log_wealth = self.max_log_wealth.max(now);
        now
    }

    /// The log of the wealth now: ½ of the adaptive bet and ⅛ of each constant bet.
    pub fn log_wealth(&self) -> f64 {
        let share = (1.0 - ADAPTIVE_SHARE) / HEDGE.len() as f64;
        let parts = self.log_constant.iter().map(|log| log + share.ln());
        log_sum_exp(parts.chain(std::iter::once(self.log_adaptive + ADAPTIVE_SHARE.ln())))
    }

    /// The log of the greatest wealth so far; zero at the start.
    pub fn max_log_wealth(&self) -> f64 {
        self.max_log_wealth
    }

    /// Pairs seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The log of the adaptive bettor's wealth alone.
    pub fn log_adaptive(&self) -> f64 {
        self.log_adaptive
    }

    fn legal(&self, bet: f64) -> f64 {
        bet.min(0.99 / (1.0 + self.null_mean)).max(0.0)
    }
}

/// The log of the wealth of one constant bet λ on d = ±1 after `wins` and `losses` (null mean 0).
pub fn constant_bet_log_e(wins: u64, losses: u64, bet: f64) -> f64 {
    wins as f64 * bet.ln_1p() + losses as f64 * (-bet).ln_1p()
}

/// ln(1/α): the wealth at which a process that may err with probability `alpha` fires.
pub fn log_threshold(alpha: f64) -> f64 {
    -alpha.ln()
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

fn log_sum_exp(parts: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = parts.clone().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    largest + parts.map(|part| (part - largest).exp()).sum::<f64>().ln()
}
