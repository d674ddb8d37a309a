//! Vault: rooms behind locked doors, keys that lie about (lock and key).
//!
//! Twists: keys that break in the lock, doors that fall shut, keys behind other doors, decoy
//! keys, and one free hand.

use super::draft::numbered;
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("rooms", 8),
    ("locks", 5),
    ("decoys", 4),
    ("papers", 3),
    ("breaks", 100),
    ("one_hand", 100),
    ("screens", 8),
    ("jobs", 8),
];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let rooms = numbered("r", dice.knob("rooms").max(2));
    let locks = dice.knob("locks").min(rooms.len() - 1);
    let keys = numbered("k", locks + dice.knob("decoys"));
    let papers = numbered("paper", dice.knob("papers").max(1));
    let breaks = u32::try_from(dice.knob("breaks")).unwrap_or(0);
    let one_hand = u32::try_from(dice.knob("one_hand")).unwrap_or(0);
    let (breaks, one_hand) = (dice.chance(breaks), dice.chance(one_hand));
    draft.objects("room", &rooms);
    draft.objects("key", &keys);
    draft.objects("paper", &papers);
    draft.env("at", &["?r: room"]);
    draft.env("lies", &["?k: key", "?r: room"]);
    draft.inventory("holds", &["?k: key"]);
    draft.inventory("read", &["?p: paper"]);
    draft.env("locked", &["?a: room", "?b: room"]);
    draft.fixed("door", &["?a: room", "?b: room"]);
    draft.fixed("fits", &["?k: key", "?a: room", "?b: room"]);
    draft.fixed("stored", &["?p: paper", "?r: room"]);
    functions(draft, breaks, one_hand);
    let parents = doors(dice, draft, &rooms);
    place_keys(dice, draft, &rooms, &keys, &parents, locks);
    draft.init(&format!("at({})", rooms.first().map_or("", String::as_str)));
    for (i, paper) in papers.iter().enumerate() {
        // The first paper lies in the last room, the deepest of the tree on the average.
        let room = if i == 0 { rooms.last().cloned() } else { dice.choose(&rooms) };
        draft.init(&format!("stored({paper}, {})", room.unwrap_or_default()));
        draft.goal(&format!("read({paper})"));
    }
    let screens = dice.knob("screens");
    let jobs = dice.knob("jobs");
    draft.distract(screens, jobs);
    draft.narrative(format!("{} paper(s) wait behind {locks} locked door(s).", papers.len()));
}

fn functions(draft: &mut Draft, breaks: bool, one_hand: bool) {
    draft.function(
        "enter",
        "Goes through an open door.",
        &["?a: room", "?b: room"],
        "at(?a) and door(?a, ?b) and not locked(?a, ?b)",
        "at(?b), not at(?a)",
    );
    let (free, busy, idle) = if one_hand {
        draft.inventory("hand_full", &[]);
        (" and not hand_full", ", hand_full", ", not hand_full")
    } else {
        ("", "", "")
    };
    draft.function(
        "grab_key",
        "Picks a key up.",
        &["?k: key", "?r: room"],
        &format!("at(?r) and lies(?k, ?r){free}"),
        &format!("holds(?k), not lies(?k, ?r){busy}"),
    );
    draft.function(
        "drop_key",
        "Puts a key down.",
        &["?k: key", "?r: room"],
        "at(?r) and holds(?k)",
        &format!("lies(?k, ?r), not holds(?k){idle}"),
    );
    let used = if breaks { format!(", not holds(?k){idle}") } else { String::new() };
    draft.function(
        "unlock",
        "Opens a lock from this side.",
        &["?k: key", "?a: room", "?b: room"],
        "at(?a) and holds(?k) and fits(?k, ?a, ?b) and locked(?a, ?b)",
        &format!("not locked(?a, ?b), not locked(?b, ?a){used}"),
    );
    draft.function(
        "read_paper",
        "Reads a paper where it is stored.",
        &["?p: paper", "?r: room"],
        "at(?r) and stored(?p, ?r)",
        "read(?p)",
    );
}

/// A tree of rooms from the first; returns each room's parent.
fn doors(dice: &mut Dice<'_>, draft: &mut Draft, rooms: &[String]) -> Vec<usize> {
    let mut parents = vec![0];
    for i in 1..rooms.len() {
        let parent = i - 1 - dice.below(i.min(3));
        parents.push(parent);
        for (a, b) in [(i, parent), (parent, i)] {
            let name = |n: usize| rooms.get(n).map_or("", String::as_str);
            draft.init(&format!("door({}, {})", name(a), name(b)));
        }
    }
    parents
}

/// Locks doors and lays each key in a room that comes before its door, the last door always.
fn place_keys(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    rooms: &[String],
    keys: &[String],
    parents: &[usize],
    locks: usize,
) {
    let name = |n: usize| rooms.get(n).map_or("", String::as_str).to_owned();
    let inner: Vec<usize> = (1..rooms.len().saturating_sub(1)).collect();
    let mut locked = dice.sample(&inner, locks.saturating_sub(1));
    if locks > 0 {
        locked.push(rooms.len() - 1);
    }
    locked.sort_unstable();
    for (key, room) in keys.iter().zip(&locked) {
        let parent = parents.get(*room).copied().unwrap_or(0);
        for (a, b) in [(*room, parent), (parent, *room)] {
            draft.init(&format!("locked({}, {})", name(a), name(b)));
            draft.init(&format!("fits({key}, {}, {})", name(a), name(b)));
        }
        let place = dice.below(*room);
        draft.init(&format!("lies({key}, {})", name(place)));
    }
    for decoy in keys.iter().skip(locked.len()) {
        let place = dice.below(rooms.len());
        draft.init(&format!("lies({decoy}, {})", name(place)));
    }
}
