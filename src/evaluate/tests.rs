mod arena;
mod curriculum;
mod failures;
mod safety;

use std::collections::BTreeSet;

use super::*;
use crate::core::{Digest, LogicalDate, canonical_json};
use crate::quest::{
    Agent, AgentError, Choice, Expert, Play, Random, SolveLimits, Split, Suite, split_of,
};

fn plan(seed: u64, pairs: usize) -> Vec<EvalLevel> {
    plan_evaluation(&Suite::builtin(), &[], &[1], seed, pairs).unwrap()
}

fn expert() -> Expert {
    Expert::new(SolveLimits::default())
}

fn result(family: &str, level: u32, nth: u64, success: bool) -> EpisodeResult {
    EpisodeResult {
        digest: Digest::of(&nth.to_le_bytes()),
        family: family.into(),
        level,
        challenge: 1,
        level_seed: nth,
        play_seed: nth,
        success,
        calls: 5,
        min_calls: Some(4),
        expected_calls: None,
        efficiency: success.then_some(0.8),
        goal_progress: 0.5,
        reward: 0.25,
        violated: false,
        reasoning: None,
        failure: (!success).then_some(Failure::RanOut),
    }
}

#[test]
fn a_plan_is_fresh_distinct_and_of_the_evaluation_split() {
    let planned = plan(1, 40);
    assert_eq!(planned.len(), 40);
    let digests: BTreeSet<Digest> = planned.iter().map(|p| p.item.digest).collect();
    assert_eq!(digests.len(), 40);
    for one in &planned {
        assert_eq!(split_of(&one.item.digest), Split::Evaluation);
        assert_eq!(one.level.content_digest(), one.item.digest);
        assert_eq!(one.item.level, 1);
    }
}

#[test]
fn a_plan_is_spread_evenly_and_every_prefix_is_balanced() {
    let suite = Suite::builtin();
    let planned = plan(2, 43);
    let cells: usize =
        suite.families().iter().map(|f| suite.grades(f).iter().filter(|g| g.0 == 1).count()).sum();
    for end in [cells, 2 * cells, 43].into_iter().filter(|end| *end <= 43) {
        let mut counts = std::collections::BTreeMap::new();
        for one in &planned[..end] {
            *counts.entry((&one.item.family, one.item.challenge)).or_insert(0) += 1;
        }
        let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
        assert!(most - least <= 1, "{counts:?}");
        assert_eq!(counts.len(), cells.min(end));
    }
}

#[test]
fn the_same_seed_plans_the_same_and_other_dates_other_levels() {
    assert_eq!(canonical_json(&plan(3, 20)).unwrap(), canonical_json(&plan(3, 20)).unwrap());
    let [monday, tuesday]: [LogicalDate; 2] =
        ["2026-11-16", "2026-11-17"].map(|day| day.parse().unwrap());
    assert_eq!(date_seed(1, monday), date_seed(1, monday));
    assert_ne!(date_seed(1, monday), date_seed(1, tuesday));
    let of = |date| seed_ledger(&plan(date_seed(1, date), 20));
    let play_seeds =
        |items: &[EvalItem]| items.iter().map(|item| item.play_seed).collect::<BTreeSet<u64>>();
    assert!(play_seeds(&of(monday)).is_disjoint(&play_seeds(&of(tuesday))));
}

#[test]
fn the_ledger_is_enough_to_make_the_levels_again() {
    let suite = Suite::builtin();
    for item in seed_ledger(&plan(4, 10)) {
        let level =
            suite.regenerate(&item.family, item.level, item.challenge, item.level_seed).unwrap();
        assert_eq!(level.content_digest(), item.digest);
    }
}

#[test]
fn a_request_that_nothing_fits_is_refused_by_name() {
    let error = plan_evaluation(&Suite::builtin(), &["nowhere".to_owned()], &[], 1, 5).unwrap_err();
    assert!(error.to_string().contains("no family `nowhere`; it has courier"), "{error}");
    let courier = ["courier".to_owned()];
    let error = plan_evaluation(&Suite::builtin(), &courier, &[9], 1, 5).unwrap_err().to_string();
    assert!(error.contains("no level 9 in courier; the grades are 1.1, 1.2"), "{error}");
    let grades = Grades { families: &courier, levels: &[1], challenges: &[8, 9] };
    let error = draw_grades(&Suite::builtin(), Split::Evaluation, &grades, 1, 1, 1).unwrap_err();
    assert!(error.to_string().contains("no level 1, challenge 8 or 9 in courier"), "{error}");
}

#[test]
fn the_expert_is_perfect_where_nothing_is_left_to_chance() {
    let planned = plan_evaluation(&Suite::builtin(), &[], &[1, 2], 5, 42).unwrap();
    let results = evaluate(&mut expert(), &planned).unwrap();
    let mut deterministic = 0;
    for (one, planned) in results.iter().zip(&planned) {
        let chance = planned.level.functions.values().any(|f| f.outcomes.len() > 1);
        assert_eq!(one.digest, planned.item.digest);
        if !chance {
            deterministic += 1;
            assert!(one.success, "{one:?}");
            assert_eq!(one.efficiency, Some(1.0), "{one:?}");
            assert_eq!(Some(one.calls), one.min_calls);
            assert!(one.reward > 0.0 && one.failure.is_none());
        }
    }
    assert!(deterministic >= 15, "{deterministic}");
}

#[test]
fn both_agents_play_the_same_levels_and_the_same_seeds_give_the_same_bytes() {
    let planned = plan(6, 30);
    let good = evaluate(&mut expert(), &planned).unwrap();
    let bad = evaluate(&mut Random::new(1), &planned).unwrap();
    let keys =
        |results: &[EpisodeResult]| results.iter().map(EpisodeResult::pair_key).collect::<Vec<_>>();
    assert_eq!(keys(&good), keys(&bad));
    let again = evaluate(&mut Random::new(1), &planned).unwrap();
    assert_eq!(canonical_json(&bad).unwrap(), canonical_json(&again).unwrap());
    let report = compare(&bad, &good);
    assert_eq!((report.overall.pairs, report.unpaired), (30, 0));
    assert!(report.overall.challenger.successes > report.overall.champion.successes);
    let failures: u64 = report.overall.champion.failures.values().sum();
    assert_eq!(failures + report.overall.champion.successes, 30);
}

/// Answers as told: with a call that no level has, or not at all.
struct Broken(Option<u32>);

impl Agent for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        let Some(call) = self.0 else { return Ok(Vec::new()) };
        Ok(plays.iter().map(|_| Choice { call, propensities: Vec::new() }).collect())
    }
}

#[test]
fn a_choice_that_cannot_be_played_fails_its_play_and_no_answer_fails_the_evaluation() {
    let planned = plan(7, 5);
    let results = evaluate(&mut Broken(Some(u32::MAX)), &planned).unwrap();
    assert!(results.iter().all(|r| !r.success && r.failure == Some(Failure::Error)));
    let error = evaluate(&mut Broken(None), &planned).unwrap_err().to_string();
    assert!(error.contains("broken") && error.contains("0 choices for 5 plays"), "{error}");
}

#[test]
fn reports_count_by_level_and_family_and_leave_unpaired_plays_out() {
    let champion = [result("a", 1, 1, true), result("a", 2, 2, false), result("b", 1, 3, false)];
    let challenger = [result("b", 1, 3, true), result("a", 1, 1, false), result("a", 1, 9, true)];
    let report = compare(&champion, &challenger);
    assert_eq!((report.overall.pairs, report.unpaired), (2, 2));
    assert_eq!((report.overall.champion_only, report.overall.challenger_only), (1, 1));
    let names: Vec<&str> = report.by_family.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(report.by_level.len(), 1);
    assert_eq!(report.by_level[0].name, "level 1");
    assert_eq!(report.by_level[0].champion.efficiency, Some(0.8));
    assert_eq!(report.by_level[0].champion.failures[&Failure::RanOut], 1);
    assert_eq!(compare(&[], &[]).overall.challenger.success, None);
}

#[test]
fn mastery_wants_success_efficiency_and_a_streak() {
    let many = |n: u64, efficiency: f64| -> Vec<EpisodeResult> {
        (0..n)
            .map(|i| EpisodeResult { efficiency: Some(efficiency), ..result("a", 1, i, true) })
            .collect()
    };
    assert!(mastery(&many(10, 0.8))[0].mastered);
    assert!(!mastery(&many(9, 0.8))[0].mastered);
    assert!(!mastery(&many(30, 0.7))[0].mastered);
    let mut mixed = many(19, 1.0);
    mixed.insert(9, result("a", 1, 99, false));
    let grade = &mastery(&mixed)[0];
    assert_eq!((grade.streak, grade.mastered), (10, true));
    mixed.remove(0);
    assert!(!mastery(&mixed)[0].mastered);
}

#[test]
fn one_level_played_again_and_again_shows_no_mastery_of_its_grade() {
    let again: Vec<EpisodeResult> =
        (0..50).map(|nth| EpisodeResult { play_seed: nth, ..result("a", 1, 1, true) }).collect();
    let grade = &mastery(&again)[0];
    assert_eq!((grade.streak, grade.levels, grade.levels_wanted), (50, 1, 10));
    assert!(!grade.mastered && grade.too_few());
    let fresh: Vec<EpisodeResult> = (0..10).map(|nth| result("a", 1, nth, true)).collect();
    assert!(mastery(&fresh)[0].mastered && !mastery(&fresh)[0].too_few());
}

#[test]
fn efficiency_is_known_only_where_a_minimum_is() {
    assert_eq!(efficiency(8, Some(4), None), Some(0.5));
    assert_eq!(efficiency(8, Some(4), Some(6.0)), Some(0.75));
    assert_eq!(efficiency(4, Some(4), Some(6.0)), Some(1.0));
    assert_eq!(efficiency(8, None, None), None);
    assert_eq!(efficiency(0, Some(0), None), None);
}
