//! Tests of reading and writing PDDL.

mod mistakes;
mod reading;
mod writing;

use crate::quest::{Level, PddlError, PddlFile, PddlOptions, PddlText, import_pddl};

/// Parcels between places, with what the subset offers; tests change one line of it.
const DOMAIN: &str = "\
(define (domain Parcels)
  (:requirements :strips :typing :negative-preconditions :equality :action-costs)
  (:types parcel vehicle - thing thing place - object truck - vehicle)
  (:constants depot - place)
  (:predicates (at ?x - thing ?p - place) ; where a thing is
               (in ?c - parcel ?v - vehicle) (road ?a ?b - place) (closed))
  (:functions (total-cost) - number (road-length ?a ?b - place) - number)
  (:action DRIVE
    :parameters (?t - truck ?from ?to - place)
    :precondition (and (at ?t ?from) (road ?from ?to) (not (= ?from ?to)))
    :effect (and (not (at ?t ?from)) (at ?t ?to)
                 (increase (total-cost) (road-length ?from ?to))))
  (:action load
    :parameters (?c - parcel ?v - vehicle ?p - place)
    :precondition (and (at ?c ?p) (at ?v ?p) (not (closed)))
    :effect (and (not (at ?c ?p)) (in ?c ?v) (increase (total-cost) 1.5)))
  (:action unload
    :parameters (?c - parcel ?v - vehicle)
    :precondition (and (in ?c ?v) (at ?v depot))
    :effect (and (not (in ?c ?v)) (at ?c depot))))
";

const PROBLEM: &str = "\
(define (problem P-1)
  (:domain parcels)
  (:objects Mill shop - place t1 - truck c1 c2 - parcel)
  (:init (at t1 depot) (at c1 mill) (at c2 depot) (not (closed))
         (road depot mill) (road mill depot) (road mill shop)
         (= (total-cost) 0) (= (road-length depot mill) 4) (= (road-length mill depot) 3))
  (:goal (and (at c1 depot) (at c2 depot)))
  (:metric minimize (total-cost)))
";

fn import(domain: &str, problem: &str) -> Result<Level, PddlError> {
    let domain = PddlFile { name: "domain.pddl", text: domain };
    let problem = PddlFile { name: "p1.pddl", text: problem };
    import_pddl(domain, problem, &PddlOptions::default())
}

/// As [`import`], of a text that was exported and must be right.
fn again(text: &PddlText) -> Level {
    import(&text.domain, &text.problem)
        .unwrap_or_else(|e| panic!("{e}\n{}\n{}", text.domain, text.problem))
}
