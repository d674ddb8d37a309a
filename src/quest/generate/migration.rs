//! Migration: services that stand on one another move to a new version (ordered, reversible steps).
//!
//! A service stops only when nothing leans on it, and leans only on a base of its own version, so
//! what runs already must be taken down and brought up again in order. What has to keep its old
//! version on a new base must be bridged before the base stops; who forgets it has to roll back.
//! Twists: data that an upgrade loses unless it was dumped, and few services down at a time.

use super::tale::{Tale, first};
use super::words::{Wish, ask, migration as words, warn_of_distractions};
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("services", 7),
    ("roots", 2),
    ("spread", 100),
    ("upgrade", 100),
    ("keep", 100),
    ("begun", 100),
    ("data", 100),
    ("down", 7),
    ("screens", 8),
    ("jobs", 8),
];

/// Stands for a user that is not there.
const NOBODY: &str = "no_service";

/// What is wanted of a service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Upgraded,
    Kept,
    Off,
    Anything,
}

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let services = first(&words::SERVICES, dice.knob("services").max(2));
    let (data, down) = (dice.percent("data"), dice.knob("down"));
    let mut all = services.clone();
    all.push(NOBODY.to_owned());
    draft.objects("service", &all);
    draft.vocabulary(&words::WORDS);
    let bases = tree(dice, draft, &services);
    functions(draft, data, down > 0);
    let fates = fates(dice, &bases);
    let stopped = begin(dice, draft, &services, &bases, data);
    if down > 0 {
        draft.fluent("down", down.max(stopped), stopped);
        draft.about_fluent("down", "Services that are down.");
    }
    let mut asked: Vec<Wish> = Vec::new();
    for (service, (fate, base)) in services.iter().zip(fates.iter().zip(&bases)) {
        let (up, upgraded) = match base {
            Some(_) => ("leans", &words::UPGRADED),
            None => ("running", &words::LOWEST),
        };
        let (goal, wish) = match fate {
            Fate::Upgraded => (format!("new({service}) and {up}({service})"), upgraded),
            Fate::Kept => (format!("not new({service}) and running({service})"), &words::KEPT),
            Fate::Off => (format!("not running({service})"), &words::OFF),
            Fate::Anything => continue,
        };
        draft.goal(&goal);
        asked.push((wish, vec![service.clone()]));
        if data && *fate == Fate::Upgraded {
            draft.goal(&format!("filled({service})"));
            asked.push((&words::FILLED, vec![service.clone()]));
        }
    }
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    draft.narrative(narrative(&mut dice.wording(), &asked, (data, down), screens + jobs));
}

/// Trees of services, at most two on each; returns each one's base.
fn tree(dice: &mut Dice<'_>, draft: &mut Draft, services: &[String]) -> Vec<Option<usize>> {
    let name = |i: usize| services.get(i).map_or("", String::as_str);
    let mut bases: Vec<Option<usize>> = Vec::new();
    let spread = u32::try_from(dice.knob("spread")).unwrap_or(0);
    let roots = dice.knob("roots").max(1);
    for i in 0..services.len() {
        let open: Vec<usize> =
            (0..i).filter(|b| bases.iter().filter(|x| **x == Some(*b)).count() < 2).collect();
        let open = if i < roots { Vec::new() } else { open };
        // The latest open base makes a chain, any other one a bush.
        let base = if dice.chance(spread) { dice.choose(&open) } else { open.last().copied() };
        match base {
            Some(base) => draft.init(&format!("stands_on({}, {})", name(i), name(base))),
            None => draft.init(&format!("root({})", name(i))),
        }
        bases.push(base);
    }
    for (i, service) in services.iter().enumerate() {
        let mut users: Vec<&str> =
            (0..services.len()).filter(|u| bases.get(*u) == Some(&Some(i))).map(name).collect();
        users.resize(2, NOBODY);
        draft.init(&format!("users({service}, {})", users.join(", ")));
    }
    bases
}

fn functions(draft: &mut Draft, data: bool, limited: bool) {
    let (falls, rises) = if limited { (", down += 1", ", down -= 1") } else { ("", "") };
    let (s, on) = (&["?s: service"], &["?s: service", "?b: service"]);
    draft.function(
        "stop",
        "Takes a service down; nothing may lean on it.",
        &["?s: service", "?a: service", "?b: service"],
        "users(?s, ?a, ?b) and running(?s) and not leans(?a) and not leans(?b)",
        &format!("not running(?s), not leans(?s){falls}"),
    );
    let (lost, back) = if data { (", not filled(?s)", ", filled(?s)") } else { ("", "") };
    let words = "Gives a stopped service the new version; data that is not dumped is lost.";
    let words = if data { words } else { "Gives a stopped service the new version." };
    let pre = format!("not running(?s) and not new(?s) and ?s != {NOBODY}");
    draft.function("upgrade", words, s, &pre, &format!("new(?s){lost}"));
    let words = "Gives a stopped service its old version back, with what it had then.";
    let pre = "not running(?s) and new(?s)";
    draft.function("roll_back", words, s, pre, &format!("not new(?s){back}"));
    let up = format!("running(?s), leans(?s){rises}");
    let pre = "stands_on(?s, ?b) and not running(?s) and running(?b)";
    let words = "Brings a service up on a base; both have the new version.";
    draft.function("start_new", words, on, &format!("{pre} and new(?s) and new(?b)"), &up);
    let words = "Brings a service up on a base; both have the old version.";
    draft.function("start_old", words, on, &format!("{pre} and not new(?s) and not new(?b)"), &up);
    let pre = "root(?s) and not running(?s)";
    let words = "Brings up a service that stands on nothing.";
    draft.function("start_root", words, s, pre, &format!("running(?s){rises}"));
    let words = "Lets a running service use a bridge in place of its base.";
    draft.function("bridge", words, s, "leans(?s)", "not leans(?s)");
    if data {
        draft.vocabulary(&words::DATA);
        let words = "Writes a service's data to a file.";
        draft.function("dump", words, s, "filled(?s) and running(?s)", "dumped(?s)");
        draft.returns("dump", "{s}.dump");
        let words = "Reads the dump into the upgraded service.";
        draft.function("fill", words, s, "new(?s) and dumped(?s)", "filled(?s)");
    }
}

/// Fates that are possible together: what is to be upgraded stands on what is to be upgraded.
fn fates(dice: &mut Dice<'_>, bases: &[Option<usize>]) -> Vec<Fate> {
    let upgrade = u32::try_from(dice.knob("upgrade")).unwrap_or(0);
    let keep = u32::try_from(dice.knob("keep")).unwrap_or(0);
    let mut fates = Vec::new();
    for base in bases {
        let below = base.and_then(|b| fates.get(b).copied());
        fates.push(match below {
            None if fates.is_empty() => Fate::Upgraded,
            None | Some(Fate::Upgraded) if dice.chance(upgrade) => Fate::Upgraded,
            _ if !dice.chance(keep) => Fate::Anything,
            Some(Fate::Off) => Fate::Off,
            _ if dice.chance(20) => Fate::Off,
            _ => Fate::Kept,
        });
    }
    fates
}

/// The start: services run on the old version, some by a bridge, or (with chance `begun` each, top
/// down) are stopped, and half of those upgraded already. Returns how many are stopped.
fn begin(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    services: &[String],
    bases: &[Option<usize>],
    data: bool,
) -> usize {
    let begun = u32::try_from(dice.knob("begun")).unwrap_or(0);
    let mut leaning = vec![false; services.len()];
    let mut stopped = 0;
    for (i, service) in services.iter().enumerate().rev() {
        let busy = bases.iter().zip(&leaning).any(|(base, on)| *on && *base == Some(i));
        let down = !busy && dice.chance(begun);
        let upgraded = down && dice.chance(50);
        if down {
            stopped += 1;
        } else {
            draft.init(&format!("running({service})"));
        }
        if upgraded {
            draft.init(&format!("new({service})"));
        }
        let bridged = dice.chance(begun / 3);
        if !down && !bridged && bases.get(i).is_some_and(Option::is_some) {
            draft.init(&format!("leans({service})"));
            if let Some(on) = leaning.get_mut(i) {
                *on = true;
            }
        }
        if data && !upgraded {
            draft.init(&format!("filled({service})"));
        }
        // Only a dump brings back what an upgrade lost, save for rolling back.
        if data && dice.chance(begun) {
            draft.init(&format!("dumped({service})"));
        }
    }
    stopped
}

fn narrative(
    dice: &mut Dice<'_>,
    asked: &[Wish],
    (data, down): (bool, usize),
    distractions: usize,
) -> String {
    let mut tale = Tale::default();
    tale.say(dice, &words::OPENINGS, &[]);
    if dice.chance(40) {
        tale.say(dice, &words::BRIDGES, &[]);
    }
    if data {
        tale.say(dice, &words::DUMPS, &[]);
    }
    if down > 0 {
        tale.say(dice, &words::DOWN, &[&down.to_string()]);
    }
    ask(&mut tale, dice, asked);
    warn_of_distractions(&mut tale, dice, distractions);
    tale.shuffled(dice)
}
