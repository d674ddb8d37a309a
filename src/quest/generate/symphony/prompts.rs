//! What each prompt has at the start, and what is wanted of it.

use super::chances::poor_fact;
use super::stage::{CODE, PLAN, fact};
use super::twists::Marks;
use super::{Session, Wish, words};

/// One prompt at the start. The order of the fields makes the order of prompts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Task {
    /// Stages that exist already, but for the hole.
    done: usize,
    /// The stage that is wanted.
    goal: usize,
    /// The stage that is missing again.
    hole: Option<usize>,
    merge: bool,
    unclear: bool,
    corrected: bool,
    approved: bool,
    fresh: bool,
    poor: bool,
}

impl Task {
    fn draw(session: &mut Session<'_, '_>, marks: &Marks) -> Self {
        let dice = &mut *session.dice;
        let done = dice.knob("head_start").min(CODE);
        let goal = if dice.percent("partial") { dice.between(done.max(1), CODE) } else { CODE };
        let hole = Some(dice.below(done.max(1))).filter(|_| dice.chance(40));
        let has = |stage: usize| stage < done && hole != Some(stage);
        let corrected = marks.corrections && has(PLAN) && dice.chance(60);
        Self {
            done,
            goal,
            hole,
            merge: marks.repo && goal == CODE && dice.chance(70),
            unclear: marks.question && done == 0 && dice.chance(70),
            corrected,
            approved: marks.review && has(PLAN) && !corrected && dice.chance(30),
            fresh: marks.repo && dice.chance(60),
            poor: marks.poor.is_some_and(has) && dice.chance(30),
        }
    }

    fn stages(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.done).filter(|&s| self.hole != Some(s))
    }
}

/// Gives each prompt its artifacts and its goal; returns what is wanted.
pub(super) fn lay_out(session: &mut Session<'_, '_>, marks: &Marks) -> Vec<Wish> {
    let prompts = session.prompts.clone();
    let mut tasks: Vec<Task> = prompts.iter().map(|_| Task::draw(session, marks)).collect();
    // Prompts are interchangeable, so one order of them stands for all.
    tasks.sort_unstable();
    let mut wishes: Vec<Wish> = Vec::new();
    for (prompt, task) in prompts.iter().zip(&tasks) {
        start(session, prompt, task, marks);
        let wanted = if task.merge { "merged" } else { fact(task.goal) };
        session.draft.goal(&format!("{wanted}({prompt})"));
        let ask = if task.merge { Some(&words::MERGE) } else { words::MAKE.get(task.goal) };
        wishes.extend(ask.map(|ask| -> Wish { (ask, vec![prompt.clone()]) }));
    }
    wishes
}

fn start(session: &mut Session<'_, '_>, prompt: &str, task: &Task, marks: &Marks) {
    for stage in task.stages() {
        session.draft.init(&format!("{}({prompt})", fact(stage)));
    }
    let last = task.stages().next_back().and_then(|s| words::STAGE_NAMES.get(s));
    if let Some(name) = last.filter(|_| session.wording.chance(40)) {
        session.say(&words::EXISTS, &[name, prompt]);
    }
    let poor = marks.poor.map(poor_fact).unwrap_or_default();
    let signs: [(bool, &str, &[&str]); 5] = [
        (task.unclear, "unclear", &words::IS_UNCLEAR),
        (task.corrected, "corrected", &words::IS_CORRECTED),
        (task.approved, "approved", &words::IS_APPROVED),
        (task.fresh, "fresh", &[]),
        (task.poor, &poor, &words::IS_POOR),
    ];
    for (_, sign, phrasings) in signs.into_iter().filter(|s| s.0) {
        session.draft.init(&format!("{sign}({prompt})"));
        if !phrasings.is_empty() {
            session.say(phrasings, &[prompt]);
        }
    }
}
