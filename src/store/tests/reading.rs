//! What is found in logs, and what is named and left alone.

use super::*;
use crate::logs::rule;

const D: &str = "2026-11-03";

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_record_is_quarantined_with_its_place() {
    let place = Place::new().await;
    let head = log("a");
    let mut text = head.clone().into_bytes();
    text.extend_from_slice(b"{\"type\":\n\xff\xfe{}\n");
    text.extend_from_slice(format!("{{\"x\":\"{}\"}}\n", "y".repeat(5000)).as_bytes());
    text.extend_from_slice(b"{\"type\":\"step\",\"schema\":\"fqm-log/1\",\"event_id\":7}\n");
    place.put("a.jsonl", text).await;
    let request = IngestRequest { max_record_bytes: 4500, ..request(D) };
    let summary = place.run(request).await.unwrap().summary;
    assert_eq!(summary.rows, rows(1, 1, 1, 4));
    assert_eq!(summary.records, 7);
    for rule in [rule::INVALID_JSON, rule::INVALID_UTF8, rule::OVERSIZE, rule::SCHEMA] {
        assert_eq!(summary.rules.get(rule), Some(&1), "{rule}: {:?}", summary.rules);
    }
    let batches =
        read_batches(&place.tables, Table::Quarantine, Dates::only(day(D)), &[]).await.unwrap();
    let column = |name: &str| batches[0].column_by_name(name).unwrap().clone();
    assert_eq!(column("digest").as_string::<i32>().value(0), Digest::of(b"{\"type\":").to_string());
    assert_eq!(column("source_uri").as_string::<i32>().value(0), "a.jsonl");
    let offset = column("source_offset");
    let offset = offset.as_primitive::<arrow::datatypes::Int64Type>();
    assert_eq!(offset.value(0), head.len() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_logs_are_read_and_a_broken_one_gives_what_it_has() {
    let place = Place::new().await;
    place.put("a.jsonl.gz", gzip(&log("a"))).await;
    place.put("b.jsonl.zst", zstd::encode_all(log("b").as_bytes(), 3).unwrap()).await;
    let many: String = (0..2000).map(|n| step(&format!("s{n}"), &format!("e{n}"), 1.0)).collect();
    let mut cut = gzip(&many);
    cut.truncate(cut.len() / 2);
    place.put("c.jsonl.gz", cut).await;
    let summary = place.night(D).await.summary;
    assert_eq!(summary.rows.episodes, 2);
    assert_eq!(summary.rules.get(rule::TRUNCATED), Some(&1));
    let broken = &summary.objects[2];
    assert!((100..2000).contains(&broken.rows.steps), "{broken:?}");
    assert_eq!(broken.rows.quarantined, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_log_is_named_once_and_left_alone() {
    let place = Place::new().await;
    place.put("readme.txt", "hello\n").await;
    place.put("empty.jsonl", "").await;
    place.put("_tmp/a.jsonl", log("a")).await;
    place.put("x/.b.jsonl", log("b")).await;
    let first = place.night(D).await;
    let names: Vec<_> = first.summary.not_logs.iter().map(|n| n.key.as_str()).collect();
    assert_eq!(names, ["empty.jsonl", "readme.txt"]);
    assert!(first.summary.objects.is_empty() && first.history.is_empty());
    assert_eq!(json(&place.night(D).await), json(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_in_the_path_decides_and_first_sight_does_otherwise() {
    let place = Place::new().await;
    place.put("2026-11-03/a.jsonl", log("a")).await;
    place.put("2026/11/04/b.jsonl", log("b")).await;
    place.put("day=2026-11-04/c.jsonl", log("c")).await;
    place.put("run-2026-11-09.jsonl", log("d")).await;
    let keys = |s: Snapshot| s.summary.objects.into_iter().map(|o| o.key).collect::<Vec<_>>();
    assert_eq!(keys(place.night(D).await), ["2026-11-03/a.jsonl", "run-2026-11-09.jsonl"]);
    let second = place.night("2026-11-04").await;
    assert_eq!(second.history.len(), 2);
    assert_eq!(keys(second), ["2026/11/04/b.jsonl", "day=2026-11-04/c.jsonl"]);
    place.put("undated.jsonl", log("e")).await;
    place.put("2026-11-03/late.jsonl", log("f")).await;
    let heard = Mutex::new(Vec::new());
    let third = ingest(&place.tables, &place.logs, request("2026-11-05"), |news| {
        if let Progress::Unclaimed { key, .. } = news {
            heard.lock().unwrap().push(key);
        }
    });
    assert_eq!(keys(third.await.unwrap()), ["undated.jsonl"]);
    assert_eq!(heard.into_inner().unwrap(), ["2026-11-03/late.jsonl"]);
    place.put("later.jsonl", log("g")).await;
    let old = place.night(D).await;
    assert_eq!(keys(old), ["2026-11-03/a.jsonl", "2026-11-03/late.jsonl", "run-2026-11-09.jsonl"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn globs_choose_and_a_bad_one_is_refused() {
    let place = Place::new().await;
    place.put("x/a.jsonl", log("a")).await;
    place.put("x/deep/b.jsonl", log("b")).await;
    let some = |glob: &str| IngestRequest { globs: vec![glob.to_owned()], ..request(D) };
    assert_eq!(place.run(some("x/*.jsonl")).await.unwrap().summary.objects.len(), 1);
    assert_eq!(place.run(some("**/*.jsonl")).await.unwrap().summary.objects.len(), 2);
    let wrong = place.run(some("x/[")).await.unwrap_err();
    assert!(matches!(wrong, IngestError::Glob { .. }), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_is_an_error_and_an_empty_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::on_disk(folder.path()).await;
    let night = place.night(D).await;
    assert_eq!(night.summary.rows, rows(0, 0, 0, 0));
    std::fs::remove_dir(folder.path().join("logs")).unwrap();
    let error = place.run(request(D)).await.unwrap_err().to_string();
    assert!(error.contains("/logs") && error.contains("create the folder"), "{error}");
    let name = place.run(IngestRequest { source: "No/Name".to_owned(), ..request(D) }).await;
    assert!(matches!(name, Err(IngestError::Source { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_hold_what_the_log_said() {
    let place = Place::new().await;
    place.put("a.jsonl", log("a")).await;
    place.night(D).await;
    let columns =
        ["event_time", "time_source", "candidate_actions", "ingest_date", "tool_args_json"];
    let batch =
        read_batches(&place.tables, Table::Steps, Dates::only(day(D)), &columns).await.unwrap();
    let column = |n: usize| batch[0].column(n).clone();
    let time = column(0);
    let time = time.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().value(0);
    assert_eq!(time, 1_793_664_000_000_000, "the start of the logical date");
    assert_eq!(column(1).as_string::<i32>().value(0), "logical_date");
    let candidates = column(2).as_list::<i32>().value(0);
    let ids = candidates.as_struct().column_by_name("id").unwrap().clone();
    assert_eq!(ids.as_string::<i32>().value(0), "create_plan(p1)");
    let date = column(3).as_primitive::<arrow::datatypes::Date32Type>().value(0);
    assert_eq!(i64::from(date) * 86_400_000_000, time);
    assert_eq!(column(4).as_string::<i32>().value(0), r#"{"p":"p1"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::on_disk(folder.path()).await;
    let secrets = ["jane.roe@example.org", "AKIAIOSFODNN7EXAMPLX"];
    let said = |n: usize| step(&format!("s{n}"), "e", 1.0).replace("p1", secrets[n]);
    let broken = format!("{{\"type\":\"step\",\"mail\":\"{}\"\n", secrets[0]);
    let long = format!("{{\"x\":\"{} {}\"}}\n", "y".repeat(5000), secrets[1]);
    place.put("a.jsonl", said(0) + &said(1) + &broken + &long).await;
    place.put("b.jsonl.gz", gzip(&said(0))[..120].to_vec()).await;
    let summary = place.night(D).await.summary;
    assert!(summary.scrubbed.values().sum::<u64>() >= 5, "{:?}", summary.scrubbed);
    assert_eq!(summary.rows.steps, 2);
    let store = folder.path().join("store");
    let mut files = 0;
    let mut folders = vec![store];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(secrets.iter().all(|s| !text.contains(s)), "{}", path.display());
        }
    }
    assert!(files > 5);
    // Compressed columns would hide a secret from the search above, so rows are looked at too.
    for (table, column) in [(Table::Steps, "tool_args_json"), (Table::Quarantine, "line")] {
        let texts = place.texts(table, column, D).await.concat();
        assert!(secrets.iter().all(|s| !texts.contains(s)), "{texts}");
        assert!(texts.contains("<EMAIL:"), "{texts}");
    }
}

/// The folder of real logs, where it is at hand.
fn real_logs() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/real-logs");
    let folder = std::env::var_os("FQM_REAL_LOGS").map_or(beside, PathBuf::from);
    folder.is_dir().then(|| folder.canonicalize().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_logs_land_whole_and_once() {
    let Some(folder) = real_logs() else {
        eprintln!("skipped: no real logs; set FQM_REAL_LOGS to their folder");
        return;
    };
    let logs = Store::open(&Url::from_directory_path(folder).unwrap()).unwrap();
    let place = Place { logs, ..Place::new().await };
    let first = place.night(D).await;
    let by = |end: &'static str| first.summary.objects.iter().filter(move |o| o.key.ends_with(end));
    let tau = by("airline-trials-0-1.json").next().unwrap();
    assert_eq!((tau.records, tau.rows.episodes, tau.rows.feedback), (100, 100, 100));
    assert_eq!(tau.actions.get("call"), Some(&572));
    assert_eq!(by(".trace.json").count(), 6);
    assert!(by(".trace.json").all(|o| o.format.as_deref() == Some("langfuse")));
    let names: Vec<_> = first.summary.not_logs.iter().map(|n| n.key.as_str()).collect();
    assert_eq!(names.len(), 6);
    assert!(names.iter().all(|name| name.ends_with(".chatml.json")));
    let columns = ["total_reward", "format"];
    let batches =
        read_batches(&place.tables, Table::Episodes, Dates::only(day(D)), &columns).await.unwrap();
    let won: usize = batches
        .iter()
        .map(|batch| {
            let rewards = batch.column(0).as_primitive::<arrow::datatypes::Float64Type>();
            let formats = batch.column(1).as_string::<i32>();
            let messages = (0..batch.num_rows()).filter(|n| formats.value(*n) == "messages");
            messages.filter(|n| rewards.value(*n) == 1.0).count()
        })
        .sum();
    assert_eq!(won, 43);
    let versions = place.versions().await;
    assert_eq!(json(&place.night(D).await), json(&first));
    assert_eq!(place.versions().await, versions);
    assert_eq!(first.summary.rows.quarantined, 0, "{:?}", first.summary.rules);
}
