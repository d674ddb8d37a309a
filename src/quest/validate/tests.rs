//! Plans that are right, and where the others fail.

use super::text::read_plan;
use super::{PlanFault, validate_plan};
use crate::quest::{Level, PddlFile, PddlOptions, SolveLimits, Suite, certify, import_pddl};

const DOMAIN: &str = "(define (domain blocks) (:requirements :strips :typing)
  (:types block table) (:predicates (clear ?x - block) (ontable ?x - block) (handempty)
    (holding ?x - block) (on ?x ?y - block) (big ?t - table))
  (:action pick-up :parameters (?ob - block)
    :precondition (and (clear ?ob) (ontable ?ob) (handempty))
    :effect (and (holding ?ob) (not (clear ?ob)) (not (ontable ?ob)) (not (handempty))))
  (:action stack :parameters (?ob ?underob - block)
    :precondition (and (clear ?underob) (holding ?ob))
    :effect (and (handempty) (clear ?ob) (on ?ob ?underob)
      (not (clear ?underob)) (not (holding ?ob))))
  (:action turn :parameters (?t - table) :precondition (big ?t) :effect (and)))";
const PROBLEM: &str = "(define (problem two) (:domain blocks) (:objects a b c - block t - table)
  (:init (handempty) (ontable a) (ontable b) (ontable c) (clear a) (clear b) (clear c))
  (:goal (and (on a b) (on b c))))";

fn blocks(goal: &str) -> Level {
    let problem = PROBLEM.replace("(and (on a b) (on b c))", goal);
    let (domain, problem) =
        (PddlFile { name: "d", text: DOMAIN }, PddlFile { name: "p", text: &problem });
    import_pddl(domain, problem, &PddlOptions::default()).unwrap()
}

fn fault(plan: &str) -> String {
    let verdict = validate_plan(&blocks("(and (on a b) (on b c))"), plan).unwrap();
    assert_eq!(verdict.valid, verdict.fault.is_none());
    verdict.fault.map(|fault| fault.to_string()).unwrap_or_default()
}

#[test]
fn plans_in_many_spellings_are_right() {
    let spellings = [
        "(pick-up b)\n(stack b c)\n(pick-up a)\n(stack a b)\n",
        "(pick-up b) (stack b c) (pick-up a) (stack a b)",
        "  ( PICK-UP   B )\n\n(Stack b C) ; on top\n(pick-up a)\n(stack a b)\n; cost = 4 (unit cost)\n",
        "pick-up(b), stack(b, c)\npick-up(a)\nstack(a,b)",
        "1. pick-up b\n2. stack b c\n3) (pick-up a)\n4: stack(a, b)",
        "0.000: (pick-up b) [1]\n1.000: (stack b c) [1]\n2: (pick-up a) [1.0]\n3: (stack a b)",
        "Here is my plan:\n[PLAN]\n(pick-up b)\n(stack b c)\n(pick-up a)\n(stack a b)\n[PLAN END]\nDone!",
        "```pddl\n(pick-up b)\n(stack b c)\n(pick-up a)\n(stack a b)\n```",
        "- (pick-up b)\n- (stack b c)\n* (pick-up a)\n* (stack a b)",
    ];
    for plan in spellings {
        let verdict = validate_plan(&blocks("(and (on a b) (on b c))"), plan).unwrap();
        assert_eq!((verdict.fault, verdict.steps, verdict.goal), (None, 4, 1.0), "{plan}");
        assert_eq!(verdict.cost, 4.0);
    }
}

#[test]
fn the_first_fault_is_named() {
    let plans = [
        "",
        "(pick-up b)\n(stack b c)",
        "(pick-up b)\n(stack a c)",
        "(pick-up b)\n(pick-up c)",
        "(pick-up b)\n\n(put-down b)",
        "(pickup b)",
        "(pick-up bb)",
        "(pick-up b c)",
        "(pick-up t)",
        "(stack b)",
        "(stack b b)",
        "(turn t)",
        "Pick up the blue block.",
        "(pick-up b",
        "(pick-up (b))",
        "I cannot solve this (sorry)",
        "(pick-up b)#late",
        "pick-up(b)#late",
        "...",
    ];
    let found: String = plans.map(|plan| format!("{}\n", fault(plan))).concat();
    insta::assert_snapshot!(found, @r#"
    reach the goal: at the end of the plan `on(a, b)`, `on(b, c)` do not hold
    reach the goal: at the end of the plan `on(a, b)` does not hold
    make step 2 of the plan (line 2): `stack(a, c)` is not possible there: `holding(a)` does not hold
    make step 2 of the plan (line 2): `pick-up(c)` is not possible there: `handempty` does not hold
    make step 2 of the plan (line 3): function `put-down` is not known
    make step 1 of the plan (line 1): function `pickup` is not known; did you mean `pick-up`?
    make step 1 of the plan (line 1): object `bb` is not known; did you mean `b`?
    make step 1 of the plan (line 1): `pick-up(b, c)`: arguments given: 2, wanted: 1
    make step 1 of the plan (line 1): `pick-up(t)`: `t` is a `table`, and a `block` is wanted
    make step 1 of the plan (line 1): `stack(b)`: arguments given: 1, wanted: 2
    make step 1 of the plan (line 1): `stack(b, b)` is not possible there: `holding(b)` does not hold
    make step 1 of the plan (line 1): `turn(t)` is not possible there: `big(t)` does not hold
    make step 1 of the plan (line 1): function `Pick` is not known
    read the plan: line 1: `(pick-up b` is not a call; write `(name argument …)`
    read the plan: line 1: `(pick-up (b))` is not a call; write `(name argument …)`
    read the plan: line 1: `I cannot solve this (sorry)` is not a call; write `(name argument …)`
    make step 2 of the plan (line 1): function `#late` is not known
    make step 1 of the plan (line 1): outcome `late` is not known
    make step 1 of the plan (line 1): function `...` is not known
    "#);
}

#[test]
fn a_goal_at_the_start_needs_no_step_and_one_out_of_reach_is_missed() {
    assert!(validate_plan(&blocks("(clear a)"), "").unwrap().valid);
    let verdict = validate_plan(&blocks("(and (big t) (clear a))"), "(pick-up b)").unwrap();
    assert_eq!(verdict.fault, Some(PlanFault::GoalMissed { missing: vec!["big(t)".into()] }));
    assert_eq!((verdict.steps, verdict.goal), (1, 0.5));
}

#[test]
fn the_limit_of_calls_counts() {
    let mut level = blocks("(clear a)");
    level.limits.max_calls = 1;
    let verdict = validate_plan(&level, "(pick-up b)\n(stack b c)").unwrap();
    assert_eq!(verdict.fault, Some(PlanFault::TooLong { step: 2, max_calls: 1 }));
}

fn hand(id: &str) -> Level {
    Suite::try_builtin().unwrap().hand().iter().find(|l| l.id == id).cloned().unwrap()
}

#[test]
fn time_rules_and_prices_count() {
    let judged = |id: &str, plan: &str| {
        let fault = validate_plan(&hand(id), plan).unwrap().fault;
        fault.map(|fault| fault.to_string()).unwrap_or_default()
    };
    let tests = "run_tests(library, amber)\nrun_tests(tool, birch)\n";
    let words = "write_changelog(library)\nwrite_changelog(tool)\n";
    let releases = "release(library)\nrelease(tool)";
    assert_eq!(judged("slow-tests", &format!("{tests}{words}{releases}")), "");
    assert_eq!(judged("slow-tests", &format!("{tests}(wait)\nwait()\n{words}{releases}")), "");
    let found = [
        judged("slow-tests", &format!("{tests}write_changelog(library)\n{releases}")),
        judged("slow-tests", &format!("run_tests(library, amber)\n{tests}")),
        judged("slow-tests", "wait()"),
        judged("slow-tests", "run_tests(library, birch)"),
        judged("no-force", "force_push()"),
        judged("price-list", "translate_roughly(manual, bruno)"),
        judged("price-list", "translate(manual, bruno)"),
        judged("lean-budget", "wait()"),
    ];
    insta::assert_snapshot!(found.join("\n"), @r#"
    make step 4 of the plan (line 4): `release(library)` is not possible there: `passed(library)` does not hold
    make step 2 of the plan (line 2): `run_tests(library, amber)` is not possible there: `not busy(amber)`, `not running(run_tests(library, amber))` do not hold
    make step 1 of the plan (line 1): `wait()` is not possible there: `running() >= 1` does not hold
    make step 1 of the plan (line 1): `run_tests(library, birch)` is not possible there: `machine_of(library, birch)` does not hold
    make step 1 of the plan (line 1): `force_push()` is forbidden there
    make step 1 of the plan (line 1): `translate_roughly(manual, bruno)` is not possible there: `price(manual, bruno) has a value` does not hold
    make step 1 of the plan (line 1): `translate(manual, bruno)` is not possible there: `bruno != bruno`, `price(manual, bruno) has a value` do not hold
    make step 1 of the plan (line 1): function `wait` is not known
    "#);
    assert_eq!(judged("no-force", "merge_theirs\nresolve\ntest\npush"), "");
    assert_eq!(judged("no-force", "merge_theirs\nforce_push"), "");
}

#[test]
fn reference_plans_of_hand_written_levels_are_right() {
    let suite = Suite::try_builtin().unwrap();
    for level in suite.hand() {
        let level = certify(level.clone(), &SolveLimits::default()).unwrap();
        let reference = level.reference.clone().unwrap();
        let verdict = validate_plan(&level, &reference.plan.join("\n")).unwrap();
        assert_eq!(verdict.fault, None, "{}", level.id);
        assert_eq!(verdict.steps, reference.min_calls as usize);
        assert!((verdict.cost - reference.plan_cost).abs() < 1e-9);
        let shorter = reference.plan[1..].join("\n");
        assert!(!validate_plan(&level, &shorter).unwrap().valid, "{}", level.id);
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    for text in [
        "(", ")", "()", "1", "1.", ".", "[", "[]", "]", "[1]", "#", "->", "a(", "a)b(", "é(ü)",
        "(é", "- ", "1.é", "[PLAN",
    ] {
        let _ = read_plan(text);
        let _ = fault(text);
    }
}
