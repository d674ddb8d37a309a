//! Draws levels of one split, spread evenly over the grades of the wanted families.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;

use super::error::EvaluateError;
use crate::core::{derive_seed, rng};
use crate::quest::{Level, Split, Suite, SuiteError};

/// Up to `n` levels of the split, spread evenly over the grades of the families; no level grades or
/// no families means all. Every level is drawn once: where a grade has no more distinct levels, or
/// two grades share one, there are fewer than `n`.
///
/// The order is rounds over all grades, each round shuffled, so that every prefix is balanced and
/// yet what comes next cannot be told from what came before.
///
/// # Errors
/// When the suite lacks a family asked for, nothing fits the request, or a draw fails.
pub fn draw_levels(
    suite: &Suite,
    split: Split,
    families: &[String],
    levels: &[u32],
    seed: u64,
    n: usize,
) -> Result<Vec<Level>, EvaluateError> {
    let mut cells = cells_of(suite, families, levels);
    let known = suite.families();
    if cells.is_empty() || families.iter().any(|family| !known.contains(family)) {
        return Err(EvaluateError::NothingToPlay {
            families: families.to_vec(),
            levels: levels.to_vec(),
            known,
        });
    }
    let mut random = rng(seed, "draw/order");
    // Where the levels do not divide evenly, chance says which grades have one more.
    cells.shuffle(&mut random);
    let mut drawn = Vec::new();
    for (i, cell) in cells.iter().enumerate() {
        let share = n / cells.len() + usize::from(i < n % cells.len());
        drawn.push(draw_cell(suite, split, cell, seed, share)?.into_iter());
    }
    let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
    loop {
        let mut round: Vec<Level> = drawn.iter_mut().filter_map(Iterator::next).collect();
        if round.is_empty() {
            return Ok(order);
        }
        round.shuffle(&mut random);
        order.extend(round.into_iter().filter(|level| seen.insert(level.content_digest())));
    }
}

struct Cell {
    family: String,
    level: u32,
    challenge: u32,
}

fn cells_of(suite: &Suite, families: &[String], levels: &[u32]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for family in suite.families() {
        if !families.is_empty() && !families.contains(&family) {
            continue;
        }
        for (level, challenge) in suite.grades(&family) {
            if levels.is_empty() || levels.contains(&level) {
                cells.push(Cell { family: family.clone(), level, challenge });
            }
        }
    }
    cells
}

fn draw_cell(
    suite: &Suite,
    split: Split,
    cell: &Cell,
    seed: u64,
    n: usize,
) -> Result<Vec<Level>, EvaluateError> {
    if n == 0 {
        return Ok(Vec::new());
    }
    let Cell { family, level, challenge } = cell;
    let seed = derive_seed(seed, &format!("draw/{family}/{level}/{challenge}"));
    let draw = |n: usize| suite.draw(family, *level, *challenge, split, seed, n);
    let drawn = match draw(n) {
        // A small grade may have fewer levels than wanted; then all of them are played.
        Err(SuiteError::Exhausted { found: 0, .. }) => Ok(Vec::new()),
        Err(SuiteError::Exhausted { found, .. }) => draw(found),
        other => other,
    };
    drawn.map_err(|source| EvaluateError::Draw {
        family: family.clone(),
        level: *level,
        challenge: *challenge,
        source,
    })
}
