//! Stage 7: the split. It drops nothing; a whole cluster of duplicates falls into one part, that of
//! its first member.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use super::exact_dedup::clusters;
use crate::curate::columns::text;
use crate::curate::episodes::Head;
use crate::curate::{CurateError, CurateParams};
use crate::dataset::DataSplit;

/// Gives every episode its part of the dataset.
pub(in crate::curate) fn assign(
    episodes: &DataFrame,
    heads: &mut BTreeMap<String, Head>,
    params: &CurateParams,
) -> Result<(), CurateError> {
    let clusters = clusters(episodes).collect()?;
    let (ids, leaders) = (text(&clusters, "episode_id")?, text(&clusters, "leader")?);
    for (id, leader) in ids.iter().zip(leaders.iter()) {
        let key = leader.and_then(|leader| heads.get(leader)).map(|head| head.split_key);
        if let (Some(key), Some(head)) = (key, id.and_then(|id| heads.get_mut(id))) {
            head.episode.split = DataSplit::of(key, params.split, params.seed);
        }
    }
    Ok(())
}
