//! Triggers: new objects among the logs, new feedback in them. What was seen is kept in the state, so that
//! a daemon that starts again neither fires twice nor misses what came meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;

use super::{Due, Shared};
use crate::cli::error::CliError;
use crate::cli::output;
use crate::core::{Digest, LogicalDate, ObjectInfo, path_date};
use crate::logs::{Context, FeedbackKind, Item, Limits, Reader, Record, parse};
use crate::pipeline::{By, Pipeline, Trigger, schedule};

/// The triggers of a pipeline and when each is looked at next.
pub(super) struct Lookout(Vec<Watch>);

struct Watch {
    number: usize,
    trigger: Trigger,
    every: Duration,
    next: Instant,
    /// Whether somebody is looking: a listing may take longer than the pause.
    busy: Arc<AtomicBool>,
}

impl Lookout {
    /// The triggers of a pipeline that must be looked at.
    pub(super) fn of(pipeline: &Pipeline) -> Self {
        let watches = pipeline.triggers.iter().enumerate().filter_map(|(number, trigger)| {
            let every = match trigger {
                Trigger::Objects { every, .. } | Trigger::Feedback { every, .. } => every.0,
                Trigger::Http {} => return None,
            };
            let (trigger, busy) = (trigger.clone(), Arc::default());
            Some(Watch { number, trigger, every, next: Instant::now(), busy })
        });
        Self(watches.collect())
    }

    /// Looks at what is due, in tasks of their own.
    pub(super) fn look(&mut self, shared: &Arc<Shared>, pipeline: &Pipeline) {
        for watch in &mut self.0 {
            if Instant::now() < watch.next || watch.busy.swap(true, Ordering::AcqRel) {
                continue;
            }
            watch.next = Instant::now() + watch.every;
            let (shared, pipeline) = (shared.clone(), pipeline.clone());
            let (number, trigger, busy) = (watch.number, watch.trigger.clone(), watch.busy.clone());
            tokio::spawn(async move {
                if let Err(error) = one(&shared, &pipeline, number, &trigger).await {
                    let name = &pipeline.name;
                    output::talk(&format!(
                        "{name}: failed to look at its triggers: {}",
                        error.message
                    ));
                }
                busy.store(false, Ordering::Release);
            });
        }
    }
}

/// Looks at one trigger, and fires where it has gone off.
async fn one(
    shared: &Shared,
    pipeline: &Pipeline,
    number: usize,
    trigger: &Trigger,
) -> Result<(), CliError> {
    let logs = shared.workspace.open_logs()?;
    let prefix = match trigger {
        Trigger::Objects { prefix, .. } => prefix.as_str(),
        _ => "",
    };
    let listed = logs.list(prefix).await?;
    let visible = |object: &&ObjectInfo| !object.path.split('/').any(|p| p.starts_with(['_', '.']));
    let listed: Vec<&ObjectInfo> = listed.iter().filter(visible).collect();
    let name = format!("trigger {number} {}", serde_json::to_string(trigger).unwrap_or_default());
    let seen = shared.state.cursor(&pipeline.name, &name)?;
    let now: BTreeSet<String> = listed.iter().map(|object| mark(object)).collect();
    let Some(seen) = seen else {
        // What is there when the trigger is first looked at is not new.
        return Ok(shared.state.set_cursor(&pipeline.name, &name, &text(&now))?);
    };
    let seen: BTreeSet<&str> = seen.split_whitespace().collect();
    let new: Vec<&ObjectInfo> =
        listed.into_iter().filter(|object| !seen.contains(mark(object).as_str())).collect();
    if new.is_empty() {
        return Ok(());
    }
    let (found, at_least, what) = match trigger {
        Trigger::Objects { at_least, .. } => (new.len() as u64, *at_least, "new objects"),
        Trigger::Feedback { at_least, corrections: true, .. } => {
            (feedback(&logs, &new, true).await?, *at_least, "new corrections")
        }
        Trigger::Feedback { at_least, .. } => {
            (feedback(&logs, &new, false).await?, *at_least, "new records of feedback")
        }
        Trigger::Http {} => return Ok(()),
    };
    // Too few of them are counted again, together with those that come.
    if found < at_least.max(1) {
        return Ok(());
    }
    let cause = format!("{found} {what}");
    output::talk(&format!("{}: {cause}", pipeline.name));
    let due =
        Due { pipeline: pipeline.name.clone(), date: date(pipeline, &new), cause, scheduled: None };
    shared.state.set_cursor(&pipeline.name, &name, &text(&now))?;
    let _ = shared.send.send(due);
    Ok(())
}

/// The latest date that the new objects belong to; the last that is over where none has one.
fn date(pipeline: &Pipeline, new: &[&ObjectInfo]) -> LogicalDate {
    let dated = new.iter().filter_map(|object| path_date(&object.path));
    let dated = dated.filter_map(|date| match pipeline.by {
        By::Day => Some(date.day()),
        By::Hour => date.hour().map(|_| date),
    });
    let zone = pipeline.schedule.as_ref().map_or(chrono_tz::UTC, |times| times.timezone);
    dated.max().unwrap_or_else(|| schedule::latest(zone, pipeline.by, Utc::now()))
}

/// Sixteen digits that stand for an object as it is now.
fn mark(object: &ObjectInfo) -> String {
    let version = object.etag.clone().unwrap_or_else(|| object.modified.to_rfc3339());
    let text = format!("{}\0{}\0{version}", object.path, object.size);
    Digest::of(text.as_bytes()).hex().chars().take(16).collect()
}

fn text(marks: &BTreeSet<String>) -> String {
    marks.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// How many records of feedback the objects hold.
async fn feedback(
    logs: &crate::core::Store,
    objects: &[&ObjectInfo],
    corrections: bool,
) -> Result<u64, CliError> {
    let mut found = 0;
    for object in objects {
        let Some(bytes) = logs.get(&object.path).await? else { continue };
        found += tokio::task::spawn_blocking(move || count(bytes, corrections))
            .await
            .map_err(CliError::internal)?;
    }
    Ok(found)
}

/// Counts in one object. What is no log, or no record, is left to the night, which says so.
fn count(bytes: bytes::Bytes, corrections: bool) -> u64 {
    let source = std::io::Cursor::new(bytes);
    let Ok(mut reader) = Reader::open(source, None, Limits::default()) else { return 0 };
    let (format, context) = (reader.shape().format, Context::default());
    let mut found = 0;
    while let Ok(Some(item)) = reader.read() {
        let Item::Record(record) = item else { continue };
        let rows = parse(format, &record, &context).unwrap_or_default();
        let wanted = |row: &&Record| match row {
            Record::Feedback(row) => !corrections || row.kind == FeedbackKind::Correction,
            _ => false,
        };
        found += rows.iter().filter(wanted).count() as u64;
    }
    found
}
