//! `fqm-pipe policy`: what a trained policy would call, and why.

use crate::support::{PIPE, Ran};
use std::process::Command;

#[test]
fn a_policy_says_what_it_would_call_and_what_that_hangs_on() {
    let place = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        Ran::of(Command::new(PIPE).current_dir(place.path()).args(arguments).output().unwrap())
    };
    run(&[
        "train",
        "--until-mastery",
        "--family",
        "courier",
        "--level",
        "1",
        "-o",
        "out",
        "--rounds",
        "2",
    ])
    .expect(0);
    let asked = ["courier/1.1", "--agent", "checkpoint:out"];
    let act = run(&[&["policy", "act"], &asked[..], &["--json"]].concat()).expect(0).json();
    let calls = act["calls"].as_array().unwrap();
    let sum: f64 = calls.iter().map(|c| c["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{act:#}");
    let shares: Vec<f64> = calls.iter().map(|c| c["probability"].as_f64().unwrap()).collect();
    assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
    let best = calls[0]["call"].as_str().unwrap().to_owned();

    let why = run(&[&["policy", "explain"], &asked[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(why["call"], best.as_str());
    let because = why["because"].as_array().unwrap();
    assert!(!because.is_empty());
    let probability = why["probability"].as_f64().unwrap();
    // Where the goal would be out of reach there is no probability.
    let loss = |r: &serde_json::Value| {
        r["without"].as_f64().map_or(f64::INFINITY, |without| (probability - without).abs())
    };
    assert!(loss(&because[0]) > 0.2, "nothing matters: {why:#}");
    assert!(because.iter().map(loss).collect::<Vec<_>>().is_sorted_by(|a, b| a >= b));

    // The next state, reached by the call that was advised.
    let after = [&["policy", "act"], &asked[..], &["--after", &best]].concat();
    let told = run(&after).expect(0);
    assert!(told.stdout.contains("more calls needed"), "{}", told.stdout);
    let wrong = run(&[&["policy", "act"], &asked[..], &["--after", "fly()"]].concat());
    assert!(wrong.stderr.contains("`fly()`"), "{}", wrong.stderr);
    assert_eq!(wrong.code, 2);
    let none = run(&["policy", "act", "courier/1.1", "--agent", "greedy"]).expect(2);
    assert!(none.stderr.contains("no trained policy"), "{}", none.stderr);
}
