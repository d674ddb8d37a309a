use proptest::prelude::*;

use super::*;
use crate::core::{Blobs, Digest, EpisodeId, Store};

pub(crate) fn header() -> Header {
    Header {
        window: Window { from: "2026-01-01".parse().unwrap(), to: "2026-01-30".parse().unwrap() },
        rules: serde_json::json!({"min_feedback": 0.9, "max_steps": 200}),
        inputs: Digest::of(b"snapshot"),
        suites: vec![Digest::of(b"suite")],
        drops: None,
        waterfall: vec![WaterfallRow {
            stage: "length".into(),
            rule: "too_long".into(),
            role: Role::All,
            episodes_in: 3,
            dropped: 1,
            episodes_out: 2,
            steps_out: 4,
        }],
    }
}

fn step(index: i32) -> Step {
    Step {
        index,
        action: ACTION_CALL.into(),
        tool: Some("create_plan".into()),
        args_json: Some(r#"{"prompt":"p1"}"#.into()),
        result_json: None,
        observation_json: Some("{}".into()),
        candidates: vec![
            Candidate { id: "create_plan(p1)".into(), score: Some(0.5), propensity: Some(0.75) },
            Candidate { id: "enhance_prompt(p1)".into(), score: None, propensity: None },
        ],
        chosen: Some(0),
        propensity: Some(0.75),
        outcome: Some(0),
        reward: Some(0.1),
        done: false,
        error: None,
        tool_defs: Some(Digest::of(b"tools")),
        correction: Some("enhance_prompt(p1)".into()),
    }
}

fn episode(id: &str) -> Episode {
    Episode {
        id: EpisodeId::new(id),
        task_id: "task".into(),
        workflow: "symphony".into(),
        format: "native".into(),
        agent: "expert".into(),
        domain: "symphony".into(),
        level: Some(LevelRef {
            family: "symphony".into(),
            level: 2,
            challenge: 1,
            seed: u64::MAX,
            digest: Digest::of(b"level"),
        }),
        status: "ok".into(),
        total_reward: Some(1.0),
        score: 1.0,
        scored_by: ScoredBy::Outcome,
        imitation: true,
        offline: true,
        split: DataSplit::Train,
        steps: vec![step(0), Step { action: "observe".into(), tool: None, ..step(1) }],
    }
}

fn bare(id: &str) -> Episode {
    Episode {
        level: None,
        total_reward: None,
        score: 0.0,
        scored_by: ScoredBy::Nothing,
        imitation: false,
        split: DataSplit::Test,
        steps: vec![Step {
            candidates: vec![],
            args_json: None,
            chosen: None,
            propensity: None,
            reward: None,
            tool_defs: None,
            correction: None,
            error: Some("timeout".into()),
            ..step(0)
        }],
        ..episode(id)
    }
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let blobs = Blobs::new(Store::memory());
    let rows = vec![episode("a"), bare("b"), Episode { steps: vec![], ..bare("c") }];
    let (id, manifest) = write(&blobs, header(), rows.clone()).await.unwrap();
    let (again, read_rows) = read(&blobs, &id).await.unwrap();
    assert_eq!(read_rows, rows);
    assert_eq!(again, manifest);
    assert_eq!(manifest.id().unwrap(), id);
}

#[tokio::test]
async fn order_of_episodes_and_steps_does_not_matter() {
    let blobs = Blobs::new(Store::memory());
    let mut shuffled = episode("a");
    shuffled.steps.reverse();
    let one = write(&blobs, header(), vec![episode("a"), bare("b")]).await.unwrap();
    let two = write(&blobs, header(), vec![bare("b"), shuffled]).await.unwrap();
    assert_eq!(one, two);
}

#[tokio::test]
async fn another_row_or_rule_is_another_dataset() {
    let blobs = Blobs::new(Store::memory());
    let (one, _) = write(&blobs, header(), vec![episode("a")]).await.unwrap();
    let mut other = episode("a");
    other.steps[0].outcome = Some(1);
    let (two, _) = write(&blobs, header(), vec![other]).await.unwrap();
    let rules = serde_json::json!({"min_feedback": 0.8, "max_steps": 200});
    let (three, _) = write(&blobs, Header { rules, ..header() }, vec![episode("a")]).await.unwrap();
    assert_ne!(one, two);
    assert_ne!(one, three);
}

#[tokio::test]
async fn counts_follow_the_roles() {
    let blobs = Blobs::new(Store::memory());
    let (_, manifest) = write(&blobs, header(), vec![episode("a"), bare("b")]).await.unwrap();
    let c = &manifest.counts;
    assert_eq!((c.episodes, c.steps, c.examples), (2, 3, 2));
    assert_eq!((c.imitation_episodes, c.imitation_steps, c.imitation_examples), (1, 2, 1));
    assert_eq!((c.offline_episodes, c.offline_examples), (2, 2));
    assert_eq!((c.scored_by_outcome, c.unscored, c.without_level), (1, 1, 1));
    assert_eq!((c.examples_with_candidates, c.examples_with_propensity), (1, 1));
    assert_eq!(c.by_grade["symphony 2.1"], 1);
    assert_eq!(c.by_family["none"], 1);
    assert_eq!(c.by_tool["create_plan"], 2);
    assert_eq!(c.imitation_by_split["train"], 1);
}

#[tokio::test]
async fn files_roll_between_episodes() {
    let blobs = Blobs::new(Store::memory());
    let limits = Limits { episodes: 100, steps: 3, text: usize::MAX };
    let mut writer = Writer::with_limits(header(), limits);
    let rows: Vec<_> = (0..5).map(|n| episode(&format!("e{n}"))).collect();
    for row in &rows {
        writer.push(row.clone()).unwrap();
    }
    let (id, manifest) = writer.finish(&blobs).await.unwrap();
    let parts: Vec<_> = manifest.files.iter().map(|f| (f.path.as_str(), f.rows)).collect();
    assert_eq!(
        parts,
        [
            ("episodes/part-00000.parquet", 2),
            ("episodes/part-00001.parquet", 2),
            ("episodes/part-00002.parquet", 1),
            ("steps/part-00000.parquet", 4),
            ("steps/part-00001.parquet", 4),
            ("steps/part-00002.parquet", 2),
        ]
    );
    assert_eq!(read(&blobs, &id).await.unwrap().1, rows);
}

#[tokio::test]
async fn a_dataset_of_nothing_is_legal() {
    let blobs = Blobs::new(Store::memory());
    let (id, manifest) = write(&blobs, header(), vec![]).await.unwrap();
    assert!(manifest.files.is_empty());
    assert!(read(&blobs, &id).await.unwrap().1.is_empty());
    assert!(manifest.card().contains("It is empty"));
}

#[test]
fn episodes_must_ascend_across_files_too() {
    let limits = Limits { episodes: 1, steps: 1, text: 1 };
    let mut writer = Writer::with_limits(header(), limits);
    writer.push(episode("b")).unwrap();
    let error = writer.push(episode("a")).unwrap_err();
    assert!(matches!(error, DatasetError::OutOfOrder { .. }), "{error}");
    let mut writer = Writer::new(header());
    writer.push(episode("b")).unwrap();
    assert!(writer.push(episode("b")).is_err());
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let blobs = Blobs::new(Store::memory());
    let (id, manifest) = write(&blobs, header(), vec![episode("a")]).await.unwrap();
    let path = Blobs::path(&manifest.files[1].digest);
    let mut bytes = blobs.get(&manifest.files[1].digest).await.unwrap().to_vec();
    bytes[20] ^= 1;
    blobs.store().put(&path, bytes.into()).await.unwrap();
    assert!(matches!(read(&blobs, &id).await, Err(DatasetError::Store(_))));
}

#[tokio::test]
async fn files_that_do_not_fit_together_are_refused() {
    let blobs = Blobs::new(Store::memory());
    let (_, one) = write(&blobs, header(), vec![episode("a")]).await.unwrap();
    let (_, two) = write(&blobs, header(), vec![episode("b")]).await.unwrap();
    let mut mixed = one.clone();
    mixed.files[1] = two.files[1].clone();
    let id = blobs.put_json(&mixed).await.unwrap();
    let error = read(&blobs, &id).await.unwrap_err().to_string();
    assert!(error.contains("stands where `a` has its steps"), "{error}");
    let mut short = one.clone();
    short.files[0].rows = 7;
    let id = blobs.put_json(&short).await.unwrap();
    assert!(read(&blobs, &id).await.unwrap_err().to_string().contains("the manifest says 7"));
}

#[tokio::test]
async fn a_newer_manifest_is_refused_by_its_schema() {
    let blobs = Blobs::new(Store::memory());
    let id = blobs.put_json(&serde_json::json!({"schema": "fqm-dataset/2"})).await.unwrap();
    let error = read(&blobs, &id).await.unwrap_err().to_string();
    assert!(error.contains("fqm-dataset/2") && error.contains("fqm-dataset/1"), "{error}");
}

#[tokio::test]
async fn the_card_says_what_it_rests_on() {
    let blobs = Blobs::new(Store::memory());
    let (id, manifest) = write(&blobs, header(), vec![episode("a"), bare("b")]).await.unwrap();
    let card = manifest.card();
    for part in [
        id.to_string().as_str(),
        "| imitation | 1 | 2 | 1 |",
        "the outcome reward stood in",
        "`min_feedback` = `0.9`",
        "| length | too_long | 3 | 1 | 2 | 4 |",
        "1 episode (50.0 %) on no known level",
        "No person and no evaluator judged any of it",
        "No episode fell into the split `validation`",
    ] {
        assert!(card.contains(part), "no `{part}` in\n{card}");
    }
    assert_eq!(card, read(&blobs, &id).await.unwrap().0.card());
}

#[test]
fn splits_follow_the_key_and_the_shares() {
    let shares = [90, 5, 5];
    let splits: Vec<_> = (0..10_000).map(|key| DataSplit::of(key, shares, 1)).collect();
    let again: Vec<_> = (0..10_000).map(|key| DataSplit::of(key, shares, 1)).collect();
    assert_eq!(splits, again);
    let train = splits.iter().filter(|s| **s == DataSplit::Train).count();
    let test = splits.iter().filter(|s| **s == DataSplit::Test).count();
    assert!((8_800..=9_200).contains(&train), "{train}");
    assert!((400..=600).contains(&test), "{test}");
    assert!((0..100).all(|key| DataSplit::of(key, [0, 0, 100], 1) == DataSplit::Test));
    assert_ne!(splits, (0..10_000).map(|key| DataSplit::of(key, shares, 2)).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_rows_come_back(rows in proptest::collection::vec(
        (any::<String>(), proptest::option::of(any::<String>()), any::<Option<i32>>(),
         proptest::option::of(-1e9f64..1e9), 0usize..4), 0..20)
    ) {
        let mut episodes: Vec<Episode> = Vec::new();
        for (at, (name, args, outcome, reward, n)) in rows.into_iter().enumerate() {
            let one = Step { args_json: args, outcome, reward, tool: Some(name.clone()), ..step(0) };
            let steps = (0..n).map(|i| Step { index: i as i32, ..one.clone() }).collect();
            episodes.push(Episode { task_id: name, steps, ..episode(&format!("{at:03}")) });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let blobs = Blobs::new(Store::memory());
            let (id, _) = write(&blobs, header(), episodes.clone()).await.unwrap();
            let read_rows = read(&blobs, &id).await.unwrap().1;
            assert_eq!(read_rows, episodes);
        });
    }
}
