//! The planner: the fewest calls to a goal, proven.
//!
//! Breadth-first search while the space is small; then a plan by greedy search, made shorter; then
//! A* with LM-cut, which looks only for something better than that. All of them see one state for
//! those that differ in interchangeable objects. Stochastic calls are planned optimistically: every
//! outcome is a choice, so the minimum is what the luckiest episode needs. Expected calls are the
//! business of `value.rs`.

mod astar;
mod bfs;
mod cost;
mod counting;
mod ff;
mod fields;
mod greedy;
mod limits;
mod lmcut;
mod masks;
mod nodes;
mod orbit;
mod problem;
mod relaxed;
mod relevance;
mod shorten;
mod space;
mod stock;
mod symmetry;
mod table;
mod value;
mod verify;

pub use cost::least_cost;
pub(super) use limits::Budget;
pub use limits::SolveLimits;
pub(super) use problem::Problem;
pub(super) use value::Values;
pub use value::expected_calls;
pub use verify::{VerifyError, certify, replay};
pub(super) use verify::{certify_with_slack, planned};

use counting::Counting;
use relaxed::Relaxed;
use space::{OpId, number};

use super::play::Play;
use super::world::{CallId, World};

/// Part of the states of the greedy search that its plan may cost again to be made shorter.
const SHORTEN_SHARE: u64 = 10;

/// A plan: calls, each with the outcome that it counts on.
pub type Plan = Vec<(CallId, usize)>;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Solution {
    /// A shortest plan.
    Proven {
        /// The plan.
        plan: Plan,
        /// `bfs` or `astar-lmcut`.
        method: &'static str,
        /// States expanded.
        expanded: u64,
    },
    /// There is no plan that makes no forbidden call.
    Unsolvable {
        /// States expanded.
        expanded: u64,
    },
    /// A plan that may not be the shortest.
    UpperBound {
        /// The plan.
        plan: Plan,
        /// No plan is shorter than this.
        at_least: u32,
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

    /// States expanded.
    pub fn expanded(&self) -> u64 {
        match self {
            Self::Proven { expanded, .. }
            | Self::Unsolvable { expanded }
            | Self::UpperBound { expanded, .. }
            | Self::GaveUp { expanded } => *expanded,
        }
    }
}

/// Solves a world from its start.
pub fn solve(world: &World, limits: &SolveLimits) -> Solution {
    let problem = Problem::new(world);
    let start = problem.space.start(world);
    search(&problem, &start, limits, &mut Budget::new(limits))
}

/// Solves from the current state of an episode; calls already made do not count.
pub(super) fn solve_from(play: &Play, limits: &SolveLimits) -> Solution {
    let problem = Problem::new(play.world());
    let start = problem.space.state(play);
    search(&problem, &start, limits, &mut Budget::new(limits))
}

/// A shortest plan from the current state, or the best one found within the limits.
pub fn plan_from(play: &Play, limits: &SolveLimits) -> Option<Vec<CallId>> {
    let solution = solve_from(play, limits);
    solution.plan().map(|plan| plan.iter().map(|&(call, _)| call).collect())
}

/// How a search ended.
#[derive(Debug)]
pub(super) enum Found {
    /// A plan; what kind of plan is the search's business.
    Plan(Vec<OpId>),
    /// There is none.
    Exhausted,
    /// A limit was reached; every plan costs at least this.
    Limit { least: u32 },
}

/// Solves from a state of the problem's space.
pub(super) fn search(
    problem: &Problem,
    start: &[u64],
    limits: &SolveLimits,
    budget: &mut Budget,
) -> Solution {
    match bfs::bfs(problem, start, limits.bfs_states, budget) {
        Found::Plan(plan) => return proven(problem, &plan, "bfs", budget),
        Found::Exhausted => return Solution::Unsolvable { expanded: budget.expanded },
        Found::Limit { .. } => {}
    }
    if limits.greedy_states == 0 && limits.astar_states == 0 {
        return Solution::GaveUp { expanded: budget.expanded };
    }
    let relaxed = Relaxed::new(problem.world, &problem.space);
    Large { problem, relaxed: &relaxed, start, limits }.solve(budget)
}

fn named(problem: &Problem, plan: &[OpId]) -> Plan {
    plan.iter().filter_map(|&op| problem.space.named(op)).collect()
}

fn proven(problem: &Problem, plan: &[OpId], method: &'static str, budget: &Budget) -> Solution {
    Solution::Proven { plan: named(problem, plan), method, expanded: budget.expanded }
}

/// A world that is too large for breadth-first search.
struct Large<'a> {
    problem: &'a Problem<'a>,
    relaxed: &'a Relaxed,
    start: &'a [u64],
    limits: &'a SolveLimits,
}

impl Large<'_> {
    fn solve(&self, budget: &mut Budget) -> Solution {
        let (problem, limits) = (self.problem, self.limits);
        let mut known = None;
        if limits.greedy_states > 0 {
            match greedy::greedy(problem, self.relaxed, self.start, limits.greedy_states, budget) {
                Found::Plan(plan) => known = Some(self.shorten(plan, budget)),
                Found::Exhausted => return Solution::Unsolvable { expanded: budget.expanded },
                Found::Limit { .. } => {}
            }
        }
        let least = match self.astar(known.as_ref().map(Vec::len), budget) {
            Found::Plan(plan) => return proven(problem, &plan, "astar-lmcut", budget),
            Found::Exhausted => match known {
                Some(plan) => return proven(problem, &plan, "astar-lmcut", budget),
                None => return Solution::Unsolvable { expanded: budget.expanded },
            },
            Found::Limit { least } => least,
        };
        let expanded = budget.expanded;
        match known {
            Some(plan) => {
                Solution::UpperBound { plan: named(problem, &plan), at_least: least, expanded }
            }
            None => Solution::GaveUp { expanded },
        }
    }

    fn shorten(&self, plan: Vec<OpId>, budget: &mut Budget) -> Vec<OpId> {
        let expansions = self.limits.greedy_states as u64 / SHORTEN_SHARE;
        shorten::shorten(self.problem, self.relaxed, self.start, plan, expansions, budget)
    }

    /// A* for a plan that is shorter than the known one.
    fn astar(&self, known: Option<usize>, budget: &mut Budget) -> Found {
        let costs = vec![1; self.problem.space.ops().len()];
        let counting = Counting::new(self.problem);
        let query = astar::Query {
            problem: self.problem,
            relaxed: self.relaxed,
            start: self.start,
            aim: self.relaxed.goal(),
            costs: &costs,
            bound: known.map_or(space::NONE, number),
            counting: counting.as_ref(),
            states: self.limits.astar_states,
            memory: self.limits.memory,
        };
        astar::astar(&query, budget)
    }
}
