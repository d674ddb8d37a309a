//! Dialogue: questions to the right people until a brief can be written (answers are new objects).
//!
//! Each question brings a new answer from a finite pool, which is the patience of those who are
//! asked: who asks for what nobody needs runs out of it. Questions follow on what is known, and
//! people take turns. Twists: answers that cast doubt on what was known, so that order matters, and
//! topics that must be known in the end.

use super::tale::{Tale, first};
use super::words::{Wish, ask, dialogue as words, warn_of_distractions};
use super::{Dice, Draft};

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("topics", 8),
    ("people", 3),
    ("items", 4),
    ("facts", 3),
    ("known", 4),
    ("answers", 9),
    ("chain", 100),
    ("doubts", 4),
    ("experts", 100),
    ("screens", 8),
    ("jobs", 8),
];

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let topics = first(&words::TOPICS, dice.knob("topics").max(2));
    let people = first(&words::PEOPLE, dice.knob("people").max(1));
    let items = first(&words::ITEMS, dice.knob("items").max(1));
    let answers: Vec<String> =
        (1..=dice.knob("answers").max(1)).map(|i| format!("answer{i}")).collect();
    let mut all = topics.clone();
    all.extend([words::GREETING.to_owned(), words::NOTHING.to_owned()]);
    draft.objects("topic", &all);
    draft.objects("person", &people);
    draft.objects("item", &items);
    draft.objects("answer", &answers);
    draft.vocabulary(&words::WORDS);
    functions(draft, &answers);
    draft.init(&format!("known({})", words::GREETING));
    draft.init(&format!("with({})", dice.choose(&people).unwrap_or_default()));
    let known = dice.knob("known");
    for topic in dice.sample(&topics, known) {
        draft.init(&format!("known({topic})"));
    }
    web(dice, draft, &topics, &people);
    let doubts = doubts(dice, draft, &topics);
    let wishes = wishes(dice, draft, &topics, &items);
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    let wording = &mut dice.wording();
    let mut tale = Tale::default();
    tale.say(wording, &words::OPENINGS, &[]);
    tale.say(wording, &words::PATIENCE, &[&answers.len().to_string()]);
    if doubts {
        tale.say(wording, &words::DOUBT, &[]);
    }
    ask(&mut tale, wording, &wishes);
    warn_of_distractions(&mut tale, wording, screens + jobs);
    draft.narrative(tale.shuffled(wording));
}

fn functions(draft: &mut Draft, answers: &[String]) {
    draft.function(
        "turn_to",
        "Ends the talk with one person and begins one with another.",
        &["?from: person", "?to: person"],
        "with(?from) and ?from != ?to",
        "with(?to), not with(?from)",
    );
    draft.function(
        "ask",
        "Asks the person you talk to about a topic; the answer is new.",
        &["?p: person", "?t: topic", "?u: topic"],
        "with(?p) and knows(?p, ?t) and follows(?t, ?u) and known(?u)",
        "about(?ret, ?t)",
    );
    draft.makes("ask", answers);
    draft.function(
        "think_through",
        "Works an answer into what you know; it may cast doubt on another topic.",
        &["?a: answer", "?t: topic", "?x: topic"],
        "about(?a, ?t) and shakes(?t, ?x)",
        "known(?t), not known(?x), not about(?a, ?t)",
    );
    draft.function(
        "write",
        "Writes a part of the brief from the two topics that it needs.",
        &["?i: item", "?t: topic", "?u: topic"],
        "needs(?i, ?t, ?u) and known(?t) and known(?u)",
        "written(?i)",
    );
    draft.returns("write", "{i}.md");
}

/// Who knows what, and which question follows on which.
fn web(dice: &mut Dice<'_>, draft: &mut Draft, topics: &[String], people: &[String]) {
    let chain = u32::try_from(dice.knob("chain")).unwrap_or(0);
    let experts = u32::try_from(dice.knob("experts")).unwrap_or(0);
    for (i, topic) in topics.iter().enumerate() {
        let earlier = topics.get(i.saturating_sub(3)..i).unwrap_or(&[]);
        let before = if dice.chance(chain) { dice.choose(earlier) } else { None };
        let before = before.unwrap_or_else(|| words::GREETING.to_owned());
        draft.init(&format!("follows({topic}, {before})"));
        let n = if dice.chance(experts) { 1 } else { 2 };
        for person in dice.sample(people, n) {
            draft.init(&format!("knows({person}, {topic})"));
        }
    }
}

/// Lets some topics cast doubt on others; true where there are any.
fn doubts(dice: &mut Dice<'_>, draft: &mut Draft, topics: &[String]) -> bool {
    let count = dice.knob("doubts");
    let shaking = dice.sample(topics, count);
    for topic in topics {
        let others: Vec<String> = topics.iter().filter(|t| *t != topic).cloned().collect();
        let shaken = if shaking.contains(topic) { dice.choose(&others) } else { None };
        let shaken = shaken.unwrap_or_else(|| words::NOTHING.to_owned());
        draft.init(&format!("shakes({topic}, {shaken})"));
    }
    !shaking.is_empty()
}

/// What the parts of the brief need, and what is wanted.
fn wishes(
    dice: &mut Dice<'_>,
    draft: &mut Draft,
    topics: &[String],
    items: &[String],
) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::new();
    for item in items {
        if let [t, u] = dice.sample(topics, 2).as_slice() {
            draft.init(&format!("needs({item}, {t}, {u})"));
            draft.goal(&format!("written({item})"));
            wishes.push((&words::WRITE, vec![item.clone()]));
        }
    }
    let facts = dice.knob("facts");
    for topic in dice.sample(topics, facts) {
        draft.goal(&format!("known({topic})"));
        wishes.push((&words::LEARN, vec![topic]));
    }
    wishes
}
