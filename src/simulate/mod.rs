//! Plays days of orchestration and writes them as native logs, so that a pipeline has something
//! honest to work on: behaviour agents of different quality, feedback with noise, and a known
//! number of repeated lines, copied episodes, fake secrets, fake personal data and broken lines.
//!
//! A day is `<date>/part-000.jsonl`, `<date>/part-001.jsonl.gz` and `<date>/_truth.json`, which
//! says what was injected. The same parameters give the same bytes. Levels come from the train
//! split only, so that nothing a policy learns from here is ever used to judge it.

mod behaviour;
mod clock;
mod correct;
mod day;
mod error;
mod fakes;
mod feedback;
mod lines;
mod params;
mod record;
mod truth;

pub use behaviour::PolicyAgent;
pub use day::{Sink, simulate};
pub use error::SimulateError;
pub use fakes::{FakeKind, FakeValue, injections};
pub use params::{Curriculum, DayPlan, InjectionParams, Mix, SimulateParams};
pub use truth::{AgentTruth, BrokenKind, DayTruth, FileTruth, InjectedValue, Place, TRUTH_SCHEMA};

#[cfg(test)]
mod tests;
