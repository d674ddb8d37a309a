//! `fqm-pipe plan --resources`: what a run will take, judged by what its steps have taken, beside what the
//! pipeline says that it should take at most.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::error::CliError;
use super::gc;
use super::open::Opened;
use super::output::{self, counted};
use crate::pipeline::{Budget, Frozen, Preview};

/// How many past runs of a step an estimate rests on, at most.
const RUNS: usize = 10;

/// What a step will take.
#[derive(Default, Serialize)]
struct Estimate {
    step: String,
    /// `hit`, `miss`, `unknown`, …: a hit takes nothing.
    plan: &'static str,
    /// How many past runs it rests on; with none nothing is known.
    runs: usize,
    /// The median, in seconds.
    seconds: f64,
    /// The median CPU time, of steps in a process of their own.
    cpu_seconds: Option<f64>,
    /// The most memory, of such steps.
    peak_bytes: Option<u64>,
    gpus: u32,
}

/// What a run will take beside what it should take at most.
#[derive(Serialize)]
struct Whole {
    /// Along the longest chain of steps.
    seconds: f64,
    cpu_seconds: f64,
    gpu_seconds: f64,
    peak_bytes: u64,
    /// What the outputs of its latest run hold, with all that they name.
    disk_bytes: u64,
    cost: f64,
    /// What is over the budget.
    over: Vec<String>,
}

pub(super) async fn run(
    opened: &Opened,
    frozen: &Frozen,
    previews: &[(String, Preview)],
    as_json: bool,
) -> Result<i32, CliError> {
    let mut estimates = Vec::new();
    for (spec, (step, preview)) in frozen.pipeline.steps.iter().zip(previews) {
        let past = opened.state.costs(&frozen.pipeline.name, step, RUNS)?;
        let mut estimate = Estimate {
            step: step.clone(),
            plan: word(preview),
            runs: past.len(),
            gpus: spec.needs.gpu,
            ..Estimate::default()
        };
        if !matches!(preview, Preview::Hit { .. } | Preview::Skipped { .. }) {
            estimate.seconds = median(past.iter().map(|(millis, _)| *millis as f64 / 1000.0));
            let used: Vec<_> = past.iter().filter_map(|(_, usage)| *usage).collect();
            if !used.is_empty() {
                estimate.cpu_seconds = Some(median(used.iter().map(|u| u.cpu_seconds)));
                estimate.peak_bytes = used.iter().map(|u| u.peak_bytes).max();
            }
        }
        estimates.push(estimate);
    }
    let whole = whole(opened, frozen, &estimates).await?;
    if as_json {
        output::json(&json!({ "steps": estimates, "run": whole }))?;
    } else {
        tell(&estimates, &whole);
    }
    Ok(if whole.over.is_empty() { 0 } else { 4 })
}

fn word(preview: &Preview) -> &'static str {
    match preview {
        Preview::Hit { .. } => "hit",
        Preview::Miss { .. } => "miss",
        Preview::Unknown { .. } => "unknown",
        Preview::Skipped { .. } => "skipped",
        Preview::Error { .. } => "error",
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

async fn whole(
    opened: &Opened,
    frozen: &Frozen,
    estimates: &[Estimate],
) -> Result<Whole, CliError> {
    let budget = frozen.pipeline.budget.clone().unwrap_or_default();
    // A step that runs here uses what it takes: CPU time is not counted apart from time.
    let cpu = |e: &Estimate| e.cpu_seconds.unwrap_or(e.seconds);
    let cpu_seconds: f64 = estimates.iter().map(cpu).sum();
    let gpu_seconds: f64 = estimates.iter().map(|e| e.seconds * f64::from(e.gpus)).sum();
    let mut whole = Whole {
        seconds: longest(frozen, estimates),
        cpu_seconds,
        gpu_seconds,
        peak_bytes: estimates.iter().filter_map(|e| e.peak_bytes).max().unwrap_or(0),
        disk_bytes: disk(opened, frozen).await?,
        cost: cpu_seconds / 3600.0 * budget.cpu_hour + gpu_seconds / 3600.0 * budget.gpu_hour,
        over: Vec::new(),
    };
    whole.over = over(&budget, &whole);
    Ok(whole)
}

/// The time of the longest chain: no number of steps side by side is faster.
fn longest(frozen: &Frozen, estimates: &[Estimate]) -> f64 {
    let seconds: BTreeMap<&str, f64> =
        estimates.iter().map(|e| (e.step.as_str(), e.seconds)).collect();
    let mut ends: BTreeMap<&str, f64> = BTreeMap::new();
    // A step may stand before what it needs in the file, so this goes round as often as it must.
    for _ in &frozen.pipeline.steps {
        for step in &frozen.pipeline.steps {
            let up = step.upstream();
            let begin = up.iter().map(|id| ends.get(id.as_str()).copied().unwrap_or(0.0));
            let begin = begin.fold(0.0, f64::max);
            let own = seconds.get(step.id.as_str()).copied().unwrap_or(0.0);
            ends.insert(&step.id, begin + own);
        }
    }
    ends.into_values().fold(0.0, f64::max)
}

async fn disk(opened: &Opened, frozen: &Frozen) -> Result<u64, CliError> {
    let runs = opened.state.runs(Some(&frozen.pipeline.name), 100)?;
    let ended = runs.iter().find(|run| matches!(run.status.as_str(), "ok" | "skipped"));
    let Some(run) = ended else { return Ok(0) };
    let steps = opened.state.steps(&run.id)?;
    let outputs: Vec<_> =
        steps.iter().flat_map(|s| s.outputs.values()).map(|artifact| artifact.digest).collect();
    let mut bytes = 0;
    for digest in gc::marked(&opened.blobs, &outputs).await? {
        if opened.blobs.exists(&digest).await? {
            bytes += opened.blobs.size(&digest).await?;
        }
    }
    Ok(bytes)
}

fn over(budget: &Budget, whole: &Whole) -> Vec<String> {
    let mut over = Vec::new();
    if let Some(time) = budget.time.filter(|time| whole.seconds > time.0.as_secs_f64()) {
        over.push(format!("time {} > {}", clock(whole.seconds), clock(time.0.as_secs_f64())));
    }
    if let Some(memory) = budget.memory.filter(|memory| whole.peak_bytes > memory.0) {
        over.push(format!("memory {} > {}", size(whole.peak_bytes), size(memory.0)));
    }
    if let Some(disk) = budget.disk.filter(|disk| whole.disk_bytes > disk.0) {
        over.push(format!("disk {} > {}", size(whole.disk_bytes), size(disk.0)));
    }
    if let Some(cost) = budget.cost.filter(|cost| whole.cost > *cost) {
        over.push(format!("cost {:.2} > {cost:.2}", whole.cost));
    }
    over
}

fn tell(estimates: &[Estimate], whole: &Whole) {
    let mut rows =
        vec![["STEP", "PLAN", "TIME", "CPU", "MEMORY", "RUNS"].map(String::from).to_vec()];
    for estimate in estimates {
        let known = estimate.runs > 0;
        rows.push(vec![
            estimate.step.clone(),
            estimate.plan.to_owned(),
            if known { clock(estimate.seconds) } else { "not known".to_owned() },
            estimate.cpu_seconds.map_or("-".to_owned(), clock),
            estimate.peak_bytes.map_or("-".to_owned(), size),
            estimate.runs.to_string(),
        ]);
    }
    output::data(&output::table(&rows));
    // A step that has never run would be counted as if it took nothing.
    let not_known = estimates.iter().filter(|e| e.runs == 0 && e.plan != "hit").count();
    let without = match not_known {
        0 => String::new(),
        n => format!(
            " without {}:",
            counted(n, "step that is not known", "steps that are not known")
        ),
    };
    output::data(&format!(
        "\nin all{without} {}, CPU {}, memory {}, disk {}, cost {:.2}",
        clock(whole.seconds),
        clock(whole.cpu_seconds),
        size(whole.peak_bytes),
        size(whole.disk_bytes),
        whole.cost
    ));
    for over in &whole.over {
        output::data(&format!("over the budget: {over}"));
    }
}

fn clock(seconds: f64) -> String {
    match seconds {
        s if s >= 3600.0 => format!("{:.1} h", s / 3600.0),
        s if s >= 60.0 => format!("{:.1} min", s / 60.0),
        s => format!("{s:.1} s"),
    }
}

fn size(bytes: u64) -> String {
    match bytes as f64 {
        b if b >= f64::from(1 << 30) => format!("{:.1} GiB", b / f64::from(1 << 30)),
        b => format!("{:.1} MiB", b / f64::from(1 << 20)),
    }
}
