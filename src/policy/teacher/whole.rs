//! All states of a small world, with the calls that each still needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::quest::{CallId, Play, World};

/// No way to the goal.
const NEVER: u32 = u32::MAX;

/// The states that can be reached without a forbidden call, in the order in which breadth-first
/// search finds them.
pub(super) struct Whole {
    /// How each was found first; the start was not.
    found: Vec<Option<(usize, CallId)>>,
    /// Where the calls lead that may be made.
    next: Vec<Vec<(CallId, usize)>>,
    needed: Vec<u32>,
    /// The states by facts and fluents.
    known: BTreeMap<State, usize>,
}

/// Facts and fluents.
type State = (Vec<u64>, Vec<i64>);

fn state_of(play: &Play) -> State {
    (play.bits().to_vec(), play.fluents().to_vec())
}

impl Whole {
    /// None where there are more than `most` states.
    pub(super) fn search(world: &Arc<World>, most: usize) -> Option<Self> {
        let start = Play::new(Arc::clone(world), 0);
        let mut known = BTreeMap::from([(state_of(&start), 0)]);
        let mut plays = vec![start];
        let (next, needed) = (Vec::new(), Vec::new());
        let mut whole = Self { found: vec![None], next, needed, known: BTreeMap::new() };
        while let Some(play) = plays.get(whole.next.len()).cloned() {
            let at = whole.next.len();
            let mut calls = Vec::new();
            for call in play.allowed().filter(|_| !play.goal_achieved()) {
                let mut after = play.clone();
                if after.advance(call).is_err() {
                    continue;
                }
                let to = *known.entry(state_of(&after)).or_insert_with(|| {
                    plays.push(after);
                    whole.found.push(Some((at, call)));
                    plays.len() - 1
                });
                calls.push((call, to));
                if plays.len() > most {
                    return None;
                }
            }
            whole.next.push(calls);
        }
        whole.count(&plays);
        whole.known = known;
        Some(whole)
    }

    /// The number of the state that a play is in; none where a forbidden call led there.
    pub(super) fn find(&self, play: &Play) -> Option<usize> {
        self.known.get(&state_of(play)).copied()
    }

    /// Calls needed, from the goals back.
    fn count(&mut self, plays: &[Play]) {
        let mut before = vec![Vec::new(); plays.len()];
        for (from, calls) in self.next.iter().enumerate() {
            calls.iter().for_each(|(_, to)| before[*to].push(from));
        }
        self.needed = vec![NEVER; plays.len()];
        let mut queue: Vec<usize> =
            (0..plays.len()).filter(|at| plays[*at].goal_achieved()).collect();
        queue.iter().for_each(|at| self.needed[*at] = 0);
        let mut done = 0;
        while let Some(&at) = queue.get(done) {
            done += 1;
            for &from in &before[at] {
                if self.needed[from] == NEVER {
                    self.needed[from] = self.needed[at] + 1;
                    queue.push(from);
                }
            }
        }
    }

    fn needed(&self, state: usize) -> u32 {
        self.needed.get(state).copied().unwrap_or(NEVER)
    }

    /// States from which the goal can be reached, and is not.
    pub(super) fn solvable(&self) -> impl Iterator<Item = usize> {
        (0..self.needed.len()).filter(|at| !matches!(self.needed(*at), 0 | NEVER))
    }

    /// Whether some call from here makes the goal impossible to reach.
    pub(super) fn is_critical(&self, state: usize) -> bool {
        self.next.get(state).into_iter().flatten().any(|(_, to)| self.needed(*to) == NEVER)
    }

    /// Calls still needed from a state.
    pub(super) fn calls_needed(&self, state: usize) -> Option<f32> {
        Some(self.needed(state)).filter(|n| *n != NEVER).map(|n| n as f32)
    }

    /// The calls after which one less is needed.
    pub(super) fn best(&self, state: usize) -> Vec<CallId> {
        self.steps(state).map(|(call, _)| call).collect()
    }

    fn steps(&self, state: usize) -> impl Iterator<Item = (CallId, usize)> {
        let now = self.needed(state);
        let calls = self.next.get(state).into_iter().flatten().copied();
        calls.filter(move |(_, to)| now != NEVER && self.needed(*to) < now)
    }

    /// The calls from the start to a state.
    pub(super) fn history(&self, state: usize) -> Vec<CallId> {
        let mut calls = Vec::new();
        let mut at = state;
        while let Some(Some((from, call))) = self.found.get(at) {
            calls.push(*call);
            at = *from;
        }
        calls.reverse();
        calls
    }

    /// States along one of the best plans from the start, without the goal.
    pub(super) fn path_to_goal(&self, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let mut path = Vec::new();
        let mut at = 0;
        while !matches!(self.needed(at), 0 | NEVER) {
            path.push(at);
            let steps: Vec<usize> = self.steps(at).map(|(_, to)| to).collect();
            let Some(next) = steps.choose(rng) else { break };
            at = *next;
        }
        path
    }
}
