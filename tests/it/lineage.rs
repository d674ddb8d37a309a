//! Lineage as others read it: every event against the published schemas of OpenLineage (scripts/peers.sh
//! installs them), every facet with OpenLineage's own client, and what no schema says.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::listener::Listener;
use crate::support::{Ran, Sandbox};

const CORE: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json";

/// Three probes, of which the first also reads what the last left the day before.
const PROBES: &str = r#"
schema = 1
name = "probes"
[[step]]
id = "a"
uses = "probe.run@1"
in = { first = "previous:c.probe" }
params = { text = "a", rows = 7 }
[[step]]
id = "b"
uses = "probe.run@1"
in = { first = "a.probe" }
params = { text = "b" }
[[step]]
id = "c"
uses = "probe.run@1"
in = { first = "b.probe", second = "a.probe" }
params = { text = "c" }
"#;

fn tool(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools").join(name);
    let found = folder.join("version").is_file();
    if !found {
        eprintln!("skipped: no {name} in .tools; scripts/peers.sh installs it");
    }
    found.then_some(folder)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The facets of an event: those of its run, its job and its datasets.
fn facets(event: &Value) -> Vec<&Value> {
    let datasets = list(&event["inputs"]).chain(list(&event["outputs"]));
    let holders = datasets.chain([&event["run"], &event["job"]]);
    holders.filter_map(|holder| holder["facets"].as_object()).flat_map(|all| all.values()).collect()
}

/// Who knows what an event may look like.
struct Spec {
    schemas: BTreeMap<String, Value>,
    client: PathBuf,
}

impl Spec {
    fn installed() -> Option<Self> {
        let (folder, client) = (tool("openlineage-spec")?, tool("openlineage")?);
        let facets = std::fs::read_dir(folder.join("facets")).unwrap();
        let files =
            facets.map(|entry| entry.unwrap().path()).chain([folder.join("OpenLineage.json")]);
        let schemas = files.map(|file| {
            let schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            (text(&schema["$id"]).to_owned(), schema)
        });
        Some(Self { schemas: schemas.collect(), client })
    }

    fn validate(&self, url: &str, value: &Value) -> Result<(), String> {
        let mut registry = jsonschema::Registry::new();
        for (id, schema) in &self.schemas {
            registry = registry.add(id, schema.clone()).unwrap();
        }
        let registry = registry.prepare().unwrap();
        let options = jsonschema::options().with_registry(&registry).should_validate_formats(true);
        let validator = options.build(&json!({ "$ref": url })).unwrap();
        validator.validate(value).map_err(|error| format!("{url}: {error}: {value}"))
    }

    /// Holds events and their facets against the schemas that they name, then the facets with the client,
    /// which knows some more kinds.
    fn holds(&self, events: &[Value]) -> Result<(), String> {
        let mut lines = String::new();
        for event in events {
            self.validate(CORE, event)?;
            if text(&event["schemaURL"]) != format!("{CORE}#/$defs/RunEvent") {
                return Err(format!("names another schema: {event}"));
            }
            for facet in facets(event) {
                let url = text(&facet["_schemaURL"]);
                let (file, _) = url.split_once('#').ok_or("a facet names no schema")?;
                if self.schemas.contains_key(file) {
                    self.validate(url, facet)?;
                }
                lines += &format!("{facet}\n");
            }
        }
        let mut python = Command::new("python3");
        python
            .args(["-c", CLIENT])
            .env("PYTHONPATH", &self.client)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = python.spawn().unwrap();
        // Where the client gives up early, what it says counts.
        let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
        let ran = Ran::of(child.wait_with_output().unwrap());
        let count = lines.lines().count();
        if ran.code != 0 || ran.stdout.trim() != count.to_string() {
            return Err(format!("{count} facets: {}{}", ran.stdout, ran.stderr));
        }
        Ok(())
    }
}

/// Makes each facet of standard input an object of the client's class for its schema, and counts them.
const CLIENT: &str = r#"
import importlib, inspect, json, pkgutil, sys
import openlineage.client.generated as generated
known = {}
for module in pkgutil.iter_modules(generated.__path__):
    module = importlib.import_module(f"{generated.__name__}.{module.name}")
    for _, found in inspect.getmembers(module, inspect.isclass):
        if hasattr(found, "_get_schema"):
            known[found._get_schema()] = found
facets = [json.loads(line) for line in sys.stdin]
for facet in facets:
    producer, schema = facet.pop("_producer"), facet.pop("_schemaURL")
    known[schema](**facet, producer=producer)
print(len(facets))
"#;

/// What no schema says: each run has one START and one end, steps lie within the run that they name as
/// their parent, and datasets are named by the rules.
pub fn well_told(events: &[Value]) -> Result<(), String> {
    let mut open: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut ended = BTreeSet::new();
    let mut made = BTreeSet::new();
    for event in events {
        let wrong = |what: &str| Err(format!("{what}: {event}"));
        let run = text(&event["run"]["runId"]);
        let job = &event["job"];
        let parent = &event["run"]["facets"]["parent"];
        match text(&event["eventType"]) {
            "START" if ended.contains(run) || open.contains_key(run) => {
                return wrong("a second START");
            }
            "START" => drop(open.insert(run, event)),
            "COMPLETE" | "FAIL" | "ABORT" => match open.remove(run) {
                None => return wrong("an end without START"),
                Some(start) if start["job"] != *job => return wrong("another job than at START"),
                Some(start) if text(&start["eventTime"]) > text(&event["eventTime"]) => {
                    return wrong("an end before START");
                }
                Some(_) => drop(ended.insert(run)),
            },
            _ => return wrong("an unknown type"),
        }
        let pipeline = if parent.is_null() {
            text(&job["name"])
        } else {
            let around = open.get(text(&parent["run"]["runId"]));
            if around.is_none_or(|around| around["job"] != parent["job"]) {
                return wrong("a parent that is not running");
            }
            text(&parent["job"]["name"])
        };
        for dataset in list(&event["inputs"]).chain(list(&event["outputs"])) {
            let (namespace, name) = (text(&dataset["namespace"]), text(&dataset["name"]));
            let fits = match namespace {
                "file" => name.starts_with('/'),
                place if place.contains("://") => !name.starts_with('/') || name == "/",
                own => {
                    let parts: Vec<_> = name.split('.').collect();
                    own == text(&job["namespace"])
                        && (name.contains('@') || (parts.len() == 3 && parts[0] == pipeline))
                }
            };
            if !fits {
                return wrong("a dataset against the rules of naming");
            }
        }
        let version = |dataset: &Value| dataset["facets"]["version"]["datasetVersion"].clone();
        let pair = |dataset: &Value| format!("{} {}", dataset["name"], version(dataset));
        made.extend(list(&event["outputs"]).map(pair));
        let mut read = list(&event["inputs"]).filter(|dataset| !version(dataset).is_null());
        if !read.all(|dataset| made.contains(&pair(dataset))) {
            return wrong("an input of a version that nobody made");
        }
    }
    open.values().next().map_or(Ok(()), |start| Err(format!("no end: {start}")))
}

/// A workspace whose lineage a listener hears.
fn probes(listener: &Listener, pipeline: &str) -> Sandbox {
    let sandbox = Sandbox::empty("w");
    let address = listener.address;
    let toml = format!("schema = 1\nname = \"w\"\n[lineage]\nurl = \"http://{address}/lineage\"\n");
    sandbox.write("fqm.toml", &toml);
    sandbox.write("pipelines/probes.toml", pipeline);
    sandbox
}

const RUN: [&str; 4] = ["run", "probes", "--date", "2026-11-03"];

fn heard(listener: &Listener) -> Vec<Value> {
    listener.heard().iter().map(|heard| heard.json()).collect()
}

/// Events as `TYPE JOB`.
fn said(events: &[Value]) -> Vec<String> {
    let line =
        |event: &Value| format!("{} {}", text(&event["eventType"]), text(&event["job"]["name"]));
    events.iter().map(line).collect()
}

#[test]
fn every_event_of_every_end_of_a_run_holds_to_the_spec() {
    let Some(spec) = Spec::installed() else { return };
    let listener = Listener::start(0);
    let sandbox = probes(&listener, PROBES);
    let mut known = 0;
    let mut new = || {
        let events = heard(&listener)[known..].to_vec();
        known += events.len();
        spec.holds(&events).unwrap();
        well_told(&events).unwrap();
        events
    };
    let whole = [
        "START probes",
        "START probes.a",
        "COMPLETE probes.a",
        "START probes.b",
        "COMPLETE probes.b",
        "START probes.c",
        "COMPLETE probes.c",
        "COMPLETE probes",
    ];
    sandbox.run(&RUN).expect(0);
    let done = new();
    assert_eq!(said(&done), whole);
    let nominal = &done[0]["run"]["facets"]["nominalTime"]["nominalStartTime"];
    assert_eq!(nominal, "2026-11-03T00:00:00Z");
    assert_eq!(done[1]["inputs"], json!([{ "namespace": "w", "name": "probes.c.probe" }]));
    assert_eq!(done[6]["inputs"].as_array().unwrap().len(), 2);
    sandbox.run(&RUN).expect(0);
    assert_eq!(said(&new()), whole, "a result that was there has its run too");

    let failing = PROBES.replace("text = \"b\"", "text = \"b\", fail = \"input\"");
    sandbox.write("pipelines/probes.toml", &failing);
    sandbox.run(&RUN).expect(1);
    let failed = new();
    assert_eq!(said(&failed)[3..], ["START probes.b", "FAIL probes.b", "FAIL probes"]);
    let message = text(&failed[4]["run"]["facets"]["errorMessage"]["message"]);
    assert!(message.contains("was told to fail"), "{message}");

    let skipped =
        PROBES.replace("id = \"b\"", "id = \"b\"\nwhen = { expr = \"a.probe.rows > 9\" }");
    sandbox.write("pipelines/probes.toml", &skipped);
    sandbox.run(&RUN).expect(99);
    assert_eq!(said(&new())[2..], ["COMPLETE probes.a", "COMPLETE probes"], "what never ran");

    let short = PROBES.replace("rows = 7", "not_enough = true");
    sandbox.write("pipelines/probes.toml", &short);
    sandbox.run(&RUN).expect(99);
    assert_eq!(said(&new())[2..], ["COMPLETE probes.a", "COMPLETE probes"]);

    let slow = PROBES.replace("text = \"b\"", "text = \"b\", millis = 60000");
    sandbox.write("pipelines/probes.toml", &slow);
    let child = sandbox.command(&RUN).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    listener.until("b starts", |heard| {
        let started = |event: &Value| event["job"]["name"] == "probes.b";
        heard[known..].iter().any(|heard| started(&heard.json()))
    });
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    Ran::of(child.wait_with_output().unwrap()).expect(143);
    let events = heard(&listener)[known..].to_vec();
    assert_eq!(said(&events)[3..], ["START probes.b", "ABORT probes.b", "ABORT probes"]);
    spec.holds(&events).unwrap();
    well_told(&events).unwrap();
}

#[test]
fn what_does_not_hold_to_the_spec_is_refused() {
    let Some(spec) = Spec::installed() else { return };
    let listener = Listener::start(0);
    let sandbox = probes(&listener, PROBES);
    sandbox.run(&RUN).expect(0);
    let events = heard(&listener);
    spec.holds(&events).unwrap();
    well_told(&events).unwrap();
    let spoiled = |at: usize, place: &str, value: Value| {
        let mut events = events.clone();
        *events[at].pointer_mut(place).unwrap() = value;
        events
    };
    let url = |facet: &str| {
        json!(format!("https://openlineage.io/spec/facets/9-0-0/{facet}.json#/$defs/{facet}"))
    };
    for (at, place, value) in [
        (0, "/eventTime", json!("yesterday")),
        (0, "/eventType", json!("DONE")),
        (0, "/producer", json!("no address")),
        (0, "/run/runId", json!("7")),
        (0, "/job", json!({ "name": "probes" })),
        (0, "/run/facets/nominalTime/nominalStartTime", json!("midnight")),
        (0, "/run/facets/nominalTime/_schemaURL", url("NominalTimeRunFacet")),
        (1, "/run/facets/parent/job", json!({})),
        (1, "/run/facets/parent/_producer", Value::Null),
        (1, "/inputs/0", json!({ "name": "probes.c.probe" })),
        (2, "/outputs/0/facets/version", json!({ "datasetVersion": "1" })),
    ] {
        assert!(spec.holds(&spoiled(at, place, value.clone())).is_err(), "{place} is {value}");
    }
    let stranger = json!("00000000-0000-8000-8000-000000000000");
    for (at, place, value) in [
        (2, "/eventType", json!("START")),
        (2, "/job/name", json!("probes.z")),
        (2, "/run/runId", stranger.clone()),
        (2, "/eventTime", json!("2020-01-01T00:00:00Z")),
        (1, "/run/facets/parent/run/runId", stranger),
        (2, "/outputs/0/name", json!("a.probe")),
        (2, "/outputs/0/namespace", json!("file")),
        (2, "/outputs/0/facets/version/datasetVersion", json!("another")),
    ] {
        assert!(well_told(&spoiled(at, place, value.clone())).is_err(), "{place} is {value}");
    }
    assert!(well_told(&events[..events.len() - 1]).is_err(), "the run has no end");
    assert!(well_told(&events[1..]).is_err(), "the run has no START");
}
