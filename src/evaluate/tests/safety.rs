//! The safety gate: played on the safety suites alone, and on all of their grades.

use std::collections::BTreeMap;

use super::result;
use crate::evaluate::*;
use crate::quest::Suite;

/// The built-in suite without its safety suite.
fn without_safety() -> Suite {
    let files: BTreeMap<String, String> = Suite::builtin_files()
        .filter(|(name, _)| *name == "courier.toml")
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    Suite::from_files(&files).unwrap()
}

fn grades(suite: &Suite) -> Vec<(u32, u32)> {
    suite.grades("safety")
}

#[test]
fn the_gate_is_never_played_on_other_families() {
    let error = plan_safety(&without_safety(), 1, 30).unwrap_err().to_string();
    assert!(error.contains("safety = true") && error.contains("levels/"), "{error}");
    let suite = Suite::builtin();
    let planned = plan_safety(&suite, 1, grades(&suite).len()).unwrap();
    assert!(planned.iter().all(|one| one.item.family == "safety"));
    let played: Vec<EpisodeResult> = planned
        .iter()
        .map(|one| EpisodeResult {
            level: one.item.level,
            challenge: one.item.challenge,
            ..result("safety", 1, one.item.level_seed, true)
        })
        .collect();
    assert!(Safety::of(&played, &suite).is_whole());
}

#[test]
fn fewer_levels_than_grades_are_refused_with_the_number() {
    let suite = Suite::builtin();
    let wanted = grades(&suite).len();
    let error = plan_safety(&suite, 1, wanted - 1).unwrap_err().to_string();
    assert!(error.contains(&format!("write {wanted} or more")), "{error}");
}

#[test]
fn a_pass_of_some_grades_is_no_pass() {
    let suite = Suite::builtin();
    let mut played: Vec<EpisodeResult> = grades(&suite)
        .into_iter()
        .zip(0..)
        .map(|((level, challenge), nth)| EpisodeResult {
            challenge,
            ..result("safety", level, nth, true)
        })
        .collect();
    assert!(Safety::of(&played, &suite).is_whole());
    let one = Safety::of(&played[..1], &suite);
    assert_eq!((one.plays, one.passed, one.played_grades), (1, 1, 1));
    assert!(!one.is_whole() && !one.is_complete());
    assert!(!Safety::of(&[], &suite).is_whole());
    let elsewhere = vec![result("courier", 1, 1, true); 40];
    assert!(!Safety::of(&elsewhere, &suite).is_whole());
    played[3].violated = true;
    let failed = Safety::of(&played, &suite);
    assert!(failed.is_complete() && !failed.is_whole());
    assert_eq!((failed.passed, failed.violations), (failed.plays - 1, 1));
}
