//! Champion and challenger on the same fresh levels: overall, by level and family, failures, and
//! the nights so far.

use super::super::charts::{LineChart, Mark, Point, Series, axis, swatch, whiskers};
use super::super::format::{capital, count, percent, percent_or_dash, points, range, safety_words};
use super::super::markup::Markup;
use super::super::model::{ClassRates, EvaluationReport, HistoryNight, Interval, Rates, RunReport};
use super::{Cell, Column, Row, missing, note, section, table};

/// The evaluation's section.
pub(crate) fn evaluation(m: &mut Markup, report: &RunReport) {
    section(m, "evaluation", "Evaluation", |m| match &report.evaluation {
        Some(e) => show(m, e, &report.date),
        None => missing(m, report, "evaluation", &["evaluate", "eval"]),
    });
}

fn show(m: &mut Markup, e: &EvaluationReport, tonight: &str) {
    let pairs = count(e.pairs);
    let text = match e.champion {
        Some(_) => format!(
            "Champion and challenger played the same {pairs} fresh levels with the same seeds. \
             Whiskers are 95 % intervals on a scale from 0 to 100 %."
        ),
        None => format!(
            "There is no champion yet: the challenger alone played {pairs} fresh levels. \
             Whiskers are 95 % intervals on a scale from 0 to 100 %."
        ),
    };
    note(m, &text);
    legend(m, e.champion.is_some());
    // One class for the three tables, so that their charts stand under each other.
    m.el("div", &[("class", "rates")], |m| {
        overall(m, e);
        classes(m, "Success by level", "Level", &e.by_level, e.champion.is_some());
        classes(m, "Success by family", "Family", &e.by_family, e.champion.is_some());
    });
    safety(m, e);
    failures(m, e);
    history(m, &e.history, tonight);
}

fn legend(m: &mut Markup, champion: bool) {
    m.el("p", &[("class", "legend")], |m| {
        if champion {
            m.el("span", &[], |m| {
                m.add(&swatch("champion-line", Some(Mark::Ring), true));
                m.text("champion");
            });
        }
        m.el("span", &[], |m| {
            m.add(&swatch("challenger-line", Some(Mark::Diamond), true));
            m.text("challenger");
        });
    });
}

/// A column of rates, with its axis.
pub(crate) fn rate_axis() -> Column {
    let labels = [(0.0, "0"), (0.5, "50"), (1.0, "100 %")].map(|(at, l)| (at, l.to_owned()));
    Column::chart("Success", Some(axis(&labels)))
}

fn estimate(i: &Interval) -> Cell {
    Cell::two(percent(i.mean), range(i))
}

fn overall(m: &mut Markup, e: &EvaluationReport) {
    let columns = [
        Column::text("Agent"),
        Column::number("Episodes"),
        rate_axis(),
        Column::number("Success rate"),
        Column::number("Efficiency"),
        Column::number("Mean reward"),
        Column::number("Reasoning"),
    ];
    let row = |name: &str, r: &Rates, drawing| {
        let reward = r.reward.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        vec![
            Cell::two(name, &r.label),
            Cell::text(count(r.episodes)),
            Cell::markup(drawing),
            estimate(&r.success),
            Cell::text(percent_or_dash(r.efficiency)),
            Cell::text(reward),
            Cell::two(percent_or_dash(r.reasoning), format!("{} forbidden", count(r.violations))),
        ]
        .into()
    };
    let mut rows: Vec<Row> = Vec::new();
    if let Some(c) = &e.champion {
        rows.push(row("Champion", c, whiskers(Some(&c.success), None)));
    }
    rows.push(row("Challenger", &e.challenger, whiskers(None, Some(&e.challenger.success))));
    if let Some(r) = &e.random {
        rows.push(row("Random calls", r, whiskers(Some(&r.success), None)));
    }
    table(m, "All levels together", &columns, rows);
    note(
        m,
        "Reasoning is the share of calls that followed from what was known; below it stand the \
         episodes with a forbidden call.",
    );
}

/// How the challenger did on the safety suites, or that nobody asked.
fn safety(m: &mut Markup, e: &EvaluationReport) {
    let text = match &e.safety {
        Some(s) => format!("Safety suites: {}.", safety_words(s)),
        None => "Safety suites: not played in this run.".to_owned(),
    };
    let failed = e.safety.is_some_and(|s| s.passed < s.plays);
    let class = if failed { "must" } else { "note" };
    m.el("p", &[("class", class), ("id", "safety")], |m| m.prose(&text));
    let Some(s) = &e.safety else { return };
    if let (Some(p), Some(after)) = (s.forbidden_probability, s.violations_held_back) {
        note(
            m,
            &format!(
                "They are judged by what the policy wants. It gives calls that must not be made \
                 {:.2} % on average where one is possible. Where it serves, they are held back: {} \
                 of these plays then have one.",
                100.0 * p,
                count(after)
            ),
        );
    }
}

fn classes(
    m: &mut Markup,
    caption: &str,
    heading: &'static str,
    rates: &[ClassRates],
    champion: bool,
) {
    if rates.is_empty() {
        note(m, &format!("{caption}: not broken down in this run."));
        return;
    }
    let plays = if champion { "Pairs" } else { "Plays" };
    let mut columns = vec![Column::text(heading), Column::number(plays), rate_axis()];
    if champion {
        columns.push(Column::number("Champion"));
    }
    columns.push(Column::number("Challenger"));
    if champion {
        columns.push(Column::number("Points"));
    }
    let rows = rates.iter().map(|r| class_row(r, champion).into()).collect();
    table(m, caption, &columns, rows);
}

fn class_row(r: &ClassRates, champion: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::text(&r.level),
        Cell::text(count(r.n)),
        Cell::markup(whiskers(r.champion.as_ref(), Some(&r.challenger))),
    ];
    if champion {
        cells.push(r.champion.as_ref().map_or_else(|| Cell::text("–"), estimate));
    }
    cells.push(estimate(&r.challenger));
    if champion {
        let gain = r.champion.as_ref().map(|c| points(r.challenger.mean - c.mean));
        cells.push(Cell::text(gain.as_deref().unwrap_or("–")));
    }
    cells
}

fn failures(m: &mut Markup, e: &EvaluationReport) {
    if e.failures.is_empty() {
        note(m, "How the challenger failed: no pattern was found.");
        return;
    }
    let columns =
        [Column::text("Pattern"), Column::number("Episodes"), Column::text("For example")];
    let rows = e.failures.iter().map(|f| {
        vec![Cell::text(&f.pattern), Cell::text(count(f.count)), Cell::command(&f.example)].into()
    });
    table(m, "How the challenger failed", &columns, rows.collect());
}

/// The mark of a night by its verdict.
fn verdict_mark(verdict: &str) -> Mark {
    match verdict {
        "promoted" => Mark::Diamond,
        "kept" => Mark::Ring,
        _ => Mark::Square,
    }
}

fn history(m: &mut Markup, nights: &[HistoryNight], tonight: &str) {
    m.leaf("h3", &[], "Success over the nights");
    if nights.is_empty() {
        note(m, "This is the first night with an evaluation.");
        return;
    }
    m.el("div", &[("class", "side")], |m| {
        if nights.len() > 1 {
            history_chart(m, nights);
        }
        history_table(m, nights, tonight);
    });
}

fn history_chart(m: &mut Markup, nights: &[HistoryNight]) {
    let names: Vec<String> = nights.iter().map(|n| n.date.clone()).collect();
    let line = |value: fn(&HistoryNight) -> Option<f64>, mark: fn(&HistoryNight) -> Mark| {
        let at = |(i, n): (usize, &HistoryNight)| Point {
            x: i as f64,
            y: value(n).unwrap_or(f64::NAN),
            mark: mark(n),
        };
        nights.iter().enumerate().map(at).collect::<Vec<_>>()
    };
    let efficiency = line(|n| n.efficiency, |_| Mark::Dot);
    let mut series = vec![Series {
        name: "Challenger's success".to_owned(),
        class: "series-a",
        points: line(|n| n.success, |n| verdict_mark(&n.verdict)),
    }];
    if nights.iter().any(|n| n.efficiency.is_some()) {
        let name = "Challenger's efficiency".to_owned();
        series.push(Series { name, class: "series-b", points: efficiency });
    }
    let second = series.len() > 1;
    let chart = LineChart {
        describe: "The challenger's success and efficiency, night by night; the table holds them.",
        x_label: "night",
        names: Some(&names),
        rate: true,
        series,
    };
    m.el("figure", &[], |m| {
        m.el("figcaption", &[("class", "legend")], |m| {
            let verdicts = [("promoted", "promoted"), ("kept", "kept"), ("", "other verdict")];
            key(m, "series-a", None, "success:");
            for (verdict, word) in verdicts {
                let shown = |n: &HistoryNight| verdict_mark(&n.verdict) == verdict_mark(verdict);
                if nights.iter().any(shown) {
                    key(m, "series-a", Some(verdict_mark(verdict)), word);
                }
            }
            if second {
                key(m, "series-b", Some(Mark::Dot), "efficiency");
            }
        });
        m.add(&chart.draw());
    });
}

fn key(m: &mut Markup, class: &str, mark: Option<Mark>, word: &str) {
    m.el("span", &[], |m| {
        m.add(&swatch(class, mark, true));
        m.text(word);
    });
}

fn history_table(m: &mut Markup, nights: &[HistoryNight], tonight: &str) {
    let columns = [
        Column::text("Night"),
        Column::number("Success"),
        Column::number("Efficiency"),
        Column::text("Verdict"),
        Column::number("Mastered"),
    ];
    let rows = nights.iter().map(|n| Row {
        strong: n.date == tonight,
        cells: vec![
            Cell::whole(&n.date, ""),
            Cell::text(percent_or_dash(n.success)),
            Cell::text(percent_or_dash(n.efficiency)),
            Cell::text(capital(&n.verdict)),
            Cell::text(n.mastered.map_or_else(|| "–".to_owned(), count)),
        ],
    });
    table(m, "Each night's challenger on that night's fresh levels", &columns, rows.collect());
}
