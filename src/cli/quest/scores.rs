//! The results of `quest run` as text: agents, grades, failures.

use std::path::Path;

use serde::Serialize;

use super::super::output::{shell_word, table};
use super::words::{counted, percent};
use crate::evaluate::{AgentRun, AgentSpec, ArenaRun, FailureExample, Mastery, Spent, Trace};

/// Groups of failures shown for each agent.
const GROUPS: usize = 6;

/// How long one agent took.
#[derive(Serialize)]
pub(super) struct Time {
    agent: String,
    wall_seconds: f64,
    /// Over all threads, for each call: deciding, stepping and grounding.
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
    let parts = [agents(run), grades(run), failures(run), targets(run)];
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

/// Success by grade, an asterisk where the grade is mastered.
fn grades(run: &ArenaRun) -> String {
    let Some(first) = run.agents.first() else { return String::new() };
    let mut head = vec!["GRADE".to_owned(), "PLAYS".to_owned()];
    head.extend(run.agents.iter().map(|a| a.agent.to_uppercase()));
    let mut rows = vec![head];
    for (i, grade) in first.grades.iter().enumerate() {
        let name = format!("{} {}.{}", grade.family, grade.level, grade.challenge);
        let mut row = vec![name, grade.score.episodes.to_string()];
        // All agents played the same levels, so their grades stand in the same order.
        row.extend(run.agents.iter().map(|a| a.grades.get(i).map_or_else(String::new, rate)));
        rows.push(row);
    }
    let mastered = run.agents.iter().any(|a| a.grades.iter().any(|g| g.mastered));
    let legend = if mastered { "\n* mastered" } else { "" };
    format!("{}{legend}", table(&rows))
}

fn rate(grade: &Mastery) -> String {
    let success = percent(grade.score.success.map(|i| i.estimate));
    if grade.mastered { format!("{success} *") } else { success }
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
    format!("failures of {}\n{}{more}", agent.agent, table(&rows))
}

/// What `quest play` takes to play an example again: its level, and the seed of its outcomes where the
/// level was played more than once.
pub(super) fn example_words(example: &FailureExample) -> String {
    let level = shell_word(Path::new(&example.level));
    match example.level.contains('@') {
        true => level,
        false => format!("{level} --play-seed {}", example.play_seed),
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
