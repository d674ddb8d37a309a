//! Words of the migration family.

use super::{Ask, Word, env, fixed, inventory};

pub const SERVICES: [&str; 7] =
    ["ledger", "catalog", "search", "cart", "mail", "reporting", "portal"];

pub const WORDS: [Word; 6] = [
    env(
        "running",
        &["?s: service"],
        "The service is up.",
        &["{0} is running", "{0} is up", "{0} runs"],
    ),
    env(
        "leans",
        &["?s: service"],
        "The service uses the one it stands on, and not a bridge.",
        &["{0} leans on its base", "{0} is settled on its base", "{0} stands firm"],
    ),
    env(
        "new",
        &["?s: service"],
        "The service has the new version.",
        &["{0} has the new version", "{0} is new", "{0} is upgraded"],
    ),
    fixed("root", &["?s: service"], "The service stands on nothing.", &["{0} stands on nothing"]),
    fixed(
        "stands_on",
        &["?s: service", "?b: service"],
        "The first service needs the second one.",
        &["{0} stands on {1}", "{0} needs {1}"],
    ),
    fixed(
        "users",
        &["?s: service", "?a: service", "?b: service"],
        "What stands on the first service: the other two.",
        &["{1} and {2} stand on {0}"],
    ),
];
pub const DATA: [Word; 2] = [
    env(
        "filled",
        &["?s: service"],
        "The service has its data.",
        &["{0} has its data", "{0} is filled"],
    ),
    inventory(
        "dumped",
        &["?s: service"],
        "A dump of the service's data lies ready.",
        &["{0} is dumped", "there is a dump of {0}"],
    ),
];

/// For what stands on nothing: new and running.
pub const LOWEST: Ask = Ask {
    todo: &[
        "have {0} running on the new version",
        "upgrade {0} and bring it up",
        "get the new version of {0} up and running",
        "upgrade {0} and start it",
    ],
    state: &[
        "{0} runs on the new version",
        "{0} is upgraded and up",
        "the new version of {0} is running",
        "{0} is up and has the new version",
    ],
};
/// For what stands on something: new and leaning on its base.
pub const UPGRADED: Ask = Ask {
    todo: &[
        "upgrade {0} and settle it on its base",
        "move {0} to the new version and let it lean on its base again",
        "bring {0} up on its base in the new version",
        "upgrade {0}, with no bridge left under it",
    ],
    state: &[
        "{0} is upgraded and settled on its base",
        "the new version of {0} leans on its base",
        "{0} stands on its base in the new version",
        "{0} is new and firm on its base",
    ],
};
pub const FILLED: Ask = Ask {
    todo: &[
        "keep the data of {0}",
        "see that {0} has its data",
        "fill {0} with its data",
        "save the data of {0} through the upgrade",
    ],
    state: &[
        "{0} has its data",
        "{0} is filled with its data",
        "the data is in {0}",
        "no data of {0} is lost",
    ],
};
pub const KEPT: Ask = Ask {
    todo: &[
        "have {0} running, but not upgraded",
        "keep {0} up on the old version",
        "spare {0} the upgrade, but have it up",
        "run {0} on the old version",
    ],
    state: &[
        "{0} runs on the old version",
        "{0} is up and still old",
        "the old version of {0} is running",
        "{0} is running and not upgraded",
    ],
};
pub const OFF: Ask = Ask {
    todo: &["take {0} down", "switch {0} off", "stop {0} for good", "have {0} stopped"],
    state: &["{0} is down", "{0} is not running", "{0} is switched off", "{0} is stopped"],
};

pub const OPENINGS: [&str; 5] = [
    "Tonight the services move to the new version.",
    "A migration is under way: services stand on one another, and each comes down before it changes.",
    "The old version is to go, service by service.",
    "This is the night of the great upgrade.",
    "Yesterday's upgrade was left half done, and the team takes it up again.",
];
pub const BRIDGES: [&str; 4] = [
    "What keeps its old version cannot lean on a new base; bridge it in time.",
    "A bridge lets a service run when its base changes.",
    "Only what is up can be bridged.",
    "Old and new do not lean on each other.",
];
pub const DUMPS: [&str; 4] = [
    "An upgrade empties a service.",
    "Upgrading loses the data, unless there is a dump to fill in again.",
    "Dump the data before it is too late.",
    "Data survives an upgrade only as a dump.",
];
pub const DOWN: [&str; 4] = [
    "Services that are down at the same time: {0} at most.",
    "The limit of services down at once is {0}.",
    "Never have more services down at a time than {0}.",
    "Users bear only so many stopped services at a time: {0}.",
];
