//! Columns of the store's tables as this room uses them: each with one type, whatever the file says.

use polars::prelude::*;

use super::CurateError;

/// The type that a column is read as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Double,
    Float,
    Flag,
    /// Microseconds UTC as a number.
    Time,
    /// Days since 1970-01-01 as a number.
    Day,
    /// As it is: 64 bits of either sign, or a nested type.
    Raw,
}

/// Whether a table may lack a column: the store's later versions may stop filling one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Must,
    May,
}

/// A table and its columns.
pub(super) struct Layout {
    pub(super) table: &'static str,
    pub(super) columns: &'static [(&'static str, Kind, Need)],
}

impl Layout {
    fn error(&self, column: &str, reason: impl Into<String>) -> CurateError {
        CurateError::Column { table: self.table, column: column.to_owned(), reason: reason.into() }
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(name, _, _)| *name).collect()
    }

    /// The frame with these columns alone, in this order and with these types.
    pub(super) fn select(&self, mut frame: LazyFrame) -> Result<LazyFrame, CurateError> {
        let schema = frame.collect_schema()?;
        let mut columns = Vec::with_capacity(self.columns.len());
        for (name, kind, need) in self.columns {
            columns.push(match schema.get(name) {
                Some(found) => cast(col(*name), found, *kind),
                None if *need == Need::May => lit(NULL).cast(target(*kind)).alias(*name),
                None => return Err(self.error(name, "is missing")),
            });
        }
        Ok(frame.select(columns))
    }

    /// For each id the version known last. Rows that were known at the same time are told apart by
    /// their content, so that the choice does not depend on the order of rows.
    pub(super) fn latest(&self, frame: LazyFrame, id: &str) -> Result<DataFrame, CurateError> {
        let frame = frame.collect()?;
        let rows = frame.clone().lazy().group_by([col(id)]).agg([len().alias("rows")]);
        let again = rows.filter(col("rows").gt(lit(1))).select([col(id)]).collect()?;
        if again.height() == 0 {
            return Ok(frame);
        }
        // Putting rows in order takes as much memory as they do; ids that are there once need none.
        let (frame, again) = (|| frame.clone().lazy(), || again.clone().lazy());
        let once = frame().anti_join(again(), col(id), col(id)).collect()?;
        let settled = self.settled(frame().semi_join(again(), col(id), col(id)), id);
        Ok(once.vstack(&settled.collect()?)?)
    }

    fn settled(&self, frame: LazyFrame, id: &str) -> LazyFrame {
        let mut order = vec![col(id), col("known_at")];
        let rest = self.columns.iter().filter(|(name, _, _)| *name != id && *name != "known_at");
        order.extend(rest.map(|(name, _, _)| col(*name)));
        let options = SortMultipleOptions::default().with_nulls_last(false);
        let keys = Selector::ByName { names: [PlSmallStr::from(id)].into(), strict: true };
        frame.sort_by_exprs(order, options).unique_stable(Some(keys), UniqueKeepStrategy::Last)
    }
}

fn target(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::String,
        Kind::Time => DataType::Int64,
        Kind::Int | Kind::Day => DataType::Int32,
        Kind::Double => DataType::Float64,
        Kind::Float => DataType::Float32,
        Kind::Flag => DataType::Boolean,
        Kind::Raw => DataType::Null,
    }
}

fn cast(column: Expr, found: &DataType, kind: Kind) -> Expr {
    match (kind, found) {
        (Kind::Raw, _) => column,
        // A moment is a count of its own unit; only microseconds mean the same everywhere.
        (Kind::Time, DataType::Datetime(_, zone)) => column
            .cast(DataType::Datetime(TimeUnit::Microseconds, zone.clone()))
            .cast(DataType::Int64),
        (kind, found) if *found == target(kind) => column,
        (kind, _) => column.cast(target(kind)),
    }
}

/// The rows of a query that is worked through batch by batch: memory holds what comes out, not what
/// went in. Their order is open.
pub(super) fn stream(frame: LazyFrame) -> Result<DataFrame, CurateError> {
    // A query without sinks of its own, as all of ours, has a single result.
    Ok(frame.collect_with_engine(Engine::Streaming)?.unwrap_single())
}

/// A column of text.
pub(super) fn text<'a>(frame: &'a DataFrame, name: &str) -> Result<&'a StringChunked, CurateError> {
    Ok(frame.column(name)?.str()?)
}

/// A column of 64-bit numbers.
pub(super) fn long<'a>(frame: &'a DataFrame, name: &str) -> Result<&'a Int64Chunked, CurateError> {
    Ok(frame.column(name)?.i64()?)
}

/// A column of doubles.
pub(super) fn double<'a>(
    frame: &'a DataFrame,
    name: &str,
) -> Result<&'a Float64Chunked, CurateError> {
    Ok(frame.column(name)?.f64()?)
}

/// A column of 32-bit numbers.
pub(super) fn int<'a>(frame: &'a DataFrame, name: &str) -> Result<&'a Int32Chunked, CurateError> {
    Ok(frame.column(name)?.i32()?)
}
