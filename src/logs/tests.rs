//! Tests of the whole way from bytes to rows; those of one format stand beside it.

use std::io::{Cursor, Write};

use super::*;

mod messages_tests;
mod native_tests;
mod reader_tests;
mod real_logs;

/// A file of `tests/fixtures/logs`, or of `schemas`, by its path in the repository.
fn repository(path: &str) -> std::path::PathBuf {
    let here = std::path::Path::new(file!());
    let root = std::env::var_os("FQM_ROOT").map(std::path::PathBuf::from);
    let base = root.unwrap_or_else(|| {
        let package = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        // Compiled from elsewhere, the sources' own path leads to the repository.
        match here.ancestors().nth(3) {
            Some(root) if here.is_absolute() => root.to_path_buf(),
            _ => package,
        }
    });
    base.join(path)
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(repository("tests/fixtures/logs").join(name)).unwrap()
}

/// All rows and rejects of a log.
fn rows(bytes: Vec<u8>) -> (Vec<Record>, Vec<Reject>) {
    let mut reader = Reader::open(Cursor::new(bytes), None, Limits::default()).unwrap();
    let format = reader.shape().format;
    let (mut rows, mut rejects) = (Vec::new(), Vec::new());
    while let Some(item) = reader.read().unwrap() {
        let Item::Record(framed) = item else { panic!("unexpected {item:?}") };
        match parse(format, &framed, &Context::default()) {
            Ok(found) => rows.extend(found),
            Err(reject) => rejects.push(reject),
        }
    }
    (rows, rejects)
}

fn episodes(rows: &[Record]) -> Vec<&EpisodeRow> {
    rows.iter()
        .filter_map(|row| if let Record::Episode(row) = row { Some(row) } else { None })
        .collect()
}

fn steps(rows: &[Record]) -> Vec<&StepRow> {
    rows.iter()
        .filter_map(|row| if let Record::Step(row) = row { Some(row) } else { None })
        .collect()
}

fn feedback(rows: &[Record]) -> Vec<&FeedbackRow> {
    rows.iter()
        .filter_map(|row| if let Record::Feedback(row) = row { Some(row) } else { None })
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
