//! The six functions of Symphony while twists add to what they need and do.

use super::super::{Dice, Draft};

/// Function, what it does, the fact it establishes, what it returns.
const STAGES: [(&str, &str, &str, &str); 6] = [
    (
        "enhance_prompt",
        "Rewrites the user's prompt so that it is clear and complete.",
        "enhanced",
        "{p}/enhanced_prompt",
    ),
    (
        "extract_features",
        "Lists the features that a prompt asks for as a backlog.",
        "backlog",
        "{p}/backlog.csv",
    ),
    ("create_plan", "Makes a plan of the work.", "planned", "{p}/plan.json"),
    (
        "coordinate_tasks",
        "Splits the work into tasks and writes the instructions for them.",
        "tasked",
        "{p}/instructions.json",
    ),
    ("visualize_logic", "Sketches the logic as pseudocode.", "sketched", "{p}/pseudocode"),
    ("generate_code", "Writes the source files.", "coded", "{p}/source_files"),
];

/// Number of the stage that makes the plan.
pub(super) const PLAN: usize = 2;
/// Number of the stage that sketches the logic.
pub(super) const SKETCH: usize = 4;
/// Number of the stage that writes the code, the last one.
pub(super) const CODE: usize = 5;
/// What all functions on a prompt take.
pub(super) const PROMPT: &[&str] = &["?p: prompt"];

/// An outcome that nobody intends.
#[derive(Clone)]
struct Risk {
    name: &'static str,
    percent: u32,
    effects: Vec<String>,
}

/// One of the six functions in the making.
#[derive(Clone, Default)]
pub(super) struct Stage {
    /// What must hold before it.
    pub pre: Vec<String>,
    /// What its intended outcome changes.
    pub effects: Vec<String>,
    /// What every outcome changes.
    pub always: Vec<String>,
    /// What changes as soon as it starts; only where it takes time.
    pub start: Vec<String>,
    /// Further calls until it ends.
    pub takes: u32,
    /// Where it must not be called.
    pub forbidden: Option<String>,
    risks: Vec<Risk>,
}

impl Stage {
    /// Adds an outcome of this percentage.
    pub(super) fn risk(&mut self, name: &'static str, percent: u32, effects: &[&str]) {
        let effects = effects.iter().map(|&e| e.to_owned()).collect();
        self.risks.push(Risk { name, percent, effects });
    }

    /// Adds a condition.
    pub(super) fn require(&mut self, pre: &str) {
        self.pre.push(pre.to_owned());
    }

    /// Adds to the intended outcome.
    pub(super) fn cause(&mut self, effect: &str) {
        self.effects.push(effect.to_owned());
    }

    fn write(self, draft: &mut Draft, name: &str, description: &str, returned: &str) {
        let join = |own: &[String], all: &[String]| [own, all].concat().join(", ");
        let effects = join(&self.effects, &self.always);
        draft.function(name, description, PROMPT, &self.pre.join(" and "), &effects);
        draft.returns(name, returned);
        for risk in &self.risks {
            draft.risk(name, risk.name, risk.percent, &join(&risk.effects, &self.always));
        }
        if self.takes > 0 {
            draft.takes(name, self.takes, &self.start.join(", "));
        }
        if let Some(condition) = &self.forbidden {
            draft.forbid(name, condition);
        }
    }
}

/// The fact that a stage establishes.
pub(super) fn fact(stage: usize) -> &'static str {
    STAGES.get(stage).map_or("coded", |s| s.2)
}

/// All stages. Each needs the one before, or (with chance `skip`) one or two earlier ones.
pub(super) fn stages(dice: &mut Dice<'_>) -> Vec<Stage> {
    let needs = |dice: &mut Dice<'_>, stage: usize| match stage {
        0 => Vec::new(),
        1 => vec![0],
        _ if dice.percent("skip") => {
            let other = dice.below(stage - 1);
            if dice.chance(50) { vec![other] } else { vec![other, stage - 1] }
        }
        _ => vec![stage - 1],
    };
    (0..STAGES.len())
        .map(|i| {
            let pre = needs(dice, i).into_iter().map(of).collect();
            Stage { pre, effects: vec![of(i)], ..Stage::default() }
        })
        .collect()
}

/// The fact of a stage about `?p`.
pub(super) fn of(stage: usize) -> String {
    format!("{}(?p)", fact(stage))
}

/// Writes the functions into the draft.
pub(super) fn write(draft: &mut Draft, stages: Vec<Stage>) {
    for (stage, (name, description, _, returned)) in stages.into_iter().zip(STAGES) {
        stage.write(draft, name, description, returned);
    }
}

/// Writes the code stage a second time, under another name.
pub(super) fn write_cheap(draft: &mut Draft, stage: Stage, description: &str) {
    stage.write(draft, "generate_code_cheap", description, "{p}/source_files");
}
