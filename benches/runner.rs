//! What the runner itself costs: steps that do nothing, run and then all cached, in a workspace on a
//! local disk with the durability of a real night (SQLite in WAL mode, synchronous FULL). The last
//! line is what one such commit costs on this disk, below which no step can go that commits once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use fqm_pipe::core::{Alias, Blobs, Digest};
use fqm_pipe::pipeline::{
    Body, Catalog, Frozen, InPort, Kind, Options, OutPort, Pipeline, Place, RunEnd, State,
    StepContext, StepFailure, StepResult, StepStatus, Takes, freeze, params_of, run, schema_of,
};
use fqm_pipe::workspace::Workspace;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

/// Steps of a pipeline.
const STEPS: usize = 200;

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

/// `STEPS` steps: each after the one before it, or all after the first.
fn text(chain: bool) -> String {
    let mut text = "schema = 1\nname = \"bench\"\n".to_owned();
    for i in 0..STEPS {
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
    catalog: Arc<Toys>,
    frozen: Frozen,
}

impl Night {
    async fn new(text: &str) -> Self {
        let folder = folder();
        std::fs::write(folder.path().join("fqm.toml"), "schema = 1\nname = \"bench\"\n").unwrap();
        let workspace = Workspace::open(folder.path(), |_| None).unwrap();
        let state = State::open(&workspace.state).unwrap();
        let blobs = Blobs::new(workspace.open_store().unwrap());
        let digest = blobs.put(Bytes::from_static(b"nothing")).await.unwrap();
        let catalog = Arc::new(Toys(digest));
        let pipeline = Pipeline::parse("pipelines/bench.toml", text, catalog.as_ref()).unwrap();
        let date = "2026-01-15".parse().unwrap();
        let resolve = async |_: &Alias| Ok(None);
        let frozen = freeze(pipeline, date, BTreeMap::new(), &state, true, resolve).await.unwrap();
        Self { _folder: folder, workspace, state, blobs, catalog, frozen }
    }

    /// Runs the plan and returns how long it took; every step must end as told.
    async fn run(&self, ends: StepStatus) -> Duration {
        let options = Options { jobs: 2, force: false, program: Vec::new(), variables: Vec::new() };
        let catalog: Arc<dyn Catalog> = self.catalog.clone();
        let (state, workspace, blobs) = (&self.state, &self.workspace, &self.blobs);
        let begin = Instant::now();
        let outcome =
            run(&self.frozen, options, catalog, state, workspace, blobs, &mut Vec::new()).await;
        let took = begin.elapsed();
        let outcome = outcome.unwrap();
        assert_eq!(outcome.end, RunEnd::Ok);
        assert_eq!(outcome.steps.len(), STEPS);
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
        let text = text(chain);
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
    group.throughput(Throughput::Elements(1)).sample_size(50);
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

criterion_group!(benches, runner);
criterion_main!(benches);
