//! Reads a pipeline file: TOML under `pipelines/`, checked against the catalog of step kinds. The first
//! mistake is shown with its place and a suggestion.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::catalog::{Catalog, InPort, Kind, Takes};
use super::condition::Condition;
use super::graph::Graph;
use super::spec::{
    Approve, Budget, By, Check, Duration, Level, Needs, Notify, OnLocked, Pipeline, Retry,
    Schedule, Source, StepSpec, Trigger,
};
use super::texts::OneOrMany;
use crate::core::{Alias, LogicalDate, PlaceError, nearest};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawHead {
    /// The version of this format: 1.
    schema: u32,
    name: String,
    #[serde(default)]
    schedule: Option<Schedule>,
    /// What makes the daemon fire the pipeline beside its schedule.
    #[serde(default, rename = "trigger")]
    triggers: Vec<Trigger>,
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
    /// `day` or `hour`: the logical date is the start of one.
    #[serde(default)]
    by: By,
    /// The first logical date.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    start: Option<toml::value::Datetime>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawRun {
    /// A lock or a list of locks that a run holds.
    #[serde(default)]
    lock: Option<OneOrMany>,
    #[serde(default)]
    on_locked: OnLocked,
    #[serde(default)]
    timeout: Option<Duration>,
    /// The time of day by which the last date must be done, e.g. `07:00`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    fresh_by: Option<Spanned<String>>,
    /// Who is told of what.
    #[serde(default)]
    notify: Vec<Notify>,
    /// What a run should cost at most.
    #[serde(default)]
    budget: Option<Budget>,
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
    /// What must hold of its outputs.
    #[serde(default)]
    checks: Vec<RawCheck>,
    /// Whether a person must agree before it runs.
    #[serde(default)]
    approve: Option<Approve>,
    /// A lock or a list of locks that it holds while it runs.
    #[serde(default)]
    lock: Option<OneOrMany>,
    /// Whether it runs in a process of its own.
    #[serde(default)]
    isolate: bool,
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawCheck {
    /// E.g. `ingest.snapshot.quarantined <= 100`.
    #[schemars(with = "String")]
    expr: Spanned<String>,
    #[serde(default)]
    level: Level,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Otherwise {
    #[default]
    SkipDownstream,
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

    /// Where a key stands at the beginning of a line; the file as a whole where it does not.
    fn key(&self, name: &str) -> Range<usize> {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            let rest = line.trim_start().strip_prefix(name);
            if rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
                let start = at + line.len() - line.trim_start().len();
                return start..start + name.len();
            }
            at += line.len();
        }
        // In an inline table the key stands somewhere within a line.
        let found = self
            .text
            .match_indices(name)
            .find(|(at, _)| self.text[at + name.len()..].trim_start_matches(' ').starts_with('='));
        found.map_or(0..0, |(at, name)| at..at + name.len())
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
            let fault = self.fault(self.key("schema"), format!("unknown schema {}", head.schema));
            return Err(fault.with_help("this program reads schema 1"));
        }
        let by = head.partition.as_ref().map_or(By::Day, |p| p.by);
        let start = head.partition.and_then(|p| p.start).map(|start| start.to_string());
        let start = start.map(|text| text.parse::<LogicalDate>()).transpose();
        let start = start.map_err(|e| self.fault(self.key("start"), e.to_string()))?;
        if let Some(schedule) = &head.schedule {
            super::schedule::cron(&schedule.cron)
                .map_err(|message| self.fault(self.key("cron"), message))?;
        }
        let fresh_by = head.run.fresh_by.map(|text| self.time_of_day(&text)).transpose()?;
        let mut locks = head.run.lock.map_or_else(|| vec![head.name.clone()], |lock| lock.0);
        // Taken in one order everywhere, so that two runs cannot wait for each other.
        locks.sort();
        locks.dedup();
        let pipeline = Pipeline {
            locks,
            name: head.name,
            schedule: head.schedule,
            triggers: head.triggers,
            on_locked: head.run.on_locked,
            timeout: head.run.timeout,
            fresh_by,
            notify: head.run.notify,
            budget: head.run.budget,
            by,
            start,
            steps: self.steps(steps, &head.defaults)?,
        };
        self.check_graph(&pipeline.steps)?;
        Ok(pipeline)
    }

    fn time_of_day(&self, text: &Spanned<String>) -> Result<chrono::NaiveTime, PlaceError> {
        chrono::NaiveTime::parse_from_str(text.get_ref(), "%H:%M").map_err(|_| {
            let message = format!("`{}` is no time of day; write `07:00`", text.get_ref());
            self.fault(text.span(), message)
        })
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
        let wanted = kind.version;
        if version.parse() != Ok(wanted) {
            let message = format!("this program has `{name}` in version {wanted}");
            return Err(fault(message).with_help(match version.parse::<u32>() {
                Ok(found) if found < wanted => format!(
                    "`fqm-pipe upgrade` writes `{name}@{wanted}`; the change makes the step run again"
                ),
                Ok(_) => "use the newer fqm-pipe that this file was written for".to_owned(),
                Err(_) => format!("write `{name}@{wanted}`"),
            }));
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
            let source = self.source(wanted, source, known)?;
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
        let when = raw.when.map(|when| self.condition(when.expr, known)).transpose()?;
        let checks = raw.checks.into_iter().map(|check| {
            let (expr, text) = self.condition(check.expr, known)?;
            Ok(Check { expr, text, level: check.level })
        });
        let mut locks = raw.lock.map(|lock| lock.0).unwrap_or_default();
        locks.sort();
        locks.dedup();
        Ok(StepSpec {
            id,
            kind: kind.name.to_owned(),
            version: kind.version,
            inputs,
            outputs,
            params,
            when_text: when.as_ref().map(|(_, text)| text.clone()),
            when: when.map(|(condition, _)| condition),
            checks: checks.collect::<Result<_, PlaceError>>()?,
            approve: raw.approve,
            locks,
            isolate: raw.isolate,
            timeout: raw.timeout.or(defaults.timeout),
            retry: raw.retry.or_else(|| defaults.retry.clone()).unwrap_or_default(),
            needs: raw.needs,
            span,
        })
    }

    fn source(
        &self,
        port: &InPort,
        written: Spanned<OneOrMany>,
        known: &BTreeMap<String, (&Kind, BTreeMap<String, String>)>,
    ) -> Result<Source, PlaceError> {
        let (span, takes) = (written.span(), port.takes);
        let list = written.into_inner().0;
        let single = |help: &str| match &list[..] {
            [one] => Ok(one.clone()),
            _ => Err(self.fault(span.clone(), "expected one text here").with_help(help)),
        };
        match takes {
            Takes::Logs => self
                .patterns(list, &span, &["{{ logs }}", "{{ date }}", "{{ hour }}"])
                .map(Source::Logs),
            Takes::Files => self
                .patterns(list, &span, &["{{ workspace }}", "{{ date }}", "{{ hour }}"])
                .map(Source::Files),
            Takes::Alias => {
                let alias: Result<Alias, _> = single(takes_help(takes))?.parse();
                alias.map(Source::Alias).map_err(|e| self.fault(span.clone(), e.to_string()))
            }
            Takes::Artifact(wanted) => {
                let text = single(takes_help(takes))?;
                let (previous, named) = match text.strip_prefix("previous:") {
                    Some(named) => (true, named),
                    None => (false, text.as_str()),
                };
                if previous && !port.optional {
                    let message = format!("the input `{}` cannot do without a value", port.name);
                    let help = "the first interval has none before it; use `previous:` on an optional input";
                    return Err(self.fault(span, message).with_help(help));
                }
                let (step, port) = named.split_once('.').ok_or_else(|| {
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
                let step = step.to_owned();
                Ok(if previous {
                    Source::Previous { step, port }
                } else {
                    Source::Step { step, port }
                })
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

    fn condition(
        &self,
        raw: Spanned<String>,
        known: &BTreeMap<String, (&Kind, BTreeMap<String, String>)>,
    ) -> Result<(Condition, String), PlaceError> {
        let span = raw.span();
        let text = raw.into_inner();
        let condition = Condition::parse(&text).map_err(|m| self.fault(span.clone(), m))?;
        for fact in condition.facts() {
            self.output(known, &fact.step, &fact.port, &span)?;
        }
        Ok((condition, text))
    }

    fn check_graph(&self, steps: &[StepSpec]) -> Result<(), PlaceError> {
        let Some(cycle) = Graph::of(steps).cycle() else { return Ok(()) };
        let names: Vec<&str> = cycle.iter().map(|at| steps[*at].id.as_str()).collect();
        let span = cycle.first().map_or(0..0, |at| steps[*at].span.clone());
        let message = format!("the steps form a cycle: {}", names.join(" → "));
        Err(self.fault(span, message).with_help("remove one of these inputs"))
    }
}

fn takes_help(takes: Takes) -> &'static str {
    match takes {
        Takes::Artifact(_) => {
            "write an output of another step: \"STEP.OUTPUT\", or \"previous:STEP.OUTPUT\" for the interval before"
        }
        Takes::Alias => "write an alias: \"registry:MODEL@ALIAS\"",
        Takes::Files => "write patterns: \"{{ workspace }}/folder/*.md\"",
        Takes::Logs => "write patterns: \"{{ logs }}/**\"",
    }
}
