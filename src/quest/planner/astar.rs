//! A* with LM-cut, evaluated late: a state waits with the bound that the one before leaves it, and
//! gets its own when it comes to the front. Ties go to the state that seems nearer to the goal.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Found;
use super::counting::Counting;
use super::limits::Budget;
use super::lmcut::{Landmarks, LmCut, landmarks};
use super::nodes::{Nodes, START};
use super::orbit::Swaps;
use super::problem::Problem;
use super::relaxed::{Aim, Prop, Relaxed};
use super::space::{NONE, OpId, number};

/// Part of the memory that landmarks may take: one in this many bytes.
const LANDMARK_SHARE: usize = 2;

/// What A* is asked.
#[derive(Debug, Clone, Copy)]
pub(in crate::quest) struct Query<'a> {
    pub problem: &'a Problem<'a>,
    pub relaxed: &'a Relaxed,
    pub start: &'a [u64],
    pub(super) aim: &'a Aim,
    /// Cost of every op.
    pub costs: &'a [u32],
    /// Only plans below this cost count.
    pub bound: u32,
    /// What is used up, where the goal is that of the world and every op costs 1.
    pub(super) counting: Option<&'a Counting>,
    /// Most states.
    pub states: usize,
    /// Most memory, in bytes.
    pub memory: usize,
}

/// What A* knows of a state besides how it was reached.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Least known cost from the start.
    g: u32,
    /// Lower bound on the cost to the goal; [`NONE`] where the goal is out of reach.
    h: u32,
    /// Whether the bound is its own.
    evaluated: bool,
    closed: bool,
    /// Whether objects changed places on the way from the state before.
    swapped: bool,
}

/// A plan of least cost below the bound. [`Found::Exhausted`] means that there is none.
pub(in crate::quest) fn astar(query: &Query<'_>, budget: &mut Budget) -> Found {
    let cost = |&op: &OpId| query.costs.get(op as usize).copied().unwrap_or(0);
    let costs = query.relaxed.ops.iter().map(cost).collect();
    let search = Search {
        query,
        heuristic: LmCut::new(query.relaxed, &query.aim.props, costs),
        nodes: Nodes::new(query.problem.space.stride()),
        known: Vec::new(),
        landmarks: Vec::new(),
        landmark_bytes: 0,
        open: BinaryHeap::new(),
        holding: Vec::new(),
        swaps: Swaps::new(),
    };
    search.run(budget)
}

/// Least f first, then least h, then the newest.
type Entry = (Reverse<(u32, u32)>, u32);

struct Search<'a> {
    query: &'a Query<'a>,
    heuristic: LmCut<'a>,
    nodes: Nodes,
    known: Vec<Known>,
    /// Per state: its landmarks, as long as there is memory for them.
    landmarks: Vec<Box<[u32]>>,
    landmark_bytes: usize,
    open: BinaryHeap<Entry>,
    holding: Vec<Prop>,
    swaps: Swaps,
}

impl Search<'_> {
    fn run(mut self, budget: &mut Budget) -> Found {
        let problem = self.query.problem;
        let (mut state, mut next, mut moves) = (self.query.start.to_vec(), Vec::new(), Vec::new());
        problem.canonical(&mut state, &mut self.swaps);
        self.reach(&state, START, 0, 0, 0);
        while let Some((Reverse((f, h)), at)) = self.open.pop() {
            let at = at as usize;
            let known = self.known[at];
            if known.closed || (known.g.saturating_add(known.h), known.h) != (f, h) {
                continue;
            }
            state.clear();
            state.extend_from_slice(self.nodes.state(at));
            if problem.space.meets(&state, &self.query.aim.needs) {
                return Found::Plan(problem.unfold(self.query.start, &self.nodes.trace(at)));
            }
            if !known.evaluated && !self.evaluate(at, &state) {
                continue;
            }
            if self.nodes.len() > self.query.states || budget.spent(self.bytes()) {
                return Found::Limit { least: f };
            }
            budget.expanded += 1;
            self.known[at].closed = true;
            problem.space.applicable(&state, &mut moves);
            for &id in &moves {
                for op in problem.space.ops_of(id) {
                    problem.successor(&state, op, &mut next, &mut self.swaps);
                    let g = known.g + self.query.costs[op as usize];
                    let left = self.known[at].h.saturating_sub(self.query.costs[op as usize]);
                    self.reach(&next, at, op, g, left);
                }
            }
        }
        Found::Exhausted
    }

    fn bytes(&self) -> usize {
        let node = size_of::<Known>() + size_of::<Box<[u32]>>();
        let open = self.open.len() * size_of::<Entry>();
        self.nodes.bytes() + self.nodes.len() * node + self.landmark_bytes + open
    }

    /// Notes that a state is reached at cost `g`, with a bound `h` on the rest.
    fn reach(&mut self, state: &[u64], parent: usize, op: OpId, g: u32, h: u32) {
        let swapped = !self.swaps.is_empty();
        let (index, new) = self.nodes.add(state, parent, op);
        if new {
            self.known.push(Known { g, h, evaluated: false, closed: false, swapped });
            self.landmarks.push(Box::default());
        } else {
            let known = &mut self.known[index];
            if known.g <= g {
                return;
            }
            (known.g, known.closed, known.swapped) = (g, false, swapped);
            self.nodes.redirect(index, parent, op);
        }
        self.put(index);
    }

    /// Puts a state in its place among the open ones, unless the bound rules it out.
    fn put(&mut self, at: usize) {
        let Known { g, h, .. } = self.known[at];
        let f = g.saturating_add(h);
        if f < self.query.bound {
            self.open.push((Reverse((f, h)), number(at)));
        }
    }

    /// The state's own bound. False where the state is no longer the first in line.
    fn evaluate(&mut self, at: usize, state: &[u64]) -> bool {
        let mut found = self.inherited(at);
        let (relaxed, problem) = (self.query.relaxed, self.query.problem);
        relaxed.holding(problem.world, &problem.space, state, &mut self.holding);
        let mut bound = self.heuristic.value(&self.holding, &mut found);
        if let (Some(low), Some(counting)) = (bound, self.query.counting) {
            bound = counting.bound(problem, relaxed, state, &found).map(|high| high.max(low));
        }
        let before = self.known[at].h;
        let after = bound.map_or(NONE, |h| h.max(before));
        (self.known[at].evaluated, self.known[at].h) = (true, after);
        if after != NONE && self.landmark_bytes < self.memory_for_landmarks() {
            self.landmark_bytes += size_of_val(&found[..]);
            self.landmarks[at] = found.into_boxed_slice();
        }
        if after > before {
            self.put(at);
        }
        after == before
    }

    fn memory_for_landmarks(&self) -> usize {
        self.query.memory / LANDMARK_SHARE
    }

    /// Landmarks of the state before that the op between is not in.
    fn inherited(&self, at: usize) -> Landmarks {
        let mut found = Landmarks::new();
        let Some((parent, op)) = self.nodes.origin(at).filter(|_| !self.known[at].swapped) else {
            return found;
        };
        for (cost, ops) in landmarks(&self.landmarks[parent]) {
            if !ops.iter().any(|&r| self.query.relaxed.ops[r as usize] == op) {
                found.extend([cost, number(ops.len())]);
                found.extend_from_slice(ops);
            }
        }
        found
    }
}
