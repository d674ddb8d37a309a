//! The canonical trajectory of an episode: what it did on which task, and nothing of when, by whom
//! or in which file. Two logs of the same play have the same digest.

use serde_json::Value;

use crate::core::{Digest, Hasher, canonical_json};
use crate::dataset::{ACTION_CALL, Step};

/// The digest of a trajectory's steps: for each its action, function, arguments, result, outcome and
/// error. What was seen is part of it only where nothing was called: after a call it follows from
/// the call, in a conversation it does not. The level or task stands beside it in the filter.
pub(super) fn digest(steps: &[&Step]) -> Digest {
    let mut hasher = Hasher::new();
    for step in steps {
        field(&mut hasher, "action", Some(step.action.as_bytes()));
        field(&mut hasher, "tool", step.tool.as_deref().map(str::as_bytes));
        json(&mut hasher, "args", step.args_json.as_deref());
        json(&mut hasher, "result", step.result_json.as_deref());
        let outcome = step.outcome.map(i32::to_le_bytes);
        field(&mut hasher, "outcome", outcome.as_ref().map(<[u8; 4]>::as_slice));
        field(&mut hasher, "error", step.error.as_deref().map(str::as_bytes));
        if step.action != ACTION_CALL {
            json(&mut hasher, "observation", step.observation_json.as_deref());
        }
    }
    hasher.finish()
}

/// One field with its name and length, so that no two sequences of fields share their bytes.
fn field(hasher: &mut Hasher, name: &str, value: Option<&[u8]>) {
    hasher.update(name.as_bytes());
    match value {
        Some(bytes) => {
            hasher.update(&[1]);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        None => hasher.update(&[0]),
    }
}

/// JSON text in its canonical form, so that white space and key order do not matter.
fn json(hasher: &mut Hasher, name: &str, text: Option<&str>) {
    let parsed = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let canonical = parsed.and_then(|value| canonical_json(&value).ok());
    match canonical {
        Some(bytes) => field(hasher, name, Some(&bytes)),
        None => field(hasher, name, text.map(str::as_bytes)),
    }
}

/// The digest of a task's narrative, without its white space: the same words are the same narrative.
pub fn narrative_digest(text: &str) -> Digest {
    let words: Vec<&str> = text.split_whitespace().collect();
    Digest::of(words.join(" ").as_bytes())
}

/// The digests of all texts in what an agent saw first: its task stands there where the log has no
/// level.
pub(super) fn narratives(steps: &[&Step]) -> Vec<Digest> {
    let first = steps.iter().find_map(|step| step.observation_json.as_deref());
    let mut digests = Vec::new();
    if let Some(text) = first {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => strings(&value, &mut |text| digests.push(narrative_digest(text))),
            Err(_) => digests.push(narrative_digest(text)),
        }
    }
    digests
}

fn strings(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, take)),
        Value::Object(map) => map.values().for_each(|item| strings(item, take)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
