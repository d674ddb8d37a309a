//! Reading: the data files of published batches, as a list, as Arrow batches (any store) or as a
//! polars frame (local disk). Point in time is by logical date: rows are visible by the date of the
//! night that took them in.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::NaiveDate;
use futures::TryStreamExt;
use parquet::arrow::{ArrowWriter, ParquetRecordBatchStreamBuilder, ProjectionMask};
use polars::prelude::{
    HiveOptions, IntoLazy, LazyFrame, NULL, ParquetReader, PlRefPath, ScanArgsParquet, SerReader,
    col, lit,
};

use super::batches::load_published;
use super::delta::Tables;
use super::error::TableError;
use super::reader::FileReader;
use super::schema::{PARTITION, Table};
use super::writer::batch_of;
use crate::core::LogicalDate;

/// A span of logical dates, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// The first date.
    pub from: LogicalDate,
    /// The last date.
    pub to: LogicalDate,
}

impl Dates {
    /// Everything up to a date.
    pub fn until(to: LogicalDate) -> Self {
        Self { from: LogicalDate::new(NaiveDate::MIN), to }
    }

    /// One date.
    pub fn only(date: LogicalDate) -> Self {
        Self { from: date, to: date }
    }

    /// Whether a date lies in the span.
    pub fn contains(&self, date: LogicalDate) -> bool {
        self.from <= date && date <= self.to
    }
}

/// A data file whose rows are published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedFile {
    /// The logical date of its rows.
    pub date: LogicalDate,
    /// The path relative to the root of the feature store.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its rows, where Delta's log says.
    pub rows: Option<u64>,
}

/// The data files of a table that hold published rows of the given dates, sorted by date and path.
///
/// # Errors
/// When the table or the batch manifests cannot be read.
pub async fn files_for(
    tables: &Tables,
    table: Table,
    dates: Dates,
) -> Result<Vec<PublishedFile>, TableError> {
    // The seals first, the table after them: every sealed batch then has all its files in the state.
    let published = load_published(tables.store()).await?;
    let sealed: BTreeSet<_> = published.into_iter().map(|p| (p.source, p.seq)).collect();
    let delta = tables.load(table).await?;
    let failed = |source| TableError::delta("list the files of", tables.place(table), source);
    let state = delta.snapshot().map_err(failed)?;
    let mut files = Vec::new();
    for file in state.log_data().iter() {
        let path = file.path();
        if batch_of(&path).is_some_and(|batch| !sealed.contains(&batch)) {
            continue;
        }
        let values = file.partition_values_map();
        let date = values.get(PARTITION).cloned().flatten().unwrap_or_default();
        let date = date.parse().map_err(|e| {
            TableError::manifest(tables.store().place(&format!("{}/{path}", table.name())), e)
        })?;
        if dates.contains(date) {
            files.push(PublishedFile {
                date,
                path: format!("{}/{path}", table.name()),
                bytes: u64::try_from(file.size()).unwrap_or(0),
                rows: file.num_records().map(|n| n as u64),
            });
        }
    }
    files.sort();
    Ok(files)
}

/// Hands the published rows of a table to `each`, batch by batch, in the order of the files.
/// `columns` are given in the order asked for; empty means all columns. Column order and types are
/// those of the table.
///
/// # Errors
/// When a file cannot be read, a column does not exist, or `each` fails.
pub async fn visit(
    tables: &Tables,
    table: Table,
    dates: Dates,
    columns: &[&str],
    mut each: impl FnMut(RecordBatch) -> Result<(), TableError>,
) -> Result<(), TableError> {
    let schema = table.delta_schema();
    let names: Vec<&str> = match columns {
        [] => schema.fields().iter().map(|f| f.name().as_str()).collect(),
        some => some.to_vec(),
    };
    for file in files_for(tables, table, dates).await? {
        visit_file(tables, &file.path, file.bytes, file.date, &names, &mut each).await?;
    }
    Ok(())
}

/// Hands the rows of one data file to `each`.
pub(super) async fn visit_file(
    tables: &Tables,
    path: &str,
    bytes: u64,
    date: LogicalDate,
    names: &[&str],
    each: &mut impl FnMut(RecordBatch) -> Result<(), TableError>,
) -> Result<(), TableError> {
    let store = tables.store();
    let place = store.place(path);
    let failed = |source| TableError::Parquet { place: place.clone(), source };
    let reader = FileReader { store: store.object_store(), path: store.path(path), bytes };
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(failed)?;
    let wanted = names.iter().copied().filter(|name| *name != PARTITION);
    let mask = ProjectionMask::columns(builder.parquet_schema(), wanted);
    let mut stream = builder.with_projection(mask).build().map_err(failed)?;
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        let batch = arrange(&batch, date, names);
        each(batch.map_err(|source| TableError::Arrow { place: place.clone(), source })?)?;
    }
    Ok(())
}

/// The columns in the order asked for, with the partition column, which files do not hold.
fn arrange(
    batch: &RecordBatch,
    date: LogicalDate,
    names: &[&str],
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let day = (date.naive() - NaiveDate::default()).num_days();
    let day = i32::try_from(day).unwrap_or(i32::MAX);
    let (mut fields, mut arrays): (Vec<Arc<Field>>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for name in names {
        if *name == PARTITION {
            fields.push(Arc::new(Field::new(PARTITION, DataType::Date32, true)));
            arrays.push(Arc::new(Date32Array::from(vec![day; batch.num_rows()])));
        } else {
            let at = batch.schema().index_of(name)?;
            fields.push(Arc::new(batch.schema().field(at).clone()));
            arrays.push(batch.column(at).clone());
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

/// The published rows of a table, all in memory. See [`visit`] for rows that do not fit.
///
/// # Errors
/// As [`visit`].
pub async fn read_batches(
    tables: &Tables,
    table: Table,
    dates: Dates,
    columns: &[&str],
) -> Result<Vec<RecordBatch>, TableError> {
    let mut batches = Vec::new();
    visit(tables, table, dates, columns, |batch| {
        batches.push(batch);
        Ok(())
    })
    .await?;
    Ok(batches)
}

/// The published rows of a table as a polars frame that reads only what a query needs.
///
/// # Errors
/// When the tables are not on a local disk, or the table cannot be read.
pub async fn scan(tables: &Tables, table: Table, dates: Dates) -> Result<LazyFrame, TableError> {
    let failed = |e| TableError::Polars { place: tables.place(table), source: Box::new(e) };
    let not_local = || TableError::NotLocal { place: tables.place(table) };
    let folder = tables.store().folder().ok_or_else(not_local)?;
    let root = folder.to_str().ok_or_else(not_local)?.trim_end_matches('/').to_owned();
    let files = files_for(tables, table, dates).await?;
    if files.is_empty() {
        return empty(table).map_err(failed);
    }
    let paths = files.iter().map(|f| PlRefPath::new(format!("{root}/{}", f.path))).collect();
    let arguments = ScanArgsParquet {
        hive_options: HiveOptions {
            enabled: Some(true),
            hive_start_idx: 0,
            schema: None,
            try_parse_dates: true,
        },
        allow_missing_columns: true,
        glob: false,
        cache: false,
        ..ScanArgsParquet::default()
    };
    let frame = LazyFrame::scan_parquet_files(paths, arguments).map_err(failed)?;
    // polars takes every `name=value` folder for a partition, those above the workspace included.
    let schema = table.delta_schema();
    Ok(frame.select(schema.fields().iter().map(|f| col(f.name().as_str())).collect::<Vec<_>>()))
}

/// No rows, with the table's columns: an empty Parquet file knows their types best.
fn empty(table: Table) -> polars::prelude::PolarsResult<LazyFrame> {
    let broken = |e: parquet::errors::ParquetError| polars::prelude::polars_err!(ComputeError: "no empty table: {e}");
    let file = ArrowWriter::try_new(Vec::new(), table.file_schema(), None);
    let bytes = file.and_then(ArrowWriter::into_inner).map_err(broken)?;
    let frame = ParquetReader::new(std::io::Cursor::new(bytes)).finish()?;
    let date = lit(NULL).cast(polars::prelude::DataType::Date).alias(PARTITION);
    Ok(frame.lazy().with_column(date))
}
