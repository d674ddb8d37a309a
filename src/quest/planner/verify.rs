//! Certifying a level: it grounds, a no-op does not pass it, it has a proven minimum, and the
//! reference plan really reaches the goal.

use std::sync::Arc;

use super::cost::least_cost_within;
use super::space::number;
use super::value::{Values, expected_calls};
use super::{Budget, Problem, Solution, SolveLimits, search};
use crate::quest::level::{Level, Reference};
use crate::quest::play::{Play, StepError};
use crate::quest::world::{Call, GroundError, World};

/// Costs that differ by less are the same.
const COST_TOLERANCE: f64 = 1e-6;

/// Why a level is not fit for use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It does not ground.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// Doing nothing passes it.
    #[error(
        "verify level `{0}`: its goal holds at the start, so doing nothing passes; change `init` or `goal`"
    )]
    NoOpPasses(String),
    /// Every reachable state was seen, none is a goal.
    #[error(
        "verify level `{level}`: it is unsolvable: all {states} reachable states were seen and none meets the goal"
    )]
    Unsolvable {
        /// Id of the level.
        level: String,
        /// How many states.
        states: u64,
    },
    /// No proof of the minimum within the limits.
    #[error(
        "verify level `{0}`: its minimum could not be proven within the limits; make it smaller"
    )]
    NotProven(String),
    /// The minimum is more than the calls allowed.
    #[error("verify level `{level}`: it needs {min} calls but limits.max_calls is {max}; raise it")]
    TooFewCalls {
        /// Id of the level.
        level: String,
        /// The proven minimum.
        min: u32,
        /// The limit.
        max: u32,
    },
    /// There is no reference to replay.
    #[error("verify level `{0}`: it has no reference; certify it first")]
    NoReference(String),
    /// The reference names a call that does not exist.
    #[error(
        "verify level `{level}`: reference.plan step {step} `{call}` is not a call of this level"
    )]
    UnknownStep {
        /// Id of the level.
        level: String,
        /// Index of the step, from 0.
        step: usize,
        /// What it says.
        call: String,
    },
    /// A step of the reference is refused.
    #[error("verify level `{level}`: reference.plan step {step}: {source}")]
    Step {
        /// Id of the level.
        level: String,
        /// Index of the step, from 0.
        step: usize,
        /// Why.
        source: StepError,
    },
    /// A step of the reference is a forbidden call.
    #[error("verify level `{level}`: reference.plan step {step} `{call}` is forbidden there")]
    ForbiddenStep {
        /// Id of the level.
        level: String,
        /// Index of the step, from 0.
        step: usize,
        /// What it says.
        call: String,
    },
    /// The goal holds before the plan is over.
    #[error(
        "verify level `{level}`: reference.plan reaches the goal before step {step}; cut it there"
    )]
    GoalBefore {
        /// Id of the level.
        level: String,
        /// Index of the first step that is too many, from 0.
        step: usize,
    },
    /// The costs do not fit the plan.
    #[error(
        "verify level `{level}`: reference.plan costs {found}, but the reference says plan_cost \
         {stated}, and min_cost may not be above it; certify it anew"
    )]
    Cost {
        /// Id of the level.
        level: String,
        /// Sum over the steps.
        found: String,
        /// What `plan_cost` says.
        stated: String,
    },
    /// The plan does not reach the goal, or its length is not `min_calls`.
    #[error("verify level `{0}`: reference.plan does not reach the goal in min_calls calls")]
    PlanMisses(String),
}

/// Solves the level and writes its `reference`. `limits.max_calls` stays as it is.
///
/// # Errors
/// Where the level is not fit: see [`VerifyError`].
pub fn certify(mut level: Level, limits: &SolveLimits) -> Result<Level, VerifyError> {
    let world = World::ground(&level)?;
    let mut reference = minimum(&world, limits)?;
    let (min, max) = (reference.min_calls, level.limits.max_calls);
    if min > max {
        return Err(VerifyError::TooFewCalls { level: level.id, min, max });
    }
    if world.is_stochastic() {
        reference.expected_calls = expected_calls(&world, limits);
    }
    level.reference = Some(reference);
    Ok(level)
}

/// As [`certify`], and sets `limits.max_calls` to twice the calls of an optimal player (expected
/// ones where outcomes are drawn) plus `slack`.
pub(in crate::quest) fn certify_with_slack(
    mut level: Level,
    limits: &SolveLimits,
    slack: u32,
) -> Result<Level, VerifyError> {
    let mut world = World::ground(&level)?;
    let mut reference = minimum(&world, limits)?;
    let min = reference.min_calls;
    let mut calls = f64::from(min);
    if world.is_stochastic() {
        // A generous price of failure, so that the expectation is that of trying on.
        let patient = Values::with_failure(&world, limits, f64::from(10 * min + 50))
            .ok_or_else(|| VerifyError::NotProven(level.id.clone()))?;
        calls = patient.at_start().clamp(calls, 2.0 * calls + 4.0);
    }
    // At most 4 min + 12: far inside 32 bits.
    level.limits.max_calls = (2.0 * calls).ceil() as u32 + slack;
    if world.is_stochastic() {
        world.level.limits = level.limits.clone();
        reference.expected_calls = expected_calls(&world, limits);
    }
    level.reference = Some(reference);
    Ok(level)
}

/// The proven minimum of a world, as its level's reference.
fn minimum(world: &World, limits: &SolveLimits) -> Result<Reference, VerifyError> {
    let id = || world.level().id.clone();
    let problem = Problem::new(world);
    let mut budget = Budget::new(limits);
    let solution = search(&problem, &problem.space.start(world), limits, &mut budget);
    let (plan, method, expanded) = match solution {
        Solution::Proven { plan, .. } if plan.is_empty() => {
            return Err(VerifyError::NoOpPasses(id()));
        }
        Solution::Proven { plan, method, expanded } => (plan, method, expanded),
        Solution::Unsolvable { expanded } => {
            return Err(VerifyError::Unsolvable { level: id(), states: expanded });
        }
        Solution::UpperBound { .. } | Solution::GaveUp { .. } => {
            return Err(VerifyError::NotProven(id()));
        }
    };
    let steps = || plan.iter().filter_map(|&(c, o)| Some((world.calls().get(c as usize)?, o)));
    let plan_cost = steps().map(|(call, _)| call.cost).sum();
    Ok(Reference {
        min_calls: number(plan.len()),
        plan_cost,
        min_cost: least_cost_within(&problem, limits, plan.len(), plan_cost, &mut budget),
        proven: true,
        method: method.to_owned(),
        expanded,
        plan: steps().map(|(call, outcome)| step_name(call, outcome)).collect(),
        expected_calls: None,
    })
}

/// A step of a plan as references write it.
fn step_name(call: &Call, outcome: usize) -> String {
    if outcome == 0 {
        return call.name.clone();
    }
    let name = call.outcomes.get(outcome).and_then(|o| o.name.as_deref());
    format!("{}#{}", call.name, name.unwrap_or("?"))
}

/// Replays the reference plan: every step is possible and none is forbidden, the goal is reached
/// with the last of its `min_calls` calls and not before, and the costs are their sum.
///
/// # Errors
/// Says which of these does not hold.
pub fn replay(level: &Level) -> Result<(), VerifyError> {
    let id = || level.id.clone();
    let reference = level.reference.as_ref().ok_or_else(|| VerifyError::NoReference(id()))?;
    let mut play = Play::new(Arc::new(World::ground(level)?), 0);
    if play.goal_achieved() {
        return Err(VerifyError::NoOpPasses(id()));
    }
    let mut cost = 0.0;
    for (step, text) in reference.plan.iter().enumerate() {
        if play.goal_achieved() {
            return Err(VerifyError::GoalBefore { level: id(), step });
        }
        let (call, outcome) = planned(play.world(), text)
            .ok_or_else(|| VerifyError::UnknownStep { level: id(), step, call: text.clone() })?;
        if play.is_forbidden(call) {
            return Err(VerifyError::ForbiddenStep { level: id(), step, call: text.clone() });
        }
        cost += play.world().calls().get(call as usize).map_or(0.0, |c| c.cost);
        play.apply_logged(call, outcome).map_err(|source| VerifyError::Step {
            level: id(),
            step,
            source,
        })?;
    }
    if !play.goal_achieved() || play.calls_used() != reference.min_calls {
        return Err(VerifyError::PlanMisses(id()));
    }
    let stated = reference.plan_cost;
    let least = reference.min_cost.unwrap_or(stated);
    if (cost - stated).abs() > COST_TOLERANCE || least > stated + COST_TOLERANCE {
        let (found, stated) = (cost.to_string(), stated.to_string());
        return Err(VerifyError::Cost { level: id(), found, stated });
    }
    Ok(())
}

/// The call and outcome that a step of a reference plan names.
pub(in crate::quest) fn planned(world: &World, text: &str) -> Option<(u32, usize)> {
    let (call, outcome) = text.split_once('#').map_or((text, None), |(c, o)| (c, Some(o)));
    let id = world.call_by_name(call)?;
    let Some(outcome) = outcome else { return Some((id, 0)) };
    let outcomes = &world.calls().get(id as usize)?.outcomes;
    Some((id, outcomes.iter().position(|o| o.name.as_deref() == Some(outcome))?))
}
