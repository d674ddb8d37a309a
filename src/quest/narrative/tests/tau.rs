//! What people ask of an airline's agent (tau-bench), against the functions that the graded
//! solutions call. The texts are free, and the functions have names only: this is hard, and the
//! figures say so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::{Score, shared};
use crate::quest::level::{FunctionDef, Level};
use crate::quest::narrative::analyze_narrative;
use crate::quest::{PddlFile, PddlOptions, import_domain};

/// A vocabulary of functions, of which nothing but the names is known.
fn vocabulary(names: &BTreeSet<String>) -> Level {
    let text = "(define (domain d) (:predicates (p)) (:action a :parameters () :precondition (p)
      :effect (not (p))))";
    let mut level = import_domain(PddlFile { name: "d", text }, &PddlOptions::default()).unwrap();
    level.predicates.clear();
    level.functions = names.iter().map(|n| (n.clone(), FunctionDef::default())).collect();
    level
}

fn names(actions: &Value) -> BTreeSet<String> {
    let all = actions.as_array().into_iter().flatten();
    all.map(|a| a["name"].as_str().unwrap().to_owned()).collect()
}

/// Functions that only look something up are seldom asked for in words.
fn changes(name: &str) -> bool {
    !["get_", "search_", "list_"].iter().any(|p| name.starts_with(p))
        && !["calculate", "think"].contains(&name)
}

#[test]
fn functions_that_users_ask_for_are_half_recovered() {
    let Some(file) = shared("real-logs/tau-bench-gpt-4o-airline-trials-0-1.json") else { return };
    let episodes: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut tasks: BTreeMap<u64, (String, BTreeSet<String>)> = BTreeMap::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for episode in episodes.as_array().unwrap() {
        let task = &episode["info"]["task"];
        let text = task["instruction"].as_str().unwrap().to_owned();
        known.extend(names(&task["actions"]));
        for call in episode["traj"].as_array().unwrap() {
            let calls = call["tool_calls"].as_array().into_iter().flatten();
            known.extend(calls.map(|c| c["function"]["name"].as_str().unwrap().to_owned()));
        }
        tasks.insert(episode["task_id"].as_u64().unwrap(), (text, names(&task["actions"])));
    }
    let level = vocabulary(&known);
    let (mut every, mut changing) = (Score::default(), Score::default());
    for (text, called) in tasks.values() {
        let read = analyze_narrative(&level, text).functions;
        let read: BTreeSet<String> = read.into_iter().map(|f| f.what).collect();
        every.add(called, &read);
        let only = |set: &BTreeSet<String>| set.iter().filter(|n| changes(n)).cloned().collect();
        changing.add(&only(called), &only(&read));
    }
    for (name, score) in [("all functions", every), ("those that change something", changing)] {
        let (p, r) = (score.precision(), score.recall());
        eprintln!("{} tasks, {name}: P {p:.2} R {r:.2}", tasks.len());
    }
    assert!(changing.precision() >= 0.4 && changing.recall() >= 0.4, "{changing:?}");
}
