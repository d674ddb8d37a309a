//! Narratives and vocabulary: they say what is wanted, in varied words, and are no part of the
//! problem.

use std::collections::{BTreeMap, BTreeSet};

use super::sample::sample;
use crate::quest::{Level, Split, Suite, Term, Test};

/// A name as narratives write it.
fn said(name: &str) -> String {
    name.replace('_', " ").to_lowercase()
}

#[test]
fn every_goal_is_told_with_its_objects_and_numbers() {
    for drawn in sample() {
        let level = &drawn.level;
        let text = format!(" {} ", level.narrative.to_lowercase());
        let mut wanted = BTreeSet::new();
        for test in &level.goal.0 {
            match test {
                Test::Fact { atom, .. } => wanted.extend(atom.args.iter().map(|arg| match arg {
                    Term::Object(name) | Term::Var(name) => said(name),
                })),
                Test::Number { value, .. } => wanted.extend([value.to_string()]),
                Test::Same { .. } => {}
            }
        }
        for name in wanted {
            let whole = |(at, _): (usize, &str)| {
                let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                let (before, after) = (&text[..at], &text[at + name.len()..]);
                !letter(before.chars().next_back()) && !letter(after.chars().next())
            };
            let told = text.match_indices(&name).any(whole);
            assert!(told, "{}: `{name}` is not in `{}`", level.id, level.narrative);
        }
    }
}

#[test]
fn everything_that_can_be_known_or_called_is_described() {
    for Level { id, predicates, fluents, functions, .. } in sample().iter().map(|d| &d.level) {
        for (name, p) in predicates {
            assert!(!p.description.is_empty() && !p.says.is_empty(), "{id}: {name}");
            for (says, i) in p.says.iter().flat_map(|s| (0..p.params.len()).map(move |i| (s, i))) {
                assert!(says.contains(&format!("{{{i}}}")), "{id}: {name}: {says}");
            }
        }
        assert!(fluents.values().all(|f| !f.description.is_empty()), "{id}");
        assert!(functions.values().all(|f| f.description.ends_with('.')), "{id}");
    }
}

#[test]
fn words_are_no_part_of_the_problem() {
    for drawn in sample() {
        let mut silent = drawn.level.clone();
        silent.narrative.clear();
        for p in silent.predicates.values_mut() {
            p.description.clear();
            p.says.clear();
        }
        silent.fluents.values_mut().for_each(|f| f.description.clear());
        silent.functions.values_mut().for_each(|f| f.description.clear());
        assert_eq!(silent.content_digest(), drawn.level.content_digest());
    }
}

/// A sentence without the names and numbers of its level.
fn skeleton(sentence: &str, level: &Level) -> String {
    let names: BTreeSet<String> = level.objects.values().flatten().map(|n| said(n)).collect();
    let mut text = sentence.to_lowercase();
    for name in names.iter().rev() {
        text = text.replace(name.as_str(), "_");
    }
    text.replace(|c: char| c.is_ascii_digit(), "_")
}

#[test]
fn no_sentence_is_told_every_time() {
    let suite = Suite::try_builtin().unwrap();
    let n = 30;
    for family in suite.families() {
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for level in suite.draw(&family, 1, 2, Split::Train, 4, n).unwrap() {
            let sentences = level.narrative.split_inclusive(['.', '?']).map(str::trim);
            let skeletons: BTreeSet<String> =
                sentences.map(|sentence| skeleton(sentence, &level)).collect();
            for one in skeletons {
                *told.entry(one).or_default() += 1;
            }
        }
        let (sentence, often) = told.iter().max_by_key(|(_, often)| **often).unwrap();
        assert!(*often <= n / 2, "{family} says `{sentence}` {often} of {n} times");
        assert!(told.len() >= 12, "{family} has {} sentences", told.len());
    }
}
