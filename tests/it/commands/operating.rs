//! The commands of whoever operates a workspace.

use std::fs;

use super::{CHAIN, Transcript, ran};
use crate::support::Sandbox;

fn scheduled() -> Sandbox {
    let times = "schedule = { cron = \"30 2 * * *\", timezone = \"America/New_York\" }";
    Sandbox::probes(&CHAIN.replace("name = \"probes\"", &format!("name = \"probes\"\n{times}")))
}

#[test]
fn a_schedule_is_shown() {
    let sandbox = scheduled();
    sandbox.write("pipelines/plain.toml", &CHAIN.replace("probes", "plain"));
    let mut told = Transcript::of(&sandbox);
    let after = "--after 2026-03-06T12:00:00Z";
    told.run(&format!("schedule next -n 3 {after}"));
    told.run(&format!("schedule next probes -n 2 {after} --json"));
    told.run("schedule next plain");
    told.run("schedule next probs");
    told.run("schedule next --after noon");
    fs::remove_file(sandbox.path("pipelines/probes.toml")).unwrap();
    told.run("schedule next");
    told.run("daemon");
    insta::assert_snapshot!("schedule", told);
}

#[test]
fn a_daemon_needs_something_to_fire() {
    let sandbox = scheduled();
    sandbox.write("pipelines/plain.toml", &CHAIN.replace("probes", "plain"));
    let mut told = Transcript::of(&sandbox);
    told.run("daemon --nights 0");
    told.run("daemon plain");
    told.run("daemon probs");
    told.run("daemon --listen here");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let line = format!("daemon --nights 0 --listen 127.0.0.1:{port}");
    let mut refused = ran(&sandbox.root, &line);
    refused.stderr = refused.stderr.replace(&port, "[port]");
    told.note(&line.replace(&port, "[port]"), &refused);
    insta::assert_snapshot!("daemon", told);
}

#[test]
fn what_nothing_refers_to_is_removed() {
    let sandbox = Sandbox::probes(CHAIN);
    ran(&sandbox.root, "backfill probes --from 2026-11-01 --to 2026-11-02").expect(0);
    let mut told = Transcript::of(&sandbox);
    told.run("gc");
    told.run("gc --keep 0d --dry-run");
    told.run("gc --keep 0d --dry-run --json");
    told.run("gc --keep 0d");
    told.run("gc --keep 0d --json");
    told.run("gc --keep never");
    sandbox.write("pipelines/probes.toml", &CHAIN.replace("probe.run", "probe.rum"));
    told.run("gc");
    insta::assert_snapshot!("gc", told);
}

#[test]
fn a_doctor_says_what_is_missing() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    let hidden = [
        // What this machine has is no matter of the program.
        (
            r"(?m)^(?:ok|warning) +((?:disk|device|fqm-torch|clock) +).*$",
            "ok      ${1}[of this machine]",
        ),
        (
            r#"("what": "(?:disk|device|fqm-torch|clock)",\s+"health": )"\w+",\s+"says": ".*""#,
            "${1}[of this machine]",
        ),
    ];
    let mut run = |line: &str| {
        let mut found = ran(&sandbox.root, line);
        for (pattern, instead) in hidden {
            let pattern = regex::Regex::new(pattern).unwrap();
            found.stdout = pattern.replace_all(&found.stdout, instead).into_owned();
        }
        told.note(line, &found);
    };
    run("doctor");
    fs::create_dir(sandbox.path("logs")).unwrap();
    run("doctor --json");
    sandbox.write("pipelines/probes.toml", &CHAIN.replace("probe.run", "probe.rum"));
    run("doctor");
    run("doctor --seeds 2");
    insta::assert_snapshot!("doctor", told);
}

#[test]
fn a_workspace_is_made() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir_all(place.path().join("second/pipelines")).unwrap();
    fs::write(place.path().join("second/pipelines/nightly.toml"), "own").unwrap();
    fs::write(place.path().join("file"), "").unwrap();
    let mut told = Transcript::at(place.path());
    told.run("init");
    told.run("init first");
    told.run("init first");
    told.run("init second --json");
    told.run("init file");
    told.run("init file/below");
    told.run("init third --seed 7");
    let mut sampled = ran(place.path(), "init 'with blanks' --sample");
    let day = regex::Regex::new(r"\d{4}-\d\d-\d\d: \d+").unwrap();
    sampled.stderr = day.replace_all(&sampled.stderr, "[day]: [some]").into_owned();
    told.note("init 'with blanks' --sample", &sampled);
    insta::assert_snapshot!("init", told);
}

#[test]
fn shells_readers_and_editors_get_their_papers() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("file"), "").unwrap();
    let mut told = Transcript::at(place.path());
    for shell in ["bash", "zsh", "fish"] {
        told.head(&format!("completions {shell}"), 3);
    }
    told.run("completions tcsh");
    told.run("completions");
    told.head("man", 12);
    told.run("man --out pages");
    told.run("man --out file");
    told.run("schema");
    for name in ["pipeline", "level", "suite", "quest-run", "pipeline.json"] {
        told.head(&format!("schema {name}"), 6);
    }
    told.run("schema pipelines");
    told.run("schema nonsense");
    insta::assert_snapshot!("papers", told);
}

#[test]
fn a_pipeline_is_exported_to_airflow() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    told.run("export airflow probes --program /opt/fqm-pipe");
    told.run("export airflow prob");
    told.run("export argo probes");
    sandbox.write("pipelines/probes.toml", &CHAIN.replace("id = \"c\"", "id = \"finish\""));
    told.run("export airflow probes");
    insta::assert_snapshot!("export", told);
}

#[test]
fn a_pipeline_is_exported_to_kubernetes() {
    let sandbox = scheduled();
    sandbox.write("pipelines/plain.toml", &CHAIN.replace("probes", "plain"));
    let mut told = Transcript::of(&sandbox);
    let image = "--image registry.example.com/fqm-pipe:1";
    told.run(&format!("export kubernetes probes {image} --date 2026-11-03 --namespace ml"));
    told.head(&format!("export kubernetes probes {image}"), 30);
    told.run("export kubernetes probes");
    told.run(&format!("export kubernetes probs {image}"));
    told.run(&format!("export kubernetes probes {image} --date 2026-11-03T05"));
    told.run(&format!("export kubernetes plain {image}"));
    insta::assert_snapshot!("kubernetes", told);
}

#[test]
fn an_older_workspace_is_moved_on() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    told.run("upgrade");
    let older =
        CHAIN.replace("id = \"c\"\nuses = \"probe.run@1\"", "id = \"c\"\nuses = \"probe.run@0\"");
    sandbox.write("pipelines/probes.toml", &older);
    told.run("run probes --date 2026-11-03");
    told.run("upgrade --dry-run");
    told.run("upgrade --json");
    told.run("upgrade");
    sandbox.write("pipelines/probes.toml", &CHAIN.replace("probe.run@1", "probe.run@2"));
    told.run("upgrade");
    insta::assert_snapshot!("upgrade", told);
}

#[test]
fn an_engine_runs_step_by_step() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    let begun = ran(&sandbox.root, "step begin probes --date 2026-11-03").expect(0);
    let of = begun.stdout.trim().to_owned();
    told.knows(of.rsplit('/').next().unwrap());
    told.note("step begin probes --date 2026-11-03", &begun);
    told.run(&format!("step exec --of {of} --step a"));
    told.run(&format!("step exec --of {of} --step c"));
    told.run(&format!("step exec --of {of} --step z"));
    told.run(&format!("step exec --of {of} --step b"));
    told.run(&format!("step exec --of {of} --step c"));
    told.run(&format!("step finish --of {of}"));
    told.run(&format!("step finish --of {of}"));
    told.run("step exec --of nonsense --step a");
    told.run("step finish --of nonsense");
    told.run("step begin prob");
    told.run("step child");
    insta::assert_snapshot!("step", told);
}
