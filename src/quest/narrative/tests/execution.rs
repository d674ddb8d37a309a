//! Calls from words, made step by step and judged.

use crate::quest::level::Level;
use crate::quest::narrative::{
    Constraint, NarrativeError, deduce_function_sequence, simulate_execution, validate_solution,
};
use crate::quest::{PddlFile, PddlOptions, SolveLimits, import_domain};

const SHIP: &str = r#"
schema = "fq-level/1"
id = "ship"
family = "hand"
level = 1
challenge = 1
narrative = "Ship the release v1 and keep one credit."
source = { kind = "hand" }
init = ["drafted(v1)", "credits = 3"]
goal = "shipped(v1) and credits >= 1"
limits = { max_calls = 8 }
types = { release = "object" }
objects = { release = ["v1"] }

[predicates]
drafted = { params = ["?r: release"], static = true }
tested = { params = ["?r: release"], store = "inventory" }
shipped = { params = ["?r: release"] }
leaked = {}

[fluents.credits]
max = 3

[functions.run_tests]
description = "Runs the tests of a release."
params = ["?r: release"]
pre = "drafted(?r) and not tested(?r)"
effects = "tested(?r), credits -= 1"
returns = { value = "report-{r}.json" }

[functions.skip_tests]
description = "Passes a release without a test."
params = ["?r: release"]
pre = "drafted(?r)"
effects = "tested(?r), shipped(?r), leaked"
forbidden = "not tested(?r)"

[functions.ship]
description = "Ships a tested release."
params = ["?r: release"]
pre = "tested(?r)"
effects = "shipped(?r)"
"#;

fn ship() -> Level {
    Level::from_toml(SHIP).unwrap()
}

fn calls(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn deduced(level: &Level, text: &str) -> Result<Vec<String>, NarrativeError> {
    deduce_function_sequence(level, text, &SolveLimits::default()).map(|d| d.calls)
}

#[test]
fn a_narrative_becomes_calls_that_reach_the_level_s_own_goal() {
    let level = ship();
    let plan = deduced(&level, &level.narrative).unwrap();
    assert_eq!(plan, ["run_tests(v1)", "ship(v1)"]);
    assert!(validate_solution(&level, &plan).unwrap().valid);
}

#[test]
fn constraints_of_the_text_are_kept() {
    let mut level = ship();
    level.functions.get_mut("skip_tests").unwrap().forbidden = None;
    assert_eq!(deduced(&level, "Ship v1.").unwrap(), ["skip_tests(v1)"]);
    let never = "Ship v1. Never skip tests.";
    let plan = deduce_function_sequence(&level, never, &SolveLimits::default()).unwrap();
    assert_eq!(plan.calls, ["run_tests(v1)", "ship(v1)"]);
    assert!(plan.proven);
    let skip = |c: &Constraint| matches!(c, Constraint::NeverCall { function, .. } if function == "skip_tests");
    assert!(plan.analysis.constraints.iter().any(|r| skip(&r.what)));
    let leaked = "Ship v1. It must never be leaked.";
    assert_eq!(deduced(&level, leaked).unwrap(), ["run_tests(v1)", "ship(v1)"]);
    let short = deduced(&ship(), "Ship v1 in at most 1 calls.").unwrap_err();
    assert!(short.to_string().contains("takes 2 calls, and 1 are allowed"), "{short}");
}

#[test]
fn what_cannot_be_reached_is_said() {
    let none = deduced(&ship(), "A fine day.").unwrap_err();
    assert!(matches!(none, NarrativeError::NoGoal { .. }), "{none}");
    let poor = deduced(&ship(), "Ship v1 and keep 3 credits.").unwrap_err();
    assert!(matches!(poor, NarrativeError::Unsolvable { .. }), "{poor}");
    assert!(poor.to_string().contains("no sequence of calls reaches it"), "{poor}");
}

#[test]
fn a_domain_and_a_text_are_enough() {
    let text = "(define (domain switches) (:requirements :strips) (:predicates (lit ?x) (dark ?x))
      (:action toggle :parameters (?x) :precondition (dark ?x)
        :effect (and (lit ?x) (not (dark ?x)))))";
    let domain = import_domain(PddlFile { name: "d", text }, &PddlOptions::default()).unwrap();
    let told = "As initial conditions I have that, the red lamp is dark and the blue lamp is dark. \
                My goal is to have that the blue lamp is lit.";
    assert_eq!(deduced(&domain, told).unwrap(), ["toggle(blue)"]);
}

#[test]
fn a_trace_tells_states_returns_and_where_it_stops() {
    let level = ship();
    let made = simulate_execution(&level, &calls(&["(run_tests v1)", "ship( v1 )"]), 7).unwrap();
    assert!(made.goal_achieved && made.stopped.is_none() && made.reward > 0.9, "{made:?}");
    assert_eq!(made.steps[0].returned.as_deref(), Some("report-v1.json"));
    assert_eq!(made.steps[0].state.environment_state.fluents["credits"], 2);
    assert_eq!((made.steps[0].goal, made.steps[1].goal), (0.5, 1.0));
    let stopped = simulate_execution(&level, &calls(&["ship(v1)"]), 7).unwrap().stopped.unwrap();
    assert_eq!((stopped.step, stopped.why.as_str()), (1, "not applicable: tested(v1) not met"));
    let unknown = simulate_execution(&level, &calls(&["sail(v1)"]), 7).unwrap().stopped.unwrap();
    assert!(unknown.why.contains("no such call"));
    let rash = simulate_execution(&level, &calls(&["skip_tests(v1)", "ship(v1)"]), 7).unwrap();
    assert!(rash.steps[0].forbidden && !rash.goal_achieved && rash.reward < -0.9);
    assert!(rash.stopped.unwrap().why.contains("a forbidden call ended the episode"));
}

#[test]
fn a_verdict_names_the_step_and_the_reason() {
    let verdict = validate_solution(&ship(), &calls(&["run_tests(v1)", "run_tests(v1)"])).unwrap();
    assert!(!verdict.valid && verdict.steps == 1);
    let fault = verdict.fault.unwrap().to_string();
    assert!(
        fault.contains("make step 2 of the plan") && fault.contains("not tested(v1)"),
        "{fault}"
    );
    let missed = validate_solution(&ship(), &calls(&["run_tests(v1)"])).unwrap();
    assert!(missed.fault.unwrap().to_string().contains("reach the goal"));
}
