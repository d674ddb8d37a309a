//! What the key of a step is made of: everything that its outputs depend on, and nothing else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::catalog::{Input, Kind, Place};
use super::key::{Fields, Key};
use super::plan::{Plan, PlannedStep};
use crate::core::Digest;

/// The format of the keys. It changes when the meaning of a field does.
const FORMAT: &str = "fqm-key/1";

/// The key of a step: format, kind and version, parameters, input digests, environment, date,
/// and for an effect the plan. Retries, timeouts and resources stay out.
pub(super) fn key_of(
    plan: &Plan,
    plan_digest: &Digest,
    step: &PlannedStep,
    kind: &Kind,
    inputs: &BTreeMap<String, Input>,
    fingerprint: Option<&Value>,
) -> Key {
    let mut fields: Fields = vec![
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
    if kind.place == Place::Torch {
        let named = |(n, v): (&String, &String)| (Cow::Owned(format!("env.{n}")), v.clone());
        fields.extend(plan.environment.iter().map(named));
    }
    if kind.effect {
        fields.push((Cow::Borrowed("plan"), plan_digest.to_string()));
    }
    Key::new(fields)
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
fn flatten(name: &str, value: &Value, fields: &mut Fields) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, fields));
        }
        leaf => fields.push((Cow::Owned(name.to_owned()), leaf.to_string())),
    }
}
