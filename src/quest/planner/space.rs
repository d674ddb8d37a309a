//! The state space of a world, less what cannot matter.
//!
//! A state is a row of words: one bit a fact, then the fluents in as few bits as their ranges
//! need. Calls are not applicable here where they are forbidden.

use std::ops::Range;

use super::fields::{Field, layout};
use super::masks::{Effect, Needs, ones};
use super::relevance::{Relevant, Terms};
use crate::quest::expr::Compare;
use crate::quest::index::{bit, set_bit};
use crate::quest::play::Play;
use crate::quest::world::{Call, CallId, FactId, NumChange, NumEffect, NumTest, Outcome, World};

/// Number of a [`Move`] in its space.
pub(in crate::quest) type MoveId = u32;
/// Number of an [`Op`] in its space.
pub(in crate::quest) type OpId = u32;

/// Stands for no number.
pub(super) const NONE: u32 = u32::MAX;

pub(super) fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(NONE)
}

/// A call that can matter.
#[derive(Debug, Clone)]
pub(super) struct Move {
    pub call: CallId,
    /// Its outcomes, as numbers of ops.
    pub ops: Range<OpId>,
    needs: Needs,
    never: Option<Needs>,
    wait: bool,
}

/// A call with one of its outcomes: what a plan chooses.
#[derive(Debug, Clone)]
pub(super) struct Op {
    pub by: MoveId,
    pub outcome: u32,
    /// Probability of the outcome.
    pub p: f64,
    effect: Effect,
}

/// The end of a call that takes time.
#[derive(Debug, Clone)]
struct End {
    /// The field that counts down to it.
    left: u32,
    effect: Effect,
}

/// The state space of a world.
#[derive(Debug, Clone)]
pub(in crate::quest) struct Space {
    facts: Vec<FactId>,
    /// Per fact of the world: its place in a state.
    local: Vec<u32>,
    stride: usize,
    fields: Vec<Field>,
    /// Per fluent of the world: its field.
    field_of: Vec<u32>,
    moves: Vec<Move>,
    ops: Vec<Op>,
    /// Per fact: moves that need it, each with one of its facts.
    watch: Vec<Vec<MoveId>>,
    /// Moves that need no fact.
    always: Vec<MoveId>,
    goal: Needs,
    /// Fields that fall with every call, and their floors.
    ticking: Vec<(u32, i64)>,
    /// Ends of calls that take time, in the order in which they take effect.
    ends: Vec<End>,
}

impl Space {
    pub(in crate::quest) fn new(world: &World) -> Self {
        let relevant = Relevant::compute(world);
        let mut space = Self::layout(world, &relevant);
        space.goal = space.needs(world.goal_true(), world.goal_false(), world.goal_num());
        for &at in &relevant.calls {
            if let Some(call) = world.calls().get(at) {
                space.add(number(at), call);
            }
        }
        space.watch();
        space.ends = space.find_ends(world);
        let floor = |fluent: usize| world.fluents().get(fluent).map_or(0, |f| f.min);
        let ticking = world.index.ticking.iter().map(|&f| (space.field(f), floor(f)));
        space.ticking = ticking.filter(|t| t.0 != NONE).collect();
        space
    }

    /// Places for the facts and fluents that can matter.
    fn layout(world: &World, relevant: &Relevant) -> Self {
        let facts: Vec<FactId> = relevant.facts.iter().copied().collect();
        let (fields, stride) =
            layout(world, relevant.fluents.iter().copied(), facts.len().div_ceil(64));
        let places = facts.iter().map(|&f| f as usize);
        let field_places = fields.iter().map(|f| f.fluent);
        Self {
            local: inverse(world.facts().len(), places),
            field_of: inverse(world.fluents().len(), field_places),
            watch: vec![Vec::new(); facts.len()],
            facts,
            stride,
            fields,
            moves: Vec::new(),
            ops: Vec::new(),
            always: Vec::new(),
            goal: Needs::default(),
            ticking: Vec::new(),
            ends: Vec::new(),
        }
    }

    fn add(&mut self, id: CallId, call: &Call) {
        let Some(terms) = Terms::of(call) else { return };
        let by = number(self.moves.len());
        let first = number(self.ops.len());
        for (i, outcome) in (0u32..).zip(&call.outcomes).filter(|(_, o)| o.p > 0.0) {
            let effect = match outcome.left {
                None => self.effect(&outcome.del, &outcome.add, &outcome.num),
                Some(left) => {
                    let runs = NumChange::Set(i64::from(call.takes));
                    let mut num = vec![NumEffect { fluent: left, change: runs }];
                    num.extend(&outcome.num);
                    self.effect(&call.start_del, &call.start_add, &num)
                }
            };
            self.ops.push(Op { by, outcome: i, p: outcome.p, effect });
        }
        self.moves.push(Move {
            call: id,
            ops: first..number(self.ops.len()),
            needs: self.needs(&terms.on, &terms.off, &terms.num),
            never: terms.never.map(|g| self.needs(&g.pre_true, &g.pre_false, &g.num)),
            wait: call.wait,
        });
    }

    fn needs(&self, on: &[FactId], off: &[FactId], num: &[NumTest]) -> Needs {
        let field = |t: &NumTest| (self.field(t.fluent), t.compare, t.value);
        let num = num.iter().map(field).filter(|t| t.0 != NONE).collect();
        Needs::new(self.kept(on), self.kept(off), num)
    }

    fn effect(&self, del: &[FactId], add: &[FactId], num: &[NumEffect]) -> Effect {
        let field = |e: &NumEffect| (self.field(e.fluent), e.change);
        let num = num.iter().map(field).filter(|e| e.0 != NONE).collect();
        Effect::new(self.kept(del), self.kept(add), num)
    }

    /// Every move waits at one of its facts, that where the fewest others wait.
    fn watch(&mut self) {
        for (id, m) in (0u32..).zip(&self.moves) {
            let waiting = |f: &u32| self.watch.get(*f as usize).map_or(0, Vec::len);
            let quiet = m.needs.on().min_by_key(waiting);
            match quiet.and_then(|f| self.watch.get_mut(f as usize)) {
                Some(row) => row.push(id),
                None => self.always.push(id),
            }
        }
    }

    fn find_ends(&self, world: &World) -> Vec<End> {
        let running = world.running_fluent().map_or(NONE, |fluent| self.field(fluent));
        let mut ends = Vec::new();
        for op in &self.ops {
            let Some((_, outcome)) = self.parts(world, op) else { continue };
            let Some(left) = outcome.left else { continue };
            let mut effect = self.effect(&outcome.del, &outcome.add, &[]);
            if running != NONE {
                effect.num.push((running, NumChange::Add(-1)));
            }
            ends.push(End { left: self.field(left), effect });
        }
        ends
    }

    /// The call and the outcome of an op.
    pub(super) fn parts<'w>(&self, world: &'w World, op: &Op) -> Option<(&'w Call, &'w Outcome)> {
        let call = world.calls().get(self.moves.get(op.by as usize)?.call as usize)?;
        Some((call, call.outcomes.get(op.outcome as usize)?))
    }

    /// Words of a state.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Facts that can matter; a state's bits are in this order.
    pub(super) fn facts(&self) -> &[FactId] {
        &self.facts
    }

    /// Place of a fact in a state; [`NONE`] where it cannot matter.
    pub(super) fn local(&self, fact: FactId) -> u32 {
        self.local.get(fact as usize).copied().unwrap_or(NONE)
    }

    /// Places of those of the facts that can matter.
    pub(super) fn kept(&self, facts: &[FactId]) -> impl Iterator<Item = u32> {
        facts.iter().map(|&f| self.local(f)).filter(|&f| f != NONE)
    }

    /// Place of a fluent among the fields; [`NONE`] where it cannot matter.
    pub(super) fn field(&self, fluent: usize) -> u32 {
        self.field_of.get(fluent).copied().unwrap_or(NONE)
    }

    pub(super) fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The outcomes of a move.
    pub(in crate::quest) fn ops_of(&self, id: MoveId) -> Range<OpId> {
        self.moves.get(id as usize).map_or(0..0, |m| m.ops.clone())
    }

    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The same outcome of the same function with other objects in their places.
    pub(super) fn renamed(&self, world: &World, op: OpId, names: &[usize]) -> Option<OpId> {
        let op = self.ops.get(op as usize)?;
        let name = |o: usize| names.get(o).copied().unwrap_or(o);
        let (call, _) = self.parts(world, op)?;
        let args: Vec<usize> = call.args.iter().map(|&o| name(o)).collect();
        let returns = call.returns.map(name);
        let same = |m: &&Move| {
            world.calls().get(m.call as usize).is_some_and(|c| {
                c.function == call.function && c.args == args && c.returns == returns
            })
        };
        let mut ops = self.moves.iter().find(same)?.ops.clone();
        ops.find(|&id| self.ops.get(id as usize).is_some_and(|o| o.outcome == op.outcome))
    }

    /// The call of an op and the number of its outcome.
    pub(in crate::quest) fn named(&self, op: OpId) -> Option<(CallId, usize)> {
        let op = self.ops.get(op as usize)?;
        Some((self.moves.get(op.by as usize)?.call, op.outcome as usize))
    }

    /// Whether the call can matter.
    #[cfg(test)]
    pub(in crate::quest) fn knows(&self, call: CallId) -> bool {
        self.moves.iter().any(|m| m.call == call)
    }

    /// Whether what happens depends on how many calls have been made.
    pub(super) fn has_clock(&self) -> bool {
        !self.ticking.is_empty() || !self.ends.is_empty()
    }

    /// Whether it matters in which order two calls end that end together.
    pub(super) fn ends_conflict(&self) -> bool {
        let conflict = |(i, a): (usize, &End)| {
            let others = self.ends.iter().enumerate().filter(|(j, _)| i != *j);
            others.clone().any(|(_, b)| a.effect.contradicts(&b.effect))
        };
        self.ends.iter().enumerate().any(conflict)
    }

    /// The state of an episode, less what cannot matter.
    pub(in crate::quest) fn state(&self, play: &Play) -> Vec<u64> {
        self.project(play.bits(), play.fluents())
    }

    /// The state at the start of a world, less what cannot matter.
    pub(in crate::quest) fn start(&self, world: &World) -> Vec<u64> {
        self.project(&world.index.start.bits, &world.index.start.fluents)
    }

    fn project(&self, bits: &[u64], fluents: &[i64]) -> Vec<u64> {
        let mut state = vec![0; self.stride];
        for (i, &fact) in (0u32..).zip(&self.facts) {
            set_bit(&mut state, i, bit(bits, fact));
        }
        for field in &self.fields {
            field.write(&mut state, fluents.get(field.fluent).copied().unwrap_or(0));
        }
        state
    }

    #[inline]
    fn read(&self, state: &[u64], field: u32) -> i64 {
        self.fields.get(field as usize).map_or(0, |f| f.read(state))
    }

    #[inline]
    fn write(&self, state: &mut [u64], field: u32, value: i64) {
        if let Some(field) = self.fields.get(field as usize) {
            field.write(state, value);
        }
    }

    /// Value of a fluent that can matter.
    pub(super) fn value(&self, state: &[u64], fluent: usize) -> i64 {
        self.read(state, self.field(fluent))
    }

    /// Two fields of the same range exchange their values.
    pub(super) fn exchange(&self, state: &mut [u64], a: u32, b: u32) {
        let (left, right) = (self.read(state, a), self.read(state, b));
        self.write(state, a, right);
        self.write(state, b, left);
    }

    /// The condition that these facts are true, those are false, and all fields are as in `like`.
    pub(super) fn resembling(&self, on: &[u32], off: &[u32], like: &[u64]) -> Needs {
        let fields = (0u32..).zip(&self.fields);
        let num = fields.map(|(i, f)| (i, Compare::Eq, f.read(like))).collect();
        Needs::new(on.iter().copied(), off.iter().copied(), num)
    }

    /// What must hold before an op so that these facts are true and those false after it.
    pub(super) fn regress(&self, op: OpId, on: &mut [u64], off: &mut [u64]) {
        let Some(op) = self.ops.get(op as usize) else { return };
        op.effect.supply(on, off);
        if let Some(m) = self.moves.get(op.by as usize) {
            m.needs.demand(on, off);
        }
    }

    #[inline]
    pub(super) fn meets(&self, state: &[u64], needs: &Needs) -> bool {
        needs.hold(state, &self.fields)
    }

    /// What the goal needs.
    pub(super) fn goal_needs(&self) -> &Needs {
        &self.goal
    }

    #[inline]
    pub(in crate::quest) fn goal(&self, state: &[u64]) -> bool {
        self.meets(state, &self.goal)
    }

    #[inline]
    pub(super) fn open(&self, state: &[u64], id: MoveId) -> bool {
        self.moves.get(id as usize).is_some_and(|m| {
            self.meets(state, &m.needs) && !m.never.as_ref().is_some_and(|n| self.meets(state, n))
        })
    }

    /// The moves that may be made in a state, in an order that follows from the state alone.
    pub(in crate::quest) fn applicable(&self, state: &[u64], out: &mut Vec<MoveId>) {
        out.clear();
        out.extend(self.always.iter().filter(|&&m| self.open(state, m)));
        let facts = state.iter().take(self.facts.len().div_ceil(64));
        for fact in (0u32..).zip(facts).flat_map(|(word, &bits)| ones(word, bits)) {
            if let Some(row) = self.watch.get(fact as usize) {
                out.extend(row.iter().filter(|&&m| self.open(state, m)));
            }
        }
    }

    /// Writes into `out` the state after an op whose move may be made.
    pub(in crate::quest) fn successor(&self, state: &[u64], op: OpId, out: &mut Vec<u64>) {
        out.clear();
        out.extend_from_slice(state);
        let Some(op) = self.ops.get(op as usize) else { return };
        if self.has_clock() {
            let wait = self.moves.get(op.by as usize).is_some_and(|m| m.wait);
            self.pass(state, wait, out);
        }
        op.effect.apply(out, &self.fields);
        for end in &self.ends {
            // The call ends now where it ran before and its time has just run out.
            if self.read(state, end.left) > 0 && self.read(out, end.left) == 0 {
                end.effect.apply(out, &self.fields);
            }
        }
    }

    /// Time passes by one, or until the next running call ends.
    fn pass(&self, state: &[u64], wait: bool, out: &mut [u64]) {
        let lefts = || self.ends.iter().map(|e| (e.left, self.read(state, e.left)));
        let next = lefts().map(|(_, left)| left).filter(|&left| left > 0).min();
        let steps = if wait { next.unwrap_or(1) } else { 1 };
        for (field, left) in lefts().filter(|&(_, left)| left > 0) {
            self.write(out, field, (left - steps).max(0));
        }
        for &(field, floor) in &self.ticking {
            let value = self.read(state, field);
            if value > floor {
                self.write(out, field, (value - steps).max(floor));
            }
        }
    }

    /// Ops whose effects at the end are still to come in this state.
    pub(super) fn pending(&self, world: &World, state: &[u64]) -> Vec<OpId> {
        if self.ends.is_empty() {
            return Vec::new();
        }
        let runs = |op: &Op| {
            let left = self.parts(world, op).and_then(|(_, o)| o.left);
            left.is_some_and(|left| self.value(state, left) > 0)
        };
        (0u32..).zip(&self.ops).filter(|(_, op)| runs(op)).map(|(i, _)| i).collect()
    }
}

/// The place of every number below `n` in a list; [`NONE`] for those that are not in it.
fn inverse(n: usize, list: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut places = vec![NONE; n];
    for (i, at) in (0u32..).zip(list) {
        if let Some(slot) = places.get_mut(at) {
            *slot = i;
        }
    }
    places
}
