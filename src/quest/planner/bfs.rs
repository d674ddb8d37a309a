//! Breadth-first search: the first goal found is a nearest one.

use super::Found;
use super::limits::Budget;
use super::nodes::{Nodes, START};
use super::problem::Problem;

/// Searches until the goal, until every state is seen, or until there are too many states.
pub(in crate::quest) fn bfs(
    problem: &Problem,
    start: &[u64],
    states: usize,
    budget: &mut Budget,
) -> Found {
    let space = &problem.space;
    let mut nodes = Nodes::new(space.stride());
    let (mut state, mut swaps) = (start.to_vec(), Vec::new());
    problem.canonical(&mut state, &mut swaps);
    nodes.add(&state, START, 0);
    if space.goal(&state) {
        return Found::Plan(Vec::new());
    }
    let (mut next, mut moves) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < nodes.len() {
        if nodes.len() > states || budget.spent(nodes.bytes()) {
            return Found::Limit { least: 0 };
        }
        budget.expanded += 1;
        state.clear();
        state.extend_from_slice(nodes.state(at));
        space.applicable(&state, &mut moves);
        for &id in &moves {
            for op in space.ops_of(id) {
                problem.successor(&state, op, &mut next, &mut swaps);
                let (index, new) = nodes.add(&next, at, op);
                if new && space.goal(&next) {
                    return Found::Plan(problem.unfold(start, &nodes.trace(index)));
                }
            }
        }
        at += 1;
    }
    Found::Exhausted
}
