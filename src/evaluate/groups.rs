//! The failures of an agent, grouped by what they have in common, each group with examples.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::play::Trace;

/// Examples that a group keeps.
const EXAMPLES: usize = 3;

/// Plays that failed alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureGroup {
    /// The pattern.
    pub failure: Failure,
    /// What it turned on: the function that was forbidden, failed, went round in circles
    /// or left nothing to call, or what the goal still lacked.
    pub about: String,
    /// Plays that failed so.
    pub plays: u64,
    /// The same by grade, `family/level.challenge`.
    pub grades: BTreeMap<String, u64>,
    /// Some of the plays, with fewest calls first.
    pub examples: Vec<FailureExample>,
}

/// A play that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureExample {
    /// The level, as `quest play` and `quest show` take it.
    pub level: String,
    /// Seed of the outcomes drawn in the play.
    pub play_seed: u64,
    /// Share of the goal that held at the end, in \[0, 1\].
    pub goal_progress: f64,
    /// The calls made, with `#outcome` where it is not the first one.
    pub calls: Vec<String>,
}

/// Groups the failed plays by pattern and what it turned on, commonest first.
pub fn failure_groups(traces: &[Trace]) -> Vec<FailureGroup> {
    let mut groups: BTreeMap<(Failure, &str), Vec<&Trace>> = BTreeMap::new();
    for trace in traces {
        if let Some(failure) = trace.result.failure {
            groups.entry((failure, &trace.about)).or_default().push(trace);
        }
    }
    let mut found: Vec<_> = groups.into_iter().map(|(key, members)| group(key, members)).collect();
    // The sort is stable, so that equal groups keep the order of patterns and names.
    found.sort_by_key(|group| std::cmp::Reverse(group.plays));
    found
}

fn group((failure, about): (Failure, &str), mut members: Vec<&Trace>) -> FailureGroup {
    let mut grades = BTreeMap::new();
    for play in members.iter().map(|trace| &trace.result) {
        let grade = format!("{}/{}.{}", play.family, play.level, play.challenge);
        *grades.entry(grade).or_insert(0) += 1;
    }
    let plays = members.len() as u64;
    members.sort_by_key(|trace| trace.calls.len());
    let examples = members.into_iter().take(EXAMPLES).map(|trace| FailureExample {
        level: trace.level.clone(),
        play_seed: trace.result.play_seed,
        goal_progress: trace.result.goal_progress,
        calls: trace.calls.clone(),
    });
    FailureGroup { failure, about: about.to_owned(), plays, grades, examples: examples.collect() }
}
