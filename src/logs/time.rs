//! Times in logs: RFC 3339 text or integer microseconds, both normalised to microseconds UTC.

use chrono::DateTime;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time in microseconds since 1970-01-01 UTC. In JSON: RFC 3339 text (written so), or
/// an integer number of microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl schemars::JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "RFC 3339 text with an offset, or integer microseconds since 1970-01-01 UTC.",
            "anyOf": [{ "type": "string" }, { "type": "integer" }],
        })
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match DateTime::from_timestamp_micros(self.0) {
            Some(time) => {
                let text = time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
                serializer.serialize_str(&text)
            }
            None => serializer.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RFC 3339 text or integer microseconds")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        parse(text).map(Time).ok_or_else(|| E::custom("no RFC 3339 time"))
    }

    fn visit_i64<E: Error>(self, micros: i64) -> Result<Time, E> {
        Ok(Time(micros))
    }

    fn visit_u64<E: Error>(self, micros: u64) -> Result<Time, E> {
        i64::try_from(micros).map(Time).map_err(|_| E::custom("time out of range"))
    }
}

/// Microseconds UTC of an RFC 3339 time; None when it is none.
pub(super) fn parse(text: &str) -> Option<i64> {
    utc(text.as_bytes())
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros()))
}

/// The form that nearly all logs use, `2026-01-02T03:04:05[.123456]Z`, several times faster than
/// the general parser. Anything else, leap seconds included, is left to that one.
fn utc(text: &[u8]) -> Option<i64> {
    let (head, tail) = text.split_at_checked(19)?;
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1] =
        head
    else {
        return None;
    };
    let year = number(&[y0, y1, y2, y3])?;
    let date = chrono::NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        u32::try_from(number(&[m0, m1])?).ok()?,
        u32::try_from(number(&[d0, d1])?).ok()?,
    )?;
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[n0, n1])?, number(&[s0, s1])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = i64::from(date.to_epoch_days());
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000 + micros(tail)?)
}

fn micros(tail: &[u8]) -> Option<i64> {
    match tail {
        b"Z" => Some(0),
        [b'.', digits @ .., b'Z'] if (1..=6).contains(&digits.len()) => {
            let places = u32::try_from(digits.len()).ok()?;
            Some(number(digits)? * 10_i64.pow(6 - places))
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// A calendar day, `YYYY-MM-DD`, as days since 1970-01-01.
pub(super) fn day(text: &str) -> Option<i32> {
    text.parse::<chrono::NaiveDate>().ok().map(|day| day.to_epoch_days())
}
