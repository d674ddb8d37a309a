//! Courier: carriers bring parcels between rooms (transport and logistics).
//!
//! Twists: one-way links, a fuel gauge with a station, more than one hand, a second carrier, and
//! parcels that need not move.

use std::collections::BTreeSet;

use super::tale::{Tale, capital, first, list};
use super::words::{Wish, ask, courier as words, warn_of_distractions};
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
    let rooms = first(&words::ROOMS, dice.knob("rooms").max(2));
    let moving = dice.knob("parcels").max(1);
    let parcels = first(&words::PARCELS, moving + dice.knob("idle"));
    let carriers = first(&words::CARRIERS, dice.knob("carriers").max(1));
    let slots = dice.knob("slots").max(1);
    draft.objects("room", &rooms);
    draft.objects("parcel", &parcels);
    draft.objects("carrier", &carriers);
    draft.vocabulary(&words::WORDS);
    let (mut tale, wording) = (Tale::default(), &mut dice.wording());
    let people: Vec<String> = carriers.iter().map(|c| capital(c)).collect();
    tale.say(wording, &words::OPENINGS, &[&list(&people)]);
    let fuel = dice.knob("fuel");
    functions(draft, fuel, slots);
    if links(dice, draft, &rooms) {
        tale.say(wording, &words::ONE_WAY, &[]);
    }
    if fuel > 0 {
        draft.vocabulary(&[words::STATION]);
        draft.fluent("fuel", fuel.max(3), fuel);
        draft.about_fluent("fuel", "Moves that the fuel is good for.");
        let room = dice.choose(&rooms).unwrap_or_default();
        draft.init(&format!("station({room})"));
        tale.say(wording, &words::FUEL, &[&fuel.to_string(), &room]);
    }
    let hands: &[&str] = if slots > 1 { &words::HANDS } else { &words::ONE_HAND };
    tale.say(wording, hands, &[&slots.to_string()]);
    for carrier in &carriers {
        let room = dice.choose(&rooms).unwrap_or_default();
        draft.init(&format!("at({carrier}, {room})"));
    }
    let wishes = journeys(dice, draft, &rooms, &parcels, moving);
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    for parcel in parcels.iter().skip(moving) {
        if wording.chance(40) {
            tale.say(wording, &words::IDLE, &[parcel]);
        }
    }
    ask(&mut tale, wording, &wishes);
    warn_of_distractions(&mut tale, wording, screens + jobs);
    draft.narrative(tale.shuffled(wording));
}

/// Lays out the parcels; returns where the first `moving` of them must go.
fn journeys(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    rooms: &[String],
    parcels: &[String],
    moving: usize,
) -> Vec<Wish> {
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
    let mut wishes: Vec<Wish> = Vec::new();
    for (parcel, (idle, from, to)) in parcels.iter().zip(journeys) {
        draft.init(&format!("lies({parcel}, {})", name(from)));
        if !idle {
            draft.goal(&format!("lies({parcel}, {})", name(to)));
            wishes.push((&words::MOVE, vec![parcel.clone(), name(to)]));
        }
    }
    wishes
}

fn functions(draft: &mut Draft, fuel: usize, slots: usize) {
    let (cost, tank) = if fuel > 0 { (", fuel -= 1", fuel.max(3)) } else { ("", 0) };
    draft.function(
        "go",
        "The carrier walks from a room to a neighbouring one.",
        &["?c: carrier", "?a: room", "?b: room"],
        "at(?c, ?a) and link(?a, ?b)",
        &format!("at(?c, ?b), not at(?c, ?a){cost}"),
    );
    // A carrier with one hand has it free or not; more hands are counted.
    let (free, take, give) = if slots > 1 {
        draft.fluent("load", slots, 0);
        draft.about_fluent("load", "Parcels that are being carried.");
        ("", ", load += 1", ", load -= 1")
    } else {
        draft.vocabulary(&[words::BUSY]);
        (" and not busy(?c)", ", busy(?c)", ", not busy(?c)")
    };
    let params = &["?c: carrier", "?x: parcel", "?r: room"];
    draft.function(
        "pick_up",
        "The carrier takes a parcel that lies in the same room.",
        params,
        &format!("at(?c, ?r) and lies(?x, ?r){free}"),
        &format!("holds(?c, ?x), not lies(?x, ?r){take}"),
    );
    draft.function(
        "put_down",
        "The carrier leaves a parcel in the room where both are.",
        params,
        "at(?c, ?r) and holds(?c, ?x)",
        &format!("lies(?x, ?r), not holds(?c, ?x){give}"),
    );
    if fuel > 0 {
        draft.function(
            "refuel",
            "Fills the tank in a room that has a fuel station.",
            &["?c: carrier", "?r: room"],
            "at(?c, ?r) and station(?r)",
            &format!("fuel = {tank}"),
        );
    }
}

/// A random tree and some more links; each of these is one-way with chance `one_way`, but the
/// tree stays two-way so that every room can be left. True where a link leads one way only.
fn links(dice: &mut Dice<'_>, draft: &mut Draft, rooms: &[String]) -> bool {
    let mut all = BTreeSet::new();
    for i in 1..rooms.len() {
        // Near parents make long corridors rather than stars.
        let parent = i - 1 - dice.below(i.min(2));
        all.extend([(i, parent), (parent, i)]);
    }
    for _ in 0..dice.knob("extra_links") {
        let (a, b) = (dice.below(rooms.len()), dice.below(rooms.len()));
        if a == b {
            continue;
        }
        all.insert((a, b));
        if !dice.percent("one_way") {
            all.insert((b, a));
        }
    }
    let name = |i: usize| rooms.get(i).map_or("", String::as_str);
    for &(a, b) in &all {
        draft.init(&format!("link({}, {})", name(a), name(b)));
    }
    all.iter().any(|&(a, b)| !all.contains(&(b, a)))
}
