//! The first screen: did it run, what was decided, why, what must I do.

use super::super::actions::{actions, first_night, verdict};
use super::super::format::{
    capital, count, duration, moment, percent, points, run_word, sentence, short_digest,
    steps_by_status, wall_ms,
};
use super::super::markup::Markup;
use super::super::model::{RunReport, RunStatus};
use super::{command, list};

/// The banner, what to do, the key numbers and what changed.
pub(crate) fn first_screen(m: &mut Markup, report: &RunReport) {
    m.el("header", &[], |m| {
        run_line(m, report);
        banner(m, report);
    });
    m.el("div", &[("class", "pair")], |m| {
        to_do(m, report);
        changes(m, report);
    });
    tiles(m, report);
}

fn run_line(m: &mut Markup, report: &RunReport) {
    m.el("p", &[("class", "run-line")], |m| {
        m.leaf("strong", &[], &report.pipeline);
        m.text(" · night of ");
        m.leaf("strong", &[], &report.date);
        m.text(" · run ");
        m.leaf("code", &[], &report.run_id);
        if let Some(finished) = &report.finished {
            m.text(" · finished ");
            m.leaf("time", &[("datetime", finished)], &moment(finished));
        }
        if let Some(ms) = wall_ms(report) {
            m.text(&format!(" · took {}", duration(ms)));
        }
    });
}

/// The banner's colour class and its one word.
fn title(report: &RunReport) -> (&'static str, String) {
    match (report.status, verdict(report)) {
        (RunStatus::Failed, None) => ("bad", "Failed".to_owned()),
        (RunStatus::Failed, Some(v)) => ("bad", format!("{}, but the run failed", capital(v))),
        (RunStatus::Running, _) => ("quiet", "Running".to_owned()),
        (RunStatus::Skipped, None) => ("quiet", "Skipped".to_owned()),
        (_, None) => ("quiet", "Done, nothing decided".to_owned()),
        (_, Some("promoted")) => ("good", "Promoted".to_owned()),
        (_, Some("kept")) => ("info", "Kept".to_owned()),
        (_, Some("inconclusive")) => ("unsure", "Inconclusive".to_owned()),
        (_, Some(other)) => ("unsure", capital(&other.replace('_', " "))),
    }
}

fn banner(m: &mut Markup, report: &RunReport) {
    let (class, word) = title(report);
    let class = format!("banner {class}");
    m.el("div", &[("class", &class)], |m| {
        m.leaf("h1", &[], &word);
        if !report.headline.is_empty() {
            m.el("p", &[("class", "headline")], |m| m.prose(&report.headline));
        }
        let reason = report.decision.as_ref().map_or("", |d| d.reason.as_str());
        if !reason.is_empty() && reason != report.headline {
            m.el("p", &[("class", "why")], |m| {
                m.leaf("strong", &[], "Why: ");
                m.prose(&sentence(reason));
            });
        }
    });
}

fn to_do(m: &mut Markup, report: &RunReport) {
    m.el("section", &[("id", "to-do"), ("class", "card")], |m| {
        m.leaf("h2", &[], "What must I do?");
        for action in actions(report) {
            let class = if action.must { "must" } else { "calm" };
            m.el("p", &[("class", class)], |m| m.prose(&action.text));
            if let Some(text) = &action.command {
                command(m, text);
            }
        }
        if !report.advice.is_empty() {
            m.leaf("p", &[("class", "note")], "What the numbers recommend:");
            list(m, "advice", &report.advice);
        }
        if let Some(rollback) = &report.rollback {
            m.leaf("p", &[("class", "note")], "To roll this night back:");
            command(m, rollback);
        }
    });
}

fn changes(m: &mut Markup, report: &RunReport) {
    m.el("section", &[("id", "changes"), ("class", "card")], |m| {
        m.leaf("h2", &[], "What changed since the night before");
        if report.changes.is_empty() {
            let text = "Nothing is noted: there is no night before, or nothing differs.";
            m.leaf("p", &[("class", "missing")], text);
        } else {
            list(m, "changes", &report.changes);
        }
    });
}

/// Label, value, and what to compare it with.
type Tile = (&'static str, String, String);

fn tiles(m: &mut Markup, report: &RunReport) {
    m.el("dl", &[("class", "tiles")], |m| {
        for (label, value, under) in all_tiles(report) {
            m.el("div", &[], |m| {
                m.leaf("dt", &[], label);
                m.leaf("dd", &[("class", "value")], &value);
                if !under.is_empty() {
                    m.leaf("dd", &[("class", "under")], &under);
                }
            });
        }
    });
}

fn all_tiles(report: &RunReport) -> Vec<Tile> {
    let mut out = vec![run_tile(report)];
    out.extend(success_tile(report));
    out.extend(efficiency_tile(report));
    if let Some(ingest) = &report.ingest {
        let episodes = ingest.rows.get("episodes").copied().unwrap_or(0);
        let under = format!("from {} objects", count(ingest.objects));
        out.push(("Episodes in", count(episodes), under));
        let refused: u64 = ingest.quarantine.values().fold(0, |a, b| a.saturating_add(*b));
        let duplicates = format!("and {} duplicates", count(ingest.duplicates));
        out.push(("Lines refused", count(refused), duplicates));
    }
    if let Some(dataset) = &report.dataset {
        let find = |name: &str| dataset.counts.get(name).copied();
        if let Some(steps) = find("imitation_steps").or_else(|| find("steps")) {
            let id = format!("dataset {}", short_digest(&dataset.id));
            out.push(("Steps to learn from", count(steps), id));
        }
    }
    out
}

fn run_tile(report: &RunReport) -> Tile {
    ("Run", capital(run_word(report.status)), steps_by_status(report))
}

fn success_tile(report: &RunReport) -> Option<Tile> {
    let e = report.evaluation.as_ref()?;
    let under = match &e.champion {
        Some(c) => {
            let gain = points(e.challenger.success.mean - c.success.mean);
            format!("{gain} points, champion {}", percent(c.success.mean))
        }
        None => "no champion yet".to_owned(),
    };
    Some(("Success rate", percent(e.challenger.success.mean), under))
}

fn efficiency_tile(report: &RunReport) -> Option<Tile> {
    let e = report.evaluation.as_ref()?;
    let value = e.challenger.efficiency?;
    let champion = e.champion.as_ref().and_then(|c| c.efficiency);
    let under = match champion {
        Some(c) => format!("champion {}", percent(c)),
        None if first_night(report) => "no champion yet".to_owned(),
        None => String::new(),
    };
    Some(("Efficiency", percent(value), under))
}
