//! Stage 2: of episodes with the same trajectory on the same level or task, the first is kept.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use polars::prelude::*;

use super::{Filter, Finding, Setting, Table, each};
use crate::core::Digest;
use crate::curate::columns::{long, text};
use crate::curate::episodes::split_keys;
use crate::curate::{CurateError, Role};

const DUPLICATE: &str = "duplicate_trajectory";

pub(in crate::curate) const FILTER: Filter =
    Filter { stage: "exact_dedup", rules: &[(DUPLICATE, Role::All)], find };

fn find(table: &Table, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    if !setting.params.exact_dedup {
        return Ok(Vec::new());
    }
    let hits = table.episodes.clone().lazy().filter(col("leader").is_not_null()).collect()?;
    let leaders = text(&hits, "leader")?;
    each(&hits, |id, row| {
        let leader = leaders.get(row).unwrap_or_default();
        let evidence = format!("the same steps with the same results as `{leader}`");
        Finding::episode(DUPLICATE, id, evidence).matching(leader)
    })
}

/// Clusters of episodes with the same trajectory on the same level or task, by the digest of both.
#[derive(Default)]
pub(in crate::curate) struct Clusters {
    leaders: BTreeMap<Digest, Leader>,
}

/// The episode that leads a cluster: the first by time, then by id.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::curate) struct Leader {
    // A time that stands in for a missing one (the object's, the night's) depends on when files were
    // copied, so episodes without a time of their own come after those with one.
    timeless: bool,
    time: i64,
    id: Box<str>,
    pub(in crate::curate) split_key: u64,
}

impl Clusters {
    /// Takes in episodes of a candidate table.
    pub(in crate::curate) fn add(&mut self, episodes: &DataFrame) -> Result<(), CurateError> {
        let (ids, sources) = (text(episodes, "episode_id")?, text(episodes, "time_source")?);
        let times = sources.iter().zip(long(episodes, "event_time")?.iter());
        let split_keys = split_keys(episodes)?;
        let rows = ids.iter().zip(times).zip(split_keys).zip(keys(episodes)?);
        for (((id, (source, time)), split_key), key) in rows {
            let (Some(id), Some(key)) = (id, key) else { continue };
            let time = time.filter(|_| source == Some("log"));
            let (timeless, time) = (time.is_none(), time.unwrap_or_default());
            let one = Leader { timeless, time, id: id.into(), split_key };
            match self.leaders.entry(key) {
                Entry::Occupied(mut best) if one < *best.get() => drop(best.insert(one)),
                Entry::Occupied(_) => {}
                Entry::Vacant(place) => drop(place.insert(one)),
            }
        }
        Ok(())
    }

    /// The leader of each episode's cluster; none where its row names neither level nor task.
    pub(in crate::curate) fn leaders(
        &self,
        episodes: &DataFrame,
    ) -> Result<Vec<Option<&Leader>>, CurateError> {
        Ok(keys(episodes)?.into_iter().map(|key| self.leaders.get(&key?)).collect())
    }

    /// Adds the column `leader` to a candidate table: of what episode a row is a copy, if of any.
    pub(in crate::curate) fn mark(&self, episodes: &mut DataFrame) -> Result<(), CurateError> {
        let leaders = self.leaders(episodes)?;
        let ids = text(episodes, "episode_id")?.iter();
        let copied = leaders.into_iter().zip(ids).map(|(leader, id)| {
            leader.map(|leader| leader.id.as_ref()).filter(|leader| Some(*leader) != id)
        });
        let copied = copied.collect::<StringChunked>().with_name("leader".into());
        episodes.with_column(copied.into_series().into_column())?;
        Ok(())
    }
}

/// Of each episode the digest of what its cluster shares.
fn keys(episodes: &DataFrame) -> Result<Vec<Option<Digest>>, CurateError> {
    let (levels, tasks) = (text(episodes, "level_digest")?, text(episodes, "task_id")?);
    let places = levels.iter().zip(tasks.iter());
    let key = |((level, task), trajectory): ((Option<&str>, Option<&str>), Option<&str>)| {
        let (place, trajectory) = level.or(task).zip(trajectory)?;
        // A level's digest and a task of the same name are not the same place.
        let kind = if level.is_some() { "level" } else { "task" };
        Some(Digest::of(format!("{kind} {trajectory} {place}").as_bytes()))
    };
    Ok(places.zip(text(episodes, "trajectory")?.iter()).map(key).collect())
}
