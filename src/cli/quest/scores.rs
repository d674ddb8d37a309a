//! The results of `quest run` as text: agents, grades, failures.

use std::path::Path;

use serde::Serialize;

use super::super::output::{shell_word, table};
use super::words::{counted, percent};
use crate::evaluate::{
    AgentRun, AgentSpec, ArenaRun, FailureExample, Mastery, PairedRow, Spent, Trace,
};

/// Groups of failures shown for each agent.
const GROUPS: usize = 6;

/// How long one agent took.
#[derive(Serialize)]
pub(super) struct Time {
    agent: String,
    wall_seconds: f64,
    /// Over all threads, for each call: deciding, stepping and grounding; for a trained policy the
    /// start of its program as well.
    micros_per_call: f64,
}

pub(super) fn time(agent: &AgentSpec, traces: &[Trace], spent: Spent) -> Time {
    let calls: u64 = traces.iter().map(|t| u64::from(t.result.calls)).sum();
    Time {
        agent: agent.to_string(),
        wall_seconds: spent.wall.as_secs_f64(),
        micros_per_call: spent.busy.as_secs_f64() * 1e6 / calls.max(1) as f64,
    }
}

pub(super) fn told_time(time: &Time) -> String {
    let Time { agent, wall_seconds, micros_per_call } = time;
    format!("{agent}: {wall_seconds:.2} s, {micros_per_call:.0} µs a call")
}

/// Everything for a person: the agents, every grade, what went wrong.
pub(super) fn told(run: &ArenaRun) -> String {
    let parts = [agents(run), against_first(run), grades(run), failures(run), targets(run)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn agents(run: &ArenaRun) -> String {
    let reasoned = run.agents.iter().any(|a| a.overall.reasoning.is_some());
    let mut head = vec![
        "AGENT",
        "PLAYS",
        "SUCCESS",
        "95 %",
        "EFFICIENCY",
        "GOAL",
        "CALLS",
        "REWARD",
        "FORBIDDEN",
    ];
    if reasoned {
        head.push("REASONING");
    }
    head.push("MASTERED");
    let mut rows = vec![head.into_iter().map(str::to_owned).collect()];
    let number =
        |v: Option<f64>, digits: usize| v.map_or("-".to_owned(), |v| format!("{v:.digits$}"));
    rows.extend(run.agents.iter().map(|a| {
        let s = &a.overall;
        let range = s
            .success
            .map_or("-".to_owned(), |i| format!("{:.0}-{:.0}", i.low * 100.0, i.high * 100.0));
        let mastered = a.grades.iter().filter(|g| g.mastered).count();
        let mut row = vec![
            a.agent.clone(),
            s.episodes.to_string(),
            percent(s.success.map(|i| i.estimate)),
            range,
            percent(s.efficiency),
            percent(s.goal_progress),
            number(s.calls, 1),
            number(s.reward, 3),
            s.violations.to_string(),
        ];
        if reasoned {
            row.push(percent(s.reasoning));
        }
        row.push(format!("{mastered} of {}", a.grades.len()));
        row
    }));
    table(&rows)
}

/// How every further agent did against the first one, pair by pair.
fn against_first(run: &ArenaRun) -> String {
    let Some((first, others)) = run.agents.split_first() else { return String::new() };
    let mut rows = vec![
        ["AGAINST THE FIRST", "PAIRS", "BOTH WON", "ONLY IT", "ONLY THE FIRST", "NEITHER"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(others.iter().filter_map(|agent| {
        let all = Pairs::of(&agent.against_first.as_ref()?.overall);
        let name = format!("{} against {}", agent.agent, first.agent);
        let numbers = [all.pairs, all.both, all.only_it, all.only_first, all.neither];
        Some([name].into_iter().chain(numbers.map(|n| n.to_string())).collect())
    }));
    if rows.len() > 1 { table(&rows) } else { String::new() }
}

/// The pairs of two agents by who won.
pub(super) struct Pairs {
    pub pairs: u64,
    pub both: u64,
    pub only_it: u64,
    pub only_first: u64,
    pub neither: u64,
}

impl Pairs {
    /// The counts of a row whose champion is the first agent.
    pub(super) fn of(row: &PairedRow) -> Self {
        let both = row.champion.successes.saturating_sub(row.champion_only);
        let won = both + row.champion_only + row.challenger_only;
        Self {
            pairs: row.pairs,
            both,
            only_it: row.challenger_only,
            only_first: row.champion_only,
            neither: row.pairs.saturating_sub(won),
        }
    }
}

/// Success by grade, an asterisk where the grade is mastered.
fn grades(run: &ArenaRun) -> String {
    let Some(first) = run.agents.first() else { return String::new() };
    let mut head = vec!["GRADE".to_owned(), "PLAYS".to_owned()];
    head.extend(run.agents.iter().map(|a| a.agent.clone()));
    let mut rows = vec![head];
    for (i, grade) in first.grades.iter().enumerate() {
        let name = format!("{} {}.{}", grade.family, grade.level, grade.challenge);
        let mut row = vec![name, grade.score.episodes.to_string()];
        // All agents played the same levels, so their grades stand in the same order.
        let cell = |a: &AgentRun| a.grades.get(i).map_or_else(String::new, |g| rate(g, grade));
        row.extend(run.agents.iter().map(cell));
        rows.push(row);
    }
    let mut lines = vec![table(&rows)];
    if run.agents.iter().any(|a| a.grades.iter().any(|g| g.mastered)) {
        lines.push("* mastered".to_owned());
    }
    lines.extend(too_few(run));
    lines.join("\n")
}

/// A success rate, with the plays behind it where there are others than the first agent has.
fn rate(grade: &Mastery, first: &Mastery) -> String {
    let success = percent(grade.score.success.map(|i| i.estimate));
    let plays = grade.score.episodes;
    let plays = if plays == first.score.episodes {
        String::new()
    } else {
        format!(" ({})", counted(plays as usize, "play", "plays"))
    };
    if grade.mastered { format!("{success}{plays} *") } else { format!("{success}{plays}") }
}

/// What keeps grades from being mastered whatever an agent does: too few different levels.
fn too_few(run: &ArenaRun) -> Option<String> {
    let short: Vec<&Mastery> =
        run.agents.iter().flat_map(|a| &a.grades).filter(|g| g.too_few()).collect();
    let least = short.iter().map(|g| g.levels).min()?;
    let wanted = short.iter().map(|g| g.levels_wanted).max()?;
    Some(format!(
        "mastery of a grade wants {wanted} different levels or more; some have {least} of {wanted}"
    ))
}

fn failures(run: &ArenaRun) -> String {
    let told = run.agents.iter().filter(|a| !a.failures.is_empty()).map(of_agent);
    told.collect::<Vec<_>>().join("\n\n")
}

fn of_agent(agent: &AgentRun) -> String {
    let mut rows = vec![["PLAYS", "FAILURE", "ABOUT", "FOR EXAMPLE"].map(str::to_owned).to_vec()];
    rows.extend(agent.failures.iter().take(GROUPS).map(|group| {
        let example = group.examples.first().map_or_else(String::new, |example| {
            let calls = counted(example.calls.len(), "call", "calls");
            format!("{} ({calls})", example_words(example))
        });
        let words = group.failure.words().to_owned();
        vec![group.plays.to_string(), words, group.about.clone(), example]
    }));
    let more = agent.failures.len().saturating_sub(GROUPS);
    let more = if more > 0 {
        format!("\nand {}", counted(more, "rarer group", "rarer groups"))
    } else {
        String::new()
    };
    format!("failures of {}: {}\n{}{more}", agent.agent, patterns(agent), table(&rows))
}

/// The patterns of all failures of an agent, commonest first.
pub(super) fn patterns(agent: &AgentRun) -> String {
    let mut patterns: Vec<_> = agent.overall.failures.iter().collect();
    patterns.sort_by_key(|(_, plays)| std::cmp::Reverse(**plays));
    let words = patterns.iter().map(|(pattern, plays)| format!("{} {plays}", pattern.words()));
    words.collect::<Vec<_>>().join(", ")
}

/// What `quest play` takes to play an example again: its level, and the seed of its outcomes where the
/// level may have been played more than once, as files and hand-written ones are.
pub(super) fn example_words(example: &FailureExample) -> String {
    let path = Path::new(&example.level);
    let level = shell_word(path);
    if example.level.contains('@') && !path.is_file() {
        level
    } else {
        format!("{level} --play-seed {}", example.play_seed)
    }
}

fn targets(run: &ArenaRun) -> String {
    let told = run.agents.iter().flat_map(|agent| {
        agent.targets.iter().filter(|t| t.reached).map(|t| {
            format!(
                "{} reaches the target of {}: all challenges up to level {}",
                agent.agent, t.family, t.level
            )
        })
    });
    told.collect::<Vec<_>>().join("\n")
}
