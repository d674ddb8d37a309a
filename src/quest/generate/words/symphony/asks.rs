//! How people ask for the artifacts of Symphony.

use super::super::Ask;

/// By the number of the stage.
pub const MAKE: [Ask; 6] = [
    Ask {
        todo: &[
            "enhance the prompt of {0}",
            "rewrite the prompt for {0} so that it is clear",
            "improve the prompt of {0}",
            "turn the prompt of {0} into an enhanced one",
            "produce an enhanced prompt for {0}",
        ],
        state: &[
            "the prompt of {0} is enhanced",
            "there is an enhanced prompt for {0}",
            "{0} has its enhanced prompt",
            "the prompt for {0} has been rewritten and improved",
        ],
    },
    Ask {
        todo: &[
            "write the backlog of {0}",
            "list the features of {0}",
            "extract the features of {0} into a backlog",
            "get the backlog for {0} together",
            "collect the features that {0} asks for",
        ],
        state: &[
            "there is a backlog for {0}",
            "the features of {0} are listed",
            "{0} has its backlog",
            "the backlog of {0} exists",
        ],
    },
    Ask {
        todo: &[
            "plan {0}",
            "make a plan for {0}",
            "create the plan of {0}",
            "work out how {0} is to be done, as a plan",
            "draw up the plan for {0}",
        ],
        state: &[
            "{0} is planned",
            "there is a plan for {0}",
            "{0} has a plan that holds",
            "the plan of {0} is made",
        ],
    },
    Ask {
        todo: &[
            "coordinate the tasks of {0}",
            "write the instructions for {0}",
            "split {0} into tasks with instructions",
            "assign the tasks of {0}",
            "get the instructions for {0} written",
        ],
        state: &[
            "the instructions for {0} exist",
            "the tasks of {0} are assigned",
            "{0} is split into tasks with instructions",
            "there are instructions for {0}",
        ],
    },
    Ask {
        todo: &[
            "sketch the logic of {0}",
            "write the pseudocode for {0}",
            "visualize the logic of {0}",
            "put {0} into pseudocode",
            "draft {0} as pseudocode",
        ],
        state: &[
            "there is pseudocode for {0}",
            "the logic of {0} is sketched",
            "{0} exists as pseudocode",
            "{0} has its sketch in pseudocode",
        ],
    },
    Ask {
        todo: &[
            "generate the code of {0}",
            "write the source files for {0}",
            "code {0}",
            "implement {0}",
            "turn {0} into source files",
        ],
        state: &[
            "the source files of {0} exist",
            "{0} is coded",
            "the code for {0} is written",
            "{0} is implemented",
        ],
    },
];

pub const MERGE: Ask = Ask {
    todo: &[
        "merge {0}",
        "get the code of {0} into the repository",
        "merge the code of {0} into the repository",
        "bring {0} to the main branch",
        "deliver {0}, merged",
    ],
    state: &[
        "{0} is merged",
        "the code of {0} is in the repository",
        "the main branch contains {0}",
        "{0} has been merged into the repository",
    ],
};
