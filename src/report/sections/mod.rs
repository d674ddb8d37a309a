//! The page's sections, one file each. Every section says something sensible when the run has
//! nothing to show for it.

mod data;
mod decision;
mod evaluation;
mod first;
mod steps;
mod table;
mod trail;
mod training;

use super::format::step_word;
use super::markup::Markup;
use super::model::{RunReport, StepStatus};

pub(crate) use data::{curation, ingest, volumes};
pub(crate) use decision::decision;
pub(crate) use evaluation::{evaluation, rate_axis};
pub(crate) use first::first_screen;
pub(crate) use steps::steps;
pub(crate) use table::{Cell, Column, Row, command_words, table};
pub(crate) use trail::{honesty, provenance};
pub(crate) use training::training;

/// A section with its heading.
pub(crate) fn section(
    m: &mut Markup,
    id: &'static str,
    heading: &str,
    body: impl FnOnce(&mut Markup),
) {
    m.newline();
    m.el("section", &[("id", id)], |m| {
        m.leaf("h2", &[], heading);
        body(m);
    });
}

/// A paragraph of quiet explanation.
pub(crate) fn note(m: &mut Markup, text: &str) {
    m.el("p", &[("class", "note")], |m| m.prose(text));
}

/// A list of sentences.
pub(crate) fn list(m: &mut Markup, class: &'static str, items: &[String]) {
    m.el("ul", &[("class", class)], |m| {
        for item in items {
            m.el("li", &[], |m| m.prose(item));
        }
    });
}

/// A command that one click selects whole.
pub(crate) fn command(m: &mut Markup, text: &str) {
    m.el("pre", &[("class", "command")], |m| m.leaf("code", &[("translate", "no")], text));
}

/// Says that `what` is not there, and which step of the given kind is the reason.
pub(crate) fn missing(m: &mut Markup, report: &RunReport, what: &str, kinds: &[&str]) {
    let text = format!("No {what} in this run: {}.", reason(report, kinds));
    m.el("p", &[("class", "missing")], |m| m.prose(&text));
}

fn reason(report: &RunReport, kinds: &[&str]) -> String {
    if report.steps.is_empty() {
        return "no step has run".to_owned();
    }
    let of_kind = |text: &str| kinds.iter().any(|k| text.contains(k));
    let mut candidates =
        report.steps.iter().filter(|s| of_kind(&s.uses) || of_kind(&s.id)).peekable();
    if candidates.peek().is_none() {
        return format!("the pipeline has no step `{}`", kinds.first().unwrap_or(&""));
    }
    // A step that did not end well explains more than one that did.
    let ended_well = |s: StepStatus| matches!(s, StepStatus::Done | StepStatus::Hit);
    let Some(step) = candidates.min_by_key(|s| ended_well(s.status)) else {
        return String::new();
    };
    let why = step.error.as_ref().or(step.cache_reason.as_ref()).or_else(|| step.notes.first());
    match (step.status, why) {
        (StepStatus::Done | StepStatus::Hit, _) => {
            format!("step `{}` is {} but left no figures", step.id, step_word(step.status))
        }
        (StepStatus::Running, _) => format!("step `{}` is still at work", step.id),
        (StepStatus::Failed, Some(why)) => format!("step `{}` failed: {}", step.id, tidy(why)),
        (StepStatus::Failed, None) => format!("step `{}` failed", step.id),
        (_, Some(why)) => {
            format!("step `{}` was {} because {}", step.id, step_word(step.status), tidy(why))
        }
        (_, None) => {
            format!("step `{}` was {} without a reason", step.id, step_word(step.status))
        }
    }
}

/// The first line of a message, without the full stop that the sentence adds itself.
fn tidy(why: &str) -> &str {
    why.lines().next().unwrap_or("").trim_end_matches('.')
}
