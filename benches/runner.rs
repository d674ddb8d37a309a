//! What the runner itself costs: steps that do nothing, run and then all cached, in a workspace on a
//! local disk with the durability of a real night (SQLite in WAL mode, synchronous FULL). When a run is
//! over, its results and events are in the database. The last lines are what a step in a process of its
//! own costs, and what one commit of one row costs on this disk.
//!
//! With `--lines` it prints what `benches/overhead.py` compares with other runners instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group};
use fqm_pipe::core::{Alias, Blobs, Digest};
use fqm_pipe::pipeline::{
    Body, Catalog, Frozen, InPort, Kind, Options, OutPort, Pipeline, Place, Programs, RunEnd,
    Setting, State, StepContext, StepFailure, StepResult, StepStatus, Takes, Usage, freeze,
    params_of, run, schema_of,
};
use fqm_pipe::workspace::Workspace;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

/// Steps of a pipeline.
const STEPS: usize = 10_000;

/// Parameters only so that the steps of a fan differ, as a cache needs.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    number: u64,
}

const NOTHING: Kind = Kind {
    name: "bench.nothing",
    version: 1,
    summary: "does nothing",
    inputs: &[InPort { name: "after", takes: Takes::Artifact("nothing"), optional: true }],
    outputs: &[OutPort { name: "out", makes: "nothing" }],
    place: Place::Here,
    effect: false,
    params: params_of::<Params>,
    schema: schema_of::<Params>,
};

/// Gives back a blob that is there already.
struct Nothing(Digest);

#[async_trait]
impl Body for Nothing {
    async fn run(&self, _: &StepContext) -> Result<StepResult, StepFailure> {
        Ok(StepResult::one("out", self.0, [("rows", 0)]))
    }
}

struct Toys(Digest);

impl Catalog for Toys {
    fn kinds(&self) -> &[Kind] {
        &[NOTHING]
    }
    fn body(&self, _: &str) -> Option<Arc<dyn Body>> {
        Some(Arc::new(Nothing(self.0)))
    }
}

/// So many steps: each after the one before it, or all after the first.
fn text(chain: bool, steps: usize) -> String {
    let mut text = "schema = 1\nname = \"bench\"\n".to_owned();
    for i in 0..steps {
        writeln!(text, "[[step]]\nid = \"s{i}\"\nuses = \"bench.nothing@1\"").unwrap();
        writeln!(text, "params = {{ number = {i} }}").unwrap();
        if i > 0 {
            let before = if chain { i - 1 } else { 0 };
            writeln!(text, "in = {{ after = \"s{before}.out\" }}").unwrap();
        }
    }
    text
}

/// A folder beside the build: that for temporary files may lie in memory, where nothing is durable.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A fresh workspace, planned but not run.
struct Night {
    _folder: tempfile::TempDir,
    workspace: Workspace,
    state: State,
    blobs: Blobs,
    catalog: Arc<dyn Catalog>,
    frozen: Arc<Frozen>,
}

impl Night {
    /// A chain of steps that `fqm-pipe` itself runs, each in a process of its own.
    async fn isolated(steps: usize) -> Self {
        let text = text(true, steps).replace("bench.nothing@1", "probe.run@1");
        let text = text.replace("after = \"s", "first = \"s").replace(".out\"", ".probe\"");
        let text = text.replace("params = { number", "isolate = true\nparams = { rows");
        Self::with(&text, Arc::new(fqm_pipe::steps::here())).await
    }

    async fn new(text: &str) -> Self {
        Self::with(text, Arc::new(Toys(Digest::of(b"nothing")))).await
    }

    async fn with(text: &str, catalog: Arc<dyn Catalog>) -> Self {
        let folder = folder();
        std::fs::write(folder.path().join("fqm.toml"), "schema = 1\nname = \"bench\"\n").unwrap();
        let workspace = Workspace::open(folder.path(), |_| None).unwrap();
        let state = State::open(&workspace.state).unwrap();
        let blobs = Blobs::new(workspace.open_store().unwrap());
        blobs.put(Bytes::from_static(b"nothing")).await.unwrap();
        let pipeline = Pipeline::parse("pipelines/bench.toml", text, catalog.as_ref()).unwrap();
        let date = "2026-01-15".parse().unwrap();
        let resolve = async |_: &Alias| Ok(None);
        let frozen = freeze(pipeline, date, BTreeMap::new(), &state, true, resolve).await.unwrap();
        Self { _folder: folder, workspace, state, blobs, catalog, frozen: Arc::new(frozen) }
    }

    /// Runs the plan and returns how long it took; every step must end as told.
    async fn run(&self, ends: StepStatus) -> Duration {
        self.run_with(ends, std::path::PathBuf::new()).await
    }

    async fn run_with(&self, ends: StepStatus, own: std::path::PathBuf) -> Duration {
        let programs = Programs { own: vec![own], ..Programs::default() };
        let options = Options { programs, ..Options::default() };
        let (state, workspace, blobs) = (&self.state, &self.workspace, &self.blobs);
        let setting = Setting { catalog: self.catalog.clone(), state, workspace, blobs };
        let begin = Instant::now();
        let outcome = run(self.frozen.clone(), options, &setting, Vec::new()).await;
        let took = begin.elapsed();
        let outcome = outcome.unwrap();
        assert_eq!(outcome.end, RunEnd::Ok);
        assert_eq!(outcome.steps.len(), self.frozen.plan.steps.len());
        assert!(outcome.steps.values().all(|s| *s == ends), "{:?}", outcome.steps);
        took
    }
}

fn runner(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("runner");
    group.throughput(Throughput::Elements(STEPS as u64)).sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(10));
    for (shape, chain) in [("chain", true), ("fan", false)] {
        let text = text(chain, STEPS);
        group.bench_function(format!("{STEPS} no-op steps, {shape}"), |b| {
            b.iter_custom(|rounds| {
                runtime.block_on(async {
                    let mut took = Duration::ZERO;
                    for _ in 0..rounds {
                        took += Night::new(&text).await.run(StepStatus::Done).await;
                    }
                    took
                })
            });
        });
        group.bench_function(format!("{STEPS} no-op steps, {shape}, cached"), |b| {
            let night = runtime.block_on(async {
                let night = Night::new(&text).await;
                night.run(StepStatus::Done).await;
                night
            });
            b.iter_custom(|rounds| {
                runtime.block_on(async {
                    let mut took = Duration::ZERO;
                    for _ in 0..rounds {
                        took += night.run(StepStatus::Hit).await;
                    }
                    took
                })
            });
        });
    }
    group.bench_function(format!("{STEPS} no-op steps, planning to resume"), |b| {
        let night = runtime.block_on(async {
            let night = Night::new(&text(false, STEPS)).await;
            night.run(StepStatus::Done).await;
            night
        });
        b.iter(|| {
            let digest = night.frozen.digest.to_string();
            let frozen = Frozen::load(&night.state, &digest).unwrap();
            assert_eq!(frozen.plan.steps.len(), STEPS);
            frozen
        });
    });
    group.throughput(Throughput::Elements(1)).sample_size(50);
    group.bench_function("a no-op step in a child of fqm-pipe", |b| {
        let program = std::path::PathBuf::from(env!("CARGO_BIN_EXE_fqm-pipe"));
        let steps = 20;
        b.iter_custom(|rounds| {
            runtime.block_on(async {
                let mut took = Duration::ZERO;
                for _ in 0..rounds {
                    let night = Night::isolated(steps).await;
                    took += night.run_with(StepStatus::Done, program.clone()).await;
                }
                took / steps as u32
            })
        });
    });
    group.bench_function("floor: one commit of one row", |b| {
        let folder = folder();
        let database = Connection::open(folder.path().join("floor.sqlite")).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database.pragma_update(None, "synchronous", "FULL").unwrap();
        database.execute("CREATE TABLE rows (text TEXT NOT NULL) STRICT", ()).unwrap();
        b.iter(|| database.execute("INSERT INTO rows VALUES ('done')", ()).unwrap());
    });
    group.finish();
}

/// Prints a line of JSON for each shape and size: seconds by the clock and of CPU, of a run and of the
/// same once more, all cached.
#[expect(clippy::disallowed_macros, reason = "benches/overhead.py reads what it prints")]
fn lines() {
    let runtime = Runtime::new().unwrap();
    for steps in [1, 1, 1, 100, 100, 100, 10_000, 10_000, 10_000] {
        for (shape, chain) in [("chain", true), ("fan", false)] {
            runtime.block_on(async {
                let night = Night::new(&text(chain, steps)).await;
                let cpu = cpu_seconds();
                let seconds = night.run(StepStatus::Done).await.as_secs_f64();
                let cpu = cpu_seconds() - cpu;
                let cached_seconds = night.run(StepStatus::Hit).await.as_secs_f64();
                println!(
                    "{}",
                    serde_json::json!({ "shape": shape, "steps": steps, "seconds": seconds,
                        "cpu": cpu, "cached_seconds": cached_seconds })
                );
            });
        }
    }
}

fn cpu_seconds() -> f64 {
    Usage::of_this_process().cpu_seconds
}

criterion_group!(benches, runner);

fn main() {
    if std::env::args().any(|argument| argument == "--lines") {
        return lines();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
