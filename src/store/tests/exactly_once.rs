//! However a night ends, the next one leaves each row once.

use super::*;

const D: &str = "2026-11-03";

async fn cut_after(place: &Place, effects: i64) -> Result<Snapshot, IngestError> {
    let request = request(D);
    let cut = Cut { after: Some(Arc::new(AtomicI64::new(effects))) };
    Engine { tables: &place.tables, logs: &place.logs, request: &request, cut }.run(&|_| ()).await
}

async fn sample() -> Place {
    let place = Place::new().await;
    place.put("a.jsonl", log("a") + "broken\n").await;
    place.put("b.jsonl", log("b") + &log("a")).await;
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_at_any_effect_changes_nothing() {
    let whole = sample().await;
    let expected = json(&whole.night(D).await);
    let mut cuts = 0;
    loop {
        let place = sample().await;
        let first = cut_after(&place, cuts).await;
        if first.is_ok() {
            break;
        }
        assert!(matches!(first, Err(IngestError::Cut)));
        let sealed = cuts >= 7;
        assert_eq!(place.steps().await.len(), if sealed { 2 } else { 0 }, "cut {cuts}");
        assert_eq!(json(&place.night(D).await), expected, "cut {cuts}");
        assert_eq!(place.steps().await, ["a-s", "b-s"], "cut {cuts}");
        assert_eq!(place.versions().await, [1, 1, 1, 1, 1], "cut {cuts}");
        cuts += 1;
    }
    assert_eq!(cuts, 8); // announced, written, 4 tables, the batch row, the seal
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redo_writes_the_same_files() {
    let place = sample().await;
    assert!(cut_after(&place, 1).await.is_err());
    let list = |place: &Place| {
        let store = place.tables.store().clone();
        async move {
            let all = store.list("").await.unwrap().into_iter().map(|o| o.path);
            all.filter(|p| p.contains("part-main")).collect::<Vec<_>>()
        }
    };
    let before = list(&place).await;
    assert_eq!(before.len(), 4);
    place.night(D).await;
    let after = list(&place).await;
    assert!(before.iter().all(|file| after.contains(file)));
    assert_eq!(after.len(), 5); // and the batch row
}

#[tokio::test(flavor = "multi_thread")]
async fn six_writers_of_one_batch_give_one() {
    let place = Arc::new(sample().await);
    let nights: Vec<_> = (0..6)
        .map(|_| {
            let place = place.clone();
            tokio::spawn(async move { json(&place.night(D).await) })
        })
        .collect();
    let mut snapshots = Vec::new();
    for night in nights {
        snapshots.push(night.await.unwrap());
    }
    snapshots.dedup();
    assert_eq!(snapshots.len(), 1);
    assert_eq!(place.steps().await, ["a-s", "b-s"]);
    assert_eq!(place.versions().await, [1, 1, 1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_openers_share_one_table() {
    let store = Store::memory();
    let open: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { Tables::open(&store).await.map(drop) })
        })
        .collect();
    for opened in open {
        opened.await.unwrap().unwrap();
    }
    let commits = store.list("steps/_delta_log").await.unwrap();
    assert_eq!(commits.len(), 1, "{commits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_night_of_the_same_date_adds_nothing() {
    let place = sample().await;
    let first = place.night(D).await;
    assert_eq!(first.summary.rows, rows(2, 2, 2, 1));
    assert_eq!(first.summary.duplicates, 3);
    let versions = place.versions().await;
    assert_eq!(json(&place.night(D).await), json(&first));
    assert_eq!(place.versions().await, versions);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_folders_give_equal_snapshots() {
    let mut snapshots = Vec::new();
    for name in ["one", "another name"] {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::on_disk(&folder.path().join(name)).await;
        place.put("x/a.jsonl", log("a")).await;
        place.put("x/b b [1].jsonl", log("b")).await;
        let first = place.night(D).await;
        assert_eq!(first.summary.rows, rows(2, 2, 2, 0), "{first:?}");
        snapshots.push(json(&place.night(D).await));
    }
    snapshots.dedup();
    assert_eq!(snapshots.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_row_on_another_day_is_a_duplicate_within_the_window() {
    let place = Place::new().await;
    place.put("2026-11-03/a.jsonl", log("a")).await;
    place.put("2026-11-04/a.jsonl", log("a")).await;
    place.put("2026-12-25/a.jsonl", log("a")).await;
    place.night("2026-11-03").await;
    let again = place.night("2026-11-04").await.summary;
    assert_eq!((again.rows, again.duplicates), (rows(0, 0, 0, 0), 3));
    let later = place.night("2026-12-25").await.summary;
    assert_eq!((later.rows, later.duplicates), (rows(1, 1, 1, 0), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_content_is_a_conflict() {
    let place = Place::new().await;
    place.put("2026-11-03/a.jsonl", log("a") + &step("a-s", "a", 0.5)).await;
    place.put("2026-11-04/a.jsonl", step("a-s", "a", 0.25)).await;
    let first = place.night("2026-11-03").await.summary;
    assert_eq!(first.rules.get(CONFLICT), Some(&1));
    let second = place.night("2026-11-04").await.summary;
    assert_eq!(second.rules.get(CONFLICT), Some(&1));
    assert_eq!(place.steps().await, ["a-s"]);
    let lines = place.texts(Table::Quarantine, "line", "2030-01-01").await;
    assert!(lines.iter().any(|line| line.contains("0.25")), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_grew_gives_its_tail_only() {
    let place = Place::new().await;
    let (half, rest) = (step("b-s", "b", 1.0), log("c"));
    let (begin, end) = half.split_at(half.len() / 2);
    place.put("app.jsonl", log("a") + begin).await;
    let first = place.night("2026-11-03").await.summary;
    assert_eq!(first.rows, rows(1, 1, 1, 1));
    place.put("app.jsonl", log("a") + begin + end + &rest).await;
    let second = place.night("2026-11-04").await.summary;
    assert_eq!(second.records, 4, "the tail begins at the half line");
    assert_eq!((second.rows, second.duplicates), (rows(1, 2, 1, 0), 0));
    let batches = read_batches(
        &place.tables,
        Table::Steps,
        Dates::only(day("2026-11-04")),
        &["event_id", "source_offset"],
    );
    let batch = batches.await.unwrap().remove(0);
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "b-s");
    let offset = batch.column(1).as_primitive::<arrow::datatypes::Int64Type>().value(0);
    assert_eq!(offset, log("a").len() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_log_is_read_whole_and_a_touched_one_not_at_all() {
    let place = Place::new().await;
    place.put("app.jsonl", log("a")).await;
    place.night("2026-11-03").await;
    place.put("app.jsonl", log("a")).await;
    let touched = place.night("2026-11-04").await.summary;
    assert!(touched.objects.is_empty());
    place.put("app.jsonl", log("b") + &log("a")).await;
    let changed = place.night("2026-11-05").await.summary;
    assert_eq!((changed.rows, changed.duplicates), (rows(1, 1, 1, 0), 3));
}
