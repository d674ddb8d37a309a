//! How hard the grades are: neither luck nor greed passes them, minima rise, levels do not run out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sample::sample;
use crate::quest::{Agent, Greedy, Level, Random, Split, Suite, World, play_out};

/// Most episodes from level 3 on that may succeed by luck, and by greed.
const MOST: (f64, f64) = (0.10, 0.50);
/// Levels from here on must withstand.
const FROM: u32 = 3;

/// Shares of `plays` episodes on each level that a random and a greedy player win.
fn wins(levels: &[&Level], plays: u64) -> (f64, f64) {
    let (mut random, mut greedy) = (0.0, 0.0);
    for level in levels {
        let world = Arc::new(World::ground(level).unwrap());
        let won = |agent: &mut dyn Agent, seed| {
            f64::from(play_out(agent, &world, seed).unwrap().goal_achieved())
        };
        for seed in 0..plays {
            random += won(&mut Random::new(seed), seed);
            greedy += won(&mut Greedy::new(seed), seed);
        }
    }
    let episodes = (levels.len() as u64 * plays) as f64;
    (random / episodes, greedy / episodes)
}

/// The drawn levels by family and level, all challenges together.
fn by_level() -> BTreeMap<(&'static str, u32), Vec<&'static Level>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for drawn in sample() {
        all.entry((drawn.family.as_str(), drawn.grade.0)).or_default().push(&drawn.level);
    }
    all
}

#[test]
fn neither_luck_nor_greed_passes_the_higher_levels() {
    for ((family, level), levels) in by_level().into_iter().filter(|((_, l), _)| *l >= FROM) {
        let (random, greedy) = wins(&levels, 6);
        assert!(random <= MOST.0, "random wins {random} of {family} {level}");
        assert!(greedy <= MOST.1, "greedy wins {greedy} of {family} {level}");
    }
}

#[test]
fn minima_rise_with_the_level() {
    let mut before: BTreeMap<&str, f64> = BTreeMap::new();
    for ((family, level), levels) in by_level() {
        let min = |l: &&Level| f64::from(l.reference.as_ref().unwrap().min_calls);
        let mean = levels.iter().map(min).sum::<f64>() / levels.len() as f64;
        let lower = before.insert(family, mean).unwrap_or(0.0);
        assert!(mean > lower, "{family} {level}: {mean} after {lower}");
    }
}

#[test]
#[ignore = "minutes: forty levels of every grade"]
fn neither_luck_nor_greed_passes_any_higher_grade() {
    let suite = Suite::try_builtin().unwrap();
    let mut faults = Vec::new();
    for family in suite.families() {
        for (level, challenge) in suite.grades(&family).into_iter().filter(|g| g.0 >= FROM) {
            let drawn = suite.draw(&family, level, challenge, Split::Train, 21, 40).unwrap();
            let (random, greedy) = wins(&drawn.iter().collect::<Vec<_>>(), 10);
            if random > MOST.0 || greedy > MOST.1 {
                faults.push(format!("{family} {level}.{challenge}: {random} {greedy}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What months of nights ask for: several levels of each grade a night, of the smaller split.
#[test]
#[ignore = "minutes: a hundred and twenty levels of every grade"]
fn no_grade_runs_out() {
    let suite = Suite::try_builtin().unwrap();
    let mut faults = Vec::new();
    for family in suite.families() {
        for (level, challenge) in suite.grades(&family) {
            if let Err(e) = suite.draw(&family, level, challenge, Split::Evaluation, 22, 120) {
                faults.push(e.to_string());
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
