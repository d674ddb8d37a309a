//! Symphony: the six functions from prompt to code, over several prompts at once.
//!
//! Levels differ in which artifacts exist, which stages the later ones really need, what makes
//! artifacts stale, budgets, models, failures, unanswered questions, and how far each prompt must
//! go. Which stages can be left out follows from the preconditions and the goal alone.

use super::draft::numbered;
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("prompts", 4),
    ("head_start", 5),
    ("partial", 100),
    ("skip", 100),
    ("stale", 100),
    ("question", 100),
    ("trap", 100),
    ("models", 100),
    ("budget", 100),
    ("flaky", 60),
    ("poor", 60),
    ("screens", 8),
    ("jobs", 8),
];

/// Function, what it does, the fact it establishes, what it returns.
const STAGES: [(&str, &str, &str, &str); 6] = [
    ("enhance_prompt", "Rewrites the prompt.", "enhanced", "{p}/enhanced_prompt"),
    ("extract_features", "Lists the features.", "backlog", "{p}/backlog.csv"),
    ("create_plan", "Plans the work.", "planned", "{p}/plan.json"),
    ("coordinate_tasks", "Assigns the tasks.", "tasked", "{p}/instructions.json"),
    ("visualize_logic", "Sketches the logic.", "sketched", "{p}/pseudocode"),
    ("generate_code", "Writes the code.", "coded", "{p}/source_files"),
];

fn fact(stage: usize) -> &'static str {
    STAGES.get(stage).map_or("coded", |s| s.2)
}

/// What each stage needs: the stage before, or (with chance `skip`) one or two earlier ones.
fn needs(dice: &mut Dice<'_>) -> Vec<Vec<usize>> {
    let skip = u32::try_from(dice.knob("skip")).unwrap_or(0);
    (0..STAGES.len())
        .map(|stage| match stage {
            0 => Vec::new(),
            1 => vec![0],
            _ if dice.chance(skip) => {
                let other = dice.below(stage - 1);
                if dice.chance(50) { vec![other] } else { vec![other, stage - 1] }
            }
            _ => vec![stage - 1],
        })
        .collect()
}

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let prompts = numbered("p", dice.knob("prompts").max(1));
    let percent = |name: &str, dice: &mut Dice<'_>| {
        let n = u32::try_from(dice.knob(name)).unwrap_or(0);
        dice.chance(n)
    };
    let stale = percent("stale", dice);
    let question = percent("question", dice);
    let trap = percent("trap", dice);
    let models = percent("models", dice);
    let budget = percent("budget", dice);
    let needs = needs(dice);
    draft.objects("prompt", &prompts);
    for stage in STAGES {
        draft.inventory(stage.2, &["?p: prompt"]);
    }
    let flaky = u32::try_from(dice.knob("flaky")).unwrap_or(0);
    let poor = u32::try_from(dice.knob("poor")).unwrap_or(0);
    let twists = Twists { stale, question, models, budget, flaky, poor };
    stages(draft, &needs, &twists);
    if question {
        draft.env("unclear", &["?p: prompt"]);
        draft.function(
            "ask_user",
            "Asks the user what the prompt means.",
            &["?p: prompt"],
            "",
            "not unclear(?p)",
        );
    }
    if trap {
        draft.inventory("archived", &["?p: prompt"]);
        let lost: Vec<String> = STAGES.iter().map(|s| format!("not {}(?p)", s.2)).collect();
        draft.function(
            "archive_session",
            "Puts the prompt's session away.",
            &["?p: prompt"],
            "not archived(?p)",
            &format!("archived(?p), {}", lost.join(", ")),
        );
    }
    if models {
        model_switch(draft);
    }
    let goals = prompts_and_goals(dice, draft, &prompts, question);
    if budget {
        let room = 2 + dice.below(3);
        let calls = STAGES.len() * prompts.len();
        draft.fluent("budget", calls + room, calls / 2 + room);
        draft
            .function("request_budget", "Asks for more budget.", &[], "", "budget += 2")
            .cooldown = Some(1);
    }
    let screens = dice.knob("screens");
    let jobs = dice.knob("jobs");
    draft.distract(screens, jobs);
    draft.narrative(format!(
        "Symphony works on {} prompt(s). Wanted: {}.",
        prompts.len(),
        goals.join(", ")
    ));
}

struct Twists {
    stale: bool,
    question: bool,
    models: bool,
    budget: bool,
    flaky: u32,
    poor: u32,
}

fn stages(draft: &mut Draft, needs: &[Vec<usize>], twists: &Twists) {
    for (i, (name, description, fact_name, returned)) in STAGES.iter().enumerate() {
        let mut pre: Vec<String> = needs
            .get(i)
            .map(|n| n.iter().map(|&s| format!("{}(?p)", fact(s))).collect())
            .unwrap_or_default();
        let mut effects = vec![format!("{fact_name}(?p)")];
        if i == 0 && twists.question {
            pre.push("not unclear(?p)".to_owned());
        }
        if twists.stale && i < 3 {
            // Redoing an early stage makes everything later stale.
            effects.extend((i + 1..STAGES.len()).map(|s| format!("not {}(?p)", fact(s))));
        }
        if twists.budget {
            effects.push(format!("budget -= {}", if i == 5 { 2 } else { 1 }));
        }
        if twists.poor > 0 {
            if i == 2 {
                effects.push("not poor_plan(?p)".to_owned());
            } else if needs.get(i).is_some_and(|n| n.contains(&2)) {
                pre.push("not poor_plan(?p)".to_owned());
            }
        }
        if twists.models && i == 5 {
            pre.push("strong_model".to_owned());
        }
        let params = &["?p: prompt"];
        draft.function(name, description, params, &pre.join(" and "), &effects.join(", "));
        draft.returns(name, returned);
    }
    let spent = if twists.budget { "budget -= 1" } else { "" };
    if twists.poor > 0 {
        draft.env("poor_plan", &["?p: prompt"]);
        let made =
            ["planned(?p), poor_plan(?p)", spent].join(if twists.budget { ", " } else { "" });
        draft.risk("create_plan", "poor", twists.poor, &made);
    }
    if twists.flaky > 0 {
        draft.risk("visualize_logic", "timeout", twists.flaky, spent);
        if !twists.models {
            draft.risk("generate_code", "timeout", twists.flaky, spent);
        }
    }
    if twists.models {
        cheap_code(draft, needs, twists);
    }
}

/// The cheap model writes code too, without the switch, but may fail.
fn cheap_code(draft: &mut Draft, needs: &[Vec<usize>], twists: &Twists) {
    let mut pre: Vec<String> = needs
        .get(5)
        .map(|n| n.iter().map(|&s| format!("{}(?p)", fact(s))).collect())
        .unwrap_or_default();
    pre.push("not strong_model".to_owned());
    if twists.poor > 0 && needs.get(5).is_some_and(|n| n.contains(&2)) {
        pre.push("not poor_plan(?p)".to_owned());
    }
    let effects = if twists.budget { "coded(?p), budget -= 1" } else { "coded(?p)" };
    let description = "Writes the code with the cheap model; it may break the sketch.";
    let params = &["?p: prompt"];
    draft.function("generate_code_cheap", description, params, &pre.join(" and "), effects);
    draft.returns("generate_code_cheap", "{p}/source_files");
    let lost = if twists.budget { "not sketched(?p), budget -= 1" } else { "not sketched(?p)" };
    draft.risk("generate_code_cheap", "broken", 40, lost);
}

fn model_switch(draft: &mut Draft) {
    draft.env("strong_model", &[]);
    let pre = "not strong_model";
    draft.function("load_strong_model", "Loads the dear model.", &[], pre, "strong_model");
    let pre = "strong_model";
    draft.function("load_cheap_model", "Loads the cheap model.", &[], pre, "not strong_model");
}

/// Gives each prompt its artifacts and its goal; returns the goals in words.
fn prompts_and_goals(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    prompts: &[String],
    question: bool,
) -> Vec<String> {
    let partial = u32::try_from(dice.knob("partial")).unwrap_or(0);
    let mut tasks: Vec<(usize, usize, u32, bool)> = prompts
        .iter()
        .map(|_| {
            let done = dice.knob("head_start").min(5);
            let goal = if dice.chance(partial) { dice.between(done.max(1), 5) } else { 5 };
            // Which of the existing artifacts are missing again, as bits.
            let holes = if dice.chance(40) { 1 << dice.below(done.max(1)) } else { 0 };
            (done, goal, holes, question && done == 0 && dice.chance(70))
        })
        .collect();
    // Prompts are interchangeable, so one order of them stands for all.
    tasks.sort_unstable();
    let mut goals = Vec::new();
    for (prompt, (done, goal, holes, unclear)) in prompts.iter().zip(tasks) {
        for stage in (0..done).filter(|s| holes & (1 << s) == 0) {
            draft.init(&format!("{}({prompt})", fact(stage)));
        }
        if unclear {
            draft.init(&format!("unclear({prompt})"));
        }
        draft.goal(&format!("{}({prompt})", fact(goal)));
        goals.push(format!("{} of {prompt}", fact(goal)));
    }
    goals
}
