//! Words of the rollout family.

use super::{Ask, Word, env, fixed, inventory};

pub const SERVICES: [&str; 6] = ["billing", "search", "profile", "feed", "chat", "export"];
pub const RUNNERS: [&str; 3] = ["left_runner", "right_runner", "old_runner"];
/// What everything stands on in the end; it is live from the start.
pub const PLATFORM: &str = "platform";

pub const WORDS: [Word; 5] = [
    env(
        "free",
        &["?r: runner"],
        "Nothing runs on the runner.",
        &["{0} is free", "nothing runs on {0}", "{0} is idle"],
    ),
    env(
        "built",
        &["?s: service"],
        "A build of the service lies ready.",
        &["{0} is built", "there is a build of {0}"],
    ),
    env("tested", &["?s: service"], "The build has passed its tests.", &["{0} is tested"]),
    env(
        "live",
        &["?s: service"],
        "Users reach the new version of the service.",
        &["{0} is live", "users have {0}", "{0} is rolled out"],
    ),
    fixed(
        "stands_on",
        &["?s: service", "?b: service"],
        "The first service can go live only where the second is live.",
        &["{0} stands on {1}", "{0} needs {1}"],
    ),
];
pub const FITS: Word = fixed(
    "fits",
    &["?s: service", "?r: runner"],
    "The runner can build and test the service.",
    &["{0} fits {1}", "{1} can build {0}"],
);
pub const REVIEWED: Word = inventory(
    "reviewed",
    &["?s: service"],
    "Somebody has read the change.",
    &["{0} is reviewed", "the change to {0} has been read"],
);
pub const NOTED: Word = inventory(
    "noted",
    &["?s: service"],
    "The release notes speak of the service.",
    &["{0} is in the release notes", "the notes speak of {0}"],
);
pub const WINDOW: Word = env(
    "window",
    &[],
    "The release window is open.",
    &["the release window is open", "the window is open"],
);

pub const ROLL_OUT: Ask = Ask {
    todo: &[
        "bring {0} live",
        "roll {0} out",
        "get {0} to the users",
        "deploy {0}",
        "put the new {0} into production",
    ],
    state: &[
        "{0} is live",
        "users have the new {0}",
        "{0} is rolled out",
        "the new {0} is in production",
        "{0} has gone live",
    ],
};
pub const NOTE: Ask = Ask {
    todo: &[
        "write {0} into the release notes",
        "note the change to {0}",
        "add {0} to the release notes",
        "mention {0} in the notes",
    ],
    state: &[
        "{0} is in the release notes",
        "the release notes speak of {0}",
        "the change to {0} is noted",
        "the notes mention {0}",
    ],
};

pub const OPENINGS: [&str; 5] = [
    "Builds and tests take their time, and runners are few.",
    "Release day: while one thing runs, another can be done.",
    "The clock is running, so do not stand and watch a build.",
    "A release goes out today, service by service.",
    "Nobody has to wait for a build who has something else to do.",
];
pub const TIMES: [&str; 4] = [
    "A build takes {0} steps, a test run {1}.",
    "Count {0} steps for a build and {1} for the tests.",
    "Builds end {0} calls after their start, tests {1} calls.",
    "Steps for a build: {0}; for a test run: {1}.",
];
pub const FITTING: [&str; 4] = [
    "Not every runner can build every service.",
    "Mind which runner fits which service.",
    "Some services fit one runner alone.",
    "Runners differ in what they can build.",
];
pub const WINDOWS: [&str; 4] = [
    "Nothing goes live outside the release window, which stays open for {0} steps.",
    "Deployments need the release window; once open, it lasts {0} steps.",
    "Open the release window first; it shuts by itself after {0} steps.",
    "The release window lasts {0} steps, and without it nothing is deployed.",
];
