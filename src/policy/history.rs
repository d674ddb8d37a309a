//! What happened so far in an episode of a known level.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::graph::{call, share};
use crate::quest::{Call, CallId, Play};

/// The calls made so far as an agent knows them: how a call that still runs will end is not known
/// yet, so it counts as intended.
pub(super) fn known_history(play: &Play) -> Vec<(CallId, usize)> {
    let mut known = play.history().to_vec();
    for running in play.running() {
        if let Some(started) = known.iter_mut().rev().find(|(id, _)| *id == running.call) {
            started.1 = 0;
        }
    }
    known
}

/// What happened in the episode so far, counted per call and function.
pub(super) struct History {
    called: BTreeMap<CallId, usize>,
    failed: BTreeMap<CallId, usize>,
    functions: BTreeMap<usize, usize>,
    /// When each call was made last, counted from 1 for the last call.
    age: BTreeMap<CallId, usize>,
    last: Option<(CallId, usize)>,
    circled: Vec<CallId>,
}

impl History {
    pub(super) fn of(play: &Play) -> Self {
        let known = known_history(play);
        let mut history = Self {
            called: BTreeMap::new(),
            failed: BTreeMap::new(),
            functions: BTreeMap::new(),
            age: BTreeMap::new(),
            last: known.last().copied(),
            circled: circled(play),
        };
        for (past, (id, outcome)) in known.iter().enumerate() {
            history.age.insert(*id, known.len() - past);
            *history.called.entry(*id).or_default() += 1;
            if *outcome != 0 {
                *history.failed.entry(*id).or_default() += 1;
            }
            if let Some(one) = play.world().calls().get(*id as usize) {
                *history.functions.entry(one.function).or_default() += 1;
            }
        }
        history
    }

    pub(super) fn mark(&self, id: CallId, one: &Call, row: &mut [f32]) {
        let count = |map: &BTreeMap<CallId, usize>| map.get(&id).copied().unwrap_or(0);
        row[call::CALLED] = share(count(&self.called), 4);
        row[call::FAILED] = share(count(&self.failed), 4);
        let of_function = self.functions.get(&one.function).copied().unwrap_or(0);
        row[call::FUNCTION_CALLED] = share(of_function, 8);
        if let Some((_, outcome)) = self.last.filter(|(last, _)| *last == id) {
            row[call::LAST] = 1.0;
            row[call::LAST_FAILED] = f32::from(u8::from(outcome != 0));
        }
        row[call::RECENT] = self.age.get(&id).map_or(0.0, |age| 1.0 / *age as f32);
        row[call::CIRCLED] = f32::from(u8::from(self.circled.contains(&id)));
    }
}

/// Calls that were made in an earlier visit to the present state and came out as intended, so
/// that calling them again would go round in a circle. A call that failed is not among them: to
/// try it again can be right.
pub fn circled(play: &Play) -> Vec<CallId> {
    let now = Spot::of(play);
    let here = visits(play).into_iter().zip(play.history()).filter(|(spot, _)| *spot == now);
    here.filter(|(_, (_, outcome))| *outcome == 0).map(|(_, (id, _))| *id).collect()
}

/// Calls that would lead back to a state of this episode, ascending, as far as that is told: calls
/// with one outcome that take no time.
pub fn revisiting(play: &Play) -> Vec<CallId> {
    let world = play.world();
    if play.history().is_empty() || !world.tells_effects() {
        return Vec::new();
    }
    let mut seen: BTreeSet<Spot> = visits(play).into_iter().collect();
    seen.insert(Spot::of(play));
    let mut trial = play.clone();
    let mut leads_back = |id: &CallId| {
        let one = world.calls().get(*id as usize);
        one.is_some_and(|c| c.outcomes.len() == 1 && c.takes == 0 && !c.wait)
            && trial.advance(*id).is_ok()
            && {
                let back = seen.contains(&Spot::of(&trial));
                trial.undo();
                back
            }
    };
    play.applicable().iter().copied().filter(|id| leads_back(id)).collect()
}

/// The states before each call of the history.
fn visits(play: &Play) -> Vec<Spot> {
    let mut replay = Play::new(Arc::clone(play.world()), 0);
    let mut spots = Vec::with_capacity(play.history().len());
    for (id, outcome) in play.history() {
        spots.push(Spot::of(&replay));
        if replay.apply_logged(*id, *outcome).is_err() {
            break;
        }
    }
    spots
}

/// A state without counters of usage limits, which change with every call: facts and the level's
/// own fluents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Spot(Vec<u64>, Vec<i64>);

impl Spot {
    fn of(play: &Play) -> Self {
        let own = |name: &str| !name.contains('(');
        let fluents = play.world().fluents().iter().zip(play.fluents());
        let fluents = fluents.filter(|(f, _)| own(&f.name) && !f.ticks).map(|(_, v)| *v);
        Self(play.bits().to_vec(), fluents.collect())
    }
}
