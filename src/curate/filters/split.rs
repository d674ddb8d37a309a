//! Stage 7: the split. It drops nothing; a whole cluster of duplicates falls into one part, that of
//! its first member.

use super::exact_dedup::Leader;
use crate::curate::CurateParams;
use crate::dataset::DataSplit;

/// The part of the dataset that a cluster falls into.
pub(in crate::curate) fn part(leader: Option<&Leader>, params: &CurateParams) -> DataSplit {
    let part = |leader: &Leader| DataSplit::of(leader.split_key, params.split, params.seed);
    leader.map_or(DataSplit::Train, part)
}
