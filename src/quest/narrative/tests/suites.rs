//! The narratives of our own suites against their levels: goals with the predicates' `says` and
//! without, functions implied, and levels solved from their words.

use std::collections::{BTreeMap, BTreeSet};

use super::{Score, goal_of};
use crate::quest::level::Level;
use crate::quest::narrative::{
    analyze_narrative, deduce_function_sequence, simulate_execution, validate_solution,
};
use crate::quest::{SolveLimits, Split, Suite};

/// How the levels of one family, or of all, were read.
#[derive(Debug, Default, Clone, Copy)]
struct Graded {
    levels: usize,
    /// Parts of the goal, with the templates and without.
    goals: Score,
    untold: Score,
    /// Levels of which the goal is read without a fault.
    exact: usize,
    /// Functions that the narrative implies, and those of the sequence that is deduced, against
    /// those of the certified plan.
    implied: Score,
    called: Score,
    /// Levels of which the deduced sequence reaches the level's own goal where all calls turn out
    /// as intended, and in one play with drawn outcomes.
    solved: usize,
    played: usize,
}

impl Graded {
    fn add(&mut self, level: &Level) {
        let wanted: BTreeSet<String> = level.goal.0.iter().map(ToString::to_string).collect();
        let read = goal_of(level, &level.narrative).into_iter().collect();
        self.levels += 1;
        self.exact += usize::from(wanted == read);
        self.goals.add(&wanted, &read);
        let untold = goal_of(&without_says(level.clone()), &level.narrative);
        self.untold.add(&wanted, &untold.into_iter().collect());
        let planned = functions(&level.reference.as_ref().unwrap().plan);
        let implied = analyze_narrative(level, &level.narrative).functions;
        self.implied.add(&planned, &implied.into_iter().map(|f| f.what).collect());
        let limits = SolveLimits::default();
        let calls = deduce_function_sequence(level, &level.narrative, &limits).map(|d| d.calls);
        let calls = calls.unwrap_or_default();
        self.called.add(&planned, &functions(&calls));
        self.solved += usize::from(validate_solution(level, &calls).unwrap().valid);
        self.played += usize::from(simulate_execution(level, &calls, 29).unwrap().goal_achieved);
    }

    fn line(&self, name: &str) {
        let share = |n: usize| 100.0 * n as f64 / self.levels.max(1) as f64;
        eprintln!(
            "{name:10} {:>4} levels | goal F1 {:.3}, without says {:.3}, exact {:>3.0} % | \
             functions implied P {:.2} R {:.2}, called P {:.2} R {:.2} | solved {:>3.0} %, \
             played {:>3.0} %",
            self.levels,
            self.goals.f1(),
            self.untold.f1(),
            share(self.exact),
            self.implied.precision(),
            self.implied.recall(),
            self.called.precision(),
            self.called.recall(),
            share(self.solved),
            share(self.played),
        );
    }
}

fn without_says(mut level: Level) -> Level {
    level.predicates.values_mut().for_each(|p| p.says.clear());
    level
}

/// Names of the functions that are called.
fn functions(calls: &[String]) -> BTreeSet<String> {
    calls.iter().filter_map(|c| c.split('(').next()).map(str::to_owned).collect()
}

/// Grades the hand-written levels and `n` levels of every grade up to `most`, prints each family,
/// and gives the sum over the drawn ones.
fn graded(most: u32, n: usize) -> Graded {
    let suite = Suite::try_builtin().unwrap();
    let mut hand = Graded::default();
    suite.hand().iter().for_each(|level| hand.add(level));
    hand.line("by hand");
    let mut by_family: BTreeMap<String, Graded> = BTreeMap::new();
    let mut all = Graded::default();
    for family in suite.all_families() {
        for (level, challenge) in suite.grades(&family).into_iter().filter(|(l, _)| *l <= most) {
            for level in suite.draw(&family, level, challenge, Split::Validation, 29, n).unwrap() {
                by_family.entry(family.clone()).or_default().add(&level);
                all.add(&level);
            }
        }
    }
    by_family.iter().for_each(|(family, graded)| graded.line(family));
    all.line("all");
    all
}

#[test]
fn goals_functions_and_sequences_come_from_the_words_of_drawn_levels() {
    let all = graded(3, 1);
    assert!(all.goals.f1() >= 0.9, "{all:?}");
    assert!(all.untold.f1() >= 0.8, "{all:?}");
    assert!(all.implied.precision() >= 0.5 && all.called.f1() >= 0.9, "{all:?}");
    assert!(all.solved * 100 >= all.levels * 80, "{all:?}");
}

#[test]
#[ignore = "draws several levels of every grade: minutes; the figures of docs/narrative.md"]
fn every_grade_is_read_from_its_words() {
    let all = graded(u32::MAX, 3);
    assert!(all.goals.f1() >= 0.9, "{all:?}");
    assert!(all.solved * 100 >= all.levels * 75, "{all:?}");
}
