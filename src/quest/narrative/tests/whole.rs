//! Whole problems from texts: objects, initial state and goal, with nothing but the domain.

use super::{goal, init};
use crate::quest::level::Level;
use crate::quest::narrative::{analyze_problem, level_from_text};
use crate::quest::{PddlFile, PddlOptions, World, import_domain};

fn domain(text: &str) -> Level {
    import_domain(PddlFile { name: "domain.pddl", text }, &PddlOptions::default()).unwrap()
}

const BLOCKS: &str = "(define (domain blocks) (:requirements :strips)
  (:predicates (clear ?x) (ontable ?x) (handempty) (holding ?x) (on ?x ?y))
  (:action pick-up :parameters (?ob) :precondition (and (clear ?ob) (ontable ?ob) (handempty))
    :effect (and (holding ?ob) (not (clear ?ob)) (not (ontable ?ob)) (not (handempty))))
  (:action stack :parameters (?ob ?underob) :precondition (and (clear ?underob) (holding ?ob))
    :effect (and (handempty) (clear ?ob) (on ?ob ?underob) (not (clear ?underob))
      (not (holding ?ob)))))";

const DESK: &str = "I am stacking blocks. Here are the actions I can do\n\nPick up a block\n\
  Stack a block on top of another block\n\nI have the following restrictions on my actions:\n\
  I can only pick up a block if my hand is empty.\nOnce I stack a block, my hand is empty.\n\n";

#[test]
fn the_last_of_several_statements_counts() {
    let text = format!(
        "{DESK}[STATEMENT]\nAs initial conditions I have that, the green block is clear, the hand is \
         empty and the green block is on the table.\nMy goal is to have that the green block is on \
         top of the white block.\n\nMy plan is as follows:\n\n[PLAN]\npick up the green block\n\
         stack the green block on top of the white block\n[PLAN END]\n\n[STATEMENT]\nAs initial \
         conditions I have that, the red block is clear, the blue block is clear, the hand is \
         empty, the red block is on the table and the blue block is on the table.\nMy goal is to \
         have that the red block is on top of the blue block.\n\nMy plan is as follows:\n\n[PLAN]\n"
    );
    let domain = domain(BLOCKS);
    let read = analyze_problem(&domain, &text);
    assert_eq!(goal(&read), ["on(red, blue)"]);
    assert_eq!(
        init(&read),
        ["clear(blue)", "clear(red)", "handempty", "ontable(blue)", "ontable(red)"]
    );
    let (level, _) = level_from_text(&domain, &text).unwrap();
    let world = World::ground(&level).unwrap();
    assert!(world.call_by_name("stack(red, blue)").is_some());
    assert_eq!(level.objects.values().map(|o| o.len()).sum::<usize>(), 2);
}

#[test]
fn one_line_and_other_wordings_read_the_same() {
    let domain = domain(BLOCKS);
    let text = "Initially, the red block and the blue block are on the table, both are clear and \
                the hand is empty. The red block must be on the blue block.";
    let read = analyze_problem(&domain, text);
    assert_eq!(goal(&read), ["on(red, blue)"]);
    for fact in ["handempty", "ontable(blue)", "ontable(red)"] {
        assert!(init(&read).contains(&fact.to_owned()), "{:?}", init(&read));
    }
}

#[test]
fn words_that_mean_nothing_are_read_by_the_names_of_the_domain() {
    let domain = domain(
        "(define (domain mystery) (:requirements :strips)
          (:predicates (province ?x) (planet ?x) (harmony) (pain ?x) (craves ?x ?y) (4dmf ?x ?y))
          (:action attack :parameters (?o) :precondition (and (province ?o) (harmony))
            :effect (and (pain ?o) (not (province ?o)) (not (harmony))))
          (:action overcome :parameters (?o ?p) :precondition (pain ?o)
            :effect (and (harmony) (craves ?o ?p) (4dmf ?o ?p))))",
    );
    let text = "To perform Attack action, the following facts need to be true: Province object, \
                Harmony.\nOnce Attack action is performed the following facts will be true: Pain \
                object.\n\n[STATEMENT]\nAs initial conditions I have that, object b craves object c, \
                harmony, planet object a and province object b.\nMy goal is to have that object c \
                craves object a and object a 4dmf object b.\n";
    let read = analyze_problem(&domain, text);
    assert_eq!(goal(&read), ["X34dmf(a, b)", "craves(c, a)"]);
    assert_eq!(init(&read), ["craves(b, c)", "harmony", "planet(a)", "province(b)"]);
    let numbered = "As initial conditions I have that, craves object_0 object_1, harmony and province \
                    object_10.\nMy goal is to have that craves object_1 object_10.";
    let read = analyze_problem(&domain, numbered);
    assert_eq!(goal(&read), ["craves(object_1, object_10)"]);
    assert_eq!(init(&read), ["craves(object_0, object_1)", "harmony", "province(object_10)"]);
}

#[test]
fn nouns_say_types_and_kinds() {
    let depots = domain(
        "(define (domain depot) (:requirements :strips :typing)
          (:types place locatable - object depot distributor - place
            truck hoist surface - locatable pallet crate - surface)
          (:predicates (at ?x - locatable ?y - place) (on ?x - crate ?y - surface)
            (in ?x - crate ?y - truck) (lifting ?x - hoist ?y - crate) (available ?x - hoist)
            (clear ?x - surface))
          (:action lift :parameters (?h - hoist ?c - crate ?s - surface ?p - place)
            :precondition (and (at ?h ?p) (available ?h) (at ?c ?p) (on ?c ?s) (clear ?c))
            :effect (and (lifting ?h ?c) (clear ?s) (not (at ?c ?p)) (not (clear ?c))
              (not (available ?h)) (not (on ?c ?s))))
          (:action drop :parameters (?h - hoist ?c - crate ?s - surface ?p - place)
            :precondition (and (at ?h ?p) (at ?s ?p) (clear ?s) (lifting ?h ?c))
            :effect (and (available ?h) (at ?c ?p) (clear ?c) (on ?c ?s) (not (lifting ?h ?c))
              (not (clear ?s)))))",
    );
    let text = "As initial conditions I have that, crate0 is at depot0, hoist0 is at depot0, pallet0 \
                is at depot0, pallet1 is at depot0, hoist0 is available, crate0 is clear, pallet1 \
                is clear and crate0 is on pallet0.\nMy goal is to have that crate0 is on pallet1.";
    let (level, read) = level_from_text(&depots, text).unwrap();
    assert_eq!(goal(&read), ["on(crate0, pallet1)"]);
    assert_eq!(init(&read).len(), 8);
    assert_eq!(read.objects.get("depot0").map(String::as_str), Some("depot"));
    assert_eq!(read.objects.get("pallet1").map(String::as_str), Some("pallet"));
    assert!(World::ground(&level).is_ok());
}

#[test]
fn untyped_nouns_say_static_facts() {
    let logistics = domain(
        "(define (domain logistics) (:requirements :strips)
          (:predicates (obj ?o) (truck ?t) (location ?l) (city ?c) (airport ?l) (at ?o ?l)
            (in ?o ?t) (in-city ?l ?c))
          (:action load :parameters (?o ?t ?l)
            :precondition (and (obj ?o) (truck ?t) (location ?l) (at ?t ?l) (at ?o ?l))
            :effect (and (not (at ?o ?l)) (in ?o ?t)))
          (:action drive :parameters (?t ?a ?b ?c)
            :precondition (and (truck ?t) (location ?a) (location ?b) (city ?c) (at ?t ?a)
              (in-city ?a ?c) (in-city ?b ?c))
            :effect (and (not (at ?t ?a)) (at ?t ?b))))",
    );
    let text = "As initial conditions I have that, location_0_0 is an airport, package_0 is at \
                location_0_1, truck_0 is at location_0_0, location_0_0 is in the city city_0 and \
                location_0_1 is in the city city_0.\nMy goal is to have that package_0 is in \
                truck_0.";
    let read = analyze_problem(&logistics, text);
    assert_eq!(goal(&read), ["in(package_0, truck_0)"]);
    assert_eq!(
        init(&read),
        [
            "airport(location_0_0)",
            "at(package_0, location_0_1)",
            "at(truck_0, location_0_0)",
            "city(city_0)",
            "in-city(location_0_0, city_0)",
            "in-city(location_0_1, city_0)",
            "location(location_0_0)",
            "location(location_0_1)",
            "obj(package_0)",
            "truck(truck_0)",
        ]
    );
}

#[test]
fn a_text_without_a_goal_makes_no_level() {
    let error = level_from_text(&domain(BLOCKS), "The red block is on the table.").unwrap_err();
    assert!(error.to_string().contains("no clause fits"), "{error}");
}
