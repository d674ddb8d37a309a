//! Words of the vault family.

use super::{Ask, Word, env, fixed, inventory};

pub const ROOMS: [&str; 8] =
    ["lobby", "gallery", "archive", "library", "cellar", "tower", "study", "chapel"];
pub const KEYS: [&str; 9] = [
    "brass_key",
    "iron_key",
    "silver_key",
    "copper_key",
    "golden_key",
    "tin_key",
    "glass_key",
    "bone_key",
    "jade_key",
];
pub const PAPERS: [&str; 5] = ["map", "letter", "deed", "diary", "will"];

pub const WORDS: [Word; 8] = [
    env("at", &["?r: room"], "You are in the room.", &["you are in {0}", "you stand in {0}"]),
    env(
        "lies",
        &["?k: key", "?r: room"],
        "The key lies in the room.",
        &["{0} lies in {1}", "{0} is in {1}"],
    ),
    inventory("holds", &["?k: key"], "You hold the key.", &["you hold {0}", "you have {0}"]),
    inventory(
        "read",
        &["?p: paper"],
        "The paper has been read.",
        &["{0} has been read", "{0} is read", "you know what {0} says"],
    ),
    env(
        "locked",
        &["?a: room", "?b: room"],
        "The door from the first room to the second is locked.",
        &["the door from {0} to {1} is locked", "{1} is locked from {0}"],
    ),
    fixed(
        "door",
        &["?a: room", "?b: room"],
        "A door leads from the first room to the second.",
        &["a door leads from {0} to {1}"],
    ),
    fixed(
        "fits",
        &["?k: key", "?a: room", "?b: room"],
        "The key opens the lock between the rooms.",
        &["{0} opens the door from {1} to {2}", "{0} fits the lock between {1} and {2}"],
    ),
    fixed(
        "stored",
        &["?p: paper", "?r: room"],
        "The paper is kept in the room and stays there.",
        &["{0} is kept in {1}", "{0} is stored in {1}"],
    ),
];
pub const HAND_FULL: Word = inventory(
    "hand_full",
    &[],
    "Your only free hand holds something.",
    &["your hand is full", "you hold a key"],
);

pub const READ: Ask = Ask {
    todo: &[
        "read the {0}",
        "find and read the {0}",
        "study the {0}",
        "find out what the {0} says",
        "go and read the {0}",
    ],
    state: &[
        "the {0} has been read",
        "you have read the {0}",
        "you know what the {0} says",
        "the {0} is read",
        "the words of the {0} are known",
    ],
};

pub const OPENINGS: [&str; 6] = [
    "An old house with locked doors.",
    "Behind these doors lie papers that matter.",
    "You are in the vault at night, and the doors are locked for a reason.",
    "Keys lie about the house; not all of them open something.",
    "The caretaker has left, the keys have not.",
    "What you look for is behind locked doors.",
];
pub const STORED: [&str; 5] = [
    "The {0} is kept in the {1}.",
    "In the {1} one finds the {0}.",
    "Somebody put the {0} in the {1}.",
    "The place of the {0} is the {1}.",
    "The {1} is where the {0} is stored.",
];
pub const BREAKS: [&str; 4] = [
    "A key breaks in the lock when it is used.",
    "Keys here serve only once.",
    "Whatever key you turn is lost.",
    "The locks keep the keys that open them.",
];
pub const ONE_HAND: [&str; 4] = [
    "You have one free hand, so one key at a time.",
    "You can carry a single key.",
    "Put one key down before you take another.",
    "Two keys at once are more than you can hold.",
];
pub const IDLE: [&str; 4] = [
    "The {0} is of no interest.",
    "Nobody asked about the {0}.",
    "You may leave the {0} unread.",
    "What the {0} says does not matter.",
];
