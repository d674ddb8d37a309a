//! Rooms with lamps: a level of any size, for the benchmarks.

use fqm_pipe::quest::{World, rooms_level};

/// Rooms in a ring with further doors across; a lamp to light in each.
pub fn rooms(rooms: usize, doors: usize) -> World {
    World::ground(&rooms_level(rooms, doors).unwrap()).unwrap()
}

/// SplitMix64: random enough to choose with, and next to nothing beside a step.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(x ^ (x >> 31)) * n as u128) >> 64) as usize
    }
}
