//! Conditions and changes of states, as masks of words and operations on fields.

use super::fields::Field;
use crate::quest::expr::Compare;
use crate::quest::world::NumChange;

/// A condition on a state.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    /// Word, bits that must be set, bits that must not.
    bits: Vec<(u32, u64, u64)>,
    /// Field, comparison and the number on its right.
    num: Vec<(u32, Compare, i64)>,
}

impl Needs {
    /// These facts true, those false, and the tests.
    pub(super) fn new(
        on: impl Iterator<Item = u32>,
        off: impl Iterator<Item = u32>,
        num: Vec<(u32, Compare, i64)>,
    ) -> Self {
        Self { bits: masks(on, off), num }
    }

    #[inline]
    pub(super) fn hold(&self, state: &[u64], fields: &[Field]) -> bool {
        let bits = self.bits.iter().all(|&(word, on, off)| {
            let word = state.get(word as usize).copied().unwrap_or(0);
            word & on == on && word & off == 0
        });
        bits && self.num.iter().all(|&(field, compare, value)| {
            fields.get(field as usize).is_some_and(|f| compare.holds(f.read(state), value))
        })
    }

    /// Adds its facts to those that must be true and those that must be false.
    pub(super) fn demand(&self, on: &mut [u64], off: &mut [u64]) {
        for &(word, needs_on, needs_off) in &self.bits {
            if let (Some(on), Some(off)) = (on.get_mut(word as usize), off.get_mut(word as usize)) {
                (*on, *off) = (*on | needs_on, *off | needs_off);
            }
        }
    }

    /// The facts that must be true.
    pub(super) fn on(&self) -> impl Iterator<Item = u32> {
        self.bits.iter().flat_map(|&(word, on, _)| ones(word, on))
    }
}

/// A change of a state.
#[derive(Debug, Clone, Default)]
pub(super) struct Effect {
    /// Word, bits that fall, bits that rise.
    bits: Vec<(u32, u64, u64)>,
    pub num: Vec<(u32, NumChange)>,
}

impl Effect {
    /// These facts become false, those true, and the fields change.
    pub(super) fn new(
        del: impl Iterator<Item = u32>,
        add: impl Iterator<Item = u32>,
        num: Vec<(u32, NumChange)>,
    ) -> Self {
        Self { bits: masks(del, add), num }
    }

    #[inline]
    pub(super) fn apply(&self, state: &mut [u64], fields: &[Field]) {
        for &(word, fall, rise) in &self.bits {
            if let Some(word) = state.get_mut(word as usize) {
                *word = (*word & !fall) | rise;
            }
        }
        for &(field, change) in &self.num {
            let Some(field) = fields.get(field as usize) else { continue };
            let value = match change {
                NumChange::Add(by) => field.read(state) + by,
                NumChange::Set(to) => to,
            };
            field.write(state, value);
        }
    }

    /// Takes what it brings about from the facts that must be true and those that must be false.
    pub(super) fn supply(&self, on: &mut [u64], off: &mut [u64]) {
        for &(word, fall, rise) in &self.bits {
            if let (Some(on), Some(off)) = (on.get_mut(word as usize), off.get_mut(word as usize)) {
                (*on, *off) = (*on & !rise, *off & !fall);
            }
        }
    }

    /// Whether it raises a fact that the other lets fall.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        let meet = |a: &(u32, u64, u64), b: &(u32, u64, u64)| a.0 == b.0 && a.2 & b.1 != 0;
        self.bits.iter().any(|a| other.bits.iter().any(|b| meet(a, b)))
    }
}

fn masks(
    first: impl Iterator<Item = u32>,
    second: impl Iterator<Item = u32>,
) -> Vec<(u32, u64, u64)> {
    let mut masks: Vec<(u32, u64, u64)> = Vec::new();
    let marked = first.map(|fact| (fact, false)).chain(second.map(|fact| (fact, true)));
    for (fact, is_second) in marked {
        let (word, bit) = (fact / 64, 1 << (fact % 64));
        let (a, b) = if is_second { (0, bit) } else { (bit, 0) };
        match masks.iter_mut().find(|m| m.0 == word) {
            Some(mask) => *mask = (word, mask.1 | a, mask.2 | b),
            None => masks.push((word, a, b)),
        }
    }
    masks
}

/// Numbers of the bits that are set in the word of this number.
pub(super) fn ones(word: u32, mut bits: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let bit = bits.trailing_zeros();
        bits &= bits - 1;
        Some(word * 64 + bit)
    })
}
