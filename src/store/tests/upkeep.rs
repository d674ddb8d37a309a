//! Compaction, vacuum, checkpoints, and reading with polars.

use deltalake::kernel::Add;
use polars::prelude::{col, len};

use super::*;

const D: &str = "2026-11-03";

async fn five_batches(place: &Place) {
    for name in ["a", "b", "c", "d", "e"] {
        place.put(&format!("{name}.jsonl"), log(name)).await;
        place.night(D).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_and_vacuum_change_no_row_and_forget_no_transaction() {
    let place = Place::new().await;
    five_batches(&place).await;
    let before = json(&place.night(D).await);
    let steps = place.steps().await;
    let done = compact(&place.tables, Table::Steps, day(D)).await.unwrap();
    assert_eq!(done, Compacted { before: 5, after: 1 });
    place.tables.checkpoint(Table::Steps).await.unwrap();
    let gone = place.tables.vacuum(Table::Steps, chrono::Duration::zero()).await.unwrap();
    assert_eq!(gone, 5);
    assert_eq!(place.steps().await, steps);
    assert_eq!(files_for(&place.tables, Table::Steps, Dates::only(day(D))).await.unwrap().len(), 1);
    assert_eq!(json(&place.night(D).await), before);
    let version = place.tables.load(Table::Steps).await.unwrap().version();
    let again = place.tables.append(Table::Steps, Vec::<Add>::new(), "ingest/main/steps", 5).await;
    assert!(matches!(again.unwrap(), super::super::delta::Appended::Already(_)));
    assert_eq!(place.tables.load(Table::Steps).await.unwrap().version(), version);
    assert_eq!(
        compact(&place.tables, Table::Steps, day(D)).await.unwrap(),
        Compacted::default(),
        "one file is left as it is"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_comes_by_itself_and_is_read() {
    let place = Place::new().await;
    for number in 1..=21 {
        let done = place.tables.append(Table::Feedback, Vec::new(), "app", number).await.unwrap();
        assert_eq!(done.version(), number as u64);
    }
    let names = place.tables.store().list("feedback/_delta_log").await.unwrap();
    assert!(names.iter().any(|o| o.path.ends_with("20.checkpoint.parquet")), "{names:?}");
    let again = place.tables.append(Table::Feedback, Vec::new(), "app", 21).await.unwrap();
    assert_eq!(again, super::super::delta::Appended::Already(21));
}

#[tokio::test(flavor = "multi_thread")]
async fn polars_sees_published_rows_and_their_date() {
    let folder = tempfile::tempdir().unwrap();
    // A folder that looks like a partition must not become a column.
    let place = Place::on_disk(&folder.path().join("year=1999")).await;
    let none = scan(&place.tables, Table::Steps, Dates::until(day(D))).await.unwrap();
    let none = none.collect().unwrap();
    assert_eq!(none.height(), 0);
    place.put("2026-11-03/a.jsonl", log("a")).await;
    place.put("2026-11-04/b.jsonl", log("b") + &step("b-t", "b", 0.0)).await;
    place.night("2026-11-03").await;
    place.night("2026-11-04").await;
    let all = scan(&place.tables, Table::Steps, Dates::until(day("2026-11-04"))).await.unwrap();
    let all = all.group_by([col("ingest_date")]).agg([len().alias("n")]);
    let all = all.sort(["ingest_date"], Default::default()).collect().unwrap();
    let counts: Vec<u32> = all.column("n").unwrap().u32().unwrap().into_no_null_iter().collect();
    assert_eq!(counts, [1, 2]);
    assert_eq!(*all.column("ingest_date").unwrap().dtype(), polars::prelude::DataType::Date);
    let one = scan(&place.tables, Table::Steps, Dates::until(day(D))).await.unwrap();
    let one = one.collect().unwrap();
    assert_eq!(one.height(), 1);
    let names = |frame: &polars::prelude::DataFrame| {
        frame.get_column_names_owned().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(&one), names(&none));
    for (name, dtype) in none.schema().iter() {
        assert_eq!(one.schema().get(name), Some(dtype), "{name}");
    }
    let memory = Place::new().await;
    let refused = scan(&memory.tables, Table::Steps, Dates::until(day(D))).await;
    assert!(matches!(refused, Err(TableError::NotLocal { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_another_version_is_refused_by_name() {
    let place = Place::new().await;
    let path = "batches/main/00000000000000000001.json";
    place
        .tables
        .store()
        .put(path, Bytes::from_static(b"{\"schema\":\"fqm-batch/9\"}"))
        .await
        .unwrap();
    let error = place.run(request(D)).await.unwrap_err().to_string();
    assert!(error.contains(path) && error.contains("fqm-batch/9"), "{error}");
}

#[test]
fn a_full_disk_and_a_read_only_place_say_what_to_do() {
    let error = |text: &str| {
        let source = object_store::Error::Generic { store: "local disk", source: text.into() };
        let place = "file:///s/x".to_owned();
        TableError::from(crate::core::StoreError::Access { action: "write", place, source })
    };
    let full = error("No space left on device (os error 28)");
    assert!(full.is_full_disk() && full.to_string().contains("file:///s/x"), "{full}");
    let closed = error("Read-only file system (os error 30)").to_string();
    assert!(closed.contains("cannot be written"), "{closed}");
}
