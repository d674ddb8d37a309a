//! Any plan, fast: lazy greedy best-first search with hFF and preferred ops (Richter and Helmert,
//! "Preferred Operators and Deferred Evaluation in Satisficing Planning", ICAPS 2009).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Found;
use super::ff::Ff;
use super::limits::Budget;
use super::nodes::{Nodes, START};
use super::problem::Problem;
use super::relaxed::Relaxed;
use super::space::{OpId, number};

/// How many states the preferred ops are taken ahead of all ops when the search makes progress.
const BOOST: i64 = 1000;

/// Least hFF of the state before, then the oldest; that state and the op.
type Entry = Reverse<(u32, u64, u32, OpId)>;

/// Ops that are yet to be tried: all, and the preferred ones.
#[derive(Debug, Default)]
struct Open {
    all: BinaryHeap<Entry>,
    preferred: BinaryHeap<Entry>,
    /// How far the preferred ones are behind in turns.
    lead: i64,
    count: u64,
}

impl Open {
    fn push(&mut self, h: u32, at: usize, op: OpId, preferred: bool) {
        self.count += 1;
        let entry = Reverse((h, self.count, number(at), op));
        self.all.push(entry);
        if preferred {
            self.preferred.push(entry);
        }
    }

    fn bytes(&self) -> usize {
        (self.all.len() + self.preferred.len()) * size_of::<Entry>()
    }

    fn pop(&mut self) -> Option<(usize, OpId)> {
        let preferred = !self.preferred.is_empty() && self.lead >= 0;
        self.lead += if preferred { -1 } else { 1 };
        let list = if preferred { &mut self.preferred } else { &mut self.all };
        let Reverse((_, _, at, op)) = list.pop()?;
        Some((at as usize, op))
    }
}

/// Searches until the goal, until every state is seen, or until there are too many states.
pub(in crate::quest) fn greedy(
    problem: &Problem,
    relaxed: &Relaxed,
    start: &[u64],
    states: usize,
    budget: &mut Budget,
) -> Found {
    let space = &problem.space;
    let mut ff = Ff::new(relaxed);
    let mut nodes = Nodes::new(space.stride());
    let mut open = Open::default();
    let mut nearest = u32::MAX;
    let (mut state, mut swaps) = (start.to_vec(), Vec::new());
    let (mut holding, mut helpful, mut moves) = (Vec::new(), Vec::new(), Vec::new());
    problem.canonical(&mut state, &mut swaps);
    let mut origin = (START, 0);
    loop {
        let (at, new) = nodes.add(&state, origin.0, origin.1);
        if new {
            if space.goal(&state) {
                return Found::Plan(problem.unfold(start, &nodes.trace(at)));
            }
            if nodes.len() > states || budget.spent(nodes.bytes() + open.bytes()) {
                return Found::Limit { least: 0 };
            }
            budget.expanded += 1;
            relaxed.holding(problem.world, space, &state, &mut holding);
            if let Some(h) = ff.value(&holding, &mut helpful) {
                if h < nearest {
                    (nearest, open.lead) = (h, open.lead + BOOST);
                }
                space.applicable(&state, &mut moves);
                for op in moves.iter().flat_map(|&id| space.ops_of(id)) {
                    open.push(h, at, op, helpful.contains(&op));
                }
            }
        }
        let Some((parent, op)) = open.pop() else { return Found::Exhausted };
        problem.successor(nodes.state(parent), op, &mut state, &mut swaps);
        origin = (parent, op);
    }
}
