//! Draws levels of one split, spread evenly over the grades of the wanted families.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;

use super::error::EvaluateError;
use super::parallel::parallel;
use crate::core::{derive_seed, rng};
use crate::quest::{Level, Split, Stress, Suite, SuiteError};

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
    let mut cells = cells_of(suite, &Grades { families, levels, challenges: &[] })?;
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

/// Which grades are meant; an empty list means all, but for safety suites.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grades<'a> {
    /// Families.
    pub families: &'a [String],
    /// Levels.
    pub levels: &'a [u32],
    /// Challenges.
    pub challenges: &'a [u32],
}

/// `n` levels of the split for each of the grades, grade by grade. Where a grade has no more distinct
/// levels there are fewer. `jobs` threads share the work; what is drawn does not depend on them.
///
/// # Errors
/// As [`draw_levels`].
pub fn draw_grades(
    suite: &Suite,
    split: Split,
    grades: &Grades,
    seed: u64,
    n: usize,
    jobs: usize,
) -> Result<Vec<Level>, EvaluateError> {
    let cells = cells_of(suite, grades)?;
    let drawn = parallel(&cells, jobs, |cell| draw_cell(suite, split, cell, seed, n));
    Ok(drawn.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

/// The levels under each stress that can be brought on them, level by level; `jobs` threads share the
/// work.
pub fn stressed(levels: &[Level], stresses: &BTreeSet<Stress>, jobs: usize) -> Vec<Level> {
    let of = |level: &Level| stresses.iter().filter_map(|s| s.on(level)).collect::<Vec<_>>();
    parallel(levels, jobs, of).concat()
}

struct Cell {
    family: String,
    level: u32,
    challenge: u32,
}

/// The grades asked for, by family, level and challenge.
fn cells_of(suite: &Suite, grades: &Grades) -> Result<Vec<Cell>, EvaluateError> {
    let Grades { families, levels, challenges } = *grades;
    let (mut cells, known) = (Vec::new(), suite.all_families());
    if let Some(family) = families.iter().find(|family| !known.contains(family)) {
        let known = known.join(", ");
        return Err(EvaluateError::NoFamily { family: family.clone(), known });
    }
    // Safety suites are a gate: they are played where they are asked for by name.
    let usual = suite.families();
    let wanted =
        |f: &&String| if families.is_empty() { usual.contains(f) } else { families.contains(f) };
    let mut there = BTreeSet::new();
    for family in known.iter().filter(wanted) {
        for (level, challenge) in suite.grades(family) {
            there.insert((level, challenge));
            let fits = |wanted: &[u32], it: u32| wanted.is_empty() || wanted.contains(&it);
            if fits(levels, level) && fits(challenges, challenge) {
                cells.push(Cell { family: family.clone(), level, challenge });
            }
        }
    }
    if cells.is_empty() {
        let known: Vec<String> = there.iter().map(|(l, c)| format!("{l}.{c}")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(EvaluateError::NothingToPlay { asked: asked(grades), known });
    }
    Ok(cells)
}

/// A request in words: `level 9, challenge 1 or 2 in courier`.
fn asked(grades: &Grades) -> String {
    let one_of = |numbers: &[u32]| {
        let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        words.join(" or ")
    };
    let mut parts = Vec::new();
    if !grades.levels.is_empty() {
        parts.push(format!("level {}", one_of(grades.levels)));
    }
    if !grades.challenges.is_empty() {
        parts.push(format!("challenge {}", one_of(grades.challenges)));
    }
    if parts.is_empty() {
        parts.push("grade".to_owned());
    }
    let families = match grades.families {
        [] => "any family".to_owned(),
        some => some.join(" or "),
    };
    format!("{} in {families}", parts.join(", "))
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
