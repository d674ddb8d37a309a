//! What a problem means as a level.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::names::{original, to_level, to_pddl};
use super::{DOMAIN, PROBLEM, import};
use crate::quest::{
    Level, PddlFile, PddlOptions, Play, SolveLimits, SourceKind, VerifyError, World, certify,
    import_pddl,
};

fn level() -> Level {
    import(DOMAIN, PROBLEM).unwrap()
}

fn with(from: &str, to: &str) -> Level {
    assert!(PROBLEM.contains(from) || DOMAIN.contains(from), "{from}");
    import(&DOMAIN.replace(from, to), &PROBLEM.replace(from, to)).unwrap()
}

fn grounded_size(level: &Level) -> (usize, usize) {
    let world = World::ground(level).unwrap();
    (world.facts().len(), world.calls().len())
}

#[test]
fn a_problem_becomes_a_level() {
    let level = level();
    assert_eq!((level.id.as_str(), level.family.as_str()), ("p-1", "parcels"));
    assert_eq!(level.source.kind, SourceKind::Pddl);
    assert_eq!(level.types["truck"], "vehicle");
    assert_eq!(level.types["vehicle"], "thing");
    assert_eq!(level.types["thing"], "object");
    assert_eq!(level.objects["place"].len(), 3, "the constant and two objects");
    let drive = &level.functions["drive"];
    assert_eq!(drive.pre.to_string(), "at(?t, ?from) and road(?from, ?to) and ?from != ?to");
    assert_eq!(drive.effects.to_string(), "at(?t, ?to), not at(?t, ?from)");
    assert_eq!(drive.cost_by.as_ref().unwrap().to_string(), "road-length(?from, ?to)");
    assert_eq!(level.costs["road-length"].values["mill, depot"], 3.0);
    let costs = ["load", "unload"].map(|name| level.functions[name].cost);
    assert_eq!(costs, [1.5, 0.0], "an action that adds no cost is free");
    let fixed: Vec<_> = level.predicates.iter().filter(|(_, p)| p.fixed).map(|(n, _)| n).collect();
    assert_eq!(fixed, ["closed", "road"]);
    assert_eq!(Level::from_json(&level.to_json()).unwrap(), level);
}

#[test]
fn what_pddl_has_not_comes_from_the_options() {
    let options = PddlOptions {
        id: Some("mine".into()),
        family: Some("trucks".into()),
        level: Some(3),
        challenge: Some(2),
        max_calls: Some(40),
        commit: Some("abc".into()),
        license: Some("MIT".into()),
    };
    let domain = PddlFile { name: "d", text: DOMAIN };
    let level = import_pddl(domain, PddlFile { name: "p", text: PROBLEM }, &options).unwrap();
    assert_eq!((level.id.as_str(), level.family.as_str()), ("mine", "trucks"));
    assert_eq!((level.level, level.challenge, level.limits.max_calls), (3, 2, 40));
    assert_eq!(level.source.commit.as_deref(), Some("abc"));
    assert_eq!(level.source.license.as_deref(), Some("MIT"));
}

#[test]
fn without_a_metric_every_call_costs_one() {
    let level = with("\n  (:metric minimize (total-cost))", "");
    assert!(level.costs.is_empty());
    assert!(level.functions.values().all(|f| f.cost == 1.0 && f.cost_by.is_none()));
}

#[test]
fn a_cost_without_parameters_is_a_number() {
    let domain = DOMAIN
        .replace("(total-cost) - number", "(total-cost) (toll) - number")
        .replace("(road-length ?from ?to)))", "(toll)))");
    let problem = PROBLEM.replace("(= (total-cost) 0)", "(= (toll) 7)");
    let level = import(&domain, &problem).unwrap();
    assert_eq!(level.functions["drive"].cost, 7.0);
    assert!(level.costs.is_empty());
    let error = import(&domain, PROBLEM).unwrap_err().to_string();
    assert!(error.contains("function `toll` has no value (add `(= (toll) number)`"), "{error}");
}

#[test]
fn several_numbers_add_up() {
    let level = with("(total-cost) 1.5)", "(total-cost) 1.5) (increase (total-cost) 2)");
    assert_eq!(level.functions["load"].cost, 3.5);
}

#[test]
fn sections_and_requirements_may_be_sloppy() {
    // No requirement is stated, an unused one is, the constants come late, `object` is declared,
    // a parent is not, the built-in equality is, and the length is an old way to give a hint.
    let requirements =
        "(:requirements :strips :typing :negative-preconditions :equality :action-costs)";
    let plain = import(&DOMAIN.replace(requirements, ""), PROBLEM).unwrap();
    assert_eq!(plain, level());
    let other = import(&DOMAIN.replace(requirements, "(:requirements :adl)"), PROBLEM).unwrap();
    assert_eq!(other, level());
    let constants = "(:constants depot - place)";
    let late = DOMAIN
        .replace(constants, "")
        .replace("(:action load", &format!("{constants} (:action load"));
    assert_eq!(import(&late, PROBLEM).unwrap(), level());
    let types = "thing place - object";
    assert_eq!(with(types, "place - object object"), level());
    assert_eq!(with("?b - place) (closed))", "?b - place) (closed) (= ?x ?y))"), level());
    assert_eq!(with("thing place - object", "thing place parcel - object"), level());
    assert_eq!(with("(road ?from ?to)", "(road?from?to)"), level());
    let repeated = with("(in ?c - parcel ?v - vehicle)", "(in ?c - parcel ?c - vehicle)");
    assert_eq!(grounded_size(&repeated), grounded_size(&level()));
    assert_eq!(with("  (:goal", "  (:length (:serial 9))\n  (:goal"), level());
    assert_eq!(with("(define (domain", "\u{feff}; words\n(define (domain"), level());
}

#[test]
fn empty_conditions_and_missing_fields_are_allowed() {
    let domain = "(define (domain d) (:predicates (p) (q))
        (:action a :parameters () :precondition () :effect (p))
        (:action b :effect (and))
        (:action c :precondition (and (p) (and) (and (p) (not (q)))) :effect (and (q) (and (p)))))";
    let problem = "(define (problem x) (:domain d) (:init) (:goal (q)))";
    let level = import(domain, problem).unwrap();
    assert_eq!(level.functions["c"].pre.to_string(), "p and not q");
    assert_eq!(level.functions["c"].effects.to_string(), "p, q");
    let reference = certify(level, &SolveLimits::default()).unwrap().reference.unwrap();
    assert_eq!(reference.plan, ["a()", "c()"]);
}

#[test]
fn words_of_levels_are_ordinary_names_in_pddl() {
    let domain = "(define (domain used) (:types made - object)
        (:predicates (made ?ret - made) (used) (running ?a) (calls) (left ?a) (always))
        (:action wait :parameters (?ret - made) :precondition (and (not (made ?ret)) (always))
          :effect (and (made ?ret) (used) (running ?ret) (calls)))
        (:action made :parameters (?ret) :precondition (running ?ret) :effect (left ?ret)))";
    let problem = "(define (problem wait) (:domain used) (:objects wait made - made)
        (:init (always)) (:goal (and (made wait) (left wait) (used) (calls))))";
    let level = import(domain, problem).unwrap();
    assert_eq!(Level::from_json(&level.to_json()).unwrap(), level);
    let reference = certify(level, &SolveLimits::default()).unwrap().reference.unwrap();
    assert_eq!(reference.plan, ["wait(wait)", "made(wait)"]);
}

#[test]
fn a_fact_that_is_deleted_and_added_is_true() {
    let domain = "(define (domain d) (:predicates (on ?x) (done))
        (:action move :parameters (?a ?b) :precondition (on ?a)
          :effect (and (on ?b) (not (on ?a)) (done))))";
    let problem = "(define (problem x) (:domain d) (:objects l r) (:init (on l)) (:goal (and (done) (on l))))";
    let world = Arc::new(World::ground(&import(domain, problem).unwrap()).unwrap());
    let mut play = Play::new(Arc::clone(&world), 0);
    play.step(world.call_by_name("move(l, l)").unwrap()).unwrap();
    assert!(play.goal_achieved());
}

#[test]
fn goals_may_be_static_negative_or_reached() {
    let level = with("(:goal (and", "(:goal (and (road mill shop) (not (closed)) (not (= c1 c2))");
    assert_eq!(
        level.goal.to_string(),
        "at(c1, depot) and at(c2, depot) and not closed and road(mill, shop)"
    );
    let reference = certify(level, &SolveLimits::default()).unwrap().reference.unwrap();
    assert_eq!(reference.min_calls, 4);
    let reached = with("(:goal (and (at c1 depot) (at c2 depot)))", "(:goal (at c2 depot))");
    let error = certify(reached, &SolveLimits::default()).unwrap_err();
    assert_eq!(error, VerifyError::NoOpPasses("p-1".into()));
}

#[test]
fn names_that_levels_cannot_spell_are_mapped_and_back() {
    let same = ["a", "b1", "my-key", "p.json", "_x", "at_kitchen", "a-1"];
    assert_eq!(same.map(to_level), same);
    let mapped = [
        ("a-", "aX2d"),
        ("2nd", "X32nd"),
        ("and", "X61nd"),
        ("a--b", "aX2d-b"),
        ("p@#", "pX40X23"),
    ];
    for (pddl, ours) in mapped {
        assert_eq!(to_level(pddl), ours);
        assert_eq!(original(ours).as_deref(), Some(pddl));
        assert_eq!(to_pddl(ours), pddl);
    }
    // Names of levels that PDDL never had.
    assert_eq!(["Alice", "Xyz", "X61b"].map(to_pddl), ["alice", "xyz", "x61b"]);
    let domain = DOMAIN.replace("depot", "0-base-").replace("?from", "?1st");
    let level = import(&domain, &PROBLEM.replace("depot", "0-Base-")).unwrap();
    assert!(level.objects["place"].contains("X30-baseX2d"));
    assert_eq!(Level::from_json(&level.to_json()).unwrap(), level);
    assert!(World::ground(&level).is_ok());
}

#[test]
fn the_example_of_the_documentation_is_right() {
    let text = include_str!("../../../../docs/pddl.md");
    let block = |mark: &str| {
        let inside = text.split_once(mark).unwrap().1;
        inside.split_once("```").unwrap().0.to_owned()
    };
    let level = import(&block("```lisp"), PROBLEM).unwrap();
    let told: toml::Table = block("```toml").parse().unwrap();
    let whole: toml::Table = toml::to_string(&level).unwrap().parse().unwrap();
    for part in ["functions", "costs"] {
        assert_eq!(whole[part], told[part], "{part}");
    }
    assert!(level.predicates["road"].fixed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_name_is_spelled_and_comes_back(name in "[!-'*-:<-@\\[-~]{1,8}") {
        let ours = to_level(&name);
        prop_assert_eq!(original(&ours), Some(name));
        let fact: crate::quest::Condition = format!("{ours}({ours}, ?{ours})").parse().unwrap();
        prop_assert_eq!(fact.0.len(), 1);
    }

    #[test]
    fn no_text_makes_the_reader_panic(
        cut in 0usize..1000,
        length in 0usize..40,
        noise in "[a-z?:=(); \\n-]{0,12}",
    ) {
        for (file, text) in [(0, DOMAIN), (1, PROBLEM)] {
            let start = cut.min(text.len());
            let end = (start + length).min(text.len());
            let mut changed = text.to_owned();
            changed.replace_range(start..end, &noise);
            let (domain, problem) = if file == 0 { (changed.as_str(), PROBLEM) } else { (DOMAIN, changed.as_str()) };
            if let Ok(level) = import(domain, problem) {
                prop_assert_eq!(&Level::from_json(&level.to_json()).unwrap(), &level);
                let _ = World::ground(&level);
            }
        }
    }
}
