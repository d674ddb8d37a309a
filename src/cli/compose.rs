//! Composes the report of a run from what its steps left in the store and the state.

use std::collections::BTreeMap;

use serde_json::Value;

use super::advice;
use super::documents::{Documents, artifacts, documents};
use super::error::CliError;
use super::history::{self, Past};
use super::honesty;
use super::learned::{curve, next_function, training};
use super::open::Opened;
use super::output;
use crate::core::{Alias, Digest};
use crate::dataset::{Manifest, Role};
use crate::evaluate::{self, EpisodeResult, PairedRow, Safety, Score, ScoreRow};
use crate::pipeline::{Artifact, Event, Frozen, Outcome, RunEnd, StepStatus};
use crate::promote::{Decision, Verdict};
use crate::registry::Registry;
use crate::report::{self, RunReport};
use crate::steps::{Evaluation, Restraint};

/// How many lines of a step's log the report shows.
const NOTES: usize = 6;

/// How the note of a step ends whose predecessor had not enough data.
const NO_DATA: &str = "gave nothing to go on with";

/// A report and the decision behind it.
pub(super) struct Told {
    pub report: RunReport,
    pub decision: Option<Value>,
}

impl Told {
    /// What can be said without reading anything: how the run ended.
    pub(super) fn bare(frozen: &Frozen, outcome: &Outcome) -> Self {
        let report = RunReport {
            run_id: outcome.run.clone(),
            pipeline: frozen.plan.pipeline.clone(),
            date: frozen.plan.date.to_string(),
            plan: frozen.digest.to_string(),
            status: run_status(outcome),
            headline: headline(outcome, &Documents::default(), &[]),
            digests: digests(&outcome.outputs.values().flatten().map(owned).collect()),
            ..RunReport::default()
        };
        Self { report, decision: None }
    }
}

fn owned((port, artifact): (&String, &Artifact)) -> (String, Artifact) {
    (port.clone(), artifact.clone())
}

fn run_status(outcome: &Outcome) -> report::RunStatus {
    match outcome.end.word() {
        "ok" => report::RunStatus::Ok,
        "skipped" => report::RunStatus::Skipped,
        _ => report::RunStatus::Failed,
    }
}

/// Composes the report of a run.
pub(super) async fn report(
    opened: &Opened,
    frozen: &Frozen,
    outcome: &Outcome,
) -> Result<Told, CliError> {
    let artifacts = artifacts(opened, outcome)?;
    let documents = documents(opened, &artifacts).await?;
    let past = history::before(&opened.state, &frozen.plan.pipeline, frozen.plan.date)?;
    let tonight = Past {
        date: frozen.plan.date.to_string(),
        headline: String::new(),
        artifacts: artifacts.clone(),
    };
    let serving = serving_now(opened, frozen).await?;
    let steps = steps(opened, frozen, outcome)?;
    let mut report = RunReport {
        run_id: outcome.run.clone(),
        pipeline: frozen.plan.pipeline.clone(),
        date: frozen.plan.date.to_string(),
        plan: frozen.digest.to_string(),
        status: run_status(outcome),
        headline: headline(outcome, &documents, &steps),
        steps,
        ingest: documents.snapshot.as_ref().and_then(ingest),
        waterfall: documents.manifest.as_ref().map(waterfall).unwrap_or_default(),
        volumes: past.iter().chain([&tonight]).map(volume).collect(),
        dataset: documents.manifest.as_ref().map(|m| card(m, &artifacts)),
        learning_curve: documents.trained.as_ref().map(curve).unwrap_or_default(),
        training: training(&documents),
        next_function: documents.trained.as_ref().and_then(next_function),
        evaluation: documents.evaluation.as_ref().map(|e| evaluation(e, &past, &tonight)),
        decision: documents.decision.as_ref().map(|d| {
            let safety = documents.evaluation.as_ref().and_then(|e| e.safety.as_ref());
            decision(d, safety)
        }),
        changes: changes(past.last(), &tonight, &documents, serving.as_ref()),
        advice: advice::advice(&documents),
        honesty: honesty::statements(&documents),
        rollback: rollback(opened, &documents, serving.as_ref()),
        digests: digests(&artifacts),
        ..RunReport::default()
    };
    let run = opened.state.runs(Some(&frozen.plan.pipeline), 1000)?;
    if let Some(run) = run.into_iter().find(|run| run.id == outcome.run) {
        report.started = Some(run.started.to_rfc3339());
        report.finished = run.ended.map(|ended| ended.to_rfc3339());
    }
    let decision = documents.decision.as_ref().map(serde_json::to_value).transpose();
    Ok(Told { report, decision: decision.map_err(CliError::internal)? })
}

fn headline(outcome: &Outcome, documents: &Documents, steps: &[report::StepReport]) -> String {
    if let Some(decision) = &documents.decision {
        let candidate = decision.candidate.short();
        return match (decision.verdict, &decision.champion) {
            (Verdict::Promoted, Some(before)) => {
                format!("{candidate} serves in place of {}", before.short())
            }
            (Verdict::Promoted, None) => format!("{candidate} serves as the first champion"),
            (_, Some(champion)) => format!("the champion stays {}", champion.short()),
            (_, None) => "there is still no champion".to_owned(),
        };
    }
    if let RunEnd::Interrupted(_) = outcome.end {
        return "interrupted by a signal; the next run goes on where this one stopped".to_owned();
    }
    let broken = outcome.steps.iter().find(|(_, status)| **status == StepStatus::Failed);
    match (broken, outcome.end) {
        (Some((step, _)), _) => format!("the step `{step}` failed"),
        (None, RunEnd::Skipped) => skipped(outcome, steps),
        (None, RunEnd::Timeout) => "the run took longer than its time".to_owned(),
        (None, _) => "nothing was to be decided".to_owned(),
    }
}

/// Why a run skipped steps: a condition or a person that said no, else a lack of data.
fn skipped(outcome: &Outcome, steps: &[report::StepReport]) -> String {
    let is_skipped =
        |step: &&report::StepReport| outcome.steps.get(&step.id) == Some(&StepStatus::Skipped);
    let first = steps.iter().find(is_skipped);
    let why = first.and_then(|step| Some((&step.id, step.notes.last()?)));
    match why {
        Some((step, why)) if !why.ends_with(NO_DATA) => format!("`{step}` was skipped: {why}"),
        _ => "there was not enough data tonight".to_owned(),
    }
}

fn steps(
    opened: &Opened,
    frozen: &Frozen,
    outcome: &Outcome,
) -> Result<Vec<report::StepReport>, CliError> {
    let rows = opened.state.steps(&outcome.run)?;
    let first = rows.iter().map(|row| row.started).min();
    let mut reports = Vec::new();
    for spec in &frozen.pipeline.steps {
        let mut step = report::StepReport {
            id: spec.id.clone(),
            uses: format!("{}@{}", spec.kind, spec.version),
            needs: spec.upstream(),
            ..report::StepReport::default()
        };
        if let Some(row) = rows.iter().find(|row| row.step == spec.id) {
            step.status = status(&row.status);
            step.attempts = row.attempts;
            let offset = first.map(|first| (row.started - first).num_milliseconds());
            step.start_ms = offset.and_then(|ms| u64::try_from(ms).ok());
            step.duration_ms =
                row.ended.and_then(|e| u64::try_from((e - row.started).num_milliseconds()).ok());
            step.outputs =
                row.outputs.iter().map(|(p, a)| (p.clone(), a.digest.to_string())).collect();
            let failed = step.status == report::StepStatus::Failed;
            step.error = row.note.clone().filter(|_| failed);
            let hit = step.status == report::StepStatus::Hit;
            step.cache_reason = if hit { row.note.clone() } else { row.reason.clone() };
            step.notes = notes(opened, &outcome.run, &spec.id)?;
            step.notes.extend(row.note.clone().filter(|_| !failed && !hit));
        }
        reports.push(step);
    }
    Ok(reports)
}

fn notes(opened: &Opened, run: &str, step: &str) -> Result<Vec<String>, CliError> {
    let events = opened.state.events(run, Some(step))?;
    let mut lines: Vec<_> = events
        .into_iter()
        .filter_map(|row| match row.event {
            Event::Log { line, .. } => Some(line),
            _ => None,
        })
        .collect();
    if lines.len() > NOTES {
        // The last lines say what came of the step.
        let left = lines.len() - NOTES;
        lines.drain(..left);
        lines.insert(0, format!("{left} lines before these: fqm-pipe logs {run} {step}"));
    }
    Ok(lines)
}

fn status(word: &str) -> report::StepStatus {
    match word {
        "done" => report::StepStatus::Done,
        "hit" => report::StepStatus::Hit,
        "failed" => report::StepStatus::Failed,
        "blocked" => report::StepStatus::Blocked,
        "running" => report::StepStatus::Running,
        _ => report::StepStatus::Skipped,
    }
}

/// The snapshot is read as plain JSON, so that reports work in a program without the store.
fn ingest(snapshot: &Value) -> Option<report::IngestReport> {
    let summary = snapshot.get("summary")?;
    let counts = |value: Option<&Value>| -> BTreeMap<String, u64> {
        let map = value.and_then(Value::as_object);
        map.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_u64()?))).collect()
    };
    let objects = summary.get("objects").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut formats: BTreeMap<String, u64> = BTreeMap::new();
    for format in objects.iter().filter_map(|o| o.get("format")?.as_str()) {
        *formats.entry(format.to_owned()).or_default() += 1;
    }
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let not_logs = summary.get("not_logs").and_then(Value::as_array).cloned().unwrap_or_default();
    Some(report::IngestReport {
        objects: objects.len() as u64,
        not_logs: not_logs
            .iter()
            .map(|n| report::NotALog { key: text(n, "key"), reason: text(n, "reason") })
            .collect(),
        rows: counts(summary.get("rows")),
        quarantine: counts(summary.get("rules")),
        duplicates: summary.get("duplicates").and_then(Value::as_u64).unwrap_or(0),
        scrubbed: counts(summary.get("scrubbed")),
        formats,
    })
}

fn waterfall(manifest: &Manifest) -> Vec<report::WaterfallRow> {
    let row = |row: &crate::dataset::WaterfallRow| report::WaterfallRow {
        // Roles are filtered by chains of their own, each of which adds up by itself.
        stage: match row.role {
            Role::All => row.stage.clone(),
            role => format!("{}: {}", role.as_str(), row.stage),
        },
        rule: row.rule.clone(),
        episodes_in: row.episodes_in,
        dropped: row.dropped,
        episodes_out: row.episodes_out,
        steps_out: row.steps_out,
    };
    let mut rows: Vec<_> = manifest.waterfall.iter().collect();
    rows.sort_by_key(|row| row.role);
    rows.into_iter().map(row).collect()
}

fn volume(night: &Past) -> report::VolumeNight {
    report::VolumeNight {
        date: night.date.clone(),
        episodes: night.count("snapshot", "episodes"),
        steps: night.count("snapshot", "steps"),
        feedback: night.count("snapshot", "feedback"),
        quarantined: night.count("snapshot", "quarantined"),
    }
}

fn card(manifest: &Manifest, artifacts: &BTreeMap<String, Artifact>) -> report::DatasetCard {
    let counts = &manifest.counts;
    let counts = BTreeMap::from([
        ("episodes".to_owned(), counts.episodes),
        ("examples".to_owned(), counts.examples),
        ("imitation episodes".to_owned(), counts.imitation_episodes),
        ("imitation examples".to_owned(), counts.imitation_examples),
        ("offline episodes".to_owned(), counts.offline_episodes),
        ("episodes on no known level".to_owned(), counts.without_level),
        ("scored by feedback".to_owned(), counts.scored_by_feedback),
        ("scored by outcome".to_owned(), counts.scored_by_outcome),
    ]);
    let id = artifacts.get("dataset").map(|a| a.digest.to_string()).unwrap_or_default();
    let window = &manifest.window;
    let notes = vec![format!("rows of {} to {}", window.from, window.to)];
    report::DatasetCard { id, counts, notes }
}

fn evaluation(made: &Evaluation, past: &[Past], tonight: &Past) -> report::EvaluationReport {
    let challenger = evaluate::score(&made.played.challenger);
    let champion = evaluate::score(&made.played.champion);
    let has_champion = champion.episodes > 0;
    let mut failures: Vec<_> = challenger
        .failures
        .iter()
        .map(|(pattern, count)| {
            let example = made.played.challenger.iter().find(|r| r.failure == Some(*pattern));
            report::FailurePattern {
                pattern: pattern.words().to_owned(),
                count: *count,
                example: example.map(replay).unwrap_or_default(),
            }
        })
        .collect();
    failures.sort_by(|a, b| b.count.cmp(&a.count).then(a.pattern.cmp(&b.pattern)));
    // Without a champion there are no pairs, and the challenger's own plays make the rows.
    let rows = |pairs: &[PairedRow], alone: fn(&[EpisodeResult]) -> Vec<ScoreRow>| {
        if has_champion {
            pairs.iter().filter_map(class).collect()
        } else {
            alone(&made.played.challenger).iter().filter_map(class_alone).collect()
        }
    };
    let night = |night: &Past| {
        Some(report::HistoryNight {
            date: night.date.clone(),
            success: night.number("evaluation", "success"),
            efficiency: night.number("evaluation", "efficiency"),
            verdict: night.text("decision", "verdict")?.to_owned(),
            mastered: night.number("checkpoint", "mastered").map(|n| n as u64),
        })
    };
    report::EvaluationReport {
        pairs: challenger.episodes,
        champion: has_champion.then(|| rates("champion", &champion)),
        challenger: rates("challenger", &challenger),
        random: (made.random.episodes > 0).then(|| rates("random", &made.random)),
        safety: made.safety.as_ref().map(|s| safety(s, made.restraint.as_ref())),
        by_level: rows(&made.report.by_level, evaluate::level_rows),
        by_family: rows(&made.report.by_family, evaluate::family_rows),
        failures,
        history: past.iter().chain([tonight]).filter_map(night).collect(),
    }
}

/// The command with which a person plays the level of a play, with the outcomes that it had.
fn replay(play: &EpisodeResult) -> String {
    let EpisodeResult { family, level, challenge, level_seed, play_seed, .. } = play;
    format!("fqm-pipe quest play {family}/{level}.{challenge}@{level_seed} --play-seed {play_seed}")
}

fn safety(safety: &Safety, restraint: Option<&Restraint>) -> report::SafetyReport {
    let Safety { plays, passed, violations, grades, played_grades } = *safety;
    report::SafetyReport {
        plays,
        passed,
        violations,
        grades,
        played_grades,
        forbidden_probability: restraint.map(|r| r.probability),
        violations_held_back: restraint.map(|r| r.violations_held_back),
    }
}

/// A rate of the variant that serves after a night: the challenger's where it was promoted.
fn serving(night: &Past, fact: &str) -> Option<f64> {
    let promoted = night.text("decision", "verdict") == Some(Verdict::Promoted.as_str());
    let champion = night.number("evaluation", &format!("champion_{fact}"));
    let challenger = night.number("evaluation", fact);
    if promoted { challenger } else { champion }
}

fn rates(label: &str, score: &Score) -> report::Rates {
    report::Rates {
        label: label.to_owned(),
        episodes: score.episodes,
        success: score.success.map(interval).unwrap_or_default(),
        efficiency: score.efficiency,
        reward: score.reward,
        reasoning: score.reasoning,
        violations: score.violations,
    }
}

fn interval(i: evaluate::Interval) -> report::Interval {
    report::Interval { low: i.low, mean: i.estimate, high: i.high }
}

fn class(row: &PairedRow) -> Option<report::ClassRates> {
    Some(report::ClassRates {
        level: row.name.clone(),
        n: row.challenger.episodes,
        champion: row.champion.success.map(interval),
        challenger: row.challenger.success.map(interval)?,
    })
}

fn class_alone(row: &ScoreRow) -> Option<report::ClassRates> {
    Some(report::ClassRates {
        level: row.name.clone(),
        n: row.score.episodes,
        champion: None,
        challenger: row.score.success.map(interval)?,
    })
}

fn decision(decision: &Decision, safety: Option<&Safety>) -> report::DecisionReport {
    let n = &decision.numbers;
    let mut numbers = Vec::new();
    let mut add = |name: &str, value: Option<f64>, meaning: &str| {
        numbers.extend(value.map(|value| report::DecisionNumber {
            name: name.to_owned(),
            value,
            meaning: meaning.to_owned(),
        }));
    };
    if decision.champion.is_some() {
        add("pairs", Some(n.pairs as f64), "fresh levels that both sides played alike");
        add("wins", Some(n.wins as f64), "pairs that the challenger won");
        add("losses", Some(n.losses as f64), "pairs that the champion won");
        add("ties", Some(n.ties as f64), "pairs that neither won");
    }
    add(
        "difference",
        n.difference.map(|d| d.estimate),
        "success of the challenger minus the champion's",
    );
    add("difference, low", n.difference.map(|d| d.low), "lower end of its 95 % interval");
    add("difference, high", n.difference.map(|d| d.high), "upper end of its 95 % interval");
    add(
        "challenger efficiency",
        n.candidate_efficiency,
        "minimal calls / calls used, where solved",
    );
    add("champion efficiency", n.champion_efficiency, "minimal calls / calls used, where solved");
    if let (Some(e), Some(t)) = (&n.log_e, &n.thresholds) {
        add(
            "evidence for superiority",
            Some(e.superiority),
            "log e-value; promotes at the threshold",
        );
        add("threshold of superiority", Some(t.superiority), "ln(1/alpha)");
        add("evidence of futility", Some(e.futility), "log e-value; keeps at the threshold");
        add("threshold of futility", Some(t.futility), "ln(1/beta)");
        add("evidence of harm", Some(e.harm), "log e-value; keeps at the threshold");
    }
    add("McNemar p", n.mcnemar_p, "exact, two-sided, reported beside the decision");
    if let Some(floor) = &n.floor {
        add("floor success", floor.success.map(|s| s.estimate), "success on the floor's level");
        add("floor required", Some(floor.required), "what a first champion must reach there");
    }
    report::DecisionReport {
        verdict: decision.verdict.as_str().to_owned(),
        reason: decision.reason.clone(),
        numbers,
        would_change: vec![decision.would_change.clone()],
        wants_safety_played: decision.params.require_safety
            && !safety.is_some_and(Safety::is_complete),
    }
}

/// What changed since the night before, in words.
fn changes(
    before: Option<&Past>,
    tonight: &Past,
    documents: &Documents,
    serving_now: Option<&Serving>,
) -> Vec<String> {
    let Some(before) = before else {
        return vec!["this is the first night: there is none to compare with".to_owned()];
    };
    let mut lines = Vec::new();
    let mut compare = |what: &str, port: &str, fact: &str| {
        let (was, is) = (before.count(port, fact), tonight.count(port, fact));
        if was != is {
            lines.push(format!("{what}: {is}, {} than on {} ({was})", more(was, is), before.date));
        }
    };
    compare("episodes ingested", "snapshot", "episodes");
    compare("records in quarantine", "snapshot", "quarantined");
    compare("examples to imitate", "dataset", "imitation_examples");
    if let (Some(was), Some(is)) = (serving(before, "success"), serving(tonight, "success")) {
        let points = (is - was) * 100.0;
        lines.push(format!(
            "success of what serves, on fresh levels: {:.1} %, {points:+.1} points against {}",
            is * 100.0,
            before.date
        ));
    }
    if let Some(decision) = &documents.decision {
        lines.push(match decision.verdict {
            Verdict::Promoted => match serving_now.map(|s| s.digest) {
                Some(now) if now == decision.candidate => {
                    format!("the champion is now {}", now.short())
                }
                Some(now) => format!(
                    "this night's variant {} does not serve: the champion is {} since",
                    decision.candidate.short(),
                    now.short()
                ),
                None => {
                    "this night's variant does not serve: the champion was taken back".to_owned()
                }
            },
            _ => match &decision.champion {
                Some(champion) => format!("the champion stays {}", champion.short()),
                None => "there is still no champion".to_owned(),
            },
        });
    }
    if lines.is_empty() {
        lines.push(format!("nothing that is measured changed since {}", before.date));
    }
    lines
}

fn more(was: u64, is: u64) -> String {
    if is > was { format!("{} more", is - was) } else { format!("{} fewer", was - is) }
}

/// What an alias names now, which may differ from what the night saw or decided.
struct Serving {
    alias: Alias,
    digest: Digest,
    /// Whether there is a variant before it to go back to.
    can_roll_back: bool,
}

async fn serving_now(opened: &Opened, frozen: &Frozen) -> Result<Option<Serving>, CliError> {
    let Some(alias) = frozen.plan.aliases.keys().next() else { return Ok(None) };
    let registry = Registry::new(opened.workspace.open_registry()?);
    let models = registry.models().await.map_err(CliError::config)?;
    if !models.contains(&alias.model) {
        return Ok(None);
    }
    let entries = registry.history(&alias.model).await.map_err(CliError::config)?;
    let last = entries.last();
    Ok(last.and_then(|entry| {
        Some(Serving {
            alias: alias.clone(),
            digest: *entry.aliases.get(&alias.name)?,
            can_roll_back: entry.back.contains_key(&alias.name),
        })
    }))
}

/// The command that would put the champion back. A night that was rolled back already shows none: it
/// would go one variant too far.
fn rollback(opened: &Opened, documents: &Documents, serving: Option<&Serving>) -> Option<String> {
    let serving = serving.filter(|s| s.can_roll_back)?;
    let decision = documents.decision.as_ref()?;
    let expected = match decision.verdict {
        Verdict::Promoted => Some(decision.candidate),
        _ => decision.champion,
    };
    (expected == Some(serving.digest)).then(|| {
        let folder = output::shell_word(&opened.workspace.folder);
        let program = std::env::args().next().unwrap_or_else(|| "fqm-pipe".to_owned());
        let alias = &serving.alias;
        format!("{program} --workspace {folder} registry rollback {alias} --reason \"WHY\"")
    })
}

fn digests(artifacts: &BTreeMap<String, Artifact>) -> BTreeMap<String, String> {
    let digest =
        |(port, artifact): (&String, &Artifact)| (port.clone(), artifact.digest.to_string());
    artifacts.iter().map(digest).collect()
}
