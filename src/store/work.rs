//! The work of one batch, on a blocking thread: objects in, Parquet files out. Nothing here makes a
//! row visible, so it may be lost and done again at any moment.

use std::collections::BTreeMap;

use deltalake::kernel::Add;
use tokio::runtime::Handle;

use super::batches::{Batch, Done, Planned};
use super::error::IngestError;
use super::ingest::Progress;
use super::schema::{
    Columns, Content, Episodes, Feedback, Origin, Quarantine, QuarantineRow, Steps, Table,
};
use super::seen::{Seen, Verdict};
use super::source::Source;
use super::summary::ObjectSummary;
use super::writer::TableWriter;
use crate::core::{Digest, LogicalDate, Store};
use crate::logs::{
    Compression, Consent, Context, Format, Framed, Framing, Item, Limits, ReadError, Reader,
    Record, parse_bytes, rule,
};
use crate::scrub::Scrubber;

/// The quarantine rule for an id that is taken by a row with other content.
pub const CONFLICT: &str = "conflict";
/// How much of a rejected record the quarantine keeps.
const LINE_BYTES: usize = 4096;
/// Progress is told about once per this many records.
const TELL_EVERY: u64 = 5000;

/// What the work needs besides the batch.
pub(super) struct Means {
    pub logs: Store,
    pub store: Store,
    pub runtime: Handle,
    pub scrub_key: Vec<u8>,
    pub default_consent: Consent,
    pub tell: Box<dyn Fn(Progress) + Send>,
}

/// What the work gives: files that wait for their commits.
pub(super) struct Worked {
    pub files: BTreeMap<Table, Vec<Add>>,
    pub objects: Vec<Done>,
    pub seen: Seen,
}

/// Does the work of a batch.
pub(super) fn work(batch: &Batch, means: &Means, seen: Seen) -> Result<Worked, IngestError> {
    let mut worker = Worker::new(batch, means, seen);
    let mut objects = Vec::with_capacity(batch.objects.len());
    for planned in &batch.objects {
        let done = worker.object(planned)?;
        (means.tell)(Progress::ObjectDone {
            key: planned.key.clone(),
            records: done.summary.records,
            rows: done.summary.rows,
        });
        objects.push(done);
    }
    let files = BTreeMap::from([
        (Table::Episodes, worker.episodes.finish()?),
        (Table::Steps, worker.steps.finish()?),
        (Table::Feedback, worker.feedback.finish()?),
        (Table::Quarantine, worker.quarantine.finish()?),
    ]);
    Ok(Worked { files, objects, seen: worker.seen })
}

struct Worker<'a> {
    batch: &'a Batch,
    means: &'a Means,
    episodes: TableWriter<Episodes>,
    steps: TableWriter<Steps>,
    feedback: TableWriter<Feedback>,
    quarantine: TableWriter<Quarantine>,
    seen: Seen,
    scrubber: Scrubber,
    scratch: Vec<u8>,
    origin: Origin,
    summary: ObjectSummary,
}

impl<'a> Worker<'a> {
    fn new(batch: &'a Batch, means: &'a Means, seen: Seen) -> Self {
        let (store, runtime) = (&means.store, &means.runtime);
        Self {
            batch,
            means,
            episodes: TableWriter::new(Table::Episodes, batch, store, runtime),
            steps: TableWriter::new(Table::Steps, batch, store, runtime),
            feedback: TableWriter::new(Table::Feedback, batch, store, runtime),
            quarantine: TableWriter::new(Table::Quarantine, batch, store, runtime),
            seen,
            scrubber: Scrubber::new(&means.scrub_key),
            scratch: Vec::new(),
            origin: origin(batch),
            summary: ObjectSummary::default(),
        }
    }

    fn object(&mut self, planned: &Planned) -> Result<Done, IngestError> {
        self.origin.uri.clone_from(&planned.key);
        self.summary = ObjectSummary { key: planned.key.clone(), ..ObjectSummary::default() };
        let mut done = Done {
            size: planned.size,
            version: planned.version.clone(),
            start: planned.start,
            sha256: None,
            resume_at: None,
            summary: ObjectSummary::default(),
        };
        let failed = |e: std::io::Error| IngestError::Object {
            place: self.means.logs.place(&planned.key),
            reason: e.to_string(),
        };
        let opening = Source::open(&self.means.logs, &planned.key, planned.size);
        let Some(mut source) = self.means.runtime.block_on(opening)? else {
            return Ok(self.not_a_log(done, "it went away after the batch was planned"));
        };
        source.skip(planned.start).map_err(failed)?;
        let format = planned.format.as_deref().map(str::parse::<Format>).transpose();
        let format = format.map_err(|e| IngestError::Format {
            name: planned.format.clone().unwrap_or_default(),
            reason: e.to_string(),
        })?;
        let limit = usize::try_from(self.batch.max_record_bytes).unwrap_or(usize::MAX);
        let mut reader =
            match Reader::open(source.clone(), format, Limits { max_record_bytes: limit }) {
                Ok(reader) => reader,
                Err(ReadError::NotALog(why)) => return Ok(self.not_a_log(done, &why.reason)),
                Err(e) => return Err(self.unreadable(planned, &e)),
            };
        let shape = reader.shape();
        let before = self.scrubber.counts();
        self.records(planned, &mut reader, shape.format)?;
        for (kind, count) in self.scrubber.counts() {
            let new = count - before.get(kind).copied().unwrap_or(0);
            if new > 0 {
                self.summary.scrubbed.insert(kind.to_owned(), new);
            }
        }
        self.summary.empty_lines = reader.stats().empty_lines;
        let lines = shape.framing == Framing::Lines && reader.compression() == Compression::None;
        drop(reader);
        let passed = source.finish().map_err(|e| IngestError::Object {
            place: self.means.logs.place(&planned.key),
            reason: e.to_string(),
        })?;
        self.summary.format = Some(shape.format.as_str().to_owned());
        self.summary.sha256 = Some(passed.sha256);
        done.sha256 = Some(passed.sha256);
        done.resume_at = lines.then_some(passed.line_end);
        done.summary = std::mem::take(&mut self.summary);
        Ok(done)
    }

    fn not_a_log(&mut self, mut done: Done, reason: &str) -> Done {
        self.summary.not_a_log = Some(reason.to_owned());
        done.summary = std::mem::take(&mut self.summary);
        done
    }

    fn unreadable(&self, planned: &Planned, error: &ReadError) -> IngestError {
        let place = self.means.logs.place(&planned.key);
        IngestError::Object { place, reason: error.to_string() }
    }

    fn records(
        &mut self,
        planned: &Planned,
        reader: &mut Reader,
        format: Format,
    ) -> Result<(), IngestError> {
        while let Some(item) = reader.read().map_err(|e| self.unreadable(planned, &e))? {
            match item {
                Item::Record(record) => {
                    self.summary.records += 1;
                    self.record(planned, &record, format)?;
                }
                Item::Oversize { offset, digest, size, .. } => {
                    self.summary.records += 1;
                    let limit = self.batch.max_record_bytes;
                    let reason = format!("the record has {size} bytes, the limit is {limit}");
                    self.at(planned, offset);
                    self.reject(digest, rule::OVERSIZE, reason, None, String::new())?;
                }
                Item::Truncated { piece, reason } => {
                    self.at(planned, piece.offset);
                    let line = self.line(&piece.bytes);
                    let digest = Digest::of(&piece.bytes);
                    self.reject(digest, rule::TRUNCATED, reason, None, line)?;
                }
            }
            if self.summary.records.is_multiple_of(TELL_EVERY) {
                (self.means.tell)(Progress::Reading {
                    key: planned.key.clone(),
                    records: self.summary.records,
                    bytes: reader.stats().bytes,
                });
            }
        }
        Ok(())
    }

    /// Sets where the following rows come from. Offsets count from the object's first byte.
    fn at(&mut self, planned: &Planned, offset: u64) {
        self.origin.offset = i64::try_from(planned.start + offset).unwrap_or(i64::MAX);
    }

    fn record(
        &mut self,
        planned: &Planned,
        record: &Framed,
        format: Format,
    ) -> Result<(), IngestError> {
        self.at(planned, record.offset);
        let clean = self.scrubber.scrub_json_bytes(&record.bytes);
        let bytes = clean.as_ref();
        let context =
            Context { key: &self.means.scrub_key, default_consent: self.means.default_consent };
        match parse_bytes(format, bytes, &context) {
            Ok(rows) => {
                let mut roles = Roles::default();
                for row in rows {
                    if self.row(&row, &record.bytes, bytes)? {
                        roles.see(format, &row);
                    }
                }
                roles.0.values().for_each(|role| count(&mut self.summary.roles, role));
                Ok(())
            }
            Err(reject) => {
                let line = cut(bytes);
                let digest = Digest::of(&record.bytes);
                let pointer = Some(reject.pointer).filter(|p| !p.is_empty());
                self.reject(digest, reject.rule, reject.reason, pointer, line)
            }
        }
    }

    /// Adds a row unless it is there already; true when it was added.
    fn row(&mut self, row: &Record, raw: &[u8], clean: &[u8]) -> Result<bool, IngestError> {
        let scratch = &mut self.scratch;
        let (table, content) = match row {
            Record::Episode(row) => (Table::Episodes, Episodes::content(row, scratch)),
            Record::Step(row) => (Table::Steps, Steps::content(row, scratch)),
            Record::Feedback(row) => (Table::Feedback, Feedback::content(row, scratch)),
        };
        match self.seen.see(table, row.id(), content) {
            Verdict::New => self.add(row, content).map(|()| true),
            Verdict::Duplicate => {
                self.summary.duplicates += 1;
                Ok(false)
            }
            Verdict::Conflict => {
                let reason = format!(
                    "a row of `{}` with the same id and other content is there already",
                    table.name()
                );
                self.reject(Digest::of(raw), CONFLICT, reason, None, cut(clean)).map(|()| false)
            }
        }
    }

    fn add(&mut self, row: &Record, content: Content) -> Result<(), IngestError> {
        let (origin, rows) = (&self.origin, &mut self.summary.rows);
        match row {
            Record::Episode(row) => {
                self.episodes.push(row, origin, content)?;
                rows.episodes += 1;
            }
            Record::Step(row) => {
                self.steps.push(row, origin, content)?;
                rows.steps += 1;
                count(&mut self.summary.actions, &row.action_type);
                count(&mut self.summary.operations, &row.operation);
            }
            Record::Feedback(row) => {
                self.feedback.push(row, origin, content)?;
                rows.feedback += 1;
            }
        }
        Ok(())
    }

    fn reject(
        &mut self,
        digest: Digest,
        rule: &str,
        reason: String,
        pointer: Option<String>,
        line: String,
    ) -> Result<(), IngestError> {
        let digest = digest.to_string();
        let row = QuarantineRow { digest, rule: rule.to_owned(), reason, pointer, line };
        self.quarantine.push(&row, &self.origin, Content([0; 16]))?;
        self.summary.rows.quarantined += 1;
        count(&mut self.summary.rules, rule);
        Ok(())
    }

    /// The bytes as the quarantine may keep them: scrubbed whole, then cut.
    fn line(&self, bytes: &[u8]) -> String {
        cut(&self.scrubber.scrub_json_bytes(bytes))
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

/// The roles of a record's messages by their place: several steps may come from one message.
#[derive(Default)]
struct Roles(BTreeMap<u64, String>);

impl Roles {
    fn see(&mut self, format: Format, row: &Record) {
        #[derive(serde::Deserialize)]
        struct Attrs {
            message: Option<u64>,
            role: Option<String>,
            result_message: Option<u64>,
        }
        let (Format::Messages, Record::Step(step)) = (format, row) else { return };
        let attrs = step.attrs_json.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(Attrs { message, role, result_message }) = attrs else { return };
        self.0.extend(message.zip(role));
        self.0.extend(result_message.map(|at| (at, "tool".to_owned())));
    }
}

/// The beginning of a record as text.
fn cut(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes.get(..LINE_BYTES).unwrap_or(bytes)).into_owned();
    // Characters that stand for broken bytes take more room than these did.
    let mut end = text.len().min(LINE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// What all rows of a batch share.
pub(super) fn origin(batch: &Batch) -> Origin {
    Origin {
        source: batch.source.clone(),
        uri: String::new(),
        offset: 0,
        batch: i64::try_from(batch.seq).unwrap_or(i64::MAX),
        known_at: batch.known_at,
        fallback_time: start_of(batch.logical_date),
    }
}

/// The first microsecond of a date, UTC.
fn start_of(date: LogicalDate) -> i64 {
    let hour = chrono::Duration::hours(i64::from(date.hour().unwrap_or(0)));
    (date.naive().and_time(chrono::NaiveTime::MIN).and_utc() + hour).timestamp_micros()
}
