//! Episodes and steps as Arrow batches.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBuilder, Float32Builder, Float64Array, Float64Builder,
    Int32Builder, ListBuilder, StringBuilder, StructBuilder, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::{Candidate, DatasetError, Episode, LevelRef, Step};

fn fields(columns: &[(&str, DataType, bool)]) -> Vec<Field> {
    columns.iter().map(|(name, kind, null)| Field::new(*name, kind.clone(), *null)).collect()
}

fn candidate_fields() -> Fields {
    Fields::from(fields(&[
        ("id", DataType::Utf8, false),
        ("score", DataType::Float32, true),
        ("propensity", DataType::Float32, true),
    ]))
}

fn candidate_item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(candidate_fields()), false))
}

pub(super) static EPISODES: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(fields(&[
        ("id", DataType::Utf8, false),
        ("task_id", DataType::Utf8, false),
        ("workflow", DataType::Utf8, false),
        ("format", DataType::Utf8, false),
        ("agent", DataType::Utf8, false),
        ("domain", DataType::Utf8, false),
        ("level_family", DataType::Utf8, true),
        ("level", DataType::UInt32, true),
        ("challenge", DataType::UInt32, true),
        ("level_seed", DataType::UInt64, true),
        ("level_digest", DataType::Utf8, true),
        ("status", DataType::Utf8, false),
        ("total_reward", DataType::Float64, true),
        ("score", DataType::Float64, false),
        ("scored_by", DataType::Utf8, false),
        ("imitation", DataType::Boolean, false),
        ("offline", DataType::Boolean, false),
        ("split", DataType::Utf8, false),
        ("n_steps", DataType::UInt64, false),
    ])))
});

pub(super) static STEPS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(fields(&[
        ("episode_id", DataType::Utf8, false),
        ("index", DataType::Int32, false),
        ("action", DataType::Utf8, false),
        ("tool", DataType::Utf8, true),
        ("args_json", DataType::Utf8, true),
        ("result_json", DataType::Utf8, true),
        ("observation_json", DataType::Utf8, true),
        ("candidates", DataType::List(candidate_item()), false),
        ("chosen", DataType::Int32, true),
        ("propensity", DataType::Float32, true),
        ("outcome", DataType::Int32, true),
        ("reward", DataType::Float64, true),
        ("done", DataType::Boolean, false),
        ("error", DataType::Utf8, true),
        ("tool_defs", DataType::Utf8, true),
        ("correction", DataType::Utf8, true),
    ])))
});

fn text<'a, T>(rows: &'a [T], of: impl Fn(&'a T) -> &'a str) -> ArrayRef {
    maybe_text(rows, |row| Some(of(row)))
}

fn maybe_text<'a, T>(rows: &'a [T], of: impl Fn(&'a T) -> Option<&'a str>) -> ArrayRef {
    let mut column = StringBuilder::new();
    rows.iter().for_each(|row| column.append_option(of(row)));
    Arc::new(column.finish())
}

fn of_level<T>(rows: &[Episode], of: impl Fn(&LevelRef) -> T) -> Vec<Option<T>> {
    rows.iter().map(|row| row.level.as_ref().map(&of)).collect()
}

/// The rows of the table of episodes.
pub(super) fn episodes(rows: &[Episode]) -> Result<RecordBatch, DatasetError> {
    let digests = of_level(rows, |level| level.digest.to_string());
    let flags = |of: fn(&Episode) -> bool| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(of(row))).collect::<BooleanArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        text(rows, |row| row.id.as_str()),
        text(rows, |row| &row.task_id),
        text(rows, |row| &row.workflow),
        text(rows, |row| &row.format),
        text(rows, |row| &row.agent),
        text(rows, |row| &row.domain),
        maybe_text(rows, |row| row.level.as_ref().map(|level| level.family.as_str())),
        Arc::new(UInt32Array::from(of_level(rows, |level| level.level))),
        Arc::new(UInt32Array::from(of_level(rows, |level| level.challenge))),
        Arc::new(UInt64Array::from(of_level(rows, |level| level.seed))),
        maybe_text(&digests, |digest| digest.as_deref()),
        text(rows, |row| &row.status),
        Arc::new(rows.iter().map(|row| row.total_reward).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.score)).collect::<Float64Array>()),
        text(rows, |row| row.scored_by.as_str()),
        flags(|row| row.imitation),
        flags(|row| row.offline),
        text(rows, |row| row.split.as_str()),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.steps.len() as u64))),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&EPISODES), columns)?)
}

/// The rows of the table of steps, those of each episode by index.
pub(super) fn steps(rows: &[Episode]) -> Result<RecordBatch, DatasetError> {
    let mut all: Vec<(&str, &Step)> = Vec::new();
    for episode in rows {
        let start = all.len();
        all.extend(episode.steps.iter().map(|step| (episode.id.as_str(), step)));
        if let Some(own) = all.get_mut(start..) {
            own.sort_by_key(|(_, step)| step.index);
        }
    }
    let digests: Vec<_> =
        all.iter().map(|(_, step)| step.tool_defs.map(|digest| digest.to_string())).collect();
    let columns: Vec<ArrayRef> = vec![
        text(&all, |(id, _)| id),
        ints(&all, |step| Some(step.index)),
        text(&all, |(_, step)| &step.action),
        maybe_text(&all, |(_, step)| step.tool.as_deref()),
        maybe_text(&all, |(_, step)| step.args_json.as_deref()),
        maybe_text(&all, |(_, step)| step.result_json.as_deref()),
        maybe_text(&all, |(_, step)| step.observation_json.as_deref()),
        candidates(&all),
        ints(&all, |step| step.chosen),
        propensities(&all),
        ints(&all, |step| step.outcome),
        rewards(&all),
        done(&all),
        maybe_text(&all, |(_, step)| step.error.as_deref()),
        maybe_text(&digests, |digest| digest.as_deref()),
        maybe_text(&all, |(_, step)| step.correction.as_deref()),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&STEPS), columns)?)
}

fn ints(rows: &[(&str, &Step)], of: impl Fn(&Step) -> Option<i32>) -> ArrayRef {
    let mut column = Int32Builder::with_capacity(rows.len());
    rows.iter().for_each(|(_, step)| column.append_option(of(step)));
    Arc::new(column.finish())
}

fn propensities(rows: &[(&str, &Step)]) -> ArrayRef {
    let mut column = Float32Builder::with_capacity(rows.len());
    rows.iter().for_each(|(_, step)| column.append_option(step.propensity));
    Arc::new(column.finish())
}

fn rewards(rows: &[(&str, &Step)]) -> ArrayRef {
    let mut column = Float64Builder::with_capacity(rows.len());
    rows.iter().for_each(|(_, step)| column.append_option(step.reward));
    Arc::new(column.finish())
}

fn done(rows: &[(&str, &Step)]) -> ArrayRef {
    let mut column = BooleanBuilder::with_capacity(rows.len());
    rows.iter().for_each(|(_, step)| column.append_value(step.done));
    Arc::new(column.finish())
}

fn candidates(rows: &[(&str, &Step)]) -> ArrayRef {
    let mut column = ListBuilder::new(StructBuilder::from_fields(candidate_fields(), 0))
        .with_field(candidate_item());
    for (_, step) in rows {
        step.candidates.iter().for_each(|candidate| push_candidate(column.values(), candidate));
        column.append(true);
    }
    Arc::new(column.finish())
}

fn push_candidate(values: &mut StructBuilder, candidate: &Candidate) {
    if let Some(ids) = values.field_builder::<StringBuilder>(0) {
        ids.append_value(&candidate.id);
    }
    if let Some(scores) = values.field_builder::<Float32Builder>(1) {
        scores.append_option(candidate.score);
    }
    if let Some(propensities) = values.field_builder::<Float32Builder>(2) {
        propensities.append_option(candidate.propensity);
    }
    values.append(true);
}
