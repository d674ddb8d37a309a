//! Which rows are in the tables already: a set of 128-bit hashes of ids, each with a mark of the
//! row's content.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{Array, AsArray, RecordBatch};

use super::delta::Tables;
use super::error::TableError;
use super::scan::{Dates, visit};
use super::schema::{Content, Table};
use crate::core::{Digest, LogicalDate};

/// 256 small maps instead of a large one: when one of them grows, only that one is there twice.
const SHARDS: usize = 256;

/// The keys are parts of SHA-256 already, so their first bytes serve as their hash.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.0 = u64::from_ne_bytes(first);
    }
    fn write_usize(&mut self, _: usize) {}
    fn finish(&self) -> u64 {
        self.0
    }
}

type Shard = HashMap<[u8; 16], [u8; 4], BuildHasherDefault<Identity>>;

/// What is known of a row by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The id was not seen before; it is now.
    New,
    /// The same row was seen before.
    Duplicate,
    /// Another row with this id was seen before.
    Conflict,
}

/// The ids seen, 20 bytes each.
pub(super) struct Seen {
    shards: Vec<Shard>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }
}

impl Seen {
    /// The ids that the published batches of a source added in the days up to `date`.
    pub(super) async fn load(
        tables: &Tables,
        source: &str,
        date: LogicalDate,
        days: u32,
    ) -> Result<Self, TableError> {
        let mut seen = Self::default();
        // Dates after `date` count too: an old date that is run again must not repeat their rows.
        let dates = Dates {
            from: date.plus_days(-i64::from(days)),
            to: LogicalDate::new(chrono::NaiveDate::MAX),
        };
        for table in [Table::Episodes, Table::Steps, Table::Feedback] {
            let Some(id) = table.id_column() else { continue };
            let columns = [id, "content_digest", "source"];
            visit(tables, table, dates, &columns, |batch| seen.add(table, source, &batch)).await?;
        }
        Ok(seen)
    }

    fn add(&mut self, table: Table, source: &str, batch: &RecordBatch) -> Result<(), TableError> {
        let text = |n: usize| {
            let column = batch.columns().get(n).and_then(|c| c.as_string_opt::<i32>());
            column.ok_or_else(|| TableError::Arrow {
                place: table.name().to_owned(),
                source: arrow::error::ArrowError::SchemaError(format!("column {n} is no text")),
            })
        };
        let (ids, contents, sources) = (text(0)?, text(1)?, text(2)?);
        for row in 0..batch.num_rows() {
            if ids.is_valid(row) && sources.value(row) == source {
                let content = from_hex(contents.value(row));
                self.see(table, ids.value(row), content);
            }
        }
        Ok(())
    }

    /// Looks an id up, and remembers it when it is new.
    pub(super) fn see(&mut self, table: Table, id: &str, content: Content) -> Verdict {
        let mut bytes = Vec::with_capacity(id.len() + 1);
        bytes.push(table as u8);
        bytes.extend_from_slice(id.as_bytes());
        let digest = Digest::of(&bytes);
        let mut key = [0; 16];
        key.copy_from_slice(digest.bytes().split_at(16).0);
        let [a, b, c, d, ..] = content.0;
        let mark = [a, b, c, d];
        let [.., last] = key;
        let Some(shard) = self.shards.get_mut(usize::from(last)) else { return Verdict::New };
        match shard.entry(key) {
            Entry::Vacant(place) => {
                place.insert(mark);
                Verdict::New
            }
            Entry::Occupied(there) if *there.get() == mark => Verdict::Duplicate,
            Entry::Occupied(_) => Verdict::Conflict,
        }
    }
}

/// Reads the first 32 hex digits; what is no digit counts as 0.
fn from_hex(text: &str) -> Content {
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = pair.iter().fold(0, |sum, digit| {
            (sum << 4) | u8::try_from(char::from(*digit).to_digit(16).unwrap_or(0)).unwrap_or(0)
        });
    }
    Content(bytes)
}
