//! What Prometheus reads: the latest run of each pipeline, its steps and the facts of their outputs, from
//! the state. Text format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::{Shared, timetable};
use crate::cli::error::CliError;
use crate::cli::status;
use crate::pipeline::{Event, Pipeline, RunRow, schedule};

/// A family of samples: its type and help, and the samples by their labels.
struct Family {
    kind: &'static str,
    help: &'static str,
    samples: Vec<(String, f64)>,
}

#[derive(Default)]
struct Page(BTreeMap<&'static str, Family>);

impl Page {
    fn add(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: f64) {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let family =
            self.0.entry(name).or_insert_with(|| Family { kind, help, samples: Vec::new() });
        let labels = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        family.samples.push((labels.collect::<Vec<_>>().join(","), value));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.0 {
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {}", family.help, family.kind);
            for (labels, value) in &family.samples {
                let labels =
                    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        }
        text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The page of all metrics.
pub(super) fn metrics(shared: &Shared) -> Result<String, CliError> {
    let mut page = Page::default();
    let tick = shared.tick.load(Ordering::Relaxed) as f64;
    let help = "When the daemon last looked around.";
    page.add("fqm_daemon_tick_timestamp_seconds", help, &[], tick);
    let pipelines = shared.timetable.lock().map(|all| all.clone()).unwrap_or_default();
    for pipeline in &pipelines {
        one(shared, &mut page, pipeline)?;
    }
    Ok(page.text())
}

fn one(shared: &Shared, page: &mut Page, pipeline: &Pipeline) -> Result<(), CliError> {
    let name = [("pipeline", pipeline.name.as_str())];
    let mut runs = shared.state.runs(Some(&pipeline.name), 10_000)?;
    status::mark_lost(&mut runs);
    let seconds = |at: DateTime<Utc>| at.timestamp_millis() as f64 / 1000.0;
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.status != "running") {
        *totals.entry(run.status.as_str()).or_default() += 1.0;
    }
    for (status, total) in totals {
        let labels = [name[0], ("status", status)];
        page.add("fqm_runs_total", "Runs that have ended, by how.", &labels, total);
    }
    let running = runs.iter().find(|run| run.status == "running");
    let is_running = f64::from(u8::from(running.is_some()));
    page.add("fqm_run_running", "Whether a run goes on.", &name, is_running);
    let waiting = running.map_or(Ok(0.0), |run| waiting(shared, run))?;
    page.add("fqm_steps_waiting", "Steps that wait for a person.", &name, waiting);
    let late = f64::from(u8::from(timetable::late(&shared.state, pipeline).is_some()));
    page.add("fqm_late", "Whether the last date is not done by [run] fresh_by.", &name, late);
    if let Some(times) = &pipeline.schedule
        && let Ok(next) = schedule::next(times, Utc::now())
    {
        let help = "When the schedule fires next.";
        page.add("fqm_schedule_next_timestamp_seconds", help, &name, next.timestamp() as f64);
    }
    let well = |run: &&RunRow| matches!(run.exit, Some(0 | 99));
    if let Some(ended) = runs.iter().find(well).and_then(|run| run.ended) {
        let help = "When the latest run ended that ended well.";
        page.add("fqm_run_success_timestamp_seconds", help, &name, seconds(ended));
    }
    let Some(run) = runs.iter().find(|run| run.ended.is_some()) else { return Ok(()) };
    if let (Some(ended), Some(exit)) = (run.ended, run.exit) {
        let took = seconds(ended) - seconds(run.started);
        page.add("fqm_run_exit_code", "The exit code of the latest run.", &name, f64::from(exit));
        page.add("fqm_run_duration_seconds", "How long the latest run took.", &name, took);
        let help = "When the latest run ended.";
        page.add("fqm_run_end_timestamp_seconds", help, &name, seconds(ended));
    }
    steps(shared, page, &pipeline.name, &run.id)
}

/// Steps of a run that have asked and were not answered.
fn waiting(shared: &Shared, run: &RunRow) -> Result<f64, CliError> {
    let events = shared.state.events(&run.id, None)?;
    let mut waiting = std::collections::BTreeSet::new();
    for row in &events {
        match &row.event {
            Event::Waiting { step, .. } => drop(waiting.insert(step.as_str())),
            Event::StepStarted { step, .. } | Event::StepEnded { step, .. } => {
                waiting.remove(step.as_str());
            }
            _ => (),
        }
    }
    Ok(waiting.len() as f64)
}

fn steps(shared: &Shared, page: &mut Page, pipeline: &str, run: &str) -> Result<(), CliError> {
    for step in shared.state.steps(run)? {
        let labels = [("pipeline", pipeline), ("step", step.step.as_str())];
        let status = [labels[0], labels[1], ("status", step.status.as_str())];
        page.add("fqm_step_status", "How the step ended.", &status, 1.0);
        if let Some(ended) = step.ended {
            let took = (ended - step.started).num_milliseconds() as f64 / 1000.0;
            page.add("fqm_step_duration_seconds", "How long the step took.", &labels, took);
        }
        if let Some(usage) = step.usage {
            let help = "CPU time of the step's own process.";
            page.add("fqm_step_cpu_seconds", help, &labels, usage.cpu_seconds);
            let help = "The most memory that the step's own process held.";
            page.add("fqm_step_peak_bytes", help, &labels, usage.peak_bytes as f64);
        }
        for (output, artifact) in &step.outputs {
            for (fact, value) in &artifact.facts {
                if let Some(value) = value.as_f64() {
                    let more = [labels[0], labels[1], ("output", output), ("fact", fact)];
                    page.add("fqm_fact", "A number among the facts of an output.", &more, value);
                }
            }
        }
    }
    Ok(())
}
