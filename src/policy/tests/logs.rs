//! From logs to examples, and the baselines.

use std::sync::Arc;

use super::fixtures::{OneLevel, courier, digest, episode, logged, respond, tool};
use crate::dataset::{Candidate, Episode};
use crate::policy::graph::{call, fact, global};
use crate::policy::{
    CALL_FEATURES, FACT_FEATURES, LiftError, NoLevels, RESPOND, Vocabulary, Way, baselines,
    examples_of_episode, functions_of,
};
use crate::quest::{Expert, Noisy, Play, Random};

#[test]
fn act_log_lift_gives_bit_equal_graphs() {
    let world = courier();
    let levels = OneLevel(Arc::clone(&world));
    let mut failures = 0;
    for seed in 0..6 {
        let mut agent = Noisy::new(Random::new(seed), 0.3, seed);
        let (episode, graphs, play) = logged(&mut agent, &world, seed);
        let json = serde_json::to_string(&episode).unwrap();
        let episode: Episode = serde_json::from_str(&json).unwrap();
        let lifted = examples_of_episode(&episode, &levels, &Vocabulary::default()).unwrap();
        assert_eq!(lifted.way, Way::Replay);
        assert_eq!(lifted.examples.len(), graphs.len());
        for (example, graph) in lifted.examples.iter().zip(&graphs) {
            assert_eq!(*example.graph, *graph);
        }
        let mut again = Play::new(Arc::clone(&world), seed);
        for (example, (id, outcome)) in lifted.examples.iter().zip(play.history()) {
            assert_eq!(again.applicable()[example.target], *id);
            again.apply_logged(*id, *outcome).unwrap();
        }
        failures += play.history().iter().filter(|(_, outcome)| *outcome != 0).count();
    }
    assert!(failures > 0, "the test should meet outcomes that were not intended");
}

#[test]
fn values_count_down_only_where_the_goal_was_reached() {
    let world = courier();
    let levels = OneLevel(Arc::clone(&world));
    let (episode, _, play) = logged(&mut Expert::default(), &world, 3);
    assert!(play.goal_achieved());
    let lifted = examples_of_episode(&episode, &levels, &Vocabulary::default()).unwrap();
    let values: Vec<f32> = lifted.examples.iter().map(|e| e.value.unwrap()).collect();
    assert_eq!(values.last(), Some(&1.0));
    assert_eq!(values[0], episode.steps.len() as f32);

    let mut cut = episode;
    cut.steps.pop();
    let lifted = examples_of_episode(&cut, &levels, &Vocabulary::default()).unwrap();
    assert!(lifted.examples.iter().all(|e| e.value.is_none()));
}

#[test]
fn exploration_counts_less_than_the_favourite() {
    let world = courier();
    let levels = OneLevel(Arc::clone(&world));
    let (mut episode, _, _) = logged(&mut Expert::default(), &world, 3);
    episode.steps.truncate(2);
    let explored = &mut episode.steps[0];
    explored.propensity = Some(0.1);
    let other = (explored.chosen.unwrap() as usize + 1) % explored.candidates.len();
    explored.candidates[other].propensity = Some(0.8);
    explored.candidates[explored.chosen.unwrap() as usize].propensity = Some(0.1);
    let lifted = examples_of_episode(&episode, &levels, &Vocabulary::default()).unwrap();
    assert_eq!(lifted.examples[0].weight, 0.125);
    assert_eq!(lifted.examples[1].weight, 1.0);
}

#[test]
fn a_log_that_does_not_fit_its_level_says_where() {
    let world = courier();
    let levels = OneLevel(Arc::clone(&world));
    let (good, _, _) = logged(&mut Expert::default(), &world, 3);
    let mut unknown = good.clone();
    unknown.steps[1].candidates =
        vec![Candidate { id: "fly(moon)".into(), score: None, propensity: None }];
    unknown.steps[1].chosen = Some(0);
    let error = examples_of_episode(&unknown, &levels, &Vocabulary::default()).unwrap_err();
    assert!(matches!(&error, LiftError::UnknownCall { step: 1, call, .. } if call == "fly(moon)"));

    let mut gap = good;
    gap.steps.remove(0);
    let error = examples_of_episode(&gap, &levels, &Vocabulary::default()).unwrap_err();
    assert!(matches!(error, LiftError::Diverged { .. }), "{error}");
}

#[test]
fn an_unknown_level_is_lifted_from_its_history() {
    let world = courier();
    let (mut episode, _, _) = logged(&mut Expert::default(), &world, 3);
    let vocabulary = Vocabulary::of([&episode]);
    let lifted = examples_of_episode(&episode, &NoLevels, &vocabulary).unwrap();
    assert_eq!((lifted.way, lifted.examples.len()), (Way::History, episode.steps.len()));
    episode.level.as_mut().unwrap().digest = digest("another version");
    let lifted = examples_of_episode(&episode, &OneLevel(world), &vocabulary).unwrap();
    assert_eq!(lifted.way, Way::History);
}

/// A dialogue of the shape that airline agents have.
fn airline() -> Episode {
    let mut e = episode("airline-0", "airline");
    e.steps = vec![
        respond(0, r#""Hi, I want to cancel my flight""#),
        tool(1, "get_user_details", r#"{"user_id":"mia"}"#, r#""{\"reservation_id\":[\"X1\"]}""#),
        tool(2, "cancel_reservation", r#"{"reservation_id":"X1"}"#, r#"{"status":"cancelled"}"#),
        respond(3, r#""thanks""#),
    ];
    e.steps[2].error = Some("timeout".into());
    e
}

#[test]
fn a_foreign_episode_becomes_next_function_examples() {
    let e = airline();
    let lifted = examples_of_episode(&e, &NoLevels, &Vocabulary::of([&e])).unwrap();
    assert_eq!((lifted.way, lifted.skipped), (Way::History, 0));
    // Candidates by name: cancel_reservation, get_user_details, respond; then the user.
    let targets: Vec<usize> = lifted.examples.iter().map(|e| e.target).collect();
    assert_eq!(targets, vec![2, 1, 0, 2]);
    let last = &lifted.examples[3].graph;
    assert_eq!((last.applicable.len(), last.topology.calls), (3, 4));
    let row = |node: usize| &last.call_features[node * CALL_FEATURES..][..CALL_FEATURES];
    assert_eq!((row(0)[call::LAST], row(0)[call::LAST_FAILED]), (1.0, 1.0));
    assert_eq!((row(2)[call::RESPOND], row(3)[call::APPLICABLE]), (1.0, 0.0));
    assert_eq!(last.globals[global::FOREIGN], 1.0);

    // Three facts a function, then has(reservation_id) and has(user_id).
    let has_reservation =
        |index: usize| lifted.examples[index].graph.fact_features[9 * FACT_FEATURES + fact::TRUE];
    assert_eq!((has_reservation(1), has_reservation(2)), (0.0, 1.0));
    let known = |index: usize| lifted.examples[index].graph.call_features[call::READY];
    assert_eq!((known(1), known(2)), (0.0, 1.0));
    assert_eq!(lifted.examples[0].value, None, "the score is only 0.5");
}

#[test]
fn functions_outside_the_vocabulary_are_counted_not_guessed() {
    let e = airline();
    let mut known = e.clone();
    known.steps.remove(2);
    let lifted = examples_of_episode(&e, &NoLevels, &Vocabulary::of([&known])).unwrap();
    assert_eq!((lifted.examples.len(), lifted.skipped), (3, 1));
    let declared = {
        let mut v = Vocabulary::of([&known]);
        v.declare("airline", "cancel_reservation", "cancel a booking", &["reservation_id"]);
        v
    };
    assert_eq!(examples_of_episode(&e, &NoLevels, &declared).unwrap().skipped, 0);
    assert!(declared.functions("elsewhere").contains_key(RESPOND));
}

#[test]
fn the_same_history_gives_the_same_graph() {
    let e = airline();
    let vocabulary = Vocabulary::of([&e]);
    let once = examples_of_episode(&e, &NoLevels, &vocabulary).unwrap();
    assert_eq!(once, examples_of_episode(&e, &NoLevels, &vocabulary).unwrap());
}

#[test]
fn baselines_predict_what_they_counted() {
    let words = |s: &str| s.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let train = vec![words("a b c"), words("a b c"), words("d b e"), words("a b c a")];
    let report = baselines(&train, &[words("d b e"), words("a b c")]);
    assert_eq!(report.choices, 6);
    // "a" and "b" are equally frequent (4 and 4); the first by name is taken.
    assert!((report.majority - 1.0 / 6.0).abs() < 1e-9);
    // Right: b after d, b after a, c after b, and "a" at the start.
    assert!((report.bigram - 4.0 / 6.0).abs() < 1e-9);
    // The longer context also knows that e follows "d b".
    assert!((report.backoff - 5.0 / 6.0).abs() < 1e-9);
    assert_eq!(functions_of(&airline())[1], "get_user_details");
}
