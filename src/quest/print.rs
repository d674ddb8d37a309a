//! A level as the TOML that a person would have written: what stands at its default is left out,
//! short things stand on one line, and the same level gives the same text.

use serde_json::{Map, Value};

use super::level::Level;

/// Longest line that is not broken.
const WIDTH: usize = 100;

/// Keys in the order in which they are read best; others follow by name.
const ORDER: [&str; 47] = [
    "schema",
    "id",
    "family",
    "level",
    "challenge",
    "kind",
    "seed",
    "commit",
    "license",
    "narrative",
    "source",
    "split",
    "observability",
    "init",
    "goal",
    "limits",
    "name",
    "p",
    "description",
    "params",
    "says",
    "store",
    "static",
    "min",
    "max",
    "pre",
    "forbidden",
    "takes",
    "at_start",
    "effects",
    "returns",
    "value",
    "pool",
    "values",
    "quality",
    "failed",
    "cost",
    "cost_by",
    "max_calls",
    "cooldown",
    "exclusive_with",
    "outcomes",
    "min_calls",
    "proven",
    "method",
    "expanded",
    "plan",
];

/// Tables with one line for each entry, whose keys are names.
const NAMED: [&str; 3] = ["types", "objects", "predicates"];
/// Tables whose entries are tables of their own, by name.
const SECTIONS: [&str; 3] = ["fluents", "costs", "functions"];

impl Level {
    /// The level as TOML that reads back as the same level: [`Level::from_toml`].
    pub fn to_toml(&self) -> String {
        // A level has text keys and finite numbers, so it always has a JSON form.
        let Ok(Value::Object(mut level)) = serde_json::to_value(self) else {
            return String::new();
        };
        let mut below = Vec::new();
        for key in NAMED.iter().chain(&SECTIONS).chain(&["reference"]) {
            if let Some(Value::Object(table)) = level.remove(*key) {
                below.push((*key, table));
            }
        }
        let mut out = String::new();
        lines(&fields(&level), &mut out);
        for (key, table) in &below {
            if NAMED.contains(key) || table.is_empty() {
                section(key, &names(table), &mut out);
            } else if SECTIONS.contains(key) {
                for (name, value) in names(table) {
                    entry(&format!("{key}.{}", bare(name)), value, &mut out);
                }
            } else {
                section(key, &fields(table), &mut out);
            }
        }
        out
    }
}

type Entries<'a> = Vec<(&'a String, &'a Value)>;

/// One fluent, function or table of costs; the last with its values below it.
fn entry(header: &str, value: &Value, out: &mut String) {
    let Value::Object(table) = value else { return };
    let (below, fields): (Entries<'_>, Entries<'_>) =
        fields(table).into_iter().partition(|(key, _)| *key == "values");
    section(header, &fields, out);
    for (key, value) in below {
        if let Value::Object(values) = value {
            section(&format!("{header}.{key}"), &names(values), out);
        }
    }
}

fn section(header: &str, entries: &Entries<'_>, out: &mut String) {
    out.push_str(&format!("\n[{header}]\n"));
    lines(entries, out);
}

fn lines(entries: &Entries<'_>, out: &mut String) {
    for (key, value) in entries {
        let key = bare(key);
        let line = format!("{key} = {}", inline(value));
        let broken = match value {
            Value::Array(items) if line.len() > WIDTH => {
                let items: String = items.iter().map(|v| format!("  {},\n", inline(v))).collect();
                format!("{key} = [\n{items}]")
            }
            _ => line,
        };
        out.push_str(&broken);
        out.push('\n');
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(table) => {
            let entries: Vec<String> = fields(table)
                .into_iter()
                .map(|(key, value)| format!("{} = {}", bare(key), inline(value)))
                .collect();
            if entries.is_empty() { "{}".into() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        other => other.to_string(),
    }
}

/// Entries whose keys the level's author chose, by name.
fn names(table: &Map<String, Value>) -> Entries<'_> {
    let mut entries: Entries<'_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

/// Entries whose keys the format knows: those that say something, in the order of reading.
fn fields(table: &Map<String, Value>) -> Entries<'_> {
    let rank = |key: &str| ORDER.iter().position(|k| *k == key).unwrap_or(ORDER.len());
    let mut entries: Entries<'_> = table.iter().filter(|(key, v)| !is_default(key, v)).collect();
    entries.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
    entries
}

/// Whether leaving the field out means the same.
fn is_default(key: &str, value: &Value) -> bool {
    match key {
        "pre" | "effects" | "description" | "narrative" => value == "",
        "params" | "init" => value.as_array().is_some_and(Vec::is_empty),
        "static" | "failed" => value == false,
        "store" => value == "env",
        "observability" => value == "full",
        "min" => value == 0,
        _ => false,
    }
}

/// A key as TOML writes it, quoted where it must be.
fn bare(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(plain) {
        return key.to_owned();
    }
    // One line always: a key cannot be a multi-line text. JSON quotes as TOML does.
    Value::from(key).to_string()
}
