//! Finds tool calls and their results in what generations say, in the shapes of the common APIs.

use serde_json::Value;

use super::messages::nested;

/// A tool call that a model asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub name: String,
    pub id: Option<String>,
    pub args: Value,
}

/// How deep answers are searched; real ones are four or five levels deep.
const DEPTH: usize = 12;

/// The calls in a model's output, in order. The same call in two places counts once.
pub(super) fn calls(output: &Value) -> Vec<Call> {
    let mut found = Vec::new();
    find_calls(output, 0, &mut found);
    found
}

fn find_calls(value: &Value, depth: usize, found: &mut Vec<Call>) {
    if depth > DEPTH {
        return;
    }
    match value {
        Value::Array(list) => list.iter().for_each(|one| find_calls(one, depth + 1, found)),
        Value::Object(fields) => {
            if let Some(call) = call(value) {
                let same = |known: &Call| known.id.is_some() && known.id == call.id;
                if !found.iter().any(same) {
                    found.push(call);
                }
                return;
            }
            for (key, inner) in fields {
                // Declarations, echoed requests and usage are no calls.
                let other = ["tools", "input", "messages", "usage_metadata", "usage", "metadata"];
                match key.as_str() {
                    "tool_calls" => {
                        for one in nested(inner).as_array().into_iter().flatten() {
                            find_listed(&nested(one), depth, found);
                        }
                    }
                    key if other.contains(&key) => {}
                    _ => find_calls(inner, depth + 1, found),
                }
            }
        }
        _ => {}
    }
}

/// Inside `tool_calls` every object with a name is a call, even without a type.
fn find_listed(one: &Value, depth: usize, found: &mut Vec<Call>) {
    let function = one.get("function").unwrap_or(one);
    let Some(name) = text(function, &["name"]) else {
        return find_calls(one, depth + 1, found);
    };
    let args = ["arguments", "args", "input"].iter().find_map(|key| function.get(key));
    let call =
        Call { name, id: text(one, &["id", "call_id"]), args: args.map_or(Value::Null, nested) };
    if !found.iter().any(|known| known.id.is_some() && known.id == call.id) {
        found.push(call);
    }
}

/// OpenAI's responses, Anthropic's content blocks and Gemini's parts.
fn call(value: &Value) -> Option<Call> {
    let made = |fields: &Value, id, args: &[&str]| {
        let args = args.iter().find_map(|key| fields.get(key)).map_or(Value::Null, nested);
        Some(Call { name: text(fields, &["name"])?, id, args })
    };
    match value.get("type").and_then(Value::as_str) {
        Some("function_call") => made(value, text(value, &["call_id", "id"]), &["arguments"]),
        Some("tool_use") => made(value, text(value, &["id"]), &["input"]),
        _ => {
            let part = value.get("function_call").or_else(|| value.get("functionCall"))?;
            made(part, text(part, &["id"]), &["args", "arguments"])
        }
    }
}

/// The results of calls, by call id, wherever they stand in a request or an answer.
pub(super) fn results(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    find_results(value, 0, &mut found);
    found
}

fn find_results(value: &Value, depth: usize, found: &mut Vec<(String, Value)>) {
    if depth > DEPTH {
        return;
    }
    match value {
        Value::Array(list) => list.iter().for_each(|one| find_results(one, depth + 1, found)),
        Value::Object(fields) => {
            let id = text(value, &["tool_call_id", "tool_use_id"]).or_else(|| {
                let output = value.get("type")?.as_str()? == "function_call_output";
                if output { text(value, &["call_id"]) } else { None }
            });
            let result = value.get("content").or_else(|| value.get("output"));
            if let (Some(id), Some(result)) = (id, result) {
                found.push((id, result.clone()));
                return;
            }
            fields.values().for_each(|inner| find_results(inner, depth + 1, found));
        }
        _ => {}
    }
}

fn text(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| value.get(key)?.as_str()).map(str::to_owned)
}
