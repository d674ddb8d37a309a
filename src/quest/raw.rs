//! A level in numbers before pruning: what grounding hands to reachability.

use std::collections::BTreeSet;

use super::world::{Fluent, Function, NumEffect, NumTest, Predicate};

/// A ground call before pruning; facts are numbers of interned atoms.
#[derive(Debug)]
pub(super) struct RawCall {
    pub function: usize,
    pub args: Vec<usize>,
    pub ret: Option<usize>,
    /// Atom and whether it must be true.
    pub pre: Vec<(u32, bool)>,
    pub num: Vec<NumTest>,
    pub outcomes: Vec<RawOutcome>,
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
}
