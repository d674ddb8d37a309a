//! From fields of rows to Arrow columns: one kind per column type, one conversion per field type.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Float32Builder, Float64Builder,
    Int32Builder, Int64Builder, ListBuilder, StringBuilder, StructBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use crate::core::EpisodeId;
use crate::logs::{Candidate, Consent, FeedbackKind, Status, TimeSource};

/// A field of a row, seen as the value a column holds.
pub(super) trait Raw {
    /// The value; cheap to copy.
    type Value<'a>
    where
        Self: 'a;
    /// The value, or nothing where the field is empty.
    fn raw(&self) -> Option<Self::Value<'_>>;
}

impl<T: Raw> Raw for Option<T> {
    type Value<'a>
        = T::Value<'a>
    where
        T: 'a;
    fn raw(&self) -> Option<Self::Value<'_>> {
        self.as_ref().and_then(T::raw)
    }
}

impl Raw for String {
    type Value<'a> = &'a str;
    fn raw(&self) -> Option<&str> {
        Some(self)
    }
}

impl Raw for EpisodeId {
    type Value<'a> = &'a str;
    fn raw(&self) -> Option<&str> {
        Some(self.as_str())
    }
}

impl Raw for Vec<Candidate> {
    type Value<'a> = &'a [Candidate];
    fn raw(&self) -> Option<&[Candidate]> {
        Some(self)
    }
}

macro_rules! plain {
    ($($ty:ty),*) => { $(impl Raw for $ty {
        type Value<'a> = $ty;
        fn raw(&self) -> Option<$ty> { Some(*self) }
    })* };
}
plain!(i64, i32, u64, f64, f32, bool);

macro_rules! words {
    ($($ty:ty),*) => { $(impl Raw for $ty {
        type Value<'a> = &'a str;
        fn raw(&self) -> Option<&str> { Some(self.as_str()) }
    })* };
}
words!(Status, Consent, FeedbackKind, TimeSource);

/// The type of a column.
pub(super) trait Kind {
    /// What collects its values.
    type Builder: ArrayBuilder;
    /// What it takes.
    type Value<'a>: Copy;
    /// Its Arrow type.
    fn data_type() -> DataType;
    /// An empty builder.
    fn builder() -> Self::Builder;
    /// Adds a value and says about how many bytes it takes.
    fn put(builder: &mut Self::Builder, value: Option<Self::Value<'_>>) -> usize;
    /// Adds the value's bytes to the content that a digest is taken of.
    fn feed(content: &mut Vec<u8>, value: Option<Self::Value<'_>>);
}

/// Marks the absence of a value, so that an empty text and no text differ in digests.
const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

macro_rules! number {
    ($(#[$doc:meta] $name:ident: $value:ty => $builder:ty, $type:expr, $new:expr, $as:expr);* $(;)?) => { $(
        #[$doc]
        pub(super) struct $name;
        impl Kind for $name {
            type Builder = $builder;
            type Value<'a> = $value;
            fn data_type() -> DataType { $type }
            fn builder() -> $builder { $new }
            fn put(builder: &mut $builder, value: Option<$value>) -> usize {
                builder.append_option(value.map($as));
                size_of::<$value>()
            }
            fn feed(content: &mut Vec<u8>, value: Option<$value>) {
                match value {
                    None => content.push(ABSENT),
                    Some(value) => {
                        content.push(PRESENT);
                        content.extend_from_slice(&value.to_le_bytes());
                    }
                }
            }
        }
    )* };
}

/// Microseconds since 1970-01-01 UTC.
fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

number! {
    #[doc = "A 64-bit number."]
    Long: i64 => Int64Builder, DataType::Int64, Int64Builder::new(), |v| v;
    #[doc = "64 unsigned bits, which Delta has no type for: kept as the same bits, signed."]
    Bits: u64 => Int64Builder, DataType::Int64, Int64Builder::new(), u64::cast_signed;
    #[doc = "A 32-bit number."]
    Int: i32 => Int32Builder, DataType::Int32, Int32Builder::new(), |v| v;
    #[doc = "A day, counted from 1970-01-01."]
    Day: i32 => Date32Builder, DataType::Date32, Date32Builder::new(), |v| v;
    #[doc = "A double."]
    Double: f64 => Float64Builder, DataType::Float64, Float64Builder::new(), |v| v;
    #[doc = "A float."]
    Float: f32 => Float32Builder, DataType::Float32, Float32Builder::new(), |v| v;
    #[doc = "A moment."]
    Time: i64 => TimestampMicrosecondBuilder, utc(),
        TimestampMicrosecondBuilder::new().with_timezone("UTC"), |v| v;
}

/// Yes or no.
pub(super) struct Flag;
impl Kind for Flag {
    type Builder = BooleanBuilder;
    type Value<'a> = bool;
    fn data_type() -> DataType {
        DataType::Boolean
    }
    fn builder() -> BooleanBuilder {
        BooleanBuilder::new()
    }
    fn put(builder: &mut BooleanBuilder, value: Option<bool>) -> usize {
        builder.append_option(value);
        1
    }
    fn feed(content: &mut Vec<u8>, value: Option<bool>) {
        content.push(value.map_or(ABSENT, |v| PRESENT + u8::from(v)));
    }
}

/// Text.
pub(super) struct Text;
impl Kind for Text {
    type Builder = StringBuilder;
    type Value<'a> = &'a str;
    fn data_type() -> DataType {
        DataType::Utf8
    }
    fn builder() -> StringBuilder {
        StringBuilder::new()
    }
    fn put(builder: &mut StringBuilder, value: Option<&str>) -> usize {
        builder.append_option(value);
        4 + value.map_or(0, str::len)
    }
    fn feed(content: &mut Vec<u8>, value: Option<&str>) {
        match value {
            None => content.push(ABSENT),
            Some(value) => {
                content.push(PRESENT);
                content.extend_from_slice(&(value.len() as u64).to_le_bytes());
                content.extend_from_slice(value.as_bytes());
            }
        }
    }
}

/// The actions that were possible: a list of `{id, score, propensity}`.
pub(super) struct Candidates;

impl Candidates {
    fn fields() -> Fields {
        Fields::from(vec![
            Field::new("id", DataType::Utf8, true),
            Field::new("score", DataType::Float32, true),
            Field::new("propensity", DataType::Float32, true),
        ])
    }
    /// Delta's own name for the items of a list, so that files and tables agree.
    fn item() -> Arc<Field> {
        Arc::new(Field::new("element", DataType::Struct(Self::fields()), true))
    }
}

impl Kind for Candidates {
    type Builder = ListBuilder<StructBuilder>;
    type Value<'a> = &'a [Candidate];
    fn data_type() -> DataType {
        DataType::List(Self::item())
    }
    fn builder() -> Self::Builder {
        ListBuilder::new(StructBuilder::from_fields(Self::fields(), 0)).with_field(Self::item())
    }
    fn put(builder: &mut Self::Builder, value: Option<&[Candidate]>) -> usize {
        let items = value.unwrap_or_default();
        let mut bytes = 4;
        for item in items {
            let row = builder.values();
            // The builders are those of `fields`, in its order.
            if let Some(id) = row.field_builder::<StringBuilder>(0) {
                bytes += Text::put(id, Some(&item.id));
            }
            if let Some(score) = row.field_builder::<Float32Builder>(1) {
                bytes += Float::put(score, item.score);
            }
            if let Some(propensity) = row.field_builder::<Float32Builder>(2) {
                bytes += Float::put(propensity, item.propensity);
            }
            row.append(true);
        }
        builder.append(value.is_some());
        bytes
    }
    fn feed(content: &mut Vec<u8>, value: Option<&[Candidate]>) {
        let Some(items) = value else { return content.push(ABSENT) };
        content.push(PRESENT);
        content.extend_from_slice(&(items.len() as u64).to_le_bytes());
        for item in items {
            Text::feed(content, Some(&item.id));
            Float::feed(content, item.score);
            Float::feed(content, item.propensity);
        }
    }
}

/// Empties a builder into a column.
pub(super) fn finish<B: ArrayBuilder>(builder: &mut B) -> ArrayRef {
    ArrayBuilder::finish(builder)
}
