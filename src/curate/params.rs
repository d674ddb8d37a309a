//! The parameters of curation, with their defaults, and what a night adds to them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CurateError;
use crate::core::{Digest, LogicalDate, digest_json, nearest};
use crate::dataset::Window;

/// How rows become a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CurateParams {
    /// How many days of rows are looked at, the logical date included. Default 30.
    pub window_days: u32,
    /// Mean feedback that an episode must exceed to be imitated, in 0..1. Default 0.9. An episode
    /// without feedback from people or evaluators is judged by its outcome reward alone.
    pub min_feedback: f64,
    /// Outcome reward from which on an episode counts as a success. Default 1.0; rewards that are
    /// smaller by rounding alone (1e-9) count too.
    pub success_reward: f64,
    /// Whether feedback above `min_feedback` proves success where the log has no reward at all.
    /// Default false: such episodes serve offline learning only.
    pub feedback_proves_success: bool,
    /// Training examples of the imitation role below which a night has not enough data. Default
    /// 1000. Curation reports the number; the pipeline decides.
    pub min_examples: u64,
    /// Steps that an episode may have at most. Default 200.
    pub max_steps: u32,
    /// Whether of episodes with the same trajectory only the first is kept. Default true.
    pub exact_dedup: bool,
    /// Whether episodes on evaluation levels are dropped. Default true.
    pub decontaminate: bool,
    /// Shares of train, validation and test in percent. Default 90, 5, 5.
    pub split: [u32; 3],
    /// Seed of the split. Default 0.
    pub seed: u64,
}

impl Default for CurateParams {
    fn default() -> Self {
        Self {
            window_days: 30,
            min_feedback: 0.9,
            success_reward: 1.0,
            feedback_proves_success: false,
            min_examples: 1000,
            max_steps: 200,
            exact_dedup: true,
            decontaminate: true,
            split: [90, 5, 5],
            seed: 0,
        }
    }
}

impl CurateParams {
    /// Reads parameters from a JSON object; what it does not name has its default.
    ///
    /// # Errors
    /// Names an unknown parameter with the nearest known one, or a value that is not allowed.
    pub fn from_json(value: &Value) -> Result<Self, CurateError> {
        let Some(given) = value.as_object() else {
            let reason = "they are not an object of names and values";
            return Err(CurateError::Parameters(serde_json::Error::custom(reason)));
        };
        refuse_unknown(given.keys())?;
        let params: Self =
            serde_json::from_value(value.clone()).map_err(CurateError::Parameters)?;
        params.validate()?;
        Ok(params)
    }

    /// Checks that every value makes sense.
    ///
    /// # Errors
    /// Names the first that does not, and what is allowed.
    pub fn validate(&self) -> Result<(), CurateError> {
        let wrong = |name, reason: String| Err(CurateError::Parameter { name, reason });
        if !(1..=3660).contains(&self.window_days) {
            return wrong("window_days", format!("is {}: 1 to 3660 days", self.window_days));
        }
        if !(0.0..1.0).contains(&self.min_feedback) {
            let reason = format!(
                "is {}: from 0 to below 1, because feedback is in 0..1 and must exceed it",
                self.min_feedback
            );
            return wrong("min_feedback", reason);
        }
        if !self.success_reward.is_finite() {
            return wrong("success_reward", "is not a finite number".to_owned());
        }
        if self.max_steps == 0 {
            return wrong("max_steps", "is 0: at least 1".to_owned());
        }
        let total: u64 = self.split.iter().map(|share| u64::from(*share)).sum();
        if total != 100 {
            return wrong("split", format!("sums to {total}: shares in percent sum to 100"));
        }
        Ok(())
    }

    /// The days that a night looks at.
    pub fn window(&self, date: LogicalDate) -> Window {
        Window { from: date.plus_days(1 - i64::from(self.window_days)), to: date }
    }

    /// The digest that drops name their rules by.
    ///
    /// # Errors
    /// When the parameters have no canonical JSON form (a number that is not finite).
    pub fn digest(&self) -> Result<Digest, CurateError> {
        digest_json(self).map_err(CurateError::Encode)
    }
}

/// Refuses the first name that is no parameter.
fn refuse_unknown<'a>(mut given: impl Iterator<Item = &'a String>) -> Result<(), CurateError> {
    let defaults = serde_json::to_value(CurateParams::default()).map_err(CurateError::Encode)?;
    let names = defaults.as_object().into_iter().flatten();
    let known: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
    let unknown = given.find(|name| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |name| {
        let near = nearest(name, known.iter().copied());
        Err(CurateError::UnknownParameter {
            name: name.clone(),
            hint: near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default(),
            known: known.join(", "),
        })
    })
}

/// What a night tells the curation beside its parameters and rows.
#[derive(Clone, Debug)]
pub struct CurateContext {
    /// The logical date: the last day of the window, and the day that retention is measured at.
    pub date: LogicalDate,
    /// The digest of the ingest snapshot that the rows come from.
    pub snapshot: Digest,
    /// The digests of the evaluation suites, for the manifest.
    pub suites: Vec<Digest>,
    /// Content digests of the levels that evaluation uses.
    pub eval_levels: BTreeSet<Digest>,
    /// Digests of evaluation narratives, as `narrative_digest` takes them: the only check for episodes
    /// on no known level. May be empty.
    pub eval_narratives: BTreeSet<Digest>,
}

impl CurateContext {
    /// A context without evaluation suites.
    pub fn new(date: LogicalDate, snapshot: Digest) -> Self {
        Self {
            date,
            snapshot,
            suites: Vec::new(),
            eval_levels: BTreeSet::new(),
            eval_narratives: BTreeSet::new(),
        }
    }
}
