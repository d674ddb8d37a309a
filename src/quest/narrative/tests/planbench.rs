//! Blocksworld in plain English, as PlanBench asks language models: 500 texts that none of us
//! wrote, with the true problems beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::{Score, shared};
use crate::quest::expr::{Atom, Init, Term, Test};
use crate::quest::level::Level;
use crate::quest::narrative::{analyze_problem, deduce_function_sequence, validate_solution};
use crate::quest::{PddlFile, PddlOptions, SolveLimits, import_domain, import_pddl};

/// How PlanBench says the blocks of its problems. For grading alone: the reader does not know it.
const COLOURS: [(&str, &str); 12] = [
    ("a", "red"),
    ("b", "blue"),
    ("c", "orange"),
    ("d", "yellow"),
    ("e", "white"),
    ("f", "magenta"),
    ("g", "black"),
    ("h", "cyan"),
    ("i", "green"),
    ("j", "violet"),
    ("k", "silver"),
    ("l", "gold"),
];

fn coloured(atom: &Atom) -> String {
    let colour = |term: &Term| {
        let name = term.to_string();
        let said = COLOURS.iter().find(|(letter, _)| *letter == name);
        Term::Object(said.map_or(name, |(_, colour)| (*colour).to_owned()))
    };
    let args = atom.args.iter().map(colour).collect();
    Atom { predicate: atom.predicate.clone(), args }.to_string()
}

fn goal_facts(level: &Level) -> BTreeSet<String> {
    let fact = |t: &Test| match t {
        Test::Fact { atom, negated: false } => coloured(atom),
        other => other.to_string(),
    };
    level.goal.0.iter().map(fact).collect()
}

fn initial_facts(level: &Level) -> BTreeSet<String> {
    let fact = |i: &Init| match i {
        Init::Fact(atom) => coloured(atom),
        other => other.to_string(),
    };
    level.init.iter().map(fact).collect()
}

/// The plan in the letters of the true problem.
fn lettered(calls: &[String]) -> Vec<String> {
    let letters: BTreeMap<&str, &str> = COLOURS.iter().map(|(l, c)| (*c, *l)).collect();
    let letter = |call: &String| {
        let (name, args) = call.trim_end_matches(')').split_once('(').unwrap();
        let args: Vec<&str> = args.split(", ").map(|a| letters.get(a).copied().unwrap()).collect();
        format!("{name}({})", args.join(", "))
    };
    calls.iter().map(letter).collect()
}

#[test]
fn goals_of_the_texts_are_recovered_and_plans_from_the_text_alone_solve_the_problems() {
    let Some(folder) = shared("planbench") else { return };
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let texts: Value = serde_json::from_str(&read("blocksworld-gpt-4o-zero-shot.json")).unwrap();
    let file = read("domain.pddl");
    let pddl = PddlFile { name: "domain.pddl", text: &file };
    let options = PddlOptions::default();
    let domain = import_domain(pddl, &options).unwrap();
    let (mut goals, mut starts, mut solved, mut all) = (Score::default(), Score::default(), 0, 0);
    for instance in texts["instances"].as_array().unwrap() {
        let text = instance["query"].as_str().unwrap();
        let problem = read(&format!("instances/instance-{}.pddl", instance["instance_id"]));
        let truth =
            import_pddl(pddl, PddlFile { name: "problem", text: &problem }, &options).unwrap();
        let analysis = analyze_problem(&domain, text);
        goals.add(&goal_facts(&truth), &super::goal(&analysis).into_iter().collect());
        starts.add(&initial_facts(&truth), &super::init(&analysis).into_iter().collect());
        all += 1;
        let Ok(plan) = deduce_function_sequence(&domain, text, &SolveLimits::default()) else {
            continue;
        };
        solved += usize::from(validate_solution(&truth, &lettered(&plan.calls)).unwrap().valid);
    }
    eprintln!(
        "{all} texts: goal F1 {:.4}, initial facts F1 {:.4}, solved from the text alone {solved}",
        goals.f1(),
        starts.f1()
    );
    assert!(all >= 500 && goals.f1() >= 0.95, "{goals:?}");
    assert!(starts.f1() >= 0.95, "{starts:?}");
    assert!(solved * 100 >= all * 95, "{solved} of {all}");
}
