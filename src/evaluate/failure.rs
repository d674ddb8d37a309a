//! Why a play failed, told from what happened in it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quest::{CallId, Play};

/// The pattern of a failed play. Where several fit, the first of this list holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The play itself could not go on: the agent gave no usable choice.
    Error,
    /// A forbidden call was made.
    Forbidden,
    /// Nothing was left to call but what is forbidden, and the goal was not reached.
    DeadEnd,
    /// At least half of the calls came back as failed.
    FailedOutcomes,
    /// At least half of the calls led back to a state of the play seen before.
    Loop,
    /// The second half of the calls brought nothing new: no fact that had not been true before, and
    /// no more of the goal.
    Stuck,
    /// The calls ran out while the play was still moving.
    RanOut,
}

impl Failure {
    /// The pattern in words, as reports show it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Error => "no usable choice",
            Self::Forbidden => "forbidden call",
            Self::DeadEnd => "dead end",
            Self::FailedOutcomes => "calls that fail",
            Self::Loop => "loop",
            Self::Stuck => "stuck",
            Self::RanOut => "ran out of calls",
        }
    }
}

/// What is noted during a play, so that a failure can be told apart afterwards.
pub(super) struct Diary {
    /// States seen, as [`state_of`] has them.
    seen: BTreeSet<Vec<u64>>,
    /// Calls that led back to a state seen before.
    back: Vec<CallId>,
    /// Facts that were true at some time, as a bit set.
    ever: Vec<u64>,
    /// The largest share of the goal so far.
    best: f64,
    /// The number of the last call that brought something new; 0 where none has.
    new_at: u32,
}

impl Diary {
    pub(super) fn open(play: &Play) -> Self {
        Self {
            seen: BTreeSet::from([state_of(play)]),
            back: Vec::new(),
            ever: play.bits().to_vec(),
            best: play.goal_progress(),
            new_at: 0,
        }
    }

    /// Notes what the call that was just made has brought.
    pub(super) fn note(&mut self, play: &Play, call: CallId) {
        if !self.seen.insert(state_of(play)) {
            self.back.push(call);
        }
        let mut new = false;
        for (ever, now) in self.ever.iter_mut().zip(play.bits()) {
            new |= now & !*ever != 0;
            *ever |= now;
        }
        if play.goal_progress() > self.best {
            self.best = play.goal_progress();
            new = true;
        }
        if new {
            self.new_at = play.calls_used();
        }
    }

    /// The pattern of a play that ended without reaching the goal, and what it turned on: the names
    /// of functions, or of what the goal still lacks; empty where there is nothing to name.
    pub(super) fn diagnose(&self, play: &Play) -> (Failure, String) {
        let calls = play.calls_used();
        let failed = failed_calls(play);
        if play.violated() {
            (Failure::Forbidden, last_function(play))
        } else if play.allowed().next().is_none() {
            (Failure::DeadEnd, last_function(play))
        } else if !failed.is_empty() && failed.len() * 2 >= calls as usize {
            (Failure::FailedOutcomes, commonest(failed))
        } else if self.back.len() * 2 >= calls as usize {
            (Failure::Loop, commonest(self.back.iter().map(|c| function_of(play, *c).to_owned())))
        } else if self.new_at * 2 <= calls {
            (Failure::Stuck, lacking(play))
        } else {
            (Failure::RanOut, lacking(play))
        }
    }
}

/// What tells one state from another: the facts, and the fluents that a level declares. Hidden
/// counters of usage (`calls(f)`, `cooldown(f)`) never return, so they would hide every loop.
fn state_of(play: &Play) -> Vec<u64> {
    let mut state = play.bits().to_vec();
    for (fluent, value) in play.world().fluents().iter().zip(play.fluents()) {
        if !fluent.name.contains('(') {
            state.push(value.cast_unsigned());
        }
    }
    state
}

fn function_of(play: &Play, call: CallId) -> &str {
    let world = play.world();
    let function = world.calls().get(call as usize).and_then(|c| world.functions().get(c.function));
    function.map_or("", |f| f.name.as_str())
}

fn last_function(play: &Play) -> String {
    play.history().last().map_or_else(String::new, |(call, _)| function_of(play, *call).to_owned())
}

/// The calls whose outcome counts as failed, by `function#outcome`.
fn failed_calls(play: &Play) -> Vec<String> {
    let failed = play.history().iter().filter_map(|&(call, outcome)| {
        let outcome = play.world().calls().get(call as usize)?.outcomes.get(outcome)?;
        let name = outcome.name.as_deref().unwrap_or("failed");
        outcome.failed.then(|| format!("{}#{name}", function_of(play, call)))
    });
    failed.collect()
}

/// The text that comes most often, of equals the first by name; empty where there is none.
fn commonest(texts: impl IntoIterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_insert(0) += 1;
    }
    // Of equal counts the last of the reversed order wins: the first by name.
    let most = counts.into_iter().rev().max_by_key(|(_, n)| *n);
    most.map_or_else(String::new, |(text, _)| text)
}

/// The predicates and fluents of the parts of the goal that do not hold.
fn lacking(play: &Play) -> String {
    let world = play.world();
    let predicate = |fact: u32| {
        let fact = world.facts().get(fact as usize)?;
        Some(world.predicates().get(fact.predicate)?.name.as_str())
    };
    let missing = world.goal_true().iter().filter(|f| !play.is_true(**f));
    let left = world.goal_false().iter().filter(|f| play.is_true(**f));
    let short = world.goal_num().iter().filter(|t| !t.holds(play.fluents()));
    let short = short.filter_map(|t| world.fluents().get(t.fluent).map(|f| f.name.as_str()));
    let names: BTreeSet<&str> =
        missing.chain(left).filter_map(|f| predicate(*f)).chain(short).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
