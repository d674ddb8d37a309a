//! The commands of `quest`, beside what tests/it/quest.rs holds of them.

use std::fs;
use std::path::Path;

use super::Transcript;

/// A folder with two levels, PDDL files and a level with a fault.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/levels");
    for name in ["release.toml", "typo.toml"] {
        fs::copy(fixtures.join(name), place.path().join(name)).unwrap();
    }
    let lamps = place.path().join("lamps");
    fs::create_dir(&lamps).unwrap();
    fs::write(lamps.join("domain.pddl"), DOMAIN).unwrap();
    fs::write(lamps.join("two.pddl"), PROBLEM).unwrap();
    place
}

const DOMAIN: &str =
    "(define (domain lamps) (:requirements :strips :typing :negative-preconditions)
 (:types lamp - object) (:predicates (lit ?l - lamp))
 (:action light :parameters (?l - lamp) :precondition (not (lit ?l)) :effect (lit ?l)))
";
const PROBLEM: &str = "(define (problem two) (:domain lamps) (:objects a b - lamp)
 (:init) (:goal (and (lit a) (lit b))))
";

#[test]
fn levels_are_written() {
    let place = place();
    let mut told = Transcript::at(place.path());
    told.run("quest generate courier --level 1 --challenge 2 -n 2 -o out");
    told.run("quest generate courier --level 1 --challenge 2 -n 1 --seed 7 -o out --json");
    told.run("quest check out");
    told.run("quest check out --json");
    told.run("quest generate courrier -o out");
    told.run("quest generate nothing-like-it -o out");
    told.run("quest generate courier --level 9 -o out");
    told.run("quest generate courier --split test -o out");
    told.run("quest generate courier -n 0 -o out");
    told.run("quest generate courier");
    told.run("quest generate courier -o release.toml/below");
    told.run("quest check gone.toml");
    insta::assert_snapshot!("generate", told);
}

#[test]
fn levels_come_from_pddl_and_go_to_it() {
    let place = place();
    let mut told = Transcript::at(place.path());
    told.run("quest import lamps -o levels --license MIT");
    told.run("quest import lamps -o again --json");
    told.run("quest import lamps -o levels --license Apache-2.0");
    told.run("quest export levels/two.toml -o back");
    told.run("quest import");
    told.run("quest import gone -o levels");
    told.run("quest import lamps --domain lamps/domain.pddl -o levels");
    told.run("quest import --domain lamps/domain.pddl -o levels");
    told.run("quest import --domain lamps/two.pddl --problem lamps/two.pddl -o levels");
    told.run("quest export levels/one.toml -o back");
    told.run("quest export release.toml -o back");
    told.run("quest export levels/two.toml");
    insta::assert_snapshot!("pddl", told);
}

#[test]
fn a_level_is_shown_solved_and_played() {
    let place = place();
    let mut told = Transcript::at(place.path());
    told.run("quest show release.toml --json");
    told.run("quest show typo.toml");
    told.run("quest show relase");
    told.run("quest solve release.toml --from narrative --json");
    told.run("quest solve release.toml --method clever");
    told.run("quest solve release.toml --domain lamps/domain.pddl");
    told.run("quest play release.toml --agent planner --json");
    told.run("quest play release.toml --agent dancer");
    told.run("quest play release.toml --agent checkpoint:gone");
    told.run("quest play");
    told.run("quest play release.toml");
    insta::assert_snapshot!("play", told);
}

#[test]
fn agents_are_compared() {
    let place = place();
    let mut told = Transcript::at(place.path());
    told.run("quest run release.toml -n 3 --agent random --agent planner");
    told.shape("quest run release.toml -n 3 --agent planner --json");
    told.run("quest run --agent dancer");
    told.run("quest run --family courier --level 9");
    told.run("quest run release.toml --family courier");
    told.run("quest run release.toml --stress wet");
    told.run("quest run --no-solve");
    insta::assert_snapshot!("run", told);
}

#[test]
fn the_simulator_is_measured() {
    let place = place();
    let mut told = Transcript::at(place.path());
    told.shape("quest bench --steps 2000000");
    told.shape("quest bench --steps 2000000 --json");
    told.run("quest bench --steps 10");
    insta::assert_snapshot!("bench", told);
}
