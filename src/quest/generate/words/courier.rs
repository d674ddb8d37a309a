//! Words of the courier family.

use super::{Ask, Word, env, fixed, inventory};

pub const ROOMS: [&str; 8] =
    ["hall", "kitchen", "library", "studio", "cellar", "attic", "garage", "garden"];
pub const PARCELS: [&str; 7] = ["book", "lamp", "vase", "clock", "violin", "mirror", "globe"];
pub const CARRIERS: [&str; 2] = ["mia", "tom"];

pub const WORDS: [Word; 4] = [
    env(
        "at",
        &["?c: carrier", "?r: room"],
        "The carrier stands in the room.",
        &["{0} is at {1}", "{0} stands in {1}", "{0} is in {1}"],
    ),
    env(
        "lies",
        &["?x: parcel", "?r: room"],
        "The parcel lies in the room.",
        &["{0} lies in {1}", "{0} is in {1}", "{0} has been brought to {1}"],
    ),
    inventory(
        "holds",
        &["?c: carrier", "?x: parcel"],
        "The carrier has the parcel in hand.",
        &["{0} holds {1}", "{0} carries {1}", "{1} is in the hands of {0}"],
    ),
    fixed(
        "link",
        &["?a: room", "?b: room"],
        "One can walk from the first room to the second.",
        &["{0} leads to {1}", "there is a way from {0} to {1}"],
    ),
];
pub const BUSY: Word = inventory(
    "busy",
    &["?c: carrier"],
    "The carrier has no hand free.",
    &["{0} has no hand free", "{0} is carrying something"],
);
pub const STATION: Word = fixed(
    "station",
    &["?r: room"],
    "Fuel can be had in the room.",
    &["{0} has a fuel station", "there is fuel in {0}"],
);

pub const MOVE: Ask = Ask {
    todo: &[
        "carry the {0} to the {1}",
        "bring the {0} to the {1}",
        "put the {0} in the {1}",
        "move the {0} into the {1}",
        "deliver the {0} to the {1}",
        "take the {0} over to the {1}",
    ],
    state: &[
        "the {0} lies in the {1}",
        "the {0} is in the {1}",
        "the {0} has been brought to the {1}",
        "the {0} ends up in the {1}",
        "the {0} can be found in the {1}",
    ],
};

pub const OPENINGS: [&str; 6] = [
    "Parcels wait in several rooms of a large house; {0} will do the carrying.",
    "On courier duty today: {0}.",
    "The parcels of this house are in the hands of {0}.",
    "It is moving day, and {0} came to help.",
    "A house full of rooms, and a few things that stand in the wrong one. The walking is up to {0}.",
    "Couriers on foot bring things from room to room. Their names: {0}.",
];
pub const ONE_HAND: [&str; 5] = [
    "Nobody can hold more than one parcel at a time.",
    "One parcel in the hand is the limit.",
    "Whoever carries something has no hand left for a second parcel.",
    "A courier takes one thing at a time.",
    "Two parcels at once are too much for one person.",
];
pub const HANDS: [&str; 4] = [
    "Up to {0} parcels can be on the way at once.",
    "There is room for {0} parcels in the bags.",
    "No more than {0} parcels may be carried at the same time.",
    "{0} parcels at once can be carried, not more.",
];
pub const FUEL: [&str; 5] = [
    "Every walk from room to room uses fuel: {0} units are in the tank, and more is to be had in the {1}.",
    "The cart has fuel for {0} moves; the {1} has a station.",
    "Mind the tank. It holds {0} units now, each move takes one, and it can be filled in the {1}.",
    "Fuel is short: {0} moves, then it has to be filled again in the {1}.",
    "With {0} units of fuel one gets through {0} doors; the pump stands in the {1}.",
];
pub const ONE_WAY: [&str; 4] = [
    "Some passages can be walked one way only.",
    "Not every door opens from both sides.",
    "Careful: a few ways lead there but not back.",
    "Some of the ways are one-way.",
];
pub const IDLE: [&str; 5] = [
    "Leave the {0} alone.",
    "The {0} may stay where it is.",
    "Nobody asked about the {0}.",
    "There is no need to touch the {0}.",
    "It does not matter where the {0} is.",
];
