use std::path::{Path, PathBuf};

use super::*;
use crate::core::Blobs;

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

async fn filled() -> (tempfile::TempDir, Registry) {
    let (folder, registry) = disk();
    let (a, b) = (add(&registry, 1).await, add(&registry, 2).await);
    let evidence = NewEvidence {
        model: "fqm".to_owned(),
        subject: a,
        kind: EvidenceKind::Evaluation,
        logical_date: day(2),
        document: "{}  ".into(),
        facts: Default::default(),
    };
    registry.attach(&evidence, note(2)).await.unwrap();
    promote(&registry, a, 2).await;
    promote(&registry, b, 3).await;
    (folder, registry)
}

#[tokio::test]
async fn a_whole_registry_verifies() {
    assert!(memory().verify().await.unwrap().is_ok(), "an empty registry is whole");
    let (_folder, registry) = filled().await;
    let report = registry.verify().await.unwrap();
    assert_eq!(report.problems, []);
    assert_eq!((report.entries, report.manifests, report.unreferenced), (5, 3, 0));
    assert!(!registry.fsck().await.unwrap(), "catching up and building anew agree");
}

#[tokio::test]
async fn every_flipped_and_every_missing_byte_is_found() {
    let (folder, registry) = filled().await;
    let mut tried = 0;
    for path in all_files(folder.path()) {
        let text = path.to_str().unwrap();
        // Reservations of keys are hints; a damaged one only makes a repeated call slower.
        if text.contains("/keys/") {
            continue;
        }
        let whole = std::fs::read(&path).unwrap();
        let step = (whole.len() / 12).max(1);
        let flips = (0..whole.len()).step_by(step).chain([whole.len() - 1]).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            (format!("byte {at} flipped"), bytes)
        });
        let cut = ("cut short".to_owned(), whole[..whole.len() - 1].to_vec());
        let emptied = ("emptied".to_owned(), Vec::new());
        for (what, bytes) in flips.chain([cut, emptied]) {
            std::fs::write(&path, bytes).unwrap();
            let report = registry.verify().await.unwrap();
            let named = report.problems.iter().find(|p| text.ends_with(tail(&p.place)));
            assert!(named.is_some_and(|p| !p.fix.is_empty()), "{text}: {what}: {report:?}");
            tried += 1;
        }
        std::fs::remove_file(&path).unwrap();
        // The newest entry of a log leaves no trace in the log itself, but the projection knows it.
        let report = registry.verify().await.unwrap();
        assert!(!report.is_ok(), "{text} removed");
        std::fs::write(&path, whole).unwrap();
    }
    assert!(tried > 200, "{tried}");
    assert_eq!(registry.verify().await.unwrap().problems, []);
}

/// The last two parts of a place, by which a file is recognised.
fn tail(place: &str) -> &str {
    place.rsplit_once('/').map_or(place, |(_, name)| name)
}

#[tokio::test]
async fn a_damaged_blob_names_who_needs_it_and_stops_a_promotion() {
    let (folder, registry) = filled().await;
    let champion = registry.resolve(&alias("champion")).await.unwrap().digest;
    let weights = folder.path().join(Blobs::path(&Digest::of(&[1; 300])));
    std::fs::write(&weights, [9; 300]).unwrap();
    let report = registry.verify().await.unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert!(report.problems[0].needed_by[0].starts_with("fqm "), "{report:?}");
    let error = registry.rollback(&alias("champion"), note(5)).await.unwrap_err().to_string();
    assert!(error.contains(&Digest::of(&[1; 300]).hex()), "{error}");
    assert!(registry.register(&variant(1), note(5)).await.is_err(), "dedup must not trust it");
    assert_eq!(registry.resolve(&alias("champion")).await.unwrap().digest, champion);
    std::fs::remove_file(&weights).unwrap();
    registry.register(&variant(1), note(5)).await.unwrap();
    assert_eq!(registry.verify().await.unwrap().problems, [], "registering again heals it");
}

#[tokio::test]
async fn a_rewritten_log_entry_is_found_although_it_reads_well() {
    let (folder, registry) = filled().await;
    let path = folder.path().join("refs/fqm/log/00000000000000000004.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let history = registry.history("fqm").await.unwrap();
    let edited = whole.replace("a test", "a deed");
    assert_ne!(edited, whole);
    std::fs::write(&path, edited).unwrap();
    let error = registry.history("fqm").await.unwrap_err().to_string();
    assert!(error.contains("00000000000000000004.json") && error.contains("changed"), "{error}");

    // Sealed anew, it is whole for itself, but the entry after it follows another one.
    let mut entry: serde_json::Value = serde_json::from_str(&whole).unwrap();
    entry["reason"] = "a deed".into();
    let mut unsealed = entry.clone();
    unsealed.as_object_mut().unwrap().remove("digest");
    entry["digest"] = crate::core::digest_json(&unsealed).unwrap().to_string().into();
    std::fs::write(&path, crate::core::canonical_json(&entry).unwrap()).unwrap();
    let report = registry.verify().await.unwrap();
    let named: Vec<_> = report.problems.iter().map(|p| tail(&p.place)).collect();
    assert_eq!(named, ["00000000000000000005.json"]);
    assert!(registry.history("fqm").await.is_err());
    std::fs::write(&path, whole).unwrap();
    assert_eq!(registry.history("fqm").await.unwrap(), history);
}

#[tokio::test]
async fn a_crash_between_blobs_and_log_leaves_the_old_state() {
    let (_folder, registry) = filled().await;
    let before = registry.ls(None).await.unwrap();
    let digest = registry.put_variant(&variant(3)).await.unwrap();
    assert_eq!(registry.ls(None).await.unwrap(), before);
    assert!(registry.lookup("fqm", &digest.to_string()).await.is_err());
    let report = registry.verify().await.unwrap();
    assert_eq!(report.problems, []);
    assert_eq!(
        report.unreferenced, 4,
        "weights, config, configuration, manifest; the rest is shared"
    );
    assert!(registry.register(&variant(3), note(4)).await.unwrap().1.applied);
    assert_eq!(registry.verify().await.unwrap().unreferenced, 0);
}

#[tokio::test]
async fn a_crash_between_log_and_index_is_caught_up_by_the_next_call() {
    let (folder, registry) = filled().await;
    let index = folder.path().join("index.json");
    let old = std::fs::read(&index).unwrap();
    let digest = add(&registry, 3).await;
    let new = std::fs::read(&index).unwrap();
    std::fs::write(&index, old).unwrap();
    assert!(!registry.verify().await.unwrap().is_ok());
    // The same call again: the log has it already, only the projection is written.
    assert!(!registry.register(&variant(3), note(1)).await.unwrap().1.applied);
    assert_eq!(std::fs::read(&index).unwrap(), new);
    assert!(String::from_utf8(new).unwrap().contains(&digest.hex()));
}

#[tokio::test]
async fn foreign_descriptors_survive_and_stale_ones_do_not() {
    let (folder, registry) = filled().await;
    let path = folder.path().join("index.json");
    let whole: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let foreign =
        serde_json::json!({"mediaType": "application/x", "digest": Digest::of(b"x"), "size": 1});
    let mut edited = whole.clone();
    edited["manifests"].as_array_mut().unwrap().clear();
    edited["manifests"].as_array_mut().unwrap().push(foreign.clone());
    std::fs::write(&path, edited.to_string()).unwrap();
    assert!(registry.fsck().await.unwrap());
    let fixed: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let manifests = fixed["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), whole["manifests"].as_array().unwrap().len() + 1);
    assert!(manifests.contains(&foreign));

    for garbage in ["", "[]", "{\"schemaVersion\":2}"] {
        std::fs::write(&path, garbage).unwrap();
        assert!(!registry.verify().await.unwrap().is_ok(), "{garbage}");
        promote(&registry, variant(1).digest().unwrap(), 8).await;
        assert_eq!(registry.verify().await.unwrap().problems, [], "{garbage}");
    }
}

#[tokio::test]
async fn another_layout_version_is_refused_before_anything_is_written() {
    let registry = memory();
    let marker = r#"{"imageLayoutVersion":"9.0.0"}"#;
    registry.store().put("oci-layout", marker.into()).await.unwrap();
    let error = registry.register(&variant(1), note(1)).await.unwrap_err().to_string();
    assert!(error.contains("9.0.0") && error.contains("oci-layout"), "{error}");
    assert_eq!(registry.store().list("").await.unwrap().len(), 1);
}
