//! Schedules over changes of the clocks, against the time zone database itself: zones of both hemispheres,
//! with changes of an hour and of half an hour, at midnight and at noon, and none at all; ten years of them.

use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::schedule;
use super::spec::Schedule;

const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Asuncion",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",
];

fn schedule(cron: &str, zone: &str) -> Schedule {
    toml::from_str(&format!("cron = \"{cron}\"\ntimezone = \"{zone}\"\n")).unwrap()
}

/// The instant of a local time: the first of two, or the first moment after a gap.
fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Tz> {
    let mut at = local;
    loop {
        match zone.from_local_datetime(&at) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => return instant,
            LocalResult::None => at += Duration::seconds(1),
        }
    }
}

/// A day of the ten years from 2024 on.
fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + chrono::Days::new(number)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_daily_time_comes_once_a_day_at_that_time_or_right_after_the_gap(
        zone in prop::sample::select(&ZONES[..]),
        hour in 0_u32..24,
        minute in 0_u32..60,
        first in 0_u64..3650,
    ) {
        let times = schedule(&format!("{minute} {hour} * * *"), zone);
        let zone: Tz = zone.parse().unwrap();
        let local = |number: u64| day(number).and_hms_opt(hour, minute, 0).unwrap();
        let mut at = instant(zone, local(first)).with_timezone(&Utc) - Duration::seconds(1);
        for number in first..first + 40 {
            let expected = instant(zone, local(number));
            let next = schedule::next(&times, at).unwrap();
            // A gap may push the time past midnight, onto the time of the next day.
            prop_assert_eq!(next.with_timezone(&Utc), expected.with_timezone(&Utc), "{} {}", zone, local(number));
            at = next.with_timezone(&Utc);
        }
    }

    #[test]
    fn every_hour_is_every_hour_whatever_the_clocks_do(
        zone in prop::sample::select(&["UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Sydney"][..]),
        first in 0_u64..3650,
    ) {
        let times = schedule("0 * * * *", zone);
        let mut at = day(first).and_hms_opt(0, 30, 0).unwrap().and_utc();
        let mut before: Option<DateTime<Utc>> = None;
        for _ in 0..60 {
            let next = schedule::next(&times, at).unwrap().with_timezone(&Utc);
            if let Some(before) = before {
                prop_assert_eq!(next - before, Duration::hours(1), "{} after {}", zone, before);
            }
            (before, at) = (Some(next), next);
        }
    }

    #[test]
    fn occurrences_only_go_forward_and_none_is_missed_twice(
        zone in prop::sample::select(&ZONES[..]),
        cron in prop::sample::select(&["*/15 * * * *", "0 2,14 * * *", "30 1-3 * * *", "0 0 * * 1", "59 23 28-31 * *"][..]),
        first in 0_u64..3650,
    ) {
        let times = schedule(cron, zone);
        let start = day(first).and_hms_opt(0, 0, 0).unwrap().and_utc();
        let mut at = start;
        let mut seen = Vec::new();
        for _ in 0..50 {
            let next = schedule::next(&times, at).unwrap().with_timezone(&Utc);
            prop_assert!(next > at, "{} {}: {} is not after {}", zone, cron, next, at);
            seen.push(next);
            at = next;
        }
        let mut all = times;
        all.missed = super::spec::Missed::All;
        let missed = schedule::missed(&all, start, at).unwrap();
        let missed: Vec<_> = missed.iter().map(|occurrence| occurrence.with_timezone(&Utc)).collect();
        prop_assert_eq!(missed, seen);
    }
}
