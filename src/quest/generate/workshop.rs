//! Workshop: products from parts from raw material, with shared parts and tools to mount.
//!
//! Twists: recipes that nobody asked for, parts that are used up, tools that must be changed,
//! and a shredder that tempts with new facts.

use super::draft::numbered;
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("raws", 6),
    ("products", 9),
    ("goals", 3),
    ("tools", 3),
    ("have", 4),
    ("consume", 100),
    ("scrap", 100),
    ("screens", 8),
    ("jobs", 8),
];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let raws = numbered("raw", dice.knob("raws").max(2));
    let products = numbered("part", dice.knob("products").max(2));
    let tools = numbered("tool", dice.knob("tools"));
    let consume = u32::try_from(dice.knob("consume")).unwrap_or(0);
    let scrap = u32::try_from(dice.knob("scrap")).unwrap_or(0);
    let (consume, scrap) = (dice.chance(consume), dice.chance(scrap));
    let items: Vec<String> = raws.iter().chain(&products).cloned().collect();
    draft.objects("item", &items);
    draft.inventory("have", &["?x: item"]);
    draft.fixed("raw", &["?x: item"]);
    draft.fixed("recipe", &["?x: item", "?a: item", "?b: item"]);
    for raw in &raws {
        draft.init(&format!("raw({raw})"));
    }
    draft.function("fetch", "Takes raw material.", &["?x: item"], "raw(?x)", "have(?x)");
    assemble(draft, &tools, consume);
    recipes(dice, draft, &raws, &products, &tools);
    if scrap {
        draft.env("scrapped", &["?x: item"]);
        let effects = "not have(?x), scrapped(?x)";
        draft.function("scrap", "Shreds an item.", &["?x: item"], "have(?x)", effects);
    }
    let have = dice.knob("have");
    for item in dice.sample(&items, have) {
        draft.init(&format!("have({item})"));
    }
    // Later products stand on earlier ones, so goals come from the end.
    let goals = dice.knob("goals").max(1).min(products.len());
    let late = products.get(products.len() / 2..).unwrap_or(&products);
    let mut wanted = dice.sample(late, goals);
    wanted.sort();
    for product in &wanted {
        draft.goal(&format!("have({product})"));
    }
    let screens = dice.knob("screens");
    let jobs = dice.knob("jobs");
    draft.distract(screens, jobs);
    draft.narrative(format!("The workshop is asked for {}.", wanted.join(" and ")));
}

fn assemble(draft: &mut Draft, tools: &[String], consume: bool) {
    let spent = if consume { ", not have(?a), not have(?b)" } else { "" };
    let pre = "recipe(?x, ?a, ?b) and have(?a) and have(?b)";
    let effects = format!("have(?x){spent}");
    let words = "Joins two items to a new one.";
    if tools.is_empty() {
        let params = &["?x: item", "?a: item", "?b: item"];
        draft.function("assemble", words, params, pre, &effects);
        return;
    }
    draft.objects("tool", tools);
    draft.env("mounted", &["?t: tool"]);
    draft.fixed("needs", &["?x: item", "?t: tool"]);
    let params = &["?x: item", "?a: item", "?b: item", "?t: tool"];
    let pre = format!("{pre} and needs(?x, ?t) and mounted(?t)");
    draft.function("assemble", words, params, &pre, &effects);
    let params = &["?from: tool", "?to: tool"];
    let pre = "mounted(?from) and ?from != ?to";
    let effects = "mounted(?to), not mounted(?from)";
    draft.function("change_tool", "Changes the tool.", params, pre, effects);
    if let Some(tool) = tools.first() {
        draft.init(&format!("mounted({tool})"));
    }
}

/// Each product from two items that stand before it, at least one of them a late one, so that
/// chains are deep and sub-products are shared.
fn recipes(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    raws: &[String],
    products: &[String],
    tools: &[String],
) {
    for (i, product) in products.iter().enumerate() {
        let before: Vec<&String> = raws.iter().chain(products.iter().take(i)).collect();
        let recent = before.len() - 1 - dice.below(before.len().min(3));
        let other = (recent + 1 + dice.below(before.len() - 1)) % before.len();
        let item = |n: usize| before.get(n).map_or("", |s| s.as_str());
        draft.init(&format!("recipe({product}, {}, {})", item(recent), item(other)));
        if let Some(tool) = dice.choose(tools) {
            draft.init(&format!("needs({product}, {tool})"));
        }
    }
}
