//! Folds of tasks, and what others' episodes say for a function.

use std::collections::BTreeSet;

use super::fixtures::{episode, respond, tool};
use crate::dataset::Episode;
use crate::policy::graph::call;
use crate::policy::{
    CALL_FEATURES, NextFunction, NoLevels, Vocabulary, examples_of_episode, folds,
};

fn trials(tasks: usize) -> Vec<Episode> {
    let trial = |nth: usize| {
        let mut e = episode(&format!("e{nth}"), "chat");
        e.task_id = format!("t{}", nth / 2);
        e
    };
    (0..tasks * 2).map(trial).collect()
}

#[test]
fn no_task_is_split_between_folds() {
    let episodes = trials(23);
    let fold = folds(&episodes, 5, 7);
    for pair in fold.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    for held_out in 0..5 {
        let size = fold.iter().filter(|f| **f == held_out).count();
        assert!((8..=10).contains(&size), "fold {held_out} has {size} of 46 episodes");
    }
}

#[test]
fn folds_hang_on_the_tasks_and_the_seed_alone() {
    let episodes = trials(9);
    let mut turned = episodes.clone();
    turned.reverse();
    let mut fold = folds(&turned, 3, 7);
    fold.reverse();
    assert_eq!(fold, folds(&episodes, 3, 7));
    assert_ne!(fold, folds(&episodes, 3, 8));
    // The same task of another workflow is another task.
    let mut two = trials(1);
    two[1].workflow = "elsewhere".into();
    let fold: BTreeSet<usize> = folds(&two, 2, 0).into_iter().collect();
    assert_eq!(fold.len(), 2);
}

#[test]
fn shorter_contexts_are_blended_in_by_how_many_functions_followed() {
    let words = |s: &str| s.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let sequences = [words("a b"), words("a b"), words("a c")];
    let model = NextFunction::fit(sequences.iter().map(Vec::as_slice));
    let functions = model.functions();
    assert_eq!(functions, words("a b c"));
    // Alone: (count + 3 · 1/3) / (6 + 3). After a: (count + 2 · that) / (3 + 2).
    let alone = model.probabilities(&functions, &[], None);
    let after = model.probabilities(&functions, &words("a"), None);
    for (found, wanted) in alone.iter().zip([4.0, 3.0, 2.0]) {
        assert!((found - wanted / 9.0).abs() < 1e-12, "{alone:?}");
    }
    for (found, wanted) in after.iter().zip([8.0 / 9.0, 2.0 + 6.0 / 9.0, 1.0 + 4.0 / 9.0]) {
        assert!((found - wanted / 5.0).abs() < 1e-12, "{after:?}");
    }
    // Without what it counted it knows nothing.
    let nothing = model.probabilities(&functions, &words("a"), Some(&model));
    assert!(nothing.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-12), "{nothing:?}");
}

/// Episodes in which the user's first words decide the function.
fn wishes(task: &str, wish: &str, function: &str) -> Episode {
    let mut e = episode(&format!("{task}-{wish}"), "chat");
    e.task_id = task.into();
    let said = format!(r#"{{"role":"user","content":"please {wish} my order KX71Q"}}"#);
    e.steps = vec![tool(0, function, r#"{"order":"KX71Q"}"#, r#""done""#), respond(1, "null")];
    e.steps[0].observation_json = Some(said);
    e
}

fn first_row(e: &Episode, vocabulary: &Vocabulary, function: usize) -> Vec<f32> {
    let lifted = examples_of_episode(e, &NoLevels, vocabulary).unwrap();
    lifted.examples[0].graph.call_features[function * CALL_FEATURES..][..CALL_FEATURES].to_vec()
}

#[test]
fn words_and_ids_speak_for_the_function_that_they_led_to_elsewhere() {
    let known: Vec<Episode> = (0..6)
        .flat_map(|n| {
            [
                wishes(&format!("c{n}"), "cancel", "cancel_order"),
                wishes(&format!("r{n}"), "send", "return_order"),
            ]
        })
        .collect();
    let vocabulary = Vocabulary::of(&known);
    let (cancel, send) =
        (wishes("new", "cancel", "cancel_order"), wishes("new", "send", "return_order"));
    // Candidates by name: cancel_order, respond, return_order.
    let words = |e: &Episode, f: usize| first_row(e, &vocabulary, f)[call::SLACK];
    assert!(words(&cancel, 0) > 0.2 + words(&cancel, 2), "{}", words(&cancel, 0));
    assert!(words(&send, 2) > 0.2 + words(&send, 0), "{}", words(&send, 2));
    // The id that the user named could be given to either, and not to an answer.
    let told = |f: usize| first_row(&cancel, &vocabulary, f)[call::SOLE];
    assert_eq!((told(0), told(1), told(2)), (0.5, 0.0, 0.5));
}

#[test]
fn an_episode_is_told_nothing_that_its_own_task_showed() {
    let others: Vec<Episode> =
        (0..8).map(|n| wishes(&format!("o{n}"), "cancel", "cancel_order")).collect();
    let own = wishes("own", "send", "cancel_order");
    let hints = |known: &[Episode]| {
        let row = first_row(&own, &Vocabulary::of(known), 0);
        (row[call::HELPS], row[call::SLACK])
    };
    let mut with_own = others.clone();
    with_own.extend([own.clone(), own.clone()]);
    // What other tasks in the part of its own say is left out too, so the hints may be weaker than
    // those of the others alone, and are never stronger.
    let (habit, words) = hints(&with_own);
    let (habit_of_others, words_of_others) = hints(&others);
    assert!(habit <= habit_of_others && words <= words_of_others + 1e-6);
    let alone = first_row(&own, &Vocabulary::of([&own]), 0);
    assert_eq!((alone[call::HELPS], alone[call::SLACK]), (0.5, 0.0), "two functions, no counts");
}
