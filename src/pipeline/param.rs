//! A parameter that is given for one run, `STEP.NAME=VALUE`, in place of the one in the pipeline file. It is
//! part of the plan and of the keys like any other.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::de::ValueDeserializer;

use super::catalog::Catalog;
use super::spec::Pipeline;
use crate::core::nearest;

/// A parameter for one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The step.
    pub step: String,
    /// Its parameter, and what lies below it: `trainer.epochs` has two parts.
    pub path: Vec<String>,
    /// The value.
    pub value: Value,
}

impl FromStr for Param {
    type Err = String;

    /// Reads `STEP.NAME=VALUE`. The value is written as in the file; what cannot be read so is a text, so
    /// that a shell needs no quotes within quotes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no parameter; write STEP.NAME=VALUE");
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let mut parts = name.trim().split('.').map(str::to_owned);
        let (step, path) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>());
        if step.is_empty() || path.is_empty() || path.iter().any(String::is_empty) {
            return Err(wrong());
        }
        let value = value.trim();
        let read = ValueDeserializer::parse(value).and_then(Value::deserialize);
        let value = read.unwrap_or_else(|_| Value::from(value));
        Ok(Self { step, path, value })
    }
}

impl Pipeline {
    /// Sets a parameter of a step, checked by the step's kind as if it stood in the file.
    ///
    /// # Errors
    /// When there is no such step or parameter, or the value does not fit.
    pub fn set(&mut self, param: &Param, catalog: &dyn Catalog) -> Result<(), String> {
        let name = format!("{}.{}", param.step, param.path.join("."));
        let failed = |why: String| format!("set the parameter `{name}` of {}: {why}", self.name);
        let Some(at) = self.steps.iter().position(|step| step.id == param.step) else {
            let names: Vec<_> = self.steps.iter().map(|step| step.id.as_str()).collect();
            return Err(failed(match nearest(&param.step, names.iter().copied()) {
                Some(near) => format!("there is no step `{}`; did you mean `{near}`?", param.step),
                None => format!("there is no step `{}`; it has {}", param.step, names.join(", ")),
            }));
        };
        let kind = catalog.kind(&self.steps[at].kind);
        let kind = kind.ok_or_else(|| failed("its step kind is not known".to_owned()))?;
        let mut params = self.steps[at].params.clone();
        put(&mut params, &param.path, param.value.clone()).map_err(failed)?;
        let text =
            toml::Value::try_from(without_nulls(params)).map_err(|e| failed(e.to_string()))?;
        let read = ValueDeserializer::parse(&text.to_string()).and_then(|from| (kind.params)(from));
        self.steps[at].params = read.map_err(|e| failed(e.message().to_owned()))?;
        Ok(())
    }
}

/// Puts a value where a path leads; a table that is not there is made, and the kind will say whether it may
/// be.
fn put(into: &mut Value, path: &[String], value: Value) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        *into = value;
        return Ok(());
    };
    if into.is_null() {
        *into = Value::Object(Map::new());
    }
    match into.as_object_mut() {
        Some(table) => put(table.entry(first).or_insert(Value::Null), rest, value),
        None => Err(format!("`{first}` lies below a value that is no table")),
    }
}

/// TOML has no word for nothing: what is left out is nothing.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(table) => {
            let entries = table.into_iter().filter(|(_, value)| !value.is_null());
            entries.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(list) => list.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
