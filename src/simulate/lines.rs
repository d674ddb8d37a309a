//! Puts lines into files: repeated and broken lines at seeded places, the second file compressed.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::truth::BrokenKind;

/// The lines of a day before they become files.
#[derive(Default)]
pub(super) struct Lines {
    good: Vec<Vec<u8>>,
    /// Index of the first line of the second file.
    split: usize,
    /// Lines to write after the good line of that index.
    extra: Vec<(usize, Vec<u8>)>,
}

/// One file's lines.
#[derive(Default)]
pub(super) struct Part {
    pub lines: u64,
    pub bytes: Vec<u8>,
}

impl Lines {
    pub(super) fn push(&mut self, line: Vec<u8>) {
        self.good.push(line);
    }

    /// From here on lines go to the second file.
    pub(super) fn split_here(&mut self) {
        self.split = self.good.len();
    }

    /// Writes `n` different lines a second time, somewhere behind the first. Returns how many.
    pub(super) fn repeat(&mut self, n: u32, random: &mut ChaCha8Rng) -> u64 {
        let n = (n as usize).min(self.good.len());
        let chosen = rand::seq::index::sample(random, self.good.len(), n);
        for index in chosen {
            let after = random.random_range(index..self.good.len());
            if let Some(line) = self.good.get(index) {
                self.extra.push((after, line.clone()));
            }
        }
        n as u64
    }

    /// Adds a line somewhere, never first in a file: a file's format is told by its first bytes.
    pub(super) fn insert(&mut self, line: Vec<u8>, random: &mut ChaCha8Rng) {
        let after = random.random_range(0..self.good.len().max(1));
        self.extra.push((after, line));
    }

    /// The two files' lines.
    pub(super) fn parts(mut self) -> [Part; 2] {
        self.extra.sort();
        let mut extra = self.extra.into_iter().peekable();
        let mut parts = [Part::default(), Part::default()];
        for (index, line) in self.good.iter().enumerate() {
            let [first, second] = &mut parts;
            let part = if index < self.split { first } else { second };
            part.push(line);
            while let Some((_, line)) = extra.next_if(|(after, _)| *after == index) {
                part.push(&line);
            }
        }
        parts
    }
}

impl Part {
    fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        self.lines += 1;
    }
}

/// The bytes as gzip, with no time and no name inside, so that equal bytes stay equal.
pub(super) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::new(6));
    packer.write_all(bytes)?;
    packer.finish()
}

/// A line that no reader can read. It holds the sentence, if there is one.
pub(super) fn broken(kind: BrokenKind, id: &str, sentence: Option<&str>) -> Vec<u8> {
    let sentence = sentence.unwrap_or("nothing to see here");
    let step = |index: &str, propensity: &str| {
        format!(
            r#"{{"type":"step","schema":"fqm-log/1","event_id":"{id}","episode_id":"{id}","step_index":{index},"operation":"execute_tool","action_type":"call","tool_name":"create_plan","candidates":[{{"id":"create_plan(p1)"}}],"chosen_index":0,"propensity":{propensity},"attrs":{{"note":"{sentence}"}}}}"#
        )
    };
    match kind {
        BrokenKind::Truncated => {
            format!(r#"{{"type":"step","schema":"fqm-log/1","observation":{{"message":"{sentence}"}},"tool_na"#)
                .into_bytes()
        }
        BrokenKind::Garbage => format!("WARN worker {id} restarted: {sentence}").into_bytes(),
        BrokenKind::InvalidUtf8 => {
            [br#"{"type":"step","attrs":{"note":""#, &[0xff, 0xfe][..], sentence.as_bytes(), br#""}}"#]
                .concat()
        }
        BrokenKind::UnknownType => {
            format!(r#"{{"type":"heartbeat","schema":"fqm-log/1","id":"{id}","note":"{sentence}"}}"#)
                .into_bytes()
        }
        BrokenKind::WrongType => step("\"three\"", "0.5").into_bytes(),
        BrokenKind::BadValue => step("3", "1.7").into_bytes(),
    }
}
