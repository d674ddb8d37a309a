//! Levels under stress: the same task in a world that is harder to work in, certified anew. What an
//! agent loses on them says how much it leaned on names, luck, or one way of doing things.

mod rename;
#[cfg(test)]
mod tests;
mod twists;

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::level::{Level, Source};
use super::planner::{SolveLimits, certify_with_slack};
use crate::core::rng;

/// Calls over twice the minimum that a stressed level allows.
const SLACK: u32 = 4;
/// Limit of calls until the minimum is known.
const PROVISIONAL_CALLS: u32 = 100_000;
/// What certifying a stressed level may cost.
const LIMITS: SolveLimits = SolveLimits {
    greedy_states: 5_000,
    astar_states: 20_000,
    memory: 256 << 20,
    ..SolveLimits::breadth_first(5_000)
};

/// What is made harder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stress {
    /// Everything has a name that means nothing, in another order, and no description.
    Renamed,
    /// Functions that do nothing for the goal stand among the others, and can always be called.
    Distractors,
    /// Every call fails one time in five and changes nothing then.
    Failing,
    /// Calls that ended at once take two further calls to end.
    Delayed,
    /// A function that the best plan uses is gone, and there is another way.
    Missing,
    /// A function needs the leave of another one first, which no training has seen.
    Unseen,
    /// One time in four a call gives back something poor, which counts for nothing.
    Noisy,
}

impl Stress {
    /// All of them, in the order of their names in reports.
    pub const ALL: [Self; 7] = [
        Self::Renamed,
        Self::Distractors,
        Self::Failing,
        Self::Delayed,
        Self::Missing,
        Self::Unseen,
        Self::Noisy,
    ];

    /// Its name, as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Renamed => "renamed",
            Self::Distractors => "distractors",
            Self::Failing => "failing",
            Self::Delayed => "delayed",
            Self::Missing => "missing",
            Self::Unseen => "unseen",
            Self::Noisy => "noisy",
        }
    }

    /// The level under this stress, certified; None where it cannot be brought on this level, or
    /// leaves it without a way that can be proven shortest. The same level gives the same.
    ///
    /// Its family is the stress, so that results are grouped by it, and its id says how it is made
    /// again: `courier/2.1@77~failing`.
    pub fn on(self, level: &Level) -> Option<Level> {
        let mut dice = rng(0, &format!("quest/stress/{self}/{}", level.content_digest()));
        self.variants(level, &mut dice).into_iter().find_map(|mut made| {
            made.id = format!("{}~{self}", level.name());
            made.family = format!("~{self}");
            made.source = Source { seed: None, ..level.source.clone() };
            made.reference = None;
            made.split = None;
            // The limit follows from the new minimum.
            made.limits.max_calls = PROVISIONAL_CALLS;
            // Reading it again sorts what has no order under the new names.
            let made = Level::from_json(&made.to_json()).ok()?;
            certify_with_slack(made, &LIMITS, SLACK).ok()
        })
    }

    /// Candidates, of which the first that can be certified is taken.
    fn variants(self, level: &Level, dice: &mut ChaCha8Rng) -> Vec<Level> {
        match self {
            Self::Renamed => vec![rename::renamed(level, dice)],
            Self::Distractors => vec![twists::distracted(level, dice)],
            Self::Failing => twists::failing(level).into_iter().collect(),
            Self::Delayed => twists::delayed(level).into_iter().collect(),
            Self::Missing => twists::without_one(level, dice),
            Self::Unseen => twists::asking_leave(level, dice),
            Self::Noisy => twists::noisy(level).into_iter().collect(),
        }
    }
}

impl fmt::Display for Stress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no stress.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("know the stress `{0}`; write one of {names}", names = Stress::ALL.map(Stress::name).join(", "))]
pub struct UnknownStress(String);

impl FromStr for Stress {
    type Err = UnknownStress;

    fn from_str(text: &str) -> Result<Self, UnknownStress> {
        Self::ALL
            .into_iter()
            .find(|s| s.name() == text)
            .ok_or_else(|| UnknownStress(text.to_owned()))
    }
}
