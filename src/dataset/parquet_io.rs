//! Arrow batches to Parquet bytes and back, always with the same properties.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::DatasetError;

/// A writer of one Parquet file, which holds what it was given in encoded form alone. Equal rows in
/// batches of equal sizes give equal bytes: the properties are fixed, and the file names neither a
/// time nor the library's version.
///
/// # Errors
/// When the schema has no Parquet form.
pub(crate) fn parquet_writer(schema: SchemaRef) -> Result<ArrowWriter<Vec<u8>>, DatasetError> {
    let properties = WriterProperties::builder()
        .set_created_by("fqm-pipe".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    Ok(ArrowWriter::try_new(Vec::new(), schema, Some(properties))?)
}

/// The batches as one Parquet file. Equal batches give equal bytes.
///
/// # Errors
/// When a batch does not have the schema.
pub fn to_parquet(schema: SchemaRef, batches: &[RecordBatch]) -> Result<Bytes, DatasetError> {
    let mut writer = parquet_writer(schema)?;
    for batch in batches {
        writer.write(batch)?;
    }
    Ok(Bytes::from(writer.into_inner()?))
}

/// The batches of a Parquet file, and its schema.
///
/// # Errors
/// When the bytes are not Parquet.
pub fn from_parquet(bytes: Bytes) -> Result<(SchemaRef, Vec<RecordBatch>), DatasetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?.with_batch_size(8192);
    let schema = Arc::clone(builder.schema());
    let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
    Ok((schema, batches))
}
