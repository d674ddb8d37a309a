//! What is wrong with a plan, and the verdict over it.

use serde::Serialize;

/// Why a plan is not a solution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PlanFault {
    /// A line is no call.
    #[error("read the plan: line {line}: `{text}` is not a call; write `(name argument …)`")]
    Unreadable {
        /// Line of the text, from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// A step names something that the level does not have.
    #[error("make step {step} of the plan (line {line}): {what} `{name}` is not known{hint}")]
    Unknown {
        /// Number of the step, from 1.
        step: usize,
        /// Line of the text, from 1.
        line: usize,
        /// `function`, `object` or `outcome`.
        what: &'static str,
        /// The name.
        name: String,
        /// What was probably meant.
        hint: String,
    },
    /// A step has too many or too few arguments, or one of a wrong type.
    #[error("make step {step} of the plan (line {line}): `{call}`: {problem}")]
    Arguments {
        /// Number of the step, from 1.
        step: usize,
        /// Line of the text, from 1.
        line: usize,
        /// The call.
        call: String,
        /// What is wrong with its arguments.
        problem: String,
    },
    /// A step cannot be made where it stands.
    #[error(
        "make step {step} of the plan (line {line}): `{call}` is not possible there: {}",
        listed(unmet)
    )]
    NotApplicable {
        /// Number of the step, from 1.
        step: usize,
        /// Line of the text, from 1.
        line: usize,
        /// The call.
        call: String,
        /// The conditions that do not hold.
        unmet: Vec<String>,
    },
    /// A step must not be made where it stands.
    #[error("make step {step} of the plan (line {line}): `{call}` is forbidden there")]
    Forbidden {
        /// Number of the step, from 1.
        step: usize,
        /// Line of the text, from 1.
        line: usize,
        /// The call.
        call: String,
    },
    /// The plan has more calls than an episode may have.
    #[error("make step {step} of the plan: an episode of the level ends after {max_calls} calls")]
    TooLong {
        /// Number of the first step that is one too many, from 1.
        step: usize,
        /// Most calls of an episode.
        max_calls: u32,
    },
    /// All steps can be made, and the goal does not hold at the end.
    #[error("reach the goal: at the end of the plan {}", listed(missing))]
    GoalMissed {
        /// The parts of the goal that do not hold.
        missing: Vec<String>,
    },
}

fn listed(parts: &[String]) -> String {
    if parts.is_empty() {
        return "it never is".to_owned();
    }
    let quoted: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
    let verb = if parts.len() == 1 { "does" } else { "do" };
    format!("{} {verb} not hold", quoted.join(", "))
}

/// What a plan is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// True where every step can be made and the goal holds at the end.
    pub valid: bool,
    /// Steps that could be made.
    pub steps: usize,
    /// Their cost, in units of one plain call.
    pub cost: f64,
    /// Fraction of the parts of the goal that hold after them, 0 to 1.
    pub goal: f64,
    /// The first fault.
    pub fault: Option<PlanFault>,
}
