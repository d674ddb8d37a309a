//! Drops: for every row that a rule took away, which rule it was and what it measured.

use arrow::array::{Array, Float64Array, StringArray};
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};

use super::CurateError;
use crate::core::{Blobs, Digest, EpisodeId};
use crate::dataset::{Role, from_parquet};

/// What kind of row was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// An episode with its steps.
    Episode,
    /// A step alone.
    Step,
    /// A feedback alone.
    Feedback,
}

impl Dropped {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Episode => "episode",
            Self::Step => "step",
            Self::Feedback => "feedback",
        }
    }
}

/// One dropped row and the reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drop {
    /// The episode.
    pub episode_id: EpisodeId,
    /// The step or feedback, where the reason lies in one.
    pub event_id: Option<String>,
    /// What was dropped.
    pub what: Dropped,
    /// The role it was dropped from.
    pub role: Role,
    /// The filter.
    pub stage: String,
    /// The rule within the filter.
    pub rule_id: String,
    /// The digest of the parameters in force.
    pub config_sha: Digest,
    /// What was measured, where the rule measures.
    pub measured: Option<f64>,
    /// What it was held against.
    pub threshold: Option<f64>,
    /// The reason in words; never the content itself.
    pub evidence: String,
    /// What the row is a copy of, or whose level it was played on.
    pub matched_id: Option<String>,
}

/// The drops of a curation, sorted by episode and event.
///
/// # Errors
/// When the blob is missing or damaged, or holds something else.
pub async fn read_drops(blobs: &Blobs, digest: &Digest) -> Result<Vec<Drop>, CurateError> {
    let (_, batches) = from_parquet(blobs.get(digest).await?)?;
    let mut drops = Vec::new();
    for batch in &batches {
        decode(batch, &mut drops).map_err(CurateError::Drops)?;
    }
    Ok(drops)
}

fn decode(batch: &RecordBatch, drops: &mut Vec<Drop>) -> Result<(), String> {
    fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T, String> {
        let column = batch.column_by_name(name).and_then(|c| c.as_any().downcast_ref());
        column.ok_or_else(|| format!("no column `{name}` of the expected type"))
    }
    let strings = |name| column::<StringArray>(batch, name);
    let (episode, event, what) = (strings("episode_id")?, strings("event_id")?, strings("what")?);
    let (role, stage, rule) = (strings("role")?, strings("stage")?, strings("rule_id")?);
    let (sha, evidence, matched) =
        (strings("config_sha")?, strings("evidence")?, strings("matched_id")?);
    let measured: &Float64Array = column(batch, "measured")?;
    let threshold: &Float64Array = column(batch, "threshold")?;
    let maybe = |c: &StringArray, row| c.is_valid(row).then(|| c.value(row).to_owned());
    for row in 0..batch.num_rows() {
        drops.push(Drop {
            episode_id: EpisodeId::new(episode.value(row)),
            event_id: maybe(event, row),
            what: word(what.value(row), &[Dropped::Episode, Dropped::Step, Dropped::Feedback])?,
            role: word(role.value(row), &[Role::All, Role::Imitation])?,
            stage: stage.value(row).to_owned(),
            rule_id: rule.value(row).to_owned(),
            config_sha: sha
                .value(row)
                .parse()
                .map_err(|e: crate::core::DigestError| e.to_string())?,
            measured: measured.is_valid(row).then(|| measured.value(row)),
            threshold: threshold.is_valid(row).then(|| threshold.value(row)),
            evidence: evidence.value(row).to_owned(),
            matched_id: maybe(matched, row),
        });
    }
    Ok(())
}

trait Word: Copy {
    fn word(self) -> &'static str;
}

impl Word for Dropped {
    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Word for Role {
    fn word(self) -> &'static str {
        self.as_str()
    }
}

fn word<T: Word>(text: &str, all: &[T]) -> Result<T, String> {
    all.iter()
        .copied()
        .find(|one| one.word() == text)
        .ok_or_else(|| format!("unknown word `{text}`"))
}

/// All drops that concern an id: of an episode, a step or a feedback, or of what matched it.
pub fn explain<'a>(drops: &'a [Drop], id: &str) -> Vec<&'a Drop> {
    let concerns = |drop: &&Drop| {
        drop.episode_id.as_str() == id
            || drop.event_id.as_deref() == Some(id)
            || drop.matched_id.as_deref() == Some(id)
    };
    drops.iter().filter(concerns).collect()
}
