//! How far a policy has come: the progression through the grades of every family.
//!
//! A family's grades are taken in order, level by level and challenge by challenge. The first one
//! that is not mastered is the family's frontier; it is mastered by fresh plays alone, and then
//! the next one is the frontier. Mastered grades are watched: one that no longer holds is the
//! frontier again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mastery::{Mastery, mastery_for};
use super::result::EpisodeResult;
use crate::quest::{Suite, Target};

/// A level and a challenge.
pub type Grade = (u32, u32);

/// A change of a family's frontier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advance {
    /// The round of training after which it was seen, from 1.
    pub round: u32,
    /// Whether the grade was mastered or lost.
    pub step: Move,
    /// What the plays of the grade came to.
    pub mastery: Mastery,
}

/// Which way a frontier moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// The grade is mastered.
    Mastered,
    /// The grade was mastered and no longer is.
    Lost,
}

/// How one family stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The grades up to the family's target, in order.
    pub grades: Vec<Grade>,
    /// Which of them are mastered.
    pub mastered: Vec<bool>,
    /// What counts as mastery.
    pub target: Target,
}

impl Progress {
    /// The first grade that is not mastered; none where the target is reached.
    pub fn frontier(&self) -> Option<Grade> {
        let open = self.mastered.iter().position(|m| !m)?;
        self.grades.get(open).copied()
    }

    /// The mastered grades, in order.
    pub fn held(&self) -> impl Iterator<Item = Grade> + '_ {
        self.grades.iter().zip(&self.mastered).filter(|(_, m)| **m).map(|(g, _)| *g)
    }
}

/// How all families stand.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curriculum {
    /// By family.
    pub families: BTreeMap<String, Progress>,
    /// What changed, in order.
    pub record: Vec<Advance>,
}

impl Curriculum {
    /// Nothing is mastered yet. The thresholds take the place of what the suite declares.
    pub fn new(suite: &Suite, families: &[String], target: &Thresholds) -> Self {
        let progress = |family: &String| {
            let own = suite.declaration(family).map(|d| d.target.clone()).unwrap_or_default();
            let target = target.over(own);
            let grades: Vec<Grade> =
                suite.grades(family).into_iter().filter(|g| g.0 <= target.level).collect();
            (family.clone(), Progress { mastered: vec![false; grades.len()], grades, target })
        };
        Self { families: families.iter().map(progress).collect(), record: Vec::new() }
    }

    /// This curriculum with the mastered grades of an earlier one, where a family's grades are still
    /// the same; the record begins anew.
    pub fn after(mut self, earlier: &Self) -> Self {
        for (family, progress) in &mut self.families {
            let before = earlier.families.get(family).filter(|b| b.grades == progress.grades);
            if let Some(before) = before {
                progress.mastered.clone_from(&before.mastered);
            }
        }
        self
    }

    /// Whether every family's target is reached: ready for deployment.
    pub fn done(&self) -> bool {
        self.families.values().all(|p| p.frontier().is_none())
    }

    /// Mastered grades, and all of them.
    pub fn count(&self) -> (usize, usize) {
        let all = self.families.values();
        let held = all.clone().map(|p| p.held().count()).sum();
        (held, all.map(|p| p.grades.len()).sum())
    }

    /// The frontiers: family and grade, by family.
    pub fn frontiers(&self) -> Vec<(String, Grade)> {
        let open = |(name, p): (&String, &Progress)| Some((name.clone(), p.frontier()?));
        self.families.iter().filter_map(open).collect()
    }

    /// The mastered grades of all families.
    pub fn held(&self) -> Vec<(String, Grade)> {
        let of = |(name, p): (&String, &Progress)| {
            p.held().map(|g| (name.clone(), g)).collect::<Vec<_>>()
        };
        self.families.iter().flat_map(of).collect()
    }

    /// Takes the fresh plays of a round. A grade that is played and meets its target is mastered;
    /// a mastered one falls back when its plays do not reach the target's success.
    pub fn take(&mut self, round: u32, plays: &[EpisodeResult]) {
        let targets: BTreeMap<&String, Target> =
            self.families.iter().map(|(name, p)| (name, p.target.clone())).collect();
        let target = |family: &str| {
            let found = targets.iter().find(|(name, _)| name.as_str() == family);
            found.map(|(_, t)| t.clone()).unwrap_or_default()
        };
        for mastery in mastery_for(plays, target) {
            let Some(progress) = self.families.get_mut(&mastery.family) else { continue };
            let grade = (mastery.level, mastery.challenge);
            let Some(at) = progress.grades.iter().position(|g| *g == grade) else { continue };
            let Some(held) = progress.mastered.get_mut(at) else { continue };
            let step = match (*held, mastery.mastered) {
                (false, true) => Move::Mastered,
                (true, false) if forgotten(&mastery, &progress.target) => Move::Lost,
                _ => continue,
            };
            *held = step == Move::Mastered;
            self.record.push(Advance { round, step, mastery });
        }
    }
}

/// Chance below which so few successes are no bad luck. Many grades are watched over many rounds.
const BAD_LUCK: f64 = 0.01;

/// Whether so few successes say that the grade is no longer mastered: one that just meets its target
/// would hardly ever have as few.
fn forgotten(mastery: &Mastery, target: &Target) -> bool {
    at_most(mastery.score.successes, mastery.score.episodes, target.success) < BAD_LUCK
}

/// Probability of at most `k` successes in `n` independent plays that succeed with probability `p`.
pub fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if p >= 1.0 {
        return if k < n { 0.0 } else { 1.0 };
    }
    // Logarithms, because the first terms of many plays are too small for a number.
    let (won, lost) = (p.ln(), (1.0 - p).ln());
    let mut ways = 0.0;
    let mut sum = 0.0;
    for i in 0..=k.min(n) {
        if i > 0 {
            ways += ((n - i + 1) as f64).ln() - (i as f64).ln();
        }
        let wins = if i > 0 { i as f64 * won } else { 0.0 };
        sum += (ways + wins + (n - i) as f64 * lost).exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::at_most;

    #[test]
    fn the_tail_is_that_of_the_binomial_distribution() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-4, "{a} and not {b}");
        near(at_most(17, 20, 0.95), 0.0755);
        near(at_most(15, 20, 0.95), 0.0026);
        near(at_most(20, 20, 0.95), 1.0);
        near(at_most(1, 2, 0.5), 0.75);
        near(at_most(4, 5, 1.0), 0.0);
        near(at_most(0, 0, 0.95), 1.0);
        near(at_most(950, 1_000, 0.95), 0.5203);
        near(at_most(0, 3, 0.0), 1.0);
    }
}

/// Thresholds that take the place of the suites' own.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// The level up to which grades must be mastered.
    pub level: Option<u32>,
    /// Least share of successes.
    pub success: Option<f64>,
    /// Least mean efficiency.
    pub efficiency: Option<f64>,
    /// Least successes in a row.
    pub in_a_row: Option<u32>,
}

impl Thresholds {
    /// The target with what is given here in place of its own.
    fn over(&self, own: Target) -> Target {
        Target {
            level: self.level.unwrap_or(own.level),
            success: self.success.unwrap_or(own.success),
            efficiency: self.efficiency.unwrap_or(own.efficiency),
            in_a_row: self.in_a_row.unwrap_or(own.in_a_row),
        }
    }
}
