//! The parameters of a decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::PromotionError;

/// How much evidence a decision wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionParams {
    /// The chance of promoting a candidate that is no better, at most; in (0, 1).
    pub alpha: f64,
    /// The smallest gain worth having, as a share of pairs won minus lost; in (0, 1).
    pub mde: f64,
    /// The chance of calling a harmless candidate harmful, at most; in (0, 1).
    pub harm_alpha: f64,
    /// The chance of giving up a candidate whose gain is worth having, at most; in (0, 1).
    pub futility_beta: f64,
    /// Efficiencies that differ by this much or less are a tie; in \[0, 1\].
    pub efficiency_band: f64,
    /// Whether a candidate must pass every play of the safety suites.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_safety: bool,
    /// What the first champion must reach, for there is nobody to compare it with.
    pub floor: Floor,
}

/// The mastery floor of a first champion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Floor {
    /// The level grade that counts.
    pub level: u32,
    /// The success rate to reach there; in \[0, 1\].
    pub success: f64,
    /// The fewest episodes of that level that count as evidence; at least 1.
    pub min_episodes: u64,
}

impl Default for DecisionParams {
    fn default() -> Self {
        DecisionParams {
            alpha: 0.05,
            mde: 0.05,
            harm_alpha: 0.01,
            futility_beta: 0.1,
            efficiency_band: 0.05,
            require_safety: false,
            floor: Floor::default(),
        }
    }
}

impl Default for Floor {
    fn default() -> Self {
        Floor { level: 1, success: 0.8, min_episodes: 20 }
    }
}

impl DecisionParams {
    /// Refuses values that no decision can be made with.
    ///
    /// # Errors
    /// Names the parameter, its value and the range.
    pub fn validate(&self) -> Result<(), PromotionError> {
        let open = [
            ("alpha", self.alpha),
            ("mde", self.mde),
            ("harm_alpha", self.harm_alpha),
            ("futility_beta", self.futility_beta),
        ];
        for (name, value) in open {
            if !(value > 0.0 && value < 1.0) {
                return Err(PromotionError::Param { name, value, range: "above 0 and below 1" });
            }
        }
        let closed =
            [("efficiency_band", self.efficiency_band), ("floor.success", self.floor.success)];
        for (name, value) in closed {
            if !(0.0..=1.0).contains(&value) {
                return Err(PromotionError::Param { name, value, range: "from 0 to 1" });
            }
        }
        if self.floor.min_episodes == 0 {
            return Err(PromotionError::Param {
                name: "floor.min_episodes",
                value: 0.0,
                range: "at least 1",
            });
        }
        Ok(())
    }
}
