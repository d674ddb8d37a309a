//! Levels as PDDL, and back.

use super::{DOMAIN, PROBLEM, again, import};
use crate::quest::{Level, Solution, SolveLimits, Split, Suite, World, export_pddl, solve};

#[test]
fn import_after_export_is_the_same_level() {
    let level = import(DOMAIN, PROBLEM).unwrap();
    let text = export_pddl(&level).unwrap();
    let back = again(&text);
    assert_eq!(back, level);
    assert_eq!(back.digest(), level.digest());
    assert_eq!(export_pddl(&back).unwrap(), text);
}

#[test]
fn the_domain_reads_well() {
    let text = export_pddl(&import(DOMAIN, PROBLEM).unwrap()).unwrap();
    insta::assert_snapshot!(format!("{}\n{}", text.domain, text.problem), @r#"
    (define (domain parcels)
      (:requirements :strips :typing :negative-preconditions :equality :action-costs)
      (:types
        parcel - thing
        place - object
        thing - object
        truck - vehicle
        vehicle - thing)
      (:constants
        depot - place)
      (:predicates
        (at ?x - thing ?p - place)
        (closed)
        (in ?c - parcel ?v - vehicle)
        (road ?a - place ?b - place))
      (:functions
        (total-cost) - number
        (road-length ?a - place ?b - place) - number)
      (:action drive
        :parameters (?t - truck ?from - place ?to - place)
        :precondition (and (at ?t ?from) (road ?from ?to) (not (= ?from ?to)))
        :effect (and (at ?t ?to) (not (at ?t ?from)) (increase (total-cost) (road-length ?from ?to))))
      (:action load
        :parameters (?c - parcel ?v - vehicle ?p - place)
        :precondition (and (at ?c ?p) (at ?v ?p) (not (closed)))
        :effect (and (in ?c ?v) (not (at ?c ?p)) (increase (total-cost) 1.5)))
      (:action unload
        :parameters (?c - parcel ?v - vehicle)
        :precondition (and (at ?v depot) (in ?c ?v))
        :effect (and (at ?c depot) (not (in ?c ?v)) (increase (total-cost) 0)))
    )

    (define (problem p-1)
      (:domain parcels)
      (:objects
        c1 c2 - parcel
        mill shop - place
        t1 - truck)
      (:init
        (at c1 mill)
        (at c2 depot)
        (at t1 depot)
        (road depot mill)
        (road mill depot)
        (road mill shop)
        (= (total-cost) 0)
        (= (road-length depot mill) 4)
        (= (road-length mill depot) 3))
      (:goal (and (at c1 depot) (at c2 depot)))
      (:metric minimize (total-cost))
    )
    "#);
}

/// Facts, calls, goal and constants by name: what a level comes down to.
fn grounded(level: &Level) -> (Vec<String>, Vec<String>, usize, Vec<String>) {
    let world = World::ground(level).unwrap();
    let mut facts: Vec<String> = world.facts().iter().map(|f| f.name.clone()).collect();
    let mut calls: Vec<String> =
        world.calls().iter().map(|c| format!("{} {}", c.name, c.cost)).collect();
    facts.sort();
    calls.sort();
    let constants = world.constants().iter().map(|f| f.name.clone()).collect();
    (facts, calls, world.goal_size(), constants)
}

#[test]
fn drawn_levels_keep_their_structure_and_minimum() {
    let suite = Suite::try_builtin().unwrap();
    let mut exported = std::collections::BTreeMap::new();
    for family in suite.families() {
        for (level, challenge, seed) in [(1, 1, 3), (2, 2, 5), (3, 1, 7)] {
            for drawn in suite.draw(&family, level, challenge, Split::Train, seed, 2).unwrap() {
                let Ok(text) = export_pddl(&drawn) else { continue };
                let back = again(&text);
                assert_eq!(grounded(&back), grounded(&drawn), "{}", drawn.id);
                assert_eq!(export_pddl(&back).unwrap(), text, "{}", drawn.id);
                let world = World::ground(&back).unwrap();
                let Solution::Proven { plan, .. } = solve(&world, &SolveLimits::default()) else {
                    panic!("{} is solvable", drawn.id)
                };
                let min = drawn.reference.unwrap().min_calls as usize;
                assert_eq!(plan.len(), min, "{}", drawn.id);
                *exported.entry(family.clone()).or_insert(0) += 1;
            }
        }
    }
    for family in ["courier", "toolbox", "vault", "workshop"] {
        assert!(exported.contains_key(family), "{exported:?}");
    }
}

/// A level whose one function can have one more line.
fn hand(extra: &str) -> Level {
    let text = format!(
        r#"
schema = "fq-level/1"
id = "Hand made (1)"
family = "test"
level = 1
challenge = 1
source = {{ kind = "hand" }}
init = ["has(A)"]
goal = "done(A)"
limits = {{ max_calls = 9 }}
[objects]
object = ["A", "B.c"]
[predicates]
has = {{ params = ["?x: object"] }}
done = {{ params = ["?x: object"] }}
[fluents.coins]
max = 5
[functions.pay]
[functions.finish]
params = ["?x: object"]
pre = "has(?x)"
effects = "done(?x)"
{extra}
"#
    );
    Level::from_toml(&text).unwrap_or_else(|e| panic!("{extra}: {e}"))
}

#[test]
fn what_pddl_cannot_say_is_refused_by_name() {
    let mut found = String::new();
    let cases = [
        "max_calls = 2",
        "cooldown = 2",
        "exclusive_with = [\"pay\"]",
        "returns = { pool = [\"A\"] }",
        "takes = 2",
        "forbidden = \"done(?x)\"",
        "outcomes = [{ name = \"ok\", p = 0.5 }, { name = \"late\", p = 0.5 }]",
        "[functions.spend]\neffects = \"coins += 1\"",
        "[functions.spend]\npre = \"coins >= 1\"",
        "[functions.FINISH]",
        "[predicates.exists]",
    ];
    for extra in cases {
        found.push_str(&export_pddl(&hand(extra)).expect_err(extra).to_string());
        found.push('\n');
    }
    insta::assert_snapshot!(found, @r#"
    export level `Hand made (1)`: functions.finish.max_calls: outside of the PDDL subset: uses are counted; say it with facts, or drop it
    export level `Hand made (1)`: functions.finish.cooldown: outside of the PDDL subset: uses need a rest between them; say it with facts, or drop it
    export level `Hand made (1)`: functions.finish.exclusive_with: outside of the PDDL subset: uses exclude others; say it with facts, or drop it
    export level `Hand made (1)`: functions.finish.returns: outside of the PDDL subset: calls make new objects; say it with facts, or drop it
    export level `Hand made (1)`: functions.finish.takes: outside of the PDDL subset: calls take time; say it with facts, or drop it
    export level `Hand made (1)`: functions.finish.forbidden: outside of the PDDL subset: calls are forbidden although possible; say it with facts, or drop it
    export level `Hand made (1)`: functions.finish.outcomes: outside of the PDDL subset: the outcome is drawn; say it with facts, or drop it
    export level `Hand made (1)`: functions.spend.effects: outside of the PDDL subset: `coins` is a number; count with facts, or drop it
    export level `Hand made (1)`: functions.spend.pre: outside of the PDDL subset: `coins` is a number; count with facts, or drop it
    export level `Hand made (1)`: functions: outside of the PDDL subset: `FINISH` and `finish` are one name without case; rename one of them
    export level `Hand made (1)`: predicates: outside of the PDDL subset: `exists` is a word of its own; rename it
    "#);
}

#[test]
fn what_changes_no_plan_is_left_out() {
    let level = hand(
        "quality = 0.5\nreturns = { value = \"{x}.json\" }\noutcomes = [{ name = \"ok\", p = 1.0, effects = \"not has(?x)\" }]",
    );
    let text = export_pddl(&level).unwrap();
    assert!(text.problem.starts_with("(define (problem hand-made--1-)"), "{}", text.problem);
    let back = again(&text);
    assert_eq!(back.functions["finish"].effects.to_string(), "done(?x), not has(?x)");
    assert!(back.objects["object"].contains("b.c"));
}
