//! Follows a run on the terminal: progress bars where a person looks, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::output;
use crate::pipeline::{Event, Observer, StepStatus};

/// The console observer.
pub(super) struct Console {
    bars: Option<MultiProgress>,
    open: BTreeMap<String, ProgressBar>,
}

impl Console {
    /// A console that draws bars only where standard error is a terminal.
    pub(super) fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, open: BTreeMap::new() }
    }

    fn line(&self, line: &str) {
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
            Event::RunEnded { .. } => (),
            Event::StepEnded { step, status, note, millis, .. } => {
                self.ended(step, *status, note.as_deref(), *millis);
            }
        }
    }
}
