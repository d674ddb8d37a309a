//! The failures of each agent, grouped, with one play of each group to look at.

use super::super::charts::bar;
use super::super::format::{capital, count, counted};
use super::super::markup::{Markup, piece};
use super::super::sections::{Cell, Column, command_words, note, table};
use super::{ArenaAgent, ArenaFailure};

/// Groups shown for each agent.
const GROUPS: usize = 12;
/// Calls shown of an example.
const CALLS: usize = 40;

/// One table for each agent that failed.
pub(super) fn show(m: &mut Markup, agents: &[ArenaAgent]) {
    if agents.iter().all(|agent| agent.failures.is_empty()) {
        return note(m, "No play failed.");
    }
    for agent in agents.iter().filter(|agent| !agent.failures.is_empty()) {
        m.leaf("h3", &[], &agent.name);
        note(m, &format!("By pattern: {}.", agent.patterns));
        of_agent(m, agent);
        let hidden = agent.failures.len().saturating_sub(GROUPS);
        if hidden > 0 {
            note(
                m,
                &format!(
                    "{} more, each rarer, stand in the JSON.",
                    counted(hidden as u64, "group", "groups")
                ),
            );
        }
    }
}

fn of_agent(m: &mut Markup, agent: &ArenaAgent) {
    let failed: u64 = agent.failures.iter().map(|group| group.plays).sum();
    let columns = [
        Column::text("Pattern"),
        Column::chart("Share of the failures", None),
        Column::number("Plays"),
        Column::text("Where"),
        Column::text("For example"),
    ];
    let rows = agent.failures.iter().take(GROUPS).map(|group| {
        vec![
            Cell::two(capital(&group.pattern), &group.about),
            Cell::markup(bar(group.plays as f64 / failed.max(1) as f64, None, "warn")),
            Cell::text(count(group.plays)),
            Cell::text(&group.grades),
            Cell::markup(example(group)),
        ]
        .into()
    });
    table(
        m,
        &format!("{} that failed", counted(failed, "play", "plays")),
        &columns,
        rows.collect(),
    );
}

fn example(group: &ArenaFailure) -> Markup {
    piece(|m| {
        command_words(m, &group.command);
        m.el("details", &[], |m| {
            m.leaf("summary", &[], &counted(group.calls.len() as u64, "call", "calls"));
            let more = group.calls.len().saturating_sub(CALLS);
            let mut shown = group.calls.iter().take(CALLS).cloned().collect::<Vec<_>>();
            if more > 0 {
                shown.push(format!("and {more} more"));
            }
            m.leaf("small", &[], &shown.join(", "));
        });
    })
}
