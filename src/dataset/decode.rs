//! Arrow batches back to episodes and steps.

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, ListArray, StringArray,
    StructArray, UInt32Array, UInt64Array,
};
use arrow::record_batch::RecordBatch;

use super::{Candidate, DataSplit, Episode, LevelRef, ScoredBy, Step};
use crate::core::{Digest, EpisodeId};

/// An episode without its steps, and how many belong to it.
pub(super) struct EpisodeHead {
    pub(super) episode: Episode,
    pub(super) n_steps: u64,
}

/// Why a file does not hold what it should; the caller adds dataset and file.
pub(super) type Reason = String;

fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T, Reason> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("no column `{name}`"))?;
    cast(column, name)
}

fn cast<'a, T: 'static>(column: &'a ArrayRef, name: &str) -> Result<&'a T, Reason> {
    let wrong = || format!("column `{name}` has the type {}", column.data_type());
    column.as_any().downcast_ref().ok_or_else(wrong)
}

fn text(column: &StringArray, row: usize) -> String {
    column.value(row).to_owned()
}

fn maybe_text(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| text(column, row))
}

fn digest(column: &StringArray, row: usize) -> Result<Option<Digest>, Reason> {
    let text = column.is_valid(row).then(|| column.value(row));
    text.map(|text| text.parse().map_err(|_| format!("`{text}` is no digest"))).transpose()
}

fn word<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Reason> {
    parse(text).ok_or_else(|| format!("unknown word `{text}`"))
}

struct LevelColumns<'a> {
    family: &'a StringArray,
    level: &'a UInt32Array,
    challenge: &'a UInt32Array,
    seed: &'a UInt64Array,
    digest: &'a StringArray,
}

impl<'a> LevelColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Reason> {
        Ok(Self {
            family: column(batch, "level_family")?,
            level: column(batch, "level")?,
            challenge: column(batch, "challenge")?,
            seed: column(batch, "level_seed")?,
            digest: column(batch, "level_digest")?,
        })
    }

    fn at(&self, row: usize) -> Result<Option<LevelRef>, Reason> {
        let Some(digest) = digest(self.digest, row)? else { return Ok(None) };
        Ok(Some(LevelRef {
            family: text(self.family, row),
            level: self.level.value(row),
            challenge: self.challenge.value(row),
            seed: self.seed.value(row),
            digest,
        }))
    }
}

/// The episodes of a batch, in its order.
pub(super) fn episodes(batch: &RecordBatch) -> Result<Vec<EpisodeHead>, Reason> {
    let strings = |name| column::<StringArray>(batch, name);
    let (id, task, workflow) = (strings("id")?, strings("task_id")?, strings("workflow")?);
    let (format, agent, domain) = (strings("format")?, strings("agent")?, strings("domain")?);
    let (status, scored, split) = (strings("status")?, strings("scored_by")?, strings("split")?);
    let levels = LevelColumns::of(batch)?;
    let reward: &Float64Array = column(batch, "total_reward")?;
    let score: &Float64Array = column(batch, "score")?;
    let imitation: &BooleanArray = column(batch, "imitation")?;
    let offline: &BooleanArray = column(batch, "offline")?;
    let n_steps: &UInt64Array = column(batch, "n_steps")?;
    let mut heads = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let episode = Episode {
            id: EpisodeId::new(id.value(row)),
            task_id: text(task, row),
            workflow: text(workflow, row),
            format: text(format, row),
            agent: text(agent, row),
            domain: text(domain, row),
            level: levels.at(row)?,
            status: text(status, row),
            total_reward: reward.is_valid(row).then(|| reward.value(row)),
            score: score.value(row),
            scored_by: word(scored.value(row), ScoredBy::parse)?,
            imitation: imitation.value(row),
            offline: offline.value(row),
            split: word(split.value(row), DataSplit::parse)?,
            steps: Vec::new(),
        };
        heads.push(EpisodeHead { episode, n_steps: n_steps.value(row) });
    }
    Ok(heads)
}

/// The steps of a batch with the episodes that they belong to, in its order.
pub(super) fn steps(batch: &RecordBatch) -> Result<Vec<(String, Step)>, Reason> {
    let strings = |name| column::<StringArray>(batch, name);
    let (episode, action, tool) = (strings("episode_id")?, strings("action")?, strings("tool")?);
    let (args, result) = (strings("args_json")?, strings("result_json")?);
    let (observation, error) = (strings("observation_json")?, strings("error")?);
    let tool_defs = strings("tool_defs")?;
    // The first version of the table had no corrections.
    let corrections = strings("correction").ok();
    let index: &Int32Array = column(batch, "index")?;
    let chosen: &Int32Array = column(batch, "chosen")?;
    let outcome: &Int32Array = column(batch, "outcome")?;
    let propensity: &Float32Array = column(batch, "propensity")?;
    let reward: &Float64Array = column(batch, "reward")?;
    let done: &BooleanArray = column(batch, "done")?;
    let candidates = CandidateColumns::of(batch)?;
    let mut steps = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let step = Step {
            index: index.value(row),
            action: text(action, row),
            tool: maybe_text(tool, row),
            args_json: maybe_text(args, row),
            result_json: maybe_text(result, row),
            observation_json: maybe_text(observation, row),
            candidates: candidates.at(row)?,
            chosen: chosen.is_valid(row).then(|| chosen.value(row)),
            propensity: propensity.is_valid(row).then(|| propensity.value(row)),
            outcome: outcome.is_valid(row).then(|| outcome.value(row)),
            reward: reward.is_valid(row).then(|| reward.value(row)),
            done: done.value(row),
            error: maybe_text(error, row),
            tool_defs: digest(tool_defs, row)?,
            correction: corrections.and_then(|column| maybe_text(column, row)),
        };
        steps.push((text(episode, row), step));
    }
    Ok(steps)
}

struct CandidateColumns<'a> {
    lists: &'a ListArray,
    id: &'a StringArray,
    score: &'a Float32Array,
    propensity: &'a Float32Array,
}

impl<'a> CandidateColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Reason> {
        let lists: &ListArray = column(batch, "candidates")?;
        let values: &StructArray = cast(lists.values(), "candidates")?;
        let field = |name: &str| {
            values.column_by_name(name).ok_or_else(|| format!("candidates have no `{name}`"))
        };
        Ok(Self {
            lists,
            id: cast(field("id")?, "candidates.id")?,
            score: cast(field("score")?, "candidates.score")?,
            propensity: cast(field("propensity")?, "candidates.propensity")?,
        })
    }

    fn at(&self, row: usize) -> Result<Vec<Candidate>, Reason> {
        let ends = self.lists.value_offsets();
        let (Some(from), Some(to)) = (ends.get(row), ends.get(row + 1)) else {
            return Err("candidates end early".to_owned());
        };
        let one = |at: usize| Candidate {
            id: text(self.id, at),
            score: self.score.is_valid(at).then(|| self.score.value(at)),
            propensity: self.propensity.is_valid(at).then(|| self.propensity.value(at)),
        };
        Ok((*from as usize..*to as usize).map(one).collect())
    }
}
