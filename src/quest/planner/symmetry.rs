//! Objects that can change places: swaps under which the remaining task is the same.
//!
//! Two objects of one type are interchangeable where swapping them maps calls to calls and the
//! goal to itself. A fact of one of them without a counterpart is no obstacle where no call adds
//! it: once it is false it stays so, and with it every call that needs it is out. So such a swap
//! holds in the states in which those facts are false: spanners that lie in different places are
//! alike once they are carried.

use std::collections::{BTreeMap, BTreeSet};

use super::relevance::{Terms, changed};
use super::space::{MoveId, NONE, Op, Space};
use crate::quest::index::{bit, set_bit};
use crate::quest::world::{FactId, NumEffect, World};

/// Number of an object in its world.
pub(super) type Object = usize;

/// Most pairs of objects that are looked at.
const MAX_PAIRS: usize = 20_000;

/// What swapping two objects does to a state.
#[derive(Debug, Clone, Default)]
pub(super) struct Swap {
    facts: Vec<(u32, u32)>,
    fields: Vec<(u32, u32)>,
    /// Facts that must be false.
    absent: Vec<u32>,
}

impl Swap {
    /// Whether the two may change places in this state.
    #[inline]
    pub(super) fn allowed(&self, state: &[u64]) -> bool {
        !self.absent.iter().any(|&f| bit(state, f))
    }

    pub(super) fn apply(&self, space: &Space, state: &mut [u64]) {
        for &(a, b) in &self.facts {
            let (on_a, on_b) = (bit(state, a), bit(state, b));
            if on_a != on_b {
                set_bit(state, a, on_b);
                set_bit(state, b, on_a);
            }
        }
        for &(a, b) in &self.fields {
            space.exchange(state, a, b);
        }
    }
}

/// Objects of which any two can change places.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub members: Vec<Object>,
    /// Swap of the members `i` and `j > i` at `i × members + j`.
    swaps: Vec<Swap>,
}

impl Class {
    pub(super) fn swap(&self, i: usize, j: usize) -> Option<&Swap> {
        self.swaps.get(i * self.members.len() + j)
    }
}

/// The classes of interchangeable objects, those of one object left out.
pub(super) fn classes(world: &World, space: &Space) -> Vec<Class> {
    let finder = Finder::new(world, space);
    let mut by_type: BTreeMap<&str, Vec<Object>> = BTreeMap::new();
    for (object, (_, kind)) in world.objects().iter().enumerate() {
        if finder.facts_of.get(object).is_some_and(|facts| !facts.is_empty()) {
            by_type.entry(kind).or_default().push(object);
        }
    }
    let mut pairs = 0;
    let mut found = Vec::new();
    for objects in by_type.values() {
        let mut open: Vec<Growing> = Vec::new();
        for &object in objects {
            let joined = open.iter_mut().any(|class| {
                pairs += class.members.len();
                pairs <= MAX_PAIRS && class.take(&finder, object)
            });
            if !joined {
                open.push(Growing { members: vec![object], swaps: BTreeMap::new() });
            }
        }
        found.extend(open.into_iter().filter(|c| c.members.len() > 1).map(Growing::done));
    }
    found
}

/// A class that is being found.
struct Growing {
    members: Vec<Object>,
    swaps: BTreeMap<(Object, Object), Swap>,
}

impl Growing {
    /// Takes an object in if it can change places with every member.
    fn take(&mut self, finder: &Finder<'_>, object: Object) -> bool {
        let pair = |&m: &Object| finder.swap(m, object).map(|swap| ((m, object), swap));
        let Some(swaps) = self.members.iter().map(pair).collect::<Option<Vec<_>>>() else {
            return false;
        };
        self.swaps.extend(swaps);
        self.members.push(object);
        true
    }

    fn done(mut self) -> Class {
        let mut take = |(&a, &b): (&Object, &Object)| self.swaps.remove(&(a, b));
        let members = &self.members;
        let pairs = members.iter().flat_map(|a| members.iter().map(move |b| (a, b)));
        let swaps = pairs.map(|pair| take(pair).unwrap_or_default()).collect();
        Class { swaps, members: self.members }
    }
}

/// What a call looks like to a plan, in facts of the space.
#[derive(Debug, PartialEq)]
struct Shape {
    on: BTreeSet<u32>,
    off: BTreeSet<u32>,
    num: Vec<crate::quest::world::NumTest>,
    never: Option<(BTreeSet<u32>, BTreeSet<u32>, Vec<crate::quest::world::NumTest>)>,
    start: (BTreeSet<u32>, BTreeSet<u32>),
    takes: u32,
    wait: bool,
    cost: f64,
    outcomes: Vec<ShapeOutcome>,
}

#[derive(Debug, PartialEq)]
struct ShapeOutcome {
    outcome: u32,
    p: f64,
    add: BTreeSet<u32>,
    del: BTreeSet<u32>,
    num: Vec<NumEffect>,
}

struct Finder<'a> {
    world: &'a World,
    space: &'a Space,
    /// Facts of the space by predicate and arguments.
    fact_ids: BTreeMap<(usize, &'a [Object]), u32>,
    /// Moves by function, arguments and new object.
    move_ids: BTreeMap<(usize, &'a [Object], Option<Object>), MoveId>,
    /// Per object: facts and moves that speak of it.
    facts_of: Vec<Vec<u32>>,
    moves_of: Vec<Vec<MoveId>>,
    /// Per fact: whether some call adds it.
    added: Vec<bool>,
    terms: Vec<Terms>,
}

impl<'a> Finder<'a> {
    fn new(world: &'a World, space: &'a Space) -> Self {
        let mut finder = Self {
            world,
            space,
            fact_ids: BTreeMap::new(),
            move_ids: BTreeMap::new(),
            facts_of: vec![Vec::new(); world.objects().len()],
            moves_of: vec![Vec::new(); world.objects().len()],
            added: vec![false; space.facts().len()],
            terms: Vec::new(),
        };
        for (id, &fact) in (0u32..).zip(space.facts()) {
            let Some(fact) = world.facts().get(fact as usize) else { continue };
            finder.fact_ids.insert((fact.predicate, &fact.args), id);
            note(&mut finder.facts_of, &fact.args, id);
        }
        for (id, m) in (0u32..).zip(space.moves()) {
            let Some(call) = world.calls().get(m.call as usize) else { continue };
            finder.move_ids.insert((call.function, &call.args, call.returns), id);
            let terms = Terms::of(call).unwrap_or_default();
            let effects = call.outcomes.iter().flat_map(|o| changed(call, o));
            let facts = terms.facts().chain(effects).filter_map(|&f| world.facts().get(f as usize));
            let mut objects: Vec<Object> = facts.flat_map(|f| f.args.iter().copied()).collect();
            objects.extend(call.args.iter().copied().chain(call.returns));
            note(&mut finder.moves_of, &objects, id);
            let adds = call.outcomes.iter().flat_map(|o| &o.add).chain(&call.start_add);
            for fact in adds.map(|&f| space.local(f)).filter(|&f| f != NONE) {
                if let Some(slot) = finder.added.get_mut(fact as usize) {
                    *slot = true;
                }
            }
            finder.terms.push(terms);
        }
        finder
    }

    /// The swap of two objects, if they are interchangeable.
    fn swap(&self, a: Object, b: Object) -> Option<Swap> {
        let pair = Pair { a, b, image: BTreeMap::new(), alone: BTreeSet::new() };
        let pair = self.match_facts(pair)?;
        let goal = |facts: &[FactId]| pair.fixes(&self.space.kept(facts).collect());
        if !goal(self.world.goal_true()) || !goal(self.world.goal_false()) {
            return None;
        }
        let mut fields = Vec::new();
        for &id in self.moves_of.get(a)?.iter().chain(self.moves_of.get(b)?) {
            fields.extend(self.match_move(&pair, id)?);
        }
        fields.sort_unstable();
        fields.dedup();
        let facts = pair.image.iter().filter(|(f, g)| f < g).map(|(&f, &g)| (f, g)).collect();
        Some(Swap { facts, fields, absent: pair.alone.into_iter().collect() })
    }

    /// Where the facts of the pair go; those that go nowhere must be lost for good once false.
    fn match_facts(&self, mut pair: Pair) -> Option<Pair> {
        for &fact in self.facts_of.get(pair.a)?.iter().chain(self.facts_of.get(pair.b)?) {
            let id = *self.space.facts().get(fact as usize)?;
            let named = self.world.facts().get(id as usize)?;
            let args = pair.swapped(&named.args);
            match self.fact_ids.get(&(named.predicate, &args[..])) {
                Some(&other) => {
                    pair.image.insert(fact, other);
                }
                None if self.added.get(fact as usize) == Some(&true) => return None,
                None => {
                    pair.alone.insert(fact);
                }
            }
        }
        Some(pair)
    }

    /// The counterpart of a move must do the same. Returns which fields change places.
    fn match_move(&self, pair: &Pair, id: MoveId) -> Option<Vec<(u32, u32)>> {
        let call = self.world.calls().get(self.space.moves().get(id as usize)?.call as usize)?;
        let dead = self.dead(pair, id)?;
        let args = pair.swapped(&call.args);
        let returns = call.returns.map(|o| pair.other(o));
        let Some(&other) = self.move_ids.get(&(call.function, &args[..], returns)) else {
            return dead.then(Vec::new);
        };
        if dead || self.dead(pair, other)? {
            return (dead && self.dead(pair, other)?).then(Vec::new);
        }
        let (here, there) = (self.shape(id)?, self.shape(other)?);
        (pair.shape(here) == pair.plain(there)).then(|| self.fields(id, other))
    }

    /// Whether a move needs a fact that is lost for good wherever the pair may be swapped.
    fn dead(&self, pair: &Pair, id: MoveId) -> Option<bool> {
        let terms = self.terms.get(id as usize)?;
        Some(self.space.kept(&terms.on).any(|f| pair.alone.contains(&f)))
    }

    fn shape(&self, id: MoveId) -> Option<Shape> {
        let m = self.space.moves().get(id as usize)?;
        let call = self.world.calls().get(m.call as usize)?;
        let terms = self.terms.get(id as usize)?;
        let set = |facts: &[FactId]| self.space.kept(facts).collect::<BTreeSet<u32>>();
        let num = |tests: &[crate::quest::world::NumTest]| {
            let mut tests = tests.to_vec();
            tests.sort();
            tests
        };
        let outcome = |op: &Op| {
            let (_, o) = self.space.parts(self.world, op)?;
            let num = o.num.iter().filter(|e| self.space.field(e.fluent) != NONE).copied();
            Some(ShapeOutcome {
                outcome: op.outcome,
                p: op.p,
                add: set(&o.add),
                del: set(&o.del),
                num: num.collect(),
            })
        };
        let ops = m.ops.clone().filter_map(|op| self.space.ops().get(op as usize));
        Some(Shape {
            on: set(&terms.on),
            off: set(&terms.off),
            num: num(&terms.num),
            never: terms.never.as_ref().map(|g| (set(&g.pre_true), set(&g.pre_false), num(&g.num))),
            start: (set(&call.start_add), set(&call.start_del)),
            takes: call.takes,
            wait: call.wait,
            cost: call.cost,
            outcomes: ops.map(outcome).collect::<Option<_>>()?,
        })
    }

    /// Fields that count down to the ends of two moves.
    fn fields(&self, a: MoveId, b: MoveId) -> Vec<(u32, u32)> {
        let left = |op| {
            let op = self.space.ops().get(op as usize)?;
            let (_, outcome) = self.space.parts(self.world, op)?;
            Some(self.space.field(outcome.left?))
        };
        let pairs = self.space.ops_of(a).zip(self.space.ops_of(b));
        let fields = pairs.filter_map(|(a, b)| Some((left(a)?, left(b)?)));
        fields.filter(|(a, b)| a != b).map(|(a, b)| (a.min(b), a.max(b))).collect()
    }
}

fn note(rows: &mut [Vec<u32>], objects: &[Object], id: u32) {
    for &object in objects {
        if let Some(row) = rows.get_mut(object)
            && row.last() != Some(&id)
        {
            row.push(id);
        }
    }
}

/// Two objects and what becomes of their facts.
struct Pair {
    a: Object,
    b: Object,
    image: BTreeMap<u32, u32>,
    /// Facts without a counterpart.
    alone: BTreeSet<u32>,
}

impl Pair {
    fn other(&self, object: Object) -> Object {
        match object {
            o if o == self.a => self.b,
            o if o == self.b => self.a,
            o => o,
        }
    }

    fn swapped(&self, objects: &[Object]) -> Vec<Object> {
        objects.iter().map(|&o| self.other(o)).collect()
    }

    fn mapped(&self, facts: &BTreeSet<u32>) -> BTreeSet<u32> {
        let live = facts.iter().filter(|f| !self.alone.contains(f));
        live.map(|f| *self.image.get(f).unwrap_or(f)).collect()
    }

    fn fixes(&self, facts: &BTreeSet<u32>) -> bool {
        facts.is_disjoint(&self.alone) && self.mapped(facts) == *facts
    }

    /// A shape after the swap.
    fn shape(&self, shape: Shape) -> Shape {
        self.each(shape, |facts| self.mapped(facts))
    }

    /// A shape without the facts that are lost for good.
    fn plain(&self, shape: Shape) -> Shape {
        self.each(shape, |facts| facts.difference(&self.alone).copied().collect())
    }

    fn each(&self, shape: Shape, with: impl Fn(&BTreeSet<u32>) -> BTreeSet<u32>) -> Shape {
        // A guard that needs a lost fact never holds.
        let lost = |on: &BTreeSet<u32>| !on.is_disjoint(&self.alone);
        let never = shape.never.filter(|(on, _, _)| !lost(on));
        let outcome = |o: ShapeOutcome| ShapeOutcome { add: with(&o.add), del: with(&o.del), ..o };
        Shape {
            on: with(&shape.on),
            off: with(&shape.off),
            never: never.map(|(on, off, num)| (with(&on), with(&off), num)),
            start: (with(&shape.start.0), with(&shape.start.1)),
            outcomes: shape.outcomes.into_iter().map(outcome).collect(),
            ..shape
        }
    }
}
