//! The runner as an operator meets it: parts of a pipeline, gates, checks, locks, two runners at once, a run
//! that is ended, taken up again, compared with another.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const CHAIN: &str = r#"
schema = 1
name = "probes"
[[step]]
id = "a"
uses = "probe.run@1"
params = { text = "a", rows = 7 }
[[step]]
id = "b"
uses = "probe.run@1"
in = { first = "a.probe" }
params = { text = "b" }
[[step]]
id = "c"
uses = "probe.run@1"
in = { first = "b.probe" }
params = { text = "c" }
"#;

const RUN: [&str; 5] = ["run", "probes", "--date", "2026-11-03", "--json"];

fn run(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.run(&[&RUN[..], more].concat())
}

fn start(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The latest run, and whether one of its steps has a status.
fn latest(sandbox: &Sandbox) -> Value {
    let runs = sandbox.run(&["status", "--json"]).expect(0).json();
    runs[0].clone()
}

fn has(sandbox: &Sandbox, step: &str, status: &str) -> bool {
    let Some(id) = latest(sandbox)["id"].as_str().map(str::to_owned) else { return false };
    let shown = sandbox.run(&["status", &id, "--json"]).expect(0).json();
    let steps = shown["steps"].as_array().unwrap();
    steps.iter().any(|s| s["step"] == step && s["status"] == status)
}

#[test]
fn a_part_of_a_pipeline_runs_on_the_results_of_the_rest() {
    let sandbox = Sandbox::probes(CHAIN);
    let blocked = run(&sandbox, &["--from", "b"]).expect(1).json();
    assert_eq!(blocked["steps"]["a"], "unselected");
    assert_eq!(blocked["steps"]["b"], "blocked", "a has no result yet");
    let until = run(&sandbox, &["--until", "b"]).expect(0).json();
    assert_eq!(
        (&until["steps"]["b"], &until["steps"]["c"]),
        (&"done".into(), &"unselected".into())
    );
    let from = run(&sandbox, &["--from", "c"]).expect(0).json();
    assert_eq!((&from["steps"]["a"], &from["steps"]["c"]), (&"hit".into(), &"done".into()));
    assert_eq!(until["plan"], from["plan"], "a selection is no part of the plan");
    let wrong = run(&sandbox, &["--from", "bb"]).expect(2);
    assert!(
        wrong.stderr.contains("find the step `bb`") && wrong.stderr.contains("did you mean `b`?"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn checks_block_or_warn() {
    let checked = |level: &str| {
        let check = format!("checks = [{{ expr = \"a.probe.rows > 10\", level = \"{level}\" }}]");
        CHAIN.replace(
            "params = { text = \"a\", rows = 7 }",
            &format!("params = {{ text = \"a\", rows = 7 }}\n{check}"),
        )
    };
    let sandbox = Sandbox::probes(&checked("block"));
    let blocked = run(&sandbox, &[]).expect(1);
    assert!(
        blocked.stderr.contains("the check `a.probe.rows > 10` does not hold: a.probe.rows is 7"),
        "{}",
        blocked.stderr
    );
    assert_eq!(blocked.json()["steps"]["b"], "blocked");
    sandbox.write("pipelines/probes.toml", &checked("warn"));
    let warned = run(&sandbox, &[]).expect(0);
    assert!(warned.stderr.contains("warning  a"), "{}", warned.stderr);
    assert_eq!(warned.json()["steps"]["a"], "hit", "what was computed before the check is kept");
}

#[test]
fn a_gate_waits_for_a_person_and_keeps_the_first_answer() {
    let text =
        CHAIN.replace("id = \"b\"", "id = \"b\"\napprove = { question = \"is it Tuesday?\" }");
    let sandbox = Sandbox::probes(&text);
    let child = start(&sandbox, &RUN);
    until("a is done", || has(&sandbox, "a", "done"));
    let id = latest(&sandbox)["id"].as_str().unwrap().to_owned();
    let wrong = sandbox.run(&["approve", &id, "a", "--reason", "x"]).expect(2);
    assert!(wrong.stderr.contains("it waits for nobody"), "{}", wrong.stderr);
    let said =
        sandbox.run(&["approve", &id[..6], "b", "--reason", "it is", "--by", "ada"]).expect(0);
    assert_eq!(said.stdout, "`b` is approved by ada: it is\n");
    let late =
        sandbox.run(&["approve", &id, "b", "--reject", "--reason", "no", "--by", "bob"]).expect(4);
    assert!(late.stderr.contains("ada has approved it already"), "{}", late.stderr);
    let ended = Ran::of(child.wait_with_output().unwrap()).expect(0);
    assert!(
        ended.stderr.contains("is it Tuesday?") && ended.stderr.contains("approved by ada: it is"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.json()["steps"]["c"], "done");
    // The answer belongs to the plan: the same plan does not ask again.
    assert_eq!(run(&sandbox, &["--force"]).expect(0).json()["steps"]["b"], "done");
}

#[test]
fn nobody_answers_in_time_or_says_no() {
    let text = CHAIN.replace("id = \"b\"", "id = \"b\"\napprove = { timeout = \"300ms\" }");
    let sandbox = Sandbox::probes(&text);
    let skipped = run(&sandbox, &[]).expect(99).json();
    assert_eq!(
        (&skipped["steps"]["b"], &skipped["steps"]["c"]),
        (&"skipped".into(), &"skipped".into())
    );
    let fails = text.replace("\"300ms\"", "\"300ms\", otherwise = \"fail\"");
    sandbox.write("pipelines/probes.toml", &fails);
    run(&sandbox, &[]).expect(124);
}

#[test]
fn a_run_is_ended_and_taken_up_under_its_own_plan() {
    let slow = CHAIN.replace("text = \"b\"", "text = \"b\", millis = 60000");
    let sandbox = Sandbox::probes(&slow);
    let child = start(&sandbox, &RUN);
    until("b runs", || has(&sandbox, "b", "running"));
    let id = latest(&sandbox)["id"].as_str().unwrap().to_owned();
    let began = Instant::now();
    sandbox.run(&["cancel", &id]).expect(0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    Ran::of(child.wait_with_output().unwrap()).expect(143);
    assert_eq!(latest(&sandbox)["status"], "interrupted");
    assert!(has(&sandbox, "b", "interrupted") && has(&sandbox, "a", "done"));
    let again = sandbox.run(&["cancel", &id]).expect(2);
    assert!(again.stderr.contains("it has ended already"), "{}", again.stderr);
    // The file changes; the run that is resumed keeps to what it was planned as.
    sandbox.write(
        "pipelines/probes.toml",
        &slow.replace("60000", "1").replace("text = \"c\"", "text = \"new\""),
    );
    let child = start(&sandbox, &["resume", "--json"]);
    until("b runs again", || has(&sandbox, "b", "running"));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let resumed = Ran::of(child.wait_with_output().unwrap()).expect(130).json();
    assert_eq!(resumed["steps"]["a"], "hit");
    let before = sandbox.run(&["status", &id, "--json"]).expect(0).json();
    assert_eq!(resumed["plan"], before["run"]["plan"]);
    let replanned = sandbox.run(&["resume", "--replan", "--json"]).expect(0).json();
    assert_ne!(replanned["plan"], resumed["plan"]);
    let nothing = sandbox.run(&["resume"]).expect(2);
    assert!(
        nothing.stderr.contains("the latest run of every date ended well"),
        "{}",
        nothing.stderr
    );
}

#[test]
fn a_step_is_tried_again_alone() {
    let sandbox = Sandbox::probes(CHAIN);
    let first = run(&sandbox, &[]).expect(0).json();
    let id = first["run"].as_str().unwrap();
    let retried = sandbox.run(&["retry", id, "--step", "b", "--json"]).expect(0).json();
    assert_eq!(retried["steps"], serde_json::json!({ "a": "hit", "b": "done", "c": "hit" }));
    let wrong = sandbox.run(&["retry", id, "--step", "z"]).expect(2);
    assert!(wrong.stderr.contains("find the step `z` of probes"), "{}", wrong.stderr);
}

#[test]
fn two_runs_are_compared_field_by_field() {
    let sandbox = Sandbox::probes(CHAIN);
    let first = run(&sandbox, &[]).expect(0).json();
    sandbox.write("pipelines/probes.toml", &CHAIN.replace("text = \"b\"", "text = \"other\""));
    let plan = sandbox.run(&["plan", "probes", "--date", "2026-11-03", "--json"]).expect(0).json();
    assert_eq!(
        plan["steps"][1]["plan"],
        serde_json::json!({ "state": "miss", "reason": "params.text \"b\" → \"other\"",
            "changes": [{ "field": "params.text", "before": "\"b\"", "now": "\"other\"" }] })
    );
    let second = run(&sandbox, &[]).expect(0).json();
    let ids = [first["run"].as_str().unwrap(), second["run"].as_str().unwrap()];
    let diff = sandbox.run(&["diff", ids[0], ids[1]]).expect(0).stdout;
    assert!(diff.contains("another plan") && diff.contains("a: done → hit"), "{diff}");
    assert!(diff.contains("because params.text \"b\" → \"other\""), "{diff}");
    assert!(diff.contains("because in.first sha256:"), "{diff}");
    let same = sandbox.run(&["diff", ids[0], ids[0], "--json"]).expect(0).json();
    assert_eq!(same["steps"], serde_json::json!([]));
}

#[test]
fn two_runners_at_once_one_waits_or_ends_with_75_and_none_finds_the_database_locked() {
    for round in 0..8 {
        let sandbox = Sandbox::probes(CHAIN);
        let children: Vec<Child> = (0..4).map(|_| start(&sandbox, &RUN)).collect();
        let ended: Vec<Ran> =
            children.into_iter().map(|child| Ran::of(child.wait_with_output().unwrap())).collect();
        for ran in &ended {
            assert!([0, 75].contains(&ran.code), "round {round}: {} {}", ran.code, ran.stderr);
            assert!(!ran.stderr.contains("database is locked"), "round {round}: {}", ran.stderr);
        }
        assert!(ended.iter().any(|ran| ran.code == 0), "round {round}");
    }
    let waiting =
        CHAIN.replace("[[step]]\nid = \"a\"", "[run]\non_locked = \"wait\"\n[[step]]\nid = \"a\"");
    let sandbox = Sandbox::probes(&waiting.replace("text = \"a\"", "text = \"a\", millis = 300"));
    let children: Vec<Child> = (0..4).map(|_| start(&sandbox, &RUN)).collect();
    for child in children {
        Ran::of(child.wait_with_output().unwrap()).expect(0);
    }
}

#[test]
fn a_run_takes_the_place_of_another_where_the_pipeline_says_so() {
    let text = CHAIN
        .replace("[[step]]\nid = \"a\"", "[run]\non_locked = \"replace\"\n[[step]]\nid = \"a\"");
    let slow = text.replace("text = \"b\"", "text = \"b\", millis = 60000");
    let sandbox = Sandbox::probes(&slow);
    let child = start(&sandbox, &RUN);
    until("b runs", || has(&sandbox, "b", "running"));
    sandbox.write("pipelines/probes.toml", &text);
    let second = run(&sandbox, &[]).expect(0);
    assert!(second.stderr.contains("to take its place"), "{}", second.stderr);
    Ran::of(child.wait_with_output().unwrap()).expect(143);
}

#[test]
fn a_backfill_passes_over_what_is_done_and_runs_side_by_side_what_is_apart() {
    let sandbox = Sandbox::probes(CHAIN);
    let range = ["backfill", "probes", "--from", "2026-11-01", "--to", "2026-11-04"];
    let with = |more: &[&str]| sandbox.run(&[&range[..], more].concat());
    let dry = with(&["--dry-run", "--json"]).expect(0).json();
    assert_eq!(dry.as_array().unwrap().len(), 4);
    assert_eq!(dry[0]["steps"], serde_json::json!({ "hit": 0, "miss": 1, "unknown": 2 }));
    assert!(sandbox.run(&["status", "--json"]).expect(0).json().as_array().unwrap().is_empty());
    run(&sandbox, &[]).expect(0);
    let nights =
        with(&["--max-active", "3", "--reprocess", "none", "--reverse", "--json"]).expect(0).json();
    let dates: Vec<_> =
        nights.as_array().unwrap().iter().map(|n| n["date"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2026-11-04", "2026-11-02", "2026-11-01"]);
    let over = with(&["--reprocess", "failed"]).expect(0);
    assert!(over.stderr.contains("nothing to run"), "{}", over.stderr);
    let wrong = sandbox
        .run(&["backfill", "probes", "--from", "2026-11-04", "--to", "2026-11-01"])
        .expect(2);
    assert!(wrong.stderr.contains("the first is later"), "{}", wrong.stderr);
    let chained = CHAIN
        .replace("params = { text = \"a\", rows = 7 }", "in = { first = \"previous:c.probe\" }");
    sandbox.write("pipelines/probes.toml", &chained);
    let refused = with(&["--max-active", "2"]).expect(2);
    assert!(
        refused.stderr.contains("`a` reads the interval before on `first`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_step_reads_what_the_interval_before_left() {
    let text = CHAIN
        .replace("params = { text = \"a\", rows = 7 }", "in = { first = \"previous:c.probe\" }");
    let sandbox = Sandbox::probes(&text);
    let digest = |date: &str| {
        let arguments = ["run", "probes", "--date", date, "--json"];
        let ran = sandbox.run(&arguments).expect(0).json();
        let shown =
            sandbox.run(&["status", ran["run"].as_str().unwrap(), "--json"]).expect(0).json();
        let steps = shown["steps"].as_array().unwrap().clone();
        let output = |id: &str| {
            let step = steps.iter().find(|step| step["step"] == id).unwrap();
            step["outputs"]["probe"]["digest"].as_str().unwrap().to_owned()
        };
        (output("a"), output("c"))
    };
    let first = digest("2026-11-03");
    let second = digest("2026-11-04");
    assert_ne!(first.0, second.0, "the second day sees the first");
    let lone = digest("2026-11-07");
    assert_eq!(lone.0, first.0, "a day without one before it has nothing to see");
    assert_eq!(digest("2026-11-04"), second);
}

#[test]
fn a_pipeline_of_hours_runs_for_hours() {
    let text =
        CHAIN.replace("name = \"probes\"", "name = \"probes\"\npartition = { by = \"hour\" }");
    let sandbox = Sandbox::probes(&text);
    let ran = sandbox.run(&["run", "probes", "--date", "2026-11-03T23", "--json"]).expect(0).json();
    assert_eq!(ran["date"], "2026-11-03T23");
    let wrong = run(&sandbox, &[]).expect(2);
    assert!(wrong.stderr.contains("write YYYY-MM-DDTHH"), "{}", wrong.stderr);
    let range =
        ["backfill", "probes", "--from", "2026-11-03T22", "--to", "2026-11-04T01", "--json"];
    let nights = sandbox.run(&range).expect(0).json();
    let dates: Vec<_> =
        nights.as_array().unwrap().iter().map(|n| n["date"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2026-11-03T22", "2026-11-03T23", "2026-11-04T00", "2026-11-04T01"]);
    let latest = sandbox.run(&["run", "probes", "--json"]).expect(0).json();
    assert!(latest["date"].as_str().unwrap().contains('T'));
}

#[test]
fn a_step_in_a_process_of_its_own_ends_with_the_run_and_keeps_to_its_memory() {
    let text = CHAIN.replace("id = \"b\"", "id = \"b\"\nisolate = true");
    let sandbox = Sandbox::probes(&text.replace("text = \"b\"", "text = \"b\", millis = 60000"));
    let mut child = start(&sandbox, &RUN);
    let children = |parent: u32| -> Vec<String> {
        let listed = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = listed.filter_map(|entry| entry.file_name().into_string().ok());
        let parent = format!("PPid:\t{parent}\n");
        pids.filter(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.contains(&parent)
        })
        .collect()
    };
    until("the child of b runs", || !children(child.id()).is_empty());
    let step = children(child.id())[0].clone();
    child.kill().unwrap();
    child.wait().unwrap();
    until("the step ends with its parent", || {
        !std::path::Path::new(&format!("/proc/{step}")).exists()
    });
    assert_eq!(latest(&sandbox)["status"], "lost");
    let small = text.replace("isolate = true", "isolate = true\nneeds = { mem = \"1MiB\" }");
    sandbox.write(
        "pipelines/probes.toml",
        &small.replace("text = \"b\"", "text = \"b\", millis = 9000"),
    );
    let ran = run(&sandbox, &[]).expect(1);
    assert!(ran.stderr.contains("`needs.mem` is 1 MiB"), "{}", ran.stderr);
    sandbox.write("pipelines/probes.toml", &small.replace("1MiB", "1GiB"));
    run(&sandbox, &[]).expect(0);
}

#[test]
fn what_happens_is_told_as_json_or_not_at_all() {
    let sandbox = Sandbox::probes(CHAIN);
    let quiet = run(&sandbox, &["--quiet"]).expect(0);
    assert_eq!(quiet.stderr, "");
    let events = run(&sandbox, &["--events"]).expect(0).stderr;
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.first().unwrap()["event"], "run_started");
    assert_eq!(events.last().unwrap()["event"], "run_ended");
}

#[test]
fn the_schedule_says_what_a_change_of_the_clocks_does() {
    let text = CHAIN.replace(
        "name = \"probes\"",
        "name = \"probes\"\nschedule = { cron = \"30 2 * * *\", timezone = \"America/New_York\" }",
    );
    let sandbox = Sandbox::probes(&text);
    let arguments = ["schedule", "next", "-n", "3", "--after", "2026-03-06T12:00:00Z", "--json"];
    let rows = sandbox.run(&arguments).expect(0).json();
    assert_eq!(rows[0]["local"], "Sat 2026-03-07 02:30:00 EST");
    assert_eq!(rows[1]["local"], "Sun 2026-03-08 03:00:00 EDT");
    assert!(rows[1]["note"].as_str().unwrap().contains("the clocks skip the time"), "{rows}");
    assert_eq!(
        (&rows[2]["utc"], &rows[2]["date"]),
        (&"2026-03-09 06:30:00Z".into(), &"2026-03-08".into())
    );
    let table = sandbox.run(&["schedule", "next", "probes", "-n", "1"]).expect(0).stdout;
    assert!(table.starts_with("PIPELINE  LOCAL"), "{table}");
}

#[test]
fn the_doctor_finds_what_is_there_and_cuts_the_power_of_probes() {
    let sandbox = Sandbox::probes(CHAIN);
    std::fs::create_dir_all(sandbox.path("logs")).unwrap();
    let healthy = sandbox.run(&["doctor", "--json", "--crash-test"]).expect(0).json();
    let found = healthy.as_array().unwrap();
    assert!(found.iter().all(|f| f["health"] != "failed"), "{healthy}");
    let cuts = found.last().unwrap()["says"].as_str().unwrap();
    let number: u64 = cuts.split_whitespace().next().unwrap().parse().unwrap();
    assert!(number > 10, "{cuts}");
    sandbox.write("pipelines/probes.toml", &CHAIN.replace("probe.run", "probe.rum"));
    std::fs::remove_dir(sandbox.path("logs")).unwrap();
    let ill = sandbox.run(&["doctor"]).expect(1).stdout;
    assert!(
        ill.contains("FAILED  pipelines") && ill.contains("did you mean `probe.run`?"),
        "{ill}"
    );
    assert!(ill.contains("FAILED  logs"), "{ill}");
}

#[test]
#[ignore = "twenty seeds, some minutes: make test-long"]
fn the_crash_test_passes_at_every_boundary_of_twenty_runs() {
    let sandbox = Sandbox::probes(CHAIN);
    std::fs::create_dir_all(sandbox.path("logs")).unwrap();
    let ran = sandbox.run(&["doctor", "--crash-test", "--seeds", "20"]).expect(0);
    eprintln!("{}", ran.stdout);
}

#[test]
fn shells_and_readers_get_their_papers() {
    let sandbox = Sandbox::probes(CHAIN);
    for shell in ["bash", "zsh", "fish"] {
        let text = sandbox.run(&["completions", shell]).expect(0).stdout;
        assert!(text.contains("backfill") && text.contains("fqm-pipe"), "{shell}");
    }
    let page = sandbox.run(&["man"]).expect(0).stdout;
    assert!(page.contains(".TH fqm-pipe 1"), "{page}");
    let folder = sandbox.path("man");
    sandbox.run(&["man", "--out", folder.to_str().unwrap()]).expect(0);
    let run = std::fs::read_to_string(folder.join("fqm-pipe-run.1")).unwrap();
    assert!(run.contains("\\-\\-until"), "{run}");
    assert!(folder.join("fqm-pipe-registry-promote.1").is_file());
    assert!(!folder.join("fqm-pipe-step.1").exists(), "what people have no need of has no page");
}

#[test]
fn logs_follow_a_run_to_its_end() {
    let sandbox = Sandbox::probes(&CHAIN.replace("text = \"b\"", "text = \"b\", millis = 1500"));
    let child = start(&sandbox, &RUN);
    until("b runs", || has(&sandbox, "b", "running"));
    let followed = sandbox.run(&["logs", "--follow"]).expect(0).stdout;
    assert!(followed.contains("c            done after"), "{followed}");
    assert!(followed.trim_end().ends_with("the run ended: ok, exit code 0"), "{followed}");
    Ran::of(child.wait_with_output().unwrap()).expect(0);
}

/// Makes every file of the store three days old.
fn age(sandbox: &Sandbox) {
    let store = sandbox.path(".fqm/store");
    let aged = Command::new("find")
        .arg(store)
        .args(["-type", "f", "-exec", "touch", "-d", "3 days ago", "{}", "+"])
        .status();
    assert!(aged.unwrap().success());
}

#[test]
fn what_nothing_refers_to_goes_and_what_stays_is_whole() {
    let sandbox = Sandbox::probes(CHAIN);
    let old = run(&sandbox, &[]).expect(0).json();
    sandbox.write("pipelines/probes.toml", &CHAIN.replace("text = \"a\"", "text = \"new\""));
    let new = run(&sandbox, &[]).expect(0).json();
    sandbox.write(".fqm/store/blobs/sha256/0123#77000001", "cut off");
    let blobs = || std::fs::read_dir(sandbox.path(".fqm/store/blobs/sha256")).unwrap().count();
    let before = blobs();
    let young = sandbox.run(&["gc", "--keep", "0d", "--json"]).expect(0).json();
    assert_eq!(
        (young["runs"].as_u64(), young["blobs"].as_u64()),
        (Some(1), Some(0)),
        "a day of grace"
    );
    run(&sandbox, &["--force"]).expect(0);
    age(&sandbox);
    let dry = sandbox.run(&["gc", "--keep", "0d", "--dry-run"]).expect(0).stdout;
    assert!(
        dry.starts_with(
            "would remove 1 run, 0 results, 3 blobs, 0 exchanges of engines, 1 leftover"
        ),
        "{dry}"
    );
    assert_eq!(blobs(), before);
    sandbox.run(&["gc", "--keep", "0d"]).expect(0);
    assert_eq!(blobs(), before - 4);
    let gone = sandbox.run(&["status", old["run"].as_str().unwrap()]).expect(2);
    assert!(gone.stderr.contains("find a run"), "{}", gone.stderr);
    let again = run(&sandbox, &[]).expect(0).json();
    assert!(again["steps"].as_object().unwrap().values().all(|s| s == "hit"), "{again}");
    assert_eq!(again["outputs"], new["outputs"]);
    // What was forgotten is computed anew.
    sandbox.write("pipelines/probes.toml", CHAIN);
    assert_eq!(run(&sandbox, &[]).expect(0).json()["outputs"], old["outputs"]);
}

#[test]
fn what_a_run_will_take_is_estimated_and_held_against_its_budget() {
    let slow = CHAIN
        .replace("text = \"b\"", "text = \"b\", millis = 400")
        .replace("id = \"b\"", "id = \"b\"\nisolate = true");
    let sandbox = Sandbox::probes(&slow);
    let plan = ["plan", "probes", "--date", "2026-11-04", "--resources"];
    let unknown = sandbox.run(&plan).expect(0).stdout;
    assert!(unknown.contains("not known"), "{unknown}");
    run(&sandbox, &[]).expect(0);
    let known = sandbox.run(&[&plan[..], &["--json"]].concat()).expect(0).json();
    let b = &known["steps"][1];
    assert!(
        b["seconds"].as_f64().unwrap() >= 0.4 && b["peak_bytes"].as_u64().unwrap() > 1 << 20,
        "{b}"
    );
    assert!(known["run"]["seconds"].as_f64().unwrap() >= 0.4, "{known}");
    assert!(known["run"]["disk_bytes"].as_u64().unwrap() > 0, "{known}");
    let tight = slow.replace(
        "[[step]]\nid = \"a\"",
        "[run]\nbudget = { time = \"100ms\", cost = 100.0, cpu_hour = 1.0 }\n[[step]]\nid = \"a\"",
    );
    sandbox.write("pipelines/probes.toml", &tight);
    let over = sandbox.run(&plan).expect(4).stdout;
    assert!(
        over.contains("over the budget: time 0.4 s > 0.1 s")
            && !over.contains("over the budget: cost"),
        "{over}"
    );
    let cached =
        sandbox.run(&["plan", "probes", "--date", "2026-11-03", "--resources"]).expect(0).stdout;
    assert!(cached.contains("in all 0.0 s"), "what is there takes nothing: {cached}");
}
