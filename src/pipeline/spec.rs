//! What a pipeline is, checked: types with every place kept, so that a mistake is shown where it
//! stands. `reading` makes them from a file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::Condition;
use crate::core::{Alias, LogicalDate};

/// A pipeline, checked against the catalog of step kinds.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The name, by which `run` finds it.
    pub name: String,
    /// When the daemon fires it.
    pub schedule: Option<Schedule>,
    /// The lock that a run holds and what a second run does.
    pub lock: String,
    /// What a run does when the lock is held.
    pub on_locked: OnLocked,
    /// The longest a run may take.
    pub timeout: Option<Duration>,
    /// The first logical date.
    pub start: Option<LogicalDate>,
    /// The steps in the order of the file.
    pub steps: Vec<StepSpec>,
}

/// A step, checked.
#[derive(Clone, Debug)]
pub struct StepSpec {
    /// Its id.
    pub id: String,
    /// The kind's name.
    pub kind: String,
    /// The kind's version.
    pub version: u32,
    /// Where each input comes from.
    pub inputs: BTreeMap<String, Source>,
    /// Local names of output ports: local name → port.
    pub outputs: BTreeMap<String, String>,
    /// The parameters with all defaults.
    pub params: Value,
    /// When it runs.
    pub when: Option<Condition>,
    /// The condition as written.
    pub when_text: Option<String>,
    /// The longest an attempt may take.
    pub timeout: Option<Duration>,
    /// When it is tried again.
    pub retry: Retry,
    /// Resources, which are not part of any key.
    pub needs: Needs,
    /// Where the step stands in the file.
    pub(super) span: Range<usize>,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An output of a step.
    Step {
        /// The step's id.
        step: String,
        /// The output port of its kind.
        port: String,
    },
    /// An alias of the registry.
    Alias(Alias),
    /// Patterns of files of the workspace.
    Files(Vec<String>),
    /// Patterns of log objects.
    Logs(Vec<String>),
}

/// When the daemon fires a pipeline.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields, as cron has them.
    pub cron: String,
    /// An IANA time zone.
    #[serde(default = "utc", deserialize_with = "time_zone")]
    #[schemars(with = "String")]
    pub timezone: chrono_tz::Tz,
    /// Which missed occurrences are made up for.
    #[serde(default)]
    pub missed: Missed,
    /// How late an occurrence may still start.
    #[serde(default)]
    pub start_deadline: Option<Duration>,
}

fn utc() -> chrono_tz::Tz {
    chrono_tz::UTC
}

fn time_zone<'de, D: serde::Deserializer<'de>>(from: D) -> Result<chrono_tz::Tz, D::Error> {
    let name = String::deserialize(from)?;
    name.parse().map_err(|_| {
        let message = format!("`{name}` is no IANA time zone, such as `Europe/Berlin` or `UTC`");
        serde::de::Error::custom(message)
    })
}

/// Which missed occurrences are made up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// None.
    None,
    /// The latest one.
    #[default]
    Latest,
    /// All, in order.
    All,
}

/// What a run does when another holds its lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnLocked {
    /// It ends at once, with exit code 75.
    #[default]
    Fail,
    /// It waits.
    Wait,
}

/// When a failed step is tried again. Retries are no part of any key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How many times at most, after the first attempt.
    #[serde(default)]
    pub max: u32,
    /// The pause before the first retry.
    #[serde(default = "ten_seconds")]
    pub delay: Duration,
    /// The factor from one pause to the next.
    #[serde(default = "two")]
    pub factor: f64,
    /// The longest pause.
    #[serde(default = "five_minutes")]
    pub cap: Duration,
    /// Which failures: `transient`, `lost`, `timeout`.
    #[serde(default = "transient_and_lost")]
    pub on: Vec<RetryOn>,
}

/// A kind of failure that may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RetryOn {
    /// A service did not answer.
    Transient,
    /// The process of the step died.
    Lost,
    /// The step took too long.
    Timeout,
}

fn ten_seconds() -> Duration {
    Duration(std::time::Duration::from_secs(10))
}
fn five_minutes() -> Duration {
    Duration(std::time::Duration::from_secs(300))
}
fn two() -> f64 {
    2.0
}
fn transient_and_lost() -> Vec<RetryOn> {
    vec![RetryOn::Transient, RetryOn::Lost]
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max: 0,
            delay: ten_seconds(),
            factor: 2.0,
            cap: five_minutes(),
            on: transient_and_lost(),
        }
    }
}

/// Resources that a step asks for. They are no part of any key.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Devices.
    #[serde(default)]
    pub gpu: u32,
    /// Memory, e.g. `8GiB`.
    #[serde(default)]
    pub mem: Option<String>,
    /// Steps that must be done first though nothing of theirs is read.
    #[serde(default)]
    pub after: Vec<String>,
}

/// A length of time, written `250ms`, `10s`, `5m`, `2h` or `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Duration(pub std::time::Duration);

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            || format!("`{text}` is no length of time; write `250ms`, `10s`, `5m`, `2h` or `1d`");
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let millis = match &text[digits..] {
            "ms" => Some(number),
            "s" => number.checked_mul(1000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            "d" => number.checked_mul(86_400_000),
            _ => None,
        };
        Ok(Self(std::time::Duration::from_millis(millis.ok_or_else(wrong)?)))
    }
}

impl TryFrom<String> for Duration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl StepSpec {
    /// The ids of the steps that must have ended before this one starts.
    pub fn upstream(&self) -> Vec<String> {
        let inputs = self.inputs.values().filter_map(|source| match source {
            Source::Step { step, .. } => Some(step.clone()),
            _ => None,
        });
        let facts = self.when.iter().flat_map(Condition::facts).map(|fact| fact.step.clone());
        let mut ids: Vec<_> = inputs.chain(facts).chain(self.needs.after.iter().cloned()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}
