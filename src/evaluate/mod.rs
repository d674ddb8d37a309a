//! Plays agents on fresh evaluation levels and compares them pair by pair.
//!
//! [`plan_evaluation`] draws levels that no log was ever played on, [`evaluate`] plays all of them
//! in lockstep, [`compare`] joins two agents' plays of the same levels and seeds. For people who test
//! agents, [`draw_grades`] draws by family, level and challenge, [`play_parallel`] plays on several
//! threads, and [`ArenaRun`] sums up any number of agents side by side, their failures grouped.

mod adversary;
mod agents;
mod arena;
mod compare;
mod curriculum;
mod draw;
mod error;
mod failure;
mod groups;
mod interval;
mod mastery;
mod parallel;
mod plan;
mod play;
mod result;
mod safety;

pub use adversary::{Found, SearchParams, Tried, break_agent};
pub use agents::{AGENTS, AgentSpec, PolicyAt, Spent, UnknownAgent, play_parallel};
pub use arena::{
    AgentRun, ArenaRun, CallsClass, CallsSpread, RUN_SCHEMA, RunRequest, ScoreRow, family_rows,
    level_rows, run_schema,
};
pub use compare::{PairedReport, PairedRow, Score, compare, mean_efficiency, score};
pub use curriculum::{Advance, Curriculum, Grade, Move, Progress, Thresholds, at_most};
pub use draw::{Grades, draw_grades, draw_levels, stressed};
pub use error::EvaluateError;
pub use failure::Failure;
pub use groups::{FailureExample, FailureGroup, failure_groups};
pub use interval::{Interval, Z95, wilson};
pub use mastery::{Mastery, TargetStanding, mastery, mastery_for, standings};
pub use plan::{
    EvalItem, EvalLevel, date_seed, plan_evaluation, plan_level, seed_ledger, without_repeats,
};
pub use play::{Trace, calls_of, evaluate, play_levels};
pub use result::{EpisodeResult, efficiency};
pub use safety::{Safety, plan_safety};

#[cfg(test)]
mod tests;
