//! The data of the night: what was read, how much against other nights, what curation dropped.

use std::collections::BTreeMap;

use super::super::actions::usual_episodes;
use super::super::charts::{bar, funnel};
use super::super::format::{count, counted, percent, rows_by_table, spaced};
use super::super::markup::Markup;
use super::super::model::{DatasetCard, IngestReport, NotALog, RunReport, WaterfallRow};
use super::table::Row;
use super::{Cell, Column, missing, note, section, table};

/// More objects that are not logs than this are folded away.
const NOT_LOGS_SHOWN: usize = 8;

/// What was read.
pub(crate) fn ingest(m: &mut Markup, report: &RunReport) {
    section(m, "ingest", "Logs read", |m| match &report.ingest {
        Some(ingest) => show(m, ingest),
        None => missing(m, report, "logs read", &["ingest"]),
    });
}

fn show(m: &mut Markup, ingest: &IngestReport) {
    let landed = rows_by_table(&ingest.rows);
    let text = format!(
        "{} looked at; {landed} landed; {} left alone because they were there already.",
        counted(ingest.objects, "object was", "objects were"),
        counted(ingest.duplicates, "row was", "rows were"),
    );
    m.leaf("p", &[], &text);
    m.el("div", &[("class", "side")], |m| {
        counts(m, "Refused lines by rule (quarantine)", "Rule", &ingest.quarantine, "warn");
        counts(m, "Scrubbed before the first write", "Type", &ingest.scrubbed, "fill");
        counts(m, "Objects by format", "Format", &ingest.formats, "fill");
    });
    not_logs(m, &ingest.not_logs);
}

/// Counts by name, the greatest first, with bars; in a half-wide column.
fn counts(
    m: &mut Markup,
    caption: &str,
    heading: &'static str,
    counts: &BTreeMap<String, u64>,
    class: &'static str,
) {
    m.el("div", &[], |m| {
        if counts.is_empty() {
            note(m, &format!("{caption}: none."));
            return;
        }
        let mut sorted: Vec<(&String, u64)> = counts.iter().map(|(k, n)| (k, *n)).collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let most = sorted.first().map_or(0, |s| s.1).max(1);
        let columns = [Column::text(heading), Column::chart("", None), Column::number("Count")];
        let rows = sorted.into_iter().map(|(name, n)| {
            let drawing = bar(n as f64 / most as f64, None, class);
            vec![Cell::text(spaced(name)), Cell::markup(drawing), Cell::text(count(n))].into()
        });
        table(m, caption, &columns, rows.collect());
    });
}

fn not_logs(m: &mut Markup, objects: &[NotALog]) {
    if objects.is_empty() {
        return;
    }
    let columns = [Column::text("Object"), Column::text("Why it is no log")];
    let rows: Vec<Row> =
        objects.iter().map(|o| vec![Cell::code(&o.key), Cell::text(&o.reason)].into()).collect();
    let caption = format!("Objects that are not logs and were left alone ({})", objects.len());
    if objects.len() <= NOT_LOGS_SHOWN {
        table(m, &caption, &columns, rows);
    } else {
        m.el("details", &[], |m| {
            m.leaf("summary", &[], &caption);
            table(m, &caption, &columns, rows);
        });
    }
}

/// Tonight's volume against the last nights.
pub(crate) fn volumes(m: &mut Markup, report: &RunReport) {
    section(m, "volume", "Volume against the last nights", |m| {
        if report.volumes.is_empty() {
            missing(m, report, "volumes", &["ingest"]);
            return;
        }
        let usual = usual_episodes(report);
        let most = report.volumes.iter().map(|v| v.episodes).max().unwrap_or(0).max(1) as f64;
        note(m, &compared(report, usual));
        let columns = [
            Column::text("Night"),
            Column::chart("Episodes", None),
            Column::number("Episodes"),
            Column::number("Steps"),
            Column::number("Feedback"),
            Column::number("Quarantined"),
        ];
        let rows = report.volumes.iter().map(|v| {
            let strong = v.date == report.date;
            let class = if strong { "fill" } else { "past" };
            let mark = usual.map(|(u, _)| u as f64 / most);
            let date = if strong { "tonight" } else { "" };
            Row {
                strong,
                cells: vec![
                    Cell::whole(&v.date, date),
                    Cell::markup(bar(v.episodes as f64 / most, mark, class)),
                    Cell::text(count(v.episodes)),
                    Cell::text(count(v.steps)),
                    Cell::text(count(v.feedback)),
                    Cell::text(count(v.quarantined)),
                ],
            }
        });
        table(m, "Rows that landed, night by night", &columns, rows.collect());
    });
}

fn compared(report: &RunReport, usual: Option<(u64, usize)>) -> String {
    let tonight = report.volumes.iter().find(|v| v.date == report.date).map(|v| v.episodes);
    match (tonight, usual) {
        (Some(n), Some((usual, nights))) if usual > 0 => {
            let change = (n as f64 / usual as f64 - 1.0) * 100.0;
            let word = match change {
                c if c.abs() < 0.5 => "as many as".to_owned(),
                c if c > 0.0 => format!("{c:.0} % more than"),
                c => format!("{:.0} % fewer than", -c),
            };
            format!(
                "{} tonight, {word} the median of {} before ({}, the upright mark).",
                counted(n, "episode", "episodes"),
                counted(nights as u64, "night", "nights"),
                count(usual)
            )
        }
        (Some(n), _) => {
            format!("{} tonight; no night to compare with.", counted(n, "episode", "episodes"))
        }
        (None, _) => "Tonight brought nothing that was counted.".to_owned(),
    }
}

/// What curation dropped, and the dataset that was left.
pub(crate) fn curation(m: &mut Markup, report: &RunReport) {
    section(m, "curation", "From episodes to dataset", |m| {
        match (report.waterfall.is_empty(), &report.dataset) {
            (true, None) => missing(m, report, "dataset", &["curate"]),
            (true, Some(card)) => {
                missing(m, report, "account of dropped episodes", &["curate"]);
                show_card(m, card);
            }
            (false, None) => {
                waterfall(m, &report.waterfall);
                missing(m, report, "dataset", &["curate"]);
            }
            (false, Some(card)) => {
                waterfall(m, &report.waterfall);
                show_card(m, card);
            }
        }
    });
}

fn show_card(m: &mut Markup, card: &DatasetCard) {
    m.el("div", &[("class", "side")], |m| {
        m.el("div", &[], |m| {
            let columns = [Column::text("Holds"), Column::number("Count")];
            let row =
                |(k, n): (&String, &u64)| vec![Cell::text(spaced(k)), Cell::text(count(*n))].into();
            let rows = card.counts.iter().map(row).collect();
            table(m, "The dataset's card", &columns, rows);
        });
        m.el("div", &[("class", "beside")], |m| {
            m.el("p", &[("class", "note")], |m| {
                m.text("Dataset ");
                m.leaf("code", &[], &card.id);
            });
            card.notes.iter().for_each(|n| note(m, n));
        });
    });
}

fn waterfall(m: &mut Markup, rules: &[WaterfallRow]) {
    let first = rules.first().map_or(0, |r| r.episodes_in);
    let most = rules.iter().map(|r| r.episodes_in).max().unwrap_or(0).max(1) as f64;
    let left = rules.last().map_or(0, |r| r.episodes_out);
    if first > 0 {
        let share = percent(left as f64 / first as f64);
        let came = counted(first, "episode", "episodes");
        note(m, &format!("Of {came}, {} ({share}) passed every rule.", count(left)));
    }
    let columns = [
        Column::text("Rule"),
        Column::chart("Passed (solid) and dropped (hatched)", None),
        Column::number("In"),
        Column::number("Dropped"),
        Column::number("Out"),
        Column::number("Steps out"),
    ];
    let rows = rules.iter().map(|r| {
        let drawing = funnel(r.episodes_out as f64 / most, r.episodes_in as f64 / most);
        let dropped =
            if r.dropped == 0 { "0".to_owned() } else { format!("−{}", count(r.dropped)) };
        vec![
            Cell::two(spaced(&r.rule), spaced(&r.stage)),
            Cell::markup(drawing),
            Cell::text(count(r.episodes_in)),
            Cell::text(dropped),
            Cell::text(count(r.episodes_out)),
            Cell::text(count(r.steps_out)),
        ]
        .into()
    });
    table(m, "Curation, rule after rule", &columns, rows.collect());
}
