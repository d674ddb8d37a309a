//! The graph of steps and their table with times.

use super::super::charts::{Direction, Layout, axis, icon, span, status_class, step_graph};
use super::super::format::{capital, counted, duration, short_digest, step_word};
use super::super::markup::{Markup, piece};
use super::super::model::{RunReport, RunStatus, StepReport, StepStatus};
use super::table::Row;
use super::{Cell, Column, note, section, table};

/// A graph of more steps than this would be a wall of boxes; the table still has them all.
const MOST_DRAWN: usize = 60;
/// With more layers than this the boxes of a left-to-right graph would be too small to read.
const MOST_LAYERS: usize = 8;

/// The steps' section.
pub(crate) fn steps(m: &mut Markup, report: &RunReport) {
    section(m, "steps", "Steps", |m| {
        if report.steps.is_empty() {
            let text = match report.status {
                RunStatus::Running => "No steps yet.",
                _ => "No steps: the run ended before its plan was made.",
            };
            m.leaf("p", &[("class", "missing")], text);
            return;
        }
        if report.steps.len() <= MOST_DRAWN {
            graph(m, &report.steps);
        } else {
            note(m, "The graph is left out: it has too many steps to be read. The table has all.");
        }
        times(m, &report.steps);
        outputs(m, &report.steps);
    });
}

fn graph(m: &mut Markup, steps: &[StepReport]) {
    let layout = Layout::of(steps);
    let class = if layout.layers.len() > MOST_LAYERS { "graphs deep" } else { "graphs" };
    m.el("div", &[("class", class)], |m| {
        if layout.layers.len() <= MOST_LAYERS {
            m.add(&step_graph(steps, &layout, Direction::Across));
        }
        m.add(&step_graph(steps, &layout, Direction::Down));
    });
    note(m, "An arrow that follows from other arrows is not drawn.");
}

fn times(m: &mut Markup, steps: &[StepReport]) {
    let end = |s: &StepReport| Some(s.start_ms?.saturating_add(s.duration_ms?));
    let total = steps.iter().filter_map(end).max().unwrap_or(0);
    // A label in the middle would touch the last one in a narrow column.
    let labels = [(0.0, "0".to_owned()), (1.0, duration(total))];
    let columns = [
        Column::text("Step"),
        Column::text("Status"),
        Column::chart("Time since the start", (total > 0).then(|| axis(&labels))),
        Column::number("Took"),
        Column::text("Why"),
    ];
    let rows: Vec<Row> = steps.iter().map(|s| step_row(s, total).into()).collect();
    table(m, "Every step with its time and the reason why it ran or not", &columns, rows);
}

fn step_row(step: &StepReport, total: u64) -> Vec<Cell> {
    let drawing = match (step.start_ms, step.duration_ms) {
        (Some(start), Some(took)) if total > 0 => {
            let class = format!("time {}", status_class(step.status));
            let from = start as f64 / total as f64;
            span(from, from + took as f64 / total as f64, &class)
        }
        _ => {
            let text = match step.status {
                StepStatus::Hit => "nothing to do: its outputs are there",
                StepStatus::Running => "at work",
                _ => "not started",
            };
            piece(|m| m.leaf("span", &[("class", "quiet")], text))
        }
    };
    vec![
        Cell::two(&step.id, &step.uses),
        Cell::markup(status(step)),
        Cell::markup(drawing),
        Cell::text(step.duration_ms.map_or_else(|| "–".to_owned(), duration)),
        Cell::markup(why(step)),
    ]
}

fn status(step: &StepReport) -> Markup {
    let class = format!("status {}", status_class(step.status));
    piece(|m| {
        m.el("span", &[("class", &class)], |m| {
            m.add(&icon(step.status));
            m.text(&capital(step_word(step.status)));
        });
        if step.attempts > 1 {
            let text = counted(u64::from(step.attempts), "attempt", "attempts");
            m.leaf("small", &[], &text);
        }
    })
}

fn why(step: &StepReport) -> Markup {
    piece(|m| {
        if let Some(reason) = &step.cache_reason {
            m.el("p", &[], |m| m.prose(&capital(reason)));
        }
        for text in &step.notes {
            m.el("p", &[("class", "quiet")], |m| m.prose(&capital(text)));
        }
        if let Some(error) = &step.error {
            m.leaf("pre", &[("class", "error")], error);
        }
        let empty = step.cache_reason.is_none() && step.notes.is_empty() && step.error.is_none();
        if empty {
            m.text("–");
        }
    })
}

fn outputs(m: &mut Markup, steps: &[StepReport]) {
    let all: Vec<Row> = steps
        .iter()
        .flat_map(|s| s.outputs.iter().map(move |(port, digest)| (s, port, digest)))
        .map(|(s, port, digest)| {
            let short = piece(|m| m.leaf("code", &[("title", digest)], &short_digest(digest)));
            vec![Cell::text(&s.id), Cell::text(port), Cell::markup(short)].into()
        })
        .collect();
    if all.is_empty() {
        return;
    }
    m.el("details", &[], |m| {
        m.leaf("summary", &[], &format!("Outputs of the steps ({})", all.len()));
        let columns = [Column::text("Step"), Column::text("Output"), Column::text("Digest")];
        table(m, "Outputs by step", &columns, all);
    });
}
