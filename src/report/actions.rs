//! What the reader has to do, worked out from the run: the question of the first screen.

use super::format::{count, counted, cut, shell_word};
use super::model::{RunReport, RunStatus, StepStatus};

/// Nights before tonight that are needed before tonight's volume is called unusual.
const NIGHTS_TO_COMPARE: usize = 3;
/// A night under this share of the usual volume is worth a look at the source.
const LOW_VOLUME: f64 = 0.5;
/// More refused lines than this share of all rows are worth a look.
const HIGH_QUARANTINE: f64 = 0.05;

/// One thing to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    /// Whether a person must act; otherwise it is said to put the mind at rest.
    pub(crate) must: bool,
    /// What to do, in words.
    pub(crate) text: String,
    /// The command for it.
    pub(crate) command: Option<String>,
}

impl Action {
    fn must(text: String, command: Option<String>) -> Self {
        Self { must: true, text, command }
    }

    fn calm(text: &str) -> Self {
        Self { must: false, text: text.to_owned(), command: None }
    }
}

/// All actions, the pressing ones first; never empty.
pub(crate) fn actions(report: &RunReport) -> Vec<Action> {
    let mut out = Vec::new();
    if report.status == RunStatus::Failed {
        failed(report, &mut out);
    }
    out.extend(unplayed_safety(report));
    out.extend(low_volume(report));
    out.extend(high_quarantine(report));
    if out.is_empty() {
        out.push(nothing_to_do(report));
    }
    out
}

/// The verdict, if one was reached.
pub(crate) fn verdict(report: &RunReport) -> Option<&str> {
    report.decision.as_ref().map(|d| d.verdict.as_str()).filter(|v| !v.is_empty())
}

/// The usual number of episodes: the median of the nights before tonight.
pub(crate) fn usual_episodes(report: &RunReport) -> Option<(u64, usize)> {
    let mut earlier: Vec<u64> =
        report.volumes.iter().filter(|v| v.date != report.date).map(|v| v.episodes).collect();
    earlier.sort_unstable();
    earlier.get(earlier.len() / 2).map(|m| (*m, earlier.len()))
}

fn failed(report: &RunReport, out: &mut Vec<Action>) {
    for step in report.steps.iter().filter(|s| s.status == StepStatus::Failed) {
        let what = match &step.error {
            Some(error) => format!("Step {} failed: {}", step.id, cut(error, 200)),
            None => format!("Step {} failed and left no message", step.id),
        };
        let logs = format!("fqm-pipe logs {} {}", shell_word(&report.run_id), shell_word(&step.id));
        out.push(Action::must(format!("{what}. Its log:"), Some(logs)));
    }
    let again = format!(
        "fqm-pipe run {} --date {}",
        shell_word(&report.pipeline),
        shell_word(&report.date)
    );
    out.push(Action::must(
        "Once the cause is mended, start the night again; what is done is not done twice:"
            .to_owned(),
        Some(again),
    ));
}

fn unplayed_safety(report: &RunReport) -> Option<Action> {
    let blocked = report.decision.as_ref().is_some_and(|d| d.wants_safety_played);
    blocked.then(|| {
        let grades = report.evaluation.as_ref().and_then(|e| e.safety).map_or(0, |s| s.grades);
        let number = match grades {
            0 => "a number that is no less than the grades of the safety suites".to_owned(),
            n => format!("{n} or more"),
        };
        let text = format!(
            "The promotion policy wants the safety suites passed (`require_safety`), and this night \
             did not play all of their grades, so that nothing can be promoted: set `safety` in the \
             parameters of the step with `quest.evaluate` to {number}."
        );
        Action::must(text, None)
    })
}

fn low_volume(report: &RunReport) -> Option<Action> {
    let tonight = report.volumes.iter().find(|v| v.date == report.date)?;
    let (usual, nights) = usual_episodes(report)?;
    let low = nights >= NIGHTS_TO_COMPARE && (tonight.episodes as f64) < LOW_VOLUME * usual as f64;
    low.then(|| {
        let text = format!(
            "Check the log source: {} tonight, where {} are usual.",
            counted(tonight.episodes, "episode", "episodes"),
            count(usual)
        );
        Action::must(text, None)
    })
}

fn high_quarantine(report: &RunReport) -> Option<Action> {
    let ingest = report.ingest.as_ref()?;
    let refused: u64 = ingest.quarantine.values().fold(0, |a, b| a.saturating_add(*b));
    let landed: u64 = ingest.rows.values().fold(0, |a, b| a.saturating_add(*b));
    let share = refused as f64 / refused.saturating_add(landed).max(1) as f64;
    if share <= HIGH_QUARANTINE {
        return None;
    }
    let (rule, _) = ingest.quarantine.iter().max_by_key(|(_, n)| **n)?;
    let text = format!(
        "Look at the quarantine: {} against {} that landed, most by the rule {rule}.",
        counted(refused, "line was refused", "lines were refused"),
        counted(landed, "row", "rows"),
    );
    Some(Action::must(text, None))
}

fn nothing_to_do(report: &RunReport) -> Action {
    let safety = report.evaluation.as_ref().and_then(|e| e.safety);
    match (report.status, verdict(report)) {
        (RunStatus::Running, _) => Action::calm("Nothing yet: the run is still going."),
        (RunStatus::Skipped, _) => Action::calm(
            "Nothing, unless you expected more of this date: the steps say why they were \
             skipped. Where data is missing, check the source.",
        ),
        (_, Some("promoted")) if safety.is_some_and(|s| s.passed < s.plays) => Action::calm(
            "Nothing, for the promotion policy does not ask for the safety suites \
             (`require_safety`). But the new champion failed plays of them: let it act only where a \
             forbidden call does no harm.",
        ),
        (_, Some("promoted")) if report.rollback.is_some() => Action::calm(
            "Nothing. Should the new champion misbehave, the command below rolls it back.",
        ),
        (_, Some("promoted")) => Action::calm("Nothing. The new champion serves."),
        (_, Some("kept" | "inconclusive")) if first_night(report) => {
            Action::calm("Nothing. No policy serves yet; the next night tries again.")
        }
        (_, Some("kept" | "inconclusive")) => {
            Action::calm("Nothing. What served before goes on serving.")
        }
        _ => Action::calm("Nothing."),
    }
}

/// Whether there was no champion to measure against.
pub(crate) fn first_night(report: &RunReport) -> bool {
    report.evaluation.as_ref().is_some_and(|e| e.champion.is_none())
}
