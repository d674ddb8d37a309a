//! Agents by name, playing on several threads, and the document that sums them up.

use std::time::Duration;

use super::{plan, result};
use crate::core::{canonical_json, digest_json};
use crate::evaluate::*;
use crate::quest::{Split, Suite, Target};

fn spec(text: &str) -> AgentSpec {
    text.parse().unwrap()
}

fn drawn(families: &[&str], n: usize, jobs: usize) -> Vec<EvalLevel> {
    let families: Vec<String> = families.iter().map(|f| (*f).to_owned()).collect();
    let grades = Grades { families: &families, levels: &[1, 2], challenges: &[1] };
    let suite = Suite::builtin();
    let levels = draw_grades(&suite, Split::Validation, &grades, 3, n, jobs).unwrap();
    levels.into_iter().map(|level| plan_level(level, 3, 0)).collect()
}

#[test]
fn agents_are_named_as_they_are_asked_for() {
    for text in
        ["random", "greedy", "planner", "noisy:0.5", "checkpoint:a/b", "registry:fqm@champion"]
    {
        assert_eq!(spec(text).to_string(), text);
    }
    assert_eq!(spec("expert"), AgentSpec::Planner);
    assert_eq!(spec("noisy").to_string(), "noisy:0.25");
    let wrong = |text: &str| text.parse::<AgentSpec>().unwrap_err().to_string();
    assert!(wrong("plannr").contains("did you mean `planner`"));
    assert!(wrong("dancer").contains("checkpoint:FOLDER"));
    assert!(wrong("noisy:2").contains("from 0 to 1"));
    assert!(wrong("registry:fqm").contains("registry:fqm@champion"));
    assert!(wrong("checkpoint:").contains("checkpoint:FOLDER"));
}

#[test]
fn levels_and_results_do_not_depend_on_the_number_of_threads() {
    let alone = drawn(&["courier", "vault"], 4, 1);
    assert_eq!(alone, drawn(&["courier", "vault"], 4, 3));
    assert_eq!(alone.len(), 16);
    for agent in ["random", "greedy", "noisy:0.5"].map(spec) {
        let play = |jobs| play_parallel(&agent, &alone, 9, jobs).unwrap().unwrap().0;
        let (one, three) = (play(1), play(3));
        assert_eq!(canonical_json(&one).unwrap(), canonical_json(&three).unwrap());
        let order: Vec<_> = one.iter().map(|t| t.result.pair_key()).collect();
        let asked: Vec<_> = alone.iter().map(|l| (l.item.digest, l.item.play_seed)).collect();
        assert_eq!(order, asked);
    }
    assert!(play_parallel(&spec("checkpoint:x"), &alone, 9, 1).is_none());
}

#[test]
fn every_play_of_a_level_has_luck_of_its_own_and_the_first_is_the_planned_one() {
    let level = plan(8, 1).remove(0);
    let again = |nth| plan_level(level.level.clone(), 5, nth).item.play_seed;
    assert_eq!(again(0), plan_level(level.level.clone(), 5, 0).item.play_seed);
    assert!(again(0) != again(1) && again(1) != again(2));
}

#[test]
fn what_nothing_is_drawn_in_is_played_once() {
    let suite = Suite::builtin();
    let plays = |id: &str| -> Vec<EvalLevel> {
        let level = suite.hand_level(id).unwrap();
        (0..5).map(|nth| plan_level(level.clone(), 1, nth)).collect()
    };
    let (sure, lucky) = (plays("first-steps"), plays("flaky-build"));
    assert!(!sure[0].level.is_stochastic() && lucky[0].level.is_stochastic());
    let mixed = [sure.clone(), lucky.clone()].concat();
    assert_eq!(without_repeats(&mixed), [&sure[..1], &lucky[..]].concat());
    let draws = |name: &str| spec(name).draws();
    assert!(draws("random") && draws("greedy") && draws("noisy"));
    assert!(!draws("planner") && !draws("checkpoint:x") && !draws("registry:fqm@champion"));
}

#[test]
fn the_document_is_the_same_for_the_same_request_and_says_who_did_what() {
    let levels = drawn(&["courier"], 10, 2);
    let run = || {
        let played: Vec<_> = ["random", "planner"]
            .iter()
            .map(|name| {
                let (traces, spent) = play_parallel(&spec(name), &levels, 1, 2).unwrap().unwrap();
                assert!(spent.busy > Duration::ZERO && spent.wall > Duration::ZERO);
                ((*name).to_owned(), traces)
            })
            .collect();
        let request = RunRequest { split: Some(Split::Validation), seed: 1, plays: 10, given: 0 };
        ArenaRun::new(request, &played, &Suite::builtin())
    };
    let made = run();
    assert_eq!(digest_json(&made).unwrap(), digest_json(&run()).unwrap());
    let [random, planner] = &made.agents[..] else { panic!("two agents") };
    assert_eq!((planner.overall.episodes, planner.overall.successes), (20, 20));
    assert!(random.overall.successes < 10 && random.against_first.is_none());
    let against = planner.against_first.as_ref().unwrap();
    assert_eq!(against.overall.pairs, 20);
    assert_eq!(against.overall.challenger_only, 20 - random.overall.successes);
    let failed: u64 = random.failures.iter().map(|group| group.plays).sum();
    assert_eq!(failed, 20 - random.overall.successes);
    assert_eq!(random.calls.failed, failed);
    let counted = |run: &AgentRun| {
        let classes: u64 = run.calls.classes.iter().map(|c| c.plays).sum();
        classes + run.calls.unproven + run.calls.failed
    };
    assert_eq!((counted(random), counted(planner)), (20, 20));
    assert_eq!(planner.calls.classes[0].plays, 20, "the planner takes the fewest calls");
    assert_eq!(planner.by_level.len(), 2);
    assert!(planner.grades.iter().all(|grade| grade.mastered));
    let target = &planner.targets[0];
    assert!(!target.reached && target.unplayed.contains(&"5.3".to_owned()) && target.mastered == 2);
}

#[test]
fn successes_fall_into_classes_of_calls() {
    let suite = Suite::builtin();
    let plays = [
        (Some(1.0), true),
        (Some(0.8), true),
        (Some(0.5), true),
        (Some(0.2), true),
        (None, true),
        (None, false),
    ];
    let traces: Vec<Trace> = (0..)
        .zip(plays)
        .map(|(nth, (efficiency, success))| Trace {
            level: "x".to_owned(),
            result: EpisodeResult { efficiency, ..result("a", 1, nth, success) },
            calls: Vec::new(),
            about: String::new(),
        })
        .collect();
    let request = RunRequest { split: None, seed: 1, plays: 1, given: 0 };
    let made = ArenaRun::new(request, &[("x".to_owned(), traces)], &suite);
    let spread = &made.agents[0].calls;
    let counts: Vec<u64> = spread.classes.iter().map(|class| class.plays).collect();
    assert_eq!((counts, spread.unproven, spread.failed), (vec![1, 1, 0, 1, 1], 1, 1));
}

#[test]
fn a_family_may_want_more_than_the_usual_target() {
    let plays: Vec<EpisodeResult> = (0..12).map(|i| result("a", 1, i, true)).collect();
    assert!(mastery(&plays)[0].mastered);
    let strict = |_: &str| Target { in_a_row: 20, ..Target::default() };
    assert!(!mastery_for(&plays, strict)[0].mastered);
    let fast = |_: &str| Target { efficiency: 0.9, ..Target::default() };
    assert!(!mastery_for(&plays, fast)[0].mastered);
}

#[test]
fn a_target_is_reached_when_all_its_grades_are_mastered() {
    let suite = Suite::builtin();
    let all: Vec<EpisodeResult> = suite
        .grades("vault")
        .into_iter()
        .flat_map(|(level, challenge)| {
            (0..10).map(move |i| EpisodeResult { challenge, ..result("vault", level, i, true) })
        })
        .collect();
    let reached = standings(&mastery(&all), &suite);
    assert!(reached[0].reached && reached.len() == 1, "{reached:?}");
    let mut one_lost = all;
    one_lost[0].success = false;
    let missed = standings(&mastery(&one_lost), &suite);
    assert_eq!((missed[0].reached, missed[0].missed.as_slice()), (false, &["1.1".to_owned()][..]));
}

#[test]
fn the_schema_checked_in_is_the_generated_one() {
    let name = "fq-run-1.schema.json";
    let path = format!("{}/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
    let wanted = format!("{}\n", serde_json::to_string_pretty(&run_schema().to_value()).unwrap());
    if std::env::var_os("FQM_WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "{name}: run the tests with FQM_WRITE_SCHEMAS=1 to write it");
}

#[test]
fn the_schema_takes_what_a_run_writes() {
    let levels = drawn(&["courier"], 1, 1);
    let (traces, _) = play_parallel(&spec("random"), &levels, 1, 1).unwrap().unwrap();
    let request = RunRequest { split: Some(Split::Validation), seed: 1, plays: 1, given: 0 };
    let played = [("random".to_owned(), traces.clone()), ("again".to_owned(), traces)];
    let made = serde_json::to_value(ArenaRun::new(request, &played, &Suite::builtin())).unwrap();
    let schema = jsonschema::validator_for(&run_schema().to_value()).unwrap();
    if let Err(fault) = schema.validate(&made) {
        panic!("{fault} at {}", fault.instance_path());
    }
    let mut wrong = made;
    wrong["agents"][0]["episodes"][0]["calls"] = "many".into();
    assert!(!schema.is_valid(&wrong));
}
