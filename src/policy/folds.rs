//! Tasks dealt to folds, each of which is held out once.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;

use crate::dataset::Episode;

/// The fold of every episode, from 0 to `folds` − 1. Episodes of one task of a workflow share a fold,
/// so that no trial of a task is foretold by another trial of it. Tasks are sorted, shuffled by the
/// seed and dealt in turn: the order of the episodes does not matter.
pub fn folds(episodes: &[Episode], folds: usize, seed: u64) -> Vec<usize> {
    let key = |e: &Episode| (e.workflow.clone(), e.task_id.clone());
    let tasks: BTreeSet<_> = episodes.iter().map(key).collect();
    let mut tasks: Vec<_> = tasks.into_iter().collect();
    tasks.shuffle(&mut crate::core::rng(seed, "policy/folds"));
    let dealt = tasks.into_iter().enumerate().map(|(at, task)| (task, at % folds.max(1)));
    let fold: BTreeMap<_, _> = dealt.collect();
    episodes.iter().map(|e| fold.get(&key(e)).copied().unwrap_or(0)).collect()
}
