//! Rooms with lamps: a level of any size, for the benchmarks.

use fqm_pipe::quest::{Level, World};

/// Rooms and doors of the three sizes.
pub const ROOMS: [(usize, usize); 3] = [(20, 30), (65, 135), (230, 570)];

/// Rooms in a ring with further doors across; a lamp to light in each.
pub fn rooms(rooms: usize, doors: usize) -> World {
    let name = |room: usize| format!("r{}", room % rooms);
    let mut dice = Dice(1);
    let mut init: Vec<_> =
        (0..rooms).map(|room| format!("\"door({}, {})\"", name(room), name(room + 1))).collect();
    while init.len() < doors {
        let (from, on) = (dice.below(rooms), 2 + dice.below(rooms - 2));
        let door = format!("\"door({}, {})\"", name(from), name(from + on));
        if !init.contains(&door) {
            init.push(door);
        }
    }
    init.push("\"at(r0)\"".to_owned());
    let names: Vec<_> = (0..rooms).map(|room| format!("\"{}\"", name(room))).collect();
    let goal: Vec<_> = (0..rooms).map(|room| format!("lit({})", name(room))).collect();
    let text = format!(
        r#"schema = "fq-level/1"
id = "rooms"
family = "bench"
level = 1
challenge = 1
narrative = "Light every lamp."
source = {{ kind = "hand" }}
init = [{init}]
goal = "{goal}"
limits = {{ max_calls = 200 }}
[types]
room = "object"
[objects]
room = [{names}]
[predicates]
at = {{ params = ["?r: room"] }}
lit = {{ params = ["?r: room"] }}
door = {{ params = ["?a: room", "?b: room"], static = true }}
[functions.go]
description = "Walks through a door."
params = ["?a: room", "?b: room"]
pre = "at(?a) and door(?a, ?b)"
effects = "at(?b), not at(?a)"
[functions.light]
description = "Lights the lamp of a room."
params = ["?r: room"]
pre = "at(?r) and not lit(?r)"
effects = "lit(?r)"
"#,
        init = init.join(", "),
        goal = goal.join(" and "),
        names = names.join(", "),
    );
    World::ground(&Level::from_toml(&text).unwrap()).unwrap()
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
