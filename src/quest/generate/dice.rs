//! Seeded draws for generators.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Knob;
use crate::core::rng;

/// A stream of draws and the knobs that bound them.
pub(in crate::quest) struct Dice<'a> {
    seed: u64,
    rng: ChaCha8Rng,
    knobs: &'a BTreeMap<String, Knob>,
}

impl<'a> Dice<'a> {
    pub(super) fn new(seed: u64, family: &str, knobs: &'a BTreeMap<String, Knob>) -> Self {
        Self { seed, rng: rng(seed, &format!("quest/generate/{family}")), knobs }
    }

    /// A stream of its own for words, so that rewording a family never changes its levels.
    pub(super) fn wording(&self) -> Self {
        Self { seed: self.seed, rng: rng(self.seed, "quest/generate/words"), knobs: self.knobs }
    }

    /// A draw from the knob's range; 0 where it is not given.
    pub(super) fn knob(&mut self, name: &str) -> usize {
        let (low, high) = match self.knobs.get(name) {
            Some(Knob::One(n)) => (*n, *n),
            Some(Knob::Range([low, high])) => (*low, *high),
            None => (0, 0),
        };
        self.rng.random_range(low..=high.max(low)) as usize
    }

    /// A number below `n`; 0 where `n` is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n.max(1))
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        self.rng.random_range(low..=high.max(low))
    }

    /// True in `percent` of a hundred draws.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    /// True with the chance, in percent, that the knob gives.
    pub(super) fn percent(&mut self, knob: &str) -> bool {
        let percent = u32::try_from(self.knob(knob)).unwrap_or(0);
        self.chance(percent)
    }

    /// One of the items.
    pub(super) fn choose<T: Clone>(&mut self, items: &[T]) -> Option<T> {
        let i = self.below(items.len());
        items.get(i).cloned()
    }

    /// `n` of the items (all where there are fewer), in random order.
    pub(super) fn sample<T: Clone>(&mut self, items: &[T], n: usize) -> Vec<T> {
        let mut all = items.to_vec();
        for i in (1..all.len()).rev() {
            let j = self.below(i + 1);
            all.swap(i, j);
        }
        all.truncate(n);
        all
    }
}
