//! An interval for a mean that holds at every look at once.
//!
//! The hedged-capital confidence sequence of Waudby-Smith and Ramdas (2023): for each mean m on a
//! grid one bettor bets that the truth lies above m and one that it lies below, each with half a
//! unit; means at which either has ever become rich (1/α) are out for good.

use crate::evaluate::Interval;

/// No bet may lose more than this share of the capital at once.
const TRUNCATION: f64 = 0.5;

/// A running interval for the mean of values in \[0, 1\].
#[derive(Debug, Clone)]
pub struct ConfidenceSequence {
    alpha: f64,
    /// The grid holds `breaks + 1` means from 0 to 1.
    breaks: u32,
    count: u64,
    sum: f64,
    squares: f64,
    bettors: Vec<Bettor>,
    /// The ends of the interval as means of the grid, kept when no mean is left.
    last: (f64, f64),
}

#[derive(Debug, Clone)]
struct Bettor {
    mean: f64,
    above: f64,
    below: f64,
}

impl ConfidenceSequence {
    /// An interval that misses the mean with probability at most `alpha` (kept within 1e-9 and
    /// 0.999), on a grid of `breaks` + 1 means.
    pub fn new(alpha: f64, breaks: u32) -> Self {
        let alpha = if alpha.is_finite() { alpha.clamp(1e-9, 0.999) } else { 0.05 };
        let breaks = breaks.max(1);
        let grid = (0..=breaks).map(|i| Bettor {
            mean: f64::from(i) / f64::from(breaks),
            above: 0.5,
            below: 0.5,
        });
        ConfidenceSequence {
            alpha,
            breaks,
            count: 0,
            sum: 0.0,
            squares: 0.0,
            bettors: grid.collect(),
            last: (0.0, 1.0),
        }
    }

    /// Takes one value; what lies outside \[0, 1\] is cut to it, and what is no number is left out.
    pub fn observe(&mut self, x: f64) {
        if x.is_nan() {
            return;
        }
        let x = x.clamp(0.0, 1.0);
        let bet = self.next_bet();
        let rich = 1.0 / self.alpha;
        self.bettors.retain_mut(|bettor| {
            // At the ends of the grid one of the quotients is infinite, and the bet is free.
            let up = bet.min(TRUNCATION / bettor.mean);
            let down = bet.min(TRUNCATION / (1.0 - bettor.mean));
            bettor.above *= 1.0 + up * (x - bettor.mean);
            bettor.below *= 1.0 - down * (x - bettor.mean);
            bettor.above.max(bettor.below) < rich
        });
        if let (Some(low), Some(high)) = (self.bettors.first(), self.bettors.last()) {
            self.last = (low.mean, high.mean);
        }
        self.count += 1;
        self.sum += x;
        let mean = (0.5 + self.sum) / (self.count as f64 + 1.0);
        self.squares += (x - mean).powi(2);
    }

    /// The interval now, one step of the grid wider on each side than the means left. The estimate
    /// is the plain mean; without values it is the middle of the range.
    pub fn interval(&self) -> Interval {
        let step = 1.0 / f64::from(self.breaks);
        let estimate = if self.count == 0 { 0.5 } else { self.sum / self.count as f64 };
        Interval {
            estimate,
            low: (self.last.0 - step).max(0.0),
            high: (self.last.1 + step).min(1.0),
        }
    }

    /// The size of the next bet, from earlier values alone: √(2 ln(2/α) / (t ln(1+t) σ̂²)).
    fn next_bet(&self) -> f64 {
        let t = self.count as f64 + 1.0;
        let variance = (0.25 + self.squares) / t;
        (2.0 * (2.0 / self.alpha).ln() / (t * t.ln_1p() * variance)).sqrt()
    }
}
