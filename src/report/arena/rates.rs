//! Success and efficiency by level and grade, the spread of calls, and the targets.

use std::collections::BTreeSet;

use super::super::charts::{LineChart, Mark, Point, Series, bar, stack, swatch};
use super::super::format::{count, percent, percent_or_dash};
use super::super::markup::{Markup, piece};
use super::super::sections::{Cell, Column, note, table};
use super::{ArenaAgent, ArenaRate};

/// Line and mark of each agent in turn; both differ, so that nobody needs the colour.
const LINES: [(&str, Mark); 6] = [
    ("series-a", Mark::Dot),
    ("series-b", Mark::Ring),
    ("series-c", Mark::Diamond),
    ("series-d", Mark::Square),
    ("series-e", Mark::Dot),
    ("series-f", Mark::Ring),
];
/// Fill of each class of calls, fewest first.
const CLASSES: [&str; 5] = ["seg-a", "seg-b", "seg-c", "seg-d", "seg-e"];

/// Agents whose grades are drawn as bars besides their numbers.
const BARS: usize = 3;

/// A value of a rate, where it has one.
type Pick = fn(&ArenaRate) -> Option<f64>;

fn line_of(nth: usize) -> (&'static str, Mark) {
    LINES.get(nth % LINES.len()).copied().unwrap_or(("series-a", Mark::Dot))
}

/// The names of all rates that some agent has, in the order of the first one that has them.
fn names(agents: &[ArenaAgent], of: fn(&ArenaAgent) -> &[ArenaRate]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = agents.iter().flat_map(of).map(|rate| rate.name.clone());
    all.filter(|name| seen.insert(name.clone())).collect()
}

/// Two charts, success and efficiency by level, and the table that they are drawn from.
pub(super) fn by_level(m: &mut Markup, agents: &[ArenaAgent]) {
    let levels = names(agents, |agent| &agent.by_level);
    m.el("div", &[("class", "side")], |m| {
        figure(m, agents, &levels, "Success", |rate| Some(rate.success));
        figure(m, agents, &levels, "Efficiency of the successes", |rate| rate.efficiency);
    });
    let mut columns = vec![Column::text("Level"), Column::number("Plays")];
    columns.extend(agents.iter().map(|agent| Column::number(agent.name.clone())));
    let rows = levels.iter().map(|name| {
        let rate = |agent: &ArenaAgent| agent.by_level.iter().find(|r| r.name == *name).cloned();
        let plays = agents.first().and_then(rate).map_or(0, |rate| rate.plays);
        let mut cells = vec![Cell::text(name), Cell::text(count(plays))];
        cells.extend(agents.iter().map(|agent| success(rate(agent).as_ref())));
        cells.into()
    });
    table(m, "Success, and below it the efficiency", &columns, rows.collect());
}

fn success(rate: Option<&ArenaRate>) -> Cell {
    rate.map_or_else(
        || Cell::text("–"),
        |rate| Cell::two(percent(rate.success), percent_or_dash(rate.efficiency)),
    )
}

fn figure(m: &mut Markup, agents: &[ArenaAgent], levels: &[String], title: &str, pick: Pick) {
    let points = |agent: &ArenaAgent, mark| {
        let value = |name: &String| agent.by_level.iter().find(|r| r.name == *name).and_then(pick);
        let point = |(i, name)| Point { x: i as f64, y: value(name).unwrap_or(f64::NAN), mark };
        levels.iter().enumerate().map(point).collect()
    };
    let series = agents.iter().enumerate().map(|(nth, agent)| {
        let (class, mark) = line_of(nth);
        Series { name: agent.name.clone(), class, points: points(agent, mark) }
    });
    let describe = format!("{title} by level for each agent; the table below holds the values.");
    let chart = LineChart {
        describe: &describe,
        x_label: "",
        names: Some(levels),
        rate: true,
        series: series.collect(),
    };
    m.el("figure", &[], |m| {
        m.el("figcaption", &[("class", "legend")], |m| {
            m.leaf("strong", &[], title);
            for (nth, agent) in agents.iter().enumerate() {
                let (class, mark) = line_of(nth);
                m.el("span", &[], |m| {
                    m.add(&swatch(class, Some(mark), true));
                    m.text(&agent.name);
                });
            }
        });
        m.add(&chart.draw());
    });
}

/// The plays of each agent by the calls that they took: a bar of the classes, and their counts.
pub(super) fn spread(m: &mut Markup, agents: &[ArenaAgent]) {
    note(
        m,
        "Successes by calls used over the least possible, from the left: darkest for the least \
         itself, then paler. What failed is hatched.",
    );
    let Some(first) = agents.first() else { return };
    let mut columns = vec![Column::text("Agent"), Column::chart("Share of the plays", None)];
    columns.extend(first.spread.iter().map(|(class, _)| Column::number(class.clone())));
    let rows = agents.iter().map(|agent| {
        let total: u64 = agent.spread.iter().map(|(_, plays)| plays).sum();
        let last = agent.spread.len().saturating_sub(1);
        let part = |(i, (_, plays)): (usize, &(String, u64))| {
            let class =
                if i == last { "dropped" } else { CLASSES.get(i).copied().unwrap_or("past") };
            (*plays as f64 / total.max(1) as f64, class)
        };
        let parts: Vec<_> = agent.spread.iter().enumerate().map(part).collect();
        let mut cells = vec![Cell::text(&agent.name), Cell::markup(stack(&parts))];
        cells.extend(agent.spread.iter().map(|(_, plays)| Cell::text(count(*plays))));
        cells.into()
    });
    table(m, "Plays by calls used, in multiples of the least possible", &columns, rows.collect());
}

/// Which families' targets each agent reaches.
pub(super) fn targets(m: &mut Markup, agents: &[ArenaAgent]) {
    if agents.iter().all(|agent| agent.targets.is_empty()) {
        return note(m, "No family with a target was played.");
    }
    note(
        m,
        "A target is reached where every challenge of every level up to the stated one is mastered; \
         mastery is a success rate, an efficiency and a number of successes in a row.",
    );
    let columns = [
        Column::text("Agent"),
        Column::text("Family"),
        Column::text("Target"),
        Column::text("In words"),
    ];
    let rows = agents.iter().flat_map(|agent| {
        agent.targets.iter().map(|target| {
            let (class, word) =
                if target.reached { ("good", "Reached") } else { ("quiet", "Not reached") };
            let class = format!("verdict {class}");
            vec![
                Cell::text(&agent.name),
                Cell::text(&target.family),
                Cell::markup(piece(|m| m.leaf("span", &[("class", &class)], word))),
                Cell::text(&target.says),
            ]
            .into()
        })
    });
    table(m, "Targets by agent and family", &columns, rows.collect());
}

/// Success by family, level and challenge.
pub(super) fn grades(m: &mut Markup, agents: &[ArenaAgent]) {
    note(
        m,
        "A grade that an agent masters is marked; the second line is the efficiency. Mastery of a \
         grade wants plays on a number of different levels; where there were fewer, the line says so.",
    );
    // More bars than these leave no room for the numbers on a usual screen.
    let bars = agents.len() <= BARS;
    let mut columns = vec![Column::text("Grade"), Column::number("Plays")];
    for agent in agents {
        columns.push(Column::number(agent.name.clone()));
        if bars {
            columns.push(Column::chart("", None));
        }
    }
    let rows = names(agents, |agent| &agent.grades).into_iter().map(|name| {
        let rate = |agent: &ArenaAgent| agent.grades.iter().find(|r| r.name == name).cloned();
        let plays = agents.first().and_then(rate).map_or(0, |rate| rate.plays);
        let mut cells = vec![Cell::text(&name), Cell::text(count(plays))];
        for agent in agents {
            let rate = rate(agent);
            let mastered = rate.as_ref().is_some_and(|r| r.mastered);
            let mark = if mastered { "mastered " } else { "" };
            cells.push(rate.as_ref().map_or_else(
                || Cell::text("–"),
                |r| Cell::two(format!("{mark}{}", percent(r.success)), under(r)),
            ));
            if bars {
                let class = if mastered { "fill" } else { "past" };
                cells.push(Cell::markup(bar(rate.map_or(0.0, |r| r.success), None, class)));
            }
        }
        cells.into()
    });
    table(m, "Success by family, level and challenge", &columns, rows.collect());
}

/// The efficiency in a grade, and why it cannot be mastered where too little was played.
fn under(rate: &ArenaRate) -> String {
    let efficiency = percent_or_dash(rate.efficiency);
    match rate.too_few {
        Some((levels, wanted)) => format!("{efficiency}, too few plays ({levels} of {wanted})"),
        None => efficiency,
    }
}
