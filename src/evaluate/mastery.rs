//! Which grades an agent masters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::compare::{Score, score};
use super::result::EpisodeResult;

/// Success rate that mastery wants.
pub const MASTERY_SUCCESS: f64 = 0.95;
/// Mean efficiency that mastery wants, where minima are proven.
pub const MASTERY_EFFICIENCY: f64 = 0.8;
/// Successes in a row that mastery wants.
pub const MASTERY_STREAK: u32 = 10;

/// How an agent stands on one grade of one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mastery {
    /// Family.
    pub family: String,
    /// Level grade.
    pub level: u32,
    /// Challenge.
    pub challenge: u32,
    /// The score there.
    pub score: Score,
    /// The longest run of successes, in the order played.
    pub streak: u32,
    /// Success ≥ 0.95, efficiency ≥ 0.8 (where one is known) and ten successes in a row.
    pub mastered: bool,
}

/// Mastery of each grade in the results, by family, level and challenge.
pub fn mastery(results: &[EpisodeResult]) -> Vec<Mastery> {
    let mut grades: BTreeMap<(String, u32, u32), Vec<&EpisodeResult>> = BTreeMap::new();
    for result in results {
        let grade = (result.family.clone(), result.level, result.challenge);
        grades.entry(grade).or_default().push(result);
    }
    grades.into_iter().map(|(grade, plays)| of_grade(grade, &plays)).collect()
}

fn of_grade((family, level, challenge): (String, u32, u32), plays: &[&EpisodeResult]) -> Mastery {
    let score = score(plays.iter().copied());
    let streak = longest_streak(plays);
    let often = score.success.is_some_and(|rate| rate.estimate >= MASTERY_SUCCESS);
    // A mean of ten times 0.8 comes out a rounding error below 0.8, and is meant to do.
    let short = score.efficiency.is_none_or(|e| e >= MASTERY_EFFICIENCY - 1e-9);
    let mastered = often && short && streak >= MASTERY_STREAK;
    Mastery { family, level, challenge, score, streak, mastered }
}

fn longest_streak(plays: &[&EpisodeResult]) -> u32 {
    let (mut now, mut longest) = (0, 0);
    for play in plays {
        now = if play.success { now + 1 } else { 0 };
        longest = longest.max(now);
    }
    longest
}
