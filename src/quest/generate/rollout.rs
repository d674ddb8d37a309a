//! Rollout: builds and tests that take time on few runners (overlap in time).
//!
//! One after the other works, but who fills the waiting with what needs no runner, and keeps all
//! runners busy, needs fewer calls. Twists: runners that fit some services only, notes to write on
//! the side, and a release window that shuts again by itself. Every start on a runner costs a credit,
//! and credits are few, so builds that nobody asked for and soak tests lead to a dead end.

use super::tale::{Tale, first};
use super::words::{Wish, ask, rollout as words, warn_of_distractions};
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("services", 4),
    ("idle", 3),
    ("runners", 3),
    ("built", 6),
    ("build", 9),
    ("test", 9),
    ("soak", 9),
    ("spare", 9),
    ("chain", 100),
    ("review", 100),
    ("notes", 100),
    ("fit", 100),
    ("window", 9),
    ("screens", 8),
    ("jobs", 8),
];

/// Calls that things take; 0 where they are not there.
struct Times {
    build: u32,
    test: u32,
    soak: u32,
    window: u32,
}

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let wanted = dice.knob("services").max(1);
    let services = first(&words::SERVICES, wanted + dice.knob("idle"));
    let runners = first(&words::RUNNERS, dice.knob("runners").max(1));
    let mut calls = |knob: &str| u32::try_from(dice.knob(knob)).unwrap_or(0);
    let (build, test) = (calls("build").max(1), calls("test").max(1));
    let times = Times { build, test, soak: calls("soak"), window: calls("window") };
    let (review, notes) = (dice.percent("review"), dice.percent("notes"));
    let mut all = services.clone();
    all.push(words::PLATFORM.to_owned());
    draft.objects("service", &all);
    draft.objects("runner", &runners);
    draft.vocabulary(&words::WORDS);
    draft.init(&format!("live({})", words::PLATFORM));
    for runner in &runners {
        draft.init(&format!("free({runner})"));
    }
    let fit = fitting(dice, draft, &services, &runners);
    on_runners(draft, &times, fit);
    deployment(draft, &times, review);
    if notes {
        draft.vocabulary(&[words::NOTED]);
        let words = "Writes a service into the release notes.";
        draft.function("write_note", words, &["?s: service"], "not noted(?s)", "noted(?s)");
        draft.returns("write_note", "{s}.md");
    }
    let wishes = prepare(dice, draft, &services, wanted, (review, notes));
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    draft.narrative(narrative(&mut dice.wording(), &wishes, &times, fit, screens + jobs));
}

/// With the chance of the knob, says which runners fit which services; each has one at least.
fn fitting(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    services: &[String],
    runners: &[String],
) -> bool {
    let fit = dice.percent("fit") && runners.len() > 1;
    if fit {
        draft.vocabulary(&[words::FITS]);
        for service in services {
            let n = if dice.chance(40) { runners.len() } else { 1 };
            for runner in dice.sample(runners, n) {
                draft.init(&format!("fits({service}, {runner})"));
            }
        }
    }
    fit
}

/// What occupies a runner from its start to its end.
fn on_runners(draft: &mut Draft, times: &Times, fit: bool) {
    let fits = if fit { " and fits(?s, ?r)" } else { "" };
    let mut job = |name: &str, words: &str, takes: u32, pre: &str, effects: &str| {
        let pre = format!("{pre} and free(?r) and ?s != {}{fits}", words::PLATFORM);
        let params = &["?s: service", "?r: runner"];
        draft.function(name, words, params, &pre, &format!("{effects}free(?r), credits -= 1"));
        draft.takes(name, takes, "not free(?r)");
    };
    let text = "Starts a build of a service on a free runner.";
    job("build", text, times.build, "not built(?s)", "built(?s), ");
    let text = "Starts the tests of a built service on a free runner.";
    job("run_tests", text, times.test, "built(?s) and not tested(?s)", "tested(?s), ");
    if times.soak > 0 {
        let text = "Lets a built service run under load for long; it keeps the runner busy.";
        job("soak", text, times.soak, "built(?s)", "");
    }
}

fn deployment(draft: &mut Draft, times: &Times, review: bool) {
    let service = &["?s: service"];
    let mut pre = "tested(?s) and stands_on(?s, ?b) and live(?b)".to_owned();
    if review {
        draft.vocabulary(&[words::REVIEWED]);
        let text = "Has somebody read the change to a service.";
        draft.function("review", text, service, "not reviewed(?s)", "reviewed(?s)");
        pre += " and reviewed(?s)";
    }
    if times.window > 0 {
        draft.vocabulary(&[words::WINDOW]);
        let text = "Opens the release window; it shuts by itself.";
        draft.function("open_window", text, &[], "not window", "not window");
        draft.takes("open_window", times.window, "window");
        pre += " and window";
    }
    let text = "Brings a tested service live on what it stands on.";
    let params = &["?s: service", "?b: service"];
    draft.function("deploy", text, params, &format!("{pre} and not live(?s)"), "live(?s)");
}

/// Lays out the services and the credits; returns what is wanted. Of the services, only the first
/// `wanted` are.
fn prepare(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    services: &[String],
    wanted: usize,
    (review, notes): (bool, bool),
) -> Vec<Wish> {
    let chain = u32::try_from(dice.knob("chain")).unwrap_or(0);
    let built = dice.knob("built");
    let built = dice.sample(services, built);
    // A build and a test run for each that is wanted, and some more.
    let ready = services.iter().take(wanted).filter(|s| built.contains(s)).count();
    let credits = 2 * wanted - ready + dice.knob("spare");
    draft.fluent("credits", credits, credits);
    draft.about_fluent("credits", "Starts on runners that are paid for.");
    let mut wishes: Vec<Wish> = Vec::new();
    for (i, service) in services.iter().enumerate() {
        let below = services.get(..i.min(wanted)).unwrap_or(&[]);
        let base = if dice.chance(chain) { dice.choose(below) } else { None };
        let base = base.unwrap_or_else(|| words::PLATFORM.to_owned());
        draft.init(&format!("stands_on({service}, {base})"));
        if built.contains(service) {
            draft.init(&format!("built({service})"));
        }
        if review && dice.chance(25) {
            draft.init(&format!("reviewed({service})"));
        }
        if i < wanted {
            draft.goal(&format!("live({service})"));
            wishes.push((&words::ROLL_OUT, vec![service.clone()]));
        }
        if notes && dice.chance(if i < wanted { 60 } else { 15 }) {
            draft.goal(&format!("noted({service})"));
            wishes.push((&words::NOTE, vec![service.clone()]));
        }
    }
    wishes
}

fn narrative(
    dice: &mut Dice<'_>,
    wishes: &[Wish],
    times: &Times,
    fit: bool,
    distractions: usize,
) -> String {
    let mut tale = Tale::default();
    tale.say(dice, &words::OPENINGS, &[]);
    if dice.chance(60) {
        tale.say(dice, &words::TIMES, &[&times.build.to_string(), &times.test.to_string()]);
    }
    if fit {
        tale.say(dice, &words::FITTING, &[]);
    }
    if times.window > 0 {
        tale.say(dice, &words::WINDOWS, &[&times.window.to_string()]);
    }
    ask(&mut tale, dice, wishes);
    warn_of_distractions(&mut tale, dice, distractions);
    tale.shuffled(dice)
}
