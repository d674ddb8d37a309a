//! Words of the refinery family.

use super::{Ask, Word, env, fixed, inventory};

pub const SOURCES: [&str; 5] =
    ["order_log", "visit_log", "stock_list", "ticket_log", "sensor_feed"];
pub const PRODUCTS: [&str; 12] = [
    "session_view",
    "basket_table",
    "profile_set",
    "price_index",
    "trend_line",
    "segment_map",
    "forecast",
    "ranking",
    "alert_list",
    "score_card",
    "margin_report",
    "outlook",
];

pub const WORDS: [Word; 7] = [
    inventory(
        "have",
        &["?x: product"],
        "The product lies in the store.",
        &["{0} is in the store", "{0} is at hand", "we have {0}"],
    ),
    env(
        "published",
        &["?x: product"],
        "The product has been handed to its readers.",
        &["{0} is published", "{0} is out", "{0} is released", "the readers have {0}"],
    ),
    fixed(
        "raw",
        &["?x: product"],
        "The product comes from outside.",
        &["{0} comes from outside", "{0} is raw"],
    ),
    fixed(
        "from_one",
        &["?x: product", "?a: product"],
        "The first is derived from the second, which stays.",
        &["{0} is derived from {1}"],
    ),
    fixed(
        "from_two",
        &["?x: product", "?a: product", "?b: product"],
        "The first joins the other two, which stay.",
        &["{0} joins {1} and {2}"],
    ),
    fixed(
        "out_of_one",
        &["?x: product", "?a: product"],
        "The first is the second turned into something else.",
        &["{1} is turned into {0}"],
    ),
    fixed(
        "out_of_two",
        &["?x: product", "?a: product", "?b: product"],
        "The first is the third worked into the second; only the second stays.",
        &["{0} is {2} worked into {1}"],
    ),
];
pub const PARTS: Word = fixed(
    "parts",
    &["?x: product", "?y: product", "?a: product"],
    "The first two are what the third falls into.",
    &["{2} falls into {0} and {1}"],
);
pub const COPIED: Word = inventory(
    "copied",
    &["?x: product"],
    "A copy of the product is kept aside.",
    &["{0} has a copy", "a copy of {0} is kept"],
);

pub const PUBLISH: Ask = Ask {
    todo: &[
        "publish the {0}",
        "get the {0} out to the readers",
        "hand the {0} over to the readers",
        "let the readers have the {0}",
        "release the {0}",
    ],
    state: &[
        "the {0} is published",
        "the readers have the {0}",
        "the {0} is out",
        "the {0} has reached its readers",
        "those who wait for the {0} have it",
    ],
};

pub const OPENINGS: [&str; 5] = [
    "The refinery makes data products from raw ones.",
    "A data team keeps a store of products, each made from others.",
    "It is Monday, and the data store must serve its readers.",
    "Raw data comes in, and finished tables go out to those who read them.",
    "Several reports stand on the same few tables, so it pays to think before making one.",
];
pub const HANDOVER: [&str; 4] = [
    "Whatever is handed to readers leaves the store.",
    "A product that goes out is no longer in the store.",
    "Handing a product over takes it out of the store.",
    "Once the readers have a product, the store does not.",
];
pub const ROOM: [&str; 4] = [
    "The store has room for {0} more.",
    "Only {0} more products fit into the store.",
    "Mind the room: {0} places are free.",
    "There are {0} free places; discard what is not needed.",
];
pub const COPIES: [&str; 4] = [
    "Copies may be kept aside before something is used up.",
    "A copy in time can save the work of making a product again.",
    "It is allowed to keep copies.",
    "What will be used up can be copied first.",
];
pub const USED_UP: [&str; 4] = [
    "Some steps use up what they read.",
    "Not every step leaves its input in the store.",
    "What one report uses up, the next one misses.",
    "Some products are gone once another is made of them.",
];
