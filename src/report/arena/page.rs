//! The page as a whole, and its table of all plays together.

use super::super::charts::whiskers;
use super::super::format::{count, percent, percent_or_dash, range};
use super::super::html::page;
use super::super::markup::Markup;
use super::super::sections::{Cell, Column, Row, note, rate_axis, section, table};
use super::{ArenaAgent, ArenaReport, failures, rates};

impl ArenaReport {
    /// The report as one self-contained HTML page. Equal reports give equal bytes.
    pub fn to_html(&self) -> String {
        page(&self.title, |m| {
            m.leaf("h1", &[], &self.title);
            m.leaf("p", &[("class", "run-line")], &self.asked);
            section(m, "agents", "All plays together", |m| overall(m, &self.agents));
            section(m, "levels", "By level", |m| rates::by_level(m, &self.agents));
            section(m, "calls", "How many calls", |m| rates::spread(m, &self.agents));
            section(m, "failures", "How plays failed", |m| failures::show(m, &self.agents));
            section(m, "targets", "Targets", |m| rates::targets(m, &self.agents));
            section(m, "grades", "Grade by grade", |m| rates::grades(m, &self.agents));
            m.newline();
            m.el("footer", &[], |m| {
                m.text("Written by fqm-pipe quest run. Results ");
                m.leaf("code", &[], &self.digest);
            });
        })
    }
}

fn overall(m: &mut Markup, agents: &[ArenaAgent]) {
    note(
        m,
        "Whiskers are 95 % intervals on a scale from 0 to 100 %. Efficiency is the least possible \
         number of calls over the calls used, of the successes where the least is proven.",
    );
    let reasoning = agents.iter().any(|agent| agent.reasoning.is_some());
    let mut columns = vec![
        Column::text("Agent"),
        Column::number("Plays"),
        rate_axis(),
        Column::number("Success rate"),
        Column::number("Efficiency"),
        Column::number("Goal"),
        Column::number("Calls"),
        Column::number("Reward"),
        Column::number("Forbidden"),
    ];
    if reasoning {
        columns.push(Column::number("Reasoning"));
    }
    let rows = agents.iter().map(|a| {
        let number = |v: Option<f64>, digits: usize| {
            v.map_or_else(|| "–".to_owned(), |v| format!("{v:.digits$}"))
        };
        let mut cells = vec![
            Cell::text(&a.name),
            Cell::text(count(a.plays)),
            Cell::markup(whiskers(None, Some(&a.success))),
            Cell::two(percent(a.success.mean), range(&a.success)),
            Cell::text(percent_or_dash(a.efficiency)),
            Cell::text(percent_or_dash(a.goal)),
            Cell::text(number(a.calls, 1)),
            Cell::text(number(a.reward, 3)),
            Cell::text(count(a.violations)),
        ];
        if reasoning {
            cells.push(Cell::text(percent_or_dash(a.reasoning)));
        }
        cells.into()
    });
    table(m, "Every agent played the same levels with the same seeds", &columns, rows.collect());
    against_first(m, agents);
}

/// Every further agent against the first, pair by pair.
fn against_first(m: &mut Markup, agents: &[ArenaAgent]) {
    let Some((first, others)) = agents.split_first() else { return };
    let columns = [
        Column::text("Agent"),
        Column::number("Pairs"),
        Column::number("Both won"),
        Column::number("Only it"),
        Column::number("Only the first"),
        Column::number("Neither"),
    ];
    let row = |agent: &ArenaAgent| {
        let p = agent.against_first?;
        let counts = [p.pairs, p.both, p.only_it, p.only_first, p.neither];
        let cells = counts.map(|n| Cell::text(count(n)));
        Some([Cell::text(&agent.name)].into_iter().chain(cells).collect::<Vec<_>>().into())
    };
    let rows: Vec<Row> = others.iter().filter_map(row).collect();
    if !rows.is_empty() {
        table(m, &format!("Against {}, pair by pair", first.name), &columns, rows);
    }
}
