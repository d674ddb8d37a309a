//! Least cost, where calls do not all cost the same.

use super::Found;
use super::astar::{Query, astar};
use super::limits::{Budget, SolveLimits};
use super::problem::Problem;
use super::relaxed::Relaxed;
use super::space::{NONE, number};
use crate::quest::world::World;

/// Finest units that are tried: costs are counted in this many parts of one at most.
const FINEST: u32 = 1_000;
/// Largest cost of a call in units.
const LARGEST: f64 = 1_000_000.0;

/// Costs of the ops in whole units, and units of a plain call; None where no unit fits.
fn in_units(problem: &Problem) -> Option<(Vec<u32>, f64)> {
    let cost = |op| problem.space.parts(problem.world, op).map_or(1.0, |(call, _)| call.cost);
    let costs: Vec<f64> = problem.space.ops().iter().map(cost).collect();
    let whole = |parts: u32| {
        let scaled = |c: &f64| {
            let units = c * f64::from(parts);
            let fits = (units - units.round()).abs() < 1e-9 && (0.0..=LARGEST).contains(&units);
            fits.then(|| units.round() as u32)
        };
        let all = costs.iter().map(scaled).collect::<Option<Vec<u32>>>()?;
        Some((all, f64::from(parts)))
    };
    (1..=FINEST).find_map(whole)
}

/// The least cost of any plan, in units of one plain call; None where it could not be proven. The
/// plan known is a shortest one, of `calls` calls that cost `cost` together.
pub fn least_cost(world: &World, limits: &SolveLimits, calls: usize, cost: f64) -> Option<f64> {
    least_cost_within(&Problem::new(world), limits, calls, cost, &mut Budget::new(limits))
}

pub(super) fn least_cost_within(
    problem: &Problem,
    limits: &SolveLimits,
    calls: usize,
    cost: f64,
    budget: &mut Budget,
) -> Option<f64> {
    let (costs, unit) = in_units(problem)?;
    let each = costs.first().copied().unwrap_or(0);
    if costs.iter().all(|&c| c == each) {
        // All calls cost the same, so the fewest cost the least.
        return Some(f64::from(each) / unit * f64::from(number(calls)));
    }
    let relaxed = Relaxed::new(problem.world, &problem.space);
    let start = problem.space.start(problem.world);
    let known = (cost * unit).round();
    let query = Query {
        problem,
        relaxed: &relaxed,
        start: &start,
        aim: relaxed.goal(),
        costs: &costs,
        bound: if known < f64::from(NONE) { known as u32 } else { NONE },
        counting: None,
        states: limits.astar_states.max(limits.bfs_states),
        memory: limits.memory,
    };
    match astar(&query, budget) {
        Found::Plan(plan) => {
            let total: u32 = plan.iter().filter_map(|&op| costs.get(op as usize)).sum();
            Some(f64::from(total) / unit)
        }
        // Nothing is cheaper than what is known.
        Found::Exhausted => Some(cost),
        Found::Limit { .. } => None,
    }
}
