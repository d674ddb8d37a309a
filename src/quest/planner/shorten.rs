//! Shorter plans from a plan: ops that are not needed go (action elimination: Nakhost and Müller,
//! ICAPS 2010), then windows of the plan are replanned with what the rest of it needs as their
//! goal (as block-deordering windows do: Siddiqui and Haslum, JAIR 2015).

use super::Found;
use super::astar::{Query, astar};
use super::limits::Budget;
use super::problem::Problem;
use super::relaxed::{Aim, Relaxed};
use super::space::{OpId, Space};

/// Ops in the first windows; the following ones are each twice as long.
const FIRST_WINDOW: usize = 8;
/// Most states of one window.
const WINDOW_STATES: usize = 2_000;

/// A plan that is no longer than this one, after at most `expansions` in all its windows.
pub(super) fn shorten(
    problem: &Problem,
    relaxed: &Relaxed,
    start: &[u64],
    plan: Vec<OpId>,
    expansions: u64,
    budget: &mut Budget,
) -> Vec<OpId> {
    // A window's goal is not the world's, so objects that are alike for this may not be for that.
    let plain = problem.plain();
    let costs = vec![1; plain.space.ops().len()];
    let end = budget.expanded + expansions;
    let mut plan = eliminate(&plain.space, start, plan);
    let mut width = FIRST_WINDOW;
    while width / 2 < plan.len() && budget.expanded < end && !budget.late() {
        let before = plan.len();
        let mut from = 0;
        while from + 1 < plan.len() && budget.expanded < end && !budget.late() {
            let window = Window { problem: &plain, relaxed, start, costs: &costs };
            if let Some(better) = window.replan(&plan, from, width, budget) {
                plan = better;
            }
            from += width / 2;
        }
        if plan.len() == before {
            width *= 2;
        }
    }
    plan
}

/// The states along a plan up to its first goal, and the ops that lead there; None where a step
/// is not possible or the goal is missed.
fn follow(space: &Space, start: &[u64], plan: &[OpId]) -> Option<(Vec<Vec<u64>>, Vec<OpId>)> {
    let mut states = vec![start.to_vec()];
    let mut made = Vec::new();
    for &op in plan {
        let state = states.last()?;
        if space.goal(state) {
            break;
        }
        let by = space.ops().get(op as usize)?.by;
        if !space.open(state, by) {
            return None;
        }
        let mut next = Vec::new();
        space.successor(state, op, &mut next);
        states.push(next);
        made.push(op);
    }
    space.goal(states.last()?).then_some((states, made))
}

/// Tries to do without each op, and without those that then are not possible.
fn eliminate(space: &Space, start: &[u64], plan: Vec<OpId>) -> Vec<OpId> {
    let mut plan = plan;
    let mut at = 0;
    while at < plan.len() {
        match without(space, start, &plan, at) {
            Some(shorter) => plan = shorter,
            None => at += 1,
        }
    }
    plan
}

fn without(space: &Space, start: &[u64], plan: &[OpId], left_out: usize) -> Option<Vec<OpId>> {
    let (mut state, mut next) = (start.to_vec(), Vec::new());
    let mut kept = Vec::with_capacity(plan.len());
    for (i, &op) in plan.iter().enumerate() {
        let by = space.ops().get(op as usize)?.by;
        if i != left_out && space.open(&state, by) {
            space.successor(&state, op, &mut next);
            std::mem::swap(&mut state, &mut next);
            kept.push(op);
        }
    }
    space.goal(&state).then_some(kept)
}

/// Where windows are replanned.
struct Window<'a> {
    problem: &'a Problem<'a>,
    relaxed: &'a Relaxed,
    start: &'a [u64],
    costs: &'a [u32],
}

impl Window<'_> {
    /// The plan with fewer ops in its window, if they are found.
    fn replan(
        &self,
        plan: &[OpId],
        from: usize,
        width: usize,
        budget: &mut Budget,
    ) -> Option<Vec<OpId>> {
        let space = &self.problem.space;
        let (states, plan) = follow(space, self.start, plan)?;
        let to = (from + width).min(plan.len());
        let (head, rest) = plan.split_at_checked(from)?;
        let (window, tail) = rest.split_at_checked(to - from)?;
        let aim = self.aim(tail, states.get(to)?);
        let query = Query {
            problem: self.problem,
            relaxed: self.relaxed,
            start: states.get(from)?,
            aim: &aim,
            costs: self.costs,
            bound: super::space::number(window.len()),
            counting: None,
            states: WINDOW_STATES,
            memory: budget.memory(),
        };
        let Found::Plan(better) = astar(&query, budget) else { return None };
        let whole: Vec<OpId> = [head, &better, tail].concat();
        follow(space, self.start, &whole).map(|(_, plan)| plan)
    }

    /// What the ops of the tail and the goal after them need, from the last of them back.
    fn aim(&self, tail: &[OpId], like: &[u64]) -> Aim {
        let space = &self.problem.space;
        if tail.is_empty() {
            return self.relaxed.goal().clone();
        }
        let (mut on, mut off) = (vec![0; space.stride()], vec![0; space.stride()]);
        space.goal_needs().demand(&mut on, &mut off);
        for &op in tail.iter().rev() {
            space.regress(op, &mut on, &mut off);
        }
        let (on, off) = (facts(&on), facts(&off));
        Aim {
            needs: space.resembling(&on, &off, like),
            props: self.relaxed.literals(on.into_iter(), off.into_iter()),
        }
    }
}

fn facts(mask: &[u64]) -> Vec<u32> {
    (0u32..).zip(mask).flat_map(|(word, &bits)| super::masks::ones(word, bits)).collect()
}
