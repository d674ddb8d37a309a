//! Helpers of the registry's tests; each file beside this one holds the tests of one idea.

mod aliases;
mod declared;
mod documents;
mod evidence;
mod foreign;
mod verify;

use chrono::{DateTime, Utc};

use super::*;
use crate::core::{Alias, Digest, LogicalDate, Store};

pub(super) fn disk() -> (tempfile::TempDir, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let url = url::Url::from_directory_path(folder.path()).unwrap();
    let registry = Registry::new(Store::open(&url).unwrap());
    (folder, registry)
}

pub(super) fn memory() -> Registry {
    Registry::new(Store::memory())
}

pub(super) fn day(n: u32) -> LogicalDate {
    format!("2026-11-{n:02}").parse().unwrap()
}

pub(super) fn noon(n: u32) -> DateTime<Utc> {
    format!("2026-11-{n:02}T12:00:00Z").parse().unwrap()
}

pub(super) fn alias(name: &str) -> Alias {
    format!("registry:fqm@{name}").parse().unwrap()
}

/// A variant whose content depends on the seed.
pub(super) fn variant(seed: u8) -> NewVariant {
    NewVariant {
        model: "fqm".to_owned(),
        logical_date: day(u32::from(seed % 28) + 1),
        title: format!("conductor {seed}"),
        description: "a test".to_owned(),
        architecture: "relational-graph-pointer".to_owned(),
        parameters: Some(48_230),
        precision: "float32".to_owned(),
        files: vec![
            VariantFile::new("prompts/system.md", FileKind::Prompt, "Call one function."),
            VariantFile::new("config.json", FileKind::WeightConfig, format!("{{\"seed\":{seed}}}")),
            VariantFile::new("model.safetensors", FileKind::Weight, vec![seed; 300]),
            VariantFile::new("README.md", FileKind::Doc, "# Card"),
        ],
        facts: [("dataset".to_owned(), Digest::of(b"data").to_string())].into(),
    }
}

pub(super) fn note(n: u32) -> Note {
    Note::new("pipeline:nightly", "a test", noon(n)).on(day(n))
}

pub(super) async fn add(registry: &Registry, seed: u8) -> Digest {
    registry.register(&variant(seed), note(1)).await.unwrap().0
}

/// Promotes from wherever the champion is.
pub(super) async fn promote(registry: &Registry, to: Digest, n: u32) -> Moved {
    let from = registry.find(&alias("champion")).await.unwrap();
    let change = Move::new(Action::Promote, note(n)).alias("champion", from, Some(to));
    registry.move_aliases("fqm", change).await.unwrap()
}
