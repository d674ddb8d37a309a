//! What `fqm-pipe quest` does with files, folders, names and streams that are not what it is used to.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use super::Place;
use crate::support::Ran;

/// A family as a folder of levels may hold it, among a level.
fn declared(place: &Place, folder: &str) {
    let levels = Path::new(env!("CARGO_MANIFEST_DIR")).join("levels");
    let folder = place.0.path().join(folder);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(levels.join("safety.toml"), folder.join("safety.toml")).unwrap();
    fs::copy(place.0.path().join("release.toml"), folder.join("release.toml")).unwrap();
}

#[test]
fn declarations_are_checked_and_never_taken_for_levels() {
    let place = Place::new();
    declared(&place, "myhand");
    let told = place.run(&["check", "myhand", "--no-solve"]).expect(0).stdout;
    assert!(
        told.contains("myhand/safety.toml") && told.contains("family safety: 15 grades"),
        "{told}"
    );
    let path = place.0.path().join("myhand/safety.toml");
    let broken =
        fs::read_to_string(&path).unwrap().replace("generator = \"guard\"", "generator = \"gard\"");
    fs::write(place.0.path().join("myhand/bad.toml"), broken).unwrap();
    let fault = place.run(&["check", "myhand/bad.toml"]).expect(2);
    assert!(fault.stderr.contains("failed to read myhand/bad.toml:"), "{}", fault.stderr);
    fs::remove_file(place.0.path().join("myhand/bad.toml")).unwrap();

    let run = ["run", "myhand", "--agent", "greedy", "-n", "2", "--json"];
    let ran = place.run(&run).expect(0);
    assert!(ran.stderr.contains("myhand/safety.toml: left out, for it declares"), "{}", ran.stderr);
    assert_eq!(ran.json()["run"]["agents"][0]["overall"]["episodes"], 2);
    for asked in [["run", "myhand/safety.toml"], ["show", "myhand/safety.toml"]] {
        let text = place.run(&asked).expect(2).stderr;
        assert!(text.contains("declares the family `safety`"), "{text}");
    }
}

#[test]
fn a_level_that_is_given_twice_is_played_once() {
    let place = Place::new();
    let asked = [
        "run",
        "release.toml",
        "./release.toml",
        "--agent",
        "random",
        "--agent",
        "greedy",
        "-n",
        "4",
        "--json",
    ];
    let ran = place.run(&asked).expect(0);
    assert!(ran.stderr.contains("the same level as release.toml"), "{}", ran.stderr);
    let json = ran.json();
    assert_eq!(json["run"]["request"]["given"], 1);
    let greedy = &json["run"]["agents"][1];
    assert_eq!(greedy["overall"]["episodes"], 4);
    assert_eq!(greedy["against_first"]["overall"]["pairs"], 4);
    assert_eq!(greedy["against_first"]["unpaired"], 0);
}

#[test]
fn a_workspace_that_is_named_must_be_there() {
    let place = Place::new();
    let of = |folder: &str| {
        let mut command = place.command(&["show", "courier/1.1"]);
        command.args(["--workspace", folder]);
        Ran::of(command.output().unwrap())
    };
    let gone = of("gone").expect(2).stderr;
    assert!(gone.contains("find the workspace gone: there is no such folder"), "{gone}");
    let none = of(".").expect(2).stderr;
    assert!(none.contains("fqm-pipe init"), "{none}");
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let place = Place::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let asked = ["run", "release.toml", "--agent", "greedy", "-n", "1", "--json"];
    let ran = Ran::of(place.command(&asked).stdout(full).output().unwrap()).expect(74);
    assert!(ran.stderr.contains("error: failed to write the output:"), "{}", ran.stderr);
    // A page that cannot be written loses nothing else.
    fs::create_dir(place.0.path().join("run.html")).unwrap();
    place.run(&["run", "release.toml", "--html", "run.html"]).expect(2);
}

#[test]
fn what_is_typed_may_be_anything() {
    let place = Place::new();
    let mut command = place.command(&["play", "release.toml"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"ship\xff(v1)\nlook\nquit\n").unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).expect(1);
    assert!(ran.stdout.contains("there is no call `ship\u{fffd}(v1)`"), "{}", ran.stdout);
    assert!(ran.stdout.contains("name the call to look at"), "{}", ran.stdout);
}

/// A trapdoor behind which forbidden calls are left only, and a move that may lead to where it began.
const TRAPDOOR: &str = r#"
schema = "fq-level/1"
id = "trapdoor"
family = "hand"
level = 1
challenge = 1
source = { kind = "hand" }
init = ["here(a)"]
goal = "here(b)"
limits = { max_calls = 6 }
types = { spot = "object" }
objects = { spot = ["a", "b"] }
predicates = { here = { params = ["?s: spot"] }, fallen = {} }

[functions.go]
params = ["?from: spot", "?to: spot"]
pre = "here(?from) and not fallen"
effects = "here(?to), not here(?from)"
[functions.fall]
pre = "not fallen"
effects = "fallen"
[functions.jump]
forbidden = "fallen"
effects = "here(b)"
max_calls = 3
"#;

#[test]
fn a_trapdoor_is_told_as_such() {
    let place = Place::new();
    fs::write(place.0.path().join("trapdoor.toml"), TRAPDOOR).unwrap();
    let ran =
        place.typed(&["play", "trapdoor.toml"], &["look go(a, a)", "look go(a, b)", "fall()"]);
    let text = ran.expect(1).stdout;
    assert!(text.contains("Only forbidden calls are left after 1 call"), "{text}");
    assert!(
        text.contains("brings here(a)\n") && text.contains("brings here(b), not here(a)\n"),
        "{text}"
    );
}

#[test]
fn examples_of_files_play_again_whatever_their_names() {
    let place = Place::new();
    fs::copy(place.0.path().join("release.toml"), place.0.path().join("v1@2.toml")).unwrap();
    let told = place.run(&["run", "v1@2.toml", "--agent", "random", "-n", "8"]).expect(0).stdout;
    assert!(told.contains("v1@2.toml --play-seed "), "{told}");
    assert!(told.contains("failures of random: forbidden call "), "{told}");
}
