//! Migration: services that stand on one another move to a new version (ordered, reversible steps).
//!
//! A service stops only when nothing leans on it, and leans only on a base of its own version, so
//! what runs already must be taken down and brought up again in order. What has to keep its old
//! version on a new base must be bridged before the base stops; who forgets it has to roll back.
//! Twists: data that an upgrade loses unless it was dumped, and few services down at a time.

use super::tale::{Kind, Tale, Word, first};
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

const SERVICES: [&str; 7] = ["ledger", "catalog", "search", "cart", "mail", "reports", "portal"];
/// Stands for a user that is not there.
const NOBODY: &str = "nobody";

const WORDS: [Word; 6] = [
    Word {
        name: "running",
        params: &["?s: service"],
        kind: Kind::Env,
        about: "The service is up.",
        says: &["{0} is running", "{0} is up", "{0} runs"],
    },
    Word {
        name: "leans",
        params: &["?s: service"],
        kind: Kind::Env,
        about: "The service uses the one it stands on, and not a bridge.",
        says: &["{0} leans on its base", "{0} stands on its base", "{0} is settled"],
    },
    Word {
        name: "new",
        params: &["?s: service"],
        kind: Kind::Env,
        about: "The service has the new version.",
        says: &["{0} has the new version", "{0} is new", "{0} is upgraded"],
    },
    Word {
        name: "root",
        params: &["?s: service"],
        kind: Kind::Fixed,
        about: "The service stands on nothing.",
        says: &["{0} stands on nothing"],
    },
    Word {
        name: "stands_on",
        params: &["?s: service", "?b: service"],
        kind: Kind::Fixed,
        about: "The first service needs the second one.",
        says: &["{0} stands on {1}", "{0} needs {1}"],
    },
    Word {
        name: "users",
        params: &["?s: service", "?a: service", "?b: service"],
        kind: Kind::Fixed,
        about: "What stands on the first service: the other two.",
        says: &["{1} and {2} stand on {0}"],
    },
];

const DATA: [Word; 2] = [
    Word {
        name: "filled",
        params: &["?s: service"],
        kind: Kind::Env,
        about: "The service has its data.",
        says: &["{0} has its data", "{0} is filled"],
    },
    Word {
        name: "dumped",
        params: &["?s: service"],
        kind: Kind::Inventory,
        about: "A dump of the service's data lies ready.",
        says: &["{0} is dumped", "there is a dump of {0}"],
    },
];

/// What is wanted of a service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Upgraded,
    Kept,
    Off,
    Anything,
}

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let services = first(&SERVICES, dice.knob("services").max(2));
    let (data, down) = (dice.percent("data"), dice.knob("down"));
    let mut all = services.clone();
    all.push(NOBODY.to_owned());
    draft.objects("service", &all);
    draft.vocabulary(&WORDS);
    let bases = tree(dice, draft, &services);
    functions(draft, data, down > 0);
    let wishes = wishes(dice, &bases);
    let stopped = begin(dice, draft, &services, &bases, data);
    if down > 0 {
        draft.fluent("down", down.max(stopped), stopped);
        draft.about_fluent("down", "Services that are down.");
    }
    let named = |wanted: &dyn Fn(&Wish, &Option<usize>) -> bool| -> Vec<String> {
        let all = services.iter().zip(wishes.iter().zip(&bases));
        all.filter(|(_, (wish, base))| wanted(wish, base)).map(|(s, _)| s.clone()).collect()
    };
    for (service, (wish, base)) in services.iter().zip(wishes.iter().zip(&bases)) {
        let up = if base.is_some() { "leans" } else { "running" };
        match wish {
            Wish::Upgraded => draft.goal(&format!("new({service}) and {up}({service})")),
            Wish::Kept => draft.goal(&format!("not new({service}) and running({service})")),
            Wish::Off => draft.goal(&format!("not running({service})")),
            Wish::Anything => {}
        }
        if data && *wish == Wish::Upgraded {
            draft.goal(&format!("filled({service})"));
        }
    }
    let story = Story {
        lowest: named(&|wish, base| *wish == Wish::Upgraded && base.is_none()),
        upgraded: named(&|wish, base| *wish == Wish::Upgraded && base.is_some()),
        kept: named(&|wish, _| *wish == Wish::Kept),
        off: named(&|wish, _| *wish == Wish::Off),
        data,
        down,
    };
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    draft.narrative(story.tell(dice));
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
        draft.vocabulary(&DATA);
        let words = "Writes a service's data to a file.";
        draft.function("dump", words, s, "filled(?s) and running(?s)", "dumped(?s)");
        draft.returns("dump", "{s}.dump");
        let words = "Reads the dump into the upgraded service.";
        draft.function("fill", words, s, "new(?s) and dumped(?s)", "filled(?s)");
    }
}

/// Wishes that can be met: what is to be upgraded stands on what is to be upgraded.
fn wishes(dice: &mut Dice<'_>, bases: &[Option<usize>]) -> Vec<Wish> {
    let upgrade = u32::try_from(dice.knob("upgrade")).unwrap_or(0);
    let keep = u32::try_from(dice.knob("keep")).unwrap_or(0);
    let mut wishes = Vec::new();
    for base in bases {
        let below = base.and_then(|b| wishes.get(b).copied());
        wishes.push(match below {
            None if wishes.is_empty() => Wish::Upgraded,
            None | Some(Wish::Upgraded) if dice.chance(upgrade) => Wish::Upgraded,
            _ if !dice.chance(keep) => Wish::Anything,
            Some(Wish::Off) => Wish::Off,
            _ if dice.chance(20) => Wish::Off,
            _ => Wish::Kept,
        });
    }
    wishes
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

/// What the narrative tells.
struct Story {
    lowest: Vec<String>,
    upgraded: Vec<String>,
    kept: Vec<String>,
    off: Vec<String>,
    data: bool,
    down: usize,
}

impl Story {
    fn tell(&self, dice: &mut Dice<'_>) -> String {
        let mut tale = Tale::default();
        tale.say(dice, &OPENINGS, &[]);
        // What stands on nothing has to run; the others have to settle on their bases again.
        let lowest = if self.data { &LOWEST_FILLED } else { &LOWEST };
        tale.say_of(dice, lowest, &self.lowest);
        let upgraded = if self.data { &UPGRADED_FILLED } else { &UPGRADED };
        tale.say_of(dice, upgraded, &self.upgraded);
        tale.say_of(dice, &KEPT, &self.kept);
        tale.say_of(dice, &OFF, &self.off);
        if self.down > 0 {
            tale.say(dice, &DOWN, &[&self.down.to_string()]);
        }
        tale.text()
    }
}

const OPENINGS: [&str; 5] = [
    "Tonight the services move to the new version.",
    "A migration is under way: services stand on one another, and each comes down before it changes.",
    "The old version is to go, service by service.",
    "This is the night of the great upgrade.",
    "Yesterday's upgrade was left half done, and the team takes it up again.",
];
const LOWEST: [&str; 4] = [
    "At the bottom, on nothing else: {0}. It takes the new version and runs on it.",
    "Upgrade {0}, on which others stand, and have it up and running.",
    "Have {0} running on the new version.",
    "In the end the new version of {0} must be up.",
];
const LOWEST_FILLED: [&str; 4] = [
    "At the bottom, on nothing else: {0}. It takes the new version, and runs with its data.",
    "Upgrade {0}, on which others stand, and have it up and filled with its data.",
    "Have {0} running on the new version, with all data in it.",
    "In the end the new version of {0} must be up and filled.",
];
const UPGRADED: [&str; 4] = [
    "Upgraded, and up again on the base: that is what we want of {0}.",
    "Move {0} to the new version and let it settle on its base again.",
    "In the morning we want the new version, settled on its base: {0}.",
    "Upgrade {0}, without any bridge left in place.",
];
const UPGRADED_FILLED: [&str; 4] = [
    "Upgraded, up again on the base, and filled: that is what we want of {0}.",
    "Move {0} to the new version and let it settle on its base again, data and all.",
    "In the morning we want the new version, settled on its base and filled: {0}.",
    "Upgrade {0}, without any bridge left in place and without loss of data.",
];
const KEPT: [&str; 4] = [
    "The old version stays in use, up and running: {0}.",
    "Not to be upgraded, but to be running in the end: {0}.",
    "Leave the old version on {0}, and leave it running.",
    "We still need the old version of {0}, up and running.",
];
const OFF: [&str; 4] = [
    "Nobody needs {0} any more; take it down.",
    "To be switched off: {0}.",
    "In the morning {0} must not be running.",
    "Stop {0} for good.",
];
const DOWN: [&str; 4] = [
    "Services that are down at the same time: {0} at most.",
    "The limit of services down at once is {0}.",
    "Never have more services down at a time than {0}.",
    "Users bear only so many stopped services at a time: {0}.",
];
