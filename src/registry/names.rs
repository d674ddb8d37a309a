//! Which names and paths the registry takes, and where its files lie.

use super::RegistryError;
use crate::core::Digest;

/// The folder of a model's log.
pub(super) fn log_folder(model: &str) -> String {
    format!("refs/{model}/log")
}

/// The file of one log entry.
pub(super) fn log_file(model: &str, seq: u64) -> String {
    format!("refs/{model}/log/{seq:020}.json")
}

/// The file that says from which log entry on an idempotency key may stand in the log.
pub(super) fn key_file(model: &str, key: &str) -> String {
    format!("refs/{model}/keys/{}.json", Digest::of(key.as_bytes()).hex())
}

/// Refuses a model name that the references of image layouts could not carry.
pub(super) fn check_model(model: &str) -> Result<(), RegistryError> {
    if is_component(model) {
        return Ok(());
    }
    Err(RegistryError::Invalid {
        what: "the model name",
        value: model.to_owned(),
        why: "expected letters and digits, joined by single `-`, `_` or `.`, e.g. `fqm`".to_owned(),
    })
}

/// Refuses an alias that the references of image layouts could not carry.
pub(super) fn check_alias(alias: &str) -> Result<(), RegistryError> {
    // Twelve hex digits are the tag under which a variant without an alias is listed.
    let like_digest = alias.len() >= 12 && alias.bytes().all(|b| b.is_ascii_hexdigit());
    if !like_digest && alias.split('/').all(is_component) {
        return Ok(());
    }
    Err(RegistryError::Invalid {
        what: "the alias",
        value: alias.to_owned(),
        why: "expected e.g. `champion` or `challenger/wide`: letters and digits, joined by single `-`, `_`, `.` or `/`, and not a digest"
            .to_owned(),
    })
}

/// Refuses a path that could leave the folder a variant is exported to.
pub(super) fn check_path(path: &str) -> Result<(), RegistryError> {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']) && !has_control(part)
    };
    if path.len() <= 255 && path.split('/').all(plain) {
        return Ok(());
    }
    Err(RegistryError::Invalid {
        what: "the file path",
        value: path.to_owned(),
        why: "expected a relative path with `/` and without `..`, e.g. `prompts/system.md`"
            .to_owned(),
    })
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// `component ::= alphanum (separator alphanum)*` of the image layout specification, without the
/// separators `:`, `@`, `+` and `--`, which this registry writes itself or does not need.
fn is_component(text: &str) -> bool {
    let alphanumeric =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= 128 && text.split(['-', '_', '.']).all(alphanumeric)
}
