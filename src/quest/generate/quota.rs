//! Quota: jobs to finish on few tokens (resource limits).
//!
//! A job can be solved directly, which is short and dear, or drafted and polished, which is long
//! and cheap; pairs can be polished together. Twists: big jobs that want an outline first, a
//! reserve that must be left, top-ups with a pause and a limit, tariffs that exclude each other,
//! and treats that cost tokens.

use super::tale::{Tale, first};
use super::words::{Wish, ask, quota as words, warn_of_distractions};
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("jobs", 6),
    ("big", 6),
    ("started", 6),
    ("tokens", 20),
    ("direct", 8),
    ("reserve", 3),
    ("top_ups", 4),
    ("pairs", 100),
    ("tariffs", 100),
    ("treats", 6),
    ("redo", 100),
    ("screens", 8),
    ("idle", 8),
];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let jobs = first(&words::JOBS, dice.knob("jobs").max(1));
    let big = dice.knob("big").min(jobs.len());
    let (pairs, tariffs, redo) =
        (dice.percent("pairs"), dice.percent("tariffs"), dice.percent("redo"));
    let direct = dice.knob("direct").max(2);
    let tokens = dice.knob("tokens").max(2);
    draft.objects("job", &jobs);
    draft.vocabulary(&words::WORDS);
    draft.fluent("tokens", tokens + 3, tokens);
    draft.about_fluent("tokens", "Tokens that can still be spent.");
    let (mut tale, wording) = (Tale::default(), &mut dice.wording());
    tale.say(wording, &words::OPENINGS, &[&tokens.to_string()]);
    tale.say(wording, &words::WAYS, &[&direct.to_string()]);
    work(draft, direct, redo);
    if redo {
        tale.say(wording, &words::REDO, &[]);
    }
    if tariffs {
        choose_tariff(draft);
        tale.say(wording, &words::TARIFF, &[]);
    }
    if pairs {
        polish_pairs(draft, &jobs);
        tale.say(wording, &words::PAIRS, &[]);
    }
    let top_ups = dice.knob("top_ups");
    if top_ups > 0 {
        let text = "Asks the treasurer for three more tokens.";
        let top_up = draft.function("top_up", text, &[], "", "tokens += 3");
        top_up.max_calls = u32::try_from(top_ups).ok();
        top_up.cooldown = Some(1);
        tale.say(wording, &words::TOP_UPS, &[&top_ups.to_string()]);
    }
    let treats = first(&words::TREATS, dice.knob("treats"));
    order_treats(draft, &treats);
    for treat in &treats {
        if wording.chance(40) {
            tale.say(wording, &words::TREAT, &[treat]);
        }
    }
    let wishes = prepare(dice, draft, &jobs, big, pairs);
    let (screens, idle) = (dice.knob("screens"), dice.knob("idle"));
    draft.distract(screens, idle);
    ask(&mut tale, wording, &wishes);
    warn_of_distractions(&mut tale, wording, screens + idle);
    draft.narrative(tale.shuffled(wording));
}

fn work(draft: &mut Draft, direct: usize, redo: bool) {
    let job = &["?j: job"];
    draft.function("outline", "Outlines a job, free of charge.", job, "", "outlined(?j)");
    let effects = "drafted(?j), tokens -= 1";
    let text = "Drafts an outlined job for one token.";
    draft.function("draft", text, job, "outlined(?j)", effects);
    // With `redo`, polishing uses the draft up, so polishing again needs another one.
    let (used, text) = if redo {
        (
            ", not drafted(?j), not outlined(?j)",
            "Polishes a draft into a finished job for one token; the draft is used up.",
        )
    } else {
        ("", "Polishes a draft into a finished job for one token.")
    };
    let effects = format!("done(?j), tokens -= 1{used}");
    draft.function("polish", text, job, "drafted(?j)", &effects);
    draft.function(
        "solve_directly",
        &format!("Solves an outlined job in one go for {direct} tokens."),
        job,
        "outlined(?j)",
        &format!("done(?j), tokens -= {direct}"),
    );
}

/// Direct solutions then need the tariff that excludes the one with more tokens.
fn choose_tariff(draft: &mut Draft) {
    draft.vocabulary(&words::TARIFFS);
    draft.require("solve_directly", "on_demand");
    let text = "Chooses the tariff with direct solutions, for good.";
    draft
        .function("choose_on_demand", text, &[], "not on_demand", "on_demand")
        .exclusive_with
        .insert("choose_flat_rate".to_owned());
    let text = "Chooses the tariff with three more tokens, for good.";
    draft.function("choose_flat_rate", text, &[], "not flat", "flat, tokens += 3");
}

fn polish_pairs(draft: &mut Draft, jobs: &[String]) {
    draft.vocabulary(&[words::BEFORE]);
    for pair in jobs.windows(2) {
        draft.init(&format!("before({})", pair.join(", ")));
    }
    draft.function(
        "polish_pair",
        "Polishes the drafts of two neighbouring jobs together for three tokens.",
        &["?a: job", "?b: job"],
        "before(?a, ?b) and drafted(?a) and drafted(?b)",
        "done(?a), done(?b), not drafted(?a), not drafted(?b), tokens -= 3",
    );
}

/// Calls that cost tokens and bring a new fact that nobody needs.
fn order_treats(draft: &mut Draft, treats: &[String]) {
    if treats.is_empty() {
        return;
    }
    draft.objects("treat", treats);
    draft.vocabulary(&[words::ENJOYED]);
    let (pre, effects) = ("not enjoyed(?t)", "enjoyed(?t), tokens -= 1");
    let text = "Orders an extra that nobody asked for; it costs a token.";
    draft.function("order_extra", text, &["?t: treat"], pre, effects);
}

/// Lays out the jobs: small ones are outlined already, some are drafted. Returns what is wanted.
fn prepare(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    jobs: &[String],
    big: usize,
    ordered: bool,
) -> Vec<Wish> {
    let started = dice.knob("started").min(jobs.len());
    let indices: Vec<usize> = (0..jobs.len()).collect();
    let big_ones = dice.sample(&indices, big);
    let drafted = dice.sample(&indices, started);
    let begun = |i: &usize| (!big_ones.contains(i), drafted.contains(i));
    let mut states: Vec<(bool, bool)> = indices.iter().map(begun).collect();
    if !ordered {
        // Jobs are interchangeable then, so one order of them stands for all.
        states.sort_unstable();
    }
    let mut wishes: Vec<Wish> = Vec::new();
    for (job, (outlined, drafted)) in jobs.iter().zip(states) {
        for (_, fact) in [(outlined, "outlined"), (drafted, "drafted")].iter().filter(|f| f.0) {
            draft.init(&format!("{fact}({job})"));
        }
        draft.goal(&format!("done({job})"));
        wishes.push((&words::FINISH, vec![job.clone()]));
    }
    let reserve = dice.knob("reserve");
    if reserve > 0 {
        draft.goal(&format!("tokens >= {reserve}"));
        wishes.push((&words::RESERVE, vec![reserve.to_string()]));
    }
    wishes
}
