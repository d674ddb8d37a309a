//! Courier: carriers bring parcels between rooms (transport and logistics).
//!
//! Twists: one-way links, a fuel gauge with a station, rooms that the second carrier alone can
//! enter, and parcels that need not move.

use super::draft::numbered;
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("rooms", 8),
    ("parcels", 4),
    ("idle", 3),
    ("carriers", 2),
    ("extra_links", 5),
    ("one_way", 100),
    ("fuel", 12),
    ("slots", 2),
    ("screens", 8),
    ("jobs", 8),
];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let rooms = numbered("r", dice.knob("rooms").max(2));
    let moving = dice.knob("parcels").max(1);
    let parcels = numbered("x", moving + dice.knob("idle"));
    let carriers = numbered("c", dice.knob("carriers").max(1));
    let slots = numbered("s", dice.knob("slots").max(1));
    draft.objects("room", &rooms);
    draft.objects("parcel", &parcels);
    draft.objects("carrier", &carriers);
    draft.objects("slot", &slots);
    draft.env("at", &["?c: carrier", "?r: room"]);
    draft.env("lies", &["?x: parcel", "?r: room"]);
    draft.inventory("holds", &["?c: carrier", "?x: parcel"]);
    draft.fixed("link", &["?a: room", "?b: room"]);
    let fuel = dice.knob("fuel");
    functions(draft, fuel, slots.len());
    links(dice, draft, &rooms);
    if fuel > 0 {
        draft.fixed("station", &["?r: room"]);
        draft.fluent("fuel", fuel.max(3), fuel);
        if let Some(room) = dice.choose(&rooms) {
            draft.init(&format!("station({room})"));
        }
    }
    for carrier in &carriers {
        let room = dice.choose(&rooms).unwrap_or_default();
        draft.init(&format!("at({carrier}, {room})"));
    }
    // Parcels are interchangeable, so one order of their journeys stands for all.
    let mut journeys: Vec<(bool, usize, usize)> = (0..parcels.len())
        .map(|i| {
            let from = dice.below(rooms.len());
            let to = (from + 1 + dice.below(rooms.len() - 1)) % rooms.len();
            (i >= moving, from, to)
        })
        .collect();
    journeys.sort_unstable();
    let name = |i: usize| rooms.get(i).cloned().unwrap_or_default();
    let mut wanted = Vec::new();
    for (parcel, (idle, from, to)) in parcels.iter().zip(journeys) {
        draft.init(&format!("lies({parcel}, {})", name(from)));
        if !idle {
            draft.goal(&format!("lies({parcel}, {})", name(to)));
            wanted.push(format!("{parcel} to {}", name(to)));
        }
    }
    let screens = dice.knob("screens");
    let jobs = dice.knob("jobs");
    draft.distract(screens, jobs);
    draft.narrative(format!("Couriers carry parcels between rooms: {}.", wanted.join(", ")));
}

fn functions(draft: &mut Draft, fuel: usize, slots: usize) {
    let (cost, tank) = if fuel > 0 { (", fuel -= 1", fuel.max(3)) } else { ("", 0) };
    draft.function(
        "go",
        "Walks to a neighbouring room.",
        &["?c: carrier", "?a: room", "?b: room"],
        "at(?c, ?a) and link(?a, ?b)",
        &format!("at(?c, ?b), not at(?c, ?a){cost}"),
    );
    // A carrier with one hand has it free or not; more hands are counted.
    let (free, take, give) = if slots > 1 {
        draft.fluent("load", slots, 0);
        ("", ", load += 1", ", load -= 1")
    } else {
        draft.inventory("busy", &["?c: carrier"]);
        (" and not busy(?c)", ", busy(?c)", ", not busy(?c)")
    };
    let params = &["?c: carrier", "?x: parcel", "?r: room"];
    draft.function(
        "pick_up",
        "Takes a parcel.",
        params,
        &format!("at(?c, ?r) and lies(?x, ?r){free}"),
        &format!("holds(?c, ?x), not lies(?x, ?r){take}"),
    );
    draft.function(
        "put_down",
        "Leaves a parcel.",
        params,
        "at(?c, ?r) and holds(?c, ?x)",
        &format!("lies(?x, ?r), not holds(?c, ?x){give}"),
    );
    if fuel > 0 {
        draft.function(
            "refuel",
            "Fills the tank.",
            &["?c: carrier", "?r: room"],
            "at(?c, ?r) and station(?r)",
            &format!("fuel = {tank}"),
        );
    }
}

/// A random tree and some more links; each is one-way with chance `one_way`, but the tree stays
/// two-way so that every room can be left.
fn links(dice: &mut Dice<'_>, draft: &mut Draft, rooms: &[String]) {
    let one_way = u32::try_from(dice.knob("one_way")).unwrap_or(0);
    let name = |i: usize| rooms.get(i).cloned().unwrap_or_default();
    for i in 1..rooms.len() {
        // Near parents make long corridors rather than stars.
        let parent = i - 1 - dice.below(i.min(2));
        draft.init(&format!("link({}, {})", name(i), name(parent)));
        draft.init(&format!("link({}, {})", name(parent), name(i)));
    }
    for _ in 0..dice.knob("extra_links") {
        let (a, b) = (dice.below(rooms.len()), dice.below(rooms.len()));
        if a == b {
            continue;
        }
        draft.init(&format!("link({}, {})", name(a), name(b)));
        if !dice.chance(one_way) {
            draft.init(&format!("link({}, {})", name(b), name(a)));
        }
    }
}
