//! The seeded clock of a simulated day: no event leaves its date.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::core::LogicalDate;

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;
/// Episodes start from 06:00 on...
const FIRST: i64 = 6 * 3600 * SECOND;
/// ...and before 21:00, which leaves three hours for their steps and the feedback.
const LAST: i64 = 21 * 3600 * SECOND;
/// The last microsecond of a day.
const DAY_END: i64 = 24 * 3600 * SECOND - 1;

/// Microseconds from 1970-01-01 UTC to the start of the date.
pub(super) fn midnight(date: LogicalDate) -> i64 {
    i64::from(date.naive().to_epoch_days()) * 24 * 3600 * SECOND
}

/// `n` starting times of the day, in rising order, in microseconds UTC.
pub(super) fn starts(date: LogicalDate, n: usize, random: &mut ChaCha8Rng) -> Vec<i64> {
    let base = midnight(date);
    let mut times: Vec<i64> = (0..n).map(|_| base + random.random_range(FIRST..LAST)).collect();
    times.sort_unstable();
    times
}

/// How long one call takes, in microseconds: 40 ms to 2 s.
pub(super) fn latency(random: &mut ChaCha8Rng) -> i64 {
    random.random_range(40_000..2_000_000)
}

/// When a person judges an episode that ended at `end`: within 90 minutes, on the same date.
pub(super) fn judged(date: LogicalDate, end: i64, random: &mut ChaCha8Rng) -> i64 {
    within(date, end + random.random_range(5 * SECOND..90 * 60 * SECOND))
}

/// The time, or the last microsecond of the date where it lies behind it.
pub(super) fn within(date: LogicalDate, time: i64) -> i64 {
    time.min(midnight(date) + DAY_END)
}
