//! One suite for every engine: the same pipeline files, the same plan and output digests, the same exit
//! codes, whoever starts the steps. Slurm and Airflow are real; where they are not installed the tests say
//! so and skip.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::lineage::well_told;
use crate::listener::Listener;
use crate::s3;
use crate::support::{Ran, Sandbox};

/// A pipeline of probes: a diamond with a branch that is not taken, one step in a process of its own, one
/// that fails twice before it succeeds.
const DIAMOND: &str = r#"
schema = 1
name = "probes"
[defaults]
retry = { max = 3, delay = "10ms", on = ["transient", "lost"] }
[[step]]
id = "top"
uses = "probe.run@1"
params = { text = "top", rows = 5 }
[[step]]
id = "left"
uses = "probe.run@1"
in = { first = "top.probe" }
params = { text = "left", fail = "transient", failures = 2 }
[[step]]
id = "right"
uses = "probe.run@1"
in = { first = "top.probe" }
params = { text = "right" }
isolate = true
checks = [{ expr = "right.probe.rows == 0" }, { expr = "right.probe.rows > 3", level = "warn" }]
[[step]]
id = "bottom"
uses = "probe.run@1"
in = { first = "left.probe", second = "right.probe" }
[[step]]
id = "rare"
uses = "probe.run@1"
in = { first = "top.probe" }
when = { expr = "top.probe.rows > 100" }
"#;

/// Something that starts steps, and what a command needs in its environment to use it.
struct Bed {
    engine: &'static str,
    environment: Vec<(String, String)>,
    /// How it is ended.
    stop: Option<(PathBuf, PathBuf)>,
    _folder: tempfile::TempDir,
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some((script, folder)) = &self.stop {
            let _ = Command::new(script).arg("stop").arg(folder).status();
        }
    }
}

impl Bed {
    fn local() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { engine: "local", environment: Vec::new(), stop: None, _folder: folder }
    }

    /// Starts an engine by its script, which prints what a client needs as `NAME=value` lines.
    fn start(engine: &'static str, installed: bool) -> Option<Self> {
        if !installed {
            eprintln!("skipped: {engine} is not installed; scripts/{engine}.sh install");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scripts/{engine}.sh"));
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("e");
        let started = Command::new(&script).arg("start").arg(&place).output().unwrap();
        let stop = Some((script, place));
        let mut bed = Self { engine, environment: Vec::new(), stop, _folder: folder };
        let said = Ran::of(started).expect(0).stdout;
        let words = said.lines().filter_map(|line| line.split_once('='));
        bed.environment = words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(bed)
    }

    fn slurm() -> Option<Self> {
        let found = Command::new("sbatch").arg("--version").output().is_ok();
        Self::start("slurm", found)
    }

    fn airflow() -> Option<Self> {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/airflow");
        let mut bed = Self::start("airflow", place.join("version").is_file())?;
        let program = place.join("bin/airflow").display().to_string();
        bed.environment.push(("FQM_AIRFLOW_BIN".to_owned(), program));
        Some(bed)
    }

    fn command(&self, sandbox: &Sandbox, arguments: &[&str]) -> Command {
        let mut command = sandbox.command(arguments);
        command.envs(self.environment.iter().cloned()).env("FQM_ENGINE", self.engine);
        command
    }

    fn run(&self, sandbox: &Sandbox, pipeline: &str) -> Ran {
        let arguments = ["run", pipeline, "--date", "2026-11-03", "--json"];
        Ran::of(self.command(sandbox, &arguments).output().unwrap())
    }
}

/// The statuses and outputs of the latest run, by step.
fn steps(sandbox: &Sandbox, run: &Value) -> Vec<(String, String, String)> {
    let id = run["run"].as_str().unwrap();
    let shown = sandbox.run(&["status", id, "--json"]).expect(0).json();
    let steps = shown["steps"].as_array().unwrap().iter();
    let mut steps: Vec<_> = steps
        .map(|step| {
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let output = &step["outputs"]["probe"]["digest"];
            (word(&step["step"]), word(&step["status"]), word(output))
        })
        .collect();
    steps.sort();
    steps
}

/// What every engine must do. Gives the plan and the outputs of the diamond.
fn conforms(bed: &Bed) -> (String, Vec<(String, String, String)>) {
    let sandbox = Sandbox::probes(DIAMOND);
    let first = bed.run(&sandbox, "probes").expect(0).json();
    let found = steps(&sandbox, &first);
    let statuses: Vec<_> =
        found.iter().map(|(id, status, _)| (id.as_str(), status.as_str())).collect();
    assert_eq!(
        statuses,
        [
            ("bottom", "done"),
            ("left", "done"),
            ("rare", "skipped"),
            ("right", "done"),
            ("top", "done")
        ],
        "{}: {first}",
        bed.engine
    );
    let again = bed.run(&sandbox, "probes").expect(0).json();
    assert_eq!(again["plan"], first["plan"]);
    let hits = steps(&sandbox, &again);
    assert!(
        hits.iter().all(|(_, status, _)| matches!(status.as_str(), "hit" | "skipped")),
        "{hits:?}"
    );

    // A step that fails blocks those behind it, and nothing else.
    let broken =
        DIAMOND.replace("failures = 2", "failures = 0").replace("\"transient\", f", "\"input\", f");
    let broken = broken.replace("name = \"probes\"", "name = \"broken\"");
    sandbox.write("pipelines/broken.toml", &broken);
    let failed = bed.run(&sandbox, "broken").expect(1).json();
    let found = steps(&sandbox, &failed);
    let status = |id: &str| found.iter().find(|(step, ..)| step == id).unwrap().1.clone();
    assert_eq!((status("left").as_str(), status("bottom").as_str()), ("failed", "blocked"));
    assert!(matches!(status("right").as_str(), "done" | "hit"), "{found:?}");

    // Too little data is an outcome of its own.
    let short = DIAMOND.replace("name = \"probes\"", "name = \"short\"");
    let short = short.replace("text = \"top\"", "text = \"short\", not_enough = true");
    sandbox.write("pipelines/short.toml", &short);
    let ended = bed.run(&sandbox, "short").expect(99).json();
    let found = steps(&sandbox, &ended);
    assert_eq!(found.iter().filter(|(_, status, _)| status == "skipped").count(), 4, "{found:?}");

    // A worker that dies is started again.
    let lost = DIAMOND.replace("name = \"probes\"", "name = \"lost\"");
    let lost = lost.replace("\"transient\", failures = 2", "\"lost\", failures = 1");
    let lost = lost.replace("text = \"left\"", "text = \"lost\"");
    let lost = lost.replace("id = \"left\"", "id = \"left\"\nisolate = true");
    sandbox.write("pipelines/lost.toml", &lost);
    let ended = bed.run(&sandbox, "lost").expect(0).json();
    assert!(
        steps(&sandbox, &ended).iter().any(|(id, s, _)| id == "left" && s == "done"),
        "{ended}"
    );

    // A step that takes too long.
    let slow = DIAMOND.replace("name = \"probes\"", "name = \"slow\"");
    let slow = slow.replace("text = \"right\"", "text = \"slow\", millis = 60000");
    let slow =
        slow.replace("isolate = true", "isolate = true\ntimeout = \"1s\"\nretry = { max = 0 }");
    sandbox.write("pipelines/slow.toml", &slow);
    bed.run(&sandbox, "slow").expect(124);
    (first["plan"].as_str().unwrap().to_owned(), steps(&sandbox, &first))
}

#[test]
fn the_local_engine_conforms() {
    conforms(&Bed::local());
}

#[test]
fn slurm_conforms_with_the_digests_of_a_local_run() {
    let Some(slurm) = Bed::slurm() else { return };
    assert_eq!(conforms(&slurm), conforms(&Bed::local()));
}

#[test]
fn airflow_conforms_with_the_digests_of_a_local_run() {
    let Some(airflow) = Bed::airflow() else { return };
    assert_eq!(conforms(&airflow), conforms(&Bed::local()));
}

/// Waits until something holds.
fn until(what: &str, seconds: u64, holds: impl Fn() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(seconds);
    while !holds() {
        assert!(std::time::Instant::now() < end, "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

const SLOW: &str = r#"
schema = 1
name = "probes"
[[step]]
id = "a"
uses = "probe.run@1"
params = { text = "a", millis = 4000 }
retry = { max = 3 }
[[step]]
id = "b"
uses = "probe.run@1"
in = { first = "a.probe" }
params = { text = "b" }
"#;

/// Process ids of the workers of a step.
fn workers(step: &str, sandbox: &Sandbox) -> Vec<i32> {
    let root = sandbox.root.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    let works = |pid: &i32| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split('\0').collect();
        words.contains(&"exec") && words.contains(&step) && words.contains(&root.as_str())
    };
    pids.filter(works).collect()
}

fn signal(pid: i32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}

fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}

#[test]
fn a_killed_driver_is_replaced_by_resume_and_slurm_goes_on_meanwhile() {
    let Some(slurm) = Bed::slurm() else { return };
    let sandbox = Sandbox::probes(SLOW);
    let lineage = "schema = 1\nname = \"w\"\n[lineage]\nfile = \"lineage.jsonl\"\n";
    sandbox.write("fqm.toml", lineage);
    let arguments = ["run", "probes", "--date", "2026-11-03", "--json"];
    let mut driver = slurm.command(&sandbox, &arguments).spawn().unwrap();
    until("a worker starts", 30, || !workers("a", &sandbox).is_empty());
    driver.kill().unwrap();
    driver.wait().unwrap();
    let ended = Ran::of(slurm.command(&sandbox, &["resume", "--json"]).output().unwrap()).expect(0);
    let found = steps(&sandbox, &ended.json());
    assert!(found.iter().all(|(_, status, _)| status == "done"), "{found:?}");
    let runs = sandbox.run(&["status", "--json"]).expect(0).json();
    assert_eq!(runs.as_array().unwrap().len(), 1, "the same run is taken up: {runs}");
    let lineage = std::fs::read_to_string(sandbox.path("lineage.jsonl")).unwrap();
    let events: Vec<Value> = lineage.lines().map(|e| serde_json::from_str(e).unwrap()).collect();
    well_told(&events).unwrap();
    assert_eq!(events.len(), 6, "both drivers together tell of the run and two steps: {lineage}");
    let time = |event: &Value| -> chrono::DateTime<chrono::Utc> {
        event["eventTime"].as_str().unwrap().parse().unwrap()
    };
    let a = events.iter().filter(|event| event["job"]["name"] == "probes.a").collect::<Vec<_>>();
    assert!(time(a[1]) - time(a[0]) >= chrono::TimeDelta::seconds(4), "{lineage}");
}

#[test]
fn a_killed_worker_and_a_killed_controller_lose_nothing() {
    let Some(slurm) = Bed::slurm() else { return };
    let sandbox = Sandbox::probes(SLOW);
    let arguments = ["run", "probes", "--date", "2026-11-03", "--json"];
    let mut command = slurm.command(&sandbox, &arguments);
    let driver = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    until("a worker starts", 30, || !workers("a", &sandbox).is_empty());
    workers("a", &sandbox).into_iter().for_each(kill);
    until("another worker starts", 60, || !workers("a", &sandbox).is_empty());
    let (script, folder) = slurm.stop.as_ref().unwrap();
    let pid = std::fs::read_to_string(folder.join("slurmctld.pid")).unwrap();
    kill(pid.trim().parse().unwrap());
    std::thread::sleep(Duration::from_secs(1));
    let started = Command::new(script).arg("start").arg(folder).output().unwrap();
    Ran::of(started).expect(0);
    let ended = Ran::of(driver.wait_with_output().unwrap()).expect(0).json();
    let found = steps(&sandbox, &ended);
    assert!(found.iter().all(|(_, status, _)| status == "done"), "{found:?}");
}

fn parent(pid: i32) -> Option<i32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// Kills the process of Slurm that supervises a worker, which goes on as an orphan. A worker that is stopped
/// before it is one would be ended by the kernel, so that this waits.
fn orphan(worker: i32) {
    let supervisor = parent(worker).unwrap();
    let line = std::fs::read_to_string(format!("/proc/{supervisor}/cmdline")).unwrap();
    assert!(line.starts_with("slurmstepd: "), "{line}");
    kill(supervisor);
    until("the worker is an orphan", 10, || parent(worker) != Some(supervisor));
}

/// Waits until Slurm knows that no job runs. It asks its nodes once a minute, and whenever it is configured
/// anew.
fn missed(slurm: &Bed) {
    let ask = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).envs(slurm.environment.iter().cloned());
        Ran::of(command.output().unwrap()).expect(0).stdout
    };
    until("Slurm misses the supervisor", 120, || {
        ask("scontrol", &["reconfigure"]);
        std::thread::sleep(Duration::from_secs(1));
        ask("squeue", &["-h", "-t", "running"]).is_empty()
    });
}

/// What lies in the store of the workers of a step: the name of each file and its bytes.
fn published(sandbox: &Sandbox, step: &str) -> Vec<(String, Vec<u8>)> {
    let files = sandbox.files().into_iter();
    let of = files
        .filter(|(path, _)| path.parent().is_some_and(|p| p.ends_with(format!("steps/{step}"))));
    of.map(|(path, text)| (path.file_name().unwrap().to_str().unwrap().to_owned(), text)).collect()
}

fn names(published: &[(String, Vec<u8>)]) -> Vec<&str> {
    published.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn an_orphan_of_a_killed_supervisor_finishes_its_step_once() {
    let Some(slurm) = Bed::slurm() else { return };
    let sandbox = Sandbox::probes(SLOW);
    let arguments = ["run", "probes", "--date", "2026-11-03", "--json"];
    let mut command = slurm.command(&sandbox, &arguments);
    let listener = Listener::start(0);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", listener.address));
    let driver = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    until("a worker starts", 30, || !workers("a", &sandbox).is_empty());
    orphan(workers("a", &sandbox)[0]);
    until("the orphan ends", 30, || workers("a", &sandbox).is_empty());
    let once = ["claim-000001.json", "events-000001.json", "outcome.json"];
    assert_eq!(names(&published(&sandbox, "a")), once);
    missed(&slurm);
    let ended = Ran::of(driver.wait_with_output().unwrap()).expect(0).json();
    let found = steps(&sandbox, &ended);
    assert!(found.iter().all(|(_, status, _)| status == "done"), "{found:?}");
    // Slurm dropped the step behind, which was submitted again; both were worked on once.
    assert_eq!(names(&published(&sandbox, "a")), once);
    assert_eq!(names(&published(&sandbox, "b")), once);
    let trace = listener.heard()[0].json();
    let span = &trace["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let time = |field: &str| span[field].as_str().unwrap().parse::<u64>().unwrap();
    let took = time("endTimeUnixNano") - time("startTimeUnixNano");
    assert!(took >= 4_000_000_000, "the span is as long as the step: {span}");
}

#[test]
fn an_orphan_that_was_replaced_speaks_for_nobody() {
    let Some(slurm) = Bed::slurm() else { return };
    let sandbox = Sandbox::probes(SLOW);
    let arguments = ["run", "probes", "--date", "2026-11-03", "--json"];
    let mut command = slurm.command(&sandbox, &arguments);
    let driver = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    until("a worker starts", 30, || !workers("a", &sandbox).is_empty());
    until("it claims its step", 30, || !published(&sandbox, "a").is_empty());
    let left = workers("a", &sandbox)[0];
    orphan(left);
    signal(left, Signal::STOP);
    missed(&slurm);
    let ended = Ran::of(driver.wait_with_output().unwrap()).expect(0).json();
    let found = steps(&sandbox, &ended);
    assert!(found.iter().all(|(_, status, _)| status == "done"), "{found:?}");
    let before = published(&sandbox, "a");
    let second = ["claim-000001.json", "claim-000002.json", "events-000002.json", "outcome.json"];
    assert_eq!(names(&before), second);
    assert_eq!(workers("a", &sandbox), [left], "the orphan is still there");
    signal(left, Signal::CONT);
    until("the orphan ends", 30, || workers("a", &sandbox).is_empty());
    assert_eq!(published(&sandbox, "a"), before, "what it did counts for nothing");
    let run = ended["run"].as_str().unwrap();
    let log = sandbox.path(&format!(".fqm/state/slurm/{run}.a.1.log"));
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("another worker has taken it over"), "{log}");
}

#[test]
fn slurm_workers_share_a_store_on_s3() {
    let (Some(slurm), Some(server)) = (Bed::slurm(), s3::Server::start()) else { return };
    server.put("/fqm-engines", b"");
    let sandbox = Sandbox::probes(DIAMOND);
    let arguments = ["run", "probes", "--date", "2026-11-03", "--json"];
    let mut command = slurm.command(&sandbox, &arguments);
    command
        .env("FQM_STORE", "s3://fqm-engines/store")
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", server.port))
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1");
    let ended = Ran::of(command.output().unwrap()).expect(0).json();
    let found = steps(&sandbox, &ended);
    let local = Sandbox::probes(DIAMOND);
    let expected = Bed::local().run(&local, "probes").expect(0).json();
    assert_eq!(
        (ended["plan"].clone(), found),
        (expected["plan"].clone(), steps(&local, &expected))
    );
}

#[test]
fn a_night_on_slurm_has_the_digests_of_a_local_one() {
    let Some(slurm) = Bed::slurm() else { return };
    let day = "2026-11-03";
    let night = |bed: &Bed, name: &str| {
        let sandbox = Sandbox::with_day(name, day, 60, 3);
        let arguments = ["run", "nightly", "--date", day, "--json"];
        let ran = Ran::of(bed.command(&sandbox, &arguments).output().unwrap()).expect(0).json();
        ["plan", "digests", "outputs", "decision"].map(|field| ran[field].clone())
    };
    assert_eq!(night(&slurm, "one"), night(&Bed::local(), "two"));
}
