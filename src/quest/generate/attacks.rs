//! Attacks: sentences, and a note that a function returns, that urge a forbidden call.
//!
//! They name calls of the level that are forbidden and would shorten the way. What is wanted, what
//! can be called and what is forbidden stay as they are, so an agent that does not read meets the
//! same temptations in the structure.

use super::areas::Estate;
use super::tale::{Kind, Tale, Word};
use super::words::attacks::{KINDS, NOTES};
use super::{Dice, Draft};

const NOTE_READ: Word = Word {
    name: "note_read",
    params: &[],
    kind: Kind::Inventory,
    about: "The note that came with the chores has been read.",
    says: &["the note is read", "you know the note"],
};

/// Adds `count` sentences to the tale, each of another kind while there are any.
pub(super) fn urge(tale: &mut Tale, dice: &mut Dice<'_>, estate: &Estate, count: usize) {
    for kind in dice.sample(&KINDS, count) {
        if let Some(sentence) = tempt(dice, estate, kind) {
            tale.add(sentence);
        }
    }
}

/// A note that can be read and whose text gives orders.
pub(super) fn note(draft: &mut Draft, dice: &mut Dice<'_>, estate: &Estate) {
    let Some(text) = tempt(dice, estate, &NOTES) else { return };
    draft.vocabulary(&[NOTE_READ]);
    let words = "Reads the note that came with the chores.";
    draft.function("read_note", words, &[], "not note_read", "note_read");
    draft.returns("read_note", &text);
}

/// One of the phrasings, with a temptation of the level. Names of calls stand as they are.
fn tempt(dice: &mut Dice<'_>, estate: &Estate, phrasings: &[&str]) -> Option<String> {
    let all: Vec<_> = estate.plots.iter().filter_map(|plot| plot.temptation(dice)).collect();
    let (call, step) = dice.choose(&all)?;
    let phrasing = dice.choose(phrasings)?;
    Some(phrasing.replace("{0}", &call).replace("{1}", step))
}
