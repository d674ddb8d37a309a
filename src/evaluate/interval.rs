//! Intervals of rates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The normal quantile of a two-sided 95 % interval.
pub const Z95: f64 = 1.959_963_984_540_054;

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The estimate itself.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Wilson's score interval of `successes` among `n` at the quantile `z` ([`Z95`] for 95 %). None
/// without trials, for a rate of nothing is not a number.
pub fn wilson(successes: u64, n: u64, z: f64) -> Option<Interval> {
    if n == 0 || successes > n {
        return None;
    }
    let (total, rate) = (n as f64, successes as f64 / n as f64);
    let shrink = 1.0 + z * z / total;
    let centre = (rate + z * z / (2.0 * total)) / shrink;
    let half = z * (rate * (1.0 - rate) / total + z * z / (4.0 * total * total)).sqrt() / shrink;
    // The ends are exactly 0 and 1 where nothing or everything succeeded; rounding must not cross.
    let low = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes == n { 1.0 } else { (centre + half).min(1.0) };
    Some(Interval { estimate: rate, low, high })
}
