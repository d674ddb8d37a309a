//! Rows to Parquet files in bounded memory: a row group is closed at about 16 MiB and a file at
//! about 64 MiB, which is hashed, named by its content and put in one piece.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use deltalake::kernel::Add;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use tokio::runtime::Handle;

use super::batches::Batch;
use super::delta::add_action;
use super::error::TableError;
use super::schema::{Columns, Content, Origin, PARTITION, Table};
use crate::core::{Digest, Store};

const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;
const ROW_GROUP_BYTES: usize = 16 << 20;
const FILE_BYTES: usize = 64 << 20;

/// How files are encoded. Columns that hardly repeat get no dictionary, which saves building one.
pub(super) fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_created_by("fqm-pipe".to_owned())
        .set_max_row_group_row_count(Some(1 << 20))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(64));
    let unique = ["episode_id", "event_id", "feedback_id", "content_digest", "digest", "line"];
    for field in schema.fields() {
        let name = field.name().as_str();
        if unique.contains(&name) || name.ends_with("_json") {
            let column = ColumnPath::new(vec![name.to_owned()]);
            properties = properties.set_column_dictionary_enabled(column, false);
        }
    }
    properties.build()
}

/// Writes the rows of one batch that belong to one table. Lives on a blocking thread; puts run on
/// the runtime behind `runtime`.
pub(super) struct TableWriter<C: Columns> {
    table: Table,
    name: FileName,
    store: Store,
    runtime: Handle,
    schema: SchemaRef,
    properties: WriterProperties,
    columns: C,
    pending_rows: usize,
    pending_bytes: usize,
    file: Option<ArrowWriter<Vec<u8>>>,
    file_rows: u64,
    files: Vec<Add>,
}

/// What names the files of one batch.
#[derive(Clone, Debug)]
struct FileName {
    source: String,
    seq: u64,
    date: String,
    written: i64,
}

impl<C: Columns> TableWriter<C> {
    pub(super) fn new(table: Table, batch: &Batch, store: &Store, runtime: &Handle) -> Self {
        let schema = C::schema();
        Self {
            table,
            name: FileName {
                source: batch.source.clone(),
                seq: batch.seq,
                date: batch.logical_date.to_string(),
                written: batch.known_at,
            },
            store: store.clone(),
            runtime: runtime.clone(),
            properties: properties(&schema),
            schema,
            columns: C::default(),
            pending_rows: 0,
            pending_bytes: 0,
            file: None,
            file_rows: 0,
            files: Vec::new(),
        }
    }

    pub(super) fn push(
        &mut self,
        row: &C::Row,
        origin: &Origin,
        content: Content,
    ) -> Result<(), TableError> {
        self.pending_bytes += self.columns.push(row, origin, content);
        self.pending_rows += 1;
        if self.pending_rows >= BATCH_ROWS || self.pending_bytes >= BATCH_BYTES {
            self.encode()?;
        }
        Ok(())
    }

    /// Ends the last file and returns the `add` actions of all files, in order.
    pub(super) fn finish(mut self) -> Result<Vec<Add>, TableError> {
        self.encode()?;
        self.end_file()?;
        Ok(self.files)
    }

    fn encode(&mut self) -> Result<(), TableError> {
        if self.pending_rows == 0 {
            return Ok(());
        }
        let place = || self.table.name().to_owned();
        let batch = self.columns.finish();
        let batch = batch.map_err(|source| TableError::Arrow { place: place(), source })?;
        let failed = |source| TableError::Parquet { place: place(), source };
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let properties = Some(self.properties.clone());
                ArrowWriter::try_new(Vec::new(), self.schema.clone(), properties).map_err(failed)?
            }
        };
        file.write(&batch).map_err(failed)?;
        if file.in_progress_size() >= ROW_GROUP_BYTES {
            file.flush().map_err(failed)?;
        }
        self.file_rows += self.pending_rows as u64;
        (self.pending_rows, self.pending_bytes) = (0, 0);
        let full = file.bytes_written() >= FILE_BYTES;
        self.file = Some(file);
        if full { self.end_file() } else { Ok(()) }
    }

    fn end_file(&mut self) -> Result<(), TableError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let bytes = file.into_inner().map_err(|source| TableError::Parquet {
            place: self.table.name().to_owned(),
            source,
        })?;
        let rows = std::mem::take(&mut self.file_rows);
        let bytes = Bytes::from(bytes);
        let size = bytes.len() as u64;
        let path = self.name.path(self.files.len(), &Digest::of(&bytes));
        let store = self.store.sub(self.table.name());
        // The name says the content, so a file that a lost run left behind is this file.
        let put = async {
            match store.head(&path).await? {
                Some(there) if there.size == size => Ok(()),
                _ => store.put(&path, bytes).await,
            }
        };
        self.runtime.block_on(put)?;
        let date = self.name.date.clone();
        self.files.push(add_action(path, date, size, rows, self.name.written));
        Ok(())
    }
}

impl FileName {
    /// `ingest_date=…/part-<source>.<batch>.<number>.<digest>.parquet`.
    fn path(&self, number: usize, digest: &Digest) -> String {
        let Self { source, seq, date, .. } = self;
        let digest = digest.short();
        format!("{PARTITION}={date}/part-{source}.{seq:08}.{number:04}.{digest}.parquet")
    }
}

/// The batch whose rows a data file holds, read from its path; None for a compacted file, which
/// holds published rows only.
pub(super) fn batch_of(path: &str) -> Option<(String, u64)> {
    let name = path.rsplit('/').next()?.strip_prefix("part-")?;
    let mut parts = name.split('.');
    let source = parts.next()?.to_owned();
    let seq = parts.next()?.parse().ok()?;
    Some((source, seq))
}

/// The Parquet file of one table that holds a single row group of few rows, for bookkeeping tables.
pub(super) fn single_file<C: Columns>(
    table: Table,
    batch: &Batch,
    row: &C::Row,
    origin: &Origin,
) -> Result<(String, Bytes), TableError> {
    let place = || table.name().to_owned();
    let mut columns = C::default();
    columns.push(row, origin, Content([0; 16]));
    let rows = columns.finish();
    let rows = rows.map_err(|source| TableError::Arrow { place: place(), source })?;
    let failed = |source| TableError::Parquet { place: place(), source };
    let schema = C::schema();
    let properties = properties(&schema);
    let mut file =
        ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).map_err(failed)?;
    file.write(&rows).map_err(failed)?;
    let bytes = Bytes::from(file.into_inner().map_err(failed)?);
    let name = FileName {
        source: batch.source.clone(),
        seq: batch.seq,
        date: batch.logical_date.to_string(),
        written: batch.known_at,
    };
    Ok((name.path(0, &Digest::of(&bytes)), bytes))
}
