//! The delete relaxation of a space: what heuristics count in.
//!
//! Propositions are literals: a fact that some condition wants false has a second proposition.
//! Numeric conditions and guards count as met, and calls that take time as over at once, which
//! keeps every bound admissible.

use super::masks::Needs;
use super::relevance::Terms;
use super::space::{NONE, OpId, Space, number};
use crate::quest::index::{Rows, bit};
use crate::quest::world::{FactId, World};

/// Number of a proposition.
pub(super) type Prop = u32;

/// Holds in every state: what an op without conditions needs.
const TRUE: Prop = 0;

/// What a search is for.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub needs: Needs,
    /// The propositions of its facts.
    pub props: Vec<Prop>,
}

/// The ops of a space without deletes; those that add nothing are left out.
#[derive(Debug, Clone)]
pub(in crate::quest) struct Relaxed {
    props: usize,
    /// Per fact of the space: its proposition where true, and where false.
    literals: Vec<[Prop; 2]>,
    /// Per relaxed op: the op of the space.
    pub(super) ops: Vec<OpId>,
    /// Per relaxed op: what it needs, at least one.
    pub(super) pre: Rows<Prop>,
    /// Per relaxed op: how many it needs.
    pub(super) needs: Vec<u32>,
    /// Per relaxed op: what it adds.
    pub(super) add: Rows<Prop>,
    /// Per proposition: relaxed ops that need it.
    pub(super) needed_by: Rows<u32>,
    /// Per proposition: relaxed ops that add it.
    pub(super) added_by: Rows<u32>,
    /// Per op of the space that takes time: what it will add at its end.
    later: Vec<(OpId, Vec<Prop>)>,
    goal: Aim,
}

impl Relaxed {
    pub(in crate::quest) fn new(world: &World, space: &Space) -> Self {
        let terms = |m: &super::space::Move| world.calls().get(m.call as usize).and_then(Terms::of);
        let terms: Vec<Terms> =
            space.moves().iter().map(|m| terms(m).unwrap_or_default()).collect();
        let mut relaxed = Self {
            props: 1,
            literals: vec![[NONE; 2]; space.facts().len()],
            ops: Vec::new(),
            pre: Rows::default(),
            needs: Vec::new(),
            add: Rows::default(),
            needed_by: Rows::default(),
            added_by: Rows::default(),
            later: Vec::new(),
            goal: Aim { needs: space.goal_needs().clone(), props: Vec::new() },
        };
        relaxed.number(space, world.goal_true(), world.goal_false());
        for terms in &terms {
            relaxed.number(space, &terms.on, &terms.off);
        }
        relaxed.goal.props = relaxed.of_facts(space, world.goal_true(), world.goal_false());
        relaxed.fill(world, space, &terms);
        relaxed
    }

    /// Propositions for facts that are wanted true and facts that are wanted false.
    fn number(&mut self, space: &Space, on: &[FactId], off: &[FactId]) {
        for (side, facts) in [on, off].into_iter().enumerate() {
            for fact in space.kept(facts) {
                let slot = self.literals.get_mut(fact as usize).and_then(|l| l.get_mut(side));
                if let Some(slot) = slot.filter(|s| **s == NONE) {
                    *slot = number(self.props);
                    self.props += 1;
                }
            }
        }
    }

    fn fill(&mut self, world: &World, space: &Space, terms: &[Terms]) {
        let (mut pre, mut add) = (Vec::new(), Vec::new());
        for (id, op) in (0u32..).zip(space.ops()) {
            let Some((call, outcome)) = space.parts(world, op) else { continue };
            let mut adds = self.of_facts(space, &outcome.add, &outcome.del);
            if outcome.left.is_some() {
                self.later.push((id, adds.clone()));
                adds.extend(self.of_facts(space, &call.start_add, &call.start_del));
            }
            let terms = terms.get(op.by as usize);
            let mut needs = terms.map_or_else(Vec::new, |t| self.of_facts(space, &t.on, &t.off));
            // What it needs holds already where it is made.
            adds.retain(|p| !needs.contains(p));
            adds.sort_unstable();
            adds.dedup();
            if adds.is_empty() {
                continue;
            }
            if needs.is_empty() {
                needs.push(TRUE);
            }
            self.ops.push(id);
            pre.push(needs);
            add.push(adds);
        }
        self.needs = pre.iter().map(|row| number(row.len())).collect();
        self.needed_by = transposed(self.props, &pre);
        self.added_by = transposed(self.props, &add);
        (self.pre, self.add) = (Rows::new(&pre), Rows::new(&add));
    }

    fn of_facts(&self, space: &Space, on: &[FactId], off: &[FactId]) -> Vec<Prop> {
        self.literals(space.kept(on), space.kept(off))
    }

    /// The propositions for these facts of the space being true and those being false, as far as
    /// anything needs them.
    pub(super) fn literals(
        &self,
        on: impl Iterator<Item = u32>,
        off: impl Iterator<Item = u32>,
    ) -> Vec<Prop> {
        let side = |fact: u32, side: usize| self.literals.get(fact as usize)?.get(side).copied();
        let both = on.filter_map(|f| side(f, 0)).chain(off.filter_map(|f| side(f, 1)));
        both.filter(|&p| p != NONE).collect()
    }

    pub(super) fn props(&self) -> usize {
        self.props
    }

    /// The goal of the world.
    pub(super) fn goal(&self) -> &Aim {
        &self.goal
    }

    /// What holds in a state, and what will without a further call.
    pub(super) fn holding(&self, world: &World, space: &Space, state: &[u64], out: &mut Vec<Prop>) {
        out.clear();
        out.push(TRUE);
        for (fact, [on, off]) in (0u32..).zip(&self.literals) {
            let prop = if bit(state, fact) { *on } else { *off };
            if prop != NONE {
                out.push(prop);
            }
        }
        if !self.later.is_empty() {
            let pending = space.pending(world, state);
            let later = self.later.iter().filter(|(op, _)| pending.contains(op));
            out.extend(later.flat_map(|(_, props)| props));
        }
    }
}

fn transposed(columns: usize, rows: &[Vec<u32>]) -> Rows<u32> {
    let mut turned = vec![Vec::new(); columns];
    for (i, row) in (0u32..).zip(rows) {
        for &column in row {
            if let Some(slot) = turned.get_mut(column as usize) {
                slot.push(i);
            }
        }
    }
    Rows::new(&turned)
}
