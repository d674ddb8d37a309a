//! The planner: fewest calls, proven. Breadth first while the space is small, else A* with hmax.
//!
//! Stochastic calls are planned optimistically: every outcome is a choice, so the minimum is what
//! the luckiest episode needs. Expected calls are the business of `value.rs`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::play::Play;
use super::search::{Space, Table};
use super::world::{CallId, FactId, World, bit};

/// How much a search may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SolveLimits {
    /// Most states of the breadth-first search.
    pub bfs_states: usize,
    /// Most states of A*, and of the weighted search after it.
    pub astar_states: usize,
    /// Most states of value iteration.
    pub value_states: usize,
}

impl Default for SolveLimits {
    fn default() -> Self {
        Self { bfs_states: 1_000_000, astar_states: 1_000_000, value_states: 40_000 }
    }
}

/// A plan: calls, each with the outcome that it counts on.
pub type Plan = Vec<(CallId, usize)>;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Solution {
    /// A shortest plan.
    Proven {
        /// The plan.
        plan: Plan,
        /// `bfs` or `astar-hmax`.
        method: &'static str,
        /// States expanded.
        expanded: u64,
    },
    /// Every reachable state was seen and none is a goal.
    Unsolvable {
        /// States expanded.
        expanded: u64,
    },
    /// A plan that may not be the shortest.
    UpperBound {
        /// The plan.
        plan: Plan,
        /// States expanded.
        expanded: u64,
    },
    /// Nothing was found within the limits.
    GaveUp {
        /// States expanded.
        expanded: u64,
    },
}

impl Solution {
    /// The plan, proven or not.
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Proven { plan, .. } | Self::UpperBound { plan, .. } => Some(plan),
            Self::Unsolvable { .. } | Self::GaveUp { .. } => None,
        }
    }
}

/// Solves a world from its start.
pub fn solve(world: &World, limits: &SolveLimits) -> Solution {
    let space = Space::new(world);
    let start = space.start(world);
    search(world, &space, &start, limits)
}

/// Solves from the current state of an episode; calls already made do not count.
pub(super) fn solve_from(play: &Play, limits: &SolveLimits) -> Solution {
    let space = Space::new(play.world());
    let start = space.state(play);
    search(play.world(), &space, &start, limits)
}

/// A shortest plan from the current state, or the best one found within the limits.
pub fn plan_from(play: &Play, limits: &SolveLimits) -> Option<Vec<CallId>> {
    let solution = solve_from(play, limits);
    solution.plan().map(|plan| plan.iter().map(|&(call, _)| call).collect())
}

fn search(world: &World, space: &Space, start: &[u64], limits: &SolveLimits) -> Solution {
    let (found, first) = bfs(space, start, limits.bfs_states);
    match found {
        Found::Plan(plan) => return Solution::Proven { plan, method: "bfs", expanded: first },
        Found::Exhausted => return Solution::Unsolvable { expanded: first },
        Found::Limit => {}
    }
    let (found, second) = astar(world, space, start, limits.astar_states, 1);
    let expanded = first + second;
    match found {
        Found::Plan(plan) => return Solution::Proven { plan, method: "astar-hmax", expanded },
        Found::Exhausted => return Solution::Unsolvable { expanded },
        Found::Limit => {}
    }
    let (found, third) = astar(world, space, start, limits.astar_states, 5);
    let expanded = expanded + third;
    match found {
        Found::Plan(plan) => Solution::UpperBound { plan, expanded },
        Found::Exhausted => Solution::Unsolvable { expanded },
        Found::Limit => Solution::GaveUp { expanded },
    }
}

pub(super) enum Found {
    Plan(Plan),
    Exhausted,
    Limit,
}

/// How a state was first (or best) reached.
#[derive(Clone, Copy)]
struct Origin {
    parent: u32,
    call: CallId,
    outcome: u32,
}

const NOWHERE: u32 = u32::MAX;

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(NOWHERE)
}

fn trace(origins: &[Origin], end: usize) -> Plan {
    let mut plan = Vec::new();
    let mut at = end;
    while let Some(origin) = origins.get(at) {
        if origin.parent == NOWHERE {
            break;
        }
        plan.push((origin.call, origin.outcome as usize));
        at = origin.parent as usize;
    }
    plan.reverse();
    plan
}

/// Breadth first; the first goal found is a nearest one.
pub(super) fn bfs(space: &Space, start: &[u64], limit: usize) -> (Found, u64) {
    let mut table = Table::new(space.stride());
    table.insert(start);
    if space.goal(start) {
        return (Found::Plan(Vec::new()), 0);
    }
    let mut origins = vec![Origin { parent: NOWHERE, call: 0, outcome: 0 }];
    let (mut state, mut next) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < table.len() {
        state.clear();
        state.extend_from_slice(table.get(at));
        for &call in space.active().iter().filter(|&&c| space.applicable(&state, c)) {
            for outcome in 0..space.outcomes(call) {
                space.successor(&state, call, outcome, &mut next);
                let (index, new) = table.insert(&next);
                if !new {
                    continue;
                }
                let (parent, call, outcome) = (number(at), number(call), number(outcome));
                origins.push(Origin { parent, call, outcome });
                if space.goal(&next) {
                    return (Found::Plan(trace(&origins, index)), at as u64 + 1);
                }
                if table.len() >= limit {
                    return (Found::Limit, at as u64 + 1);
                }
            }
        }
        at += 1;
    }
    (Found::Exhausted, at as u64)
}

/// A* with `weight` × hmax; with weight 1 the plan is a shortest one, for hmax never overestimates.
pub(super) fn astar(
    world: &World,
    space: &Space,
    start: &[u64],
    limit: usize,
    weight: u32,
) -> (Found, u64) {
    let mut hmax = Hmax::new(world);
    let mut table = Table::new(space.stride());
    table.insert(start);
    let Some(h) = hmax.value(start) else { return (Found::Exhausted, 0) };
    let mut origins = vec![Origin { parent: NOWHERE, call: 0, outcome: 0 }];
    // Per state: calls on the best known way, and hmax (None where the goal is out of reach).
    let mut reached = vec![(0u32, Some(h))];
    let mut open = BinaryHeap::from([Reverse((h * weight, h, 0u32, 0usize))]);
    let (mut state, mut next) = (Vec::new(), Vec::new());
    let mut expanded = 0;
    while let Some(Reverse((_, _, cost, at))) = open.pop() {
        if reached.get(at).is_none_or(|r| r.0 < cost) {
            continue;
        }
        state.clear();
        state.extend_from_slice(table.get(at));
        if space.goal(&state) {
            return (Found::Plan(trace(&origins, at)), expanded);
        }
        expanded += 1;
        for &call in space.active().iter().filter(|&&c| space.applicable(&state, c)) {
            for outcome in 0..space.outcomes(call) {
                space.successor(&state, call, outcome, &mut next);
                let (index, new) = table.insert(&next);
                let origin =
                    Origin { parent: number(at), call: number(call), outcome: number(outcome) };
                if new {
                    origins.push(origin);
                    reached.push((cost + 1, hmax.value(&next)));
                } else if let (Some(old), Some(slot)) =
                    (reached.get_mut(index), origins.get_mut(index))
                {
                    if old.0 <= cost + 1 {
                        continue;
                    }
                    old.0 = cost + 1;
                    *slot = origin;
                }
                if let Some(&(g, Some(h))) = reached.get(index) {
                    open.push(Reverse((g + h * weight, h, g, index)));
                }
                if table.len() >= limit {
                    return (Found::Limit, expanded);
                }
            }
        }
    }
    (Found::Exhausted, expanded)
}

/// hmax over literals: the layer of relaxed calls at which the last goal literal appears.
/// Numeric conditions count as met, which keeps it admissible.
struct Hmax<'w> {
    world: &'w World,
    /// Literal `2 × fact + (1 if false)` → calls that need it.
    waiting: Vec<Vec<CallId>>,
    need: Vec<u32>,
    free: Vec<CallId>,
    goal: Vec<usize>,
    layer: Vec<u32>,
    left: Vec<u32>,
}

fn literal(fact: FactId, on: bool) -> usize {
    fact as usize * 2 + usize::from(!on)
}

impl<'w> Hmax<'w> {
    fn new(world: &'w World) -> Self {
        let mut waiting = vec![Vec::new(); world.facts().len() * 2];
        let mut need = Vec::new();
        let mut free = Vec::new();
        for (id, call) in (0u32..).zip(world.calls()) {
            let on = call.pre_true.iter().map(|&f| literal(f, true));
            for l in on.chain(call.pre_false.iter().map(|&f| literal(f, false))) {
                if let Some(row) = waiting.get_mut(l) {
                    row.push(id);
                }
            }
            let count = call.pre_true.len() + call.pre_false.len();
            need.push(number(count));
            if count == 0 {
                free.push(id);
            }
        }
        let on = world.goal_true().iter().map(|&f| literal(f, true));
        let goal = on.chain(world.goal_false().iter().map(|&f| literal(f, false))).collect();
        Self { world, waiting, need, free, goal, layer: Vec::new(), left: Vec::new() }
    }

    /// None where the goal cannot be reached even in the relaxation.
    fn value(&mut self, state: &[u64]) -> Option<u32> {
        self.layer.clear();
        self.layer.resize(self.waiting.len(), NOWHERE);
        self.left.clone_from(&self.need);
        let mut now = Vec::new();
        for fact in 0..number(self.world.facts().len()) {
            let l = literal(fact, bit(state, fact));
            self.reach(l, 0, &mut now);
        }
        let mut ready = self.free.clone();
        let mut depth = 0;
        loop {
            for l in std::mem::take(&mut now) {
                for &call in self.waiting.get(l).map_or(&[][..], Vec::as_slice) {
                    if let Some(left) = self.left.get_mut(call as usize) {
                        *left -= 1;
                        if *left == 0 {
                            ready.push(call);
                        }
                    }
                }
            }
            let met = |&l: &usize| self.layer.get(l).is_some_and(|&d| d != NOWHERE);
            if self.goal.iter().all(met) {
                return Some(depth);
            }
            depth += 1;
            for call in std::mem::take(&mut ready) {
                self.fire(call, depth, &mut now);
            }
            if now.is_empty() {
                return None;
            }
        }
    }

    fn reach(&mut self, l: usize, depth: u32, now: &mut Vec<usize>) {
        if let Some(slot) = self.layer.get_mut(l)
            && *slot == NOWHERE
        {
            *slot = depth;
            now.push(l);
        }
    }

    fn fire(&mut self, call: CallId, depth: u32, now: &mut Vec<usize>) {
        let world = self.world;
        let Some(call) = world.calls().get(call as usize) else { return };
        for outcome in &call.outcomes {
            for &fact in &outcome.add {
                self.reach(literal(fact, true), depth, now);
            }
            for &fact in &outcome.del {
                self.reach(literal(fact, false), depth, now);
            }
        }
    }
}
