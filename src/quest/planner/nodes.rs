//! Search nodes: distinct states and how each was first (or best) reached.

use super::space::{NONE, OpId, number};
use super::table::Table;

/// The parent of the start.
pub(super) const START: usize = NONE as usize;

/// Distinct states with their parents.
#[derive(Debug)]
pub(super) struct Nodes {
    table: Table,
    /// Per state: the one before it, and the op between.
    origins: Vec<(u32, OpId)>,
}

impl Nodes {
    pub(super) fn new(stride: usize) -> Self {
        Self { table: Table::new(stride), origins: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes in use.
    pub(super) fn bytes(&self) -> usize {
        self.table.bytes() + self.origins.len() * 8
    }

    #[inline]
    pub(super) fn state(&self, at: usize) -> &[u64] {
        self.table.get(at)
    }

    /// Number of the state, and whether it is new. A new one comes from `parent` by `op`.
    pub(super) fn add(&mut self, state: &[u64], parent: usize, op: OpId) -> (usize, bool) {
        let (index, new) = self.table.insert(state);
        if new {
            self.origins.push((number(parent), op));
        }
        (index, new)
    }

    /// A better way to a state.
    pub(super) fn redirect(&mut self, at: usize, parent: usize, op: OpId) {
        if let Some(slot) = self.origins.get_mut(at) {
            *slot = (number(parent), op);
        }
    }

    /// The state before and the op between, but for the start.
    pub(super) fn origin(&self, at: usize) -> Option<(usize, OpId)> {
        self.origins.get(at).filter(|o| o.0 != NONE).map(|&(parent, op)| (parent as usize, op))
    }

    /// The ops from the start to a state.
    pub(super) fn trace(&self, end: usize) -> Vec<OpId> {
        let mut ops = Vec::new();
        let mut at = end;
        while let Some(&(parent, op)) = self.origins.get(at).filter(|o| o.0 != NONE) {
            ops.push(op);
            at = parent as usize;
        }
        ops.reverse();
        ops
    }
}
