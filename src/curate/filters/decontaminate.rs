//! Stage 6: nothing that evaluation uses may be learned from, in any role.

use polars::prelude::*;

use super::{Filter, Finding, Setting, Table, each};
use crate::core::Digest;
use crate::curate::columns::text;
use crate::curate::episodes::level;
use crate::curate::{CurateError, Role};
use crate::quest::{Split, split_of};

const LEVEL: &str = "evaluation_level";
const SPLIT: &str = "evaluation_split";
const NARRATIVE: &str = "evaluation_narrative";

pub(in crate::curate) const FILTER: Filter = Filter {
    stage: "decontaminate",
    rules: &[(LEVEL, Role::All), (SPLIT, Role::All), (NARRATIVE, Role::All)],
    find,
};

fn find(table: &Table, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    if !setting.params.decontaminate {
        return Ok(Vec::new());
    }
    let mut findings = levels(&table.episodes, setting)?;
    findings.extend(narratives(&table.episodes)?);
    Ok(findings)
}

fn levels(episodes: &DataFrame, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    let (ids, json) = (text(episodes, "episode_id")?, text(episodes, "level_json")?);
    let digests = text(episodes, "level_digest")?;
    let mut findings = Vec::new();
    for (row, id) in ids.iter().enumerate() {
        // A level that cannot be read was dropped by the first filter.
        let played = level(json.get(row), digests.get(row)).ok().flatten();
        let Some((id, played)) = id.zip(played) else { continue };
        findings.extend(verdict(id, &played.digest, setting));
    }
    Ok(findings)
}

fn verdict(id: &str, level: &Digest, setting: &Setting) -> Option<Finding> {
    let (rule, evidence) = if setting.context.eval_levels.contains(level) {
        (LEVEL, "it was played on a level that evaluation uses")
    } else if split_of(level) == Split::Evaluation {
        (SPLIT, "its level belongs to the levels that are kept for evaluation")
    } else {
        return None;
    };
    Some(Finding::episode(rule, id, evidence).matching(&level.to_string()))
}

/// Without a level, the words of the task are all there is to compare.
fn narratives(episodes: &DataFrame) -> Result<Vec<Finding>, CurateError> {
    let no_level = col("level_json").is_null().and(col("level_digest").is_null());
    let shown = no_level.and(col("narrative").is_not_null());
    let hits = episodes.clone().lazy().filter(shown).collect()?;
    let matched = text(&hits, "narrative")?;
    each(&hits, |id, row| {
        let matched = matched.get(row).unwrap_or_default();
        let evidence = "what the agent saw first is an evaluation task, word for word";
        Finding::episode(NARRATIVE, id, evidence).matching(matched)
    })
}
