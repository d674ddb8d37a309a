//! The pipeline file: TOML under `pipelines/`, read into types with every place kept, so that a
//! mistake is shown where it stands.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::catalog::{Catalog, Kind, Takes};
use super::condition::Condition;
use crate::core::{Alias, LogicalDate, PlaceError, nearest};

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
    span: Range<usize>,
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawHead {
    /// The version of this format: 1.
    schema: u32,
    name: String,
    #[serde(default)]
    schedule: Option<Schedule>,
    #[serde(default)]
    partition: Option<RawPartition>,
    #[serde(default)]
    run: RawRun,
    #[serde(default)]
    defaults: RawDefaults,
    /// Read on their own, one by one; named here so that a mistyped `step` is recognised.
    #[serde(default, rename = "step")]
    #[schemars(skip)]
    _steps: IgnoredAny,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawPartition {
    /// `day`: the logical date is the start of a day.
    by: By,
    /// The first logical date.
    #[schemars(with = "String")]
    start: toml::value::Datetime,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    Day,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawRun {
    #[serde(default)]
    lock: Option<String>,
    #[serde(default)]
    on_locked: OnLocked,
    #[serde(default)]
    timeout: Option<Duration>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawDefaults {
    #[serde(default)]
    retry: Option<Retry>,
    #[serde(default)]
    timeout: Option<Duration>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawStep {
    #[schemars(with = "String")]
    id: Spanned<String>,
    /// `KIND@VERSION`.
    #[schemars(with = "String")]
    uses: Spanned<String>,
    #[serde(default, rename = "in")]
    #[schemars(with = "BTreeMap<String, OneOrMany>")]
    inputs: BTreeMap<Spanned<String>, Spanned<OneOrMany>>,
    #[serde(default, rename = "out")]
    #[schemars(with = "BTreeMap<String, String>")]
    outputs: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    when: Option<RawWhen>,
    #[serde(default)]
    needs: Needs,
    #[serde(default)]
    timeout: Option<Duration>,
    #[serde(default)]
    retry: Option<Retry>,
    /// Read on its own, by the step kind; named here so that a mistyped `params` is recognised.
    #[serde(default, rename = "params")]
    #[schemars(skip)]
    _params: IgnoredAny,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawWhen {
    /// E.g. `curate.dataset.imitation_steps >= 1000`.
    #[schemars(with = "String")]
    expr: Spanned<String>,
    /// What happens to the steps that need this one: they are skipped too.
    #[serde(default, rename = "else")]
    _otherwise: Otherwise,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Otherwise {
    #[default]
    SkipDownstream,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// The JSON Schema of pipeline files, with the parameters of every step kind.
pub fn pipeline_schema(catalog: &dyn Catalog) -> Value {
    let mut schema = schemars::schema_for!(RawHead).to_value();
    let mut step = schemars::schema_for!(RawStep).to_value();
    let kinds: serde_json::Map<String, Value> =
        catalog.kinds().iter().map(|k| (k.name.to_owned(), (k.schema)())).collect();
    let definitions = step.as_object_mut().and_then(|s| s.remove("$defs"));
    if let Some(properties) = step.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("params".into(), serde_json::json!({ "type": "object" }));
    }
    if let Some(root) = schema.as_object_mut() {
        let all = root.entry("$defs").or_insert_with(|| Value::Object(Default::default()));
        if let (Some(all), Some(Value::Object(more))) = (all.as_object_mut(), definitions) {
            all.extend(more);
        }
        root.insert("x-params".into(), Value::Object(kinds));
        if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("step".into(), serde_json::json!({ "type": "array", "items": step }));
        }
    }
    schema
}

/// A file in the making: its name and text travel with every fault.
struct Reading<'a> {
    file: &'a str,
    text: &'a str,
    catalog: &'a dyn Catalog,
}

impl Pipeline {
    /// Reads and checks a pipeline file.
    ///
    /// # Errors
    /// The first mistake, with its place and a suggestion: an unknown key, kind, port or step, a
    /// wrong type, a missing input, a cycle.
    pub fn parse(file: &str, text: &str, catalog: &dyn Catalog) -> Result<Self, PlaceError> {
        Reading { file, text, catalog }.pipeline()
    }
}

impl Reading<'_> {
    fn fault(&self, span: Range<usize>, message: impl Into<String>) -> PlaceError {
        PlaceError::new(self.file, self.text, span, message)
    }

    fn toml(&self, error: &toml::de::Error) -> PlaceError {
        PlaceError::from_toml(self.file, self.text, error)
    }

    fn pipeline(&self) -> Result<Pipeline, PlaceError> {
        let document = DeTable::parse(self.text).map_err(|e| self.toml(&e))?;
        let whole = document.span();
        let mut table = document.into_inner();
        let steps = table.remove("step");
        let head = Spanned::new(whole.clone(), DeValue::Table(table));
        let head =
            RawHead::deserialize(ValueDeserializer::from(head)).map_err(|e| self.toml(&e))?;
        if head.schema != 1 {
            let at = self.text.find("schema").unwrap_or(0);
            let fault = self.fault(at..at + 6, format!("unknown schema {}", head.schema));
            return Err(fault.with_help("this program reads schema 1"));
        }
        let start = head.partition.as_ref().map(|p| (p.start.to_string(), matches!(p.by, By::Day)));
        let start = start.map(|(text, _)| text.parse::<LogicalDate>()).transpose();
        let start = start.map_err(|e| {
            let at = self.text.find("start").unwrap_or(0);
            self.fault(at..at + 5, e.to_string())
        })?;
        if let Some(schedule) = &head.schedule {
            super::schedule::cron(&schedule.cron).map_err(|message| {
                let at = self.text.find("cron").unwrap_or(0);
                self.fault(at..at + 4, message)
            })?;
        }
        let pipeline = Pipeline {
            lock: head.run.lock.unwrap_or_else(|| head.name.clone()),
            name: head.name,
            schedule: head.schedule,
            on_locked: head.run.on_locked,
            timeout: head.run.timeout,
            start,
            steps: self.steps(steps, &head.defaults)?,
        };
        self.check_graph(&pipeline.steps)?;
        Ok(pipeline)
    }

    fn steps(
        &self,
        found: Option<Spanned<DeValue<'_>>>,
        defaults: &RawDefaults,
    ) -> Result<Vec<StepSpec>, PlaceError> {
        let Some(found) = found else {
            return Err(self.fault(0..0, "no [[step]] is declared"));
        };
        let span = found.span();
        let DeValue::Array(array) = found.into_inner() else {
            return Err(self.fault(span, "expected `[[step]]`, an array of tables"));
        };
        let mut raw = Vec::new();
        for item in array {
            raw.push(self.raw_step(item)?);
        }
        let known: BTreeMap<String, (&Kind, BTreeMap<String, String>)> = raw
            .iter()
            .map(|(step, kind, _, _)| {
                Ok((step.id.get_ref().clone(), (*kind, self.outputs(step, kind)?)))
            })
            .collect::<Result<_, PlaceError>>()?;
        if known.len() < raw.len() {
            let mut seen = std::collections::BTreeSet::new();
            let twice = raw.iter().find(|(step, ..)| !seen.insert(step.id.get_ref()));
            if let Some((step, ..)) = twice {
                let message = format!("the step id `{}` is used twice", step.id.get_ref());
                return Err(self.fault(step.id.span(), message));
            }
        }
        raw.into_iter()
            .map(|(step, kind, params, span)| self.step(step, kind, params, span, defaults, &known))
            .collect()
    }

    fn raw_step(
        &self,
        item: Spanned<DeValue<'_>>,
    ) -> Result<(RawStep, &Kind, Value, Range<usize>), PlaceError> {
        let span = item.span();
        let DeValue::Table(mut table) = item.into_inner() else {
            return Err(self.fault(span, "expected a table"));
        };
        let params = table.remove("params");
        let rest = Spanned::new(span.clone(), DeValue::Table(table));
        let step =
            RawStep::deserialize(ValueDeserializer::from(rest)).map_err(|e| self.toml(&e))?;
        let kind = self.kind(&step.uses)?;
        let params =
            params.unwrap_or_else(|| Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
        let params = (kind.params)(ValueDeserializer::from(params)).map_err(|e| self.toml(&e))?;
        Ok((step, kind, params, span))
    }

    fn kind(&self, uses: &Spanned<String>) -> Result<&Kind, PlaceError> {
        let fault = |message: String| self.fault(uses.span(), message);
        let (name, version) = uses.get_ref().split_once('@').ok_or_else(|| {
            fault(format!("`{}` has no version", uses.get_ref())).with_help("write `KIND@VERSION`")
        })?;
        let kind = self.catalog.kind(name).ok_or_else(|| {
            let names: Vec<_> = self.catalog.kinds().iter().map(|k| k.name).collect();
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", names.join(", ")),
            };
            fault(format!("unknown step kind `{name}`")).with_help(help)
        })?;
        if version.parse() != Ok(kind.version) {
            let message = format!("this program has `{name}` in version {}", kind.version);
            let help =
                format!("write `{name}@{}`; the change makes the step run again", kind.version);
            return Err(fault(message).with_help(help));
        }
        Ok(kind)
    }

    fn outputs(&self, step: &RawStep, kind: &Kind) -> Result<BTreeMap<String, String>, PlaceError> {
        let mut outputs: BTreeMap<String, String> =
            kind.outputs.iter().map(|port| (port.name.to_owned(), port.name.to_owned())).collect();
        for (local, port) in &step.outputs {
            if !kind.outputs.iter().any(|p| p.name == port.get_ref()) {
                return Err(self.unknown_port(
                    port,
                    kind.outputs.iter().map(|p| p.name),
                    kind,
                    "output",
                ));
            }
            outputs.remove(port.get_ref());
            outputs.insert(local.get_ref().clone(), port.get_ref().clone());
        }
        Ok(outputs)
    }

    fn unknown_port<'n>(
        &self,
        port: &Spanned<String>,
        names: impl Iterator<Item = &'n str>,
        kind: &Kind,
        what: &str,
    ) -> PlaceError {
        let names: Vec<_> = names.collect();
        let message = format!("`{}` has no {what} `{}`", kind.name, port.get_ref());
        self.fault(port.span(), message).with_help(format!("it has {}", names.join(", ")))
    }

    fn step(
        &self,
        raw: RawStep,
        kind: &Kind,
        params: Value,
        span: Range<usize>,
        defaults: &RawDefaults,
        known: &BTreeMap<String, (&Kind, BTreeMap<String, String>)>,
    ) -> Result<StepSpec, PlaceError> {
        let id = raw.id.get_ref().clone();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || !id.chars().all(plain) {
            let message = format!("`{id}` is no step id; use letters, digits, `-` and `_`");
            return Err(self.fault(raw.id.span(), message));
        }
        let outputs = self.outputs(&raw, kind)?;
        let mut inputs = BTreeMap::new();
        for (port, source) in raw.inputs {
            let wanted = kind.inputs.iter().find(|p| p.name == port.get_ref());
            let wanted = wanted.ok_or_else(|| {
                self.unknown_port(&port, kind.inputs.iter().map(|p| p.name), kind, "input")
            })?;
            let source = self.source(wanted.takes, source, known)?;
            inputs.insert(port.into_inner(), source);
        }
        let missing = kind.inputs.iter().find(|p| !p.optional && !inputs.contains_key(p.name));
        if let Some(port) = missing {
            let message = format!("the step `{id}` lacks the input `{}`", port.name);
            return Err(self.fault(raw.id.span(), message).with_help(takes_help(port.takes)));
        }
        for after in &raw.needs.after {
            if !known.contains_key(after) {
                let message = format!("`needs.after` of `{id}` names no step: `{after}`");
                return Err(self.fault(raw.id.span(), message));
            }
        }
        let when = raw.when.map(|when| self.when(when, known)).transpose()?;
        Ok(StepSpec {
            id,
            kind: kind.name.to_owned(),
            version: kind.version,
            inputs,
            outputs,
            params,
            when_text: when.as_ref().map(|(_, text)| text.clone()),
            when: when.map(|(condition, _)| condition),
            timeout: raw.timeout.or(defaults.timeout),
            retry: raw.retry.or_else(|| defaults.retry.clone()).unwrap_or_default(),
            needs: raw.needs,
            span,
        })
    }

    fn source(
        &self,
        takes: Takes,
        written: Spanned<OneOrMany>,
        known: &BTreeMap<String, (&Kind, BTreeMap<String, String>)>,
    ) -> Result<Source, PlaceError> {
        let span = written.span();
        let list = written.into_inner().list();
        let single = |help: &str| match &list[..] {
            [one] => Ok(one.clone()),
            _ => Err(self.fault(span.clone(), "expected one text here").with_help(help)),
        };
        match takes {
            Takes::Logs => {
                self.patterns(list, &span, &["{{ logs }}", "{{ date }}"]).map(Source::Logs)
            }
            Takes::Files => {
                self.patterns(list, &span, &["{{ workspace }}", "{{ date }}"]).map(Source::Files)
            }
            Takes::Alias => {
                let alias: Result<Alias, _> = single(takes_help(takes))?.parse();
                alias.map(Source::Alias).map_err(|e| self.fault(span.clone(), e.to_string()))
            }
            Takes::Artifact(wanted) => {
                let text = single(takes_help(takes))?;
                let (step, port) = text.split_once('.').ok_or_else(|| {
                    self.fault(span.clone(), format!("`{text}` is no output"))
                        .with_help(takes_help(takes))
                })?;
                let (kind, port) = self.output(known, step, port, &span)?;
                let makes = kind.outputs.iter().find(|p| p.name == port).map(|p| p.makes);
                if makes != Some(wanted) {
                    let found = makes.unwrap_or("nothing");
                    let message = format!("expected a {wanted} here, `{text}` is a {found}");
                    return Err(self.fault(span, message));
                }
                Ok(Source::Step { step: step.to_owned(), port })
            }
        }
    }

    /// Checks patterns: known words between braces, and globs that can be read.
    fn patterns(
        &self,
        list: Vec<String>,
        span: &Range<usize>,
        words: &[&str],
    ) -> Result<Vec<String>, PlaceError> {
        for pattern in &list {
            let rest = words.iter().fold(pattern.clone(), |rest, word| rest.replace(word, "x"));
            if rest.contains("{{") {
                let fault = self.fault(span.clone(), format!("unknown word in `{pattern}`"));
                return Err(fault.with_help(format!("known here: {}", words.join(", "))));
            }
            if let Err(error) = globset::Glob::new(&rest) {
                return Err(self.fault(span.clone(), format!("`{pattern}` is no pattern: {error}")));
            }
        }
        Ok(list)
    }

    /// Finds the kind and the kind's port behind `STEP.NAME`.
    fn output<'k>(
        &self,
        known: &BTreeMap<String, (&'k Kind, BTreeMap<String, String>)>,
        step: &str,
        name: &str,
        span: &Range<usize>,
    ) -> Result<(&'k Kind, String), PlaceError> {
        let (kind, outputs) = known.get(step).ok_or_else(|| {
            let fault = self.fault(span.clone(), format!("there is no step `{step}`"));
            match nearest(step, known.keys().map(String::as_str)) {
                Some(near) => fault.with_help(format!("did you mean `{near}`?")),
                None => fault,
            }
        })?;
        let port = outputs.get(name).ok_or_else(|| {
            let names: Vec<_> = outputs.keys().map(String::as_str).collect();
            let message = format!("the step `{step}` has no output `{name}`");
            self.fault(span.clone(), message).with_help(format!("it has {}", names.join(", ")))
        })?;
        Ok((kind, port.clone()))
    }

    fn when(
        &self,
        raw: RawWhen,
        known: &BTreeMap<String, (&Kind, BTreeMap<String, String>)>,
    ) -> Result<(Condition, String), PlaceError> {
        let span = raw.expr.span();
        let text = raw.expr.into_inner();
        let condition = Condition::parse(&text).map_err(|m| self.fault(span.clone(), m))?;
        for fact in condition.facts() {
            self.output(known, &fact.step, &fact.port, &span)?;
        }
        Ok((condition, text))
    }

    fn check_graph(&self, steps: &[StepSpec]) -> Result<(), PlaceError> {
        match cycle(steps) {
            None => Ok(()),
            Some(names) => {
                let first = steps.iter().find(|s| Some(&s.id) == names.first());
                let span = first.map_or(0..0, |s| s.span.clone());
                let message = format!("the steps form a cycle: {}", names.join(" → "));
                Err(self.fault(span, message).with_help("remove one of these inputs"))
            }
        }
    }
}

fn takes_help(takes: Takes) -> &'static str {
    match takes {
        Takes::Artifact(_) => "write an output of another step: \"STEP.OUTPUT\"",
        Takes::Alias => "write an alias: \"registry:MODEL@ALIAS\"",
        Takes::Files => "write patterns: \"{{ workspace }}/folder/*.md\"",
        Takes::Logs => "write patterns: \"{{ logs }}/**\"",
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

/// A cycle among the steps, first and last step the same, or nothing.
fn cycle(steps: &[StepSpec]) -> Option<Vec<String>> {
    let mut open: BTreeMap<&str, Vec<String>> =
        steps.iter().map(|s| (s.id.as_str(), s.upstream())).collect();
    // Steps without open inputs leave one after the other; what stays has a cycle.
    loop {
        let free: Vec<_> = open
            .iter()
            .filter(|(_, needs)| !needs.iter().any(|n| open.contains_key(n.as_str())))
            .map(|(id, _)| *id)
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|id| drop(open.remove(id)));
    }
    let mut path: Vec<String> = vec![(*open.keys().next()?).to_owned()];
    loop {
        let last = path.last()?;
        let next = open.get(last.as_str())?.iter().find(|n| open.contains_key(n.as_str()))?.clone();
        if let Some(at) = path.iter().position(|seen| *seen == next) {
            let mut found = path.split_off(at);
            found.push(next);
            found.reverse();
            return Some(found);
        }
        path.push(next);
    }
}
