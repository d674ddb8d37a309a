//! Canonical JSON: the same value has the same bytes, so that a digest of it means its content.

use serde::Serialize;
use serde_json::Value;

use super::Digest;

/// The value as JSON with sorted keys and no white space.
///
/// Numbers are written as serde_json writes them (shortest form that reads back equal), so equal
/// values give equal bytes; the key order of maps and structs does not matter.
///
/// # Errors
/// When the value has no JSON form (a map with keys that are not strings).
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&sorted(serde_json::to_value(value)?))
}

/// The digest of the canonical JSON of a value.
///
/// # Errors
/// As [`canonical_json`].
pub fn digest_json<T: Serialize + ?Sized>(value: &T) -> Result<Digest, serde_json::Error> {
    Ok(Digest::of(&canonical_json(value)?))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
