//! What the data cannot show, and the trail of digests.

use super::super::format::moment;
use super::super::markup::Markup;
use super::super::model::RunReport;
use super::{Cell, Column, list, section, table};

/// What such data can and cannot show.
pub(crate) fn honesty(m: &mut Markup, report: &RunReport) {
    section(m, "honesty", "What this can and cannot show", |m| {
        if report.honesty.is_empty() {
            let text = "No limits are noted for this run. Read the intervals before the averages.";
            m.leaf("p", &[("class", "missing")], text);
        } else {
            list(m, "plain", &report.honesty);
        }
    });
}

/// Digests of everything that the decision rests on.
pub(crate) fn provenance(m: &mut Markup, report: &RunReport) {
    section(m, "provenance", "Provenance", |m| {
        let none = || "–".to_owned();
        let started = report.started.as_deref().map_or_else(none, moment);
        let finished = report.finished.as_deref().map_or_else(none, moment);
        let plan = if report.plan.is_empty() { "–" } else { &report.plan };
        let mut rows = vec![
            vec![Cell::text("run"), Cell::code(&report.run_id)].into(),
            vec![Cell::text("plan"), Cell::code(plan)].into(),
        ];
        for (name, digest) in &report.digests {
            rows.push(vec![Cell::text(name), Cell::code(digest)].into());
        }
        rows.push(vec![Cell::text("started"), Cell::text(started)].into());
        rows.push(vec![Cell::text("finished"), Cell::text(finished)].into());
        let columns = [Column::text("What"), Column::text("Digest or value")];
        table(m, "Equal inputs give equal digests, in any folder, on any day", &columns, rows);
        if report.digests.is_empty() {
            let text = "The run left no dataset, checkpoint, evaluation or decision.";
            m.leaf("p", &[("class", "missing")], text);
        }
    });
}
