//! `fqm-pipe train`: grade after grade until it is mastered, the same whatever is killed, and what it
//! says of the commonest mistakes. It runs outside a workspace, on the levels that are compiled in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{PIPE, Ran};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PIPE);
        command.current_dir(self.0.path()).args(arguments);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("FQM_") && name != "FQM_TORCH" {
                command.env_remove(name);
            }
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }
}

/// Courier's first level: three challenges.
fn courier(output: &str) -> Vec<&str> {
    vec!["train", "--until-mastery", "--family", "courier", "--level", "1", "-o", output, "--json"]
}

fn model(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("model.safetensors")).unwrap()
}

#[test]
fn courier_is_mastered_and_the_checkpoint_plays() {
    let place = Place::new();
    let ran = place.run(&courier("out")).expect(0);
    let state = ran.json();
    assert_eq!(state["stopped"], "ready", "{state:#}");
    let record = state["curriculum"]["record"].as_array().unwrap();
    let mastered = record.iter().filter(|a| a["step"] == "mastered");
    assert!(mastered.clone().count() >= 3, "{record:#?}");
    for advance in mastered {
        let mastery = &advance["mastery"];
        assert!(mastery["score"]["success"]["estimate"].as_f64() >= Some(0.95), "{mastery}");
        assert!(mastery["score"]["efficiency"].as_f64() >= Some(0.8), "{mastery}");
        assert!(mastery["streak"].as_u64() >= Some(10), "{mastery}");
    }
    assert!(ran.stderr.contains("grades mastered"), "{}", ran.stderr);
    // What is finished stays finished.
    let again = place.run(&courier("out")).expect(0).json();
    assert_eq!(again, state);
    let played = place.run(&[
        "quest",
        "run",
        "--agent",
        "checkpoint:out",
        "--family",
        "courier",
        "--level",
        "1",
        "-n",
        "12",
        "--json",
    ]);
    let overall = &played.expect(0).json()["run"]["agents"][0]["overall"];
    assert!(overall["success"]["estimate"].as_f64() > Some(0.85), "{overall}");
}

#[test]
fn a_training_that_is_killed_ends_with_the_same_weights() {
    let place = Place::new();
    // No grade can be mastered in so few plays, so all rounds are made.
    let asked = |output: &'static str| {
        let mut asked = courier(output);
        asked.extend(["--plays", "4", "--levels", "4", "--rounds", "4"]);
        asked
    };
    let whole = place.run(&asked("whole")).expect(0).json();
    assert_eq!(whole["stopped"], "rounds");
    let mut child =
        place.command(&asked("cut")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let state = place.path("cut/train.json");
    let begun = Instant::now();
    while !state.is_file() && begun.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(&state).unwrap();
    let cut: Value = serde_json::from_str(&text).unwrap();
    let done = cut["rounds"].as_array().unwrap().len();
    let rest = place.run(&asked("cut")).expect(0);
    if done < 4 {
        assert!(rest.stderr.contains("goes on after round"), "{}", rest.stderr);
    }
    assert_eq!(rest.json(), whole);
    assert_eq!(model(&place.path("cut")), model(&place.path("whole")));
}

#[test]
fn levels_from_files_are_learned() {
    let place = Place::new();
    place
        .run(&[
            "quest",
            "generate",
            "vault",
            "--level",
            "1",
            "--challenge",
            "1",
            "-n",
            "8",
            "-o",
            "levels",
        ])
        .expect(0);
    let ran = place.run(&["train", "levels", "-o", "out"]).expect(0);
    assert!(ran.stdout.contains("of 8 of these levels are now won"), "{}", ran.stdout);
    assert!(place.path("out/config.json").is_file());
}

#[test]
fn mistakes_are_said_before_anything_is_lost() {
    let place = Place::new();
    let wrong = |arguments: &[&str], said: &str| {
        let ran = place.run(arguments).expect(2);
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    };
    wrong(&["train", "-o", "out"], "--until-mastery");
    wrong(&["train", "--until-mastery", "--family", "couriers", "-o", "out"], "`couriers`");
    wrong(&["train", "--until-mastery", "-o", "out", "--base", "random"], "it has none");
    wrong(&["train", "--until-mastery", "-o", "out", "--base", "checkpoint:gone"], "config.json");
    wrong(&["train", "--until-mastery", "-o", "out", "--replay", "2"], "0 to 1");
    wrong(&["train", "--until-mastery", "-o", "out", "--minutes=-1"], "positive");
    let mut short = courier("out");
    short.extend(["--rounds", "1", "--plays", "2", "--levels", "2"]);
    place.run(&short).expect(0);
    let mut other = short.clone();
    other.extend(["--seed", "2"]);
    let ran = place.run(&other).expect(2);
    assert!(ran.stderr.contains("name another folder"), "{}", ran.stderr);
    std::fs::write(place.path("out/rounds/1/model.safetensors"), b"broken").unwrap();
    let ran = place.run(&short).expect(2);
    assert!(
        ran.stderr.contains("model.safetensors") || ran.stderr.contains("weights"),
        "{}",
        ran.stderr
    );
}
