//! Words of the dialogue family.

use super::{Ask, Word, env, fixed, inventory};

pub const TOPICS: [&str; 8] =
    ["audience", "payment", "login", "language", "hardware", "privacy", "support", "hosting"];
pub const PEOPLE: [&str; 3] = ["customer", "designer", "engineer"];
pub const ITEMS: [&str; 4] = ["scope", "schedule", "price", "contract"];
/// What can be asked without knowing anything yet follows on this.
pub const GREETING: &str = "greeting";
/// What casts doubt on nothing casts doubt on this.
pub const NOTHING: &str = "no_topic";

pub const WORDS: [Word; 8] = [
    env("with", &["?p: person"], "You talk to the person.", &["you talk to {0}", "{0} listens"]),
    inventory(
        "about",
        &["?a: answer", "?t: topic"],
        "The answer speaks of the topic and waits to be thought through.",
        &["{0} is about {1}", "{0} answers {1}"],
    ),
    inventory(
        "known",
        &["?t: topic"],
        "You know how things stand with the topic.",
        &["{0} is known", "{0} is clear", "{0} is cleared up", "you know about {0}"],
    ),
    env(
        "written",
        &["?i: item"],
        "The part of the brief is written.",
        &["{0} is written", "the brief has its {0}", "{0} is on paper", "{0} is drawn up"],
    ),
    fixed(
        "knows",
        &["?p: person", "?t: topic"],
        "The person can answer questions on the topic.",
        &["{0} knows about {1}", "ask {0} about {1}"],
    ),
    fixed(
        "follows",
        &["?t: topic", "?u: topic"],
        "The first topic can be asked about once the second is known.",
        &["{0} follows on {1}", "{0} comes after {1}"],
    ),
    fixed(
        "shakes",
        &["?t: topic", "?x: topic"],
        "Learning about the first topic casts doubt on the second.",
        &["{0} casts doubt on {1}"],
    ),
    fixed(
        "needs",
        &["?i: item", "?t: topic", "?u: topic"],
        "The part of the brief needs both topics.",
        &["{0} needs {1} and {2}"],
    ),
];

pub const WRITE: Ask = Ask {
    todo: &[
        "write the {0}",
        "put the {0} on paper",
        "write the part of the brief on the {0}",
        "give the brief its {0}",
        "draw up the {0}",
    ],
    state: &[
        "the {0} is written",
        "the {0} is on paper",
        "the brief has its {0}",
        "the {0} is drawn up",
        "the part on the {0} stands in the brief",
    ],
};
pub const LEARN: Ask = Ask {
    todo: &[
        "find out about {0}",
        "clear up how things stand with {0}",
        "learn what there is to know about {0}",
        "get clear about {0}",
    ],
    state: &[
        "you know about {0}",
        "{0} is clear",
        "no question is open about {0}",
        "it is known how things stand with {0}",
    ],
};

pub const OPENINGS: [&str; 5] = [
    "A brief has to be written, and what belongs into it is in other people's heads.",
    "Ask the right people the right questions, and not more of them than you need.",
    "Before anything is built, somebody must find out what is wanted.",
    "The project starts with questions.",
    "What is wanted has never been written down, and so you ask.",
];
pub const PATIENCE: [&str; 4] = [
    "People will answer {0} questions in all.",
    "After {0} answers nobody has any time left.",
    "The patience of all together lasts for {0} questions.",
    "You may ask {0} times, and no more.",
];
pub const DOUBT: [&str; 4] = [
    "Some answers cast doubt on what seemed clear before.",
    "Learning one thing can make another one uncertain again.",
    "Mind the order, for late answers may undo early ones.",
    "What is written stays written, even if an answer later casts doubt on it.",
];
