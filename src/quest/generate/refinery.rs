//! Refinery: data products made from other products (tool chains with shared sub-products).
//!
//! Several goals stand on one hub. Some steps keep what they read, some use it up, so what reads
//! the hub must run before what uses it up, or a copy must be made in time. Twists: one step that
//! makes two products, copies, products that leave the store when they are handed over, and a
//! store with little room.

use super::tale::{Tale, first};
use super::words::{Wish, ask, refinery as words, warn_of_distractions};
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("sources", 5),
    ("products", 12),
    ("goals", 4),
    ("used", 100),
    ("pairs", 4),
    ("detours", 6),
    ("copies", 100),
    ("handover", 100),
    ("room", 12),
    ("have", 4),
    ("screens", 8),
    ("jobs", 8),
];

/// What the twists make of the functions.
struct Twists {
    pairs: usize,
    copies: bool,
    handover: bool,
    room: usize,
}

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let sources = first(&words::SOURCES, dice.knob("sources").max(1));
    let products = first(&words::PRODUCTS, dice.knob("products").max(3));
    let all: Vec<String> = sources.iter().chain(&products).cloned().collect();
    let twists = Twists {
        pairs: dice.knob("pairs"),
        copies: dice.percent("copies"),
        handover: dice.percent("handover"),
        room: dice.knob("room"),
    };
    draft.objects("product", &all);
    draft.vocabulary(&words::WORDS);
    functions(draft, &twists);
    for source in &sources {
        draft.init(&format!("raw({source})"));
    }
    recipes(dice, draft, &all, sources.len(), twists.pairs);
    let have = dice.knob("have");
    let stock = dice.sample(all.get(..sources.len() + 2).unwrap_or(&all), have);
    for product in &stock {
        draft.init(&format!("have({product})"));
    }
    if twists.room > 0 {
        draft.fluent("room", twists.room + stock.len(), twists.room);
        draft.about_fluent("room", "Products that still fit into the store.");
    }
    let goals = dice.knob("goals").clamp(1, products.len());
    let late = products.get(products.len() / 3..).unwrap_or(&products);
    let mut wanted = dice.sample(late, goals);
    wanted.sort();
    for product in &wanted {
        draft.goal(&format!("published({product})"));
    }
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    draft.narrative(narrative(&mut dice.wording(), &twists, wanted, screens + jobs));
}

/// What little room adds: a product that is there already is not made again, and each step pays
/// for what it adds to the store.
struct Room {
    once: &'static str,
    grow: &'static str,
    shrink: &'static str,
}

const X: &[&str] = &["?x: product"];
const XA: &[&str] = &["?x: product", "?a: product"];
const XAB: &[&str] = &["?x: product", "?a: product", "?b: product"];

fn functions(draft: &mut Draft, twists: &Twists) {
    let room = if twists.room > 0 {
        Room { once: " and not have(?x)", grow: ", room -= 1", shrink: ", room += 1" }
    } else {
        Room { once: "", grow: "", shrink: "" }
    };
    steps(draft, &room);
    if twists.pairs > 0 {
        split(draft, &room);
    }
    if twists.copies {
        draft.vocabulary(&[words::COPIED]);
        let text = "Keeps a copy of a product aside.";
        draft.function("copy", text, X, "have(?x) and not copied(?x)", "copied(?x)");
        let text = "Brings a product back from its copy, which is used up.";
        let effects = format!("have(?x), not copied(?x){}", room.grow);
        draft.function("restore", text, X, "copied(?x) and not have(?x)", &effects);
    }
    let pre = "have(?x) and not published(?x)";
    if twists.handover {
        let text = "Hands a product over to its readers; it leaves the store.";
        let effects = format!("published(?x), not have(?x){}", room.shrink);
        draft.function("publish", text, X, pre, &effects);
    } else {
        let text = "Publishes a product to its readers; it stays in the store.";
        draft.function("publish", text, X, pre, "published(?x)");
    }
    if twists.room > 0 {
        let text = "Deletes a product from the store to make room.";
        draft.function("discard", text, X, "have(?x)", &format!("not have(?x){}", room.shrink));
    }
}

/// The steps that make a product: some keep what they read, some use it up.
fn steps(draft: &mut Draft, room: &Room) {
    let mut step = |name: &str, text: &str, params: &[&str], pre: &str, effects: &str| {
        draft.function(name, text, params, &format!("{pre}{}", room.once), effects);
        draft.returns(name, "{x}.table");
    };
    let made = format!("have(?x){}", room.grow);
    step("load", "Loads a raw product from its source.", X, "raw(?x)", &made);
    let text = "Derives a product from another one and keeps both.";
    step("derive", text, XA, "from_one(?x, ?a) and have(?a)", &made);
    let text = "Joins two products to a third one and keeps all of them.";
    step("join", text, XAB, "from_two(?x, ?a, ?b) and have(?a) and have(?b)", &made);
    let text = "Turns a product into another one; the first is used up.";
    step("turn_into", text, XA, "out_of_one(?x, ?a) and have(?a)", "have(?x), not have(?a)");
    let text = "Works the last product into the second one; the last is used up.";
    let pre = "out_of_two(?x, ?a, ?b) and have(?a) and have(?b)";
    step("work_in", text, XAB, pre, "have(?x), not have(?b)");
}

/// One step that makes two products of one.
fn split(draft: &mut Draft, room: &Room) {
    draft.vocabulary(&[words::PARTS]);
    let text = "Splits a product into its two parts; it is used up.";
    let params = &["?x: product", "?y: product", "?a: product"];
    let pre = format!("parts(?x, ?y, ?a) and have(?a){}", room.once);
    let pre = if room.once.is_empty() { pre } else { format!("{pre} and not have(?y)") };
    let effects = format!("have(?x), have(?y), not have(?a){}", room.grow);
    draft.function("split", text, params, &pre, &effects);
}

/// One recipe for every product, and some detours. An early product is the hub that many of the
/// later ones need.
fn recipes(dice: &mut Dice<'_>, draft: &mut Draft, all: &[String], sources: usize, pairs: usize) {
    let used = u32::try_from(dice.knob("used")).unwrap_or(0);
    let hub = (sources + dice.below(2)).min(all.len() - 1);
    let detours = dice.knob("detours");
    let extra: Vec<usize> = (0..detours).map(|_| dice.between(sources, all.len() - 1)).collect();
    for target in (sources..all.len()).chain(extra) {
        let on_hub = target > hub && dice.chance(55);
        let main = if on_hub { hub } else { target - 1 - dice.below(target.min(3)) };
        let other = (main + 1 + dice.below(target.max(2) - 1)) % target.max(1);
        let two = other != main && dice.chance(45);
        let name = |i: usize| all.get(i).map_or("", String::as_str);
        let (x, a, b) = (name(target), name(main), name(other));
        draft.init(&match (two, dice.chance(used)) {
            (false, false) => format!("from_one({x}, {a})"),
            (false, true) => format!("out_of_one({x}, {a})"),
            (true, false) => format!("from_two({x}, {a}, {b})"),
            // What is used up is the hub as often as the other one.
            (true, true) if dice.chance(50) => format!("out_of_two({x}, {b}, {a})"),
            (true, true) => format!("out_of_two({x}, {a}, {b})"),
        });
    }
    for _ in 0..pairs {
        let x = dice.between(hub + 1, all.len().max(hub + 3) - 2);
        let parts = [x, x + 1, dice.between(sources.min(hub), x - 1)];
        if let [Some(x), Some(y), Some(a)] = parts.map(|i| all.get(i)) {
            draft.init(&format!("parts({x}, {y}, {a})"));
        }
    }
}

fn narrative(
    dice: &mut Dice<'_>,
    twists: &Twists,
    wanted: Vec<String>,
    distractions: usize,
) -> String {
    let mut tale = Tale::default();
    tale.say(dice, &words::OPENINGS, &[]);
    if dice.chance(40) {
        tale.say(dice, &words::USED_UP, &[]);
    }
    if twists.handover {
        tale.say(dice, &words::HANDOVER, &[]);
    }
    if twists.room > 0 {
        tale.say(dice, &words::ROOM, &[&twists.room.to_string()]);
    }
    if twists.copies {
        tale.say(dice, &words::COPIES, &[]);
    }
    let wishes: Vec<Wish> = wanted.into_iter().map(|x| (&words::PUBLISH, vec![x])).collect();
    ask(&mut tale, dice, &wishes);
    warn_of_distractions(&mut tale, dice, distractions);
    tale.shuffled(dice)
}
