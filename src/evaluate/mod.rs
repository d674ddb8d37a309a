//! Plays agents on fresh evaluation levels and compares them pair by pair.
//!
//! [`plan_evaluation`] draws levels that no log was ever played on, [`evaluate`] plays all of them
//! in lockstep, [`compare`] joins two agents' plays of the same levels and seeds.

mod compare;
mod draw;
mod error;
mod interval;
mod mastery;
mod plan;
mod play;
mod result;

pub use compare::{PairedReport, PairedRow, Score, compare, mean_efficiency, score};
pub use draw::draw_levels;
pub use error::EvaluateError;
pub use interval::{Interval, Z95, wilson};
pub use mastery::{MASTERY_EFFICIENCY, MASTERY_STREAK, MASTERY_SUCCESS, Mastery, mastery};
pub use plan::{EvalItem, EvalLevel, date_seed, plan_evaluation, seed_ledger};
pub use play::evaluate;
pub use result::{EpisodeResult, Failure, efficiency};

#[cfg(test)]
mod tests;
