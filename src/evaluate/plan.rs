//! Which levels an evaluation plays, with which seeds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::draw::draw_levels;
use super::error::EvaluateError;
use crate::core::{Digest, LogicalDate, derive_seed};
use crate::quest::{Level, Split, Suite};

/// One play of one level: enough to make the level again and to play it alike. A list of these is
/// the seed ledger of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalItem {
    /// Family of the level.
    pub family: String,
    /// Level grade.
    pub level: u32,
    /// Challenge within the level grade.
    pub challenge: u32,
    /// Seed from which the suite generates the level.
    pub level_seed: u64,
    /// Seed of the outcomes drawn in the play.
    pub play_seed: u64,
    /// Content digest of the level.
    pub digest: Digest,
}

/// A planned play with its level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalLevel {
    /// What is played.
    pub item: EvalItem,
    /// The level itself.
    pub level: Level,
}

/// The seed of one date's evaluation: every night has fresh levels, and the same night the same.
pub fn date_seed(seed: u64, date: LogicalDate) -> u64 {
    derive_seed(seed, &format!("evaluation/{date}"))
}

/// Draws up to `pairs` levels of the evaluation split, spread evenly over the grades of the families, one
/// play each. No level grades or no families means all. Every level is drawn once, so no pair is
/// clustered with another. The order ([`draw_levels`]) is that of play and of betting.
///
/// # Errors
/// When the suite lacks a family asked for, nothing fits the request, or a draw fails.
pub fn plan_evaluation(
    suite: &Suite,
    families: &[String],
    levels: &[u32],
    date_seed: u64,
    pairs: usize,
) -> Result<Vec<EvalLevel>, EvaluateError> {
    let drawn = draw_levels(suite, Split::Evaluation, families, levels, date_seed, pairs)?;
    Ok(drawn.into_iter().map(|level| plan_level(level, date_seed, 0)).collect())
}

/// What an agent has to play that draws none of its calls: of a level without chance the first play
/// alone, for every further one would be the same again and no evidence of its own.
pub fn without_repeats(plays: &[EvalLevel]) -> Vec<EvalLevel> {
    let mut seen = BTreeSet::new();
    let new = |play: &&EvalLevel| play.level.is_stochastic() || seen.insert(play.item.digest);
    plays.iter().filter(new).cloned().collect()
}

/// The seeds that an evaluation spent, in the order played.
pub fn seed_ledger(plan: &[EvalLevel]) -> Vec<EvalItem> {
    plan.iter().map(|planned| planned.item.clone()).collect()
}

/// Plans the `nth` play of a level, counted from 0: each has outcomes of its own.
pub fn plan_level(level: Level, seed: u64, nth: u64) -> EvalLevel {
    let digest = level.content_digest();
    let label = if nth == 0 { format!("play/{digest}") } else { format!("play/{digest}/{nth}") };
    let item = EvalItem {
        family: level.family.clone(),
        level: level.level,
        challenge: level.challenge,
        level_seed: level.source.seed.unwrap_or_default(),
        play_seed: derive_seed(seed, &label),
        digest,
    };
    EvalLevel { item, level }
}
