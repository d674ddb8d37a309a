//! Counts on real logs, which lie beside the repository and are not part of it.

use std::path::PathBuf;

use serde_json::Value;

use super::*;

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("FQM_REAL_LOGS").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/real-logs");
    let folder = named.unwrap_or(beside);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "skipped: no real logs in ../shared/data/real-logs (FQM_REAL_LOGS names another place)"
    );
    None
}

#[test]
fn the_tau_bench_file_lands_whole() {
    let Some(folder) = folder() else { return };
    let bytes = std::fs::read(folder.join("tau-bench-gpt-4o-airline-trials-0-1.json")).unwrap();
    let (rows, rejects) = rows(bytes);
    assert_eq!(rejects, []);
    let (episodes, steps) = (episodes(&rows), steps(&rows));
    assert_eq!(episodes.len(), 100);
    let ids: std::collections::BTreeSet<_> = episodes.iter().map(|row| &row.episode_id).collect();
    assert_eq!(ids.len(), 100);
    let wanted = [("assistant", 1229), ("system", 100), ("tool", 572), ("user", 757)];
    assert_eq!(messages_tests::roles(&steps), wanted.map(|(r, n)| (r.to_owned(), n)).into());
    let calls: Vec<_> = steps.iter().filter(|step| step.action_type == "call").collect();
    assert_eq!(calls.len(), 572);
    assert!(calls.iter().all(|call| call.tool_result_json.is_some()));
    assert!(calls.iter().all(|call| call.tool_args_json.as_ref().unwrap().starts_with('{')));
    assert_eq!(episodes.iter().filter(|row| row.total_reward == Some(1.0)).count(), 43);
    let rewards = feedback(&rows).iter().filter(|row| row.score == Some(1.0)).count();
    assert_eq!((feedback(&rows).len(), rewards), (100, 43));
}

#[test]
fn the_langfuse_traces_land_whole() {
    let Some(folder) = folder() else { return };
    // Tool calls that generations ask for, counted by eye in each file.
    let calls = [
        ("autogen", 0),
        ("crewai", 0),
        ("google-adk", 1),
        ("langgraph", 1),
        ("openai-agents", 1),
        ("pydantic", 0),
    ];
    let mut files = 0;
    for entry in std::fs::read_dir(folder.join("langfuse")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        if name.ends_with(".chatml.json") {
            let opened = Reader::open(Cursor::new(bytes), None, Limits::default());
            assert!(matches!(opened, Err(ReadError::NotALog(_))), "{name}");
            continue;
        }
        files += 1;
        let raw: Value = serde_json::from_slice(&bytes).unwrap();
        let (rows, rejects) = rows(bytes);
        assert_eq!(rejects, [], "{name}");
        let steps = steps(&rows);
        let spans: std::collections::BTreeSet<_> =
            steps.iter().map(|step| step.span_id.as_deref().unwrap()).collect();
        let wanted: std::collections::BTreeSet<_> = raw["observations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o["id"].as_str().unwrap())
            .collect();
        assert_eq!(spans, wanted, "{name}");
        let (_, expected) = calls.iter().find(|(start, _)| name.starts_with(start)).unwrap();
        let found: Vec<_> = steps.iter().filter(|step| step.action_type == "call").collect();
        assert_eq!(found.len(), *expected, "{name}");
        assert!(found.iter().all(|call| call.tool_result_json.is_some()), "{name}: {found:?}");
        let count = |list: &str| raw["trace"][list].as_array().unwrap().len();
        let kinds: Vec<_> = feedback(&rows).iter().map(|row| row.kind).collect();
        let corrections = kinds.iter().filter(|kind| **kind == FeedbackKind::Correction).count();
        assert_eq!(corrections, count("corrections"), "{name}");
        assert_eq!(kinds.len() - corrections, count("scores"), "{name}");
    }
    assert_eq!(files, 6);
}
