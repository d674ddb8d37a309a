//! The decision: its numbers and what would have changed it.

use super::super::format::{capital, number, sentence};
use super::super::markup::Markup;
use super::super::model::{DecisionReport, RunReport};
use super::{Cell, Column, list, missing, section, table};

/// The decision's section.
pub(crate) fn decision(m: &mut Markup, report: &RunReport) {
    section(m, "decision", "Decision", |m| match &report.decision {
        Some(decision) => show(m, decision),
        None => missing(m, report, "decision", &["promote"]),
    });
}

fn show(m: &mut Markup, decision: &DecisionReport) {
    m.el("p", &[], |m| {
        m.leaf("strong", &[], &capital(&decision.verdict));
        let reason =
            if decision.reason.is_empty() { "no reason is given" } else { &decision.reason };
        m.text(": ");
        m.prose(&sentence(reason));
    });
    if decision.numbers.is_empty() {
        m.leaf("p", &[("class", "missing")], "The decision rests on no numbers.");
    } else {
        let columns =
            [Column::text("Number"), Column::number("Value"), Column::text("What it means")];
        let rows = decision.numbers.iter().map(|n| {
            vec![Cell::text(&n.name), Cell::text(number(n.value)), Cell::prose(&n.meaning)].into()
        });
        table(m, "The numbers that the decision rests on", &columns, rows.collect());
    }
    if !decision.would_change.is_empty() {
        m.leaf("h3", &[], "What would have changed it");
        list(m, "plain", &decision.would_change);
    }
}
