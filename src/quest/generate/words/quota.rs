//! Words of the quota family.

use super::{Ask, Word, env, fixed, inventory};

pub const JOBS: [&str; 6] = ["invoice", "survey", "forecast", "contract", "summary", "translation"];
pub const TREATS: [&str; 6] = ["poster", "banner", "badge", "sticker", "mug", "flag"];

pub const WORDS: [Word; 3] = [
    inventory(
        "outlined",
        &["?j: job"],
        "The job has an outline.",
        &["{0} is outlined", "there is an outline of {0}"],
    ),
    inventory(
        "drafted",
        &["?j: job"],
        "The job has a draft.",
        &["{0} is drafted", "there is a draft of {0}"],
    ),
    inventory(
        "done",
        &["?j: job"],
        "The job is finished.",
        &["{0} is done", "{0} is finished", "{0} is complete"],
    ),
];
pub const BEFORE: Word = fixed(
    "before",
    &["?a: job", "?b: job"],
    "The two jobs are neighbours on the list.",
    &["{0} stands right before {1}"],
);
pub const TARIFFS: [Word; 2] = [
    env("on_demand", &[], "The tariff with direct solutions is on.", &["the tariff is on demand"]),
    env("flat", &[], "The tariff with more tokens is on.", &["the tariff is flat"]),
];
pub const ENJOYED: Word = inventory(
    "enjoyed",
    &["?t: treat"],
    "The extra has been ordered.",
    &["{0} has been ordered", "{0} is here"],
);

pub const FINISH: Ask = Ask {
    todo: &[
        "finish the {0}",
        "get the {0} done",
        "complete the {0}",
        "see the {0} through to its end",
        "work on the {0} until it is done",
    ],
    state: &[
        "the {0} is done",
        "the {0} is finished",
        "the {0} has been completed",
        "no work is left on the {0}",
        "the {0} is off the list as done",
    ],
};
pub const RESERVE: Ask = Ask {
    todo: &[
        "keep at least {0} tokens",
        "leave {0} tokens or more unspent",
        "hold back at least {0} tokens",
        "save no fewer than {0} tokens",
    ],
    state: &[
        "at least {0} tokens are left",
        "{0} tokens or more remain",
        "no fewer than {0} tokens are still there",
        "the account shows at least {0} tokens",
    ],
};

pub const OPENINGS: [&str; 6] = [
    "There are {0} tokens to spend.",
    "The month starts with a quota of {0} tokens.",
    "On the account: {0} tokens. On the desk: more work than that seems to pay for.",
    "Work is paid in tokens, and {0} of them are left.",
    "The office is short of tokens: it has {0}.",
    "With {0} tokens one has to think before one spends.",
];
pub const WAYS: [&str; 5] = [
    "An outlined job can be solved directly for {0} tokens, or drafted and polished for one token each.",
    "The direct way costs {0} tokens; a draft and its polish cost one each.",
    "Drafting and polishing is the cheap way at one token a step; the direct way takes {0}.",
    "Solving a job in one go is quick but costs {0} tokens.",
    "Those in a hurry pay {0} tokens for a direct solution.",
];
pub const TOP_UPS: [&str; 4] = [
    "More tokens can be asked for (times: {0}), but never twice in a row.",
    "Top-ups that the treasurer will grant: {0}, with a pause after each.",
    "If tokens run out, ask for more; requests left: {0}, and something else has to happen between two.",
    "The number of top-ups is limited to {0}, and they need a pause.",
];
pub const PAIRS: [&str; 4] = [
    "Two neighbouring drafts can be polished together for three tokens.",
    "Drafts that stand next to each other on the list may be polished as a pair.",
    "A pair of neighbouring drafts can be finished in one call.",
    "Polishing two neighbours at once saves a call, not tokens.",
];
pub const TARIFF: [&str; 4] = [
    "Direct solutions need the on-demand tariff; the flat one brings three tokens instead. They exclude each other.",
    "Choose between two tariffs once and for all: on demand, or flat with three tokens on top.",
    "Whoever takes the flat rate gets three tokens and can never solve directly.",
    "The tariff must be picked with care, for it cannot be changed.",
];
pub const REDO: [&str; 4] = [
    "Polishing uses up the draft and its outline.",
    "A polished draft is gone, and so is its outline.",
    "Once a draft is polished, nothing of it or its outline remains.",
    "Nothing is kept: to polish uses the draft up.",
];
pub const TREAT: [&str; 5] = [
    "Nobody needs the {0}, which costs a token.",
    "The {0} would be nice, but it is not on the list.",
    "Do not be tempted by the {0}.",
    "Ordering the {0} would be a waste of a token.",
    "The {0} can wait for better times.",
];
