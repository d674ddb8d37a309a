//! What curation reads: three frames of published rows.

use std::io::Cursor;

use arrow::record_batch::RecordBatch;
use polars::prelude::*;

use super::columns::Layout;
use super::{CurateError, episodes, feedback, steps};
use crate::dataset::{Window, to_parquet};
use crate::store::{Dates, Table, Tables, read_batches, scan};

/// The published rows of a window, with the columns of the store's tables. Nothing is read before
/// it is asked for.
#[derive(Clone)]
pub struct Sources {
    /// Rows of `episodes`.
    pub episodes: LazyFrame,
    /// Rows of `steps`.
    pub steps: LazyFrame,
    /// Rows of `feedback`.
    pub feedback: LazyFrame,
}

impl Sources {
    /// The rows that a store published on the days of a window. From a local disk only what is asked
    /// for is read, when it is asked for; from elsewhere the columns that curation uses are read now.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn of_store(tables: &Tables, window: Window) -> Result<Self, CurateError> {
        let dates = Dates { from: window.from, to: window.to };
        if tables.store().folder().is_some() {
            return Ok(Self {
                episodes: scan(tables, Table::Episodes, dates).await?,
                steps: scan(tables, Table::Steps, dates).await?,
                feedback: scan(tables, Table::Feedback, dates).await?,
            });
        }
        Ok(Self {
            episodes: fetch(tables, Table::Episodes, dates, &episodes::LAYOUT).await?,
            steps: fetch(tables, Table::Steps, dates, &steps::LAYOUT).await?,
            feedback: fetch(tables, Table::Feedback, dates, &feedback::LAYOUT).await?,
        })
    }

    /// Rows that are in memory as Arrow batches, as a store that is not a local disk gives them.
    /// Each table needs at least one batch, which may be empty, to say what its columns are.
    ///
    /// # Errors
    /// When a table has no batch, or its batches differ in their columns.
    pub fn from_batches(
        episodes: &[RecordBatch],
        steps: &[RecordBatch],
        feedback: &[RecordBatch],
    ) -> Result<Self, CurateError> {
        Ok(Self {
            episodes: frame("episodes", episodes)?,
            steps: frame("steps", steps)?,
            feedback: frame("feedback", feedback)?,
        })
    }
}

/// The published rows of one table, in memory.
async fn fetch(
    tables: &Tables,
    table: Table,
    dates: Dates,
    layout: &Layout,
) -> Result<LazyFrame, CurateError> {
    let mut batches = read_batches(tables, table, dates, &layout.names()).await?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(table.delta_schema()));
    }
    frame(layout.table, &batches)
}

/// Arrow batches as a frame. The two libraries share Parquet, so no unsafe door is needed.
fn frame(table: &'static str, batches: &[RecordBatch]) -> Result<LazyFrame, CurateError> {
    let first = batches.first().ok_or_else(|| CurateError::Column {
        table,
        column: "*".to_owned(),
        reason: "is unknown: give at least one batch, empty if there are no rows".to_owned(),
    })?;
    let bytes = to_parquet(first.schema(), batches)?;
    Ok(ParquetReader::new(Cursor::new(bytes)).finish()?.lazy())
}
