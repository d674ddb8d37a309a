use bytes::Bytes;

use super::*;

fn disk() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let url = url::Url::from_directory_path(folder.path()).unwrap();
    (folder, Store::open(&url).unwrap())
}

#[test]
fn digest_has_the_notation_of_oci() {
    let digest = Digest::of(b"{}");
    let text = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(digest.to_string(), text);
    assert_eq!(text.parse::<Digest>().unwrap(), digest);
    let mut hasher = Hasher::new();
    hasher.update(b"{");
    hasher.update(b"}");
    assert_eq!(hasher.finish(), digest);
    for wrong in ["", "sha256:", "sha256:44", &text.to_uppercase(), &text[7..]] {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
}

#[test]
fn canonical_json_ignores_the_order_of_keys() {
    let a: serde_json::Value = serde_json::from_str(r#"{"b":[{"y":1,"x":2.50}],"a":"é"}"#).unwrap();
    let b: serde_json::Value =
        serde_json::from_str(r#"{ "a": "\u00e9", "b": [ {"x": 2.5, "y": 1} ] }"#).unwrap();
    assert_eq!(canonical_json(&a).unwrap(), canonical_json(&b).unwrap());
    assert_eq!(canonical_json(&a).unwrap(), r#"{"a":"é","b":[{"x":2.5,"y":1}]}"#.as_bytes());
}

#[test]
fn identifiers_read_back_and_refuse_the_rest() {
    let alias: Alias = "registry:fqm@challenger/a".parse().unwrap();
    assert_eq!(alias.to_string(), "registry:fqm@challenger/a");
    for wrong in ["fqm@champion", "registry:fqm", "registry:@x", "registry:f qm@x"] {
        assert!(wrong.parse::<Alias>().is_err(), "{wrong}");
    }
    let date: LogicalDate = "2026-02-28".parse().unwrap();
    assert_eq!(date.plus_days(1).to_string(), "2026-03-01");
    let hour: LogicalDate = "2026-02-28T23".parse().unwrap();
    assert_eq!(
        (hour.plus(1).to_string(), hour.plus(-24).to_string()),
        ("2026-03-01T00".into(), "2026-02-27T23".into())
    );
    assert!(
        date.holds(&hour) && hour.holds(&hour) && !hour.holds(&date) && !hour.holds(&hour.plus(1))
    );
    for wrong in
        ["2026-2-28", "2026-02-30", "today", "2026-02-28T24", "2026-02-28T5", "2026-02-28T"]
    {
        assert!(wrong.parse::<LogicalDate>().is_err(), "{wrong}");
    }
}

#[test]
fn a_path_says_the_day_and_maybe_the_hour() {
    let date = |path: &str| super::path_date(path).map(|date| date.to_string());
    for (path, expected) in [
        ("logs/2026-11-03/a.jsonl", Some("2026-11-03")),
        ("day=2026-11-03/a.jsonl", Some("2026-11-03")),
        ("2026-11-03.jsonl.gz", Some("2026-11-03")),
        ("2026/11/03/a.jsonl", Some("2026-11-03")),
        ("2026-11-03T05.jsonl", Some("2026-11-03T05")),
        ("day=2026-11-03/hour=05/a.jsonl", Some("2026-11-03T05")),
        ("2026/11/03/05/a.jsonl", Some("2026-11-03T05")),
        ("2026/11/03/05", Some("2026-11-03")),
        ("2026/11/03/77/a.jsonl", Some("2026-11-03")),
        ("run-2026-11-03-a.jsonl", None),
    ] {
        assert_eq!(date(path).as_deref(), expected, "{path}");
    }
}

#[test]
fn streams_of_different_labels_differ_and_repeat() {
    use rand_chacha::rand_core::RngCore;
    assert_eq!(rng(7, "a").next_u64(), rng(7, "a").next_u64());
    assert_ne!(rng(7, "a").next_u64(), rng(7, "b").next_u64());
    assert_ne!(derive_seed(7, "a"), derive_seed(8, "a"));
}

#[tokio::test]
async fn create_is_won_once_on_disk_and_in_memory() {
    let (_folder, on_disk) = disk();
    for store in [on_disk, Store::memory()] {
        let tries = (0..12).map(|i| {
            let store = store.clone();
            tokio::spawn(
                async move { store.create("a/b", Bytes::from(vec![i; 100])).await.unwrap() },
            )
        });
        let won = futures::future::join_all(tries).await;
        let new = won.into_iter().filter(|w| *w.as_ref().unwrap() == Created::New).count();
        assert_eq!(new, 1);
        let bytes = store.get("a/b").await.unwrap().unwrap();
        assert_eq!(bytes.len(), 100);
        assert!(bytes.iter().all(|b| *b == bytes[0]));
    }
}

#[tokio::test]
async fn a_store_lists_relative_and_sorted_and_hides_staging_files() {
    let (folder, store) = disk();
    let sub = store.sub("x y");
    for name in ["b/2", "a", "b/10"] {
        sub.put(name, Bytes::from_static(b"1")).await.unwrap();
    }
    std::fs::write(folder.path().join("x y/a#123"), b"left behind").unwrap();
    let paths: Vec<_> = sub.list("").await.unwrap().into_iter().map(|o| o.path).collect();
    assert_eq!(paths, ["a", "b/10", "b/2"]);
    assert_eq!(store.list("x y/b").await.unwrap()[0].path, "x y/b/10");
    for odd in ["b/[1]#x%y.json", "c d/é"] {
        sub.put(odd, Bytes::from_static(b"odd")).await.unwrap();
        let listed = sub.list(odd.split('/').next().unwrap()).await.unwrap();
        let listed = &listed.iter().find(|o| o.size == 3).unwrap().path;
        assert!(sub.get(listed).await.unwrap().is_some(), "{listed} is found as it is listed");
        assert!(sub.get(odd).await.unwrap().is_some(), "{odd}");
        sub.delete(odd).await.unwrap();
    }
    assert!(sub.get("c").await.unwrap().is_none());
    sub.delete("a").await.unwrap();
    sub.delete("a").await.unwrap();
    assert!(!sub.exists("a").await.unwrap());
}

#[tokio::test]
async fn a_damaged_blob_is_named() {
    let (_folder, store) = disk();
    let blobs = Blobs::new(store.clone());
    let digest = blobs.put(Bytes::from_static(b"weights")).await.unwrap();
    assert_eq!(blobs.get(&digest).await.unwrap(), Bytes::from_static(b"weights"));
    assert_eq!(blobs.size(&digest).await.unwrap(), 7);
    store.put(&Blobs::path(&digest), Bytes::from_static(b"wEights")).await.unwrap();
    let error = blobs.get(&digest).await.unwrap_err().to_string();
    assert!(error.contains(&digest.hex()) && error.contains("damaged"), "{error}");
    let missing = blobs.get(&Digest::of(b"x")).await.unwrap_err().to_string();
    assert!(missing.contains("is not there"), "{missing}");
}

#[test]
fn an_unknown_scheme_is_refused_with_the_known_ones() {
    let url = url::Url::parse("ftp://host/x").unwrap();
    let error = Store::open(&url).unwrap_err().to_string();
    assert!(error.contains("ftp://host/x") && error.contains("s3"), "{error}");
}

#[test]
fn a_date_is_found_in_a_path_as_a_whole_part() {
    for (path, date) in [
        ("a/2026-11-03/part.jsonl", Some("2026-11-03")),
        ("day=2026-11-03/x", Some("2026-11-03")),
        ("2026-11-03.jsonl.gz", Some("2026-11-03")),
        ("logs/2026/11/03/x", Some("2026-11-03")),
        ("autogen-2025-06-06.trace.json", None),
        ("+2026-11-03/x", None),
    ] {
        assert_eq!(path_date(path).map(|d| d.to_string()).as_deref(), date, "{path}");
    }
}
