//! Twists of chance and of scarcity: poor results, timeouts, questions, models, budgets, retries.

use super::stage::{CODE, PLAN, SKETCH, fact, of, write_cheap};
use super::twists::Marks;
use super::{Session, words};

/// Retries that are left at the start and after a restart.
const RETRIES: usize = 2;

/// Draws and applies the twists; in a `calm` level nothing is left to chance. The order matters:
/// models copy the code stage as it is then.
pub(super) fn apply(session: &mut Session<'_, '_>, marks: &mut Marks, calm: bool) {
    if !calm {
        marks.poor = poor(session);
        if marks.question {
            asks(session);
        }
    }
    if session.dice.percent("budget") {
        budget(session);
    }
    let models = !calm && session.dice.percent("models");
    if models {
        two_models(session);
    }
    let flaky = session.share("flaky");
    if flaky > 0 && !calm {
        timeouts(session, flaky, models);
    }
}

/// One stage may turn out a poor artifact, which later stages refuse; returns the stage.
fn poor(session: &mut Session<'_, '_>) -> Option<usize> {
    let percent = session.share("poor");
    let stage = session.dice.choose(&[1, PLAN, SKETCH]).filter(|_| percent > 0)?;
    let word = words::POOR.iter().find(|w| w.name == poor_fact(stage))?;
    session.draft.vocabulary(std::slice::from_ref(word));
    let (made, poor) = (of(stage), format!("{}(?p)", word.name));
    for (i, other) in session.stages.iter_mut().enumerate() {
        if i == stage {
            other.cause(&format!("not {poor}"));
            other.risk("poor", percent, &[&made, &poor]);
        } else if other.pre.contains(&made) {
            other.require(&format!("not {poor}"));
        }
    }
    let name = words::STAGE_NAMES.get(stage).unwrap_or(&"");
    session.say(&words::MAY_BE_POOR, &[name, &percent.to_string()]);
    Some(stage)
}

/// The fact that the artifact of a stage is poor.
pub(super) fn poor_fact(stage: usize) -> String {
    format!("poor_{}", fact(stage))
}

/// Listing features may end in a question to the user instead of a backlog.
fn asks(session: &mut Session<'_, '_>) {
    let percent = session.share("asks");
    if percent > 0 {
        for stage in session.from(1).take(1) {
            stage.risk("question", percent, &["unclear(?p)"]);
        }
        session.say(&words::MAY_ASK, &[&percent.to_string()]);
    }
}

/// Every stage costs, code twice as much; more can be asked for, but not twice in a row.
fn budget(session: &mut Session<'_, '_>) {
    let room = 2 + session.dice.below(3);
    let calls = (CODE + 1) * session.prompts.len();
    let start = calls / 2 + room;
    session.draft.fluent("budget", calls + room, start);
    session.draft.about_fluent("budget", "Units of the budget that are left.");
    for (i, stage) in session.stages.iter_mut().enumerate() {
        stage.always.push(format!("budget -= {}", if i == CODE { 2 } else { 1 }));
    }
    let text = "Asks for two more units of budget.";
    session.draft.function("request_budget", text, &[], "", "budget += 2").cooldown = Some(1);
    session.say(&words::BUDGET, &[&start.to_string()]);
}

/// Code comes from a strong model that must be loaded, or from a cheap one that may break what
/// it works on.
fn two_models(session: &mut Session<'_, '_>) {
    session.draft.vocabulary(&[words::STRONG_MODEL]);
    let load = |session: &mut Session<'_, '_>, name: &str, text: &str, pre: &str, effects: &str| {
        session.draft.function(name, text, &[], pre, effects);
    };
    let (on, off) = ("strong_model", "not strong_model");
    load(session, "load_strong_model", "Loads the strong model.", off, on);
    load(session, "load_cheap_model", "Loads the cheap model.", on, off);
    let Some(code) = session.stages.get_mut(CODE) else { return };
    let mut cheap = code.clone();
    code.require(on);
    cheap.require(off);
    cheap.risk("broken", 40, &[&format!("not {}", of(SKETCH))]);
    let text = "Writes the source files with the cheap model, which may break the pseudocode.";
    write_cheap(session.draft, cheap, text);
    session.say(&words::MODELS, &[]);
}

/// The slow stages may time out; with models, the strong one is gone then. Retries may be few.
fn timeouts(session: &mut Session<'_, '_>, percent: u32, models: bool) {
    let few = session.dice.percent("retries");
    let spent = if few { "retries -= 1" } else { "" };
    for (i, stage) in session.stages.iter_mut().enumerate() {
        match i {
            SKETCH => stage.risk("timeout", percent, &[spent]),
            CODE if models => stage.risk("model_lost", percent, &["not strong_model", spent]),
            CODE => stage.risk("timeout", percent, &[spent]),
            _ => {}
        }
    }
    session.say(&words::TIMEOUTS, &[&percent.to_string()]);
    if few {
        session.draft.fluent("retries", RETRIES, RETRIES);
        session.draft.about_fluent("retries", "Failures that are still allowed.");
        let (text, pre) = ("Starts the worker anew; all retries are back.", "retries <= 0");
        session.draft.function("restart_worker", text, &[], pre, &format!("retries = {RETRIES}"));
        session.say(&words::RETRIES, &[&RETRIES.to_string()]);
    }
}
