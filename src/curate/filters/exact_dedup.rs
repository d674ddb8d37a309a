//! Stage 2: of episodes with the same trajectory on the same level or task, the first is kept.

use polars::prelude::*;

use super::{Filter, Finding, Setting, Table, each};
use crate::curate::columns::text;
use crate::curate::{CurateError, Role};

const DUPLICATE: &str = "duplicate_trajectory";

pub(in crate::curate) const FILTER: Filter =
    Filter { stage: "exact_dedup", rules: &[(DUPLICATE, Role::All)], find };

fn find(table: &Table, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    if !setting.params.exact_dedup {
        return Ok(Vec::new());
    }
    let hits = clusters(&table.episodes).filter(col("episode_id").neq(col("leader"))).collect()?;
    let leaders = text(&hits, "leader")?;
    each(&hits, |id, row| {
        let leader = leaders.get(row).unwrap_or_default();
        let evidence = format!("the same steps with the same results as `{leader}`");
        Finding::episode(DUPLICATE, id, evidence).matching(leader)
    })
}

/// Each episode with the leader of its cluster: the first by time, then by id. `episode_id`,
/// `leader`.
pub(in crate::curate) fn clusters(episodes: &DataFrame) -> LazyFrame {
    // A time that stands in for a missing one (the object's, the night's) depends on when files
    // were copied, so episodes without a time of their own come after those with one.
    let own_time = when(col("time_source").eq(lit("log")))
        .then(col("event_time"))
        .otherwise(lit(NULL).cast(DataType::Int64));
    let key = || [col("place"), col("on_level"), col("trajectory")];
    let rows = episodes.clone().lazy().select([
        col("episode_id"),
        coalesce(&[col("level_digest"), col("task_id")]).alias("place"),
        col("level_digest").is_not_null().alias("on_level"),
        col("trajectory"),
        own_time.alias("own_time"),
    ]);
    let order = SortMultipleOptions::default().with_nulls_last(true);
    let leaders = rows
        .clone()
        .sort(["own_time", "episode_id"], order)
        .group_by_stable(key())
        .agg([col("episode_id").first().alias("leader")]);
    rows.join(leaders, key(), key(), JoinArgs::new(JoinType::Inner))
        .select([col("episode_id"), col("leader")])
        .sort(["episode_id"], SortMultipleOptions::default())
}
