//! Corrections: a person shows what should have been called instead.

use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::behaviour::{Behaviour, Trace};
use crate::quest::{Agent, Expert, Play, SolveLimits, World};

/// The share of judged episodes with room for improvement in which a person corrects a step.
const RATE: f64 = 0.5;
/// Efficiency from which on nobody sees what to correct.
const GOOD: f64 = 0.9;

/// A step and the call that should have been made there; None where nobody corrects the episode, or
/// the step that is looked at was right.
pub(super) fn correction(trace: &Trace, random: &mut ChaCha8Rng) -> Option<(usize, String)> {
    let good = trace.success && trace.efficiency.is_none_or(|e| e >= GOOD);
    let looked_at = random.random_bool(RATE);
    let at = random.random_range(0..trace.steps.len().max(1));
    if good || !looked_at || trace.behaviour == Behaviour::Expert {
        return None;
    }
    let world = Arc::new(World::ground(&trace.level).ok()?);
    let mut play = Play::new(Arc::clone(&world), 0);
    for step in trace.steps.iter().take(at) {
        let call = world.call_by_name(step.call()?)?;
        play.apply_logged(call, step.outcome.outcome).ok()?;
    }
    if play.done() || play.applicable().is_empty() {
        return None;
    }
    let best = Expert::new(SolveLimits::default()).act(&[&play]).ok()?.first()?.call;
    let better = world.calls().get(best as usize)?.name.clone();
    (trace.steps.get(at)?.call()? != better).then_some((at, better))
}
