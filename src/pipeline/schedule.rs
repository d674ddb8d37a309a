//! When a pipeline fires: croner computes every occurrence in the pipeline's time zone, so that a
//! change to or from daylight saving time moves nothing by an hour. (tokio-cron-scheduler freezes the
//! offset of a job when it is made; it only wakes the daemon at the instants computed here.)

use chrono::{DateTime, Duration, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;

use super::spec::{Missed, Schedule};
use crate::core::LogicalDate;

/// Reads a cron expression of five fields.
///
/// # Errors
/// What is wrong with it.
pub fn cron(text: &str) -> Result<Cron, String> {
    if text.split_whitespace().count() != 5 {
        return Err(format!("`{text}` has not five fields: minute hour day month weekday"));
    }
    text.parse::<Cron>().map_err(|e| format!("`{text}` is no cron expression: {e}"))
}

/// The first occurrence after an instant.
///
/// # Errors
/// When the expression is wrong or never occurs.
pub fn next(schedule: &Schedule, after: DateTime<Utc>) -> Result<DateTime<Tz>, String> {
    // Occurrences carry the fraction of a second of where the search begins.
    let whole = after.with_nanosecond(0).unwrap_or(after);
    let local = whole.with_timezone(&schedule.timezone);
    cron(&schedule.cron)?
        .find_next_occurrence(&local, false)
        .map_err(|e| format!("`{}` never occurs again: {e}", schedule.cron))
}

/// The logical date that an occurrence works on: the day before it, in the pipeline's time zone.
pub fn date_of(occurrence: &DateTime<Tz>) -> LogicalDate {
    LogicalDate::new(occurrence.date_naive()).plus_days(-1)
}

/// Yesterday in a time zone: the date of a run that names none.
pub fn yesterday(timezone: Tz, now: DateTime<Utc>) -> LogicalDate {
    LogicalDate::new(now.with_timezone(&timezone).date_naive()).plus_days(-1)
}

/// The occurrences since `since` that were missed and are to be made up for at `now`, in order.
///
/// # Errors
/// When the expression is wrong.
pub fn missed(
    schedule: &Schedule,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<DateTime<Tz>>, String> {
    let deadline = schedule.start_deadline.and_then(|d| Duration::from_std(d.0).ok());
    let mut found = Vec::new();
    let mut at = since;
    while let Ok(occurrence) = next(schedule, at) {
        at = occurrence.with_timezone(&Utc);
        if at > now {
            break;
        }
        if deadline.is_none_or(|d| at + d >= now) {
            found.push(occurrence);
        }
    }
    Ok(match schedule.missed {
        Missed::None => Vec::new(),
        Missed::Latest => found.split_off(found.len().saturating_sub(1)),
        Missed::All => found,
    })
}
