//! Cache keys: what a step's outputs depend on, field by field, so that a miss is explained.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog::{Input, Kind};
use super::plan::{Plan, PlannedStep};
use crate::core::{Digest, Hasher};

/// The format of the keys. It changes when the meaning of a field does.
const FORMAT: &str = "fqm-key/1";

/// A cache key with the fields that it was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Names and values, sorted by name.
    pub fields: Vec<(Cow<'static, str>, String)>,
}

impl Key {
    /// The key of a step: format, kind and version, parameters, input digests, environment, date,
    /// and for an effect the plan. Retries, timeouts and resources stay out.
    pub fn of(
        plan: &Plan,
        plan_digest: &Digest,
        step: &PlannedStep,
        kind: &Kind,
        inputs: &BTreeMap<String, Input>,
        fingerprint: Option<&Value>,
    ) -> Self {
        let mut fields = vec![
            (Cow::Borrowed("format"), FORMAT.to_owned()),
            (Cow::Borrowed("uses"), format!("{}@{}", step.kind, step.version)),
            (Cow::Borrowed("date"), plan.date.to_string()),
        ];
        flatten("params", &step.params, &mut fields);
        fields.extend(
            inputs.iter().map(|(port, input)| (Cow::Owned(format!("in.{port}")), identity(input))),
        );
        if let Some(value) = fingerprint {
            fields.push((Cow::Borrowed("logs"), value.to_string()));
        }
        if kind.place == super::Place::Torch {
            let named = |(n, v): (&String, &String)| (Cow::Owned(format!("env.{n}")), v.clone());
            fields.extend(plan.environment.iter().map(named));
        }
        if kind.effect {
            fields.push((Cow::Borrowed("plan"), plan_digest.to_string()));
        }
        fields.sort();
        Self { fields }
    }

    /// The digest of the fields, each length-prefixed so that no two lists of fields meet.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for text in self.fields.iter().flat_map(|(name, value)| [&**name, value]) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finish()
    }
}

/// A field in which two keys differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field, e.g. `params.trainer.seed` or `in.dataset`.
    pub field: String,
    /// What it was; none where it was not there.
    pub before: Option<String>,
    /// What it is.
    pub now: Option<String>,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), short);
        write!(f, "{} {} → {}", self.field, shown(&self.before), shown(&self.now))
    }
}

/// The fields in which two keys differ, sorted by name.
pub fn changes(before: &Key, now: &Key) -> Vec<Change> {
    let mut names: Vec<_> = before.fields.iter().chain(&now.fields).map(|(n, _)| n).collect();
    names.sort();
    names.dedup();
    let pairs = names.into_iter().map(|name| Change {
        field: name.to_string(),
        before: find_raw(before, name).cloned(),
        now: find_raw(now, name).cloned(),
    });
    pairs.filter(|change| change.before != change.now).collect()
}

fn find_raw<'k>(key: &'k Key, name: &str) -> Option<&'k String> {
    key.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

fn short(value: &str) -> String {
    match value.parse::<Digest>() {
        Ok(digest) => format!("sha256:{}…", digest.short()),
        Err(_) if value.chars().count() > 40 => {
            format!("{}…", value.chars().take(40).collect::<String>())
        }
        Err(_) => value.to_owned(),
    }
}

fn identity(input: &Input) -> String {
    match input {
        Input::Artifact(artifact) => artifact.digest.to_string(),
        Input::Alias { digest: Some(digest), .. } | Input::Files { digest } => digest.to_string(),
        Input::Alias { digest: None, .. } => "none".to_owned(),
        Input::Logs { patterns } => patterns.join(" "),
    }
}

/// Writes nested parameters as one field a leaf, so that a change names the parameter.
fn flatten(name: &str, value: &Value, fields: &mut Vec<(Cow<'static, str>, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, fields));
        }
        leaf => fields.push((Cow::Owned(name.to_owned()), leaf.to_string())),
    }
}
