//! Vault: rooms behind locked doors, keys that lie about (lock and key).
//!
//! Twists: keys that break in the lock, keys behind other doors, decoy keys, papers that nobody
//! asked for, and one free hand.

use super::tale::{Tale, first};
use super::words::{Wish, ask, vault as words, warn_of_distractions};
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("rooms", 8),
    ("locks", 5),
    ("decoys", 4),
    ("papers", 3),
    ("spare", 2),
    ("breaks", 100),
    ("one_hand", 100),
    ("screens", 8),
    ("jobs", 8),
];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let rooms = first(&words::ROOMS, dice.knob("rooms").max(2));
    let locks = dice.knob("locks").min(rooms.len() - 1);
    let keys = first(&words::KEYS, locks + dice.knob("decoys"));
    let wanted = dice.knob("papers").max(1);
    let papers = first(&words::PAPERS, wanted + dice.knob("spare"));
    let (breaks, one_hand) = (dice.percent("breaks"), dice.percent("one_hand"));
    draft.objects("room", &rooms);
    draft.objects("key", &keys);
    draft.objects("paper", &papers);
    draft.vocabulary(&words::WORDS);
    functions(draft, breaks, one_hand);
    let parents = doors(dice, draft, &rooms);
    place_keys(dice, draft, &rooms, &keys, &parents, locks);
    draft.init(&format!("at({})", rooms.first().map_or("", String::as_str)));
    let (mut tale, wording) = (Tale::default(), &mut dice.wording());
    tale.say(wording, &words::OPENINGS, &[]);
    let mut wishes: Vec<Wish> = Vec::new();
    for (i, paper) in papers.iter().enumerate() {
        // The first paper lies in the last room, the deepest of the tree on the average.
        let room = if i == 0 { rooms.last().cloned() } else { dice.choose(&rooms) };
        let room = room.unwrap_or_default();
        draft.init(&format!("stored({paper}, {room})"));
        if i < wanted {
            draft.goal(&format!("read({paper})"));
            tale.say(wording, &words::STORED, &[paper, &room]);
            wishes.push((&words::READ, vec![paper.clone()]));
        } else if wording.chance(40) {
            tale.say(wording, &words::IDLE, &[paper]);
        }
    }
    let twists: [(bool, &[&str]); 2] = [(breaks, &words::BREAKS), (one_hand, &words::ONE_HAND)];
    for (_, phrasings) in twists.into_iter().filter(|(on, _)| *on) {
        tale.say(wording, phrasings, &[]);
    }
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    ask(&mut tale, wording, &wishes);
    warn_of_distractions(&mut tale, wording, screens + jobs);
    draft.narrative(tale.shuffled(wording));
}

fn functions(draft: &mut Draft, breaks: bool, one_hand: bool) {
    draft.function(
        "enter",
        "Goes through a door that is not locked.",
        &["?a: room", "?b: room"],
        "at(?a) and door(?a, ?b) and not locked(?a, ?b)",
        "at(?b), not at(?a)",
    );
    let (free, busy, idle) = if one_hand {
        draft.vocabulary(&[words::HAND_FULL]);
        (" and not hand_full", ", hand_full", ", not hand_full")
    } else {
        ("", "", "")
    };
    draft.function(
        "grab_key",
        "Picks up a key that lies in the room.",
        &["?k: key", "?r: room"],
        &format!("at(?r) and lies(?k, ?r){free}"),
        &format!("holds(?k), not lies(?k, ?r){busy}"),
    );
    draft.function(
        "drop_key",
        "Puts a key down in the room.",
        &["?k: key", "?r: room"],
        "at(?r) and holds(?k)",
        &format!("lies(?k, ?r), not holds(?k){idle}"),
    );
    let (used, text) = if breaks {
        (format!(", not holds(?k){idle}"), "Opens a lock with its key, which breaks.")
    } else {
        (String::new(), "Opens a lock with its key.")
    };
    draft.function(
        "unlock",
        text,
        &["?k: key", "?a: room", "?b: room"],
        "at(?a) and holds(?k) and fits(?k, ?a, ?b) and locked(?a, ?b)",
        &format!("not locked(?a, ?b), not locked(?b, ?a){used}"),
    );
    draft.function(
        "read_paper",
        "Reads a paper in the room where it is kept.",
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
