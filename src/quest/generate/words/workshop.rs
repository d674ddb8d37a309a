//! Words of the workshop family.

use super::{Ask, Word, env, fixed, inventory};

pub const RAWS: [&str; 6] = ["wood", "steel", "glass", "cotton", "rubber", "copper"];
pub const PRODUCTS: [&str; 9] =
    ["frame", "wheel", "panel", "seat", "axle", "lantern", "handle", "engine", "cart"];
pub const TOOLS: [&str; 3] = ["lathe", "press", "oven"];

pub const WORDS: [Word; 3] = [
    inventory(
        "have",
        &["?x: item"],
        "The item is in store.",
        &["{0} is in store", "{0} is ready", "we have {0}"],
    ),
    fixed("raw", &["?x: item"], "The item is raw material.", &["{0} is raw material"]),
    fixed(
        "recipe",
        &["?x: item", "?a: item", "?b: item"],
        "The first item is joined from the other two.",
        &["{0} is made of {1} and {2}", "{1} and {2} make {0}"],
    ),
];
pub const MOUNTED: [Word; 2] = [
    env("mounted", &["?t: tool"], "The tool is on the machine.", &["{0} is mounted"]),
    fixed(
        "needs",
        &["?x: item", "?t: tool"],
        "The item is joined with the tool.",
        &["{0} needs {1}", "{0} is made with {1}"],
    ),
];
pub const SCRAPPED: Word = env(
    "scrapped",
    &["?x: item"],
    "The item went through the shredder.",
    &["{0} is shredded", "{0} is scrap"],
);

pub const BUILD: Ask = Ask {
    todo: &[
        "build the {0}",
        "make the {0}",
        "assemble the {0}",
        "produce the {0}",
        "put the {0} together",
    ],
    state: &[
        "the {0} is in store",
        "the {0} is ready",
        "we have the {0}",
        "the {0} stands there, finished",
        "the {0} can be handed over",
    ],
};

pub const OPENINGS: [&str; 5] = [
    "The workshop has received an order.",
    "In the workshop everything is joined from two other things.",
    "A small workshop, a few machines and raw material enough.",
    "The customer will be here at five.",
    "Raw material can be fetched at any time; the rest has to be made.",
];
pub const RECIPES: [&str; 5] = [
    "The {0} is made of {1} and {2}.",
    "{1} and {2} joined make the {0}.",
    "For the {0} one takes {1} and {2}.",
    "The {0} consists of {1} and {2}.",
    "Out of {1} and {2} comes the {0}.",
];
pub const CONSUME: [&str; 4] = [
    "What goes into a product is used up.",
    "Parts that are joined are gone.",
    "Everything can be used only once.",
    "Joining two parts leaves neither of them.",
];
pub const TOOLING: [&str; 4] = [
    "Each product wants its own tool on the machine.",
    "The machine takes one tool at a time, and tools have to be changed.",
    "Changing the tool costs a call, so do alike things together.",
    "Not every product is made with the tool that is mounted now.",
];
pub const SHREDDER: [&str; 4] = [
    "Keep away from the shredder.",
    "There is a shredder; nobody asked for scrap.",
    "The shredder makes nothing that is wanted.",
    "Whatever is scrapped has to be made again.",
];
