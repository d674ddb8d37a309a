//! The table of candidate episodes: one row each, with all that the filters look at.

use polars::prelude::*;
use serde::Deserialize;

use super::CurateError;
use super::columns::{Kind, Layout, Need, double, text};
use crate::core::{Digest, EpisodeId};
use crate::dataset::{DataSplit, Episode, LevelRef, ScoredBy, domain_of};

/// The columns that curation uses.
pub(super) const LAYOUT: Layout = Layout {
    table: "episodes",
    columns: &[
        ("episode_id", Kind::Text, Need::Must),
        ("task_id", Kind::Text, Need::Must),
        ("workflow", Kind::Text, Need::May),
        ("agent_name", Kind::Text, Need::May),
        ("status", Kind::Text, Need::Must),
        ("total_reward", Kind::Double, Need::Must),
        ("consent", Kind::Text, Need::Must),
        ("retention_until", Kind::Day, Need::May),
        ("split_key", Kind::Raw, Need::Must),
        ("level_json", Kind::Text, Need::May),
        ("level_digest", Kind::Text, Need::May),
        ("format", Kind::Text, Need::May),
        ("attrs_json", Kind::Text, Need::May),
        ("event_time", Kind::Time, Need::May),
        ("time_source", Kind::Text, Need::May),
        ("known_at", Kind::Time, Need::May),
    ],
};

/// The published episodes, of each id the version known last.
pub(super) fn load(frame: LazyFrame) -> Result<DataFrame, CurateError> {
    let frame = LAYOUT.select(frame)?.filter(col("episode_id").is_not_null());
    let frame = LAYOUT.latest(frame, "episode_id")?;
    let kind = frame.column("split_key")?.dtype().clone();
    if kind != DataType::Int64 && kind != DataType::UInt64 {
        return Err(CurateError::Column {
            table: LAYOUT.table,
            column: "split_key".to_owned(),
            reason: format!("has the type {kind}, 64-bit numbers are wanted"),
        });
    }
    Ok(frame)
}

/// The candidate table: episodes joined to their steps' summary and their feedback, by id. Steps
/// without an episode are rows too, with `known` = false.
pub(super) fn candidates(
    episodes: DataFrame,
    summary: DataFrame,
    feedback: DataFrame,
) -> Result<DataFrame, CurateError> {
    let id = || [col("episode_id")];
    let how = JoinArgs::new(JoinType::Full).with_coalesce(JoinCoalesce::CoalesceColumns);
    let joined = episodes
        .lazy()
        .with_column(lit(true).alias("known"))
        .join(summary.lazy(), id(), id(), how)
        .join(feedback.lazy(), id(), id(), JoinArgs::new(JoinType::Left))
        .with_columns([
            col("known").fill_null(lit(false)),
            col("n_steps").fill_null(lit(0i64)),
            // A log's own reward comes first; an outcome that arrived as feedback stands in.
            coalesce(&[col("total_reward"), col("outcome")]).alias("reward"),
        ])
        .sort(["episode_id"], SortMultipleOptions::default());
    Ok(joined.collect()?)
}

/// What the level fields of a log say.
#[derive(Deserialize)]
struct LevelFields {
    family: String,
    #[serde(default)]
    level: u32,
    #[serde(default)]
    challenge: u32,
    #[serde(default)]
    seed: u64,
    digest: Option<Digest>,
}

/// The level of an episode; None where the log names none.
///
/// # Errors
/// In words, when the log names a level that cannot be told: it could be an evaluation level.
pub(super) fn level(json: Option<&str>, digest: Option<&str>) -> Result<Option<LevelRef>, String> {
    let digest = digest.map(str::parse::<Digest>).transpose();
    let digest = digest.map_err(|_| "the level's digest is none".to_owned())?;
    let Some(json) = json else {
        return match digest {
            Some(_) => Err("the level has a digest but no family".to_owned()),
            None => Ok(None),
        };
    };
    let fields: LevelFields =
        serde_json::from_str(json).map_err(|_| "the level's fields cannot be read".to_owned())?;
    let digest = match (fields.digest, digest) {
        (Some(one), Some(other)) if one != other => {
            return Err("the level has two digests".to_owned());
        }
        (one, other) => one.or(other).ok_or("the level has no digest")?,
    };
    let LevelFields { family, level, challenge, seed, .. } = fields;
    Ok(Some(LevelRef { family, level, challenge, seed, digest }))
}

/// The episodes of a candidate table, in its order. Role, split and steps are still open.
pub(super) fn heads(table: &DataFrame, success_reward: f64) -> Result<Vec<Episode>, CurateError> {
    let strings = |name| text(table, name);
    let (ids, task, workflow) = (strings("episode_id")?, strings("task_id")?, strings("workflow")?);
    let (agent, status, format) = (strings("agent_name")?, strings("status")?, strings("format")?);
    let (json, digest) = (strings("level_json")?, strings("level_digest")?);
    let attrs = strings("attrs_json")?;
    let (reward, feedback) = (double(table, "reward")?, double(table, "feedback")?);
    let text = |column: &StringChunked, row| column.get(row).unwrap_or_default().to_owned();
    let mut heads = Vec::with_capacity(table.height());
    for row in 0..table.height() {
        // An unreadable level was dropped by the first filter, so nothing is lost here.
        let level = level(json.get(row), digest.get(row)).unwrap_or_default();
        let (score, scored_by) = score(feedback.get(row), reward.get(row), success_reward);
        heads.push(Episode {
            id: EpisodeId::new(text(ids, row)),
            task_id: text(task, row),
            workflow: text(workflow, row),
            format: text(format, row),
            agent: text(agent, row),
            domain: domain_of(
                level.as_ref(),
                attrs.get(row),
                workflow.get(row).unwrap_or_default(),
            ),
            level,
            status: text(status, row),
            total_reward: reward.get(row),
            score,
            scored_by,
            imitation: false,
            offline: false,
            split: DataSplit::Train,
            steps: Vec::new(),
        });
    }
    Ok(heads)
}

fn score(feedback: Option<f64>, reward: Option<f64>, success_reward: f64) -> (f64, ScoredBy) {
    match (feedback, reward) {
        (Some(mean), _) => (mean.clamp(0.0, 1.0), ScoredBy::Feedback),
        (None, Some(reward)) if success_reward > 0.0 => {
            ((reward / success_reward).clamp(0.0, 1.0), ScoredBy::Outcome)
        }
        (None, Some(reward)) => (f64::from(u8::from(reward >= success_reward)), ScoredBy::Outcome),
        (None, None) => (0.0, ScoredBy::Nothing),
    }
}

/// The split keys. An episode without one takes its task's.
pub(super) fn split_keys(table: &DataFrame) -> Result<Vec<u64>, CurateError> {
    let column = table.column("split_key")?;
    let keys: Vec<Option<u64>> = match column.dtype() {
        DataType::UInt64 => column.u64()?.iter().collect(),
        // The store has no unsigned type: the same 64 bits lie there with a sign.
        _ => column.i64()?.iter().map(|key| key.map(i64::cast_unsigned)).collect(),
    };
    let tasks = text(table, "task_id")?;
    let of_task = |task: Option<&str>| {
        let bytes = *Digest::of(task.unwrap_or_default().as_bytes()).bytes();
        bytes.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
    };
    Ok(keys
        .into_iter()
        .zip(tasks.iter())
        .map(|(key, task)| key.unwrap_or_else(|| of_task(task)))
        .collect())
}
