//! When a pipeline fires. croner finds the local times that an expression names; what they are in a zone
//! whose clocks change is decided here (croner 3.0 loses an hour where clocks change at midnight), and the
//! same way everywhere: a time that the clocks skip is the first moment after it, a time that they show
//! twice is the first of the two, unless the expression means every hour. (tokio-cron-scheduler freezes the
//! offset of a job when it is made; it only wakes the daemon at the instants computed here.)

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;

use super::spec::{By, Missed, Schedule};
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

/// The longest by which clocks are set forward or back.
const CHANGE: Duration = Duration::hours(4);

/// The first occurrence after an instant.
///
/// # Errors
/// When the expression is wrong or never occurs.
pub fn next(schedule: &Schedule, after: DateTime<Utc>) -> Result<DateTime<Tz>, String> {
    let (cron, zone) = (cron(&schedule.cron)?, schedule.timezone);
    let every_hour =
        schedule.cron.split_whitespace().nth(1).is_some_and(|h| h.contains(['*', '/']));
    // Near a change of the clocks a later local time may be the earlier instant.
    let slack = |at: DateTime<Utc>| {
        let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        if offset(at - CHANGE) == offset(at + CHANGE) { Duration::zero() } else { CHANGE }
    };
    let mut local = (after.with_timezone(&zone).naive_local() - slack(after)).and_utc();
    let mut first: Option<DateTime<Tz>> = None;
    loop {
        // Without a zone the search knows nothing of clocks that change.
        local = match (cron.find_next_occurrence(&local, false), first) {
            (Ok(found), _) => found,
            (Err(_), Some(first)) => return Ok(first),
            (Err(e), None) => return Err(format!("`{}` never occurs again: {e}", schedule.cron)),
        };
        let instants = instants(zone, local.naive_utc(), every_hour).into_iter().flatten();
        first = first.into_iter().chain(instants.filter(|at| *at > after)).min();
        if let Some(first) = first
            && local.naive_utc() >= first.naive_local() + slack(first.with_timezone(&Utc))
        {
            return Ok(first);
        }
    }
}

/// The instants of a local time: one, or two where it comes twice and both are meant.
fn instants(zone: Tz, local: NaiveDateTime, both: bool) -> [Option<DateTime<Tz>>; 2] {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => [Some(at), None],
        LocalResult::Ambiguous(first, second) => [Some(first), both.then_some(second)],
        LocalResult::None => {
            let later = (1..=24 * 60).map(|minutes| local + Duration::minutes(minutes));
            [later.filter_map(|at| zone.from_local_datetime(&at).earliest()).next(), None]
        }
    }
}

/// Whether an occurrence stands in for one that the clocks skip.
pub fn is_shifted(text: &str, occurrence: &DateTime<Tz>) -> bool {
    let local = occurrence.naive_local().and_utc();
    cron(text).is_ok_and(|cron| !cron.is_time_matching(&local).unwrap_or(true))
}

/// The logical date that an occurrence works on: the interval before it, in the pipeline's time zone.
pub fn date_of(occurrence: &DateTime<Tz>, by: By) -> LogicalDate {
    latest(occurrence.timezone(), by, occurrence.with_timezone(&Utc))
}

/// The last interval that is over: yesterday, or the hour before, in a time zone. It is the date of a run
/// that names none.
pub fn latest(timezone: Tz, by: By, now: DateTime<Utc>) -> LogicalDate {
    let local = now.with_timezone(&timezone);
    match by {
        By::Day => LogicalDate::new(local.date_naive()).plus(-1),
        By::Hour => {
            let hour = u8::try_from(local.hour()).unwrap_or(0);
            LogicalDate::at_hour(local.date_naive(), hour).plus(-1)
        }
    }
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
