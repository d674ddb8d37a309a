//! What days to play.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::SimulateError;
use crate::core::LogicalDate;
use crate::quest::Suite;

/// Parameters of a simulation. Equal parameters give equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulateParams {
    /// The first day.
    pub from: LogicalDate,
    /// Days to play, at least 1.
    pub days: u32,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// What is played on which day.
    #[serde(default)]
    pub curriculum: Curriculum,
    /// The share of episodes that a person judges, in \[0, 1\].
    #[serde(default = "default_feedback_rate")]
    pub feedback_rate: f64,
    /// What is injected into each day.
    #[serde(default)]
    pub injections: InjectionParams,
    /// With a policy: the share of its calls that are drawn uniformly at random, in \[0, 1\].
    #[serde(default = "default_policy_epsilon")]
    pub policy_epsilon: f64,
}

/// The plans of the days: day i follows the i-th plan, later days the last one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Curriculum(pub Vec<DayPlan>);

/// What is played on one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DayPlan {
    /// Episodes played; fewer where the grades have no more distinct levels.
    pub episodes: u32,
    /// Families played, in equal shares; none means all of the suite.
    #[serde(default)]
    pub families: Vec<String>,
    /// Level grades played; none means all.
    #[serde(default)]
    pub levels: Vec<u32>,
    /// Who plays.
    pub mix: Mix,
    /// The share of the noisy agent's calls that are drawn uniformly at random, in \[0, 1\].
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
}

/// The shares of the behaviour agents; they need not sum to one. Without a policy its share falls
/// to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Plays optimally.
    pub expert: f64,
    /// Plays optimally but for a share ε of random calls.
    pub noisy: f64,
    /// Plays uniformly at random.
    pub random: f64,
    /// Plays as the policy that was passed in, with some exploration.
    pub policy: f64,
}

/// How much is injected into one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InjectionParams {
    /// Lines written twice, byte for byte.
    pub repeated_lines: u32,
    /// Episodes written again under other ids: the same trajectory, another name.
    pub copied_episodes: u32,
    /// Fake secrets hidden in texts.
    pub secrets: u32,
    /// Fake personal data hidden in texts.
    pub pii: u32,
    /// Lines that no reader can read; some of them hold a fake value too.
    pub broken_lines: u32,
}

fn default_feedback_rate() -> f64 {
    0.7
}

fn default_policy_epsilon() -> f64 {
    0.1
}

fn default_epsilon() -> f64 {
    0.25
}

impl Default for Mix {
    fn default() -> Self {
        Mix { expert: 0.4, noisy: 0.4, random: 0.2, policy: 0.0 }
    }
}

impl Default for InjectionParams {
    fn default() -> Self {
        InjectionParams {
            repeated_lines: 12,
            copied_episodes: 5,
            secrets: 8,
            pii: 12,
            broken_lines: 6,
        }
    }
}

impl Default for Curriculum {
    /// The sample that makes learning visible. A team starts small: on the first day few episodes
    /// of the easiest level of three families, mostly played badly; on the second all families and
    /// the second level with more care; from the third day on the third level, mostly played well.
    /// Harder levels are left to plans of one's own, for finding their minima takes minutes.
    fn default() -> Self {
        let plan = |episodes, families: &[&str], levels: &[u32], mix: [f64; 3], epsilon| DayPlan {
            episodes,
            families: families.iter().map(|family| (*family).to_owned()).collect(),
            levels: levels.to_vec(),
            mix: Mix { expert: mix[0], noisy: mix[1], random: mix[2], policy: 0.0 },
            epsilon,
        };
        Curriculum(vec![
            plan(150, &["courier", "symphony", "workshop"], &[1], [0.15, 0.45, 0.40], 0.5),
            plan(240, &[], &[1, 2], [0.40, 0.40, 0.20], 0.3),
            plan(230, &[], &[1, 2, 3], [0.60, 0.30, 0.10], 0.25),
        ])
    }
}

impl Curriculum {
    /// The same curriculum without the families that the suite lacks: the sample for a suite of
    /// one's own.
    pub fn fit(mut self, suite: &Suite) -> Self {
        let known = suite.families();
        for plan in &mut self.0 {
            plan.families.retain(|family| known.contains(family));
        }
        self
    }
}

impl SimulateParams {
    /// The sample: the default curriculum and injections.
    pub fn sample(from: LogicalDate, days: u32, seed: u64) -> Self {
        SimulateParams {
            from,
            days,
            seed,
            curriculum: Curriculum::default(),
            feedback_rate: default_feedback_rate(),
            injections: InjectionParams::default(),
            policy_epsilon: default_policy_epsilon(),
        }
    }

    /// The dates played, in order.
    pub fn dates(&self) -> impl Iterator<Item = LogicalDate> + '_ {
        (0..self.days).map(|day| self.from.plus_days(i64::from(day)))
    }

    /// Refuses what cannot be played.
    ///
    /// # Errors
    /// Names the parameter, what is wrong and what is right.
    pub fn validate(&self) -> Result<(), SimulateError> {
        let wrong =
            |name, problem: &str| Err(SimulateError::Param { name, problem: problem.to_owned() });
        if self.days == 0 {
            return wrong("days", "is 0; give at least 1");
        }
        if self.curriculum.0.is_empty() {
            return wrong("curriculum", "is empty; give at least one day's plan");
        }
        let mut shares =
            vec![("feedback_rate", self.feedback_rate), ("policy_epsilon", self.policy_epsilon)];
        shares.extend(self.curriculum.0.iter().map(|plan| ("curriculum.epsilon", plan.epsilon)));
        if let Some((name, value)) = shares.into_iter().find(|s| !(0.0..=1.0).contains(&s.1)) {
            return wrong(name, &format!("is {value}; give a number from 0 to 1"));
        }
        for plan in &self.curriculum.0 {
            let Mix { expert, noisy, random, policy } = plan.mix;
            let legal = |share: f64| share.is_finite() && share >= 0.0;
            let shares = [expert, noisy, random, policy];
            if !shares.into_iter().all(legal) || shares.iter().sum::<f64>() <= 0.0 {
                return wrong(
                    "curriculum.mix",
                    "holds a negative share or none at all; give shares of 0 or more, one above 0",
                );
            }
            if plan.episodes == 0 || plan.episodes > 1_000_000 {
                return wrong("curriculum.episodes", "must be from 1 to 1,000,000");
            }
        }
        Ok(())
    }
}
