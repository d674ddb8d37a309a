//! Drops: for every row that a rule took away, which rule it was and what it measured.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, Float64Array, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};

use super::CurateError;
use crate::core::{Blobs, Digest, EpisodeId};
use crate::dataset::{DatasetError, Role, from_parquet, parquet_writer};

/// What kind of row was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// An episode with its steps.
    Episode,
    /// A step alone.
    Step,
    /// A feedback alone.
    Feedback,
}

impl Dropped {
    fn as_str(self) -> &'static str {
        match self {
            Self::Episode => "episode",
            Self::Step => "step",
            Self::Feedback => "feedback",
        }
    }
}

/// One dropped row and the reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drop {
    /// The episode.
    pub episode_id: EpisodeId,
    /// The step or feedback, where the reason lies in one.
    pub event_id: Option<String>,
    /// What was dropped.
    pub what: Dropped,
    /// The role it was dropped from.
    pub role: Role,
    /// The filter.
    pub stage: String,
    /// The rule within the filter.
    pub rule_id: String,
    /// The digest of the parameters in force.
    pub config_sha: Digest,
    /// What was measured, where the rule measures.
    pub measured: Option<f64>,
    /// What it was held against.
    pub threshold: Option<f64>,
    /// The reason in words; never the content itself.
    pub evidence: String,
    /// What the row is a copy of, or whose level it was played on.
    pub matched_id: Option<String>,
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |name: &str, kind, null| Field::new(name, kind, null);
    Arc::new(Schema::new(vec![
        field("episode_id", DataType::Utf8, false),
        field("event_id", DataType::Utf8, true),
        field("what", DataType::Utf8, false),
        field("role", DataType::Utf8, false),
        field("stage", DataType::Utf8, false),
        field("rule_id", DataType::Utf8, false),
        field("config_sha", DataType::Utf8, false),
        field("measured", DataType::Float64, true),
        field("threshold", DataType::Float64, true),
        field("evidence", DataType::Utf8, false),
        field("matched_id", DataType::Utf8, true),
    ]))
});

/// How many rows are encoded at a time. The size is fixed, because the bytes depend on it.
const BATCH_ROWS: usize = 8192;

/// Writes drops as Parquet. Memory holds them in encoded form, but for the last few.
pub(super) struct DropWriter {
    writer: ArrowWriter<Vec<u8>>,
    pending: Vec<Drop>,
}

impl DropWriter {
    pub(super) fn new() -> Result<Self, CurateError> {
        Ok(Self { writer: parquet_writer(SchemaRef::clone(&SCHEMA))?, pending: Vec::new() })
    }

    /// Takes drops of episodes that come after those of all drops before, and puts them into their
    /// one order.
    pub(super) fn push(&mut self, mut drops: Vec<Drop>) -> Result<(), CurateError> {
        drops.sort_by(|a, b| order(a).cmp(&order(b)));
        self.pending.append(&mut drops);
        let whole = self.pending.len() / BATCH_ROWS * BATCH_ROWS;
        let rest = self.pending.split_off(whole);
        self.write()?;
        self.pending = rest;
        Ok(())
    }

    /// The bytes of the file.
    pub(super) fn finish(mut self) -> Result<Bytes, CurateError> {
        self.write()?;
        Ok(Bytes::from(self.writer.into_inner().map_err(DatasetError::from)?))
    }

    fn write(&mut self) -> Result<(), CurateError> {
        for drops in self.pending.chunks(BATCH_ROWS) {
            self.writer.write(&batch(drops)?).map_err(DatasetError::from)?;
        }
        Ok(())
    }
}

fn order(drop: &Drop) -> impl Ord {
    let Drop { episode_id, event_id, stage, rule_id, evidence, .. } = drop;
    (episode_id, event_id, stage, rule_id, evidence)
}

fn batch(drops: &[Drop]) -> Result<RecordBatch, CurateError> {
    fn text<'a>(drops: &'a [Drop], of: impl Fn(&'a Drop) -> Option<&'a str>) -> ArrayRef {
        let mut column = StringBuilder::new();
        drops.iter().for_each(|drop| column.append_option(of(drop)));
        Arc::new(column.finish())
    }
    let shas: StringArray = drops.iter().map(|drop| Some(drop.config_sha.to_string())).collect();
    let columns: Vec<ArrayRef> = vec![
        text(drops, |drop| Some(drop.episode_id.as_str())),
        text(drops, |drop| drop.event_id.as_deref()),
        text(drops, |drop| Some(drop.what.as_str())),
        text(drops, |drop| Some(drop.role.as_str())),
        text(drops, |drop| Some(&drop.stage)),
        text(drops, |drop| Some(&drop.rule_id)),
        Arc::new(shas),
        Arc::new(drops.iter().map(|drop| drop.measured).collect::<Float64Array>()),
        Arc::new(drops.iter().map(|drop| drop.threshold).collect::<Float64Array>()),
        text(drops, |drop| Some(&drop.evidence)),
        text(drops, |drop| drop.matched_id.as_deref()),
    ];
    RecordBatch::try_new(SchemaRef::clone(&SCHEMA), columns)
        .map_err(|error| DatasetError::from(error).into())
}

/// The drops of a curation, sorted by episode and event.
///
/// # Errors
/// When the blob is missing or damaged, or holds something else.
pub async fn read_drops(blobs: &Blobs, digest: &Digest) -> Result<Vec<Drop>, CurateError> {
    let (_, batches) = from_parquet(blobs.get(digest).await?)?;
    let mut drops = Vec::new();
    for batch in &batches {
        decode(batch, &mut drops).map_err(CurateError::Drops)?;
    }
    Ok(drops)
}

fn decode(batch: &RecordBatch, drops: &mut Vec<Drop>) -> Result<(), String> {
    fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T, String> {
        let column = batch.column_by_name(name).and_then(|c| c.as_any().downcast_ref());
        column.ok_or_else(|| format!("no column `{name}` of the expected type"))
    }
    let strings = |name| column::<StringArray>(batch, name);
    let (episode, event, what) = (strings("episode_id")?, strings("event_id")?, strings("what")?);
    let (role, stage, rule) = (strings("role")?, strings("stage")?, strings("rule_id")?);
    let (sha, evidence, matched) =
        (strings("config_sha")?, strings("evidence")?, strings("matched_id")?);
    let measured: &Float64Array = column(batch, "measured")?;
    let threshold: &Float64Array = column(batch, "threshold")?;
    let maybe = |c: &StringArray, row| c.is_valid(row).then(|| c.value(row).to_owned());
    for row in 0..batch.num_rows() {
        drops.push(Drop {
            episode_id: EpisodeId::new(episode.value(row)),
            event_id: maybe(event, row),
            what: word(what.value(row), &[Dropped::Episode, Dropped::Step, Dropped::Feedback])?,
            role: word(role.value(row), &[Role::All, Role::Imitation])?,
            stage: stage.value(row).to_owned(),
            rule_id: rule.value(row).to_owned(),
            config_sha: sha
                .value(row)
                .parse()
                .map_err(|e: crate::core::DigestError| e.to_string())?,
            measured: measured.is_valid(row).then(|| measured.value(row)),
            threshold: threshold.is_valid(row).then(|| threshold.value(row)),
            evidence: evidence.value(row).to_owned(),
            matched_id: maybe(matched, row),
        });
    }
    Ok(())
}

trait Word: Copy {
    fn word(self) -> &'static str;
}

impl Word for Dropped {
    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Role {
    fn word(self) -> &'static str {
        self.as_str()
    }
}

fn word<T: Word>(text: &str, all: &[T]) -> Result<T, String> {
    all.iter()
        .copied()
        .find(|one| one.word() == text)
        .ok_or_else(|| format!("unknown word `{text}`"))
}

/// All drops that concern an id: of an episode, a step or a feedback, or of what matched it.
pub fn explain<'a>(drops: &'a [Drop], id: &str) -> Vec<&'a Drop> {
    let concerns = |drop: &&Drop| {
        drop.episode_id.as_str() == id
            || drop.event_id.as_deref() == Some(id)
            || drop.matched_id.as_deref() == Some(id)
    };
    drops.iter().filter(concerns).collect()
}
