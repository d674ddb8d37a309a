//! Twists that are certain: what else must be done before, between and after the six functions.

use super::super::tale::first;
use super::stage::{CODE, PLAN, PROMPT, SKETCH, of};
use super::{Session, words};

/// What the twists let a prompt start with, and end with.
pub(super) struct Marks {
    /// A question may be open.
    pub question: bool,
    /// A plan may have been corrected.
    pub corrections: bool,
    /// Plans are shown to the user before code is written.
    pub review: bool,
    /// Code is merged into a repository.
    pub repo: bool,
    /// The stage whose artifact may be poor.
    pub poor: Option<usize>,
}

/// Draws and applies the twists.
pub(super) fn apply(session: &mut Session<'_, '_>) -> Marks {
    if session.dice.percent("stale") {
        stale(session);
    }
    let marks = Marks {
        question: session.dice.percent("question"),
        corrections: session.dice.percent("corrections"),
        review: session.dice.percent("review"),
        repo: session.dice.percent("repo"),
        poor: None,
    };
    if marks.question {
        questions(session);
    }
    if marks.corrections || marks.review {
        corrections(session);
    }
    if marks.review {
        review(session);
    }
    if marks.repo {
        repository(session);
    }
    let tools = session.dice.knob("tools");
    if tools > 0 {
        install(session, tools);
    }
    if session.dice.percent("versions") {
        versions(session);
    }
    if session.dice.percent("trap") {
        archive(session);
    }
    take_time(session);
    marks
}

/// Redoing an early stage makes everything later stale.
fn stale(session: &mut Session<'_, '_>) {
    for (i, stage) in session.stages.iter_mut().enumerate().take(PLAN + 1) {
        stage.effects.extend((i + 1..=CODE).map(|s| format!("not {}", of(s))));
    }
    session.say(&words::STALE, &[]);
}

/// An unclear prompt cannot be enhanced, nor its features listed, before the user was asked.
fn questions(session: &mut Session<'_, '_>) {
    session.draft.vocabulary(&[words::UNCLEAR]);
    for stage in session.stages.iter_mut().take(2) {
        stage.require("not unclear(?p)");
    }
    let text = "Asks the user what an unclear prompt means.";
    session.draft.function("ask_user", text, PROMPT, "", "not unclear(?p)");
    session.say(&words::QUESTIONS, &[]);
}

/// A corrected plan must be made again, and with it all that followed from it.
fn corrections(session: &mut Session<'_, '_>) {
    session.draft.vocabulary(&[words::CORRECTED]);
    for stage in session.from(PLAN + 1) {
        stage.require("not corrected(?p)");
    }
    for stage in session.from(PLAN).take(1) {
        stage.cause("not corrected(?p)");
        stage.effects.extend((PLAN + 1..=CODE).map(|s| format!("not {}", of(s))));
    }
    session.say(&words::CORRECTIONS, &[]);
}

/// The user sees a plan before code is written: needed for the code, or only a rule that can be
/// broken and must not be.
fn review(session: &mut Session<'_, '_>) {
    session.draft.vocabulary(&[words::APPROVED]);
    let rule = session.dice.percent("rule");
    for stage in session.from(CODE) {
        if rule {
            stage.forbidden = Some("not approved(?p)".to_owned());
        } else {
            stage.require("approved(?p)");
        }
    }
    for stage in session.from(PLAN).take(1) {
        stage.cause("not approved(?p)");
    }
    let text = "Shows the plan to the user for approval.";
    let pre = "planned(?p) and not approved(?p) and not corrected(?p)";
    session.draft.function("show_plan", text, PROMPT, pre, "approved(?p)");
    let corrected = session.share("corrected");
    if corrected > 0 {
        session.draft.risk("show_plan", "corrected", corrected, "corrected(?p)");
        session.say(&words::MAY_CORRECT, &[&corrected.to_string()]);
    }
    session.say(if rule { &words::RULE } else { &words::REVIEW }, &[]);
}

/// Code is written on fresh files and merged; every merge changes the files under the others.
fn repository(session: &mut Session<'_, '_>) {
    session.draft.vocabulary(&words::REPOSITORY);
    for stage in session.from(CODE) {
        stage.require("fresh(?p)");
    }
    let moved: Vec<String> = session.prompts.iter().map(|p| format!("not fresh({p})")).collect();
    session.draft.function(
        "merge",
        "Merges the code into the repository; the files under all other code change.",
        PROMPT,
        "coded(?p) and fresh(?p) and not conflict(?p) and not merged(?p)",
        &format!("merged(?p), {}", moved.join(", ")),
    );
    let text = "Pulls the files that have changed, before any code is written on them.";
    let pre = "not fresh(?p) and not coded(?p)";
    session.draft.function("pull", text, PROMPT, pre, "fresh(?p)");
    let text = "Puts written code on the files that have changed, which makes a conflict.";
    let pre = "not fresh(?p) and coded(?p) and not conflict(?p)";
    session.draft.function("rebase", text, PROMPT, pre, "fresh(?p), conflict(?p)");
    let text = "Resolves the conflict in the code.";
    session.draft.function("resolve_conflict", text, PROMPT, "conflict(?p)", "not conflict(?p)");
    session.say(&words::REPOSITORY_SAID, &[]);
    let pushed = session.share("pushed");
    if pushed > 0 {
        for stage in session.from(CODE) {
            stage.risk("overtaken", pushed, &["coded(?p)", "not fresh(?p)"]);
        }
        session.say(&words::PUSHED, &[&pushed.to_string()]);
    }
}

/// Some stages need a tool, and tools stand on others.
fn install(session: &mut Session<'_, '_>, n: usize) {
    session.draft.vocabulary(&words::TOOLING);
    let tools = first(&words::TOOLS, n + 1);
    session.draft.objects("tool", &tools);
    session.draft.init(&format!("installed({})", tools.first().map_or("", String::as_str)));
    for (i, tool) in tools.iter().enumerate().skip(1) {
        let base = if session.dice.chance(50) { 0 } else { i - 1 };
        let base = tools.get(base).map_or("", String::as_str);
        session.draft.init(&format!("requires({tool}, {base})"));
        let stage = session.dice.between(1, CODE);
        for stage in session.from(stage).take(1) {
            stage.require(&format!("installed({tool})"));
        }
        session.say(&words::NEEDS_TOOL, &[words::STAGE_NAMES.get(stage).unwrap_or(&""), tool]);
    }
    session.draft.function(
        "install",
        "Installs a tool on top of the one that it requires.",
        &["?t: tool", "?u: tool"],
        "requires(?t, ?u) and installed(?u) and not installed(?t)",
        "installed(?t)",
    );
}

/// Two stages want different versions of the same runtime, and one is active at a time.
fn versions(session: &mut Session<'_, '_>) {
    session.draft.vocabulary(&[words::ACTIVE]);
    session.draft.objects("version", &first(&words::VERSIONS, 2));
    let active = session.dice.choose(&words::VERSIONS).unwrap_or_default();
    session.draft.init(&format!("active({active})"));
    let stages = session.dice.sample(&[1, 2, 3, 4, 5], 2);
    for (stage, version) in stages.into_iter().zip(words::VERSIONS) {
        for stage in session.from(stage).take(1) {
            stage.require(&format!("active({version})"));
        }
        let name = words::STAGE_NAMES.get(stage).unwrap_or(&"");
        session.say(&words::NEEDS_VERSION, &[name, version]);
    }
    session.draft.function(
        "switch_version",
        "Switches the runtime from one version to the other.",
        &["?from: version", "?to: version"],
        "active(?from) and ?from != ?to",
        "active(?to), not active(?from)",
    );
}

/// A call that looks tidy and loses every artifact of a prompt.
fn archive(session: &mut Session<'_, '_>) {
    session.draft.vocabulary(&[words::ARCHIVED]);
    let lost: Vec<String> = (0..=CODE).map(|s| format!("not {}", of(s))).collect();
    session.draft.function(
        "archive_session",
        "Puts the session of a prompt away, with all its artifacts.",
        PROMPT,
        "not archived(?p)",
        &format!("archived(?p), {}", lost.join(", ")),
    );
    session.say(&words::ARCHIVE, &[]);
}

/// Code (and the sketch) takes some calls to come. Nothing else is done to a prompt meanwhile.
fn take_time(session: &mut Session<'_, '_>) {
    let (code, sketch) = (session.share("takes"), session.share("sketch_takes"));
    if code + sketch == 0 {
        return;
    }
    session.draft.vocabulary(&[words::AT_WORK]);
    for (i, stage) in session.stages.iter_mut().enumerate() {
        stage.require("not at_work(?p)");
        stage.takes = match i {
            CODE => code,
            SKETCH => sketch,
            _ => 0,
        };
        if stage.takes > 0 {
            stage.start.push("at_work(?p)".to_owned());
            stage.always.push("not at_work(?p)".to_owned());
        }
    }
    for function in ["archive_session", "show_plan", "pull", "rebase"] {
        session.draft.require(function, "not at_work(?p)");
    }
    for (name, takes) in [("code", code), ("pseudocode", sketch)] {
        if takes > 0 {
            session.say(&words::TAKES, &[name, &takes.to_string()]);
        }
    }
    if code > 0 && session.dice.percent("one_coder") {
        session.draft.vocabulary(&[words::CODER_BUSY]);
        for stage in session.from(CODE) {
            stage.require("not coder_busy");
            stage.start.push("coder_busy".to_owned());
            stage.always.push("not coder_busy".to_owned());
        }
        session.say(&words::ONE_CODER, &[]);
    }
}
