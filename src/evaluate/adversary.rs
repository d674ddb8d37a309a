//! Adversarial search: levels that break an agent.
//!
//! Grades, plain and under each stress, are the arms of a bandit. Each round tries levels where
//! Thompson sampling (Thompson, Biometrika 1933) expects most failures, so the search leaves alone
//! what the agent can do and digs where it fails.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curriculum::Grade;
use super::error::EvaluateError;
use super::plan::{EvalLevel, plan_level};
use super::play::play_levels;
use super::result::EpisodeResult;
use crate::core::{derive_seed, rng};
use crate::quest::{Agent, Level, Split, Stress, Suite, SuiteError};

/// How hard to search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SearchParams {
    /// Levels that are tried.
    pub tries: usize,
    /// Rounds that they are spread over; each learns from those before it.
    pub rounds: usize,
    /// Most levels that are kept, the worst failures first.
    pub keep: usize,
    /// Most levels that are kept of one grade and stress, so that they are not all alike.
    pub keep_alike: usize,
    /// Efficiency below which a success counts as broken too.
    pub efficiency: f64,
    /// Whether levels are tried under stress too.
    pub stress: bool,
    /// Seed of all draws.
    pub seed: u64,
}

impl Default for SearchParams {
    fn default() -> Self {
        Self {
            tries: 240,
            rounds: 4,
            keep: 40,
            keep_alike: 4,
            efficiency: 0.8,
            stress: true,
            seed: 0,
        }
    }
}

/// Where to search: a family, a grade, and what makes its levels harder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arm {
    family: String,
    grade: Grade,
    stress: Option<Stress>,
}

impl Arm {
    /// As people ask for such levels: `courier/2.1~failing`.
    fn name(&self) -> String {
        let (level, challenge) = self.grade;
        let stress = self.stress.map(|s| format!("~{s}")).unwrap_or_default();
        format!("{}/{level}.{challenge}{stress}", self.family)
    }

    /// `n` levels of this kind; fewer where not every level can be put under the stress.
    fn draw(&self, suite: &Suite, seed: u64, n: usize) -> Result<Vec<Level>, EvaluateError> {
        let (level, challenge) = self.grade;
        let draw = |n| suite.draw(&self.family, level, challenge, Split::Train, seed, n);
        let drawn = match draw(n) {
            Err(SuiteError::Exhausted { found: 0, .. }) => Ok(Vec::new()),
            Err(SuiteError::Exhausted { found, .. }) => draw(found),
            other => other,
        };
        let levels = drawn.map_err(|source| EvaluateError::Draw {
            family: self.family.clone(),
            level,
            challenge,
            source,
        })?;
        Ok(match self.stress {
            Some(stress) => levels.iter().filter_map(|level| stress.on(level)).collect(),
            None => levels,
        })
    }
}

/// What came of a kind of levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Levels tried.
    pub tried: u64,
    /// Those that broke the agent.
    pub broken: u64,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Levels that broke the agent, the worst first.
    pub levels: Vec<Level>,
    /// By kind, such as `courier/2.1~failing`.
    pub kinds: BTreeMap<String, Tried>,
}

/// Searches the training levels of these grades for some that break the agent.
///
/// # Errors
/// When a level cannot be drawn or played.
pub fn break_agent(
    agent: &mut dyn Agent,
    suite: &Suite,
    grades: &[(String, Grade)],
    params: &SearchParams,
) -> Result<Found, EvaluateError> {
    let mut search = Search::new(grades, params);
    for round in 0..params.rounds.max(1) {
        if search.arms.is_empty() {
            break;
        }
        search.round(agent, suite, round)?;
    }
    Ok(search.found())
}

struct Search<'a> {
    params: &'a SearchParams,
    arms: Vec<(Arm, Tried)>,
    broken: Vec<(f64, usize, Level)>,
    dice: ChaCha8Rng,
}

impl<'a> Search<'a> {
    fn new(grades: &[(String, Grade)], params: &'a SearchParams) -> Self {
        let mut stresses = vec![None];
        if params.stress {
            stresses.extend(Stress::ALL.map(Some));
        }
        let arm = |(family, grade): &(String, Grade), stress| {
            (Arm { family: family.clone(), grade: *grade, stress }, Tried::default())
        };
        let arms = grades.iter().flat_map(|g| stresses.iter().map(move |s| arm(g, *s))).collect();
        Self { params, arms, broken: Vec::new(), dice: rng(params.seed, "adversary") }
    }

    fn round(
        &mut self,
        agent: &mut dyn Agent,
        suite: &Suite,
        round: usize,
    ) -> Result<(), EvaluateError> {
        let mut wanted: BTreeMap<usize, usize> = BTreeMap::new();
        for _ in 0..self.params.tries / self.params.rounds.max(1) {
            *wanted.entry(self.promising()).or_default() += 1;
        }
        let mut plays: Vec<(usize, EvalLevel)> = Vec::new();
        for (at, n) in wanted {
            let Some((arm, _)) = self.arms.get(at) else { continue };
            let seed = derive_seed(self.params.seed, &format!("{}/{round}", arm.name()));
            let levels = arm.draw(suite, seed, n)?;
            plays.extend(levels.into_iter().map(|level| (at, plan_level(level, seed, 0))));
        }
        let levels: Vec<EvalLevel> = plays.iter().map(|(_, level)| level.clone()).collect();
        let traces = play_levels(agent, &levels)?;
        for ((at, planned), trace) in plays.into_iter().zip(traces) {
            let harm = self.harm(&trace.result);
            let Some((_, tried)) = self.arms.get_mut(at) else { continue };
            tried.tried += 1;
            if let Some(harm) = harm {
                tried.broken += 1;
                self.broken.push((harm, at, planned.level));
            }
        }
        Ok(())
    }

    /// The arm whose share of failures, drawn from what is known of it, is the largest.
    fn promising(&mut self) -> usize {
        let mut best = (0, f64::NEG_INFINITY);
        for (at, (_, tried)) in self.arms.iter().enumerate() {
            let won = tried.tried - tried.broken;
            let share = beta(&mut self.dice, 1 + tried.broken, 1 + won);
            if share > best.1 {
                best = (at, share);
            }
        }
        best.0
    }

    /// How badly a play went: 1 and more for a failure, else what is lacking in efficiency; None
    /// where it went well.
    fn harm(&self, result: &EpisodeResult) -> Option<f64> {
        if !result.success {
            return Some(2.0 - result.goal_progress);
        }
        let lacking = 1.0 - result.efficiency?;
        (lacking > 1.0 - self.params.efficiency + 1e-9).then_some(lacking)
    }

    fn found(mut self) -> Found {
        let id = |level: &Level| level.content_digest();
        self.broken.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| id(&a.2).cmp(&id(&b.2))));
        let mut alike: BTreeMap<usize, usize> = BTreeMap::new();
        let mut levels = Vec::new();
        for (_, at, level) in self.broken {
            let count = alike.entry(at).or_default();
            if *count < self.params.keep_alike && levels.len() < self.params.keep {
                *count += 1;
                levels.push(level);
            }
        }
        let tried = self.arms.into_iter().filter(|(_, tried)| tried.tried > 0);
        Found { levels, kinds: tried.map(|(arm, tried)| (arm.name(), tried)).collect() }
    }
}

/// A draw from the beta distribution with whole parameters: the a-th smallest of a + b − 1 uniform
/// draws.
fn beta(dice: &mut ChaCha8Rng, a: u64, b: u64) -> f64 {
    let count = usize::try_from(a + b - 1).unwrap_or(usize::MAX);
    let mut draws: Vec<f64> = (0..count).map(|_| dice.random_range(0.0..1.0)).collect();
    draws.sort_by(f64::total_cmp);
    draws.get(usize::try_from(a - 1).unwrap_or(0)).copied().unwrap_or(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quest::{Expert, Random, SolveLimits};

    fn params() -> SearchParams {
        SearchParams { tries: 24, rounds: 3, keep: 6, stress: false, ..SearchParams::default() }
    }

    #[test]
    fn the_search_digs_where_an_agent_fails() {
        let suite = Suite::builtin();
        let grades = [("courier".to_owned(), (1, 1)), ("courier".to_owned(), (4, 1))];
        let mut random = Random::new(3);
        let found = break_agent(&mut random, &suite, &grades, &params()).unwrap();
        assert!(!found.levels.is_empty() && found.levels.len() <= 6);
        let tried: u64 = found.kinds.values().map(|t| t.tried).sum();
        assert_eq!(tried, 24);
        let again = break_agent(&mut Random::new(3), &suite, &grades, &params()).unwrap();
        assert_eq!(found, again);
    }

    #[test]
    fn nothing_breaks_an_expert() {
        let suite = Suite::builtin();
        let grades = [("courier".to_owned(), (1, 1))];
        let mut expert = Expert::new(SolveLimits::default());
        let found = break_agent(&mut expert, &suite, &grades, &params()).unwrap();
        assert!(found.levels.is_empty() && found.kinds.values().all(|t| t.broken == 0));
        let none = break_agent(&mut expert, &suite, &[], &params()).unwrap();
        assert_eq!(none, Found::default());
    }

    #[test]
    fn a_beta_draw_has_the_right_mean() {
        let mut dice = rng(1, "beta");
        let mean = (0..2_000).map(|_| beta(&mut dice, 3, 1)).sum::<f64>() / 2_000.0;
        assert!((mean - 0.75).abs() < 0.02, "{mean}");
    }
}
