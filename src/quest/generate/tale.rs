//! Words of the generated levels: predicates with their meanings, and narratives whose sentences
//! are drawn from several phrasings.

use super::Dice;

/// Where a fact lives, and whether anything changes it.
pub(super) enum Kind {
    Env,
    Inventory,
    Fixed,
}

/// A predicate with its words.
pub(super) struct Word {
    pub name: &'static str,
    pub params: &'static [&'static str],
    pub kind: Kind,
    /// What it means.
    pub about: &'static str,
    /// How people say it; `{0}` and `{1}` stand for the arguments.
    pub says: &'static [&'static str],
}

/// A narrative in the making.
#[derive(Default)]
pub(super) struct Tale {
    sentences: Vec<String>,
}

impl Tale {
    /// Adds a sentence: one of the phrasings, with `{0}` and `{1}` filled in.
    pub(super) fn say(&mut self, dice: &mut Dice<'_>, phrasings: &[&str], names: &[&str]) {
        self.sentences.push(capital(&fill(dice, phrasings, names)));
    }

    /// Adds a sentence as it is.
    pub(super) fn add(&mut self, sentence: String) {
        self.sentences.push(sentence);
    }

    /// The sentences in random order, mostly with the first one at the head.
    pub(super) fn shuffled(mut self, dice: &mut Dice<'_>) -> String {
        let rest = self.sentences.split_off(usize::from(dice.chance(75)).min(self.sentences.len()));
        self.sentences.extend(dice.sample(&rest, rest.len()));
        self.text()
    }

    /// The sentences in order.
    pub(super) fn text(self) -> String {
        self.sentences.join(" ")
    }
}

/// One of the phrasings, with `{0}` and `{1}` filled in; `brass_key` is said as `brass key`.
pub(super) fn fill(dice: &mut Dice<'_>, phrasings: &[&str], names: &[&str]) -> String {
    let mut text = dice.choose(phrasings).unwrap_or_default().to_owned();
    for (i, name) in names.iter().enumerate() {
        text = text.replace(&format!("{{{i}}}"), &name.replace('_', " "));
    }
    text
}

/// With its first letter in upper case.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// `a`, `a and b`, or `a, b and c`.
pub(super) fn list(names: &[String]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// The first `n` of the names.
pub(super) fn first(names: &[&str], n: usize) -> Vec<String> {
    names.iter().take(n).map(|&n| n.to_owned()).collect()
}
