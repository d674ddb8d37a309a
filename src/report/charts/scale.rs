//! Round tick values and the mapping from values to coordinates.

/// Round values from at or below `low` to at or above `high`, about `wanted` of them.
pub(crate) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let (low, high) = widen(low, high);
    let rough = (high - low) / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= rough * 0.999_999);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step + 1e-9).floor() as i64;
    let last = (high / step - 1e-9).ceil() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

/// A range that is finite and not empty.
fn widen(low: f64, high: f64) -> (f64, f64) {
    match (low.is_finite() && high.is_finite(), high > low) {
        (false, _) => (0.0, 1.0),
        (true, true) => (low, high),
        (true, false) => (low - 0.5, low + 0.5),
    }
}

/// A linear mapping from values to coordinates.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) from: (f64, f64),
    pub(crate) to: (f64, f64),
}

impl Scale {
    /// The coordinate of a value.
    pub(crate) fn at(&self, v: f64) -> f64 {
        let width = self.from.1 - self.from.0;
        let share = if width == 0.0 { 0.5 } else { (v - self.from.0) / width };
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}
