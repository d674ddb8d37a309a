//! Traces as others read them: a collector of OpenTelemetry (scripts/peers.sh installs it) takes them as
//! JSON and passes them on in its own encoding, which the protocol's own messages then read.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::listener::{Heard, Listener};
use crate::support::{Ran, Sandbox};

const PROBES: &str = r#"
schema = 1
name = "probes"
[[step]]
id = "a"
uses = "probe.run@1"
params = { text = "a", millis = 200 }
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

fn tools() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/opentelemetry");
    let found = folder.join("version").is_file();
    if !found {
        eprintln!("skipped: no opentelemetry in .tools; scripts/peers.sh installs it");
    }
    found.then_some(folder)
}

/// A collector that passes on what it takes to a listener.
struct Collector {
    child: Child,
    address: String,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Collector {
    fn start(tools: &Path, listener: &Listener) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (address, other) = (free(), free());
        let mut command = Command::new(tools.join("rotel/rotel-agent"));
        command
            .args(["start", "--otlp-http-endpoint", &address, "--otlp-grpc-endpoint", &other])
            .args(["--disable-batching", "--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-endpoint", &format!("http://{}", listener.address)]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let collector = Self { child, address };
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(&collector.address).is_err() {
            assert!(Instant::now() < end, "the collector does not answer within 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
        collector
    }

    /// Whether the collector takes a trace.
    fn takes(&self, trace: &Value) -> bool {
        let body = trace.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        let length = body.len();
        write!(stream, "{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 200")
    }
}

/// Reads a request for traces by the messages of the protocol and refuses what they do not know. Attributes
/// become objects, ids stay hexadecimal.
const READ: &str = r#"
import base64, gzip, json, sys
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# OTLP writes ids in hexadecimal digits where protobuf's own JSON has base64.
def ids(found):
    return {k: base64.b64encode(bytes.fromhex(v)).decode() if k.lower().endswith("id") else v
            for k, v in found.items()}

def named(attributes):
    return {a.key: a.value.string_value for a in attributes}

body = sys.stdin.buffer.read()
if sys.argv[1] == "application/json":
    request = ParseDict(json.loads(body, object_hook=ids), ExportTraceServiceRequest())
else:
    request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
[group] = request.resource_spans
[scope] = group.scope_spans
print(json.dumps({"resource": named(group.resource.attributes), "scope": scope.scope.name, "spans": [
    {"trace": s.trace_id.hex(), "id": s.span_id.hex(), "parent": s.parent_span_id.hex(), "name": s.name,
     "kind": s.kind, "start": s.start_time_unix_nano, "end": s.end_time_unix_nano,
     "code": s.status.code, "message": s.status.message, "attributes": named(s.attributes)}
    for s in scope.spans]}))
"#;

fn read(tools: &Path, kind: &str, body: &[u8]) -> Result<Value, String> {
    let mut python = Command::new("python3");
    python.args(["-c", READ, kind]).env("PYTHONPATH", tools).env("PYTHONDONTWRITEBYTECODE", "1");
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    if ran.code == 0 { Ok(ran.json()) } else { Err(ran.stderr) }
}

fn kind(heard: &Heard) -> String {
    let lines = heard.head.lines().filter_map(|line| line.split_once(": "));
    let mut kinds = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    kinds.next().unwrap().1.to_owned()
}

/// Holds a trace against what its fields mean, and gives the names and codes of its spans.
fn sound(trace: &Value, earliest: u64) -> Vec<(String, u64)> {
    assert_eq!(trace["resource"]["service.name"], "fqm-pipe");
    assert_eq!(trace["resource"]["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(trace["scope"], "fqm-pipe");
    let spans = trace["spans"].as_array().unwrap();
    let [root] = spans.iter().filter(|span| span["parent"] == "").collect::<Vec<_>>()[..] else {
        panic!("not one root: {trace}");
    };
    let latest = nanos();
    let mut ids = std::collections::BTreeSet::new();
    for span in spans {
        let id = |field: &str, digits: usize| {
            let id = span[field].as_str().unwrap();
            id.len() == digits && id.contains(|digit| digit != '0')
        };
        assert!(id("trace", 32) && id("id", 16) && span["trace"] == root["trace"], "{span}");
        assert!(ids.insert(span["id"].as_str().unwrap()), "the id of another: {span}");
        assert!(span == root || span["parent"] == root["id"], "not a child of the run: {span}");
        assert_eq!(span["kind"], 1, "it is internal: {span}");
        let time = |span: &Value, field: &str| span[field].as_u64().unwrap();
        let (start, end) = (time(span, "start"), time(span, "end"));
        assert!(earliest <= start && start <= end && end <= latest, "{span}");
        assert!(
            time(root, "start") <= start && end <= time(root, "end"),
            "outside the run: {span}"
        );
        assert!(span["code"] == 2 || span["message"] == "", "only an error has a message: {span}");
    }
    let code = |span: &Value| span["code"].as_u64().unwrap();
    spans.iter().map(|span| (span["name"].as_str().unwrap().to_owned(), code(span))).collect()
}

fn nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
}

fn probes() -> Sandbox {
    let sandbox = Sandbox::empty("w");
    sandbox.write("pipelines/probes.toml", PROBES);
    sandbox
}

fn run(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Ran {
    let mut command = sandbox.command(&["run", "probes", "--date", "2026-11-03"]);
    command.envs(variables.iter().copied());
    let ran = Ran::of(command.output().unwrap());
    assert!(!ran.stderr.contains("failed to post"), "{}", ran.stderr);
    ran
}

#[test]
fn a_collector_takes_the_trace_of_every_end_of_a_run() {
    let Some(tools) = tools() else { return };
    let listener = Listener::start(0);
    let collector = Collector::start(&tools, &listener);
    let sandbox = probes();
    let url = format!("http://{}", collector.address);
    let mut count = 0;
    let mut told = |pipeline: String, code: i32| {
        sandbox.write("pipelines/probes.toml", &pipeline);
        let earliest = nanos();
        run(&sandbox, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).expect(code);
        count += 1;
        listener.until("the collector passes the trace on", |heard| heard.len() == count);
        let heard = listener.heard().pop().unwrap();
        assert_eq!(heard.path, "/v1/traces");
        let trace = read(&tools, &kind(&heard), &heard.body).unwrap();
        let codes = sound(&trace, earliest);
        let codes = codes.iter().map(|(name, code)| format!("{name} {code}")).collect::<Vec<_>>();
        (codes.join(", "), trace)
    };
    let (codes, trace) = told(PROBES.to_owned(), 0);
    assert_eq!(codes, "a 1, b 1, c 1, run 1");
    let took = |span: &Value| span["end"].as_u64().unwrap() - span["start"].as_u64().unwrap();
    assert!(took(&trace["spans"][0]) >= 200_000_000, "{trace}");
    let root = &trace["spans"][3]["attributes"];
    assert_eq!(
        (&root["fqm.pipeline"], &root["fqm.date"]),
        (&"probes".into(), &"2026-11-03".into())
    );
    let (codes, trace) = told(PROBES.to_owned(), 0);
    assert_eq!(codes, "a 1, b 1, c 1, run 1");
    assert_eq!(trace["spans"][1]["attributes"]["fqm.status"], "hit");
    let failing = PROBES.replace("text = \"b\"", "text = \"b\", fail = \"input\"");
    let (codes, trace) = told(failing, 1);
    assert_eq!(codes, "a 1, b 2, c 1, run 2");
    let message = trace["spans"][1]["message"].as_str().unwrap();
    assert!(message.contains("was told to fail"), "{message}");
    let short = PROBES.replace("text = \"b\"", "text = \"b\", not_enough = true");
    assert_eq!(told(short, 99).0, "a 1, b 1, c 1, run 1");
    let late = PROBES.replace("text = \"b\"", "text = \"b\", millis = 60000");
    let late =
        late.replace("[[step]]\nid = \"a\"", "[run]\ntimeout = \"1s\"\n[[step]]\nid = \"a\"");
    let (codes, _) = told(late, 124);
    assert_eq!(codes, "a 1, b 2, run 2");
}

#[test]
fn a_trace_has_no_field_that_the_protocol_does_not_know() {
    let Some(tools) = tools() else { return };
    let listener = Listener::start(0);
    let collector = Collector::start(&tools, &Listener::start(0));
    let url = format!("http://{}/here", listener.address);
    let earliest = nanos();
    let variables = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url.as_str())];
    run(&probes(), &variables).expect(0);
    // A variable that is empty counts as one that is not set.
    let base = format!("http://{}/base/", listener.address);
    let empty = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "");
    run(&probes(), &[empty, ("OTEL_EXPORTER_OTLP_ENDPOINT", &base)]).expect(0);
    run(&probes(), &[empty, ("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).expect(0);
    let heard = listener.heard();
    let paths: Vec<_> = heard.iter().map(|heard| heard.path.as_str()).collect();
    assert_eq!(paths, ["/here", "/base/v1/traces"]);
    let strict = |trace: &Value| read(&tools, &kind(&heard[0]), trace.to_string().as_bytes());
    let trace = heard[0].json();
    sound(&strict(&trace).unwrap(), earliest);
    assert!(collector.takes(&trace));

    // What checks must refuse what is wrong, or it shows nothing.
    let span = "/resourceSpans/0/scopeSpans/0/spans/0";
    let spoiled = |field: &str, value: Value| {
        let mut trace = trace.clone();
        trace.pointer_mut(span).unwrap()[field] = value;
        trace
    };
    assert!(strict(&spoiled("colour", json!("red"))).is_err());
    assert!(strict(&spoiled("startTimeUnixNano", json!("noon"))).is_err());
    assert!(strict(&spoiled("kind", json!("middling"))).is_err());
    assert!(!collector.takes(&spoiled("traceId", json!("no id"))));
    assert!(!collector.takes(&spoiled("status", json!({ "code": 1, "message": null }))));
}
