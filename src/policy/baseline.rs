//! What next-function prediction is worth without a policy: majority, bigram and back-off n-gram.
//!
//! On logs without preconditions a policy predicts the next function only. Its accuracy means
//! something beside these baselines, measured on the same held-out choices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::vocabulary::function_of;
use crate::dataset::Episode;

/// Longest context of the back-off model, in functions.
pub const ORDER: usize = 3;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextFunction {
    counts: BTreeMap<Vec<String>, BTreeMap<String, usize>>,
}

impl NextFunction {
    /// Counts all contexts of up to three functions.
    pub fn fit<'a>(sequences: impl IntoIterator<Item = &'a [String]>) -> Self {
        let mut model = Self::default();
        for sequence in sequences {
            for (i, next) in sequence.iter().enumerate() {
                model.see(sequence.get(..i).unwrap_or_default(), next);
            }
        }
        model
    }

    /// Counts one function after these.
    pub(crate) fn see(&mut self, past: &[String], next: &str) {
        for order in 0..=ORDER.min(past.len()) {
            let context = past.get(past.len() - order..).unwrap_or_default().to_vec();
            let counts = self.counts.entry(context).or_default();
            *counts.entry(next.to_owned()).or_default() += 1;
        }
    }

    /// All functions that were counted, by name.
    pub fn functions(&self) -> Vec<String> {
        self.counts.get([].as_slice()).map(|c| c.keys().cloned().collect()).unwrap_or_default()
    }

    /// How often the function was counted.
    pub(crate) fn times(&self, name: &str) -> f64 {
        self.count(&[], name)
    }

    fn count(&self, context: &[String], name: &str) -> f64 {
        self.counts.get(context).and_then(|c| c.get(name)).map_or(0.0, |n| *n as f64)
    }

    /// How probable each function is after these: contexts of all lengths, each blended with the next
    /// shorter one by how many different functions followed it (Witten and Bell 1991). What `without`
    /// counted is left out. The shortest context is blended with equal shares.
    pub fn probabilities(
        &self,
        functions: &[String],
        past: &[String],
        without: Option<&Self>,
    ) -> Vec<f64> {
        let mut shares = vec![1.0 / functions.len().max(1) as f64; functions.len()];
        for order in 0..=ORDER.min(past.len()) {
            let context = past.get(past.len() - order..).unwrap_or_default();
            let less = |f: &String| without.map_or(0.0, |w| w.count(context, f));
            let counts: Vec<f64> =
                functions.iter().map(|f| (self.count(context, f) - less(f)).max(0.0)).collect();
            let all: f64 = counts.iter().sum();
            let kinds = counts.iter().filter(|n| **n > 0.0).count() as f64;
            if all > 0.0 {
                for (share, count) in shares.iter_mut().zip(counts) {
                    *share = (count + kinds * *share) / (all + kinds);
                }
            }
        }
        shares
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

    /// Right or wrong for every choice of a sequence, with contexts of at most `order` functions.
    pub fn hits(&self, sequence: &[String], order: usize) -> Vec<bool> {
        let past = |i: usize| sequence.get(..i).unwrap_or_default();
        let hit = |(i, next): (usize, &String)| self.predict(past(i), order) == Some(next.as_str());
        sequence.iter().enumerate().map(hit).collect()
    }

    /// Share of choices predicted with contexts of at most `order` functions.
    fn accuracy(&self, sequences: &[Vec<String>], order: usize) -> f64 {
        let hits: Vec<bool> = sequences.iter().flat_map(|s| self.hits(s, order)).collect();
        let right = hits.iter().filter(|hit| **hit).count();
        right as f64 / hits.len().max(1) as f64
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
