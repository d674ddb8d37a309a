//! What went before a function elsewhere: which functions were called, which words were said.
//!
//! Counts of logged episodes, cross-fitted: what an episode is told never comes from episodes of
//! its own task. A policy that learns from these hints thus meets them in training as it will on
//! tasks that nobody has seen.

use std::collections::{BTreeMap, BTreeSet};

use super::baseline::NextFunction;
use crate::core::Digest;

/// Parts that tasks are dealt to; a task that was counted is told what the other parts say.
const PARTS: usize = 32;
/// A word that is seldom beside a function says little: it counts as if it had been met this often
/// as everywhere else.
const DOUBT: f64 = 4.0;

/// One choice and what stood before it.
pub(crate) struct Moment<'a> {
    /// Functions called so far, in order.
    pub(crate) past: &'a [String],
    /// Words of the user at hand.
    pub(crate) heard: &'a BTreeSet<String>,
    /// Words of the agent's last answer, or of the last result.
    pub(crate) own: &'a BTreeSet<String>,
}

/// What others' episodes say for a function at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hint {
    /// Its probability after the functions called last.
    pub(crate) habit: f64,
    /// How much the user's words speak for it: the mean of their log ratios, times the root of their
    /// number.
    pub(crate) heard: f64,
    /// The same of the agent's own words and of results.
    pub(crate) own: f64,
}

/// Counts of what went before each function in the episodes of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Habits {
    all: Seen,
    parts: BTreeMap<usize, Seen>,
    tasks: BTreeSet<String>,
}

impl Habits {
    /// Counts one choice.
    pub(crate) fn see(&mut self, task: &str, moment: &Moment<'_>, chosen: &str) {
        self.tasks.insert(task.to_owned());
        self.all.see(moment, chosen);
        self.parts.entry(part(task)).or_default().see(moment, chosen);
    }

    /// What the episodes of other tasks say for each of these functions.
    pub(crate) fn hints(&self, task: &str, functions: &[String], at: &Moment<'_>) -> Vec<Hint> {
        let nothing = Seen::default();
        let own = self.tasks.contains(task).then(|| self.parts.get(&part(task))).flatten();
        let own = own.unwrap_or(&nothing);
        let habits = self.all.follows.probabilities(functions, at.past, Some(&own.follows));
        let heard = self.all.words(functions, at.heard, own);
        let own = self.all.words(functions, at.own, own);
        let all = habits.into_iter().zip(heard).zip(own);
        all.map(|((habit, heard), own)| Hint { habit, heard, own }).collect()
    }
}

fn part(task: &str) -> usize {
    let digest = Digest::of(task.as_bytes());
    digest.bytes().first().map_or(0, |byte| usize::from(*byte) % PARTS)
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    follows: NextFunction,
    /// How often each word stood before each function.
    beside: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Seen {
    fn see(&mut self, moment: &Moment<'_>, chosen: &str) {
        self.follows.see(moment.past, chosen);
        for word in moment.heard.union(moment.own) {
            let beside = self.beside.entry(word.clone()).or_default();
            *beside.entry(chosen.to_owned()).or_default() += 1;
        }
    }

    /// For each function the sum over the words of log P(word | function) / P(word), divided by the
    /// root of their number, since words that stand together repeat each other.
    fn words(&self, functions: &[String], words: &BTreeSet<String>, own: &Self) -> Vec<f64> {
        let choices: Vec<f64> =
            functions.iter().map(|f| self.follows.times(f) - own.follows.times(f)).collect();
        let all: f64 = choices.iter().sum();
        let mut sums = vec![0.0; functions.len()];
        for word in words {
            let count = |seen: &Self, f: &String| {
                let beside = seen.beside.get(word);
                beside.and_then(|b| b.get(f)).map_or(0.0, |n| *n as f64)
            };
            let counts: Vec<f64> =
                functions.iter().map(|f| count(self, f) - count(own, f)).collect();
            let share = counts.iter().sum::<f64>() / all.max(1.0);
            if share <= 0.0 {
                continue;
            }
            for ((sum, count), chosen) in sums.iter_mut().zip(&counts).zip(&choices) {
                *sum += ((count + DOUBT * share) / ((chosen + DOUBT) * share)).ln();
            }
        }
        let root = (words.len().max(1) as f64).sqrt();
        sums.into_iter().map(|sum| sum / root).collect()
    }
}
