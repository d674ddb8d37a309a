//! The daemon: fires at the next minute, and ends when it is told to.

use std::time::{Duration, Instant};

use crate::listener::{Heard, Listener};
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

const PROBE: &str = r#"
schema = 1
name = "probe"
[run]
notify = [{ on = ["ok", "failed", "waiting"], to = "webhook:ops" }]
[[trigger]]
on = "http"
[[trigger]]
on = "corrections"
"#;

/// A daemon with an HTTP interface, ended when dropped.
struct Daemon {
    child: std::process::Child,
    url: String,
    talk: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Self {
        let mut command = sandbox.command(&["daemon", "--listen", "127.0.0.1:0"]);
        command.envs(variables.iter().copied()).env("FQM_TOKEN", "secret");
        let mut child = command
            .stderr(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let talk: std::sync::Arc<std::sync::Mutex<String>> = std::sync::Arc::default();
        let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        let kept = talk.clone();
        std::thread::spawn(move || {
            let mut line = String::new();
            while std::io::BufRead::read_line(&mut stderr, &mut line).is_ok_and(|read| read > 0) {
                *kept.lock().unwrap() += &line;
                line.clear();
            }
        });
        let mut daemon = Self { child, url: String::new(), talk };
        until("the daemon listens", || daemon.said("listening on http://"));
        let said = daemon.talk.lock().unwrap().clone();
        let at = said.find("listening on ").unwrap() + "listening on ".len();
        daemon.url = said[at..].split_whitespace().next().unwrap().to_owned();
        daemon
    }

    fn said(&self, words: &str) -> bool {
        self.talk.lock().unwrap().contains(words)
    }

    /// Calls the daemon: the status and the body.
    fn call(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        let mut stream =
            std::net::TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !holds() {
        assert!(Instant::now() < end, "not within 40 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

const STEPS: &str = r#"
[[step]]
id = "a"
uses = "probe.run@1"
params = { rows = 3 }
[[step]]
id = "b"
uses = "probe.run@1"
in = { first = "a.probe" }
approve = { question = "go on?" }
"#;

/// A workspace with a probe that waits for a person, and somebody who listens.
fn probe(listener: &Listener, head: &str) -> Sandbox {
    let sandbox = Sandbox::empty("w");
    let toml = format!(
        "schema = 1\nname = \"w\"\n[webhooks.ops]\nurl = \"http://{}/hook?key=hidden\"\nsecret_env = \"OPS_SECRET\"\n[lineage]\nurl = \"http://{0}/lineage\"\nfile = \"lineage.jsonl\"\n",
        listener.address
    );
    sandbox.write("fqm.toml", &toml);
    sandbox.write("pipelines/probe.toml", &format!("{head}{STEPS}"));
    std::fs::create_dir_all(sandbox.path("logs")).unwrap();
    sandbox
}

#[test]
fn a_call_starts_a_run_a_call_answers_its_gate_and_everybody_is_told() {
    let listener = Listener::start(1);
    let head = PROBE.replace("[[trigger]]\non = \"corrections\"\n", "");
    let sandbox = probe(&listener, &head);
    let collector = format!("http://{}", listener.address);
    let variables = [("OPS_SECRET", "shh"), ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_str())];
    let daemon = Daemon::start(&sandbox, &variables);
    assert_eq!(daemon.call("GET", "/healthz", "", ""), (200, "ok\n".to_owned()));
    let start = "/v1/pipelines/probe/runs";
    assert_eq!(daemon.call("POST", start, "wrong", "").0, 401);
    assert_eq!(daemon.call("POST", "/v1/pipelines/other/runs", "secret", "").0, 404);
    assert_eq!(daemon.call("POST", start, "secret", "{\"day\": 1}").0, 400);
    let (status, body) =
        daemon.call("POST", start, "secret", "{\"date\": \"2026-11-03\", \"cause\": \"a test\"}");
    assert_eq!(status, 202, "{body}");
    until("a step waits", || {
        daemon.call("GET", "/metrics", "", "").1.contains("fqm_steps_waiting{pipeline=\"probe\"} 1")
    });
    let run = sandbox.run(&["status", "--json"]).expect(0).json()[0].clone();
    assert_eq!(
        (run["cause"].as_str(), run["date"].as_str()),
        (Some("a call: a test"), Some("2026-11-03"))
    );
    let answer = format!("/v1/runs/{}/steps/b/answer", run["id"].as_str().unwrap());
    let said = "{\"approved\": true, \"person\": \"ada\", \"reason\": \"fine\"}";
    let (status, body) = daemon.call("POST", &answer, "secret", said);
    assert_eq!(status, 200, "{body}");
    let no = said.replace("true", "false");
    assert_eq!(daemon.call("POST", &answer, "secret", &no).0, 409, "the first answer counts");
    until("the run ends", || daemon.said("probe 2026-11-03: exit 0"));
    let metrics = daemon.call("GET", "/metrics", "", "").1;
    for line in [
        "# TYPE fqm_runs_total counter",
        "fqm_runs_total{pipeline=\"probe\",status=\"ok\"} 1",
        "fqm_run_exit_code{pipeline=\"probe\"} 0",
        "fqm_run_running{pipeline=\"probe\"} 0",
        "fqm_fact{pipeline=\"probe\",step=\"a\",output=\"probe\",fact=\"rows\"} 3",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let heard = listener.heard();
    let to =
        |path: &str| heard.iter().filter(|heard| heard.path.starts_with(path)).collect::<Vec<_>>();
    let hooks = to("/hook");
    let occasion = |heard: &&Heard| heard.json()["occasion"].as_str().unwrap().to_owned();
    let occasions: Vec<String> = hooks.iter().map(occasion).collect();
    assert!(
        occasions.contains(&"waiting".to_owned()) && occasions.last().unwrap() == "ok",
        "{occasions:?}"
    );
    let last = hooks.last().unwrap();
    let header = |name: &str| {
        let line = last.head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.trim().to_owned()
    };
    let text = format!("{}.{}", header("x-fqm-timestamp"), last.text());
    let script =
        "import hmac, sys; print(hmac.new(b'shh', sys.argv[1].encode(), 'sha256').hexdigest())";
    let python =
        std::process::Command::new("python3").args(["-c", script, &text]).output().unwrap();
    let digest = String::from_utf8(python.stdout).unwrap();
    let expected = format!("sha256={}", digest.trim());
    assert_eq!(header("x-fqm-signature"), expected);
    let lineage = std::fs::read_to_string(sandbox.path("lineage.jsonl")).unwrap();
    let kinds: Vec<String> = lineage
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| {
            format!(
                "{} {}",
                event["eventType"].as_str().unwrap(),
                event["job"]["name"].as_str().unwrap()
            )
        })
        .collect();
    let wanted = [
        "START probe",
        "START probe.a",
        "COMPLETE probe.a",
        "START probe.b",
        "COMPLETE probe.b",
        "COMPLETE probe",
    ];
    assert_eq!(kinds, wanted);
    let traces = to("/v1/traces");
    let trace = traces[0].json();
    let spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!(
        spans.iter().map(|span| span["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["a", "b", "run"]
    );
    assert_eq!(spans[0]["parentSpanId"], spans[2]["spanId"]);
    assert!(!daemon.said("hidden") && !daemon.said("shh"), "secrets are not said");
}

#[test]
fn new_objects_and_new_feedback_fire_once_and_a_changed_file_is_read_again() {
    let listener = Listener::start(0);
    let head = PROBE.replace(
        "on = \"corrections\"",
        "on = \"objects\"\nat_least = 2\nevery = \"200ms\"\n[[trigger]]\non = \"feedback\"\nat_least = 2\nevery = \"200ms\"",
    );
    let sandbox = probe(&listener, &head);
    sandbox.edit("pipelines/probe.toml", &[("approve = { question = \"go on?\" }", "")]);
    sandbox.write("logs/old.jsonl", "{}\n");
    let daemon = Daemon::start(&sandbox, &[("OPS_SECRET", "shh")]);
    std::thread::sleep(Duration::from_secs(2));
    std::fs::create_dir_all(sandbox.path("logs/2026-11-05")).unwrap();
    sandbox.write("logs/2026-11-05/one.jsonl", "{}\n");
    std::thread::sleep(Duration::from_secs(1));
    assert!(!daemon.said("new objects"), "one is too few");
    sandbox.write("logs/2026-11-05/two.jsonl", "{}\n");
    until("two new objects fire", || daemon.said("probe 2026-11-05: exit 0"));
    let feedback = |id: u32| {
        format!(
            "{{\"schema\":\"fqm-log/1\",\"type\":\"feedback\",\"feedback_id\":\"f{id}\",\"episode_id\":\"e\",\"kind\":\"human\",\"name\":\"helpful\",\"score\":1.0,\"time\":\"2026-11-06T00:00:00Z\"}}\n"
        )
    };
    std::fs::create_dir_all(sandbox.path("logs/2026-11-06")).unwrap();
    sandbox.write("logs/2026-11-06/f.jsonl", &(feedback(1) + &feedback(2)));
    until("feedback fires", || daemon.said("2 new records of feedback"));
    until("its run ends", || daemon.said("probe 2026-11-06: exit 0"));
    let broken = std::fs::read_to_string(sandbox.path("pipelines/probe.toml")).unwrap();
    sandbox.write("pipelines/probe.toml", &broken.replace("uses", "usez"));
    until("a broken file is said", || daemon.said("goes on as it was before its file changed"));
    sandbox.write(
        "pipelines/probe.toml",
        &broken.replace("[run]", "schedule = { cron = \"0 5 * * *\" }\n[run]"),
    );
    until("the new file is read", || daemon.said("probe: next at "));
    let runs = sandbox.run(&["status", "--json"]).expect(0).json();
    assert_eq!(runs.as_array().unwrap().len(), 2, "each fires once: {runs}");
}

#[test]
fn systemd_hears_that_the_daemon_is_ready_and_alive() {
    let listener = Listener::start(0);
    let sandbox = probe(&listener, &PROBE.replace("[[trigger]]\non = \"corrections\"\n", ""));
    let path = sandbox.outside().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let daemon =
        Daemon::start(&sandbox, &[("OPS_SECRET", "x"), ("NOTIFY_SOCKET", path.to_str().unwrap())]);
    let hear = || {
        let mut line = [0; 64];
        let read = socket.recv(&mut line).unwrap();
        String::from_utf8_lossy(&line[..read]).into_owned()
    };
    assert_eq!(hear(), "READY=1");
    assert_eq!(hear(), "WATCHDOG=1");
    let pid = rustix::process::Pid::from_child(&daemon.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut last = hear();
    while last == "WATCHDOG=1" {
        last = hear();
    }
    assert_eq!(last, "STOPPING=1");
}
