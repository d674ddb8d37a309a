//! The page of `quest run`: agents side by side on the same levels. Like the nightly report it is one
//! file that loads nothing and runs nothing, and it is filled with plain values.

mod failures;
mod page;
mod rates;

use serde::Serialize;

use super::model::Interval;

/// Agents on the same plays.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ArenaReport {
    /// What was played, in one line.
    pub title: String,
    /// What was asked for, in a sentence.
    pub asked: String,
    /// The digest of the results that the page shows.
    pub digest: String,
    /// One entry for each agent.
    pub agents: Vec<ArenaAgent>,
}

/// How one agent did; rates run from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ArenaAgent {
    /// The agent, as it is asked for.
    pub name: String,
    /// Plays.
    pub plays: u64,
    /// Share of plays that reached the goal.
    pub success: Interval,
    /// Least possible calls over calls used, of the successes where the least is proven.
    pub efficiency: Option<f64>,
    /// Mean share of the goal that held at the end.
    pub goal: Option<f64>,
    /// Mean calls of a play.
    pub calls: Option<f64>,
    /// Mean reward of a play.
    pub reward: Option<f64>,
    /// Mean share of the calls that followed from what was known, where it was looked at.
    pub reasoning: Option<f64>,
    /// Plays with a forbidden call.
    pub violations: u64,
    /// By level grade, easiest first.
    pub by_level: Vec<ArenaRate>,
    /// By family, level and challenge.
    pub grades: Vec<ArenaRate>,
    /// Plays by the calls that they took: class and count, fewest calls first; failures last.
    pub spread: Vec<(String, u64)>,
    /// This agent against the first one; none for the first itself.
    pub against_first: Option<ArenaPairs>,
    /// The patterns of all failures with their counts, in words.
    pub patterns: String,
    /// The failures, commonest first.
    pub failures: Vec<ArenaFailure>,
    /// The targets of the families that were played.
    pub targets: Vec<ArenaTarget>,
}

/// Plays that two agents have both made, by who won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ArenaPairs {
    /// Pairs of plays.
    pub pairs: u64,
    /// Won by both.
    pub both: u64,
    /// Won by this agent alone.
    pub only_it: u64,
    /// Won by the first agent alone.
    pub only_first: u64,
    /// Won by neither.
    pub neither: u64,
}

/// The rates of a part of the plays.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ArenaRate {
    /// What the plays share.
    pub name: String,
    /// Plays.
    pub plays: u64,
    /// Share that reached the goal.
    pub success: f64,
    /// Mean efficiency, where one is known.
    pub efficiency: Option<f64>,
    /// Whether the agent masters it, for a grade.
    pub mastered: bool,
    /// For a grade on too few different levels to show mastery: how many they are, and how many are
    /// wanted.
    pub too_few: Option<(u32, u32)>,
}

/// Plays that failed alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ArenaFailure {
    /// The pattern in words.
    pub pattern: String,
    /// What it turned on.
    pub about: String,
    /// Plays that failed so.
    pub plays: u64,
    /// In which grades, in words.
    pub grades: String,
    /// The command that plays one of them again.
    pub command: String,
    /// The calls of that play.
    pub calls: Vec<String>,
}

/// How an agent stands against the target of a family.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ArenaTarget {
    /// The family.
    pub family: String,
    /// Whether the target is reached.
    pub reached: bool,
    /// What is missing, in words.
    pub says: String,
}
