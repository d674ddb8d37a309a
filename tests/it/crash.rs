//! Power cuts: a night is aborted at its n-th counted boundary, then run again by the same command; it
//! must end with the digests of a night that nothing disturbed.
//!
//! The default run takes a sample of the boundaries; `make test-long` takes every one of them.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const DAY: &str = "2026-11-03";
const NIGHT: [&str; 5] = ["run", "nightly", "--date", DAY, "--json"];

/// A night as small as a night can be.
fn tiny() -> Sandbox {
    let sandbox = Sandbox::with_day("w", DAY, 40, 3);
    sandbox.edit(
        "pipelines/nightly.toml",
        &[
            ("max_states = 1500", "max_states = 200"),
            ("pairs = 60, grades = [1, 2]", "pairs = 20, grades = [1]"),
            ("min_examples = 50", "min_examples = 10"),
        ],
    );
    sandbox.edit("registry/fqm/promotion.toml", &[("success = 0.01", "success = 0.0")]);
    sandbox
}

fn digests(night: &Value) -> Vec<String> {
    ["dataset", "checkpoint", "evaluation", "decision"]
        .map(|name| night["digests"][name].as_str().unwrap_or_default().to_owned())
        .to_vec()
}

/// Runs an undisturbed night; gives its digests and how many boundaries it passed.
fn undisturbed() -> (Vec<String>, u64) {
    let sandbox = tiny();
    let counter = sandbox.outside().join("boundaries");
    let output = sandbox.command(&NIGHT).env("FQM_CRASH_COUNTER", &counter).output().unwrap();
    let night = Ran::of(output).expect(0).json();
    let passed = std::fs::metadata(&counter).unwrap().len() / 16;
    assert!(passed > 100, "only {passed} boundaries");
    (digests(&night), passed)
}

fn finishes_after_abort_at(n: u64, expected: &[String]) {
    let sandbox = tiny();
    let counter = sandbox.outside().join("boundaries");
    let mut command = sandbox.command(&NIGHT);
    command.env("FQM_CRASH_COUNTER", &counter).env("FQM_CRASH_AT", n.to_string());
    let crashed = Ran::of(command.output().unwrap());
    // A cut in the child is a lost step, which the same run tries again; the parent's own ends it.
    assert!(
        [0, 137].contains(&crashed.code),
        "boundary {n}: exit {}\n{}",
        crashed.code,
        crashed.stderr
    );
    let runs = sandbox.run(&["status", "--json"]).expect(0).json();
    assert!(
        runs.as_array().unwrap().iter().all(|run| run["status"] != "running"),
        "boundary {n}: a run without a process does not run: {runs}"
    );
    let ran = sandbox.run(&NIGHT);
    assert_eq!(ran.code, 0, "boundary {n}: {}", ran.stderr);
    let night = ran.json();
    assert_eq!(digests(&night), expected, "boundary {n}");
    let verified = sandbox.run(&["registry", "verify"]);
    assert_eq!(verified.code, 0, "boundary {n}: {}", verified.stdout);
    let log = sandbox.run(&["registry", "log", "--json"]).expect(0).json();
    let promotions = log.as_array().unwrap().iter().filter(|e| e["action"] == "promote").count();
    assert_eq!(promotions, 1, "boundary {n}: the effect is applied exactly once");
    let rows = episodes(&sandbox);
    assert_eq!(rows, night_rows(), "boundary {n}: rows are neither lost nor doubled");
}

/// Episodes in the report of the night.
fn episodes(sandbox: &Sandbox) -> u64 {
    let report = std::fs::read_to_string(sandbox.path("reports/latest/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    report["ingest"]["rows"]["episodes"].as_u64().unwrap()
}

/// 40 played episodes and the copies that the simulation adds.
fn night_rows() -> u64 {
    let params = fqm_pipe::simulate::SimulateParams::sample(DAY.parse().unwrap(), 1, 3);
    40 + u64::from(params.injections.copied_episodes)
}

fn abort_at(boundaries: impl Iterator<Item = u64> + Send, expected: &[String]) -> usize {
    // Two at a time: a night waits for the disk half of the time.
    let boundaries = std::sync::Mutex::new(boundaries);
    let done = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || loop {
            let next = boundaries.lock().unwrap().next();
            let Some(n) = next else { break };
            finishes_after_abort_at(n, expected);
            done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.into_iter().for_each(|w| w.join().unwrap());
    });
    done.into_inner()
}

#[test]
fn a_night_aborted_at_a_sample_of_its_boundaries_is_finished_by_the_next_run() {
    let (expected, passed) = undisturbed();
    let step = (passed / 12).max(1);
    let tried = abort_at((1..=passed).step_by(usize::try_from(step).unwrap()), &expected);
    eprintln!("{tried} of {passed} boundaries tried");
}

#[test]
#[ignore = "every boundary, about ten minutes: make test-long"]
fn a_night_aborted_at_every_boundary_is_finished_by_the_next_run() {
    let (expected, passed) = undisturbed();
    let tried = abort_at(1..=passed, &expected);
    eprintln!("{tried} of {passed} boundaries tried");
    assert_eq!(tried as u64, passed);
}

#[test]
#[ignore = "twenty nights: make test-long"]
fn a_night_killed_at_random_times_is_finished_by_the_next_run() {
    let (expected, _) = undisturbed();
    for round in 0..20u64 {
        let sandbox = tiny();
        let mut command = sandbox.command(&NIGHT);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let millis = 20 + fqm_pipe::core::derive_seed(round, "kill") % 1500;
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
        let night = sandbox.run(&NIGHT).expect(0).json();
        assert_eq!(digests(&night), expected, "killed after {millis} ms");
    }
}
