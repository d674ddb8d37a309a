//! What a night took in, in numbers that are the same in every folder and on every day: no clock,
//! no machine's paths, no batch numbers, no Delta versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::batches::Published;
use super::error::TableError;
use crate::core::{Digest, LogicalDate, Store, digest_json};

/// Rows per table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Rows added to `episodes`.
    pub episodes: u64,
    /// Rows added to `steps`.
    pub steps: u64,
    /// Rows added to `feedback`.
    pub feedback: u64,
    /// Rows added to `quarantine`.
    pub quarantined: u64,
}

impl std::ops::AddAssign for Rows {
    fn add_assign(&mut self, other: Self) {
        self.episodes += other.episodes;
        self.steps += other.steps;
        self.feedback += other.feedback;
        self.quarantined += other.quarantined;
    }
}

/// Counts by name.
pub type Counts = BTreeMap<String, u64>;

/// What one object held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSummary {
    /// Its key relative to the root of the logs.
    pub key: String,
    /// The digest of its bytes; None where it is no log.
    pub sha256: Option<Digest>,
    /// The log format; None where it is no log.
    pub format: Option<String>,
    /// Why it is no log, or could not be read; None where it was.
    pub not_a_log: Option<String>,
    /// Records found in it, readable or not.
    pub records: u64,
    /// Empty lines, which are no records.
    pub empty_lines: u64,
    /// Rows that it added.
    pub rows: Rows,
    /// Rows left out because the same row is there already.
    pub duplicates: u64,
    /// Quarantined pieces by rule.
    pub rules: Counts,
    /// Steps by what they are: `call`, `respond`, `observe`.
    pub actions: Counts,
    /// Steps by operation: `execute_tool`, `chat`, `message`, …
    pub operations: Counts,
    /// Messages by role, where the format has roles.
    pub roles: Counts,
    /// Values replaced by placeholders, by type.
    pub scrubbed: Counts,
}

/// An object that is no log, and was left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotLog {
    /// Its key relative to the root of the logs.
    pub key: String,
    /// Why it is none.
    pub reason: String,
}

/// What one night took in from one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestSummary {
    /// The logical date.
    pub date: LogicalDate,
    /// The log source.
    pub source: String,
    /// The logs, sorted by key.
    pub objects: Vec<ObjectSummary>,
    /// The objects that are no logs, sorted by key.
    pub not_logs: Vec<NotLog>,
    /// Records found, readable or not.
    pub records: u64,
    /// Rows added per table.
    pub rows: Rows,
    /// Rows left out because they were there already.
    pub duplicates: u64,
    /// Quarantined pieces by rule.
    pub rules: Counts,
    /// Steps by what they are: `call`, `respond`, `observe`.
    pub actions: Counts,
    /// Steps by operation.
    pub operations: Counts,
    /// Messages by role.
    pub roles: Counts,
    /// Values replaced by placeholders, by type.
    pub scrubbed: Counts,
}

/// All that was taken in on one date from one source, by digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Night {
    /// The logical date.
    pub date: LogicalDate,
    /// The log source.
    pub source: String,
    /// How many objects.
    pub objects: u64,
    /// Rows in `episodes`, `steps`, `feedback` and `quarantine`.
    pub rows: [u64; 4],
    /// The digest of the sorted list of (key, digest of the object, rows).
    pub digest: Digest,
}

/// What the store holds as of a night: the night's own summary, and every night up to it. Equal
/// snapshots mean equal tables, so caches rest on [`Snapshot::digest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// `fqm-ingest/1`.
    pub schema: String,
    /// What the night took in.
    pub summary: IngestSummary,
    /// All published nights of all sources up to the date, sorted.
    pub history: Vec<Night>,
}

impl Snapshot {
    /// The digest of the canonical JSON.
    ///
    /// # Errors
    /// Never in practice: every part has a JSON form.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        digest_json(self)
    }
}

fn add(total: &mut Counts, part: &Counts) {
    for (name, count) in part {
        *total.entry(name.clone()).or_default() += count;
    }
}

/// Sums up one night of one source from its published batches.
fn summarise(source: &str, date: LogicalDate, published: &[Published]) -> IngestSummary {
    let mut night = IngestSummary {
        date,
        source: source.to_owned(),
        objects: Vec::new(),
        not_logs: Vec::new(),
        records: 0,
        rows: Rows::default(),
        duplicates: 0,
        rules: Counts::new(),
        actions: Counts::new(),
        operations: Counts::new(),
        roles: Counts::new(),
        scrubbed: Counts::new(),
    };
    let mut not_logs = BTreeMap::new();
    let mine = published.iter().filter(|p| p.source == source && p.logical_date == date);
    for object in mine.flat_map(|p| &p.objects).map(|done| &done.summary) {
        if let Some(reason) = &object.not_a_log {
            not_logs.insert(object.key.clone(), reason.clone());
            continue;
        }
        night.records += object.records;
        night.rows += object.rows;
        night.duplicates += object.duplicates;
        add(&mut night.rules, &object.rules);
        add(&mut night.actions, &object.actions);
        add(&mut night.operations, &object.operations);
        add(&mut night.roles, &object.roles);
        add(&mut night.scrubbed, &object.scrubbed);
        night.objects.push(object.clone());
    }
    night.objects.sort_by(|a, b| (&a.key, a.sha256).cmp(&(&b.key, b.sha256)));
    night.not_logs = not_logs.into_iter().map(|(key, reason)| NotLog { key, reason }).collect();
    night
}

/// What the store holds as of a night.
pub(super) fn snapshot(
    source: &str,
    date: LogicalDate,
    published: &[Published],
) -> Result<Snapshot, TableError> {
    let mut nights: BTreeMap<(LogicalDate, &str), Vec<&ObjectSummary>> = BTreeMap::new();
    for batch in published.iter().filter(|p| p.logical_date <= date) {
        let logs = batch.objects.iter().map(|done| &done.summary);
        let night = nights.entry((batch.logical_date, &batch.source)).or_default();
        night.extend(logs.filter(|o| o.not_a_log.is_none()));
    }
    let history = nights
        .into_iter()
        .filter(|(_, objects)| !objects.is_empty())
        .map(|((date, source), objects)| night(date, source, &objects))
        .collect::<Result<_, _>>()
        .map_err(|e| TableError::manifest("snapshot".to_owned(), e))?;
    let summary = summarise(source, date, published);
    Ok(Snapshot { schema: "fqm-ingest/1".to_owned(), summary, history })
}

/// What the store holds up to a date, but for the night of that date itself: the part of a snapshot
/// that taking in the night does not change.
///
/// # Errors
/// When a published manifest cannot be read.
pub async fn other_nights(
    store: &Store,
    date: LogicalDate,
    source: &str,
) -> Result<Vec<Night>, TableError> {
    let published = super::batches::load_published(store).await?;
    let mut history = snapshot(source, date, &published)?.history;
    history.retain(|night| night.date != date || night.source != source);
    Ok(history)
}

fn night(
    date: LogicalDate,
    source: &str,
    objects: &[&ObjectSummary],
) -> Result<Night, serde_json::Error> {
    let mut list: Vec<_> =
        objects.iter().map(|o| (&o.key, o.sha256, counted(o.rows), o.duplicates)).collect();
    list.sort();
    let mut rows = Rows::default();
    objects.iter().for_each(|object| rows += object.rows);
    Ok(Night {
        date,
        source: source.to_owned(),
        objects: objects.len() as u64,
        rows: counted(rows),
        digest: digest_json(&list)?,
    })
}

fn counted(rows: Rows) -> [u64; 4] {
    [rows.episodes, rows.steps, rows.feedback, rows.quarantined]
}
