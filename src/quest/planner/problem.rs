//! What the searches walk through: the space of a world with one state for each orbit.

use std::sync::Arc;

use super::orbit::{Orbits, Swaps};
use super::space::{OpId, Space};
use super::symmetry::Object;
use crate::quest::world::World;

/// A world, its space, and its interchangeable objects.
#[derive(Debug)]
pub(in crate::quest) struct Problem<'w> {
    pub world: &'w World,
    pub space: Arc<Space>,
    orbits: Option<Orbits>,
}

impl<'w> Problem<'w> {
    pub(in crate::quest) fn new(world: &'w World) -> Self {
        let space = Arc::new(Space::new(world));
        let orbits = Orbits::find(world, &space);
        Self { world, space, orbits }
    }

    /// The same, but every state stands for itself.
    pub(in crate::quest) fn plain(&self) -> Self {
        Self { world: self.world, space: Arc::clone(&self.space), orbits: None }
    }

    /// Whether some objects are interchangeable.
    #[cfg(test)]
    pub(in crate::quest) fn has_orbits(&self) -> bool {
        self.orbits.is_some()
    }

    /// The canonical form of a state; `swaps` receives what it took.
    pub(super) fn canonical(&self, state: &mut [u64], swaps: &mut Swaps) {
        swaps.clear();
        if let Some(orbits) = &self.orbits {
            orbits.canonical(&self.space, state, swaps);
        }
    }

    /// Writes into `out` the canonical form of the state after an op; `swaps` receives what it
    /// took.
    pub(super) fn successor(&self, state: &[u64], op: OpId, out: &mut Vec<u64>, swaps: &mut Swaps) {
        self.space.successor(state, op, out);
        self.canonical(out, swaps);
    }

    /// A plan through canonical states as a plan from `start` itself. Every swap on the way is
    /// undone in the ops that follow it.
    pub(super) fn unfold(&self, start: &[u64], ops: &[OpId]) -> Vec<OpId> {
        if self.orbits.is_none() {
            return ops.to_vec();
        }
        let mut real: Vec<Object> = (0..self.world.objects().len()).collect();
        let (mut state, mut next, mut swaps) = (start.to_vec(), Vec::new(), Swaps::new());
        self.canonical(&mut state, &mut swaps);
        let mut plan = Vec::with_capacity(ops.len());
        for &op in ops {
            for (a, b) in swaps.drain(..) {
                real.swap(a, b);
            }
            plan.push(self.space.renamed(self.world, op, &real).unwrap_or(op));
            self.successor(&state, op, &mut next, &mut swaps);
            std::mem::swap(&mut state, &mut next);
        }
        plan
    }
}
