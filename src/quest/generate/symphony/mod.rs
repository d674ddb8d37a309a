//! Symphony: the six functions from prompt to code, over several prompts at once.
//!
//! Levels differ in which artifacts exist, which stages the later ones really need, how far each
//! prompt must go, and in twists: questions, corrections and reviews of the user, stale and poor
//! artifacts, missing tools, a repository that moves, models, budgets, retries, timeouts, and calls
//! that take time. Which stages can be left out follows from the preconditions and the goal alone.

mod chances;
mod prompts;
mod stage;
mod twists;

use super::tale::{Tale, first};
use super::words::{Wish, ask, symphony as words, warn_of_distractions};
use super::{Dice, Draft};
use stage::Stage;

pub(super) const KNOBS: &[(&str, u32)] = &[
    ("prompts", 4),
    ("head_start", 5),
    ("partial", 100),
    ("skip", 100),
    ("stale", 100),
    ("question", 100),
    ("trap", 100),
    ("tools", 3),
    ("versions", 100),
    ("corrections", 100),
    ("review", 100),
    ("rule", 100),
    ("repo", 100),
    ("takes", 4),
    ("sketch_takes", 3),
    ("one_coder", 100),
    ("models", 100),
    ("budget", 100),
    ("retries", 100),
    ("calm", 100),
    ("flaky", 60),
    ("poor", 60),
    ("corrected", 60),
    ("asks", 60),
    ("pushed", 60),
    ("screens", 8),
    ("jobs", 8),
];

/// A level in the making: what twists read and add to.
struct Session<'a, 'd> {
    dice: &'a mut Dice<'d>,
    wording: Dice<'d>,
    draft: &'a mut Draft,
    tale: Tale,
    prompts: Vec<String>,
    stages: Vec<Stage>,
}

impl Session<'_, '_> {
    fn say(&mut self, phrasings: &[&str], names: &[&str]) {
        self.tale.say(&mut self.wording, phrasings, names);
    }

    /// The stages from this one on.
    fn from(&mut self, stage: usize) -> impl Iterator<Item = &mut Stage> {
        self.stages.iter_mut().skip(stage)
    }

    /// A percentage that a knob gives as it is.
    fn share(&mut self, knob: &str) -> u32 {
        u32::try_from(self.dice.knob(knob)).unwrap_or(0)
    }
}

pub(super) fn make(dice: &mut Dice<'_>, draft: &mut Draft) {
    let prompts = first(&words::PROMPTS, dice.knob("prompts").max(1));
    draft.objects("prompt", &prompts);
    draft.vocabulary(&words::ARTIFACTS);
    let (stages, wording) = (stage::stages(dice), dice.wording());
    let mut session = Session { dice, wording, draft, tale: Tale::default(), prompts, stages };
    session.say(&words::OPENINGS, &[]);
    let mut marks = twists::apply(&mut session);
    let calm = session.dice.percent("calm");
    chances::apply(&mut session, &mut marks, calm);
    let wishes = prompts::lay_out(&mut session, &marks);
    finish(session, &wishes);
}

fn finish(session: Session<'_, '_>, wishes: &[Wish]) {
    let Session { dice, mut wording, draft, mut tale, stages, .. } = session;
    stage::write(draft, stages);
    let (screens, jobs) = (dice.knob("screens"), dice.knob("jobs"));
    draft.distract(screens, jobs);
    ask(&mut tale, &mut wording, wishes);
    warn_of_distractions(&mut tale, &mut wording, screens + jobs);
    draft.narrative(tale.shuffled(&mut wording));
}
