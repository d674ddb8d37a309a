//! From the results of `quest run` to the plain values of its page.

use std::collections::BTreeMap;

use super::super::output::shell_word;
use super::scores::{Pairs, example_words, patterns};
use super::words::counted;
use crate::core::Digest;
use crate::evaluate::{AgentRun, ArenaRun, FailureGroup, PairedRow, RunRequest, Score};
use crate::report::{
    self, ArenaAgent, ArenaFailure, ArenaPairs, ArenaRate, ArenaReport, ArenaTarget,
};

/// Grades named for a group of failures.
const GRADES: usize = 4;

pub(super) fn report(run: &ArenaRun, digest: &Digest) -> ArenaReport {
    let first = run.agents.first();
    let plays = run.agents.iter().map(|a| a.overall.episodes).max().unwrap_or(0);
    let families: Vec<&str> =
        first.map_or_else(Vec::new, |a| a.by_family.iter().map(|f| f.name.as_str()).collect());
    let fewer = run.agents.iter().any(|a| a.overall.episodes < plays);
    let fewer =
        if fewer { ", once where an agent would play a level the same every time," } else { "" };
    ArenaReport {
        title: format!("{} on Function Quest", counted(run.agents.len(), "agent", "agents")),
        asked: format!(
            "{} for each agent{fewer} on {}, families {}, seed {}",
            counted(plays as usize, "play", "plays"),
            source(&run.request),
            families.join(", "),
            run.request.seed
        ),
        digest: digest.to_string(),
        agents: run.agents.iter().map(|one| agent(one, run.request.seed)).collect(),
    }
}

/// Where the levels come from, in words.
fn source(request: &RunRequest) -> String {
    let given = counted(request.given as usize, "given level", "given levels");
    match request.split {
        None => given,
        Some(split) => {
            let fresh =
                format!("fresh levels of the {} split", format!("{split:?}").to_lowercase());
            if request.given == 0 { fresh } else { format!("{fresh} and {given}") }
        }
    }
}

fn agent(run: &AgentRun, seed: u64) -> ArenaAgent {
    let s = &run.overall;
    let mut spread: Vec<(String, u64)> =
        run.calls.classes.iter().map(|c| (c.times.clone(), c.plays)).collect();
    spread.push(("not proven".to_owned(), run.calls.unproven));
    spread.push(("failed".to_owned(), run.calls.failed));
    let level = |name: &str, score: &Score, mastered| ArenaRate {
        name: name.to_owned(),
        plays: score.episodes,
        success: score.success.map_or(0.0, |i| i.estimate),
        efficiency: score.efficiency,
        mastered,
        too_few: None,
    };
    let grade = |g: &crate::evaluate::Mastery| ArenaRate {
        too_few: g.too_few().then_some((g.levels, g.levels_wanted)),
        ..level(&format!("{} {}.{}", g.family, g.level, g.challenge), &g.score, g.mastered)
    };
    ArenaAgent {
        name: run.agent.clone(),
        plays: s.episodes,
        success: s.success.map_or_else(report::Interval::default, |i| report::Interval {
            low: i.low,
            mean: i.estimate,
            high: i.high,
        }),
        efficiency: s.efficiency,
        goal: s.goal_progress,
        calls: s.calls,
        reward: s.reward,
        reasoning: s.reasoning,
        violations: s.violations,
        by_level: run.by_level.iter().map(|row| level(&row.name, &row.score, false)).collect(),
        grades: run.grades.iter().map(grade).collect(),
        spread,
        against_first: run.against_first.as_ref().map(|paired| pairs(&paired.overall)),
        patterns: patterns(run),
        failures: run.failures.iter().map(|group| failure(&run.agent, seed, group)).collect(),
        targets: run.targets.iter().map(target).collect(),
    }
}

fn pairs(row: &PairedRow) -> ArenaPairs {
    let Pairs { pairs, both, only_it, only_first, neither } = Pairs::of(row);
    ArenaPairs { pairs, both, only_it, only_first, neither }
}

fn failure(agent: &str, seed: u64, group: &FailureGroup) -> ArenaFailure {
    let example = group.examples.first();
    let command = example.map_or_else(String::new, |e| {
        let (level, agent) = (example_words(e), shell_word(std::path::Path::new(agent)));
        // 1 is what `quest play` takes where no seed is named.
        let seed = if seed == 1 { String::new() } else { format!(" --seed {seed}") };
        format!("fqm-pipe quest play {level} --agent {agent}{seed}")
    });
    ArenaFailure {
        pattern: group.failure.words().to_owned(),
        about: group.about.clone(),
        plays: group.plays,
        grades: grades(&group.grades),
        command,
        calls: example.map_or_else(Vec::new, |e| e.calls.clone()),
    }
}

/// The commonest grades with their counts.
fn grades(grades: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = grades.iter().collect();
    sorted.sort_by_key(|(_, plays)| std::cmp::Reverse(**plays));
    let mut words: Vec<String> =
        sorted.iter().take(GRADES).map(|(name, plays)| format!("{name} ({plays})")).collect();
    if sorted.len() > GRADES {
        words.push(format!("{} more", sorted.len() - GRADES));
    }
    words.join(", ")
}

fn target(standing: &crate::evaluate::TargetStanding) -> ArenaTarget {
    let mut says = vec![format!(
        "{} mastered up to level {}",
        counted(standing.mastered as usize, "grade", "grades"),
        standing.level
    )];
    if !standing.missed.is_empty() {
        says.push(format!("not mastered: {}", standing.missed.join(", ")));
    }
    if !standing.too_few.is_empty() {
        says.push(format!("too few plays: {}", standing.too_few.join(", ")));
    }
    if !standing.unplayed.is_empty() {
        says.push(format!("not played: {}", standing.unplayed.join(", ")));
    }
    ArenaTarget {
        family: standing.family.clone(),
        reached: standing.reached,
        says: says.join("; "),
    }
}
