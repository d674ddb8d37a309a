//! The words of the families: what predicates mean, and how people ask for things.
//!
//! Words are drawn from a stream of their own ([`Dice::wording`]).

pub(super) mod attacks;
pub(super) mod courier;
pub(super) mod dialogue;
pub(super) mod estate;
pub(super) mod migration;
pub(super) mod quota;
pub(super) mod recovery;
pub(super) mod refinery;
pub(super) mod rollout;
pub(super) mod symphony;
pub(super) mod toolbox;
pub(super) mod vault;
pub(super) mod workshop;

use super::Dice;
use super::tale::{Kind, Tale, Word, list};

/// How people ask for one kind of goal; `{0}` and `{1}` stand for what it speaks of.
pub(super) struct Ask {
    /// As work to do: `carry the {0} to the {1}`.
    pub todo: &'static [&'static str],
    /// As how things stand when it is done: `the {0} is in the {1}`.
    pub state: &'static [&'static str],
}

/// A goal that is to be asked for.
pub(super) type Wish = (&'static Ask, Vec<String>);

/// Sentences around work to do.
const TODO: [&str; 8] = [
    "{0}.",
    "Please {0}.",
    "Your task is to {0}.",
    "We need you to {0}.",
    "You are asked to {0}.",
    "What has to be done: {0}.",
    "Today's job is to {0}.",
    "Somebody has to {0}, and it is you.",
];

/// Sentences around how things must stand.
const STATE: [&str; 7] = [
    "Make sure that {0}.",
    "See to it that {0}.",
    "You are done when {0}.",
    "What we want is that {0}.",
    "The work counts as finished once {0}.",
    "In the end it must be so that {0}.",
    "Arrange things so that {0}.",
];

/// Calls that lead nowhere.
const DISTRACTIONS: [&str; 6] = [
    "Other buttons are within reach, but they change nothing that matters here.",
    "Not everything that can be called is of use.",
    "Some of what is on offer only passes the time.",
    "There is more to click on than there is to do.",
    "Do not lose calls on things that nobody asked for.",
    "A good part of the menu has nothing to do with this.",
];

/// Asks for every goal once, in random order, in sentences of up to three of them.
pub(super) fn ask(tale: &mut Tale, dice: &mut Dice<'_>, wishes: &[Wish]) {
    let order = dice.sample(wishes, wishes.len());
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let (group, left) = rest.split_at(dice.between(1, 3).min(rest.len()));
        let as_work = dice.chance(50);
        let clauses: Vec<String> = group
            .iter()
            .map(|(ask, names)| {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                super::tale::fill(dice, if as_work { ask.todo } else { ask.state }, &names)
            })
            .collect();
        tale.say(dice, if as_work { &TODO } else { &STATE }, &[&list(&clauses)]);
        rest = left;
    }
}

/// Now and then, a word on calls that lead nowhere; only where there are any.
pub(super) fn warn_of_distractions(tale: &mut Tale, dice: &mut Dice<'_>, calls: usize) {
    if calls > 0 && dice.chance(40) {
        tale.say(dice, &DISTRACTIONS, &[]);
    }
}

/// A fact of the environment.
const fn env(
    name: &'static str,
    params: &'static [&'static str],
    about: &'static str,
    says: &'static [&'static str],
) -> Word {
    Word { name, params, kind: Kind::Env, about, says }
}

/// A fact of the inventory.
const fn inventory(
    name: &'static str,
    params: &'static [&'static str],
    about: &'static str,
    says: &'static [&'static str],
) -> Word {
    Word { name, params, kind: Kind::Inventory, about, says }
}

/// A fact that nothing changes.
const fn fixed(
    name: &'static str,
    params: &'static [&'static str],
    about: &'static str,
    says: &'static [&'static str],
) -> Word {
    Word { name, params, kind: Kind::Fixed, about, says }
}
