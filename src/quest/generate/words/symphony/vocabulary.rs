//! Names and predicates of Symphony.

use super::super::{Word, env, fixed, inventory};

pub const PROMPTS: [&str; 4] = ["login", "search", "export", "payment"];
/// The first one is there from the start.
pub const TOOLS: [&str; 4] = ["shell", "node", "docker", "graphviz"];
pub const VERSIONS: [&str; 2] = ["python3.11", "python3.12"];

/// What each stage makes, as people call it.
pub const STAGE_NAMES: [&str; 6] =
    ["enhanced prompt", "backlog", "plan", "instructions", "pseudocode", "code"];

const PROMPT: &[&str] = &["?p: prompt"];

pub const ARTIFACTS: [Word; 6] = [
    inventory(
        "enhanced",
        PROMPT,
        "The prompt has an enhanced version.",
        &["{0} is enhanced", "the prompt of {0} is enhanced", "{0} has an enhanced prompt"],
    ),
    inventory(
        "backlog",
        PROMPT,
        "The features of the prompt are listed in a backlog.",
        &["{0} has a backlog", "there is a backlog for {0}", "the features of {0} are listed"],
    ),
    inventory(
        "planned",
        PROMPT,
        "The prompt has a plan.",
        &["{0} is planned", "there is a plan for {0}", "{0} has a plan"],
    ),
    inventory(
        "tasked",
        PROMPT,
        "The tasks of the prompt are written down as instructions.",
        &["the tasks of {0} are assigned", "there are instructions for {0}"],
    ),
    inventory(
        "sketched",
        PROMPT,
        "The logic of the prompt is sketched in pseudocode.",
        &["the logic of {0} is sketched", "there is pseudocode for {0}"],
    ),
    inventory(
        "coded",
        PROMPT,
        "The source files of the prompt are written.",
        &["{0} is coded", "the source files of {0} exist", "{0} is implemented"],
    ),
];
pub const UNCLEAR: Word = env(
    "unclear",
    PROMPT,
    "The user has to say what the prompt means.",
    &["{0} is unclear", "there is an open question about {0}"],
);
pub const CORRECTED: Word = env(
    "corrected",
    PROMPT,
    "The user has corrected the plan, which must be made again.",
    &["the plan of {0} was corrected", "the user has corrected {0}"],
);
pub const APPROVED: Word = env(
    "approved",
    PROMPT,
    "The user agrees with the plan.",
    &["the plan of {0} is approved", "the user approved {0}"],
);
pub const REPOSITORY: [Word; 3] = [
    env(
        "fresh",
        PROMPT,
        "The working copy for the prompt has the newest files.",
        &["{0} is up to date", "the files under {0} are fresh"],
    ),
    env(
        "merged",
        PROMPT,
        "The code of the prompt is in the repository.",
        &["{0} is merged", "the code of {0} is in the repository"],
    ),
    env(
        "conflict",
        PROMPT,
        "The code of the prompt conflicts with changed files.",
        &["{0} has a conflict", "the code of {0} conflicts"],
    ),
];
pub const TOOLING: [Word; 2] = [
    env(
        "installed",
        &["?t: tool"],
        "The tool is installed.",
        &["{0} is installed", "{0} is on the machine"],
    ),
    fixed(
        "requires",
        &["?t: tool", "?u: tool"],
        "The first tool is installed on top of the second.",
        &["{0} requires {1}", "{0} is installed on top of {1}"],
    ),
];
pub const ACTIVE: Word = env(
    "active",
    &["?v: version"],
    "The runtime has this version.",
    &["{0} is active", "the runtime is {0}"],
);
pub const ARCHIVED: Word = inventory(
    "archived",
    PROMPT,
    "The session of the prompt is put away.",
    &["{0} is archived", "the session of {0} is put away"],
);
pub const AT_WORK: Word = env(
    "at_work",
    PROMPT,
    "A call that is not over yet works on the prompt.",
    &["{0} is being worked on", "a call is at work on {0}"],
);
pub const CODER_BUSY: Word = env(
    "coder_busy",
    &[],
    "The only coder is writing code.",
    &["the coder is busy", "code is being written"],
);
pub const STRONG_MODEL: Word = env(
    "strong_model",
    &[],
    "The strong model is loaded.",
    &["the strong model is loaded", "the strong model is on"],
);
/// Of the stages whose artifact may be poor.
pub const POOR: [Word; 3] = [
    inventory(
        "poor_backlog",
        PROMPT,
        "The backlog is poor and must be made again.",
        &["the backlog of {0} is poor"],
    ),
    inventory(
        "poor_planned",
        PROMPT,
        "The plan is poor and must be made again.",
        &["the plan of {0} is poor"],
    ),
    inventory(
        "poor_sketched",
        PROMPT,
        "The pseudocode is poor and must be made again.",
        &["the pseudocode of {0} is poor"],
    ),
];
