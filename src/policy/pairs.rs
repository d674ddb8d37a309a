//! Pairs of choices in the same state, of which one is known to be better.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::graph::Graph;
use super::learners::PreferenceParams;
use crate::core::EpisodeId;

/// Two choices in one state.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The state.
    pub graph: Arc<Graph>,
    /// The better choice, as an index into [`Graph::applicable`].
    pub better: usize,
    /// The worse one.
    pub worse: usize,
    /// The episode of the worse one.
    pub episode: EpisodeId,
    /// The step at which it was made.
    pub step: i32,
}

/// A choice that got feedback.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// A number of the state.
    pub state: u64,
    /// The state.
    pub graph: &'a Arc<Graph>,
    /// The choice.
    pub choice: usize,
    /// The feedback of its episode, 0 to 1.
    pub score: f64,
    /// Its episode.
    pub episode: &'a EpisodeId,
    /// Its step.
    pub step: i32,
}

/// Pairs of choices that were made in the same state, in episodes whose feedback differs by more
/// than the gap; the widest gaps first, at most so many of a state.
pub fn pairs_of(judged: &[Judged<'_>], params: &PreferenceParams) -> Vec<Pair> {
    let mut states: BTreeMap<u64, Vec<&Judged<'_>>> = BTreeMap::new();
    judged.iter().for_each(|one| states.entry(one.state).or_default().push(one));
    let mut pairs = Vec::new();
    for choices in states.into_values() {
        let mut found: Vec<(&Judged<'_>, &Judged<'_>)> = Vec::new();
        for better in &choices {
            let differs = |worse: &&&Judged<'_>| {
                better.score - worse.score > params.gap && node(better) != node(worse)
            };
            found.extend(choices.iter().filter(differs).map(|worse| (*better, *worse)));
        }
        found.sort_by(|(a, b), (c, d)| {
            let gap = (c.score - d.score).total_cmp(&(a.score - b.score));
            gap.then_with(|| (a.episode, b.episode).cmp(&(c.episode, d.episode)))
        });
        pairs.extend(found.into_iter().take(params.per_state).map(|(better, worse)| Pair {
            graph: Arc::clone(worse.graph),
            better: better.choice,
            worse: worse.choice,
            episode: worse.episode.clone(),
            step: worse.step,
        }));
    }
    pairs
}

/// Calls that are alike share a node, and none of them is better than another.
fn node(judged: &Judged<'_>) -> Option<i32> {
    judged.graph.applicable.get(judged.choice).copied()
}
