//! The daemon: fires at the next minute, and ends when it is told to.

use std::time::{Duration, Instant};

use crate::support::{Ran, Sandbox};

fn every_minute() -> Sandbox {
    let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
    let sandbox = Sandbox::with_day("w", &yesterday, 60, 3);
    sandbox.edit("pipelines/nightly.toml", &[("cron = \"30 2 * * *\"", "cron = \"* * * * *\"")]);
    sandbox
}

#[test]
#[ignore = "waits for the next minute: make test-long"]
fn the_daemon_fires_at_the_next_minute_and_works_on_yesterday() {
    let sandbox = every_minute();
    let began = Instant::now();
    let ran = Ran::of(sandbox.command(&["daemon", "--nights", "1"]).output().unwrap()).expect(0);
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
    assert!(ran.stderr.contains("nightly: next at "), "{}", ran.stderr);
    let runs = sandbox.run(&["status", "--json"]).expect(0).json();
    let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
    assert_eq!(runs.as_array().unwrap().len(), 1);
    assert_eq!(runs[0]["date"], yesterday.as_str());
    assert_eq!(runs[0]["status"], "ok");
}

#[test]
fn a_waiting_daemon_ends_at_sigterm() {
    let sandbox = Sandbox::new("w");
    let mut command = sandbox.command(&["daemon"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut talk = std::io::BufReader::new(child.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut talk, &mut first).unwrap();
    assert!(first.starts_with("nightly: next at ") && first.contains("02:30:00 UTC"), "{first}");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
}
