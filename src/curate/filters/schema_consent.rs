//! Stage 1: rows that fit together, that people agreed to train on, and that may still be kept.

use chrono::NaiveDate;
use polars::prelude::*;

use super::{Filter, Finding, Setting, Table, each};
use crate::curate::columns::{int, text};
use crate::curate::episodes::level;
use crate::curate::{CurateError, Dropped, Role};

const NO_RECORD: &str = "no_episode_record";
const NO_CONSENT: &str = "no_consent_for_training";
const RETENTION: &str = "retention_passed";
const NO_STEPS: &str = "no_steps";
const LEVEL: &str = "unreadable_level";

pub(in crate::curate) const FILTER: Filter = Filter {
    stage: "schema_consent",
    rules: &[
        (NO_RECORD, Role::All),
        (NO_CONSENT, Role::All),
        (RETENTION, Role::All),
        (NO_STEPS, Role::All),
        (LEVEL, Role::All),
    ],
    find,
};

fn find(table: &Table, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    let known = table.episodes.clone().lazy().filter(col("known"));
    let known = known.collect()?;
    let mut findings = no_record(table)?;
    findings.extend(no_consent(&known)?);
    findings.extend(retention(&known, setting)?);
    findings.extend(no_steps(&known)?);
    findings.extend(unreadable_level(&known)?);
    Ok(findings)
}

/// Steps and feedback whose episode has no record in the window: one finding for the episode, and
/// one for each row, so that each can be explained.
fn no_record(table: &Table) -> Result<Vec<Finding>, CurateError> {
    let lost = table.episodes.clone().lazy().filter(col("known").not()).collect()?;
    let mut findings = each(&lost, |id, _| {
        Finding::episode(NO_RECORD, id, "it has steps but no record of its own in the window")
    })?;
    for (frame, column, what, evidence) in [
        (&table.orphan_steps, "event_id", Dropped::Step, "a step without its episode's record"),
        (
            &table.orphan_feedback,
            "feedback_id",
            Dropped::Feedback,
            "feedback without its episode's record",
        ),
    ] {
        let events = text(frame, column)?;
        findings.extend(each(frame, |id, row| {
            Finding::episode(NO_RECORD, id, evidence).row(what, events.get(row))
        })?);
    }
    Ok(findings)
}

fn no_consent(known: &DataFrame) -> Result<Vec<Finding>, CurateError> {
    let refused = col("consent").is_null().or(col("consent").neq(lit("train")));
    let hits = known.clone().lazy().filter(refused).collect()?;
    let given = text(&hits, "consent")?;
    each(&hits, |id, row| {
        let evidence = match given.get(row) {
            Some(consent) => format!("consent is `{consent}`, training needs `train`"),
            None => "the log states no consent, training needs `train`".to_owned(),
        };
        Finding::episode(NO_CONSENT, id, evidence)
    })
}

fn retention(known: &DataFrame, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    let date = setting.context.date;
    let today = days(date.naive());
    let hits = known.clone().lazy().filter(col("retention_until").lt(lit(today))).collect()?;
    let until = int(&hits, "retention_until")?;
    each(&hits, |id, row| {
        let last = until.get(row).unwrap_or_default();
        let evidence = format!("it might be kept until {}, the night is {date}", day(last));
        Finding::episode(RETENTION, id, evidence).measured(f64::from(last), f64::from(today))
    })
}

/// Days since 1970-01-01, as the store counts them.
fn days(date: NaiveDate) -> i32 {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    // Every date that the calendar can hold fits; the fallback keeps, rather than drops, rows.
    i32::try_from(days).unwrap_or(i32::MIN)
}

fn day(days: i32) -> String {
    let span = chrono::Duration::try_days(i64::from(days));
    let date = span.and_then(|span| NaiveDate::default().checked_add_signed(span));
    date.map_or_else(|| format!("day {days}"), |date| date.to_string())
}

fn no_steps(known: &DataFrame) -> Result<Vec<Finding>, CurateError> {
    let hits = known.clone().lazy().filter(col("n_steps").eq(lit(0i64))).collect()?;
    each(&hits, |id, _| {
        Finding::episode(NO_STEPS, id, "it has no steps in the window").measured(0.0, 1.0)
    })
}

/// A level that cannot be told might be an evaluation level.
fn unreadable_level(known: &DataFrame) -> Result<Vec<Finding>, CurateError> {
    let named = col("level_json").is_not_null().or(col("level_digest").is_not_null());
    let hits = known.clone().lazy().filter(named).collect()?;
    let (json, digest) = (text(&hits, "level_json")?, text(&hits, "level_digest")?);
    let mut faults = Vec::new();
    let all = each(&hits, |id, row| {
        let fault = level(json.get(row), digest.get(row)).err();
        let finding = Finding::episode(LEVEL, id, fault.clone().unwrap_or_default());
        faults.push(fault.is_some());
        finding
    })?;
    Ok(all.into_iter().zip(faults).filter_map(|(one, bad)| bad.then_some(one)).collect())
}
