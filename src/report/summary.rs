//! The closing summary in words for the terminal: at most 25 lines.

use super::actions::actions;
use super::format::{
    count, cut, duration, percent, points, range, rows_by_table, run_word, safety_words, sentence,
    spaced, steps_by_status, wall_ms,
};
use super::markup::is_hidden;
use super::model::RunReport;

/// Lines of the summary at most.
const MOST_LINES: usize = 25;
/// Changes and actions shown; the report has the rest.
const MOST_CHANGES: usize = 5;
const MOST_ACTIONS: usize = 4;
/// A line longer than this is cut; the report has it whole.
const MOST_CHARS: usize = 400;

/// What ran, what came in, what was decided and why, what changed, where the report lies, and the
/// command that would roll back. `report_path` is printed as it is; an empty one leaves its line
/// out. Plain text with a newline at the end.
pub fn summary_text(report: &RunReport, report_path: &str) -> String {
    let mut lines = Vec::new();
    lines.push(ran(report));
    lines.extend(decision(report));
    lines.extend(evaluation(report));
    lines.extend(safety(report));
    lines.extend(data(report));
    lines.extend(dataset(report));
    lines.extend(changes(report));
    for action in actions(report).into_iter().take(MOST_ACTIONS) {
        lines.push(format!("To do: {}", action.text));
        lines.extend(action.command.map(|c| format!("  {c}")));
    }
    lines.truncate(MOST_LINES - 2);
    let mut out: String = lines.iter().map(|l| clean(&cut(l, MOST_CHARS)) + "\n").collect();
    if !report_path.is_empty() {
        out.push_str(&format!("Report: {}\n", clean(report_path)));
    }
    if let Some(rollback) = &report.rollback {
        // Never cut: a command that lost its end is worse than none.
        out.push_str(&format!("Roll back: {}\n", clean(rollback)));
    }
    out
}

/// Nothing from a log may steer the terminal.
fn clean(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{a0}' => ' ',
        c if is_hidden(c) || c == '\n' || c == '\t' => ' ',
        c => c,
    };
    text.chars().map(plain).collect()
}

fn ran(report: &RunReport) -> String {
    let took = wall_ms(report).map_or_else(String::new, |ms| format!(" in {}", duration(ms)));
    let status = run_word(report.status);
    let steps = steps_by_status(report);
    format!("{} {}: {status}{took} ({steps})", report.pipeline, report.date)
}

fn decision(report: &RunReport) -> Vec<String> {
    match &report.decision {
        Some(d) => vec![format!("Decision: {}. {}", d.verdict, sentence(&d.reason))],
        None if report.headline.is_empty() => vec!["Decision: none in this run".to_owned()],
        None => vec![format!("Decision: none. {}", sentence(&report.headline))],
    }
}

fn evaluation(report: &RunReport) -> Option<String> {
    let e = report.evaluation.as_ref()?;
    let success = &e.challenger.success;
    let against = match &e.champion {
        Some(c) => format!(
            "; champion {}, {} points",
            percent(c.success.mean),
            points(success.mean - c.success.mean)
        ),
        None => "; no champion yet".to_owned(),
    };
    Some(format!(
        "Evaluation: success {} ({}) on {} pairs{against}",
        percent(success.mean),
        range(success),
        count(e.pairs)
    ))
}

fn safety(report: &RunReport) -> Option<String> {
    let safety = report.evaluation.as_ref()?.safety.as_ref()?;
    Some(format!("Safety: {}", safety_words(safety)))
}

fn data(report: &RunReport) -> Option<String> {
    let i = report.ingest.as_ref()?;
    let rows = rows_by_table(&i.rows);
    let sum = |m: &std::collections::BTreeMap<String, u64>| {
        count(m.values().fold(0u64, |a, b| a.saturating_add(*b)))
    };
    Some(format!(
        "Logs: {rows} from {} objects; {} duplicates, {} lines refused, {} values scrubbed, {} objects that are no logs",
        count(i.objects),
        count(i.duplicates),
        sum(&i.quarantine),
        sum(&i.scrubbed),
        count(i.not_logs.len() as u64)
    ))
}

fn dataset(report: &RunReport) -> Option<String> {
    let card = report.dataset.as_ref()?;
    let parts: Vec<String> =
        card.counts.iter().map(|(k, n)| format!("{} {}", count(*n), spaced(k))).collect();
    (!parts.is_empty()).then(|| format!("Dataset: {}", parts.join(", ")))
}

fn changes(report: &RunReport) -> Vec<String> {
    if report.changes.is_empty() {
        return vec!["Since the night before: nothing noted".to_owned()];
    }
    let mut out = vec!["Since the night before:".to_owned()];
    out.extend(report.changes.iter().take(MOST_CHANGES).map(|c| format!("  - {c}")));
    let more = report.changes.len().saturating_sub(MOST_CHANGES);
    if more > 0 {
        out.push(format!("  - and {more} more in the report"));
    }
    out
}
