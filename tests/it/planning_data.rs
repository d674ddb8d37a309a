//! Planning problems and plans that none of us wrote, and Fast Downward as oracle.
//!
//! The data lie beside the checkout, or where `FQM_SHARED_DATA` says; `scripts/peers.sh` installs
//! the planner. Tests skip with a message where what they need is not there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fqm_pipe::quest::{
    Level, PddlFile, PddlOptions, PddlText, Solution, SolveLimits, Split, Suite, Validator, World,
    export_pddl, import_pddl, solve,
};

fn data(what: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("FQM_SHARED_DATA").map_or(beside, PathBuf::from).join(what);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no data at {} (FQM_SHARED_DATA names another folder)", path.display());
    None
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    found
}

fn import(domain: &str, problem: &str, name: &str) -> Level {
    let domain = PddlFile { name: "domain.pddl", text: domain };
    import_pddl(domain, PddlFile { name, text: problem }, &PddlOptions::default())
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Domain text, problem text and name of every planning problem.
fn problems(folder: &Path) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for domain in entries(folder).into_iter().filter(|p| p.is_dir()) {
        let text = fs::read_to_string(domain.join("domain.pddl")).unwrap();
        for part in entries(&domain).into_iter().filter(|p| p.is_dir()) {
            for file in entries(&part) {
                let name = file.strip_prefix(folder).unwrap().display().to_string();
                found.push((text.clone(), fs::read_to_string(&file).unwrap(), name));
            }
        }
    }
    found
}

#[test]
fn every_planning_problem_imports_grounds_and_survives_the_way_to_pddl_and_back() {
    let Some(folder) = data("planning") else { return };
    let problems = problems(&folder);
    assert!(problems.len() >= 400, "{}", problems.len());
    for (domain, problem, name) in problems {
        let level = import(&domain, &problem, &name);
        let world = World::ground(&level).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!world.calls().is_empty() && world.goal_size() > 0, "{name}");
        assert_eq!(Level::from_json(&level.to_json()).unwrap(), level, "{name}");
        let text = export_pddl(&level).unwrap_or_else(|e| panic!("{name}: {e}"));
        let back = import(&text.domain, &text.problem, &name);
        assert_eq!(back.digest(), level.digest(), "{name}");
    }
}

#[test]
fn our_verdict_on_the_plans_of_a_language_model_is_the_published_one() {
    let Some(folder) = data("planbench") else { return };
    let domain = fs::read_to_string(folder.join("domain.pddl")).unwrap();
    let answers = fs::read_to_string(folder.join("blocksworld-gpt-4o-zero-shot.json")).unwrap();
    let answers: serde_json::Value = serde_json::from_str(&answers).unwrap();
    let mut judged = BTreeMap::new();
    for answer in answers["instances"].as_array().unwrap() {
        let name = format!("instances/instance-{}.pddl", answer["instance_id"]);
        let problem = fs::read_to_string(folder.join(&name)).unwrap();
        let validator = Validator::new(&import(&domain, &problem, &name)).unwrap();
        let verdict = validator.judge(answer["extracted_llm_plan"].as_str().unwrap());
        let published = answer["llm_correct"].as_bool().unwrap();
        assert_eq!(verdict.valid, published, "{name}: {:?}", verdict.fault);
        let known = validator.judge(answer["ground_truth_plan"].as_str().unwrap());
        assert_eq!(known.fault, None, "{name}");
        *judged.entry(verdict.valid).or_insert(0) += 1;
    }
    assert_eq!(judged, BTreeMap::from([(false, 340), (true, 160)]));
}

/// Fast Downward, where it is installed.
struct Oracle {
    driver: PathBuf,
    folder: tempfile::TempDir,
}

impl Oracle {
    fn installed() -> Option<Self> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/fast-downward");
        let driver = tools.join("up_fast_downward/downward/fast-downward.py");
        if !driver.is_file() {
            eprintln!("skipped: no Fast Downward in .tools; scripts/peers.sh installs it");
            return None;
        }
        Some(Self { driver, folder: tempfile::tempdir().unwrap() })
    }

    /// The plan with the least cost that A* with LM-cut finds and its cost; none where the problem
    /// has no solution.
    fn optimum(&self, text: &PddlText) -> Option<(String, f64)> {
        let path = |name: &str| self.folder.path().join(name);
        let (domain, problem, plan) = (path("domain.pddl"), path("problem.pddl"), path("plan"));
        fs::write(&domain, &text.domain).unwrap();
        fs::write(&problem, &text.problem).unwrap();
        let _ = fs::remove_file(&plan);
        let mut command = Command::new("python3");
        command.arg(&self.driver).arg("--plan-file").arg(&plan).args([&domain, &problem]);
        let output =
            command.args(["--search", "astar(lmcut())"]).current_dir(&self.folder).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.code() {
            Some(0) => {
                let cost = said.lines().find_map(|line| line.rsplit_once("Plan cost: "));
                let cost = cost.and_then(|(_, cost)| cost.parse().ok()).expect("a cost");
                Some((fs::read_to_string(&plan).unwrap(), cost))
            }
            // The translator (10) or the search (11) proved that there is no plan.
            Some(10 | 11) => None,
            code => panic!("Fast Downward ended with {code:?}:\n{said}\n{}", text.domain),
        }
    }
}

fn minimum(level: &Level) -> usize {
    match solve(&World::ground(level).unwrap(), &SolveLimits::default()) {
        Solution::Proven { plan, .. } => plan.len(),
        other => panic!("{}: {other:?}", level.id),
    }
}

#[test]
fn fast_downward_finds_the_minima_of_our_levels() {
    let Some(oracle) = Oracle::installed() else { return };
    let suite = Suite::try_builtin().unwrap();
    let mut compared = BTreeMap::new();
    for family in suite.families() {
        for (level, challenge) in [(1, 1), (2, 2), (3, 1)] {
            for drawn in suite.draw(&family, level, challenge, Split::Train, 11, 1).unwrap() {
                let Ok(mut text) = export_pddl(&drawn) else { continue };
                // The fewest calls, whatever they cost.
                text.problem = text.problem.replace("(:metric minimize (total-cost))", "");
                let (plan, cost) = oracle.optimum(&text).expect("a drawn level is solvable");
                let reference = drawn.reference.as_ref().unwrap();
                assert!(reference.proven);
                assert_eq!(cost, f64::from(reference.min_calls), "{}", drawn.id);
                let verdict = Validator::new(&drawn).unwrap().judge(&plan);
                assert_eq!((verdict.fault, verdict.steps), (None, cost as usize), "{}", drawn.id);
                *compared.entry(family.clone()).or_insert(0) += 1;
            }
        }
    }
    eprintln!("levels whose minimum Fast Downward confirmed: {compared:?}");
    assert!(compared.len() >= 4, "{compared:?}");
}

#[test]
fn fast_downward_agrees_on_planning_problems_before_and_after_the_way_through_a_level() {
    let (Some(oracle), Some(folder)) = (Oracle::installed(), data("planning")) else { return };
    let small = ["p05.pddl", "p10.pddl", "p14.pddl"];
    let mut compared = 0;
    for (domain, problem, name) in problems(&folder) {
        if !name.contains("training") || !small.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let level = import(&domain, &problem, &name);
        let exported = export_pddl(&level).unwrap();
        let (plan, before) = oracle.optimum(&PddlText { domain, problem }).expect(&name);
        let (_, after) = oracle.optimum(&exported).expect(&name);
        assert_eq!((before, after), (minimum(&level) as f64, before), "{name}");
        assert_eq!(Validator::new(&level).unwrap().judge(&plan).fault, None, "{name}");
        compared += 1;
    }
    assert!(compared >= 12, "{compared}");
}

const ROADS: &str = "(define (domain roads)
  (:requirements :strips :typing :action-costs)
  (:types town)
  (:predicates (at ?t - town) (road ?a ?b - town) (visited ?t - town))
  (:functions (total-cost) - number (length ?a ?b - town) - number)
  (:action go :parameters (?a ?b - town) :precondition (and (at ?a) (road ?a ?b))
    :effect (and (not (at ?a)) (at ?b) (visited ?b) (increase (total-cost) (length ?a ?b)))))";

const TRIP: &str = "(define (problem trip) (:domain roads)
  (:objects a b c - town)
  (:init (at a) (road a b) (road b c) (road a c) (= (total-cost) 0)
    (= (length a b) 1) (= (length b c) 2) (= (length a c) 9))
  (:goal (visited c)) (:metric minimize (total-cost)))";

#[test]
fn costs_mean_the_same_to_fast_downward() {
    let Some(oracle) = Oracle::installed() else { return };
    let level = import(ROADS, TRIP, "trip.pddl");
    let exported = export_pddl(&level).unwrap();
    let (plan, cost) = oracle.optimum(&exported).expect("a plan");
    let verdict = Validator::new(&level).unwrap().judge(&plan);
    assert_eq!((verdict.fault, verdict.steps, verdict.cost), (None, 2, cost));
    assert_eq!(cost, 3.0, "the two short roads");
    let cut = TRIP.replace("(road b c) (road a c)", "");
    let exported = export_pddl(&import(ROADS, &cut, "cut.pddl")).unwrap();
    assert_eq!(oracle.optimum(&exported), None, "no road leads there");
}
