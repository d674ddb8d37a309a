//! Which grades an agent masters, and which targets it therefore reaches.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compare::{Score, score};
use super::result::EpisodeResult;
use crate::quest::{Suite, Target};

/// How an agent stands on one grade of one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mastery {
    /// Family.
    pub family: String,
    /// Level grade.
    pub level: u32,
    /// Challenge.
    pub challenge: u32,
    /// The score there.
    pub score: Score,
    /// The longest run of successes, in the order played.
    pub streak: u32,
    /// Different levels among the plays.
    #[serde(default)]
    pub levels: u32,
    /// The fewest different levels on which mastery can be shown: as many as the target wants
    /// successes in a row.
    #[serde(default)]
    pub levels_wanted: u32,
    /// Whether success, efficiency (where one is known) and the run of successes are as the
    /// family's target wants, on enough different levels: playing one level again shows that level
    /// to be mastered and not its grade.
    pub mastered: bool,
}

impl Mastery {
    /// Whether too few different levels were played to show mastery, whatever came of them.
    pub fn too_few(&self) -> bool {
        self.levels < self.levels_wanted
    }
}

/// How an agent stands against the target of one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetStanding {
    /// Family.
    pub family: String,
    /// Every challenge of every level up to this one must be mastered.
    pub level: u32,
    /// Grades up to there that are mastered.
    pub mastered: u32,
    /// Grades that are played often enough but not mastered, such as `3.2`.
    pub missed: Vec<String>,
    /// Grades that are played on too few different levels to show mastery.
    #[serde(default)]
    pub too_few: Vec<String>,
    /// Grades that were not played.
    pub unplayed: Vec<String>,
    /// Whether nothing is missed, played too little or unplayed.
    pub reached: bool,
}

/// Mastery of each grade in the results, by family, level and challenge, against the target that
/// each family has unless it says another.
pub fn mastery(results: &[EpisodeResult]) -> Vec<Mastery> {
    mastery_for(results, |_| Target::default())
}

/// As [`mastery`], with the target of each family.
pub fn mastery_for(results: &[EpisodeResult], target: impl Fn(&str) -> Target) -> Vec<Mastery> {
    let mut grades: BTreeMap<(String, u32, u32), Vec<&EpisodeResult>> = BTreeMap::new();
    for result in results {
        let grade = (result.family.clone(), result.level, result.challenge);
        grades.entry(grade).or_default().push(result);
    }
    let of = |(grade, plays): (_, Vec<_>)| of_grade(grade, &plays, &target);
    grades.into_iter().map(of).collect()
}

/// How the mastered grades stand against the targets of the suite's families that were played.
pub fn standings(grades: &[Mastery], suite: &Suite) -> Vec<TargetStanding> {
    let known = suite.all_families();
    let played = known.iter().filter(|f| grades.iter().any(|g| g.family == **f));
    played.filter_map(|family| standing(family, grades, suite)).collect()
}

fn standing(family: &str, grades: &[Mastery], suite: &Suite) -> Option<TargetStanding> {
    let target = &suite.declaration(family)?.target;
    let mut found = TargetStanding {
        family: family.to_owned(),
        level: target.level,
        mastered: 0,
        missed: Vec::new(),
        too_few: Vec::new(),
        unplayed: Vec::new(),
        reached: false,
    };
    for (level, challenge) in suite.grades(family).into_iter().filter(|g| g.0 <= target.level) {
        let here =
            |g: &&Mastery| (g.family.as_str(), g.level, g.challenge) == (family, level, challenge);
        match grades.iter().find(here) {
            Some(grade) if grade.mastered => found.mastered += 1,
            Some(grade) if grade.too_few() => {
                found.too_few.push(format!("{level}.{challenge}"));
            }
            Some(_) => found.missed.push(format!("{level}.{challenge}")),
            None => found.unplayed.push(format!("{level}.{challenge}")),
        }
    }
    found.reached =
        found.missed.is_empty() && found.too_few.is_empty() && found.unplayed.is_empty();
    Some(found)
}

fn of_grade(
    (family, level, challenge): (String, u32, u32),
    plays: &[&EpisodeResult],
    target: &impl Fn(&str) -> Target,
) -> Mastery {
    let target = target(&family);
    let score = score(plays.iter().copied());
    let streak = longest_streak(plays);
    let often = score.success.is_some_and(|rate| rate.estimate >= target.success);
    // A mean of ten times 0.8 comes out a rounding error below 0.8, and is meant to do.
    let short = score.efficiency.is_none_or(|e| e >= target.efficiency - 1e-9);
    let digests: BTreeSet<_> = plays.iter().map(|play| play.digest).collect();
    let levels = u32::try_from(digests.len()).unwrap_or(u32::MAX);
    let levels_wanted = target.in_a_row;
    let mastered = often && short && streak >= target.in_a_row && levels >= levels_wanted;
    Mastery { family, level, challenge, score, streak, levels, levels_wanted, mastered }
}

fn longest_streak(plays: &[&EpisodeResult]) -> u32 {
    let (mut now, mut longest) = (0, 0);
    for play in plays {
        now = if play.success { now + 1 } else { 0 };
        longest = longest.max(now);
    }
    longest
}
