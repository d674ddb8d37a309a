//! What the narratives of Symphony say besides their goals.

type Said<const N: usize> = [&'static str; N];

pub const OPENINGS: Said<6> = [
    "Symphony takes prompts to code in six steps, not all of which are always needed.",
    "An orchestrator turns what users write into software.",
    "The users have sent their prompts; the orchestrator has six functions for them.",
    "From prompt to backlog to plan to code: that is the way, with short cuts.",
    "Another day of turning prompts into artifacts.",
    "Several artifacts lie between a prompt and its source files.",
];
pub const EXISTS: Said<5> = [
    "The {0} of {1} already exists.",
    "For {1}, somebody has made the {0} before.",
    "{1} starts out with its {0}.",
    "Of {1} one already finds the {0}.",
    "Work on {1} has come as far as the {0}.",
];
pub const STALE: Said<4> = [
    "Whoever redoes an early step makes what came after it stale.",
    "A new backlog or plan throws away everything that stood on the old one.",
    "Early artifacts carry the later ones: change one, and the rest is lost.",
    "Going back to an early step means redoing all that follows.",
];
pub const QUESTIONS: Said<4> = [
    "Unclear prompts need a word from the user first.",
    "Where a prompt is unclear, ask the user before anything else.",
    "Some users do not say what they mean, and have to be asked.",
    "No work on an unclear prompt without asking.",
];
pub const IS_UNCLEAR: Said<4> = [
    "Nobody knows yet what {0} is supposed to mean.",
    "There is an open question about {0}.",
    "What the user wants with {0} is unclear.",
    "{0} came with half a sentence; the user will have to explain.",
];
pub const CORRECTIONS: Said<4> = [
    "A plan that the user has corrected must be made again, and everything after it too.",
    "Corrections by the user send a plan back to the start, with all that followed from it.",
    "After a correction nothing that came from the old plan counts.",
    "The user may correct plans; what stands on a corrected plan cannot be used.",
];
pub const IS_CORRECTED: Said<4> = [
    "The user has corrected the plan for {0}.",
    "A correction for {0} came in this morning.",
    "The plan of {0} was sent back with corrections.",
    "There are red marks all over the plan of {0}.",
];
pub const MAY_CORRECT: Said<4> = [
    "In {0} of 100 cases the user corrects the plan that is shown.",
    "The user finds something to correct with a chance of {0} percent.",
    "About {0} percent of all plans come back corrected.",
    "Of 100 plans that are shown, {0} have to be made again.",
];
pub const REVIEW: Said<4> = [
    "Code can only be written after the user has approved the plan.",
    "The user wants to see every plan before code is written.",
    "Without an approved plan the coder does not start.",
    "Show the plan first; code comes after the approval.",
];
pub const RULE: Said<5> = [
    "It is forbidden to write code before the user has approved the plan, although nothing stops you.",
    "Never generate code from a plan that has not been approved.",
    "The machine would write code without approval. You must not let it.",
    "One rule is strict: no code without an approved plan. Breaking it ends everything.",
    "Writing code for an unapproved plan is not allowed under any circumstances.",
];
pub const IS_APPROVED: Said<4> = [
    "The plan of {0} has been approved.",
    "The user is content with the plan of {0}.",
    "For {0}, the approval is there.",
    "The user said yes to the plan for {0}.",
];
pub const REPOSITORY_SAID: Said<4> = [
    "Code is written on fresh files and then merged; each merge changes the files under the rest.",
    "After a merge all other work has to pull, or to rebase and resolve a conflict.",
    "The repository moves with every merge, so write code on files that are up to date.",
    "Merging one thing makes the working copies of the others old.",
];
pub const PUSHED: Said<4> = [
    "In {0} of 100 cases somebody else pushes while code is being written.",
    "Others work on the repository too and may be faster ({0} percent).",
    "With a chance of {0} percent the files have changed when the code is done.",
    "Now and then ({0} in 100) a colleague pushes first.",
];
pub const NEEDS_TOOL: Said<4> = [
    "The {0} cannot be made until {1} is installed.",
    "Without {1} on the machine there is no {0}.",
    "For the {0} one needs {1}.",
    "A dependency: {1} for the {0}.",
];
pub const NEEDS_VERSION: Said<4> = [
    "The {0} needs {1}.",
    "Only {1} makes the {0}.",
    "Switch to {1} for the {0}.",
    "As to the {0}, it works with {1} alone.",
];
pub const ARCHIVE: Said<4> = [
    "Archiving a session looks tidy but loses its artifacts.",
    "Do not archive what is still needed.",
    "An archived session takes all its artifacts with it.",
    "The archive is a dead end.",
];
pub const TAKES: Said<4> = [
    "The {0} takes its time (further calls: {1}), and other things can be done meanwhile.",
    "The {0} is not there at once but with a delay (in calls: {1}); nobody has to stand and wait.",
    "The {0} is made in the background; the time it takes, in calls, is {1}.",
    "Start the {0} early, for it comes with a delay of {1} in calls.",
];
pub const ONE_CODER: Said<4> = [
    "There is one coder, for one thing at a time.",
    "Code for two prompts cannot be written at once.",
    "The coder does not work in parallel.",
    "As long as code is being written, no other code can be.",
];
pub const MAY_BE_POOR: Said<4> = [
    "The quality of the {0} is poor in {1} of 100 cases; then it has to be made again.",
    "With a chance of {1} percent the {0} is of no use and must be redone.",
    "Where the {0} is poor ({1} percent of the time), nothing can follow until it is redone.",
    "Look at the {0}: {1} in 100 turn out poor.",
];
pub const IS_POOR: Said<4> = [
    "What exists of {0} is poor in part and has to be redone.",
    "Not everything that was made for {0} is good enough.",
    "{0} suffers from a poor piece of work.",
    "One artifact of {0} did not pass the check.",
];
pub const MAY_ASK: Said<4> = [
    "Listing features brings up a question for the user in {0} of 100 cases.",
    "A question may come up while features are listed ({0} percent).",
    "With a chance of {0} percent the backlog has to wait for the user's answer.",
    "Sometimes ({0} in 100) features cannot be listed before the user has answered.",
];
pub const BUDGET: Said<5> = [
    "The budget is {0} units; code costs two of them, every other step one.",
    "Only {0} units may be spent before more have to be requested.",
    "With a budget of {0} one cannot do everything twice.",
    "Money is short: {0} units, and requests for more take their time.",
    "Each step is paid from a budget of {0}.",
];
pub const MODELS: Said<4> = [
    "The strong model has to be loaded; the cheap one may spoil the pseudocode.",
    "Code comes from a strong model or from a cheap one that fails four times in ten.",
    "The cheap model is at hand, the strong one has to be loaded, and only the strong one is safe.",
    "Two models write code, and the cheap one cannot be relied on.",
];
pub const TIMEOUTS: Said<4> = [
    "The slow steps time out in {0} of 100 cases.",
    "Sketches and code fail with a chance of {0} percent.",
    "Reckon with failures of the models: {0} percent.",
    "Now and then ({0} in 100) a model does not answer.",
];
pub const RETRIES: Said<4> = [
    "After {0} failures the worker has to be restarted.",
    "No more than {0} failures are allowed between restarts.",
    "The worker gives up after failing {0} times, until it is restarted.",
    "Retries are limited to {0}; a restart brings them back.",
];
