//! Recovery: services to bring live where builds break and hasty deployments cause incidents.
//!
//! Outcomes are drawn. The careful way is longer and sure, the hasty one short and risky; an
//! incident stops all work until it is diagnosed and resolved. Services stand on one another.

use super::tale::{Tale, first};
use super::words::{Wish, ask, recovery as words, warn_of_distractions};
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("services", 4),
    ("built", 4),
    ("goals", 4),
    ("build_risk", 60),
    ("hasty_risk", 80),
    ("incident", 100),
    ("chain", 100),
    ("maintenance", 100),
    ("screens", 8),
    ("jobs", 8),
];

const SERVICE: &[&str] = &["?s: service"];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let services = first(&words::SERVICES, dice.knob("services").max(1));
    let build_risk = u32::try_from(dice.knob("build_risk")).unwrap_or(0);
    let hasty_risk = u32::try_from(dice.knob("hasty_risk")).unwrap_or(0);
    let (incident, maintenance) = (dice.percent("incident"), dice.percent("maintenance"));
    let mut all = services.clone();
    all.push(words::BASE.to_owned());
    draft.objects("service", &all);
    draft.vocabulary(&words::WORDS);
    draft.init(&format!("live({})", words::BASE));
    let (mut tale, wording) = (Tale::default(), &mut dice.wording());
    tale.say(wording, &words::OPENINGS, &[]);
    functions(draft, build_risk);
    risky(draft, hasty_risk, incident);
    if build_risk > 0 {
        tale.say(wording, &words::BUILDS, &[&build_risk.to_string()]);
    }
    if hasty_risk > 0 {
        tale.say(wording, &words::HASTY, &[&hasty_risk.to_string()]);
    }
    if incident {
        incidents(draft);
        tale.say(wording, &words::INCIDENTS, &[]);
        if dice.chance(30) {
            draft.init("incident");
            tale.say(wording, &words::OPEN_NOW, &[]);
        }
    }
    if maintenance {
        rest(draft);
        tale.say(wording, &words::REST, &[]);
    }
    let below = prepare(dice, draft, &services);
    for (service, base) in services.iter().zip(&below).filter(|(_, b)| *b != words::BASE) {
        tale.say(wording, &words::ON, &[service, base]);
    }
    let mut wishes = goals(dice, draft, &services);
    for idle in services.iter().filter(|s| !wishes.iter().any(|w| w.1.contains(s))) {
        if wording.chance(40) {
            tale.say(wording, &words::IDLE, &[idle]);
        }
    }
    if incident {
        draft.goal("not incident");
        wishes.push((&words::CALM, Vec::new()));
    }
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    ask(&mut tale, wording, &wishes);
    warn_of_distractions(&mut tale, wording, screens + jobs);
    draft.narrative(tale.shuffled(wording));
}

fn functions(draft: &mut Draft, build_risk: u32) {
    let pre = format!(
        "not built(?s) and not broken(?s) and not canary(?s) and not live(?s) and ?s != {}",
        words::BASE
    );
    draft.function("build", "Builds a service that is down.", SERVICE, &pre, "built(?s)");
    if build_risk > 0 {
        draft.risk("build", "error", build_risk, "broken(?s)");
    }
    let text = "Cleans up after a broken build.";
    draft.function("clean", text, SERVICE, "broken(?s)", "not broken(?s)");
    draft.function(
        "try_canary",
        "Deploys a build to a few users; what it stands on must be live.",
        &["?s: service", "?b: service"],
        "built(?s) and stands_on(?s, ?b) and live(?b)",
        "canary(?s), not built(?s)",
    );
    let text = "Deploys a canary to all users.";
    draft.function("widen", text, SERVICE, "canary(?s)", "live(?s), not canary(?s)");
    let effects = "not live(?s), not canary(?s), not built(?s)";
    let text = "Takes a service back from its users.";
    draft.function("roll_back", text, SERVICE, &format!("?s != {}", words::BASE), effects);
}

fn risky(draft: &mut Draft, hasty_risk: u32, incident: bool) {
    draft.function(
        "deploy_hastily",
        "Deploys a build to all users at once, at a risk; what it stands on must be live.",
        &["?s: service", "?b: service"],
        "built(?s) and stands_on(?s, ?b) and live(?b)",
        "live(?s), not built(?s)",
    );
    if hasty_risk > 0 {
        let lost = if incident { "incident, not built(?s)" } else { "broken(?s), not built(?s)" };
        draft.risk("deploy_hastily", "outage", hasty_risk, lost);
    }
}

/// An incident stops builds and deployments until it is diagnosed and resolved.
fn incidents(draft: &mut Draft) {
    draft.vocabulary(&words::INCIDENT);
    for function in ["build", "try_canary", "widen", "deploy_hastily"] {
        draft.require(function, "not incident");
    }
    let text = "Finds the cause of the incident.";
    draft.function("diagnose", text, &[], "incident", "diagnosed");
    let text = "Ends an incident whose cause is known.";
    let effects = "not incident, not diagnosed";
    draft.function("resolve", text, &[], "incident and diagnosed", effects);
}

fn rest(draft: &mut Draft) {
    draft.vocabulary(&[words::RESTING]);
    draft.require("build", "not resting(?s)");
    draft.function(
        "start_maintenance",
        "Takes a service down for care; its build and deployment are lost.",
        SERVICE,
        &format!("not resting(?s) and ?s != {}", words::BASE),
        "resting(?s), not live(?s), not canary(?s), not built(?s), not broken(?s)",
    );
    let text = "Ends the care of a service.";
    draft.function("end_maintenance", text, SERVICE, "resting(?s)", "not resting(?s)");
}

/// What each service stands on, and how far it is; returns the former.
fn prepare(dice: &mut Dice<'_>, draft: &mut Draft, services: &[String]) -> Vec<String> {
    let built = dice.knob("built").min(services.len());
    let indices: Vec<usize> = (0..services.len()).collect();
    let built = dice.sample(&indices, built);
    let mut below = Vec::new();
    for (i, service) in services.iter().enumerate() {
        let earlier = i.checked_sub(1).and_then(|last| services.get(last));
        let base = earlier.filter(|_| dice.percent("chain")).map_or(words::BASE, String::as_str);
        draft.init(&format!("stands_on({service}, {base})"));
        if built.contains(&i) {
            draft.init(&format!("built({service})"));
        } else if dice.chance(50) {
            draft.init(&format!("broken({service})"));
        }
        below.push(base.to_owned());
    }
    below
}

fn goals(dice: &mut Dice<'_>, draft: &mut Draft, services: &[String]) -> Vec<Wish> {
    let goals = dice.knob("goals").clamp(1, services.len());
    let mut wanted = dice.sample(services, goals);
    wanted.sort();
    for service in &wanted {
        draft.goal(&format!("live({service})"));
    }
    wanted.into_iter().map(|service| -> Wish { (&words::LIVE, vec![service]) }).collect()
}
