//! Toolbox: many tools, few of them needed (distractors). Each tool turns some artifacts into
//! another; only looking back from the goal tells which ones matter and in which order, for some
//! tools use up what they read or spoil something else.

use super::tale::{Tale, first, list};
use super::words::{Wish, ask, toolbox as words, warn_of_distractions};
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
    let artifacts = first(&words::ARTIFACTS, dice.knob("artifacts").max(4));
    let start = dice.knob("start").clamp(1, artifacts.len() - 1);
    draft.objects("artifact", &artifacts);
    draft.vocabulary(&[words::HAVE]);
    let given = artifacts.get(..start).unwrap_or(&artifacts);
    for artifact in given {
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
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    let wording = &mut dice.wording();
    draft.narrative(narrative(wording, &chances, given, wanted));
}

fn narrative(
    wording: &mut Dice<'_>,
    chances: &Chances,
    given: &[String],
    wanted: Vec<String>,
) -> String {
    let mut tale = Tale::default();
    tale.say(wording, &words::OPENINGS, &[]);
    let given: Vec<String> = given.iter().map(|a| format!("the {a}")).collect();
    tale.say(wording, &words::START, &[&list(&given)]);
    let twists: [(u32, &[&str]); 3] = [
        (chances.consume, &words::CONSUME),
        (chances.spoil, &words::SPOIL),
        (chances.blocked, &words::BLOCKED),
    ];
    for (_, phrasings) in twists.into_iter().filter(|(chance, _)| *chance > 0) {
        tale.say(wording, phrasings, &[]);
    }
    let wishes: Vec<Wish> =
        wanted.into_iter().map(|a| -> Wish { (&words::MAKE, vec![a]) }).collect();
    ask(&mut tale, wording, &wishes);
    warn_of_distractions(&mut tale, wording, 1);
    tale.shuffled(wording)
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
    let the = |i: usize| format!("the {}", name(i));
    let read: Vec<String> = inputs.iter().map(|&i| the(i)).collect();
    let mut text = match list(&read).as_str() {
        "" => format!("Makes {} from nothing", the(target)),
        inputs => format!("Makes {} from {inputs}", the(target)),
    };
    let mut pre: Vec<String> = inputs.iter().map(|&i| format!("have({})", name(i))).collect();
    let mut effects = vec![format!("have({})", name(target))];
    if dice.chance(chances.consume)
        && let Some(used) = dice.choose(&inputs)
    {
        effects.push(format!("not have({})", name(used)));
        text.push_str(&format!("; uses up {}", the(used)));
    }
    let others: Vec<usize> =
        (0..artifacts.len()).filter(|i| *i != target && !inputs.contains(i)).collect();
    if dice.chance(chances.spoil)
        && let Some(spoiled) = dice.choose(&others)
    {
        effects.push(format!("not have({})", name(spoiled)));
        text.push_str(&format!("; spoils {}", the(spoiled)));
    }
    if dice.chance(chances.blocked)
        && let Some(blocker) = dice.choose(&others)
    {
        pre.push(format!("not have({})", name(blocker)));
        text.push_str(&format!("; blocked by {}", the(blocker)));
    }
    let verb = dice.choose(&VERBS).unwrap_or("make");
    let function = format!("{verb}_{}", name(target));
    text.push('.');
    draft.function(&function, &text, &[], &pre.join(" and "), &effects.join(", "));
    draft.returns(&function, &name(target));
}
