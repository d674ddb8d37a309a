//! Toolbox: many tools, few of them needed (distractors). Each tool turns some artifacts into
//! another; only looking back from the goal tells which ones matter and in which order, for some
//! tools use up what they read or spoil something else.

use super::draft::numbered;
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("artifacts", 16),
    ("start", 5),
    ("goals", 3),
    ("second", 100),
    ("extra_tools", 20),
    ("consume", 100),
    ("spoil", 100),
    ("blocked", 100),
    ("screens", 8),
    ("jobs", 8),
];

const VERBS: [&str; 10] =
    ["parse", "merge", "render", "index", "label", "split", "train", "pack", "review", "convert"];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let artifacts = numbered("a", dice.knob("artifacts").max(4));
    let start = dice.knob("start").clamp(1, artifacts.len() - 1);
    draft.objects("artifact", &artifacts);
    draft.inventory("have", &["?a: artifact"]);
    for artifact in artifacts.iter().take(start) {
        draft.init(&format!("have({artifact})"));
    }
    let chances = Chances {
        second: percent(dice, "second"),
        consume: percent(dice, "consume"),
        spoil: percent(dice, "spoil"),
        blocked: percent(dice, "blocked"),
    };
    for target in start..artifacts.len() {
        tool(dice, draft, &artifacts, target, &chances);
    }
    for _ in 0..dice.knob("extra_tools") {
        let target = dice.below(artifacts.len());
        tool(dice, draft, &artifacts, target, &chances);
    }
    let goals = dice.knob("goals").max(1);
    let late = artifacts.get((artifacts.len() + start) / 2..).unwrap_or(&artifacts);
    let mut wanted = dice.sample(late, goals);
    wanted.sort();
    for artifact in &wanted {
        draft.goal(&format!("have({artifact})"));
    }
    let screens = dice.knob("screens");
    let jobs = dice.knob("jobs");
    draft.distract(screens, jobs);
    draft.narrative(format!("Among many tools, make {}.", wanted.join(" and ")));
}

struct Chances {
    second: u32,
    consume: u32,
    spoil: u32,
    blocked: u32,
}

fn percent(dice: &mut Dice<'_>, name: &str) -> u32 {
    u32::try_from(dice.knob(name)).unwrap_or(0)
}

/// A tool that makes `target` from one or two earlier artifacts.
fn tool(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    artifacts: &[String],
    target: usize,
    chances: &Chances,
) {
    let name = |i: usize| artifacts.get(i).cloned().unwrap_or_default();
    let before: Vec<usize> = (0..target).collect();
    let recent = target.saturating_sub(1 + dice.below(4.min(target.max(1))));
    let mut inputs = vec![recent];
    if dice.chance(chances.second) {
        inputs.extend(dice.choose(&before));
    }
    inputs.sort_unstable();
    inputs.dedup();
    inputs.retain(|&i| i != target);
    let mut pre: Vec<String> = inputs.iter().map(|&i| format!("have({})", name(i))).collect();
    let mut effects = vec![format!("have({})", name(target))];
    if dice.chance(chances.consume)
        && let Some(used) = dice.choose(&inputs)
    {
        effects.push(format!("not have({})", name(used)));
    }
    let others: Vec<usize> =
        (0..artifacts.len()).filter(|i| *i != target && !inputs.contains(i)).collect();
    if dice.chance(chances.spoil)
        && let Some(spoiled) = dice.choose(&others)
    {
        effects.push(format!("not have({})", name(spoiled)));
    }
    if dice.chance(chances.blocked)
        && let Some(blocker) = dice.choose(&others)
    {
        pre.push(format!("not have({})", name(blocker)));
    }
    let verb = dice.choose(&VERBS).unwrap_or("make");
    let function = format!("{verb}_{}", name(target));
    let words = format!("Makes {}.", name(target));
    draft.function(&function, &words, &[], &pre.join(" and "), &effects.join(", "));
    draft.returns(&function, &name(target));
}
