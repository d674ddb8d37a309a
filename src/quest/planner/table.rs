//! A table of distinct states, numbered in the order of their discovery.

/// Distinct states; open addressing over one arena.
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
    (h >> 1) as usize
}

impl Table {
    pub(super) fn new(stride: usize) -> Self {
        Self { stride, arena: Vec::new(), slots: vec![EMPTY; 1024], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes in use.
    pub(super) fn bytes(&self) -> usize {
        self.arena.len() * 8 + self.slots.len() * 4
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
