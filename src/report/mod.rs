//! The run report: what a person reads at eight in the morning.
//!
//! One self-contained HTML page per run (no script, nothing loaded from elsewhere), the same as
//! JSON, a closing summary for the terminal, and an index of runs. The room knows nothing of the
//! others: whoever runs a night fills a [`RunReport`] with plain values. Equal reports give equal
//! bytes, because neither the clock nor the machine is asked for anything.

mod actions;
mod arena;
mod charts;
mod format;
mod html;
mod index;
mod json;
mod markup;
mod model;
mod sections;
mod summary;
#[cfg(test)]
mod tests;

pub use arena::{ArenaAgent, ArenaFailure, ArenaPairs, ArenaRate, ArenaReport, ArenaTarget};
pub use index::{RunSummary, index_html};
pub use json::ReportError;
pub use model::{
    ClassRates, CurvePoint, DatasetCard, DecisionNumber, DecisionReport, EvaluationReport,
    FailurePattern, HistoryNight, IngestReport, Interval, NextFunction, NotALog, REPORT_FORMAT,
    Rates, RunReport, RunStatus, SafetyReport, StepReport, StepStatus, TrainingReport, VolumeNight,
    WaterfallRow,
};
pub use summary::summary_text;
