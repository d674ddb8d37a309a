use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schedule;
use super::*;
use crate::core::{Alias, Blobs, Digest, PlaceError};
use crate::workspace::Workspace;

/// A toy kind: adds a number to what comes in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Add {
    amount: u64,
    /// How many attempts fail before one succeeds.
    failures: u32,
    /// `transient`, `input` or `hang`.
    mode: String,
}

impl Default for Add {
    fn default() -> Self {
        Self { amount: 1, failures: 0, mode: "transient".to_owned() }
    }
}

const ADD: Kind = Kind {
    name: "toy.add",
    version: 1,
    summary: "adds",
    inputs: &[
        InPort { name: "number", takes: Takes::Artifact("number"), optional: true },
        InPort { name: "base", takes: Takes::Alias, optional: true },
    ],
    outputs: &[OutPort { name: "sum", makes: "number" }],
    place: Place::Here,
    effect: false,
    params: params_of::<Add>,
    schema: schema_of::<Add>,
};

/// A toy effect, counted in the catalog.
const SAY: Kind = Kind { name: "toy.say", effect: true, ..ADD };

#[derive(Default)]
struct Toys {
    kinds: Vec<Kind>,
    runs: Arc<AtomicU32>,
}

impl Toys {
    fn new() -> Self {
        Self { kinds: vec![ADD, SAY], runs: Arc::default() }
    }
}

struct Body1(Arc<AtomicU32>);

#[async_trait]
impl Body for Body1 {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: Add = context.params()?;
        let run = self.0.fetch_add(1, Ordering::SeqCst);
        assert_ne!(params.mode, "panic", "a body that panics");
        if params.mode == "hang" {
            std::future::pending::<()>().await;
        }
        if run < params.failures {
            let kind =
                if params.mode == "input" { FailureKind::Input } else { FailureKind::Transient };
            return Err(StepFailure { kind, message: format!("add, try {run}") });
        }
        let before = match context.request.inputs.get("number") {
            Some(Input::Artifact(a)) => a.facts["value"].as_u64().unwrap(),
            _ => 0,
        };
        let sum = before + params.amount;
        let digest = context.blobs.put(Bytes::from(sum.to_string())).await?;
        let mut result = StepResult::one("sum", digest, [("value", sum)]);
        if params.mode == "empty" {
            result.not_enough = Some("nothing tonight".to_owned());
        }
        Ok(result)
    }
}

impl Catalog for Toys {
    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }
    fn body(&self, _: &str) -> Option<Arc<dyn Body>> {
        Some(Arc::new(Body1(self.runs.clone())))
    }
}

const CHAIN: &str = r#"
schema = 1
name = "toy"
[[step]]
id = "a"
uses = "toy.add@1"
[[step]]
id = "b"
uses = "toy.add@1"
in = { number = "a.sum" }
params = { amount = 10 }
[[step]]
id = "c"
uses = "toy.add@1"
in = { number = "b.sum", base = "registry:toy@best" }
"#;

struct Bench {
    _folder: tempfile::TempDir,
    workspace: Workspace,
    state: State,
    blobs: Blobs,
    toys: Arc<Toys>,
    best: Option<Digest>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fqm.toml"), "schema = 1\nname = \"t\"\n").unwrap();
        let workspace = Workspace::open(folder.path(), |_| None).unwrap();
        let state = State::open(&workspace.state).unwrap();
        let blobs = Blobs::new(workspace.open_store().unwrap());
        Self { _folder: folder, workspace, state, blobs, toys: Arc::new(Toys::new()), best: None }
    }

    async fn freeze(&self, text: &str) -> Frozen {
        let pipeline = parse(text).unwrap();
        let resolve = async |_: &Alias| Ok(self.best);
        let date = "2026-11-03".parse().unwrap();
        freeze(pipeline, date, BTreeMap::new(), &self.state, true, resolve).await.unwrap()
    }

    async fn run(&self, text: &str, force: bool) -> Outcome {
        let frozen = self.freeze(text).await;
        let force = if force { Force::All } else { Force::None };
        let options = Options { force, ..Options::default() };
        run(Arc::new(frozen), options, &self.setting(), Vec::new()).await.unwrap()
    }

    fn setting(&self) -> Setting<'_> {
        let (state, workspace, blobs) = (&self.state, &self.workspace, &self.blobs);
        Setting { catalog: self.toys.clone(), state, workspace, blobs }
    }

    fn runs(&self) -> u32 {
        self.toys.runs.load(Ordering::SeqCst)
    }
}

fn parse(text: &str) -> Result<Pipeline, PlaceError> {
    Pipeline::parse("pipelines/toy.toml", text, &Toys::new())
}

fn fault(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn mistakes_are_shown_with_their_place_and_a_suggestion() {
    let step = |lines: &str| format!("schema = 1\nname = \"toy\"\n[[step]]\nid = \"a\"\n{lines}\n");
    let cases = [
        (step("uses = \"toy.add@1\"\nparam = {}"), "toy.toml:6:1", "did you mean `params`"),
        (step("uses = \"toy.ad@1\""), "toy.toml:5:8", "did you mean `toy.add`"),
        (step("uses = \"toy.add@9\""), "toy.toml:5:8", "use the newer fqm-pipe"),
        (step("uses = \"toy.add@0\""), "toy.toml:5:8", "`fqm-pipe upgrade` writes `toy.add@1`"),
        (step("uses = \"toy.add\""), "toy.toml:5:8", "write `KIND@VERSION`"),
        (
            step("uses = \"toy.add@1\"\nparams = { amuont = 2 }"),
            "toy.toml:6:12",
            "did you mean `amount`",
        ),
        (
            step("uses = \"toy.add@1\"\nparams = { amount = \"x\" }"),
            "toy.toml:6:21",
            "invalid type",
        ),
        (step("uses = \"toy.add@1\"\nin = { numbr = \"a.sum\" }"), "toy.toml:6:8", "it has number"),
        (
            step("uses = \"toy.add@1\"\nin = { number = \"z.sum\" }"),
            "toy.toml:6:17",
            "there is no step `z`",
        ),
        (
            step("uses = \"toy.add@1\"\nin = { number = \"a.total\" }"),
            "toy.toml:6:17",
            "it has sum",
        ),
        (
            step("uses = \"toy.add@1\"\nin = { base = \"fqm\" }"),
            "toy.toml:6:15",
            "registry:MODEL@ALIAS",
        ),
        (step("uses = \"toy.add@1\"\ntimeout = \"2 hours\""), "toy.toml:6:11", "`10s`"),
        (
            step("uses = \"toy.add@1\"\nwhen = { expr = \"a.sum.value >>\" }"),
            "toy.toml:6:17",
            "expected",
        ),
        (step("uses = \"toy.add@1\"\n[schedule]\ncron = \"x\""), "toy.toml:7:1", "five fields"),
        (
            step("uses = \"toy.add@1\"\n[[step]]\nid = \"a\"\nuses = \"toy.add@1\""),
            "toy.toml:7:6",
            "used twice",
        ),
        (
            step("uses = \"toy.add@1\"\nin = { number = 5 }"),
            "toy.toml:6:17",
            "a text or a list of texts",
        ),
        ("# schema = 1\nschema = 2\nname = \"x\"\n".to_owned(), "toy.toml:2:1", "schema 2"),
        ("schema = 2\nname = \"x\"\n".to_owned(), "toy.toml:1:1", "schema 2"),
        ("schema = 1\nname = \"x\"\n".to_owned(), "toy.toml:1:1", "no [[step]]"),
        ("schema = 1\nname = \"x\n".to_owned(), "toy.toml:2", ""),
    ];
    for (text, place, words) in cases {
        let fault = fault(&text);
        assert!(fault.contains(place) && fault.contains(words), "{text}\n→ {fault}");
    }
}

#[test]
fn a_cycle_is_named_step_by_step() {
    let text = CHAIN.replace(
        "[[step]]\nid = \"a\"\nuses = \"toy.add@1\"",
        "[[step]]\nid = \"a\"\nuses = \"toy.add@1\"\nin = { number = \"b.sum\" }",
    );
    let fault = fault(&text);
    assert!(fault.contains("a → b → a"), "{fault}");
}

#[test]
fn conditions_compare_facts() {
    let known =
        |fact: &super::condition::Fact| (fact.name == "rows").then(|| serde_json::json!(1000));
    let holds = |text: &str| Condition::parse(text).unwrap().holds(&known);
    assert_eq!(holds("a.b.rows >= 1000"), Ok(true));
    assert_eq!(holds("a.b.rows < 1000 or a.b.rows == 1000 and not a.b.rows != 1e3"), Ok(true));
    assert_eq!(holds("not (a.b.rows > 1 and a.b.rows < 2)"), Ok(true));
    assert!(holds("a.b.cols > 1").unwrap_err().contains("`a.b.cols` is not known"));
    assert!(holds("a.b.rows == \"x\"").unwrap_err().contains("no order"));
    for wrong in
        ["", "a.b", "a.b.c", "a.b.c >", "a.b.c > x", "(a.b.c > 1", "a.b.c > 1 1", "a.b.c > \"x"]
    {
        assert!(Condition::parse(wrong).is_err(), "{wrong}");
    }
    assert!(Condition::parse(&"not ".repeat(100_000)).is_err(), "bounded recursion");
}

#[tokio::test]
async fn a_finished_night_is_all_hits_and_the_aliases_stay() {
    let mut bench = Bench::new();
    let first = bench.run(CHAIN, false).await;
    assert_eq!(first.end, RunEnd::Ok);
    assert_eq!(first.outputs["c"]["sum"].facts["value"], 12);
    assert_eq!(bench.runs(), 3);
    // A champion that appears later does not change what the night saw.
    bench.best = Some(Digest::of(b"new"));
    let second = bench.run(CHAIN, false).await;
    assert!(second.steps.values().all(|s| *s == StepStatus::Hit), "{:?}", second.steps);
    assert_eq!(bench.runs(), 3);
    assert_eq!(first.outputs, second.outputs);
    let forced = bench.run(CHAIN, true).await;
    assert_eq!((forced.outputs, bench.runs()), (first.outputs, 6));
}

#[tokio::test]
async fn a_miss_names_the_field() {
    let bench = Bench::new();
    bench.run(CHAIN, false).await;
    let text = CHAIN.replace("amount = 10", "amount = 11");
    let frozen = bench.freeze(&text).await;
    let previews = preview(Arc::new(frozen), &bench.setting()).await.unwrap();
    let [(_, a), (_, b), (_, c)] = &previews[..] else { panic!("{previews:?}") };
    assert!(matches!(a, Preview::Hit { .. }), "{a:?}");
    let Preview::Miss { reason, changes } = b else { panic!("{b:?}") };
    assert_eq!(reason, "params.amount 10 → 11");
    assert_eq!((changes.len(), changes[0].field.as_str()), (1, "params.amount"));
    assert_eq!(*c, Preview::Unknown { until: vec!["b".to_owned()] });
    bench.run(&text, false).await;
    let runs = bench.state.runs(None, 1).unwrap();
    let steps = bench.state.steps(&runs[0].id).unwrap();
    let reason = steps.iter().find(|s| s.step == "c").unwrap().reason.clone().unwrap();
    assert!(reason.starts_with("in.number sha256:"), "{reason}");
}

#[tokio::test]
async fn a_lost_blob_makes_a_miss() {
    let bench = Bench::new();
    let first = bench.run(CHAIN, false).await;
    let digest = first.outputs["a"]["sum"].digest;
    bench.blobs.store().delete(&Blobs::path(&digest)).await.unwrap();
    let second = bench.run(CHAIN, false).await;
    assert_eq!(second.steps["a"], StepStatus::Done);
    assert_eq!(second.steps["b"], StepStatus::Hit, "the same content is the same input");
}

#[tokio::test]
async fn transient_failures_are_tried_again_and_others_are_not() {
    let flaky = CHAIN.replace(
        "params = { amount = 10 }",
        "params = { failures = 2 }\nretry = { max = 3, delay = \"1ms\" }",
    );
    let bench = Bench::new();
    assert_eq!(bench.run(&flaky, false).await.end, RunEnd::Ok);
    let run = bench.state.runs(None, 1).unwrap().remove(0);
    let steps = bench.state.steps(&run.id).unwrap();
    // The counter is shared with step a, which took the first number.
    assert_eq!(steps.iter().find(|s| s.step == "b").unwrap().attempts, 2);

    let wrong = flaky.replace("failures = 2", "failures = 9, mode = \"input\"");
    let bench = Bench::new();
    let outcome = bench.run(&wrong, false).await;
    assert_eq!((outcome.end, outcome.end.exit()), (RunEnd::Failed, 1));
    assert_eq!(outcome.steps["a"], StepStatus::Done);
    assert_eq!(outcome.steps["b"], StepStatus::Failed);
    assert_eq!(outcome.steps["c"], StepStatus::Blocked);
    assert_eq!(bench.runs(), 2);
}

#[tokio::test]
async fn a_step_that_hangs_times_out() {
    let text = CHAIN
        .replace("params = { amount = 10 }", "params = { mode = \"hang\" }\ntimeout = \"20ms\"");
    let outcome = Bench::new().run(&text, false).await;
    assert_eq!((outcome.end, outcome.end.exit()), (RunEnd::Timeout, 124));
}

#[tokio::test]
async fn a_body_that_panics_fails_its_step() {
    let text = CHAIN.replace("params = { amount = 10 }", "params = { mode = \"panic\" }");
    let outcome = Bench::new().run(&text, false).await;
    assert_eq!((outcome.end, outcome.steps["b"]), (RunEnd::Failed, StepStatus::Failed));
    assert_eq!(outcome.steps["c"], StepStatus::Blocked);
}

#[tokio::test]
async fn a_preview_says_what_a_run_would_skip() {
    let bench = Bench::new();
    let empty = CHAIN.replace("params = { amount = 10 }", "params = { mode = \"empty\" }");
    bench.run(&empty, false).await;
    let frozen = bench.freeze(&empty).await;
    let previews = preview(Arc::new(frozen), &bench.setting()).await.unwrap();
    assert!(matches!(previews[1].1, Preview::Hit { .. }), "{previews:?}");
    assert!(matches!(previews[2].1, Preview::Skipped { .. }), "{previews:?}");
}

#[tokio::test]
async fn a_condition_reads_a_renamed_output() {
    let text = CHAIN
        .replace(
            "uses = \"toy.add@1\"\n[[step]]\nid = \"b\"",
            "uses = \"toy.add@1\"\nout = { total = \"sum\" }\n[[step]]\nid = \"b\"",
        )
        .replace("number = \"a.sum\"", "number = \"a.total\"")
        .replace("params = { amount = 10 }", "when = { expr = \"a.total.value == 1\" }");
    assert_eq!(Bench::new().run(&text, false).await.end, RunEnd::Ok);
}

#[tokio::test]
async fn too_little_data_skips_what_follows() {
    let empty = CHAIN.replace("params = { amount = 10 }", "params = { mode = \"empty\" }");
    let outcome = Bench::new().run(&empty, false).await;
    assert_eq!((outcome.end, outcome.end.exit()), (RunEnd::Skipped, 99));
    assert_eq!(outcome.steps["c"], StepStatus::Skipped);
    let condition =
        CHAIN.replace("params = { amount = 10 }", "when = { expr = \"a.sum.value > 5\" }");
    let outcome = Bench::new().run(&condition, false).await;
    assert_eq!(outcome.end, RunEnd::Skipped);
    assert_eq!(outcome.steps["b"], StepStatus::Skipped);
}

#[tokio::test]
async fn the_plan_covers_what_decides_and_nothing_else() {
    let bench = Bench::new();
    let plain = bench.freeze(CHAIN).await.digest;
    let resources =
        CHAIN.replace("id = \"c\"", "id = \"c\"\ntimeout = \"9h\"\nneeds = { gpu = 1 }");
    assert_eq!(bench.freeze(&resources).await.digest, plain);
    assert_ne!(bench.freeze(&CHAIN.replace("= 10", "= 12")).await.digest, plain);
    let late = CHAIN
        .replace("schema = 1\n", "schema = 1\npartition = { by = \"day\", start = 2027-01-01 }\n");
    let error = freeze(
        parse(&late).unwrap(),
        "2026-11-03".parse().unwrap(),
        BTreeMap::new(),
        &bench.state,
        false,
        async |_: &Alias| Ok(None),
    );
    assert!(error.await.unwrap_err().to_string().contains("starts at 2027-01-01"));
}

#[tokio::test]
async fn an_effect_runs_again_under_another_plan_only() {
    let bench = Bench::new();
    let text =
        CHAIN.replace("id = \"c\"\nuses = \"toy.add@1\"", "id = \"c\"\nuses = \"toy.say@1\"");
    bench.run(&text, false).await;
    assert_eq!(bench.run(&text, false).await.steps["c"], StepStatus::Hit);
    let other = text.replace("name = \"toy\"", "name = \"toy2\"");
    let outcome = bench.run(&other, false).await;
    assert_eq!(outcome.steps["b"], StepStatus::Hit, "pure steps are shared between pipelines");
    assert_eq!(outcome.steps["c"], StepStatus::Done, "effects are not");
}

fn new_run(id: &str, holder: Process) -> NewRun {
    NewRun {
        id: id.to_owned(),
        pipeline: "toy".to_owned(),
        date: "2026-11-03".to_owned(),
        plan: Digest::of(b"plan"),
        holder: Some(holder),
        cause: "a test".to_owned(),
        engine: "local".to_owned(),
    }
}

#[test]
fn a_run_that_died_is_marked_lost_by_the_next() {
    let bench = Bench::new();
    let here = Process::current();
    let gone = Process { pid: u32::MAX, ..here.clone() };
    assert_eq!(bench.state.start_run(new_run("one", gone)).unwrap(), 0);
    assert_eq!(bench.state.start_run(new_run("two", here.clone())).unwrap(), 1);
    assert_eq!(bench.state.start_run(new_run("three", here)).unwrap(), 0, "two is alive");
    let runs = bench.state.runs(Some("toy"), 9).unwrap();
    let words: Vec<_> = runs.iter().map(|r| (r.id.as_str(), r.status.as_str())).collect();
    assert_eq!(words, [("three", "running"), ("two", "running"), ("one", "lost")]);
}

#[test]
fn a_lock_is_held_by_one_and_says_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let lock = Lock::take(folder.path(), "model/fqm", "process 1").unwrap();
    let error = Lock::take(folder.path(), "model/fqm", "process 2").unwrap_err().to_string();
    assert!(error.contains("held by process 1"), "{error}");
    drop(lock);
    Lock::take(folder.path(), "model/fqm", "process 2").unwrap();
}

#[test]
fn a_newer_state_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(State::open(folder.path()).unwrap());
    let file = rusqlite::Connection::open(folder.path().join("state.sqlite")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let error = State::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("version 99") && error.contains("newer"), "{error}");
}

fn times(cron: &str, zone: &str) -> Schedule {
    let text = format!("cron = \"{cron}\"\ntimezone = \"{zone}\"\nmissed = \"all\"\n");
    toml::from_str(&text).unwrap()
}

#[test]
fn daily_runs_keep_their_local_time_over_both_changes_of_a_year() {
    let daily = times("30 2 * * *", "America/New_York");
    let mut at: chrono::DateTime<chrono::Utc> = "2026-03-06T12:00:00Z".parse().unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let next = schedule::next(&daily, at).unwrap();
        seen.push(next.to_rfc3339());
        at = next.with_timezone(&chrono::Utc);
    }
    // On 8 March 02:30 does not exist: the first second after the gap stands in for it.
    assert_eq!(seen[0], "2026-03-07T02:30:00-05:00");
    assert_eq!(seen[1], "2026-03-08T03:00:00-04:00");
    assert_eq!(seen[2], "2026-03-09T02:30:00-04:00");
    let autumn = "2026-10-31T12:00:00Z".parse().unwrap();
    let first = schedule::next(&daily, autumn).unwrap();
    let second = schedule::next(&daily, first.with_timezone(&chrono::Utc)).unwrap();
    assert_eq!(first.to_rfc3339(), "2026-11-01T02:30:00-05:00");
    assert_eq!(second.to_rfc3339(), "2026-11-02T02:30:00-05:00");
    let overlap = times("30 1 * * *", "America/New_York");
    let once = schedule::next(&overlap, autumn).unwrap();
    let next = schedule::next(&overlap, once.with_timezone(&chrono::Utc)).unwrap();
    assert_eq!(next.date_naive().to_string(), "2026-11-02", "an hour that comes twice fires once");
    assert_eq!(schedule::date_of(&once, By::Day).to_string(), "2026-10-31");
}

#[test]
fn missed_occurrences_follow_the_policy() {
    let mut daily = times("30 2 * * *", "UTC");
    let since = "2026-11-01T03:00:00Z".parse().unwrap();
    let now = "2026-11-04T12:00:00Z".parse().unwrap();
    assert_eq!(schedule::missed(&daily, since, now).unwrap().len(), 3);
    daily.start_deadline = Some("6h".parse().unwrap());
    assert!(
        schedule::missed(&daily, since, now).unwrap().is_empty(),
        "nine hours late is too late"
    );
    daily.start_deadline = Some("1d".parse().unwrap());
    assert_eq!(schedule::missed(&daily, since, now).unwrap().len(), 1);
}
