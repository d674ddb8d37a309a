//! Fluents in as few bits as their ranges need.

use crate::quest::world::{NumChange, World};

/// Where a fluent lies in a state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub fluent: usize,
    word: usize,
    shift: u32,
    mask: u64,
    low: i64,
}

impl Field {
    #[inline]
    pub(super) fn read(&self, state: &[u64]) -> i64 {
        let word = state.get(self.word).copied().unwrap_or(0);
        ((word >> self.shift) & self.mask).cast_signed() + self.low
    }

    #[inline]
    pub(super) fn write(&self, state: &mut [u64], value: i64) {
        if let Some(word) = state.get_mut(self.word) {
            let value = (value - self.low).cast_unsigned() & self.mask;
            *word = (*word & !(self.mask << self.shift)) | (value << self.shift);
        }
    }
}

/// Places for these fluents from the word `first` on, and the words of a state with them. No
/// field crosses a word.
pub(super) fn layout(
    world: &World,
    fluents: impl Iterator<Item = usize>,
    first: usize,
) -> (Vec<Field>, usize) {
    let (mut word, mut used) = (first, 0);
    let mut fields = Vec::new();
    for fluent in fluents {
        let (low, high) = range(world, fluent);
        let width = u64::BITS - high.abs_diff(low).leading_zeros();
        if used + width > u64::BITS {
            (word, used) = (word + 1, 0);
        }
        let mask = u64::MAX.checked_shr(u64::BITS - width).unwrap_or(0);
        fields.push(Field { fluent, word, shift: used % u64::BITS, mask, low });
        used += width;
    }
    (fields, word + usize::from(used > 0))
}

/// The values that a fluent can take.
fn range(world: &World, fluent: usize) -> (i64, i64) {
    let declared = world.fluents().get(fluent).map_or((0, 0, 0), |f| (f.min, f.max, f.init));
    let (mut low, mut high) = (declared.0.min(declared.2), declared.1.max(declared.2));
    for effect in world.calls().iter().flat_map(|c| &c.outcomes).flat_map(|o| &o.num) {
        if let (true, NumChange::Set(to)) = (effect.fluent == fluent, effect.change) {
            (low, high) = (low.min(to), high.max(to));
        }
    }
    (low, high)
}
