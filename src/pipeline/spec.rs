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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pipeline {
    /// The name, by which `run` finds it.
    pub name: String,
    /// When the daemon fires it.
    pub schedule: Option<Schedule>,
    /// What else makes the daemon fire it.
    pub triggers: Vec<Trigger>,
    /// The locks that a run holds, sorted, and what a second run does.
    pub locks: Vec<String>,
    /// What a run does when a lock is held.
    pub on_locked: OnLocked,
    /// The longest a run may take.
    pub timeout: Option<Duration>,
    /// The time of day, in the schedule's time zone, by which the run of the last date must be done.
    pub fresh_by: Option<chrono::NaiveTime>,
    /// Who is told of what.
    pub notify: Vec<Notify>,
    /// What a run should cost at most.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// How long an interval is.
    pub by: By,
    /// The first logical date.
    pub start: Option<LogicalDate>,
    /// The steps in the order of the file.
    pub steps: Vec<StepSpec>,
}

/// A step, checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// What must hold of its outputs.
    pub checks: Vec<Check>,
    /// Whether a person must agree before it runs.
    pub approve: Option<Approve>,
    /// Locks that it holds while it runs.
    pub locks: Vec<String>,
    /// The longest an attempt may take.
    pub timeout: Option<Duration>,
    /// When it is tried again.
    pub retry: Retry,
    /// Resources, which are not part of any key.
    pub needs: Needs,
    /// Whether it runs in a process of its own though it needs no libtorch.
    pub isolate: bool,
    /// Where the step stands in the file.
    #[serde(skip)]
    pub(super) span: Range<usize>,
}

/// How long the intervals of a pipeline are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A logical date is a day.
    #[default]
    Day,
    /// A logical date is an hour, such as `2026-11-03T05`.
    Hour,
}

/// Something that must hold of what a step gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The condition.
    pub expr: Condition,
    /// The condition as written.
    pub text: String,
    /// What follows where it does not hold.
    pub level: Level,
}

/// What follows from a check that does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The step counts as failed, and what needs it does not run.
    #[default]
    Block,
    /// It is said, and the run goes on.
    Warn,
}

/// A gate: the step waits for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// What the person is asked.
    #[serde(default)]
    pub question: String,
    /// How long it waits; without an answer by then the step does not run.
    #[serde(default = "half_a_day")]
    pub timeout: Duration,
    /// What follows without an answer in time.
    #[serde(default)]
    pub otherwise: Unanswered,
}

fn half_a_day() -> Duration {
    Duration(std::time::Duration::from_secs(12 * 3600))
}

/// What follows where nobody answered in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unanswered {
    /// The step and what needs it are skipped.
    #[default]
    Skip,
    /// The step fails.
    Fail,
}

/// What makes the daemon fire a pipeline beside its schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "on", rename_all = "lowercase", deny_unknown_fields)]
pub enum Trigger {
    /// New objects among the logs.
    Objects {
        /// How many at least.
        #[serde(default = "one")]
        at_least: u64,
        /// Below this prefix of the logs; all of them where it is left out.
        #[serde(default)]
        prefix: String,
        /// How often they are looked for.
        #[serde(default = "one_minute")]
        every: Duration,
    },
    /// New feedback in the logs.
    Feedback {
        /// How many records at least.
        at_least: u64,
        /// Whether only corrections count.
        #[serde(default)]
        corrections: bool,
        /// How often they are looked for.
        #[serde(default = "one_minute")]
        every: Duration,
    },
    /// A call of the daemon's HTTP interface, with its token.
    Http {},
}

fn one() -> u64 {
    1
}

fn one_minute() -> Duration {
    Duration(std::time::Duration::from_secs(60))
}

/// What a run should cost at most, as `plan --resources` compares it with what runs have cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// From its start to its end.
    pub time: Option<Duration>,
    /// The most that one of its steps holds.
    pub memory: Option<Memory>,
    /// What its outputs take in the store.
    pub disk: Option<Memory>,
    /// In the currency of the prices.
    pub cost: Option<f64>,
    /// The price of an hour of CPU time.
    pub cpu_hour: f64,
    /// The price of an hour of a GPU.
    pub gpu_hour: f64,
}

/// Who is told of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// What is told.
    pub on: Vec<Occasion>,
    /// `webhook:NAME`, with NAME from `[webhooks]` of fqm.toml.
    pub to: String,
}

/// Something that people want to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// A run ended well.
    Ok,
    /// A run failed, took too long or was ended.
    Failed,
    /// There was not enough data.
    Skipped,
    /// The last date is not done by the time of `fresh_by`.
    Late,
    /// A challenger became the champion.
    Promoted,
    /// The champion stayed.
    Kept,
    /// A step waits for a person.
    Waiting,
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
    /// An output of a step of this pipeline for the interval before.
    Previous {
        /// The step's id.
        step: String,
        /// The output port of its kind.
        port: String,
    },
}

/// When the daemon fires a pipeline.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields, as cron has them.
    pub cron: String,
    /// An IANA time zone.
    #[serde(default = "utc", deserialize_with = "time_zone", serialize_with = "zone_name")]
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

fn zone_name<S: serde::Serializer>(zone: &chrono_tz::Tz, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(zone.name())
}

/// Which missed occurrences are made up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnLocked {
    /// It ends at once, with exit code 75.
    #[default]
    Fail,
    /// It waits.
    Wait,
    /// It ends the other run and takes its place.
    Replace,
}

/// When a failed step is tried again. Retries are no part of any key.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Devices.
    #[serde(default)]
    pub gpu: u32,
    /// CPUs, for engines that hand them out.
    #[serde(default)]
    pub cpus: Option<u32>,
    /// Memory, e.g. `8GiB`. A step in a process of its own may not hold more.
    #[serde(default)]
    pub mem: Option<Memory>,
    /// Steps that must be done first though nothing of theirs is read.
    #[serde(default)]
    pub after: Vec<String>,
}

/// An amount of memory in bytes, written `512MiB`, `8GiB` or `8GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Memory(pub u64);

impl TryFrom<String> for Memory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || format!("`{text}` is no amount of memory; write `512MiB` or `8GiB`");
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let unit = match text[digits..].trim_start() {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(wrong()),
        };
        number.checked_mul(unit).filter(|bytes| *bytes > 0).map(Self).ok_or_else(wrong)
    }
}

impl From<Memory> for String {
    fn from(memory: Memory) -> Self {
        format!("{}KiB", memory.0.div_ceil(1 << 10))
    }
}

/// A length of time, written `250ms`, `10s`, `5m`, `2h` or `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Duration(pub std::time::Duration);

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        format!("{}ms", duration.0.as_millis())
    }
}

impl std::fmt::Display for Duration {
    /// In the largest unit that it is a whole number of.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.0.as_millis();
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
        let unit =
            units.into_iter().find(|(_, unit)| millis >= *unit && millis.is_multiple_of(*unit));
        let (name, unit) = unit.unwrap_or(("ms", 1));
        write!(f, "{}{name}", millis / unit)
    }
}

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
        // A check may compare what the step gave with what steps before it did.
        let checked = self.checks.iter().flat_map(|check| check.expr.facts());
        let facts = self.when.iter().flat_map(Condition::facts).chain(checked);
        let facts = facts.filter(|fact| fact.step != self.id).map(|fact| fact.step.clone());
        let mut ids: Vec<_> = inputs.chain(facts).chain(self.needs.after.iter().cloned()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}
