//! States as rows of words, and a table of distinct states: what the searches share.

use super::play::Play;
use super::relevance::Relevant;
use super::world::{NumChange, NumEffect, NumTest, World, set_bit};

/// A call as masks.
#[derive(Debug, Clone)]
struct Packed {
    on: Vec<u64>,
    off: Vec<u64>,
    num: Vec<NumTest>,
    outcomes: Vec<PackedOutcome>,
}

#[derive(Debug, Clone)]
struct PackedOutcome {
    add: Vec<u64>,
    del: Vec<u64>,
    num: Vec<NumEffect>,
}

/// The state space of a world. A state is the words of its facts, then its fluents as bits.
#[derive(Debug, Clone)]
pub(super) struct Space {
    words: usize,
    stride: usize,
    calls: Vec<Packed>,
    /// Calls that can matter, ascending.
    active: Vec<usize>,
    /// Facts that can matter, as a mask, and fluents.
    facts: Vec<u64>,
    fluents: Vec<bool>,
    goal_on: Vec<u64>,
    goal_off: Vec<u64>,
    goal_num: Vec<NumTest>,
    /// Fluents that fall by one with every call, and their floors.
    ticking: Vec<(usize, i64)>,
}

fn mask(words: usize, facts: &[u32]) -> Vec<u64> {
    let mut bits = vec![0; words];
    for &fact in facts {
        set_bit(&mut bits, fact, true);
    }
    bits
}

impl Space {
    pub(super) fn new(world: &World) -> Self {
        let words = world.facts().len().div_ceil(64);
        let pack = |c: &super::world::Call| Packed {
            on: mask(words, &c.pre_true),
            off: mask(words, &c.pre_false),
            num: c.pre_num.clone(),
            outcomes: c
                .outcomes
                .iter()
                .map(|o| PackedOutcome {
                    add: mask(words, &o.add),
                    del: mask(words, &o.del),
                    num: o.num.clone(),
                })
                .collect(),
        };
        let ticking = world.fluents().iter().enumerate().filter(|(_, f)| f.ticks);
        let relevant = Relevant::compute(world);
        Self {
            words,
            stride: words + world.fluents().len(),
            calls: world.calls().iter().map(pack).collect(),
            active: relevant.calls,
            facts: mask(words, &relevant.facts.into_iter().collect::<Vec<_>>()),
            fluents: (0..world.fluents().len()).map(|i| relevant.fluents.contains(&i)).collect(),
            goal_on: mask(words, world.goal_true()),
            goal_off: mask(words, world.goal_false()),
            goal_num: world.goal_num().to_vec(),
            ticking: ticking.map(|(i, f)| (i, f.min)).collect(),
        }
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Calls that can matter.
    pub(super) fn active(&self) -> &[usize] {
        &self.active
    }

    pub(super) fn outcomes(&self, call: usize) -> usize {
        self.calls.get(call).map_or(0, |c| c.outcomes.len())
    }

    /// The state of an episode, less what cannot matter.
    pub(super) fn state(&self, play: &Play) -> Vec<u64> {
        self.project(play.bits(), play.fluents())
    }

    /// The state at the start of a world, less what cannot matter.
    pub(super) fn start(&self, world: &World) -> Vec<u64> {
        self.project(&world.index.start.bits, &world.index.start.fluents)
    }

    fn project(&self, bits: &[u64], fluents: &[i64]) -> Vec<u64> {
        let facts = bits.iter().zip(&self.facts).map(|(b, mask)| b & mask);
        let kept = |(&v, &on): (&i64, &bool)| if on { v.cast_unsigned() } else { 0 };
        facts.chain(fluents.iter().zip(&self.fluents).map(kept)).collect()
    }

    #[inline]
    fn matches(&self, state: &[u64], on: &[u64], off: &[u64], num: &[NumTest]) -> bool {
        let facts = state.iter().zip(on).zip(off).all(|((&s, &a), &b)| s & a == a && s & b == 0);
        facts && num.iter().all(|t| t.compare.holds(self.fluent(state, t.fluent), t.value))
    }

    #[inline]
    fn fluent(&self, state: &[u64], fluent: usize) -> i64 {
        state.get(self.words + fluent).map_or(0, |v| v.cast_signed())
    }

    #[inline]
    pub(super) fn goal(&self, state: &[u64]) -> bool {
        self.matches(state, &self.goal_on, &self.goal_off, &self.goal_num)
    }

    #[inline]
    pub(super) fn applicable(&self, state: &[u64], call: usize) -> bool {
        self.calls.get(call).is_some_and(|c| self.matches(state, &c.on, &c.off, &c.num))
    }

    /// Writes into `out` the state after this outcome of an applicable call.
    pub(super) fn successor(&self, state: &[u64], call: usize, outcome: usize, out: &mut Vec<u64>) {
        out.clear();
        out.extend_from_slice(state);
        let Some(outcome) = self.calls.get(call).and_then(|c| c.outcomes.get(outcome)) else {
            return;
        };
        let changes = outcome.add.iter().zip(&outcome.del).zip(&self.facts);
        for (word, ((&add, &del), &relevant)) in out.iter_mut().zip(changes) {
            *word = (*word & !del) | (add & relevant);
        }
        let relevant = |fluent: usize| self.fluents.get(fluent) == Some(&true);
        for &(fluent, floor) in self.ticking.iter().filter(|t| relevant(t.0)) {
            if let Some(slot) = out.get_mut(self.words + fluent) {
                *slot = (slot.cast_signed() - 1).max(floor).cast_unsigned();
            }
        }
        for effect in outcome.num.iter().filter(|e| relevant(e.fluent)) {
            if let Some(slot) = out.get_mut(self.words + effect.fluent) {
                *slot = match effect.change {
                    NumChange::Add(by) => slot.cast_signed() + by,
                    NumChange::Set(to) => to,
                }
                .cast_unsigned();
            }
        }
    }
}

/// Distinct states in the order of their discovery; open addressing over one arena.
#[derive(Debug, Clone)]
pub(super) struct Table {
    stride: usize,
    arena: Vec<u64>,
    slots: Vec<u32>,
    len: usize,
}

const EMPTY: u32 = u32::MAX;

fn hash(state: &[u64]) -> usize {
    let mut h = 0x9e37_79b9_7f4a_7c15u64;
    for &word in state {
        h = (h ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h ^= h >> 32;
    }
    usize::try_from(h >> 1).unwrap_or(0)
}

impl Table {
    pub(super) fn new(stride: usize) -> Self {
        Self { stride, arena: Vec::new(), slots: vec![EMPTY; 1024], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, i: usize) -> &[u64] {
        self.arena.get(i * self.stride..(i + 1) * self.stride).unwrap_or(&[])
    }

    /// The slot where the state is or belongs, and its number if it is there.
    fn probe(&self, state: &[u64]) -> (usize, Option<usize>) {
        let mask = self.slots.len() - 1;
        let mut at = hash(state) & mask;
        loop {
            match self.slots.get(at) {
                Some(&found) if found != EMPTY => {
                    if self.get(found as usize) == state {
                        return (at, Some(found as usize));
                    }
                    at = (at + 1) & mask;
                }
                _ => return (at, None),
            }
        }
    }

    pub(super) fn find(&self, state: &[u64]) -> Option<usize> {
        self.probe(state).1
    }

    /// Number of the state, and whether it is new.
    pub(super) fn insert(&mut self, state: &[u64]) -> (usize, bool) {
        let (at, found) = self.probe(state);
        if let Some(found) = found {
            return (found, false);
        }
        let index = self.len;
        self.arena.extend_from_slice(state);
        self.len += 1;
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = u32::try_from(index).unwrap_or(EMPTY);
        }
        if self.len * 2 > self.slots.len() {
            self.grow();
        }
        (index, true)
    }

    fn grow(&mut self) {
        self.slots = vec![EMPTY; self.slots.len() * 2];
        for i in 0..self.len {
            let (at, _) = self.probe(self.get(i));
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = u32::try_from(i).unwrap_or(EMPTY);
            }
        }
    }
}
