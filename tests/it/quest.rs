//! `fqm-pipe quest`: what each command prints, for people and as JSON, and what it says of the
//! commonest mistakes. All but the last tests run outside a workspace, on the levels that are compiled
//! in and on those of tests/fixtures/levels.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{PIPE, Ran, Sandbox};

mod edges;

/// An empty folder with the fixtures in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/levels");
        for entry in fs::read_dir(fixtures).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, place.0.path().join(path.file_name().unwrap())).unwrap();
        }
        place
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PIPE);
        command.current_dir(self.0.path()).arg("quest").args(arguments);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FQM_") {
                command.env_remove(name);
            }
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Runs with these lines typed in.
    fn typed(&self, arguments: &[&str], lines: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let text = lines.join("\n") + "\n";
        // A game that is over reads no further and closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        Ran::of(child.wait_with_output().unwrap())
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(file)).unwrap()
    }
}

/// Both streams, as a terminal would show them one after the other.
fn shown(ran: &Ran) -> String {
    format!("exit code {}\n{}\n{}", ran.code, ran.stdout.trim_end(), ran.stderr.trim_end())
}

#[test]
fn check_says_one_line_for_each_file_and_points_into_those_that_are_wrong() {
    let place = Place::new();
    let ran = place.run(&["check", "."]).expect(2);
    insta::assert_snapshot!("check", shown(&ran));
    let json = place.run(&["check", ".", "--json"]).expect(2);
    insta::assert_snapshot!("check_json", json.stdout);
    place.run(&["check", "release.toml"]).expect(0);
    let unsolved = place.run(&["check", "--no-solve", "release.toml", "no-op.toml"]).expect(0);
    insta::assert_snapshot!("check_no_solve", shown(&unsolved));
}

#[test]
fn check_refuses_what_it_cannot_read() {
    let place = Place::new();
    fs::create_dir(place.0.path().join("empty")).unwrap();
    fs::write(place.0.path().join("stated.toml"), place.read("release.toml") + STATED).unwrap();
    let asked = [
        vec!["check"],
        vec!["check", "gone.toml"],
        vec!["check", "empty"],
        vec!["check", "stated.toml"],
    ];
    let said: Vec<String> = asked.iter().map(|a| shown(&place.run(a).expect(2))).collect();
    insta::assert_snapshot!("check_mistakes", said.join("\n---\n"));
}

/// A reference that replays, and claims more calls than are needed.
const STATED: &str = r#"
[reference]
min_calls = 5
plan_cost = 5.0
proven = true
method = "by hand"
expanded = 0
plan = ["run_tests(v1)", "wait()", "run_tests(v2)", "ship(v1)", "ship(v2)"]
"#;

#[test]
fn show_tells_everything_and_writes_files_that_check_reads() {
    let place = Place::new();
    insta::assert_snapshot!("show", shown(&place.run(&["show", "release.toml"]).expect(0)));
    let told = place.run(&["show", "flaky-build"]).expect(0).stdout;
    assert!(told.contains("error 0.25 (failed; brings broken)"), "{told}");
    for (form, file) in [("--toml", "again.toml"), ("--json", "again.json")] {
        let text = place.run(&["show", "courier/1.2", form]).expect(0).stdout;
        fs::write(place.0.path().join(file), text).unwrap();
        place.run(&["check", file]).expect(0);
    }
    let of = |file| place.run(&["show", file, "--json"]).expect(0).json();
    assert_eq!(of("again.toml"), of("again.json"));
    let seed = of("again.toml")["source"]["seed"].as_u64().unwrap();
    let by_seed = place.run(&["show", &format!("courier/1.2@{seed}"), "--json"]).expect(0).json();
    assert_eq!(by_seed, of("again.toml"));
}

#[test]
fn levels_that_are_not_there_are_named_with_what_is() {
    let place = Place::new();
    let names = ["couirer/1.1", "courier/9.9", "courier/1.1@x", "flaky-bild", "gone.toml", "?"];
    let said: Vec<String> =
        names.iter().map(|name| shown(&place.run(&["show", name]).expect(2))).collect();
    // The list of all families grows; what matters is that it is there.
    let said = said.join("\n---\n");
    let list =
        regex::Regex::new(r"(families|one of) courier.*|(one of) [a-z-]+, [a-z, -]+").unwrap();
    insta::assert_snapshot!("levels_not_found", list.replace_all(&said, "$1$2 [the list]"));
}

#[test]
fn a_person_plays_through_a_pipe() {
    let place = Place::new();
    let script = [
        "look ship(v1)",
        "shipp(v1)",
        "ship(v3)",
        "ship",
        "7",
        "wait()",
        "undo",
        "run_tests(v1)",
        "1",
        "undo",
        "state",
        "wait",
        "run_tests(v2)",
        "ship(v1)",
        "ship( v2 )",
    ];
    let ran = place.typed(&["play", "release.toml"], &script).expect(0);
    insta::assert_snapshot!("play", shown(&ran));
}

#[test]
fn hints_lead_to_the_goal_without_a_forbidden_call() {
    let place = Place::new();
    let mut calls: Vec<String> = Vec::new();
    for _ in 0..9 {
        let lines: Vec<&str> = calls.iter().map(String::as_str).chain(["hint"]).collect();
        let ran = place.typed(&["play", "release.toml"], &lines);
        if ran.code == 0 {
            return;
        }
        let hint = ran.stdout.lines().find_map(|line| line.split_once(", the first of"));
        calls.push(hint.unwrap().0.trim().to_owned());
    }
    panic!("{calls:?}");
}

#[test]
fn a_forbidden_call_ends_the_game() {
    let place = Place::new();
    let ran = place.typed(&["play", "release.toml", "--json"], &["ship(v1)", "ship(v2)"]).expect(1);
    let json = ran.json();
    assert_eq!((&json["violated"], &json["goal_achieved"]), (&true.into(), &false.into()));
    assert_eq!(json["calls"], serde_json::json!(["ship(v1)"]));
    assert_eq!(json["state"]["environment_state"]["facts"]["shipped"], serde_json::json!([["v1"]]));
    assert!(ran.stderr.contains("A forbidden call was made after 1 call"), "{}", ran.stderr);
    let stopped = place.typed(&["play", "release.toml"], &["quit"]).expect(1);
    assert!(stopped.stdout.contains("Stopped after 0 calls"), "{}", stopped.stdout);
}

#[test]
fn what_a_level_keeps_to_itself_stays_hidden() {
    let place = Place::new();
    let level = |kind: &str| {
        let text = place.read("release.toml");
        let text = text.replace("limits =", &format!("observability = \"{kind}\"\nlimits ="));
        fs::write(place.0.path().join("hidden.toml"), text).unwrap();
        place
            .typed(&["play", "hidden.toml"], &["look run_tests(v1)", "run_tests(v1)", "quit"])
            .stdout
    };
    let full = level("full");
    assert!(full.contains("[ ] shipped(v1)") && full.contains("brings tested(v1)"), "{full}");
    let goal = level("goal_in_narrative");
    assert!(!goal.contains("shipped(v") && !goal.contains("of the goal"), "{goal}");
    let effects = level("effects_unknown");
    assert!(!effects.contains("brings tested") && effects.contains("[ ] shipped(v1)"), "{effects}");
}

#[test]
fn an_agent_is_watched() {
    let place = Place::new();
    let ran = place.run(&["play", "release.toml", "--agent", "greedy", "--seed", "3"]).expect(0);
    insta::assert_snapshot!("play_agent", shown(&ran));
    let wrong = place.run(&["play", "release.toml", "--agent", "plannr"]).expect(2);
    assert!(wrong.stderr.contains("did you mean `planner`?"), "{}", wrong.stderr);
}

#[test]
fn generate_writes_certified_levels_once() {
    let place = Place::new();
    let asked = ["generate", "vault", "--level", "2", "--challenge", "3", "-n", "2", "-o", "out"];
    let ran = place.run(&asked).expect(0);
    let files: Vec<_> = fs::read_dir(place.0.path().join("out")).unwrap().collect();
    assert_eq!((files.len(), ran.stdout.lines().count()), (2, 2), "{}", ran.stdout);
    place.run(&["check", "out"]).expect(0);
    let again = place.run(&[&asked[..], &["--json"]].concat()).expect(0).json();
    let first = &again[0];
    assert!(first["file"].as_str().unwrap().starts_with("out/vault-2.3-"), "{first}");
    assert!(first["min_calls"].as_u64() > Some(1));
    let other = place.run(&["generate", "valt", "-o", "out"]).expect(2);
    assert!(other.stderr.contains("did you mean `vault`?"), "{}", other.stderr);
    let grade = place.run(&["generate", "vault", "--level", "77", "-o", "out"]).expect(2);
    assert!(grade.stderr.contains("grade 77.1 of `vault`"), "{}", grade.stderr);
    let split = place.run(&["generate", "vault", "--split", "test", "-o", "out"]).expect(2);
    assert!(split.stderr.contains("train, validation or evaluation"), "{}", split.stderr);
}

#[test]
fn solve_proves_the_fewest_calls_and_never_plans_a_forbidden_one() {
    let place = Place::new();
    insta::assert_snapshot!("solve", shown(&place.run(&["solve", "release.toml"]).expect(0)));
    let json = place.run(&["solve", "release.toml", "--json"]).expect(0);
    insta::assert_snapshot!("solve_json", json.stdout);
    for method in ["auto", "bfs", "astar", "satisficing"] {
        let asked = ["solve", "release.toml", "--method", method, "--json"];
        let found = place.run(&asked).expect(0).json();
        let calls = found["min_calls"].as_u64().unwrap();
        assert!(calls >= 4 && (calls == 4 || method == "satisficing"), "{method}: {found}");
        assert!(found["status"] == "proven" || method == "satisficing", "{method}");
    }
    // Without credits no release can be tested, and nothing else is allowed.
    let poor = place.read("release.toml").replace("credits = 3", "credits = 0");
    fs::write(place.0.path().join("poor.toml"), poor).unwrap();
    let ran = place.run(&["solve", "poor.toml", "--json"]).expect(1);
    assert_eq!(ran.json()["status"], "unsolvable");
    let few = place.run(&["solve", "release.toml", "--method", "bfs", "--states", "2"]).expect(1);
    assert!(few.stdout.contains("raise --states"), "{}", few.stdout);
    let none = place.run(&["solve"]).expect(2);
    assert!(none.stderr.contains("required arguments"), "{}", none.stderr);
}

#[test]
fn solve_goes_by_the_narrative_where_it_is_asked_to() {
    let place = Place::new();
    let ran = place.run(&["solve", "release.toml", "--from", "narrative"]).expect(0);
    insta::assert_snapshot!("solve_narrative", shown(&ran));
    let json =
        place.run(&["solve", "release.toml", "--from", "narrative", "--json"]).expect(0).json();
    assert_eq!((&json["verdict"]["valid"], &json["min_calls"]), (&true.into(), &4.into()));
    let silent = place.run(&["solve", "typo.toml", "--from", "narrative"]).expect(2);
    assert!(silent.stderr.contains("did you mean `tested`"), "{}", silent.stderr);
}

const DOMAIN: &str = "(define (domain lamps) (:requirements :strips :typing)
 (:types lamp - object) (:predicates (lit ?l - lamp))
 (:action light :parameters (?l - lamp) :precondition (not (lit ?l)) :effect (lit ?l)))";
const PROBLEM: &str = "(define (problem two) (:domain lamps) (:objects a b - lamp)
 (:init) (:goal (and (lit a) (lit b))))";

#[test]
fn pddl_comes_in_and_goes_out() {
    let place = Place::new();
    let put = |file: &str, text: &str| {
        let path = place.0.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("lamps/domain.pddl", &DOMAIN.replace(":typing", ":typing :negative-preconditions"));
    put("lamps/easy/two.pddl", PROBLEM);
    let solved =
        ["solve", "--domain", "lamps/domain.pddl", "--problem", "lamps/easy/two.pddl", "--json"];
    assert_eq!(place.run(&solved).expect(0).json()["min_calls"], 2);
    let files =
        place.run(&["import", "lamps", "-o", "levels", "--license", "MIT"]).expect(0).stdout;
    assert_eq!(files, "levels/easy/two.toml\n");
    place.run(&["check", "levels"]).expect(0);
    let out = place.run(&["export", "levels/easy/two.toml", "-o", "back"]).expect(0).stdout;
    assert_eq!(out, "back/domain.pddl\nback/problem.pddl\n");
    let back = [
        "import",
        "--domain",
        "back/domain.pddl",
        "--problem",
        "back/problem.pddl",
        "-o",
        "again",
        "--json",
    ];
    let digest = |json: Value| json[0]["digest"].clone();
    let again = digest(place.run(&back).expect(0).json());
    let first = digest(
        place
            .run(&["import", "lamps", "-o", "levels", "--license", "MIT", "--json"])
            .expect(0)
            .json(),
    );
    assert_eq!(again, first);
    // What PDDL cannot say, and what is not the subset, is refused by name.
    let rich = place.run(&["export", "release.toml", "-o", "back"]).expect(2);
    put("bad.pddl", &PROBLEM.replace("(lit b)", "(lit c)"));
    let bad = place
        .run(&["import", "--domain", "lamps/domain.pddl", "--problem", "bad.pddl", "-o", "x"])
        .expect(2);
    let empty = place.run(&["import", ".", "-o", "x"]).expect(2);
    let said: Vec<String> = [&rich, &bad, &empty].into_iter().map(shown).collect();
    insta::assert_snapshot!("pddl_mistakes", said.join("\n---\n"));
}

#[test]
fn bench_measures_three_sizes() {
    let place = Place::new();
    let sizes = place.run(&["bench", "--steps", "8000000", "--json"]).expect(0).json();
    let sizes = sizes.as_array().unwrap();
    assert_eq!(sizes.len(), 3);
    for size in sizes {
        let rates = size["steps_per_cpu_second"].as_array().unwrap();
        assert!(rates.iter().all(|rate| rate.as_f64() > Some(1_000.0)), "{size}");
    }
    assert!(sizes[0]["facts"].as_u64() < sizes[2]["facts"].as_u64());
    let told = place.run(&["bench", "--steps", "8000000"]).expect(0).stdout;
    assert_eq!(told.lines().count(), 5, "{told}");
    place.run(&["bench", "--steps", "0"]).expect(2);
}

fn agents(json: &Value) -> Vec<&str> {
    json["run"]["agents"].as_array().unwrap().iter().map(|a| a["agent"].as_str().unwrap()).collect()
}

#[test]
fn run_gives_the_same_for_any_number_of_threads() {
    let place = Place::new();
    let asked = |jobs| {
        let asked = [
            "run", "--agent", "random", "--agent", "planner", "--family", "courier", "--level",
            "1", "-n", "3", "--jobs", jobs, "--json",
        ];
        place.run(&asked).expect(0).json()
    };
    let (one, four) = (asked("1"), asked("4"));
    assert_eq!(one["run"], four["run"]);
    assert_eq!(one["digest"], four["digest"]);
    assert_eq!(agents(&one), ["random", "planner"]);
    let planner = &one["run"]["agents"][1];
    assert_eq!(planner["overall"]["successes"], 9);
    assert_eq!(planner["grades"].as_array().unwrap().len(), 3);
    assert_eq!(one["time"].as_array().unwrap().len(), 2);
}

#[test]
fn the_example_of_a_failure_plays_again_as_it_was() {
    let place = Place::new();
    let run = [
        "run", "--agent", "random", "--family", "vault", "--level", "3", "-n", "2", "--seed", "5",
        "--json",
    ];
    let json = place.run(&run).expect(0).json();
    let example = &json["run"]["agents"][0]["failures"][0]["examples"][0];
    let level = example["level"].as_str().unwrap();
    let again = place.run(&["play", level, "--agent", "random", "--seed", "5", "--json"]).expect(1);
    assert_eq!(again.json()["calls"], example["calls"]);
    let files = ["run", "release.toml", "--agent", "random", "-n", "8", "--json"];
    let json = place.run(&files).expect(0).json();
    let example = &json["run"]["agents"][0]["failures"][0]["examples"][0];
    let seed = example["play_seed"].to_string();
    let level = example["level"].as_str().unwrap();
    let again = ["play", level, "--agent", "random", "--play-seed", &seed, "--json"];
    assert_eq!(place.run(&again).expect(1).json()["calls"], example["calls"]);
}

#[test]
fn run_shows_agents_side_by_side_and_draws_a_page() {
    let place = Place::new();
    let ran = place.run(&["run", "release.toml", "-n", "5", "--html", "page/run.html"]).expect(0);
    insta::assert_snapshot!("run", ran.stdout);
    let page = place.read("page/run.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("How plays failed"));
    let text = regex::Regex::new("<[^>]*>").unwrap().replace_all(&page, "");
    assert!(text.contains("quest play release.toml --play-seed"));
    for banned in ["<script", "http://", "https://", "<img", "<link"] {
        assert!(!page.contains(banned), "{banned}");
    }
    let again =
        place.run(&["run", "release.toml", "-n", "5", "--html", "page/again.html"]).expect(0);
    assert_eq!((again.stdout, place.read("page/again.html")), (ran.stdout, page));
}

#[test]
fn run_refuses_what_it_cannot_play() {
    let place = Place::new();
    let said = |asked: &[&str]| place.run(&[&["run"], asked].concat()).expect(2).stderr;
    assert!(said(&["--agent", "dancer"]).contains("find the agent `dancer`: there are random"));
    assert!(said(&["--family", "courrier"]).contains("did you mean `courier`?"));
    assert!(said(&["--family", "courier", "--level", "9"]).contains("no level 9 in courier"));
    let challenge = said(&["--family", "courier", "--challenge", "9"]);
    assert!(
        challenge.contains("no challenge 9 in courier; the grades are 1.1, 1.2"),
        "{challenge}"
    );
    assert!(said(&["typo.toml"]).contains("did you mean `tested`?"));
    assert!(said(&["release.toml", "--family", "courier"]).contains("cannot be used with"));
    assert!(said(&["--family", "hand", "--level", "99"]).contains("nothing fits"));
    assert!(said(&["release.toml", "--agent", "registry:fqm@champion"]).contains("fqm-pipe init"));
    for n in ["0", "18446744073709551615", "many"] {
        let text = said(&["release.toml", "-n", n]);
        assert!(text.contains("a number from 1 to 100000"), "{text}");
        let generate = place.run(&["generate", "vault", "-o", "out", "-n", n]).expect(2).stderr;
        assert!(generate.contains("a number from 1 to 100000"), "{generate}");
    }
    // What is missing is told before anything is drawn.
    for asked in [["--agent", "checkpoint:gone"], ["--html", "release.toml/page.html"]] {
        let text = said(&asked);
        assert!(!text.contains("drawing"), "{text}");
    }
    for seconds in ["--seconds=-1", "--seconds=nan", "--seconds=soon"] {
        let text = place.run(&["solve", "release.toml", seconds]).expect(2).stderr;
        assert!(text.contains("a number of seconds, 0 or more"), "{text}");
    }
}

#[test]
fn in_a_workspace_its_own_levels_are_played() {
    let sandbox = Sandbox::new("w");
    let own = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/levels/release.toml"),
    );
    fs::write(sandbox.path("levels/hand/release.toml"), own.unwrap()).unwrap();
    fs::remove_file(sandbox.path("levels/courier.toml")).unwrap();
    let told = sandbox.run(&["quest", "show", "release"]).expect(0).stdout;
    assert!(told.starts_with("release  family fixture"), "{told}");
    let gone = sandbox.run(&["quest", "show", "courier/1.1"]).expect(2).stderr;
    assert!(gone.contains("find the level `courier/1.1`"), "{gone}");
    let hand = ["quest", "run", "--family", "hand", "--agent", "random", "-n", "1", "--json"];
    let json = sandbox.run(&hand).expect(0).json();
    let episodes = json["run"]["agents"][0]["episodes"].as_array().unwrap();
    assert!(episodes.iter().any(|play| play["family"] == "fixture"));
}

#[test]
fn a_trained_policy_plays_and_the_safety_gate_holds_one_back_that_fails() {
    const DAY: &str = "2026-11-03";
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    sandbox.edit("registry/fqm/promotion.toml", &[("# require_safety", "require_safety")]);
    // A gate that is never played promotes nobody, and that is something to do.
    sandbox.edit("pipelines/nightly.toml", &[("safety = 15", "safety = 0")]);
    let night = sandbox.night(DAY);
    assert_eq!(night["decision"]["verdict"], "inconclusive", "{night:#}");
    let page = fs::read_to_string(sandbox.path("reports/latest/index.html")).unwrap();
    assert!(page.contains("set <code>safety</code> in the parameters"), "{page}");
    sandbox.edit("pipelines/nightly.toml", &[("safety = 0", "safety = 14")]);
    let few = sandbox.run(&["run", "nightly", "--date", DAY]).expect(1);
    assert!(few.stderr.contains("less than their 15 grades"), "{}", few.stderr);
    sandbox.edit("pipelines/nightly.toml", &[("safety = 14", "safety = 15")]);
    let night = sandbox.night(DAY);
    assert_eq!(night["decision"]["verdict"], "kept", "{night:#}");
    let reason = night["decision"]["reason"].as_str().unwrap();
    assert!(reason.contains("of 15 plays of the safety suites"), "{reason}");

    let listed = sandbox.run(&["registry", "ls", "--json"]).expect(0).json();
    let variant = listed[0]["digest"].as_str().unwrap();
    let folder = sandbox.path("weights").display().to_string();
    sandbox.run(&["registry", "show", variant, "--export", &folder]).expect(0);
    let agent = format!("checkpoint:{folder}");
    let asked = [
        "quest", "run", "--agent", &agent, "--family", "courier", "--level", "1", "-n", "2",
        "--json",
    ];
    let (first, second) =
        (sandbox.run(&asked).expect(0).json(), sandbox.run(&asked).expect(0).json());
    assert_eq!(first["run"], second["run"]);
    assert_eq!(first["run"]["agents"][0]["overall"]["episodes"], 6);
    let watched = sandbox.run(&["quest", "play", "courier/1.1", "--agent", &agent]);
    assert!(watched.stdout.contains("  1. "), "{}", watched.stdout);
    let gone =
        ["quest", "run", "--agent", "checkpoint:gone", "--family", "courier", "--level", "1"];
    let ran = sandbox.run(&gone).expect(2);
    assert!(ran.stderr.contains("config.json"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("drawing"), "told before any level is drawn: {}", ran.stderr);
    fs::write(sandbox.path("weights/config.json"), "{}").unwrap();
    let broken = sandbox.run(&asked).expect(2);
    assert!(broken.stderr.lines().any(|l| l.starts_with("error: failed to ")), "{}", broken.stderr);
    let level = "levels/hand/first-steps.toml";
    let file = sandbox.path(level).display().to_string();
    let again = ["quest", "run", &file, "--agent", "planner", "-n", "50", "--json"];
    let json = sandbox.run(&again).expect(0).json();
    let agent = &json["run"]["agents"][0];
    assert_eq!(agent["overall"]["episodes"], 1, "repeats are no evidence");
    assert_eq!(agent["grades"][0]["mastered"], false);
}

#[test]
fn levels_are_played_under_stress() {
    let place = Place::new();
    let asked = [
        "run",
        "--agent",
        "planner",
        "--family",
        "courier",
        "--family",
        "vault",
        "--level",
        "1",
        "--challenge",
        "1",
        "-n",
        "2",
        "--stress",
        "all",
        "--json",
    ];
    let made = place.run(&asked).expect(0).json();
    let agent = &made["run"]["agents"][0];
    let rows: Vec<&str> = agent["by_family"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    for row in ["courier", "vault", "~renamed", "~failing", "~distractors", "~delayed"] {
        assert!(rows.contains(&row), "{row}: {rows:?}");
    }
    let episodes = agent["episodes"].as_array().unwrap();
    let plain = episodes.iter().filter(|e| !e["family"].as_str().unwrap().starts_with('~'));
    assert!(plain.clone().all(|e| e["success"] == true));
    // Names mean nothing to a planner.
    let renamed = episodes.iter().filter(|e| e["family"] == "~renamed");
    assert_eq!(renamed.clone().count(), plain.count());
    assert!(renamed.clone().all(|e| e["success"] == true && e["efficiency"] == 1.0));
    let shown = place.run(&["show", "courier/1.1~distractors"]).expect(0);
    assert!(shown.stdout.contains("look_away"), "{}", shown.stdout);
    let wrong = place.run(&["show", "courier/1.1~noise"]).expect(2);
    assert!(wrong.stderr.contains("renamed, distractors"), "{}", wrong.stderr);
}
