use std::io::Read;

use proptest::prelude::*;

use super::*;

const LINE: &str = r#"{"type":"step","schema":"fqm-log/1","event_id":"e/0","episode_id":"e","step_index":0,"operation":"execute_tool","action_type":"call"}"#;

fn items(bytes: Vec<u8>, max: usize) -> (Vec<Item>, Reader) {
    let limits = Limits { max_record_bytes: max };
    let mut reader = Reader::open(Cursor::new(bytes), Some(Format::Native), limits).unwrap();
    let mut items = Vec::new();
    while let Some(item) = reader.read().unwrap() {
        items.push(item);
    }
    (items, reader)
}

fn record(item: &Item) -> (u64, u64, String) {
    match item {
        Item::Record(f) => (f.offset, f.line, String::from_utf8_lossy(&f.bytes).into_owned()),
        other => panic!("expected a record, got {other:?}"),
    }
}

#[test]
fn lines_are_framed_with_offsets_crlf_bom_and_empty_lines() {
    let text = "\u{feff}{\"a\":1}\r\n\r\n\n{\"b\":\"x\"}\n{\"c\":3}";
    let (found, reader) = items(text.as_bytes().to_vec(), 100);
    let found: Vec<_> = found.iter().map(record).collect();
    let wanted = [(3, 1, "{\"a\":1}"), (15, 4, "{\"b\":\"x\"}"), (25, 5, "{\"c\":3}")];
    assert_eq!(found, wanted.map(|(o, l, t)| (o, l, t.to_owned())));
    let stats = ReadStats { bytes: text.len() as u64, records: 3, empty_lines: 2 };
    assert_eq!(reader.stats(), stats);
}

#[test]
fn elements_of_an_array_are_framed_whatever_their_strings_hold() {
    let text = "[ {\"a\": \"]},\\\"[\"} ,\n{\"b\":[1,{}]}, 7 ,\"x\\\\\", null]\n";
    let (found, _) = items(text.as_bytes().to_vec(), 100);
    let found: Vec<_> = found.iter().map(record).map(|(_, line, text)| (line, text)).collect();
    let wanted =
        [(1, r#"{"a": "]},\"["}"#), (2, r#"{"b":[1,{}]}"#), (2, "7"), (2, r#""x\\""#), (2, "null")];
    assert_eq!(found, wanted.map(|(line, text)| (line, text.to_owned())));
}

#[test]
fn a_document_may_span_lines_and_others_may_follow() {
    let (found, reader) = items(b"{\n \"a\": {}\n}\n{\n}\n".to_vec(), 100);
    assert_eq!(reader.shape().framing, Framing::Document);
    let found: Vec<_> = found.iter().map(record).collect();
    assert_eq!(found[0], (0, 1, "{\n \"a\": {}\n}".to_owned()));
    assert_eq!(found[1].1, 4);
}

#[test]
fn oversize_records_are_skipped_to_their_end_and_named() {
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(300_000));
    for (text, kind) in [
        (format!("{LINE}\n{long}\n{LINE}\n"), Framing::Lines),
        (format!("[{LINE},{long},{LINE}]"), Framing::Array),
    ] {
        let (found, reader) = items(text.into_bytes(), 1000);
        assert_eq!(reader.shape().framing, kind);
        assert_eq!(found.len(), 3);
        let digest = crate::core::Digest::of(long.as_bytes());
        assert!(matches!(&found[1],
            Item::Oversize { digest: d, size, .. } if *d == digest && *size == long.len() as u64));
        assert_eq!(record(&found[2]).2, LINE);
    }
}

#[test]
fn gzip_members_and_zstd_frames_follow_each_other() {
    let text = format!("{LINE}\n");
    let mut twice = gzip(text.as_bytes());
    twice.extend(gzip(text.as_bytes()));
    let mut frames = zstd::encode_all(text.as_bytes(), 1).unwrap();
    frames.extend(zstd::encode_all(text.as_bytes(), 1).unwrap());
    for (bytes, compression) in [(twice, Compression::Gzip), (frames, Compression::Zstd)] {
        let (found, reader) = items(bytes, 1000);
        assert_eq!(reader.compression(), compression);
        assert_eq!(found.len(), 2);
        assert_eq!(record(&found[1]), (text.len() as u64, 2, LINE.to_owned()));
    }
}

#[test]
fn what_comes_before_a_break_is_delivered() {
    let noise: String = (0..40_000_u64)
        .map(|n| format!("{LINE}{}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let plain = noise.len();
    for whole in [gzip(noise.as_bytes()), zstd::encode_all(noise.as_bytes(), 1).unwrap()] {
        let (found, _) = items(whole[..whole.len() / 2].to_vec(), 1000);
        let (last, before) = found.split_last().unwrap();
        assert!(matches!(last, Item::Truncated { .. }), "{last:?}");
        assert!(before.len() > 1000 && before.len() < plain / LINE.len());
        assert!(before.iter().all(|item| matches!(item, Item::Record(_))));
    }
    let (found, _) = items(gzip(noise.as_bytes())[..12].to_vec(), 1000);
    assert!(matches!(found.as_slice(), [Item::Truncated { .. }]), "{found:?}");
    let (found, _) = items(b"[{\"a\":1},{\"b\":".to_vec(), 1000);
    assert!(matches!(found.as_slice(), [Item::Record(_), Item::Truncated { piece, .. }]
        if piece.offset == 9 && piece.bytes == b"{\"b\":"));
    let (found, _) = items(b"[{\"a\":1},".to_vec(), 1000);
    assert!(matches!(found.as_slice(), [Item::Record(_), Item::Truncated { .. }]));
}

#[test]
fn a_failing_source_is_an_error_and_no_damaged_log() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        }
    }
    let text = format!("{LINE}\n").repeat(10_000);
    let bytes = gzip(text.as_bytes());
    let head = Cursor::new(bytes[..bytes.len() / 2].to_vec());
    let opened = Reader::open(head.chain(Fails), None, Limits::default());
    let failed = opened.and_then(|mut reader| {
        while reader.read()?.is_some() {}
        Ok(())
    });
    assert!(matches!(failed, Err(ReadError::Source(_))));
}

#[test]
fn shapes_are_detected_by_content() {
    use {Format::*, Framing::*};
    let table: [(Vec<u8>, Format, Framing); 8] = [
        (fixture("native.jsonl"), Native, Lines),
        (format!("[{LINE}]").into_bytes(), Native, Array),
        (format!("broken line\n{LINE}\n").into_bytes(), Native, Lines),
        (b"{\"type\":\"x\",\"schema\":\"fqm-log/9\"}".to_vec(), Native, Lines),
        (fixture("messages.json"), Messages, Array),
        (fixture("messages.jsonl"), Messages, Lines),
        (fixture("langfuse.trace.json"), Langfuse, Document),
        (fixture("langfuse.trace.json")[..300].to_vec(), Langfuse, Document),
    ];
    for (bytes, format, framing) in table {
        let shape = detect(&bytes, None);
        assert_eq!(shape, Ok(Shape { format, framing }), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn other_files_are_named_and_left_alone() {
    let expectations = "{\n \"83f\": {\n  \"input\": {\"success\": true}}}";
    let table: [(&[u8], &str); 7] = [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe\0\0", "binary"),
        (b"id,name\n1,x\n", "text"),
        (b"# Readme\n\nWords.\n", "text"),
        (b"[1,2,3]", "array"),
        (expectations.as_bytes(), "object"),
    ];
    for (bytes, word) in table {
        let error = detect(bytes, None).unwrap_err();
        assert!(error.reason.contains(word), "{}", error.reason);
        let opened = Reader::open(Cursor::new(bytes.to_vec()), None, Limits::default());
        assert!(matches!(opened, Err(ReadError::NotALog(_))));
    }
    let forced = detect(b"id,name\n", Some(Format::Messages)).unwrap();
    assert_eq!(forced.format, Format::Messages);
}

fn all(bytes: Vec<u8>, format: Option<Format>) {
    let limits = Limits { max_record_bytes: 64 };
    let Ok(mut reader) = Reader::open(Cursor::new(bytes), format, limits) else { return };
    while let Some(item) = reader.read().unwrap() {
        if let Item::Record(framed) = item {
            for format in [Format::Native, Format::Messages, Format::Langfuse] {
                let _ = parse(format, &framed, &Context::default());
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        all(bytes.clone(), None);
        all(bytes, Some(Format::Native));
    }

    #[test]
    fn no_json_like_text_makes_it_panic(
        text in "[\\[{][\\]\\[{},:\"\\\\a-c0-9 \n]{0,80}",
        cut in 0_usize..2000,
    ) {
        all(text.clone().into_bytes(), Some(Format::Messages));
        let mut trace = fixture("langfuse.trace.json");
        trace.truncate(cut);
        trace.extend(text.into_bytes());
        all(trace, None);
    }

    #[test]
    fn framing_loses_no_record(values in proptest::collection::vec("[a-z\"\\\\\\]\\}\n]{0,20}", 1..20)) {
        let texts: Vec<String> =
            values.iter().map(|v| serde_json::json!({ "v": v }).to_string()).collect();
        for whole in [texts.join("\n"), format!("[{}]", texts.join(" ,\n"))] {
            let found: Vec<String> =
                items(whole.into_bytes(), 1000).0.iter().map(|item| record(item).2).collect();
            prop_assert_eq!(&found, &texts);
        }
    }
}
