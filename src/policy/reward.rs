//! A reward model: what people would say of an episode, from what happened in it.
//!
//! A logistic regression on a few figures of the episode, fitted to the feedback that there is by
//! Newton's method. So small a model can be read: its weights say what people reward. It is
//! believed only as far as its agreement with held-out feedback goes, which is reported.

use serde::{Deserialize, Serialize};

use crate::dataset::{DataSplit, Episode, ScoredBy, Step};

/// The figures of an episode, by name.
pub const FIGURES: [&str; 8] = [
    "always",
    "success",
    "calls",
    "calls_squared",
    "errors",
    "repeats",
    "unlikely",
    "success_calls",
];
/// Fewer judged episodes than this fit nothing.
const ENOUGH: usize = 40;
/// Steps of Newton's method.
const STEPS: usize = 25;
/// Keeps weights of figures that say nothing near zero.
const RIDGE: f64 = 1.0;
/// Feedback that differs by no more than this is the same.
const SAME: f64 = 0.02;

/// The model: one weight a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RewardModel {
    /// In the order of [`FIGURES`].
    pub weights: [f64; FIGURES.len()],
}

/// How well a model foretells feedback that it did not see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RewardReport {
    /// The model.
    pub model: RewardModel,
    /// Judged episodes that it was fitted to.
    pub fitted: usize,
    /// Judged episodes that were held out.
    pub held_out: usize,
    /// Of pairs of held-out episodes with different feedback, the share in the order that people
    /// gave; chance is 0.5. None where there is no such pair.
    pub agreement: Option<f64>,
    /// The same by success alone, ties counting half: what the model must beat.
    pub agreement_of_success: Option<f64>,
    /// Mean error on held-out feedback.
    pub error: f64,
    /// Mean error of always saying the mean.
    pub error_of_mean: f64,
}

impl RewardModel {
    /// What people would say of this episode, 0 to 1.
    pub fn foretell(&self, episode: &Episode) -> f64 {
        logistic(dot(&self.weights, &figures(episode)))
    }

    /// Fits a model to judged episodes. None where there are too few.
    fn fit(judged: &[(&Episode, f64)]) -> Option<Self> {
        if judged.len() < ENOUGH {
            return None;
        }
        let rows: Vec<([f64; FIGURES.len()], f64)> =
            judged.iter().map(|(episode, score)| (figures(episode), *score)).collect();
        let mut weights = [0.0; FIGURES.len()];
        for _ in 0..STEPS {
            let step = newton(&weights, &rows)?;
            weights.iter_mut().zip(step).for_each(|(w, s)| *w -= s);
        }
        weights.iter().all(|w| w.is_finite()).then_some(Self { weights })
    }
}

/// Fits a model to the feedback on all but the test episodes, and measures it on those. None where
/// there is too little feedback.
pub fn reward_model(episodes: &[Episode]) -> Option<RewardReport> {
    let judged = |test: bool| -> Vec<(&Episode, f64)> {
        let mine = |e: &&Episode| {
            e.scored_by == ScoredBy::Feedback && (e.split == DataSplit::Test) == test
        };
        episodes.iter().filter(mine).map(|e| (e, e.score)).collect()
    };
    let (seen, unseen) = (judged(false), judged(true));
    let model = RewardModel::fit(&seen)?;
    let mean = seen.iter().map(|(_, score)| score).sum::<f64>() / seen.len().max(1) as f64;
    let off = |guess: &dyn Fn(&Episode) -> f64| {
        let sum: f64 = unseen.iter().map(|(e, score)| (guess(e) - score).abs()).sum();
        sum / unseen.len().max(1) as f64
    };
    Some(RewardReport {
        fitted: seen.len(),
        held_out: unseen.len(),
        agreement: agreement(&unseen, |e| model.foretell(e)),
        agreement_of_success: agreement(&unseen, succeeded),
        error: off(&|e| model.foretell(e)),
        error_of_mean: off(&|_| mean),
        model,
    })
}

/// The share of pairs with different feedback that a guess puts in the right order.
fn agreement(judged: &[(&Episode, f64)], guess: impl Fn(&Episode) -> f64) -> Option<f64> {
    let guesses: Vec<(f64, f64)> = judged.iter().map(|(e, score)| (guess(e), *score)).collect();
    let (mut right, mut all) = (0.0, 0.0);
    for (at, (guess, score)) in guesses.iter().enumerate() {
        for (other_guess, other_score) in guesses.iter().skip(at + 1) {
            let (apart, told) = (score - other_score, guess - other_guess);
            if apart.abs() > SAME {
                all += 1.0;
                right += if told == 0.0 { 0.5 } else { f64::from(u8::from(apart * told > 0.0)) };
            }
        }
    }
    (all > 0.0).then(|| right / all)
}

fn succeeded(episode: &Episode) -> f64 {
    f64::from(u8::from(episode.total_reward.is_some_and(|reward| reward > 0.0)))
}

fn figures(episode: &Episode) -> [f64; FIGURES.len()] {
    let steps: Vec<&Step> = episode.steps.iter().filter(|s| s.is_example()).collect();
    let count = steps.len().max(1) as f64;
    let share = |of: usize| of as f64 / count;
    let errors = steps.iter().filter(|s| s.error.is_some() || s.outcome.is_some_and(|o| o > 0));
    let mut calls: Vec<_> = steps.iter().map(|s| (&s.tool, &s.args_json)).collect();
    calls.sort();
    calls.dedup();
    let unlikely = steps.iter().filter(|s| s.propensity.is_some_and(|p| p < 0.2)).count();
    let length = (1.0 + count).ln();
    let success = succeeded(episode);
    [
        1.0,
        success,
        length,
        length * length / 4.0,
        share(errors.count()),
        1.0 - share(calls.len()),
        share(unlikely),
        success * length,
    ]
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn dot(a: &[f64; FIGURES.len()], b: &[f64; FIGURES.len()]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The step of Newton's method for the cross-entropy with soft labels. None where the equations
/// have no solution.
fn newton(
    weights: &[f64; FIGURES.len()],
    rows: &[([f64; FIGURES.len()], f64)],
) -> Option<[f64; FIGURES.len()]> {
    const N: usize = FIGURES.len();
    // Curvature and gradient side by side: a system of N equations.
    let mut system = [[0.0; N + 1]; N];
    for (i, (row, weight)) in system.iter_mut().zip(weights).enumerate() {
        row[i] = RIDGE;
        row[N] = RIDGE * weight;
    }
    for (x, y) in rows {
        let p = logistic(dot(weights, x));
        let curve = (p * (1.0 - p)).max(1e-6);
        for (row, xi) in system.iter_mut().zip(x) {
            row.iter_mut().zip(x).for_each(|(cell, xj)| *cell += curve * xi * xj);
            row[N] += (p - y) * xi;
        }
    }
    solve(system)
}

/// Gaussian elimination with pivots.
fn solve<const N: usize, const M: usize>(mut system: [[f64; M]; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot = (column..N)
            .max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs()))?;
        system.swap(column, pivot);
        if system[column][column].abs() < 1e-12 {
            return None;
        }
        let lead = system[column];
        for (at, row) in system.iter_mut().enumerate() {
            if at != column {
                let factor = row[column] / lead[column];
                row.iter_mut().zip(&lead).for_each(|(cell, l)| *cell -= factor * l);
            }
        }
    }
    let mut solution = [0.0; N];
    for (at, cell) in solution.iter_mut().enumerate() {
        *cell = system[at][M - 1] / system[at][at];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let system = [[0.0, 2.0, 4.0], [3.0, 1.0, 5.0]];
        assert_eq!(solve(system), Some([1.0, 2.0]));
        assert_eq!(solve([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]), None);
    }
}
