//! A level in numbers before pruning: what grounding hands to reachability.

use std::collections::BTreeSet;

use super::world::{Fluent, Function, NumEffect, NumTest, Predicate};

/// A ground call before pruning; facts are numbers of interned atoms.
#[derive(Debug, Default)]
pub(super) struct RawCall {
    pub function: usize,
    pub args: Vec<usize>,
    pub ret: Option<usize>,
    /// Atom and whether it must be true.
    pub pre: Vec<(u32, bool)>,
    pub num: Vec<NumTest>,
    pub outcomes: Vec<RawOutcome>,
    /// Further calls after which it ends; 0 where it ends at once.
    pub takes: u32,
    /// What changes when a call that takes time starts.
    pub start_add: BTreeSet<u32>,
    pub start_del: BTreeSet<u32>,
    /// The atom that is true while a call that takes time runs.
    pub running: Option<u32>,
    /// True for the built-in `wait()`.
    pub wait: bool,
    pub forbidden: Option<RawTests>,
    pub cost: f64,
}

impl RawCall {
    /// How many conditions and effects it has, its texts counted by their weight.
    pub(super) fn size(&self) -> usize {
        let outcomes = self.outcomes.iter().map(RawOutcome::size);
        let forbidden = self.forbidden.as_ref().map_or(0, |f| f.facts.len() + f.num.len());
        let start = self.start_add.len() + self.start_del.len();
        self.pre.len() + self.num.len() + forbidden + start + outcomes.sum::<usize>()
    }
}

/// Bytes of a text that weigh as much as an effect.
const TEXT_PER_PART: usize = 16;

impl RawOutcome {
    fn size(&self) -> usize {
        let text = self.returned.as_ref().map_or(0, |text| text.len() / TEXT_PER_PART);
        self.add.len() + self.del.len() + self.num.len() + 1 + text
    }
}

/// A conjunction before pruning.
#[derive(Debug, Default)]
pub(super) struct RawTests {
    /// Atom and whether it must be true.
    pub facts: Vec<(u32, bool)>,
    pub num: Vec<NumTest>,
}

/// An outcome before pruning.
#[derive(Debug, Default)]
pub(super) struct RawOutcome {
    pub name: Option<String>,
    pub p: f64,
    pub add: BTreeSet<u32>,
    pub del: BTreeSet<u32>,
    pub num: Vec<NumEffect>,
    pub quality: f64,
    pub failed: bool,
    pub returned: Option<String>,
}

/// The whole level in numbers, before pruning.
pub(super) struct Raw {
    pub objects: Vec<(String, String)>,
    pub predicates: Vec<Predicate>,
    pub functions: Vec<Function>,
    pub fluents: Vec<Fluent>,
    pub atoms: Vec<(usize, Vec<usize>)>,
    pub init: BTreeSet<u32>,
    pub calls: Vec<RawCall>,
    pub goal: Vec<(u32, bool)>,
    pub goal_num: Vec<NumTest>,
    /// The hidden fluent that counts running calls, where functions take time.
    pub running: Option<usize>,
}
