//! Expected calls where outcomes are drawn: value iteration over the reachable states.

use super::SolveLimits;
use super::space::Space;
use super::table::Table;
use crate::quest::play::Play;
use crate::quest::world::{CallId, World};

/// Values change by less than this when iteration stops.
const TOLERANCE: f64 = 1e-9;
/// Most sweeps over all states.
const MAX_SWEEPS: usize = 2_000;

/// One applicable call of a state: its possible next states with their probabilities.
type Choices = Vec<(CallId, Vec<(f64, usize)>)>;

/// The best expected calls from every reachable state, and the call that gets them. Giving up
/// costs `failure` calls, so dead ends have a finite value (finite-penalty stochastic shortest
/// path, Kolobov, Mausam and Weld, UAI 2012).
#[derive(Debug, Clone)]
pub(in crate::quest) struct Values {
    space: Space,
    table: Table,
    value: Vec<f64>,
    best: Vec<Option<CallId>>,
}

impl Values {
    /// None where more states are reachable than the limits allow.
    pub(in crate::quest) fn compute(world: &World, limits: &SolveLimits) -> Option<Self> {
        let failure = f64::from(world.level().limits.max_calls);
        Self::with_failure(world, limits, failure)
    }

    pub(in crate::quest) fn with_failure(
        world: &World,
        limits: &SolveLimits,
        failure: f64,
    ) -> Option<Self> {
        let space = Space::new(world);
        let mut table = Table::new(space.stride());
        table.insert(&space.start(world));
        let mut choices: Vec<Choices> = Vec::new();
        let mut value = Vec::new();
        let mut at = 0;
        while at < table.len() {
            if table.len() > limits.value_states {
                return None;
            }
            let state = table.get(at).to_vec();
            let goal = space.goal(&state);
            value.push(if goal { 0.0 } else { failure });
            choices.push(if goal { Vec::new() } else { expand(&space, &state, &mut table) });
            at += 1;
        }
        let mut values = Self { space, table, best: vec![None; value.len()], value };
        values.iterate(&choices, failure);
        Some(values)
    }

    fn iterate(&mut self, choices: &[Choices], failure: f64) {
        for _ in 0..MAX_SWEEPS {
            let mut change = 0.0f64;
            // States found last are nearest to goals, so sweep from there.
            for at in (0..choices.len()).rev() {
                let Some(row) = choices.get(at).filter(|row| !row.is_empty()) else { continue };
                let (call, expected) = self.choose(row);
                let new = expected.min(failure);
                if let (Some(v), Some(b)) = (self.value.get_mut(at), self.best.get_mut(at)) {
                    change = change.max((*v - new).abs());
                    *v = new;
                    *b = Some(call).filter(|_| expected < failure);
                }
            }
            if change < TOLERANCE {
                break;
            }
        }
    }

    fn choose(&self, row: &Choices) -> (CallId, f64) {
        let mut best = (0, f64::INFINITY);
        for (call, nexts) in row {
            let after: f64 =
                nexts.iter().map(|&(p, next)| p * self.value.get(next).unwrap_or(&0.0)).sum();
            if 1.0 + after < best.1 - TOLERANCE {
                best = (*call, 1.0 + after);
            }
        }
        best
    }

    /// Expected calls from the start.
    pub(in crate::quest) fn at_start(&self) -> f64 {
        self.value.first().copied().unwrap_or(0.0)
    }

    /// The best call in the state of this episode, if the goal is worth trying from there.
    pub(in crate::quest) fn best(&self, play: &Play) -> Option<CallId> {
        let index = self.table.find(&self.space.state(play))?;
        self.best.get(index).copied().flatten()
    }
}

fn expand(space: &Space, state: &[u64], table: &mut Table) -> Choices {
    let (mut next, mut moves) = (Vec::new(), Vec::new());
    let mut row = Vec::new();
    space.applicable(state, &mut moves);
    for &id in &moves {
        let Some(by) = space.moves().get(id as usize) else { continue };
        let mut nexts = Vec::with_capacity(by.ops.len());
        for op in by.ops.clone() {
            space.successor(state, op, &mut next);
            let p = space.ops().get(op as usize).map_or(0.0, |o| o.p);
            nexts.push((p, table.insert(&next).0));
        }
        row.push((by.call, nexts));
    }
    row
}

/// Expected calls of the best policy from the start, a failure counting as `limits.max_calls`.
/// None where the reachable states pass the limit.
pub fn expected_calls(world: &World, limits: &SolveLimits) -> Option<f64> {
    Values::compute(world, limits).map(|v| v.at_start())
}
