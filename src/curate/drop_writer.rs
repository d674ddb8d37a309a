//! Drops as Parquet, written piece by piece.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;

use super::{CurateError, Drop};
use crate::dataset::{DatasetError, parquet_writer};

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
