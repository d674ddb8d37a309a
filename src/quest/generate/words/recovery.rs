//! Words of the recovery family.

use super::{Ask, Word, env, fixed};

/// What every service stands on in the end.
pub const BASE: &str = "platform";
pub const SERVICES: [&str; 4] = ["auth", "search", "billing", "mail"];

pub const WORDS: [Word; 5] = [
    env(
        "built",
        &["?s: service"],
        "A build of the service is ready.",
        &["{0} is built", "there is a build of {0}"],
    ),
    env(
        "broken",
        &["?s: service"],
        "The last build of the service broke.",
        &["the build of {0} is broken", "{0} is broken"],
    ),
    env(
        "canary",
        &["?s: service"],
        "The service runs for a few users.",
        &["{0} is a canary", "{0} runs for a few users"],
    ),
    env(
        "live",
        &["?s: service"],
        "The service runs for all users.",
        &["{0} is live", "{0} serves all users", "{0} is online"],
    ),
    fixed(
        "stands_on",
        &["?s: service", "?b: service"],
        "The first service needs the second one live.",
        &["{0} stands on {1}", "{0} depends on {1}"],
    ),
];
pub const INCIDENT: [Word; 2] = [
    env(
        "incident",
        &[],
        "An incident stops builds and deployments.",
        &["there is an incident", "an incident is open"],
    ),
    env(
        "diagnosed",
        &[],
        "The cause of the incident is known.",
        &["the incident is diagnosed", "the cause is known"],
    ),
];
pub const RESTING: Word = env(
    "resting",
    &["?s: service"],
    "The service is taken down for care.",
    &["{0} is in maintenance", "{0} is resting"],
);

pub const LIVE: Ask = Ask {
    todo: &[
        "bring {0} live",
        "get {0} running for all users",
        "put {0} online",
        "roll {0} out to everybody",
        "make {0} serve all its users",
    ],
    state: &[
        "{0} is live",
        "{0} serves all users",
        "{0} is online",
        "{0} runs for everybody",
        "all users can reach {0}",
    ],
};
pub const CALM: Ask = Ask {
    todo: &[
        "leave no incident open",
        "close any incident",
        "end with no incident",
        "have every incident resolved",
    ],
    state: &[
        "no incident is open",
        "there is no incident",
        "every incident is resolved",
        "not one incident is left",
    ],
};

pub const OPENINGS: [&str; 5] = [
    "The platform is up, and services are to be deployed on it.",
    "Friday afternoon, and the release train still has to leave.",
    "A team on call deploys its services one by one.",
    "After the outage the services come back step by step.",
    "The services of this company stand on one platform.",
];
pub const BUILDS: [&str; 4] = [
    "About {0} in 100 builds break and have to be cleaned up.",
    "Builds are not reliable: {0} percent of them fail.",
    "One has to reckon with a broken build in {0} of 100 cases.",
    "A build breaks with a chance of {0} percent.",
];
pub const HASTY: [&str; 5] = [
    "A hasty deployment goes wrong in {0} of 100 cases; a canary first is the safe way.",
    "Deploying to all users at once is quick, but {0} percent of the time it ends badly.",
    "Whoever deploys hastily risks an outage ({0} percent).",
    "A canary costs one step more and never fails, haste fails {0} times in 100.",
    "Haste has its price: with a chance of {0} percent the deployment is lost.",
];
pub const INCIDENTS: [&str; 4] = [
    "While an incident is open, nothing can be built or deployed; find its cause, then resolve it.",
    "An incident stops all work until it is diagnosed and resolved.",
    "Incidents come first: diagnose, resolve, and only then go on.",
    "Nobody builds or deploys during an incident.",
];
pub const OPEN_NOW: [&str; 4] = [
    "Right now an incident is open.",
    "It starts with an incident.",
    "The pager has just gone off: there is an incident.",
    "An incident was reported a minute ago.",
];
pub const REST: [&str; 4] = [
    "Maintenance takes a service down and loses its build.",
    "Services can be taken down for care, but that undoes what was deployed.",
    "Starting maintenance is easy; what it takes down has to be built again.",
    "Leave maintenance alone unless you want to begin anew.",
];
pub const ON: [&str; 5] = [
    "{0} needs {1} to be live first.",
    "{0} depends on {1}.",
    "Nothing of {0} can be deployed before {1} is up.",
    "{0} stands on {1}.",
    "Before {0} comes {1}.",
];
pub const IDLE: [&str; 4] = [
    "Nobody is waiting for {0}.",
    "{0} was not asked for.",
    "It does not matter what becomes of {0}.",
    "{0} can stay down.",
];
