//! Episodes straight from the rows of logs, for what looks at a log once and keeps nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::episode::{Candidate, DataSplit, Episode, LevelRef, ScoredBy, Step};
use crate::logs::{Consent, EpisodeRow, Record, StepRow};

/// Episodes of a log and what was left out.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Episodes that may be learned from, in the order of the log, without repeats.
    pub episodes: Vec<Episode>,
    /// Episodes whose people did not agree to training.
    pub without_consent: usize,
    /// Steps whose episode is not there.
    pub orphans: usize,
}

/// Joins rows to episodes. Feedback is not looked at.
pub fn episodes_of(records: impl IntoIterator<Item = Record>) -> Gathered {
    let mut heads: Vec<EpisodeRow> = Vec::new();
    let mut steps: BTreeMap<String, BTreeMap<i32, StepRow>> = BTreeMap::new();
    for record in records {
        match record {
            Record::Episode(row) => heads.push(row),
            Record::Step(row) => {
                let of = steps.entry(row.episode_id.to_string()).or_default();
                of.entry(row.step_index).or_insert(row);
            }
            Record::Feedback(_) => (),
        }
    }
    let mut gathered = Gathered::default();
    let mut known = BTreeSet::new();
    for head in heads {
        if !known.insert(head.episode_id.to_string()) {
            continue;
        }
        let steps = steps.remove(head.episode_id.as_str()).unwrap_or_default();
        if head.consent == Consent::Train {
            gathered.episodes.push(episode(head, steps.into_values().map(step).collect()));
        } else {
            gathered.without_consent += 1;
        }
    }
    gathered.orphans = steps.values().map(BTreeMap::len).sum();
    gathered
}

fn episode(row: EpisodeRow, steps: Vec<Step>) -> Episode {
    let level: Option<LevelRef> =
        row.level_json.as_deref().and_then(|json| serde_json::from_str(json).ok());
    Episode {
        domain: domain_of(level.as_ref(), row.attrs_json.as_deref(), &row.workflow),
        id: row.episode_id,
        task_id: row.task_id,
        workflow: row.workflow,
        format: row.format,
        agent: row.agent_name,
        level,
        status: row.status.as_str().to_owned(),
        score: row.total_reward.unwrap_or(0.0).clamp(0.0, 1.0),
        scored_by: match row.total_reward {
            Some(_) => ScoredBy::Outcome,
            None => ScoredBy::Nothing,
        },
        total_reward: row.total_reward,
        imitation: true,
        offline: true,
        split: DataSplit::Train,
        steps,
    }
}

/// The field of work: the level's family, else what the log calls it, else the workflow.
pub fn domain_of(level: Option<&LevelRef>, attrs: Option<&str>, workflow: &str) -> String {
    if let Some(level) = level {
        return level.family.clone();
    }
    let attrs: Option<Value> = attrs.and_then(|text| serde_json::from_str(text).ok());
    let stated = attrs.as_ref().and_then(|value| value.get("domain")).and_then(Value::as_str);
    stated.unwrap_or(workflow).to_owned()
}

fn step(row: StepRow) -> Step {
    let candidate = |c: crate::logs::Candidate| Candidate {
        id: c.id,
        score: c.score,
        propensity: c.propensity,
    };
    Step {
        index: row.step_index,
        action: row.action_type,
        tool: row.tool_name,
        args_json: row.tool_args_json,
        result_json: row.tool_result_json,
        observation_json: row.observation_json,
        candidates: row.candidate_actions.unwrap_or_default().into_iter().map(candidate).collect(),
        chosen: row.chosen_index,
        propensity: row.propensity,
        outcome: row.outcome_index,
        reward: row.reward.map(f64::from),
        done: row.done,
        error: row.error_type,
        tool_defs: row.tool_defs_sha.and_then(|sha| sha.parse().ok()),
        correction: None,
    }
}
