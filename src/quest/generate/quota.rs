//! Quota: jobs to finish on few tokens (resource limits).
//!
//! A job can be solved directly, which is short and dear, or drafted and polished, which is long
//! and cheap; pairs can be polished together. Twists: big jobs that want an outline first, top-ups
//! with a pause and a limit, tariffs that exclude each other, and treats that cost tokens.

use super::draft::numbered;
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("jobs", 6),
    ("big", 6),
    ("started", 6),
    ("tokens", 20),
    ("direct", 8),
    ("top_ups", 4),
    ("pairs", 100),
    ("tariffs", 100),
    ("treats", 6),
    ("redo", 100),
    ("screens", 8),
    ("idle", 8),
];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let jobs = numbered("j", dice.knob("jobs").max(1));
    let big = dice.knob("big").min(jobs.len());
    let mut percent = |name: &str| {
        let n = u32::try_from(dice.knob(name)).unwrap_or(0);
        dice.chance(n)
    };
    let (pairs, tariffs, redo) = (percent("pairs"), percent("tariffs"), percent("redo"));
    let direct = dice.knob("direct").max(2);
    let tokens = dice.knob("tokens").max(2);
    draft.objects("job", &jobs);
    for name in ["outlined", "drafted", "done"] {
        draft.inventory(name, &["?j: job"]);
    }
    draft.fluent("tokens", tokens + 3, tokens);
    work(draft, direct, tariffs, redo);
    if pairs {
        draft.fixed("before", &["?a: job", "?b: job"]);
        for pair in jobs.windows(2) {
            draft.init(&format!("before({})", pair.join(", ")));
        }
        draft.function(
            "polish_pair",
            "Polishes two drafts together.",
            &["?a: job", "?b: job"],
            "before(?a, ?b) and drafted(?a) and drafted(?b)",
            "done(?a), done(?b), not drafted(?a), not drafted(?b), tokens -= 3",
        );
    }
    let top_ups = u32::try_from(dice.knob("top_ups")).unwrap_or(0);
    if top_ups > 0 {
        let top_up = draft.function("top_up", "Asks for more tokens.", &[], "", "tokens += 3");
        top_up.max_calls = Some(top_ups);
        top_up.cooldown = Some(1);
    }
    treats(dice, draft);
    prepare(dice, draft, &jobs, big);
    let screens = dice.knob("screens");
    let idle = dice.knob("idle");
    draft.distract(screens, idle);
    draft.narrative(format!("{} job(s) are to be finished on {tokens} tokens.", jobs.len()));
}

fn work(draft: &mut Draft, direct: usize, tariffs: bool, redo: bool) {
    let job = &["?j: job"];
    draft.function("outline", "Outlines a job.", job, "", "outlined(?j)");
    let effects = "drafted(?j), tokens -= 1";
    draft.function("draft", "Drafts a job cheaply.", job, "outlined(?j)", effects);
    // With `redo`, polishing uses the draft up, so polishing again needs another one.
    let used = if redo { ", not drafted(?j), not outlined(?j)" } else { "" };
    let effects = format!("done(?j), tokens -= 1{used}");
    draft.function("polish", "Finishes a draft.", job, "drafted(?j)", &effects);
    let paid = if tariffs { " and on_demand" } else { "" };
    draft.function(
        "solve_directly",
        "Solves an outlined job in one dear call.",
        job,
        &format!("outlined(?j){paid}"),
        &format!("done(?j), tokens -= {direct}"),
    );
    if tariffs {
        draft.env("on_demand", &[]);
        draft.env("flat", &[]);
        let pick = "Chooses the tariff with direct solutions.";
        draft
            .function("choose_on_demand", pick, &[], "not on_demand", "on_demand")
            .exclusive_with
            .insert("choose_flat_rate".to_owned());
        let pick = "Chooses the tariff with more tokens.";
        draft.function("choose_flat_rate", pick, &[], "not flat", "flat, tokens += 3");
    }
}

/// Calls that cost tokens and bring a new fact that nobody needs.
fn treats(dice: &mut Dice<'_>, draft: &mut Draft) {
    let treats = numbered("t", dice.knob("treats"));
    if treats.is_empty() {
        return;
    }
    draft.objects("treat", &treats);
    draft.inventory("enjoyed", &["?t: treat"]);
    let pre = "not enjoyed(?t)";
    let effects = "enjoyed(?t), tokens -= 1";
    draft.function("order_extra", "Orders an extra report.", &["?t: treat"], pre, effects);
}

/// Lays out the jobs: small ones are outlined already, some are drafted.
fn prepare(dice: &mut Dice<'_>, draft: &mut Draft, jobs: &[String], big: usize) {
    let started = dice.knob("started").min(jobs.len());
    let indices: Vec<usize> = (0..jobs.len()).collect();
    let big_ones = dice.sample(&indices, big);
    let drafted = dice.sample(&indices, started);
    for (i, job) in jobs.iter().enumerate() {
        if !big_ones.contains(&i) {
            draft.init(&format!("outlined({job})"));
        }
        if drafted.contains(&i) {
            draft.init(&format!("drafted({job})"));
        }
        draft.goal(&format!("done({job})"));
    }
}
