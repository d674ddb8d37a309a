//! The table of trouble: what goes in, which exit code comes out, what is said, and which steps still
//! run. Nothing of the good input is lost to the bad.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const DAY: &str = "2026-11-03";

/// Runs a night in which only ingest and curate matter: the threshold ends it after curation.
fn until_curation(sandbox: &Sandbox) -> (Ran, Value) {
    let text = fs::read_to_string(sandbox.path("pipelines/nightly.toml")).unwrap();
    if text.contains("min_examples = 50") {
        sandbox.edit("pipelines/nightly.toml", &[("min_examples = 50", "min_examples = 99999")]);
    }
    let ran = sandbox.run(&["run", "nightly", "--date", DAY]);
    let report = fs::read_to_string(sandbox.path("reports/latest/report.json")).unwrap();
    (ran, serde_json::from_str(&report).unwrap())
}

fn good(sandbox: &Sandbox) -> (u64, u64) {
    let (ran, report) = until_curation(sandbox);
    assert_eq!(ran.code, 99, "{}{}", ran.stdout, ran.stderr);
    let rows = &report["ingest"]["rows"];
    (rows["episodes"].as_u64().unwrap(), rows["quarantined"].as_u64().unwrap())
}

fn day(sandbox: &Sandbox, name: &str, bytes: &[u8]) {
    fs::write(sandbox.path("logs").join(DAY).join(name), bytes).unwrap();
}

#[test]
fn bad_objects_are_quarantined_or_named_and_the_rest_lands() {
    let first = Sandbox::with_day("w", DAY, 30, 3);
    let (episodes, quarantined) = good(&first);
    assert!(episodes >= 30 && quarantined > 0);

    let gz = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let line = |n: u32| {
        format!(
            "{{\"type\":\"feedback\",\"schema\":\"fqm-log/1\",\"feedback_id\":\"x{n}\",\"episode_id\":\"none\",\"time\":\"2026-11-03T01:00:00Z\",\"kind\":\"human\",\"name\":\"n\",\"score\":0.5}}\n"
        )
    };
    let lines: String = (0..400).map(line).collect();
    let whole = gz(lines.as_bytes());
    let huge = format!("{{\"type\":\"feedback\",\"explanation\":\"{}\"}}\n", "x".repeat(50 << 20));
    let array = format!("[{}]", (400..403).map(line).collect::<Vec<_>>().join(","));
    // Name, bytes, the rule of the quarantine, or none where the object is left alone or lands.
    let cases: Vec<(&str, Vec<u8>, Option<&str>, u64)> = vec![
        ("garbage.bin", vec![0x89, b'P', b'N', b'G', 1, 2, 3, 0, 255], None, 0),
        ("truncated.jsonl.gz", whole[..whole.len() / 2].to_vec(), Some("truncated"), 1),
        (
            "latin.jsonl",
            [line(500).as_bytes(), b"{\"type\":\"feedback\",\"name\":\"caf\xe9\"}\n"].concat(),
            Some("invalid_utf8"),
            1,
        ),
        ("long.jsonl", [line(501).as_bytes(), huge.as_bytes()].concat(), Some("oversize"), 1),
        ("array.json", array.into_bytes(), None, 0),
    ];
    for (name, bytes, rule, rejects) in cases {
        let sandbox = Sandbox::with_day("w", DAY, 30, 3);
        day(&sandbox, name, &bytes);
        let (ran, report) = until_curation(&sandbox);
        assert_eq!(ran.code, 99, "{name}: {}", ran.stderr);
        let ingest = &report["ingest"];
        assert_eq!(ingest["rows"]["episodes"].as_u64(), Some(episodes), "{name}");
        assert_eq!(ingest["rows"]["quarantined"].as_u64(), Some(quarantined + rejects), "{name}");
        if let Some(rule) = rule {
            assert!(ingest["quarantine"][rule].as_u64() >= Some(1), "{name}: {ingest:#}");
        }
        let named = ingest["not_logs"].to_string().contains(name);
        assert_eq!(named, name == "garbage.bin", "{name}: {}", ingest["not_logs"]);
        let curate = report["steps"][1].clone();
        assert_eq!(curate["status"], "done", "{name}: curation still runs");
    }
}

#[test]
fn a_level_with_an_unreachable_goal_stops_what_needs_levels() {
    let sandbox = Sandbox::with_day("w", DAY, 30, 3);
    let level = fs::read_to_string(sandbox.path("levels/hand/first-steps.toml")).unwrap();
    let broken = level.replacen("goal = \"", "goal = \"impossible and ", 1);
    let broken = broken.replace(
        "[predicates",
        "[predicates.impossible]\ndescription = \"never true\"\n\n[predicates",
    );
    fs::write(sandbox.path("levels/hand/broken.toml"), broken).unwrap();
    let ran = sandbox.run(&["run", "nightly", "--date", DAY, "--json"]).expect(1);
    let json = ran.json();
    assert_eq!(json["steps"]["ingest"], "done");
    assert_eq!(json["steps"]["curate"], "failed");
    assert_eq!(json["steps"]["promote"], "blocked");
    assert!(ran.stderr.contains("levels/hand/broken.toml"), "{}", ran.stderr);
}

#[test]
fn a_pipeline_with_a_cycle_or_a_typo_runs_nothing() {
    let sandbox = Sandbox::with_day("w", DAY, 30, 3);
    sandbox.edit(
        "pipelines/nightly.toml",
        &[("snapshot = \"ingest.snapshot\"", "snapshot = \"curate.dataset\"")],
    );
    let ran = sandbox.run(&["run", "nightly", "--date", DAY]).expect(2);
    assert!(
        ran.stderr.contains("pipelines/nightly.toml:")
            && ran.stderr.contains("expected a snapshot"),
        "{}",
        ran.stderr
    );
    let sandbox = Sandbox::with_day("w", DAY, 30, 3);
    sandbox.edit(
        "pipelines/nightly.toml",
        &[(
            "in = { snapshot = \"ingest.snapshot\",",
            "needs = { after = [\"promote\"] }\nin = { snapshot = \"ingest.snapshot\",",
        )],
    );
    let ran = sandbox.run(&["run", "nightly", "--date", DAY]).expect(2);
    assert!(ran.stderr.contains("cycle") && ran.stderr.contains("→"), "{}", ran.stderr);
    assert!(!sandbox.path(".fqm/store").exists(), "nothing ran");
    let ran = sandbox.run(&["run", "nigthly"]).expect(2);
    assert!(ran.stderr.contains("did you mean `nightly`"), "{}", ran.stderr);
}

#[test]
fn places_that_cannot_be_used_are_named_with_the_fix() {
    let night = ["run", "nightly", "--date", DAY];
    // No folder of logs.
    let sandbox = Sandbox::new("w");
    fs::remove_dir_all(sandbox.path("logs")).unwrap();
    let ran = sandbox.run(&night).expect(1);
    assert!(ran.stderr.contains("logs") && ran.stderr.contains("FQM_LOGS"), "{}", ran.stderr);
    // A bucket that is not there: the endpoint does not answer.
    let mut command = sandbox.command(&night);
    command
        .env("FQM_LOGS", "s3://no-such-bucket/logs")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("AWS_REGION", "us-east-1");
    let ran = Ran::of(command.output().unwrap()).expect(1);
    assert!(ran.stderr.contains("s3://no-such-bucket/logs"), "{}", ran.stderr);
    // No workspace at all.
    let ran = Ran::of(
        std::process::Command::new(crate::support::PIPE)
            .current_dir(sandbox.outside())
            .args(["run", "nightly"])
            .output()
            .unwrap(),
    )
    .expect(2);
    assert!(ran.stderr.contains("fqm-pipe init"), "{}", ran.stderr);
}

#[test]
fn a_read_only_workspace_is_refused_before_anything_runs() {
    let sandbox = Sandbox::with_day("w", DAY, 30, 3);
    // Root may write anywhere, so the state is a file where a folder must be.
    fs::write(sandbox.path(".fqm"), b"").unwrap();
    let ran = sandbox.run(&["run", "nightly", "--date", DAY]).expect(2);
    assert!(ran.stderr.contains("open the state") && ran.stderr.contains(".fqm"), "{}", ran.stderr);
}

#[test]
fn a_full_disk_fails_the_step_with_the_fix_and_loses_nothing() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    let Some(_disk) = SmallDisk::mount(&sandbox.path(".fqm/store")) else { return };
    let ran = sandbox.run(&["run", "nightly", "--date", DAY, "--json"]).expect(1);
    let said = &ran.stderr;
    assert!(said.contains("disk is full") || said.contains("No space left"), "{said}");
    let json = ran.json();
    assert!(json["steps"].as_object().unwrap().values().any(|s| s == "failed"), "{json:#}");
    drop(_disk);
    sandbox.run(&["run", "nightly", "--date", DAY]).expect(0);
}

/// A file system of 64 KiB in memory over a folder; needs the right to mount.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=64k", "fqm-test"]).arg(folder);
        if command.output().is_ok_and(|o| o.status.success()) {
            return Some(Self(folder.to_owned()));
        }
        eprintln!("skipped: a small disk cannot be mounted here");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn senseless_arguments_are_refused_at_the_door() {
    let sandbox = Sandbox::new("w");
    let none = sandbox.run(&["run", "nightly", "-j", "0"]).expect(2);
    assert!(none.stderr.contains("invalid value '0'"), "{}", none.stderr);
    let mute = ["registry", "rollback", "registry:fqm@champion", "--reason", " "];
    let mute = sandbox.run(&mute).expect(2);
    assert!(mute.stderr.contains("say why"), "{}", mute.stderr);
}
