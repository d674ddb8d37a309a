//! What an operator does beside running nights: parameters for one run, manifests for Kubernetes, an older
//! workspace, a training that was ended.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::batch::v1::{CronJob, Job};
use serde_json::{Value, json};

use crate::support::{Ran, Sandbox};

const DAY: &str = "2026-11-03";

const PAIR: &str = r#"
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
"#;

#[test]
fn a_parameter_for_one_run_is_part_of_its_plan_and_of_its_keys() {
    let sandbox = Sandbox::probes(PAIR);
    let run = ["run", "probes", "--date", DAY, "--json"];
    let first = sandbox.run(&run).expect(0).json();
    let other = ["--param", "b.text=other", "--param", "b.rows=3"];
    let planned = sandbox
        .run(&[&["plan", "probes", "--date", DAY, "--json"], &other[..]].concat())
        .expect(0)
        .json();
    assert_eq!(planned["steps"][0]["plan"]["state"], "hit");
    let reason = planned["steps"][1]["plan"]["reason"].as_str().unwrap();
    assert_eq!(reason, "params.rows 0 → 3, params.text \"b\" → \"other\"");
    let second = sandbox.run(&[&run[..], &other[..]].concat()).expect(0).json();
    assert_eq!((&second["steps"]["a"], &second["steps"]["b"]), (&json!("hit"), &json!("done")));
    assert_eq!(second["plan"], planned["plan"], "the plan is that of `plan`");
    assert_ne!(second["plan"], first["plan"]);
    // Without them everything is as it was, and a resumed run keeps what it was given.
    let again = sandbox.run(&run).expect(0).json();
    assert_eq!((&again["plan"], &again["steps"]["b"]), (&first["plan"], &json!("hit")));
    let id = second["run"].as_str().unwrap();
    let retried = sandbox.run(&["retry", id, "--step", "b", "--json"]).expect(0).json();
    assert_eq!(retried["plan"], second["plan"]);
    let filled = ["backfill", "probes", "--from", DAY, "--to", DAY, "--json"];
    let filled = sandbox.run(&[&filled[..], &other[..]].concat()).expect(0).json();
    assert_eq!(filled[0]["plan"], second["plan"]);
}

#[test]
fn a_wrong_parameter_is_refused_with_what_would_be_right() {
    let sandbox = Sandbox::shipped("w");
    let says = |param: &str| {
        sandbox.run(&["plan", "nightly", "--date", DAY, "--param", param]).expect(2).stderr
    };
    let cases = [
        ("finetune", "write STEP.NAME=VALUE"),
        ("finetune=1", "write STEP.NAME=VALUE"),
        ("finetun.rounds=1", "did you mean `finetune`?"),
        ("finetune.round=1", "unknown field `round`"),
        ("finetune.rounds=many", "expected"),
        ("finetune.rounds.deep=1", "lies below a value that is no table"),
        ("finetune.trainer.epochs=-1", "set the parameter `finetune.trainer.epochs` of nightly"),
    ];
    for (param, wanted) in cases {
        let said = says(param);
        assert!(said.contains(wanted), "{param}: {said}");
    }
    let plan = |more: &[&str]| {
        let plan = ["plan", "nightly", "--date", DAY, "--json"];
        sandbox.run(&[&plan[..], more].concat()).expect(0).json()["plan"].clone()
    };
    let same = ["--param", "finetune.trainer.epochs=8"];
    assert_eq!(plan(&[]), plan(&same), "what the file says already changes nothing");
    assert_ne!(plan(&[]), plan(&["--param", "finetune.trainer.epochs=2"]));
}

#[test]
fn a_night_without_enough_data_ends_as_the_scheduler_wants() {
    let sandbox = Sandbox::probes(&PAIR.replace("text = \"b\"", "not_enough = true"));
    let run = ["run", "probes", "--date", DAY];
    sandbox.run(&run).expect(99);
    sandbox.run(&[&run[..], &["--skip-exit", "0"]].concat()).expect(0);
}

/// The container of a job's pod, as JSON.
fn container(job: &Value) -> &Value {
    &job["template"]["spec"]["containers"][0]
}

#[test]
fn a_cron_job_says_what_the_pipeline_says() {
    let sandbox = Sandbox::shipped("w");
    let export = ["export", "kubernetes", "nightly", "--image", "registry.example.com/fqm-pipe:1"];
    let list = sandbox.run(&export).expect(0).json();
    assert_eq!(list["items"][0]["kind"], "PersistentVolumeClaim");
    let cron = &list["items"][1];
    // Types that refuse what is not of them read it back without a loss.
    let typed: CronJob = serde_json::from_value(cron.clone()).unwrap();
    assert_eq!(&serde_json::to_value(typed).unwrap(), cron);
    let spec = &cron["spec"];
    assert_eq!((&spec["schedule"], &spec["timeZone"]), (&json!("30 2 * * *"), &json!("UTC")));
    assert_eq!(spec["concurrencyPolicy"], "Forbid");
    let job = &spec["jobTemplate"]["spec"];
    assert_eq!(container(job)["args"], json!(["run", "nightly", "--skip-exit=0"]));
    assert_eq!(job["podFailurePolicy"]["rules"][0]["action"], "Ignore");

    let one = sandbox.run(&[&export[..], &["--date", DAY, "--namespace", "ml"]].concat());
    let one = one.expect(0).json()["items"][0].clone();
    let typed: Job = serde_json::from_value(one.clone()).unwrap();
    assert_eq!(typed.metadata.namespace.as_deref(), Some("ml"));
    assert_eq!(typed.metadata.name.as_deref(), Some("w-nightly-2026-11-03"));
    assert!(container(&one["spec"])["args"].to_string().contains("--date=2026-11-03"));

    // What the pod asks for follows from the steps, here two of them; what a CronJob cannot say is refused.
    let needs = "needs = { mem = \"3GiB\", cpus = 4, gpu = 1 }\ntimeout = \"2h\"";
    sandbox.edit("pipelines/nightly.toml", &[("timeout = \"2h\"", needs)]);
    let list = sandbox.run(&export).expect(0).json();
    let resources = &container(&list["items"][1]["spec"]["jobTemplate"]["spec"])["resources"];
    assert_eq!(resources["requests"], json!({ "cpu": "8", "memory": "6144Mi" }));
    assert_eq!(resources["limits"], json!({ "memory": "6144Mi", "nvidia.com/gpu": "1" }));
    sandbox.edit("pipelines/nightly.toml", &[("30 2 * * *", "30 2 L * *")]);
    let said = sandbox.run(&export).expect(2).stderr;
    assert!(said.contains("five plain fields"), "{said}");
    let unscheduled = Sandbox::probes(PAIR);
    let export = ["export", "kubernetes", "probes", "--image", "i"];
    let said = unscheduled.run(&export).expect(2).stderr;
    assert!(said.contains("give a --date"), "{said}");
}

#[test]
fn the_shipped_manifest_is_that_of_the_shipped_pipeline() {
    let root = env!("CARGO_MANIFEST_DIR");
    let image = "registry.example.com/fqm-pipe:0.1.0";
    let made = Command::new(crate::support::PIPE)
        .args(["--workspace", root, "export", "kubernetes", "nightly", "--image", image])
        .output()
        .unwrap();
    let shipped = fs::read_to_string(format!("{root}/deploy/kubernetes/nightly.json")).unwrap();
    assert_eq!(Ran::of(made).expect(0).stdout, shipped);
}

#[test]
fn an_engine_is_found_where_the_workspace_says() {
    let sandbox = Sandbox::probes(PAIR);
    let head = "schema = 1\nname = \"w\"\n";
    let airflow = "[engines.airflow]\nprogram = \"/nowhere/airflow\"\ndags = \"dags\"\n";
    sandbox.write("fqm.toml", &format!("{head}{airflow}"));
    let said = sandbox.run(&["run", "probes", "--date", DAY, "--engine", "airflow"]).expect(2);
    assert!(said.stderr.contains("start `/nowhere/airflow`"), "{}", said.stderr);
    let dag = fs::read_to_string(sandbox.path("dags/fqm_w_probes_on_demand.py")).unwrap();
    assert!(dag.contains("schedule=None"), "{dag}");
    sandbox.write("fqm.toml", &format!("{head}[engines.slurm]\nargument = []\n"));
    let said = sandbox.run(&["status"]).expect(2).stderr;
    assert!(said.contains("fqm.toml:4:1") && said.contains("`arguments`"), "{said}");
}

/// Takes out of the state what its second version added.
fn age_the_state(sandbox: &Sandbox) {
    let file = rusqlite::Connection::open(sandbox.path(".fqm/state/state.sqlite")).unwrap();
    file.execute_batch(
        "DROP INDEX results_by_date; DROP INDEX runs_by_date;
         DROP TABLE leases; DROP TABLE gates; DROP TABLE cursors;
         ALTER TABLE plans DROP COLUMN spec; ALTER TABLE runs DROP COLUMN holder;
         ALTER TABLE runs DROP COLUMN heartbeat; ALTER TABLE runs DROP COLUMN cause;
         ALTER TABLE runs DROP COLUMN engine; ALTER TABLE steps DROP COLUMN usage;
         PRAGMA user_version = 1;",
    )
    .unwrap();
}

#[test]
fn an_older_workspace_is_moved_on_and_what_it_was_is_kept() {
    let sandbox = Sandbox::shipped("w");
    sandbox.write("pipelines/probes.toml", PAIR);
    let run = ["run", "probes", "--date", DAY, "--json"];
    let before = sandbox.run(&run).expect(0).json();
    age_the_state(&sandbox);
    let newer = fs::read_to_string(sandbox.path("pipelines/nightly.toml")).unwrap();
    let older = newer.replace("policy.finetune@2", "policy.finetune@1");
    sandbox.write("pipelines/nightly.toml", &older);

    let dry = sandbox.run(&["upgrade", "--dry-run"]).expect(0).stdout;
    assert!(dry.contains("version 1 → 2") && dry.contains("policy.finetune@1 → @2"), "{dry}");
    assert_eq!(fs::read_to_string(sandbox.path("pipelines/nightly.toml")).unwrap(), older);
    assert!(sandbox.run(&["upgrade", "--dry-run"]).expect(0).stdout == dry, "nothing was changed");

    let parts = sandbox.run(&["upgrade", "--json"]).expect(0).json()["parts"].clone();
    let standing = |what: &str| {
        let part = parts.as_array().unwrap().iter().find(|part| part["what"] == what);
        part.unwrap()["standing"].clone()
    };
    assert_eq!((standing("state"), standing("registry")), (json!("upgraded"), json!("current")));
    assert_eq!(standing("pipelines/nightly.toml"), "upgraded");
    assert_eq!(standing("pipelines/probes.toml"), "current");
    assert_eq!(fs::read_to_string(sandbox.path("pipelines/nightly.toml")).unwrap(), newer);
    assert_eq!(fs::read_to_string(sandbox.path("pipelines/nightly.toml.old")).unwrap(), older);
    let copy = rusqlite::Connection::open(sandbox.path(".fqm/state/state.sqlite.v1")).unwrap();
    let runs: i64 = copy.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap();
    assert_eq!(runs, 1, "the copy is whole");

    // The earlier results count, and a second time there is nothing to do.
    let after = sandbox.run(&run).expect(0).json();
    assert_eq!((&after["steps"]["a"], &after["plan"]), (&json!("hit"), &before["plan"]));
    let again = sandbox.run(&["upgrade"]).expect(0).stdout;
    assert!(!again.contains("upgraded"), "{again}");
    // A file of a newer program is for a person to look at; the rest is done all the same.
    sandbox.edit(
        "pipelines/probes.toml",
        &[("id = \"b\"\nuses = \"probe.run@1\"", "id = \"b\"\nuses = \"probe.run@9\"")],
    );
    let stuck = sandbox.run(&["upgrade"]).expect(2).stdout;
    assert!(stuck.contains("stuck") && stuck.contains("probes.toml:10"), "{stuck}");
}

/// A night whose training takes a few seconds.
fn night() -> Sandbox {
    let sandbox = Sandbox::with_day("w", DAY, 120, 3);
    sandbox.edit("pipelines/nightly.toml", &[("max_states = 1500", "max_states = 20000")]);
    sandbox
}

#[test]
fn a_training_that_is_ended_goes_on_after_its_last_pass() {
    let whole = night().night(DAY);
    let sandbox = night();
    let run = ["run", "nightly", "--date", DAY, "--json"];
    let mut command = sandbox.command(&run);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let passes = sandbox.path(".fqm/state/passes");
    let kept = || {
        let folders = fs::read_dir(&passes).into_iter().flatten().flatten();
        folders.map(|folder| folder.path().join("pass.json")).any(|notes| notes.is_file())
    };
    let begun = Instant::now();
    while !kept() {
        assert!(begun.elapsed() < Duration::from_secs(120), "no pass was kept");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = Ran::of(child.wait_with_output().unwrap()).expect(143).json();
    assert_eq!(ended["steps"]["finetune"], "interrupted");
    let rest = sandbox.run(&run).expect(0);
    assert!(rest.stderr.contains("going on after pass"), "{}", rest.stderr);
    assert_eq!(rest.json()["digests"], whole["digests"], "as if nothing had ended it");
    assert!(!kept(), "what is done is not kept");
}

#[test]
fn a_training_that_nobody_took_up_again_is_swept() {
    let sandbox = Sandbox::probes(PAIR);
    sandbox.run(&["run", "probes", "--date", DAY]).expect(0);
    let folder = sandbox.path(".fqm/state/passes/0123456789ab");
    fs::create_dir_all(&folder).unwrap();
    let file = fs::File::create(folder.join("pass.json")).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(200 * 24 * 3600);
    file.set_modified(long_ago).unwrap();
    let swept = sandbox.run(&["gc", "--json"]).expect(0).json();
    assert_eq!(swept["leftovers"], 1, "{swept}");
    assert!(!folder.join("pass.json").exists());
}
