//! Which functions an orchestration without a known level may call.
//!
//! A log says what was called, seldom what could have been. The candidates at a step are then all
//! functions that were seen in the same workflow, sorted by name, plus `respond`: answering the
//! user is a function too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::habits::Habits;
use super::trail::Trail;
use crate::dataset::{ACTION_RESPOND, Episode, Step};

/// The function that answers the user.
pub const RESPOND: &str = "respond";
/// How deep keys are looked for in arguments and results.
const DEPTH: usize = 4;
/// Most keys that are kept of one result, the shortest paths first.
const MOST_KEYS: usize = 64;

/// What is known about a function from its schema or its calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionInfo {
    /// What it does, where a schema says so.
    pub description: String,
    /// Keys of its parameters.
    pub params: BTreeSet<String>,
    /// Keys that stand in what it returned.
    pub returns: BTreeSet<String>,
    /// Where the ids that it was given had been met before: under which key of a result, or in which
    /// shape in the user's words.
    pub sources: BTreeSet<String>,
}

/// Functions by workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    workflows: BTreeMap<String, BTreeMap<String, FunctionInfo>>,
    habits: BTreeMap<String, Habits>,
}

impl Vocabulary {
    /// The functions that these episodes call. Give it the episodes that may be learned from, not
    /// the held-out ones, so that nothing of those leaks into the candidates.
    pub fn of<'a>(episodes: impl IntoIterator<Item = &'a Episode>) -> Self {
        let mut all = Self::default();
        for episode in episodes {
            let mut trail = Trail::default();
            for step in &episode.steps {
                trail.observe(step);
                all.see(episode, &trail, step);
                trail.act(step);
            }
        }
        all
    }

    fn see(&mut self, episode: &Episode, trail: &Trail, step: &Step) {
        let Some(name) = function_of(step) else { return };
        let habits = self.habits.entry(episode.workflow.clone()).or_default();
        habits.see(&episode.task_id, &trail.moment(&trail.words()), name);
        let functions = self.workflows.entry(episode.workflow.clone()).or_default();
        let info = functions.entry(name.to_owned()).or_default();
        if name != RESPOND {
            info.params.extend(top_keys(step.args_json.as_deref()));
            info.returns.extend(keys(step.result_json.as_deref()));
            info.sources.extend(trail.sources(step));
        }
    }

    /// Adds or replaces what a schema declares about a function.
    pub fn declare(&mut self, workflow: &str, name: &str, description: &str, params: &[&str]) {
        let functions = self.workflows.entry(workflow.to_owned()).or_default();
        let info = functions.entry(name.to_owned()).or_default();
        info.description = description.to_owned();
        info.params.extend(params.iter().map(|p| (*p).to_owned()));
    }

    /// The functions of a workflow by name; `respond` is always among them.
    pub fn functions(&self, workflow: &str) -> BTreeMap<String, FunctionInfo> {
        let mut functions = self.workflows.get(workflow).cloned().unwrap_or_default();
        functions.entry(RESPOND.to_owned()).or_default();
        functions
    }

    /// What went before each function of a workflow.
    pub(crate) fn habits(&self, workflow: &str) -> Option<&Habits> {
        self.habits.get(workflow)
    }
}

/// The function that a step chooses: a tool, or `respond`. None for steps that choose nothing.
pub fn function_of(step: &Step) -> Option<&str> {
    if !step.is_example() {
        return None;
    }
    if step.action == ACTION_RESPOND { Some(RESPOND) } else { step.tool.as_deref() }
}

/// Keys of a JSON object, without those inside it.
pub(crate) fn top_keys(json: Option<&str>) -> BTreeSet<String> {
    match parse(json) {
        Some(Value::Object(map)) => map.into_iter().map(|(key, _)| key).collect(),
        _ => BTreeSet::new(),
    }
}

/// Keys anywhere in a JSON value that look like names, not like data.
pub(crate) fn keys(json: Option<&str>) -> BTreeSet<String> {
    let mut level: Vec<Value> = parse(json).into_iter().collect();
    let mut found = BTreeSet::new();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for value in level {
            match value {
                Value::Object(map) => {
                    for (key, inner) in map {
                        let name = !key.is_empty() && !key.chars().any(|c| c.is_ascii_digit());
                        if name && found.len() < MOST_KEYS {
                            found.insert(key);
                        }
                        next.push(inner);
                    }
                }
                Value::Array(items) => next.extend(items.into_iter().take(4)),
                _ => {}
            }
        }
        level = next;
    }
    found
}

/// All text in a JSON value, or the value itself where it is not JSON.
pub(crate) fn prose(json: Option<&str>) -> String {
    fn collect(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => {
                out.push_str(text);
                out.push(' ');
            }
            Value::Array(items) => items.iter().for_each(|v| collect(v, out)),
            Value::Object(map) => map.values().for_each(|v| collect(v, out)),
            _ => {}
        }
    }
    let mut out = String::new();
    match parse(json) {
        Some(value) => collect(&value, &mut out),
        None => out.push_str(json.unwrap_or_default()),
    }
    out
}

/// What somebody said: the content of a message where it is one, else all text. A message of the
/// system says nothing to the agent that another step would not.
pub(crate) fn spoken(json: Option<&str>) -> String {
    match parse(json) {
        Some(Value::Object(message)) if message.contains_key("role") => {
            let role = message.get("role").and_then(Value::as_str);
            let silent = matches!(role, Some("system" | "assistant" | "tool"));
            let content = message.get("content").filter(|_| !silent);
            prose(content.map(Value::to_string).as_deref())
        }
        _ => prose(json),
    }
}

/// Whether a call came back with an error: the log says so, or its result begins with the word.
pub(crate) fn went_wrong(step: &Step) -> bool {
    let said = || match parse(step.result_json.as_deref()) {
        Some(Value::String(text)) => text.trim_start().to_lowercase().starts_with("error"),
        Some(Value::Object(map)) => map.get("error").is_some_and(|e| !e.is_null()),
        _ => false,
    };
    step.error.is_some() || said()
}

/// Reads JSON; a string that itself holds JSON is read once more, as many logs nest it so.
pub(crate) fn parse(json: Option<&str>) -> Option<Value> {
    match serde_json::from_str(json?).ok()? {
        Value::String(inner) => Some(serde_json::from_str(&inner).unwrap_or(Value::String(inner))),
        value => Some(value),
    }
}
