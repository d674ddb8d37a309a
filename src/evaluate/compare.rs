//! Two agents on the same levels: by level, by family and overall.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::interval::{Interval, Z95, wilson};
use super::result::EpisodeResult;

/// How one agent did on some plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// Plays.
    pub episodes: u64,
    /// Plays that reached the goal.
    pub successes: u64,
    /// The success rate with its 95 % Wilson interval; absent without plays.
    pub success: Option<Interval>,
    /// Mean efficiency of the successes where the minimum is proven; absent where there are none.
    pub efficiency: Option<f64>,
    /// Mean reward of a play; absent without plays.
    pub reward: Option<f64>,
    /// Mean share of the goal that held at the end; absent without plays.
    pub goal_progress: Option<f64>,
    /// Mean number of calls of a play; absent without plays.
    #[serde(default)]
    pub calls: Option<f64>,
    /// Mean quality of the reasoning, of the plays where it was looked at; absent where it was not.
    #[serde(default)]
    pub reasoning: Option<f64>,
    /// Plays in which a forbidden call was made.
    #[serde(default)]
    pub violations: u64,
    /// How often each pattern of failure was seen.
    pub failures: BTreeMap<Failure, u64>,
}

/// Champion and challenger on the same plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairedRow {
    /// What the row is about: `overall`, a family, `level 2`, or `family/level/challenge`.
    pub name: String,
    /// Plays that both have.
    pub pairs: u64,
    /// The champion's score on them.
    pub champion: Score,
    /// The challenger's score on them.
    pub challenger: Score,
    /// Pairs that only the champion solved.
    pub champion_only: u64,
    /// Pairs that only the challenger solved.
    pub challenger_only: u64,
}

/// The paired results of one evaluation, cut in three ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairedReport {
    /// Format of this record: `fqm-paired/1`.
    pub schema: String,
    /// All pairs.
    pub overall: PairedRow,
    /// By level grade, in rising order.
    pub by_level: Vec<PairedRow>,
    /// By family, by name.
    pub by_family: Vec<PairedRow>,
    /// Plays that one side lacks, and that stand in no row.
    pub unpaired: u64,
}

/// Mean efficiency of the successes where one is known; None where there are none.
pub fn mean_efficiency<'a>(results: impl IntoIterator<Item = &'a EpisodeResult>) -> Option<f64> {
    let known = results.into_iter().filter(|r| r.success).filter_map(|r| r.efficiency);
    mean(known)
}

/// The score of one agent on the given plays.
pub fn score<'a>(results: impl IntoIterator<Item = &'a EpisodeResult>) -> Score {
    let results: Vec<&EpisodeResult> = results.into_iter().collect();
    let episodes = results.len() as u64;
    let successes = results.iter().filter(|r| r.success).count() as u64;
    let mut failures = BTreeMap::new();
    for failure in results.iter().filter_map(|r| r.failure) {
        *failures.entry(failure).or_insert(0) += 1;
    }
    Score {
        episodes,
        successes,
        success: wilson(successes, episodes, Z95),
        efficiency: mean_efficiency(results.iter().copied()),
        reward: mean(results.iter().map(|r| r.reward)),
        goal_progress: mean(results.iter().map(|r| r.goal_progress)),
        calls: mean(results.iter().map(|r| f64::from(r.calls))),
        reasoning: mean(results.iter().filter_map(|r| r.reasoning)),
        violations: results.iter().filter(|r| r.violated).count() as u64,
        failures,
    }
}

/// Pairs the two agents' plays by level and play seed and reports them by level, by family and
/// overall. The order of the pairs is the challenger's.
pub fn compare(champion: &[EpisodeResult], challenger: &[EpisodeResult]) -> PairedReport {
    let mut others: BTreeMap<_, &EpisodeResult> = BTreeMap::new();
    for result in champion {
        others.entry(result.pair_key()).or_insert(result);
    }
    let pairs: Vec<Pair> = challenger
        .iter()
        .filter_map(|mine| others.remove(&mine.pair_key()).map(|theirs| (theirs, mine)))
        .collect();
    let unpaired = (champion.len() + challenger.len() - 2 * pairs.len()) as u64;
    PairedReport {
        schema: "fqm-paired/1".to_owned(),
        overall: row("overall".to_owned(), &pairs),
        by_level: rows(&pairs, |r| r.level, |level| format!("level {level}")),
        by_family: rows(&pairs, |r| r.family.clone(), Clone::clone),
        unpaired,
    }
}

type Pair<'a> = (&'a EpisodeResult, &'a EpisodeResult);

fn rows<K: Ord>(
    pairs: &[Pair],
    key: impl Fn(&EpisodeResult) -> K,
    name: impl Fn(&K) -> String,
) -> Vec<PairedRow> {
    let mut groups: BTreeMap<K, Vec<Pair>> = BTreeMap::new();
    for pair in pairs {
        groups.entry(key(pair.1)).or_default().push(*pair);
    }
    groups.iter().map(|(key, members)| row(name(key), members)).collect()
}

fn row(name: String, pairs: &[Pair]) -> PairedRow {
    let only = |wanted: (bool, bool)| {
        pairs.iter().filter(|(a, b)| (a.success, b.success) == wanted).count() as u64
    };
    PairedRow {
        name,
        pairs: pairs.len() as u64,
        champion: score(pairs.iter().map(|pair| pair.0)),
        challenger: score(pairs.iter().map(|pair| pair.1)),
        champion_only: only((true, false)),
        challenger_only: only((false, true)),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), v| (sum + v, count + 1));
    (count > 0).then(|| sum / count as f64)
}
