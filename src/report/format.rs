//! Numbers, times and words as the page and the summary show them.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::model::{Interval, RunReport, RunStatus, SafetyReport, StepStatus};

/// A count with commas between thousands.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A count with its noun, in the plural where it must be.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A rate from 0 to 1 as a percentage with one decimal; the space before the sign does not break.
pub(crate) fn percent(rate: f64) -> String {
    if rate.is_finite() { format!("{:.1}\u{a0}%", rate * 100.0) } else { "–".to_owned() }
}

/// A rate that may be missing.
pub(crate) fn percent_or_dash(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), percent)
}

/// The interval behind an estimate: `51.0–72.4 %`.
pub(crate) fn range(i: &Interval) -> String {
    if i.low.is_finite() && i.high.is_finite() {
        format!("{:.0}–{:.0}\u{a0}%", i.low * 100.0, i.high * 100.0)
    } else {
        "interval unknown".to_owned()
    }
}

/// The safety suites in words: `27 of 30 passed, 3 with a forbidden call`.
pub(crate) fn safety_words(s: &SafetyReport) -> String {
    let missing = s.grades.saturating_sub(s.played_grades);
    let left = match missing {
        0 => String::new(),
        n => format!("; {} of {} not played", count(n), counted(s.grades, "grade", "grades")),
    };
    format!(
        "{} of {} passed, {} with a forbidden call{left}",
        count(s.passed),
        count(s.plays),
        count(s.violations)
    )
}

/// The difference of two rates in percentage points, with its sign.
pub(crate) fn points(difference: f64) -> String {
    if !difference.is_finite() {
        return "–".to_owned();
    }
    let p = difference * 100.0;
    // A difference that rounds to nothing carries no sign: "-0.0" would read like a loss.
    if p.abs() < 0.05 {
        return "±0.0".to_owned();
    }
    format!("{}{:.1}", if p > 0.0 { '+' } else { '−' }, p.abs())
}

/// A duration in the largest sensible units.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms as f64 / 1000.0;
    if ms < 1000 {
        format!("{ms}\u{a0}ms")
    } else if ms < 59_950 {
        format!("{seconds:.1}\u{a0}s")
    } else {
        let whole = ms / 1000 + u64::from(ms % 1000 >= 500);
        match whole / 3600 {
            0 => format!("{}\u{a0}min {:02}\u{a0}s", whole / 60, whole % 60),
            h => format!("{h}\u{a0}h {:02}\u{a0}min", whole % 3600 / 60),
        }
    }
}

/// Any number, short: four significant digits, commas, or powers of ten at the far ends.
pub(crate) fn number(v: f64) -> String {
    let a = v.abs();
    if !v.is_finite() {
        return "not a number".to_owned();
    }
    if v == 0.0 {
        return "0".to_owned();
    }
    let sign = if v < 0.0 { "−" } else { "" };
    if !(1e-4..1e9).contains(&a) {
        return format!("{sign}{a:.2e}");
    }
    if a.fract() == 0.0 {
        return format!("{sign}{}", count(a as u64));
    }
    let decimals = (3 - a.log10().floor() as i32).clamp(0, 7) as usize;
    let text = format!("{a:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest}"),
    }
}

/// A coordinate in an SVG: at most two decimals, never `NaN`.
pub(crate) fn coordinate(v: f64) -> String {
    let rounded = if v.is_finite() { (v * 100.0).round() / 100.0 } else { 0.0 };
    // Adding zero turns -0 into 0.
    format!("{}", rounded + 0.0)
}

/// A moment as people read it: `2026-11-20 02:30:04 +00:00`; other text stays as it is.
pub(crate) fn moment(rfc3339: &str) -> String {
    match DateTime::parse_from_rfc3339(rfc3339) {
        Ok(t) if t.offset().local_minus_utc() == 0 => t.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Ok(t) => t.format("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// Month and day of a date, for a narrow axis.
pub(crate) fn month_day(date: &str) -> &str {
    match date.get(5..) {
        Some(rest) if date.len() == 10 && !rest.is_empty() => rest,
        _ => date,
    }
}

/// The first twelve hex digits of a digest; other text is cut to a sensible length.
pub(crate) fn short_digest(digest: &str) -> String {
    digest.strip_prefix("sha256:").unwrap_or(digest).chars().take(12).collect()
}

/// How long the run took by the clock: from its own times, else from its steps.
pub(crate) fn wall_ms(report: &RunReport) -> Option<u64> {
    let parse = |t: &Option<String>| DateTime::parse_from_rfc3339(t.as_deref()?).ok();
    let clock = match (parse(&report.started), parse(&report.finished)) {
        (Some(a), Some(b)) => u64::try_from((b - a).num_milliseconds()).ok(),
        _ => None,
    };
    clock.or_else(|| {
        report.steps.iter().filter_map(|s| s.start_ms?.checked_add(s.duration_ms?)).max()
    })
}

/// A step's status in words.
pub(crate) fn step_word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Done => "done",
        StepStatus::Hit => "from cache",
        StepStatus::Failed => "failed",
        StepStatus::Skipped => "skipped",
        StepStatus::Blocked => "blocked",
        StepStatus::Running => "running",
    }
}

/// A run's status in words.
pub(crate) fn run_word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Ok => "ok",
        RunStatus::Failed => "failed",
        RunStatus::Skipped => "skipped",
        RunStatus::Running => "running",
    }
}

/// A name from a table or a rule as a person reads it: `imitation_episodes` → `imitation episodes`.
pub(crate) fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

/// The text with a capital at its start.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// The text as a sentence: a capital at its start, a stop at its end.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let stop =
        if text.is_empty() || text.ends_with(['.', '!', '?', ':', '…']) { "" } else { "." };
    format!("{}{stop}", capital(text))
}

/// Rows by table in words, the tables of a night in the order of the data and others after them.
pub(crate) fn rows_by_table(rows: &BTreeMap<String, u64>) -> String {
    let order = |table: &str| match table {
        "episodes" => 0,
        "steps" => 1,
        "feedback" => 2,
        _ => 3,
    };
    let mut sorted: Vec<(&String, &u64)> = rows.iter().collect();
    sorted.sort_by_key(|(table, _)| (order(table), table.as_str()));
    if sorted.is_empty() {
        return "no rows".to_owned();
    }
    let words: Vec<String> =
        sorted.iter().map(|(t, n)| format!("{} {}", count(**n), spaced(t))).collect();
    words.join(", ")
}

/// How many steps ended in which way, in words.
pub(crate) fn steps_by_status(report: &RunReport) -> String {
    let ways = [
        (StepStatus::Done, "ran"),
        (StepStatus::Hit, "from cache"),
        (StepStatus::Failed, "failed"),
        (StepStatus::Skipped, "skipped"),
        (StepStatus::Blocked, "blocked"),
        (StepStatus::Running, "running"),
    ];
    let of = |status| report.steps.iter().filter(|s| s.status == status).count();
    let words: Vec<String> = ways
        .iter()
        .filter(|(status, _)| of(*status) > 0)
        .map(|(status, word)| format!("{} {word}", of(*status)))
        .collect();
    if words.is_empty() { "no steps".to_owned() } else { words.join(", ") }
}

/// At most `limit` characters of a text's first line.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() <= limit {
        return line.to_owned();
    }
    let mut out: String = line.chars().take(limit.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// A word that a shell takes as one argument.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
