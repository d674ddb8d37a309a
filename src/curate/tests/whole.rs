use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::rows::{Rows, context, episode, feedback, level, on_level, step};
use super::{Outcome, run, with_defaults};
use crate::core::Blobs;
use crate::core::Store;
use crate::curate::steps::StepReader;
use crate::curate::{
    CurateContext, CurateError, CurateParams, Dropped, Role, Sources, curate, read_drops,
};
use crate::dataset::read;
use crate::logs::{Consent, EpisodeRow, FeedbackKind, Status};
use crate::quest::Split;
use crate::store::{IngestRequest, Tables, ingest};

/// Rows of every kind: what is kept, what each rule drops, and feedback of all sorts.
fn mixed() -> Rows {
    let mut rows = Rows::default()
        .with(on_level(episode("a"), level(0, Split::Train)), 3)
        .with(on_level(episode("b"), level(0, Split::Evaluation)), 3)
        .with(EpisodeRow { status: Status::Timeout, ..episode("c") }, 2)
        .with(EpisodeRow { consent: Consent::None, ..episode("d") }, 2)
        .with(episode("e"), 2)
        .copy(EpisodeRow { task_id: "task-e".into(), ..episode("f") }, "e", 2)
        .with(episode("g"), 0)
        .with(EpisodeRow { total_reward: Some(0.25), ..episode("h") }, 4);
    rows.steps.push(step("z", 0, "z"));
    for n in 0..7 {
        let score = 0.7 + f64::from(n) / 10.0;
        rows = rows.judged(feedback(&format!("f{n}"), "e", FeedbackKind::Human, score));
    }
    rows
}

/// The same rows in another order, by a simple permutation.
fn shuffled<T: Clone>(rows: &[T], by: usize) -> Vec<T> {
    let mut rows = rows.to_vec();
    rows.reverse();
    let middle = by.min(rows.len());
    rows.rotate_left(middle);
    rows
}

#[tokio::test]
async fn order_and_batch_of_rows_do_not_matter() {
    let rows = mixed();
    let one = with_defaults(&rows).await;
    for by in [0, 1, 3] {
        let other = Rows {
            episodes: shuffled(&rows.episodes, by),
            steps: shuffled(&rows.steps, by),
            feedback: shuffled(&rows.feedback, by),
            batch: rows.batch + 7,
        };
        let two = with_defaults(&other).await;
        assert_eq!(one.curated, two.curated);
    }
}

#[tokio::test]
async fn files_and_folders_do_not_matter() {
    let rows = mixed();
    let cut = |rows: &Rows, even: bool| Rows {
        episodes: every_second(&rows.episodes, even),
        steps: every_second(&rows.steps, even),
        feedback: every_second(&rows.feedback, even),
        batch: i64::from(even),
    };
    let (even, odd) = (cut(&rows, true).sources(), cut(&rows, false).sources());
    let both = |a, b| polars::prelude::concat([a, b], Default::default()).unwrap();
    let sources = Sources {
        episodes: both(even.episodes, odd.episodes),
        steps: both(even.steps, odd.steps),
        feedback: both(even.feedback, odd.feedback),
    };
    let mut ids = BTreeSet::new();
    for sources in [sources, rows.sources()] {
        let folder = tempfile::tempdir().unwrap();
        let url = url::Url::from_directory_path(folder.path()).unwrap();
        let blobs = Blobs::new(Store::open(&url).unwrap());
        let curated = curate(sources, &CurateParams::default(), &context(), &blobs).await.unwrap();
        ids.insert((curated.dataset, curated.drops));
        assert!(!read(&blobs, &curated.dataset).await.unwrap().1.is_empty());
    }
    assert_eq!(ids.len(), 1);
}

fn every_second<T: Clone>(rows: &[T], even: bool) -> Vec<T> {
    rows.iter().skip(usize::from(!even)).step_by(2).cloned().collect()
}

#[tokio::test]
async fn parameters_rows_and_snapshot_name_another_dataset() {
    let rows = mixed();
    let one = with_defaults(&rows).await.curated.dataset;
    let params = CurateParams { seed: 1, ..CurateParams::default() };
    assert_ne!(run(&rows, &params, &context()).await.curated.dataset, one);
    let more = rows.with(episode("new"), 1);
    assert_ne!(with_defaults(&more).await.curated.dataset, one);
}

#[tokio::test]
async fn a_row_that_was_corrected_counts_once_in_its_last_version() {
    let old = Rows::default().with(EpisodeRow { total_reward: Some(0.0), ..episode("a") }, 2);
    let mut new = Rows { batch: 1, ..Rows::default().with(episode("a"), 2) };
    new.steps[1].tool_name = Some("generate_code".into());
    let (old, new) = (old.sources(), new.sources());
    for order in [[0, 1], [1, 0]] {
        let pick = |pair: [polars::prelude::LazyFrame; 2]| {
            let list = order.map(|at| pair[at].clone());
            polars::prelude::concat(list, Default::default()).unwrap()
        };
        let sources = Sources {
            episodes: pick([old.episodes.clone(), new.episodes.clone()]),
            steps: pick([old.steps.clone(), new.steps.clone()]),
            feedback: new.feedback.clone(),
        };
        let blobs = Blobs::new(Store::memory());
        let curated = curate(sources, &CurateParams::default(), &context(), &blobs).await.unwrap();
        let (_, episodes) = read(&blobs, &curated.dataset).await.unwrap();
        assert_eq!(episodes.len(), 1);
        assert_eq!(episodes[0].total_reward, Some(1.0));
        let tools: Vec<_> = episodes[0].steps.iter().map(|s| s.tool.as_deref().unwrap()).collect();
        assert_eq!(tools, ["create_plan", "generate_code"]);
    }
}

#[tokio::test]
async fn what_a_step_says_arrives_in_the_dataset() {
    let rows = Rows::default().with(episode("a"), 2);
    let outcome = with_defaults(&rows).await;
    let (given, got) = (&rows.steps[1], &outcome.episodes[0].steps[1]);
    assert_eq!(got.index, 1);
    assert_eq!(got.action, "call");
    assert_eq!(got.tool, given.tool_name);
    assert_eq!(got.args_json, given.tool_args_json);
    assert_eq!(got.result_json, given.tool_result_json);
    assert_eq!(got.observation_json, given.observation_json);
    assert_eq!((got.chosen, got.outcome, got.propensity), (Some(0), Some(0), Some(0.75)));
    assert_eq!(got.reward, Some(0.5));
    assert_eq!(got.tool_defs.unwrap().to_string(), given.tool_defs_sha.clone().unwrap());
    let wanted = given.candidate_actions.as_ref().unwrap();
    let pairs: Vec<_> = got.candidates.iter().zip(wanted).collect();
    assert_eq!(pairs.len(), 2);
    for (got, wanted) in pairs {
        assert_eq!(
            (&got.id, got.score, got.propensity),
            (&wanted.id, wanted.score, wanted.propensity)
        );
    }
    assert_eq!(
        outcome.episodes[0].split,
        crate::dataset::DataSplit::of(u64::MAX - 1, [90, 5, 5], 0)
    );
}

#[tokio::test]
async fn the_domain_is_the_family_else_what_the_log_says_else_the_workflow() {
    let said = r#"{"domain":"airline"}"#.to_owned();
    let rows = Rows::default()
        .with(on_level(episode("a"), level(0, Split::Train)), 1)
        .with(EpisodeRow { attrs_json: Some(said), ..episode("b") }, 1)
        .with(EpisodeRow { workflow: "support".into(), ..episode("c") }, 1);
    let outcome = with_defaults(&rows).await;
    let domains: Vec<_> = outcome.episodes.iter().map(|e| e.domain.as_str()).collect();
    assert_eq!(domains, ["symphony", "airline", "support"]);
}

#[tokio::test]
async fn no_rows_make_an_empty_dataset() {
    let outcome = with_defaults(&Rows::default()).await;
    assert!(outcome.episodes.is_empty() && outcome.drops.is_empty());
    assert_eq!(outcome.curated.counts.imitation_examples, 0);
    assert!(outcome.curated.waterfall.iter().all(|row| row.episodes_in == 0));
}

#[tokio::test]
async fn a_missing_column_is_named() {
    let mut sources = mixed().sources();
    sources.episodes = sources.episodes.drop(polars::prelude::cols(["consent"]));
    let blobs = Blobs::new(Store::memory());
    let error = curate(sources, &CurateParams::default(), &context(), &blobs).await.unwrap_err();
    assert!(matches!(&error, CurateError::Column { table: "episodes", .. }), "{error}");
    assert!(error.to_string().contains("`consent` is missing"), "{error}");
}

#[tokio::test]
async fn columns_that_a_later_store_stops_filling_are_not_missed() {
    let mut sources = mixed().sources();
    let gone = ["candidate_actions", "propensity", "tool_defs_sha", "error_type"];
    sources.steps = sources.steps.drop(polars::prelude::cols(gone));
    let blobs = Blobs::new(Store::memory());
    let curated = curate(sources, &CurateParams::default(), &context(), &blobs).await.unwrap();
    let (_, episodes) = read(&blobs, &curated.dataset).await.unwrap();
    assert!(episodes.iter().flat_map(|e| &e.steps).all(|s| s.candidates.is_empty()));
}

/// Two conversations as a log holds them: one that was solved, one that was not.
const TALKS: &str = r#"[
{"task_id": 1, "reward": 1.0, "info": {}, "trial": 0, "traj": [
  {"role": "user", "content": "Cancel my flight, please."},
  {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
    "function": {"name": "cancel_flight", "arguments": "{\"flight\": \"HAT001\"}"}}]},
  {"role": "tool", "tool_call_id": "c1", "name": "cancel_flight", "content": "done"},
  {"role": "assistant", "content": "It is cancelled."}]},
{"task_id": 2, "reward": 0.0, "info": {}, "trial": 0, "traj": [
  {"role": "user", "content": "Book a flight, please."},
  {"role": "assistant", "content": "I cannot do that."}]}
]"#;

async fn from_the_store(root: &Store, batches: &[&str]) -> Outcome {
    let date = context().date;
    let tables = Tables::open(&root.sub("store")).await.unwrap();
    let logs = root.sub("logs");
    for (at, talks) in batches.iter().enumerate() {
        logs.put(&format!("{at}.json"), talks.as_bytes().to_vec().into()).await.unwrap();
        let request = IngestRequest::new("talks", date, b"key");
        ingest(&tables, &logs, request, |_| ()).await.unwrap();
    }
    let params = CurateParams::default();
    let sources = Sources::of_store(&tables, params.window(date)).await.unwrap();
    let blobs = Blobs::new(root.clone());
    let curated = curate(sources, &params, &context(), &blobs).await.unwrap();
    let episodes = read(&blobs, &curated.dataset).await.unwrap().1;
    let drops = read_drops(&blobs, &curated.drops).await.unwrap();
    Outcome { curated, episodes, drops }
}

#[tokio::test]
async fn rows_of_the_store_are_curated_from_any_disk_and_batch() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["store", "logs"] {
        std::fs::create_dir_all(folder.path().join(part)).unwrap();
    }
    let url = url::Url::from_directory_path(folder.path()).unwrap();
    let on_disk = from_the_store(&Store::open(&url).unwrap(), &[TALKS]).await;
    let elsewhere = from_the_store(&Store::memory(), &["[]", TALKS]).await;
    assert_eq!(on_disk.curated, elsewhere.curated);
    assert_eq!(on_disk.curated.counts.steps, 5);
    assert_eq!(on_disk.imitated().len(), 1);
    assert_eq!(on_disk.curated.counts.imitation_examples, 2);
    assert_eq!(
        on_disk.rules().iter().map(|(_, rule)| *rule).collect::<Vec<_>>(),
        ["reward_too_low"]
    );
    let solved = on_disk.episodes.iter().find(|episode| episode.imitation).unwrap();
    assert_eq!(solved.steps[1].tool.as_deref(), Some("cancel_flight"));
    assert_eq!(solved.scored_by, crate::dataset::ScoredBy::Outcome);
    adds_up_counts(&on_disk);
}

#[tokio::test]
async fn an_empty_store_is_curated_too() {
    let outcome = from_the_store(&Store::memory(), &[]).await;
    assert!(outcome.episodes.is_empty());
}

fn adds_up_counts(outcome: &Outcome) {
    let last = outcome.curated.waterfall.iter().rfind(|row| row.role == Role::All).unwrap();
    assert_eq!(last.episodes_out, outcome.curated.counts.episodes);
}

#[test]
fn spans_cover_every_episode_once_and_in_order() {
    let rows = mixed();
    for span in [1, 2, 3, 5, 100] {
        let mut reader = StepReader::with_span(rows.sources().steps, span).unwrap();
        let mut seen = Vec::new();
        for at in 0..reader.spans() {
            let chunk = reader.read(at).unwrap();
            let rows: usize = chunk.values().map(Vec::len).sum();
            assert!(rows as u64 <= span || chunk.len() == 1);
            seen.extend(chunk.iter().map(|(id, steps)| (id.clone(), steps.len())));
        }
        let mut wanted = BTreeMap::new();
        rows.steps.iter().for_each(|s| *wanted.entry(s.episode_id.to_string()).or_default() += 1);
        assert_eq!(seen, wanted.into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_examples_are_calls_and_answers() {
    let mut rows = Rows::default().with(episode("a"), 4);
    rows.steps[1].action_type = "observe".into();
    rows.steps[2].action_type = "respond".into();
    let counts = with_defaults(&rows).await.curated.counts;
    assert_eq!((counts.imitation_steps, counts.imitation_examples), (4, 3));
}

/// Each chain adds up, and nobody is lost.
fn adds_up(rows: &Rows, outcome: &Outcome) {
    let mut came_in: BTreeSet<&str> =
        rows.episodes.iter().map(|row| row.episode_id.as_str()).collect();
    came_in.extend(rows.steps.iter().map(|row| row.episode_id.as_str()));
    let curated = &outcome.curated;
    for (role, start, end, steps) in [
        (Role::All, came_in.len() as u64, curated.counts.episodes, curated.counts.steps),
        (
            Role::Imitation,
            u64::MAX,
            curated.counts.imitation_episodes,
            curated.counts.imitation_steps,
        ),
    ] {
        let chain: Vec<_> = curated.waterfall.iter().filter(|row| row.role == role).collect();
        assert!(start == u64::MAX || chain[0].episodes_in == start);
        for row in &chain {
            assert_eq!(row.episodes_in - row.dropped, row.episodes_out, "{row:?}");
        }
        for pair in chain.windows(2) {
            assert_eq!(pair[0].episodes_out, pair[1].episodes_in, "{pair:?}");
        }
        let last = chain.last().unwrap();
        assert_eq!((last.episodes_out, last.steps_out), (end, steps));
    }
    let kept: BTreeSet<&str> = outcome.ids().into_iter().collect();
    let dropped: BTreeSet<&str> = outcome
        .drops
        .iter()
        .filter(|drop| drop.what == Dropped::Episode && drop.role == Role::All)
        .map(|drop| drop.episode_id.as_str())
        .collect();
    assert!(kept.is_disjoint(&dropped));
    assert_eq!(kept.union(&dropped).copied().collect::<BTreeSet<_>>(), came_in);
    let not_imitated: BTreeSet<&str> = outcome
        .drops
        .iter()
        .filter(|drop| drop.what == Dropped::Episode)
        .map(|drop| drop.episode_id.as_str())
        .collect();
    let imitated: BTreeSet<&str> = outcome.imitated().into_iter().collect();
    assert!(imitated.is_disjoint(&not_imitated));
    assert_eq!(imitated.len() + not_imitated.len(), came_in.len());
}

#[tokio::test]
async fn the_waterfall_adds_up() {
    let rows = mixed();
    adds_up(&rows, &with_defaults(&rows).await);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_waterfall_adds_up_for_any_rows(
        plan in proptest::collection::vec((0usize..10, 0i32..5, 0u8..4, proptest::option::of(0.5f64..1.2)), 0..25),
        listed in any::<bool>(),
    ) {
        let mut rows = Rows::default();
        for (at, (kind, steps, twin, score)) in plan.into_iter().enumerate() {
            let id = format!("e{at:02}");
            let base = EpisodeRow { task_id: format!("t{twin}"), ..episode(&id) };
            let row = match kind {
                0 => EpisodeRow { consent: Consent::Eval, ..base },
                1 => EpisodeRow { retention_until: Some(1), ..base },
                2 => EpisodeRow { status: Status::Error, ..base },
                3 => EpisodeRow { total_reward: Some(0.5), ..base },
                4 => EpisodeRow { total_reward: None, ..base },
                5 => on_level(base, level(usize::from(twin), Split::Evaluation)),
                6 => on_level(base, level(usize::from(twin), Split::Train)),
                7 => EpisodeRow { level_json: Some("?".into()), ..base },
                _ => base,
            };
            rows = rows.copy(row, &format!("play{twin}"), steps);
            if kind == 9 {
                rows.episodes.pop();
            }
            if let Some(score) = score {
                rows = rows.judged(feedback(&format!("f{at}"), &id, FeedbackKind::Human, score));
            }
        }
        let eval_levels = if listed { [level(0, Split::Train)].into() } else { BTreeSet::new() };
        let context = CurateContext { eval_levels, ..context() };
        let params = CurateParams { max_steps: 3, ..CurateParams::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(run(&rows, &params, &context));
        adds_up(&rows, &outcome);
    }
}
