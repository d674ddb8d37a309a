//! Words of the toolbox family.

use super::{Ask, Word, inventory};

pub const ARTIFACTS: [&str; 16] = [
    "note", "outline", "glossary", "figure", "table", "draft", "chart", "quote", "map", "abstract",
    "appendix", "poster", "booklet", "summary", "slide", "report",
];

pub const HAVE: Word = inventory(
    "have",
    &["?a: artifact"],
    "The artifact is at hand.",
    &["{0} is at hand", "{0} is ready", "we have {0}"],
);

pub const MAKE: Ask = Ask {
    todo: &[
        "make the {0}",
        "produce the {0}",
        "come up with the {0}",
        "prepare the {0}",
        "get hold of the {0}",
    ],
    state: &[
        "the {0} is ready",
        "we have the {0}",
        "the {0} is at hand",
        "the {0} lies on the table, finished",
        "the {0} is there",
    ],
};

pub const OPENINGS: [&str; 6] = [
    "There are many tools, and few of them are needed.",
    "The drawer holds a tool for everything.",
    "Each tool makes one artifact from others.",
    "A writer's workshop has more tools than anybody can remember.",
    "Look back from what is wanted to the tools that lead there.",
    "Which tool comes first, and which one is not needed at all? Think before you reach for one.",
];
pub const START: [&str; 4] = [
    "To begin with there is {0}.",
    "At the start one finds {0}.",
    "All that exists so far: {0}.",
    "The work starts from {0}.",
];
pub const CONSUME: [&str; 4] = [
    "Some tools use up what they read.",
    "A few tools take what they work on with them.",
    "What a tool reads may be gone afterwards.",
    "Careful: not every tool leaves its input behind.",
];
pub const SPOIL: [&str; 4] = [
    "Some tools spoil something else.",
    "A few tools ruin what lies next to them.",
    "Using a tool can cost you an artifact that it does not even read.",
    "Mind the side effects: certain tools destroy other artifacts.",
];
pub const BLOCKED: [&str; 4] = [
    "Some tools refuse to work while a certain artifact is around.",
    "A few tools are blocked by something that lies about.",
    "Certain tools work only as long as something is not there yet.",
    "The order matters, for some artifacts block a tool.",
];
