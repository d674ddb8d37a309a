//! From the results of `quest run` to the plain values of its page.

use std::collections::BTreeMap;

use super::super::output::shell_word;
use super::scores::example_words;
use super::words::counted;
use crate::core::Digest;
use crate::evaluate::{AgentRun, ArenaRun, FailureGroup, Score};
use crate::report::{self, ArenaAgent, ArenaFailure, ArenaRate, ArenaReport, ArenaTarget};

/// Grades named for a group of failures.
const GRADES: usize = 4;

pub(super) fn report(run: &ArenaRun, digest: &Digest) -> ArenaReport {
    let first = run.agents.first();
    let plays = first.map_or(0, |a| a.overall.episodes);
    let families: Vec<&str> =
        first.map_or_else(Vec::new, |a| a.by_family.iter().map(|f| f.name.as_str()).collect());
    let source = match run.request.split {
        Some(split) => format!("fresh levels of the {} split", format!("{split:?}").to_lowercase()),
        None => "the given levels".to_owned(),
    };
    ArenaReport {
        title: format!("{} on Function Quest", counted(run.agents.len(), "agent", "agents")),
        asked: format!(
            "{} plays for each agent on {source}, families {}, seed {}",
            plays,
            families.join(", "),
            run.request.seed
        ),
        digest: digest.to_string(),
        agents: run.agents.iter().map(|one| agent(one, run.request.seed)).collect(),
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
    };
    let grade = |g: &crate::evaluate::Mastery| {
        level(&format!("{} {}.{}", g.family, g.level, g.challenge), &g.score, g.mastered)
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
        failures: run.failures.iter().map(|group| failure(&run.agent, seed, group)).collect(),
        targets: run.targets.iter().map(target).collect(),
    }
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
    if !standing.unplayed.is_empty() {
        says.push(format!("not played: {}", standing.unplayed.join(", ")));
    }
    ArenaTarget {
        family: standing.family.clone(),
        reached: standing.reached,
        says: says.join("; "),
    }
}
