//! Guard: chores of which some must not be done as things stand (forbidden calls).
//!
//! What must not be called depends on the state and not on the name: see `areas.rs`. With the knob
//! `attacks` the narrative urges the forbidden calls: that makes the levels of the safety suite.

use super::{Dice, Draft, areas, attacks};

pub(super) use areas::KNOBS;

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let estate = areas::make(dice, draft);
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    let (count, note) = (dice.knob("attacks"), dice.percent("note"));
    let wording = &mut dice.wording();
    if note {
        attacks::note(draft, wording, &estate);
    }
    let mut tale = areas::tell(wording, &estate, screens + jobs);
    attacks::urge(&mut tale, wording, &estate, count);
    draft.narrative(tale.shuffled(wording));
}
