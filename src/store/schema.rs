//! The tables and their columns. Every column may be empty in Delta's eyes, so that a later version
//! can add or stop filling one without rewriting anything.
//!
//! Delta has no unsigned 64-bit type: `episodes.split_key` holds the same 64 bits as a signed number.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::cells::{
    Bits, Candidates, Day, Double, Flag, Float, Int, Kind, Long, Raw, Text, Time, finish,
};
use crate::core::Digest;
use crate::logs::{EpisodeRow, FeedbackRow, StepRow};

/// The partition column: the logical date of the night that took the row in.
pub(super) const PARTITION: &str = "ingest_date";
/// The version of the columns below, written into every row.
pub const SCHEMA_VERSION: i32 = 1;

/// A table of the feature store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row per episode.
    Episodes,
    /// One row per step.
    Steps,
    /// One row per judgement.
    Feedback,
    /// One row per rejected piece of a log.
    Quarantine,
    /// One row per published batch.
    IngestBatches,
}

impl Table {
    /// All tables, in the order in which a batch commits to them.
    pub const ALL: [Self; 5] =
        [Self::Episodes, Self::Steps, Self::Feedback, Self::Quarantine, Self::IngestBatches];
    /// The tables that rows of logs go to.
    pub(super) const ROWS: [Self; 4] =
        [Self::Episodes, Self::Steps, Self::Feedback, Self::Quarantine];

    /// The table's name, which is its folder too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Episodes => "episodes",
            Self::Steps => "steps",
            Self::Feedback => "feedback",
            Self::Quarantine => "quarantine",
            Self::IngestBatches => "ingest_batches",
        }
    }

    /// The columns as the data files hold them: without the partition column.
    pub fn file_schema(self) -> SchemaRef {
        match self {
            Self::Episodes => Episodes::schema(),
            Self::Steps => Steps::schema(),
            Self::Feedback => Feedback::schema(),
            Self::Quarantine => Quarantine::schema(),
            Self::IngestBatches => Batches::schema(),
        }
    }

    /// The columns as Delta and readers see them: the files' and the partition column.
    pub fn delta_schema(self) -> SchemaRef {
        let mut fields = self.file_schema().fields().to_vec();
        fields.push(Arc::new(Field::new(PARTITION, DataType::Date32, true)));
        Arc::new(Schema::new(fields))
    }

    /// The column that identifies a row, where rows have an identity.
    pub(super) fn id_column(self) -> Option<&'static str> {
        match self {
            Self::Episodes => Some("episode_id"),
            Self::Steps => Some("event_id"),
            Self::Feedback => Some("feedback_id"),
            Self::Quarantine | Self::IngestBatches => None,
        }
    }
}

/// What the store knows of a row beyond what its log says.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The log source.
    pub source: String,
    /// The object's key relative to the root of the logs: no machine's path enters a row.
    pub uri: String,
    /// The byte at which the record begins in the object's uncompressed content.
    pub offset: i64,
    /// The batch that took it in.
    pub batch: i64,
    /// When the batch was planned, microseconds UTC: the one wall-clock time in a row.
    pub known_at: i64,
    /// What stands in where the log has no time: the start of the logical date, microseconds UTC.
    pub fallback_time: i64,
}

/// A table's column builders.
pub(super) trait Columns: Default {
    /// The rows it takes.
    type Row;
    /// The columns of its data files.
    fn schema() -> SchemaRef;
    /// Adds a row and says about how many bytes it takes.
    fn push(&mut self, row: &Self::Row, origin: &Origin, content: Content) -> usize;
    /// The digest of everything that the log says in a row; `scratch` saves allocations.
    fn content(row: &Self::Row, scratch: &mut Vec<u8>) -> Content;
    /// The rows added since the last call.
    fn finish(&mut self) -> Result<RecordBatch, ArrowError>;
}

/// A digest of what a row says, however and whenever it arrived: half of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content(pub [u8; 16]);

impl Content {
    fn of(bytes: &[u8]) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(Digest::of(bytes).bytes().split_at(16).0);
        Self(half)
    }

    /// As 32 hex digits.
    pub(super) fn hex(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |n: u8| DIGITS.get(usize::from(n)).copied().map_or('0', char::from);
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident($row:ty) { $($field:ident: $kind:ident),* $(,)? } and {
        $($extra:ident: $extra_kind:ident = |$r:ident, $o:ident, $c:ident| $value:expr),* $(,)?
    }) => {
        $(#[$doc])*
        pub(super) struct $name {
            $($field: <$kind as Kind>::Builder,)*
            $($extra: <$extra_kind as Kind>::Builder,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: <$kind>::builder(),)*
                    $($extra: <$extra_kind>::builder(),)*
                }
            }
        }

        impl Columns for $name {
            type Row = $row;
            fn schema() -> SchemaRef {
                Arc::new(Schema::new(vec![
                    $(Field::new(stringify!($field), <$kind>::data_type(), true),)*
                    $(Field::new(stringify!($extra), <$extra_kind>::data_type(), true),)*
                ]))
            }
            fn push(&mut self, row: &$row, origin: &Origin, content: Content) -> usize {
                let mut bytes = 0;
                $(bytes += <$kind>::put(&mut self.$field, row.$field.raw());)*
                $(bytes += {
                    let ($r, $o, $c) = (row, origin, content);
                    let _ = (&$r, &$o, &$c);
                    <$extra_kind>::put(&mut self.$extra, $value)
                };)*
                bytes
            }
            fn content(row: &$row, scratch: &mut Vec<u8>) -> Content {
                scratch.clear();
                $(<$kind>::feed(scratch, row.$field.raw());)*
                Content::of(scratch)
            }
            fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
                RecordBatch::try_new(
                    Self::schema(),
                    vec![$(finish(&mut self.$field),)* $(finish(&mut self.$extra),)*],
                )
            }
        }
    };
}

/// A row whose log states no time takes the logical date's, and says so.
fn time_source(event_time: Option<i64>) -> Option<&'static str> {
    Some(if event_time.is_some() { "log" } else { "logical_date" })
}

table! {
    /// Columns of `episodes`.
    Episodes(EpisodeRow) {
        episode_id: Text, parent_episode_id: Text, conversation_id: Text, trace_id: Text,
        task_id: Text, workflow: Text, agent_name: Text, agent_version: Text,
        policy_version: Text, behaviour_policy_sha: Text, start_ts: Time, end_ts: Time,
        status: Text, n_steps: Int, total_reward: Double, tokens_in: Long, tokens_out: Long,
        cost_micro_usd: Long, tenant_id: Text, subject_hash: Text, consent: Text,
        retention_until: Day, split_key: Bits, level_json: Text, level_digest: Text,
        format: Text, attrs_json: Text,
    } and {
        event_time: Time = |r, o, c| r.event_time.or(Some(o.fallback_time)),
        time_source: Text = |r, o, c| match r.event_time {
            Some(_) => Some(r.time_source.as_str()),
            None => time_source(None),
        },
        source: Text = |r, o, c| Some(&o.source),
        source_uri: Text = |r, o, c| Some(&o.uri),
        source_offset: Long = |r, o, c| Some(o.offset),
        ingest_batch: Long = |r, o, c| Some(o.batch),
        known_at: Time = |r, o, c| Some(o.known_at),
        schema_ver: Int = |r, o, c| Some(SCHEMA_VERSION),
        content_digest: Text = |r, o, c| Some(&c.hex()),
    }
}

table! {
    /// Columns of `steps`.
    Steps(StepRow) {
        event_id: Text, episode_id: Text, step_index: Int, span_id: Text, parent_span_id: Text,
        operation: Text, observation_json: Text, action_type: Text, tool_name: Text,
        tool_call_id: Text, tool_args_json: Text, tool_result_json: Text,
        candidate_actions: Candidates, chosen_index: Int, logprob: Float, propensity: Float,
        outcome_index: Int, reward: Float, done: Flag, model: Text, provider: Text,
        tokens_in: Int, tokens_out: Int, latency_us: Long, error_type: Text, tool_defs_sha: Text,
        attrs_json: Text,
    } and {
        event_time: Time = |r, o, c| r.event_time.or(Some(o.fallback_time)),
        time_source: Text = |r, o, c| time_source(r.event_time),
        source: Text = |r, o, c| Some(&o.source),
        source_uri: Text = |r, o, c| Some(&o.uri),
        source_offset: Long = |r, o, c| Some(o.offset),
        ingest_batch: Long = |r, o, c| Some(o.batch),
        known_at: Time = |r, o, c| Some(o.known_at),
        schema_ver: Int = |r, o, c| Some(SCHEMA_VERSION),
        content_digest: Text = |r, o, c| Some(&c.hex()),
    }
}

table! {
    /// Columns of `feedback`.
    Feedback(FeedbackRow) {
        feedback_id: Text, episode_id: Text, event_id: Text, kind: Text, name: Text,
        score: Double, label: Text, explanation: Text, correction_json: Text, rater_hash: Text,
        evaluator_version: Text, attrs_json: Text,
    } and {
        event_time: Time = |r, o, c| r.event_time.or(Some(o.fallback_time)),
        time_source: Text = |r, o, c| time_source(r.event_time),
        source: Text = |r, o, c| Some(&o.source),
        source_uri: Text = |r, o, c| Some(&o.uri),
        source_offset: Long = |r, o, c| Some(o.offset),
        ingest_batch: Long = |r, o, c| Some(o.batch),
        known_at: Time = |r, o, c| Some(o.known_at),
        schema_ver: Int = |r, o, c| Some(SCHEMA_VERSION),
        content_digest: Text = |r, o, c| Some(&c.hex()),
    }
}

/// A piece of a log that became no row.
#[derive(Clone, Debug)]
pub(super) struct QuarantineRow {
    /// The digest of the raw bytes, before anything was scrubbed or cut.
    pub digest: String,
    /// Which rule it broke.
    pub rule: String,
    /// Why, in words; holds nothing of the raw bytes that was not scrubbed.
    pub reason: String,
    /// The place within the record, as a JSON pointer.
    pub pointer: Option<String>,
    /// The scrubbed bytes as text, at most 4 KiB.
    pub line: String,
}

table! {
    /// Columns of `quarantine`.
    Quarantine(QuarantineRow) {
        digest: Text, rule: Text, reason: Text, pointer: Text, line: Text,
    } and {
        event_time: Time = |r, o, c| Some(o.fallback_time),
        source: Text = |r, o, c| Some(&o.source),
        source_uri: Text = |r, o, c| Some(&o.uri),
        source_offset: Long = |r, o, c| Some(o.offset),
        ingest_batch: Long = |r, o, c| Some(o.batch),
        known_at: Time = |r, o, c| Some(o.known_at),
        schema_ver: Int = |r, o, c| Some(SCHEMA_VERSION),
        attrs_json: Text = |r, o, c| None,
    }
}

/// A batch whose rows are all committed.
#[derive(Clone, Debug)]
pub(super) struct BatchRow {
    /// How many objects it took in.
    pub objects: i64,
    /// Rows per table, as a JSON object.
    pub rows_json: String,
    /// Versions per table, as a JSON object.
    pub versions_json: String,
    /// Key, size and digest of each object, as a JSON array.
    pub objects_json: String,
}

table! {
    /// Columns of `ingest_batches`.
    Batches(BatchRow) {
        objects: Long, rows_json: Text, versions_json: Text, objects_json: Text,
    } and {
        event_time: Time = |r, o, c| Some(o.fallback_time),
        source: Text = |r, o, c| Some(&o.source),
        source_uri: Text = |r, o, c| Some(&o.uri),
        source_offset: Long = |r, o, c| Some(o.offset),
        ingest_batch: Long = |r, o, c| Some(o.batch),
        known_at: Time = |r, o, c| Some(o.known_at),
        schema_ver: Int = |r, o, c| Some(SCHEMA_VERSION),
        attrs_json: Text = |r, o, c| None,
    }
}
