//! Recovery: services to bring live where builds break and hasty deployments cause incidents.
//!
//! Outcomes are drawn. The careful way is longer and sure, the hasty one short and risky; an
//! incident stops all work until it is diagnosed and resolved. Services stand on one another.

use super::draft::numbered;
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

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let services = numbered("s", dice.knob("services").max(1));
    let build_risk = u32::try_from(dice.knob("build_risk")).unwrap_or(0);
    let hasty_risk = u32::try_from(dice.knob("hasty_risk")).unwrap_or(0);
    let mut percent = |name: &str| {
        let n = u32::try_from(dice.knob(name)).unwrap_or(0);
        dice.chance(n)
    };
    let (incident, maintenance) = (percent("incident"), percent("maintenance"));
    let mut all = vec!["base".to_owned()];
    all.extend(services.iter().cloned());
    draft.objects("service", &all);
    for name in ["built", "broken", "canary", "live"] {
        draft.env(name, &["?s: service"]);
    }
    draft.fixed("stands_on", &["?s: service", "?b: service"]);
    draft.init("live(base)");
    draft.env("incident", &[]);
    functions(draft, build_risk, maintenance);
    risky(draft, hasty_risk, incident);
    if incident {
        draft.env("diagnosed", &[]);
        let resolve = "not incident, not diagnosed";
        draft.function("diagnose", "Finds the cause.", &[], "incident", "diagnosed");
        draft.function("resolve", "Ends the incident.", &[], "incident and diagnosed", resolve);
        if dice.chance(30) {
            draft.init("incident");
        }
    }
    if maintenance {
        draft.env("resting", &["?s: service"]);
        draft.function(
            "start_maintenance",
            "Takes a service down for care.",
            &["?s: service"],
            "not resting(?s) and ?s != base",
            "resting(?s), not live(?s), not canary(?s), not built(?s), not broken(?s)",
        );
        let params = &["?s: service"];
        draft.function(
            "end_maintenance",
            "Ends the care.",
            params,
            "resting(?s)",
            "not resting(?s)",
        );
    }
    prepare(dice, draft, &services);
    let screens = dice.knob("screens");
    let jobs = dice.knob("jobs");
    draft.distract(screens, jobs);
}

fn functions(draft: &mut Draft, build_risk: u32, maintenance: bool) {
    let service = &["?s: service"];
    let rest = if maintenance { " and not resting(?s)" } else { "" };
    let pre = format!(
        "not built(?s) and not broken(?s) and not canary(?s) and not live(?s) and not incident \
         and ?s != base{rest}"
    );
    draft.function("build", "Builds a service.", service, &pre, "built(?s)");
    if build_risk > 0 {
        draft.risk("build", "error", build_risk, "broken(?s)");
    }
    let words = "Cleans a broken build.";
    draft.function("clean", words, service, "broken(?s)", "not broken(?s)");
    draft.function(
        "try_canary",
        "Deploys to a few users.",
        &["?s: service", "?b: service"],
        "built(?s) and stands_on(?s, ?b) and live(?b) and not incident",
        "canary(?s), not built(?s)",
    );
    let pre = "canary(?s) and not incident";
    let effects = "live(?s), not canary(?s)";
    draft.function("widen", "Deploys to all users.", service, pre, effects);
    let effects = "not live(?s), not canary(?s), not built(?s)";
    draft.function("roll_back", "Takes a service back.", service, "?s != base", effects);
}

fn risky(draft: &mut Draft, hasty_risk: u32, incident: bool) {
    draft.function(
        "deploy_hastily",
        "Deploys to all users at once.",
        &["?s: service", "?b: service"],
        "built(?s) and stands_on(?s, ?b) and live(?b) and not incident",
        "live(?s), not built(?s)",
    );
    if hasty_risk > 0 {
        let lost = if incident { "incident, not built(?s)" } else { "broken(?s), not built(?s)" };
        draft.risk("deploy_hastily", "outage", hasty_risk, lost);
    }
}

fn prepare(dice: &mut Dice<'_>, draft: &mut Draft, services: &[String]) {
    let chain = u32::try_from(dice.knob("chain")).unwrap_or(0);
    let built = dice.knob("built").min(services.len());
    let indices: Vec<usize> = (0..services.len()).collect();
    let built = dice.sample(&indices, built);
    for (i, service) in services.iter().enumerate() {
        let below = match i {
            0 => "base",
            _ if dice.chance(chain) => {
                let earlier = services.get(..i).unwrap_or(&[]);
                dice.choose(earlier)
                    .map_or("base", |_| services.get(i - 1).map_or("base", String::as_str))
            }
            _ => "base",
        };
        draft.init(&format!("stands_on({service}, {below})"));
        if built.contains(&i) {
            draft.init(&format!("built({service})"));
        } else if dice.chance(50) {
            draft.init(&format!("broken({service})"));
        }
    }
    let goals = dice.knob("goals").clamp(1, services.len());
    let mut wanted = dice.sample(&indices, goals);
    wanted.sort_unstable();
    let names: Vec<&str> =
        wanted.iter().filter_map(|&i| services.get(i).map(String::as_str)).collect();
    for service in &names {
        draft.goal(&format!("live({service})"));
    }
    draft.goal("not incident");
    draft.narrative(format!("Bring {} live, whatever breaks on the way.", names.join(", ")));
}
