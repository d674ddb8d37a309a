//! Follows a run on the terminal: progress bars where a person looks, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::output;
use crate::pipeline::{Event, Observer, StepStatus};

/// What is said while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// A line for whatever happens, and bars where a person looks.
    Lines,
    /// What went wrong, and what a person must answer.
    Quiet,
    /// Every event as JSON.
    Events,
}

/// The console observer.
pub(super) struct Console {
    manner: Manner,
    label: Option<String>,
    bars: Option<MultiProgress>,
    open: BTreeMap<String, ProgressBar>,
}

impl Console {
    /// A console that draws bars only where standard error is a terminal.
    pub(super) fn new(manner: Manner) -> Self {
        let bars = manner == Manner::Lines && std::io::stderr().is_terminal();
        Self { manner, label: None, bars: bars.then(MultiProgress::new), open: BTreeMap::new() }
    }

    /// The same for one of several runs side by side: each line says which, and there are no bars.
    pub(super) fn labelled(self, label: Option<String>) -> Self {
        let bars = if label.is_some() { None } else { self.bars };
        Self { label, bars, ..self }
    }

    fn line(&self, line: &str) {
        let labelled = self.label.as_ref().map(|label| format!("{label} {line}"));
        let line = labelled.as_deref().unwrap_or(line);
        match &self.bars {
            Some(bars) => drop(bars.println(line)),
            None => output::talk(line),
        }
    }

    fn begin(&mut self, step: &str) {
        let Some(bars) = &self.bars else { return };
        let style = ProgressStyle::with_template(
            "  {spinner} {prefix:12} {wide_bar} {pos}/{len} {msg} {elapsed}, {eta} to go",
        );
        let bar = bars.add(ProgressBar::new(0)).with_prefix(step.to_owned());
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        if let Some(old) = self.open.insert(step.to_owned(), bar) {
            old.finish_and_clear();
        }
    }

    fn progress(&self, step: &str, done: u64, total: Option<u64>, unit: &str) {
        if let Some(bar) = self.open.get(step) {
            bar.set_length(total.unwrap_or(done));
            bar.set_position(done);
            bar.set_message(unit.to_owned());
        }
    }

    /// The loss beside the bar, where there is one.
    fn metric(&self, step: &str, values: &BTreeMap<String, f64>) {
        if let (Some(bar), Some(loss)) = (self.open.get(step), values.get("loss")) {
            bar.set_message(format!("loss {loss:.3}"));
        }
    }

    fn ended(&mut self, step: &str, status: StepStatus, note: Option<&str>, millis: u64) {
        if let Some(bar) = self.open.remove(step) {
            bar.finish_and_clear();
        }
        let seconds = millis as f64 / 1000.0;
        let note = match (status, note) {
            (StepStatus::Hit, _) | (_, None) => String::new(),
            (_, Some(note)) => format!("  {note}"),
        };
        self.line(&format!("  {:8} {step:12} {seconds:7.1} s{note}", status.word()));
    }
}

impl Observer for Console {
    fn on(&mut self, event: &Event) {
        match self.manner {
            Manner::Lines => self.tell(event),
            Manner::Quiet if is_trouble(event) => self.tell(event),
            Manner::Quiet => (),
            Manner::Events => {
                let line = serde_json::to_string(event).unwrap_or_default();
                output::talk(&line);
            }
        }
    }
}

/// Whether somebody who wants no talk must be told.
fn is_trouble(event: &Event) -> bool {
    match event {
        Event::Waiting { .. } | Event::Warning { .. } => true,
        Event::StepEnded { status, .. } => {
            matches!(status, StepStatus::Failed | StepStatus::Interrupted)
        }
        _ => false,
    }
}

impl Console {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::RunStarted { run, pipeline, date, .. } => {
                self.line(&format!("{pipeline} {date}  (run {run})"));
            }
            Event::StepStarted { step, attempt, reason } => {
                let again =
                    if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                self.line(&format!("  start    {step:12} {reason}{again}"));
                self.begin(step);
            }
            Event::Progress { step, done, total, unit } => self.progress(step, *done, *total, unit),
            Event::Log { step, line } if step.is_empty() => self.line(&format!("  {line}")),
            Event::Log { step, line } => self.line(&format!("           {step:12} {line}")),
            Event::Metric { step, values, .. } => self.metric(step, values),
            Event::Waiting { step, question } => {
                self.line(&format!("  waiting  {step:12} {question}"));
            }
            Event::Warning { step, message } => {
                self.line(&format!("  warning  {step:12} {message}"));
            }
            Event::RunEnded { .. } | Event::Usage { .. } => (),
            Event::StepEnded { step, status, note, millis, .. } => {
                self.ended(step, *status, note.as_deref(), *millis);
            }
        }
    }
}
