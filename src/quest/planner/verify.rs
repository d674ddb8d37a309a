//! Certifying a level: it grounds, a no-op does not pass it, it has a proven minimum, and the
//! reference plan really reaches the goal.

use std::sync::Arc;

use super::cost::least_cost;
use super::value::{Values, expected_calls};
use super::{Solution, SolveLimits, solve};
use crate::quest::level::{Level, Reference};
use crate::quest::play::{Play, StepError};
use crate::quest::world::{GroundError, World};

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

fn minimum(world: &World, limits: &SolveLimits) -> Result<Reference, VerifyError> {
    let id = &world.level().id;
    match solve(world, limits) {
        Solution::Proven { plan, .. } if plan.is_empty() => {
            Err(VerifyError::NoOpPasses(id.clone()))
        }
        Solution::Proven { plan, method, expanded } => {
            let calls =
                plan.iter().filter_map(|&(c, o)| world.calls().get(c as usize).map(|c| (c, o)));
            let named = calls.clone().map(|(call, outcome)| match outcome {
                0 => call.name.clone(),
                o => {
                    let name = call.outcomes.get(o).and_then(|o| o.name.as_deref());
                    format!("{}#{}", call.name, name.unwrap_or("?"))
                }
            });
            let plan_cost = calls.clone().map(|(c, _)| c.cost).sum();
            let least = least_cost(world, limits, plan.len(), plan_cost);
            Ok(Reference {
                min_calls: u32::try_from(plan.len()).unwrap_or(u32::MAX),
                plan_cost,
                min_cost: least,
                proven: true,
                method: method.to_owned(),
                expanded,
                plan: named.collect(),
                expected_calls: None,
            })
        }
        Solution::Unsolvable { expanded } => {
            Err(VerifyError::Unsolvable { level: id.clone(), states: expanded })
        }
        Solution::UpperBound { .. } | Solution::GaveUp { .. } => {
            Err(VerifyError::NotProven(id.clone()))
        }
    }
}

/// Replays the reference plan and checks that it reaches the goal in `min_calls` calls, and not
/// before its last one.
///
/// # Errors
/// Where a step does not exist or is refused, or the plan misses the goal.
pub fn replay(level: &Level) -> Result<(), VerifyError> {
    let id = || level.id.clone();
    let reference = level.reference.as_ref().ok_or_else(|| VerifyError::NoReference(id()))?;
    let mut play = Play::new(Arc::new(World::ground(level)?), 0);
    if play.goal_achieved() {
        return Err(VerifyError::NoOpPasses(id()));
    }
    for (step, text) in reference.plan.iter().enumerate() {
        let (call, outcome) = planned(play.world(), text)
            .ok_or_else(|| VerifyError::UnknownStep { level: id(), step, call: text.clone() })?;
        play.apply_logged(call, outcome).map_err(|source| VerifyError::Step {
            level: id(),
            step,
            source,
        })?;
    }
    if !play.goal_achieved() || play.calls_used() != reference.min_calls {
        return Err(VerifyError::PlanMisses(id()));
    }
    Ok(())
}

/// The call and outcome that a step of a reference plan names.
fn planned(world: &World, text: &str) -> Option<(u32, usize)> {
    let (call, outcome) = text.split_once('#').map_or((text, None), |(c, o)| (c, Some(o)));
    let id = world.call_by_name(call)?;
    let Some(outcome) = outcome else { return Some((id, 0)) };
    let outcomes = &world.calls().get(id as usize)?.outcomes;
    Some((id, outcomes.iter().position(|o| o.name.as_deref() == Some(outcome))?))
}
