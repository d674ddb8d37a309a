//! The graph of a pipeline's steps by index: what each needs, what needs it, and an order in which they
//! can run.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use super::spec::StepSpec;

/// The steps of a pipeline and what joins them. Indices are those of the list of steps.
pub(super) struct Graph {
    /// What each step needs.
    pub up: Vec<Vec<usize>>,
    /// What needs each step.
    pub down: Vec<Vec<usize>>,
    /// Each step after those that it needs; of several that could come next, the first of the file.
    pub order: Vec<usize>,
}

impl Graph {
    /// The graph of a list of steps. Steps on a cycle, and those behind one, are in no order.
    pub(super) fn of(steps: &[StepSpec]) -> Self {
        let index: HashMap<&str, usize> =
            steps.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
        let find =
            |ids: Vec<String>| ids.iter().filter_map(|id| index.get(&**id).copied()).collect();
        let up: Vec<Vec<usize>> = steps.iter().map(|step| find(step.upstream())).collect();
        let mut down = vec![Vec::new(); steps.len()];
        for (at, needs) in up.iter().enumerate() {
            needs.iter().for_each(|need| down[*need].push(at));
        }
        let mut open: Vec<usize> = up.iter().map(Vec::len).collect();
        let free = open.iter().enumerate().filter(|(_, open)| **open == 0);
        let mut ready: BinaryHeap<Reverse<usize>> = free.map(|(at, _)| Reverse(at)).collect();
        let mut order = Vec::with_capacity(steps.len());
        while let Some(Reverse(at)) = ready.pop() {
            order.push(at);
            for next in &down[at] {
                open[*next] -= 1;
                if open[*next] == 0 {
                    ready.push(Reverse(*next));
                }
            }
        }
        Self { up, down, order }
    }

    /// A cycle, first and last step the same, or nothing.
    pub(super) fn cycle(&self) -> Option<Vec<usize>> {
        let ordered: BTreeSet<usize> = self.order.iter().copied().collect();
        let stuck = |at: &usize| !ordered.contains(at);
        let mut path = vec![(0..self.up.len()).find(stuck)?];
        loop {
            // What has no place in the order needs something that has none either.
            let next = self.up[*path.last()?].iter().copied().find(|at| stuck(at))?;
            if let Some(at) = path.iter().position(|seen| *seen == next) {
                let mut found = path.split_off(at);
                found.push(next);
                found.reverse();
                return Some(found);
            }
            path.push(next);
        }
    }

    /// The steps of a set and all that they need.
    pub(super) fn with_upstream(&self, from: &[usize]) -> BTreeSet<usize> {
        reach(from, &self.up)
    }

    /// The steps of a set and all that need them.
    pub(super) fn with_downstream(&self, from: &[usize]) -> BTreeSet<usize> {
        reach(from, &self.down)
    }
}

fn reach(from: &[usize], edges: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> = BTreeSet::new();
    let mut open = from.to_vec();
    while let Some(at) = open.pop() {
        if found.insert(at) {
            open.extend(&edges[at]);
        }
    }
    found
}
