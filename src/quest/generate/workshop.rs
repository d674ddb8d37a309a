//! Workshop: products from parts from raw material, with shared parts and tools to mount.
//!
//! Twists: recipes that nobody asked for, parts that are used up, tools that must be changed,
//! and a shredder that tempts with new facts.

use super::tale::{Tale, first};
use super::words::{Wish, ask, warn_of_distractions, workshop as words};
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
    let raws = first(&words::RAWS, dice.knob("raws").max(2));
    let products = first(&words::PRODUCTS, dice.knob("products").max(2));
    let tools = first(&words::TOOLS, dice.knob("tools"));
    let (consume, scrap) = (dice.percent("consume"), dice.percent("scrap"));
    let items: Vec<String> = raws.iter().chain(&products).cloned().collect();
    draft.objects("item", &items);
    draft.vocabulary(&words::WORDS);
    for raw in &raws {
        draft.init(&format!("raw({raw})"));
    }
    draft.function("fetch", "Fetches raw material.", &["?x: item"], "raw(?x)", "have(?x)");
    assemble(draft, &tools, consume);
    let recipes = recipes(dice, draft, &raws, &products, &tools);
    if scrap {
        draft.vocabulary(&[words::SCRAPPED]);
        let effects = "not have(?x), scrapped(?x)";
        let text = "Shreds an item, which is then lost.";
        draft.function("scrap", text, &["?x: item"], "have(?x)", effects);
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
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);

    let (mut tale, wording) = (Tale::default(), &mut dice.wording());
    tale.say(wording, &words::OPENINGS, &[]);
    for recipe in recipes.iter().filter(|r| r.first().is_some_and(|x| wanted.contains(x))) {
        let parts: Vec<&str> = recipe.iter().map(String::as_str).collect();
        tale.say(wording, &words::RECIPES, &parts);
    }
    let twists: [(bool, &[&str]); 3] = [
        (consume, &words::CONSUME),
        (!tools.is_empty(), &words::TOOLING),
        (scrap, &words::SHREDDER),
    ];
    for (_, phrasings) in twists.into_iter().filter(|(on, _)| *on) {
        tale.say(wording, phrasings, &[]);
    }
    let wishes: Vec<Wish> =
        wanted.into_iter().map(|x| -> Wish { (&words::BUILD, vec![x]) }).collect();
    ask(&mut tale, wording, &wishes);
    warn_of_distractions(&mut tale, wording, screens + jobs);
    draft.narrative(tale.shuffled(wording));
}

fn assemble(draft: &mut Draft, tools: &[String], consume: bool) {
    let (spent, text) = if consume {
        (
            ", not have(?a), not have(?b)",
            "Joins two items to the product they make; both are used up.",
        )
    } else {
        ("", "Joins two items to the product they make.")
    };
    let effects = format!("have(?x){spent}");
    let pre = "recipe(?x, ?a, ?b) and have(?a) and have(?b)";
    if tools.is_empty() {
        let params = &["?x: item", "?a: item", "?b: item"];
        draft.function("assemble", text, params, pre, &effects);
        return;
    }
    draft.objects("tool", tools);
    draft.vocabulary(&words::MOUNTED);
    let params = &["?x: item", "?a: item", "?b: item", "?t: tool"];
    let pre = format!("{pre} and needs(?x, ?t) and mounted(?t)");
    draft.function("assemble", text, params, &pre, &effects);
    let params = &["?from: tool", "?to: tool"];
    let pre = "mounted(?from) and ?from != ?to";
    let effects = "mounted(?to), not mounted(?from)";
    draft.function("change_tool", "Takes one tool off and mounts another.", params, pre, effects);
    if let Some(tool) = tools.first() {
        draft.init(&format!("mounted({tool})"));
    }
}

/// Each product from two items that stand before it, at least one of them a late one, so that
/// chains are deep and sub-products are shared. Returns product and parts of each recipe.
fn recipes(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    raws: &[String],
    products: &[String],
    tools: &[String],
) -> Vec<[String; 3]> {
    let mut all = Vec::new();
    for (i, product) in products.iter().enumerate() {
        let before: Vec<&String> = raws.iter().chain(products.iter().take(i)).collect();
        let recent = before.len() - 1 - dice.below(before.len().min(3));
        let other = (recent + 1 + dice.below(before.len() - 1)) % before.len();
        let item = |n: usize| before.get(n).map_or("", |s| s.as_str()).to_owned();
        let recipe = [product.clone(), item(recent), item(other)];
        draft.init(&format!("recipe({})", recipe.join(", ")));
        all.push(recipe);
        if let Some(tool) = dice.choose(tools) {
            draft.init(&format!("needs({product}, {tool})"));
        }
    }
    all
}
