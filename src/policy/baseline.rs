//! What next-function prediction is worth without a policy: majority, bigram and back-off n-gram.
//!
//! On logs without preconditions a policy predicts the next function only. Its accuracy means
//! something beside these baselines, measured on the same held-out choices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::vocabulary::function_of;
use crate::dataset::Episode;

/// Longest context of the back-off model, in functions.
const ORDER: usize = 3;

/// Shares of held-out choices that each baseline predicts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BaselineReport {
    /// Held-out choices.
    pub choices: usize,
    /// Always the most frequent function.
    pub majority: f64,
    /// The most frequent one after the last function.
    pub bigram: f64,
    /// The most frequent one after the longest context (up to three) that was seen in training.
    pub backoff: f64,
}

/// The functions of an episode in order, with `respond` for answers in words.
pub fn functions_of(episode: &Episode) -> Vec<String> {
    episode.steps.iter().filter_map(function_of).map(str::to_owned).collect()
}

/// Counts of what follows a context.
#[derive(Debug, Clone, Default)]
pub struct NextFunction {
    counts: BTreeMap<Vec<String>, BTreeMap<String, usize>>,
}

impl NextFunction {
    /// Counts all contexts of up to three functions.
    pub fn fit<'a>(sequences: impl IntoIterator<Item = &'a [String]>) -> Self {
        let mut model = Self::default();
        for sequence in sequences {
            for (i, next) in sequence.iter().enumerate() {
                for order in 0..=ORDER.min(i) {
                    let context = sequence.get(i - order..i).unwrap_or_default().to_vec();
                    let counts = model.counts.entry(context).or_default();
                    *counts.entry(next.clone()).or_default() += 1;
                }
            }
        }
        model
    }

    /// The most frequent function after the longest known context of at most `order` functions;
    /// among equals the first by name.
    pub fn predict(&self, past: &[String], order: usize) -> Option<&str> {
        (0..=order.min(past.len())).rev().find_map(|n| {
            let counts = self.counts.get(past.get(past.len() - n..)?)?;
            let best = counts.iter().max_by_key(|(name, n)| (**n, std::cmp::Reverse(*name)))?;
            Some(best.0.as_str())
        })
    }

    /// Share of choices predicted with contexts of at most `order` functions.
    fn accuracy(&self, sequences: &[Vec<String>], order: usize) -> f64 {
        let mut right = 0;
        let mut all = 0;
        for sequence in sequences {
            for (i, next) in sequence.iter().enumerate() {
                let past = sequence.get(..i).unwrap_or_default();
                right += usize::from(self.predict(past, order) == Some(next.as_str()));
                all += 1;
            }
        }
        f64::from(right as u32) / f64::from(all.max(1) as u32)
    }
}

/// Fits on `train` and measures on `held_out`.
pub fn baselines(train: &[Vec<String>], held_out: &[Vec<String>]) -> BaselineReport {
    let model = NextFunction::fit(train.iter().map(Vec::as_slice));
    BaselineReport {
        choices: held_out.iter().map(Vec::len).sum(),
        majority: model.accuracy(held_out, 0),
        bigram: model.accuracy(held_out, 1),
        backoff: model.accuracy(held_out, ORDER),
    }
}
