//! The graph of steps: boxes with status, time and arrows, from left to right on wide pages and
//! from top to bottom on narrow ones.

use std::collections::BTreeMap;

use super::super::format::{coordinate, cut, duration, step_word};
use super::super::markup::{Markup, piece};
use super::super::model::{StepReport, StepStatus};
use super::icons::icon_path;
use super::layers::{Layout, Slot};

/// Width and height of a step's box.
const BOX: (f64, f64) = (134.0, 58.0);
/// What an arrow takes up where it only passes.
const PASS: f64 = 14.0;
/// Between layers, and between the places of one layer.
const GAP: (f64, f64) = (30.0, 14.0);
/// Around the whole.
const EDGE: f64 = 3.0;

/// Which way the layers run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Layers from left to right.
    Across,
    /// Layers from top to bottom.
    Down,
}

/// Centre of each place in the drawing.
type Places = BTreeMap<(usize, Slot), (f64, f64)>;

/// Draws the steps; their table says the same in words.
pub(crate) fn step_graph(steps: &[StepReport], layout: &Layout, way: Direction) -> Markup {
    let (places, size) = place(layout, way);
    let view = format!("0 0 {} {}", coordinate(size.0), coordinate(size.1));
    let class = if way == Direction::Across { "graph across" } else { "graph down" };
    let width = coordinate(size.0);
    let attrs = [
        ("class", class),
        ("viewBox", view.as_str()),
        ("width", width.as_str()),
        ("role", "img"),
        ("aria-label", "Graph of the steps; the table below holds the same."),
    ];
    piece(|m| {
        m.el("svg", &attrs, |m| {
            for arrow in &layout.arrows {
                draw_arrow(m, arrow, &places, way);
            }
            for (key, centre) in &places {
                if let (_, Slot::Step(i)) = key
                    && let Some(step) = steps.get(*i)
                {
                    draw_step(m, step, *centre);
                }
            }
        });
    })
}

/// How much room a place takes across its layer.
fn breadth(slot: &Slot, way: Direction) -> f64 {
    match (slot, way) {
        (Slot::Pass(..), _) => PASS,
        (Slot::Step(_), Direction::Across) => BOX.1,
        (Slot::Step(_), Direction::Down) => BOX.0,
    }
}

fn place(layout: &Layout, way: Direction) -> (Places, (f64, f64)) {
    let span = |layer: &Vec<Slot>| {
        let gaps = layer.len().saturating_sub(1) as f64 * GAP.1;
        layer.iter().map(|s| breadth(s, way)).sum::<f64>() + gaps
    };
    let widest = layout.layers.iter().map(span).fold(0.0, f64::max);
    let deep = if way == Direction::Across { BOX.0 } else { BOX.1 };
    let mut places = Places::new();
    for (depth, layer) in layout.layers.iter().enumerate() {
        let along = EDGE + depth as f64 * (deep + GAP.0) + deep / 2.0;
        let mut across = EDGE + (widest - span(layer)) / 2.0;
        for slot in layer {
            let room = breadth(slot, way);
            let centre = across + room / 2.0;
            across += room + GAP.1;
            let at = if way == Direction::Across { (along, centre) } else { (centre, along) };
            places.insert((depth, *slot), at);
        }
    }
    let count = layout.layers.len() as f64;
    let long = 2.0 * EDGE + count * deep + (count - 1.0).max(0.0) * GAP.0;
    let wide = widest + 2.0 * EDGE;
    (places, if way == Direction::Across { (long, wide) } else { (wide, long) })
}

fn draw_arrow(m: &mut Markup, arrow: &[(usize, Slot)], places: &Places, way: Direction) {
    let across = way == Direction::Across;
    let half = if across { BOX.0 / 2.0 } else { BOX.1 / 2.0 };
    // A point before or after the centre, along the way the layers run.
    let shift = |p: (f64, f64), by: f64| if across { (p.0 + by, p.1) } else { (p.0, p.1 + by) };
    let mut d = String::new();
    let mut tip = (0.0, 0.0);
    for (from, to) in arrow.iter().zip(arrow.iter().skip(1)) {
        let (Some(a), Some(b)) = (places.get(from), places.get(to)) else { continue };
        let ends = matches!(to.1, Slot::Step(_));
        let (start, end) = (shift(*a, half), shift(*b, if ends { -half - 4.0 } else { -half }));
        d.push_str(&curve(start, end, across));
        if ends {
            tip = shift(*b, -half);
        } else {
            // Straight on, beside the boxes of the layer it passes.
            d.push_str(&format!("L{}", pair(shift(*b, half))));
        }
    }
    m.void("path", &[("class", "arrow"), ("d", &d)]);
    let head = [shift(tip, -7.0), shift(tip, -1.0)];
    let (back, front) = (head[0], head[1]);
    let wing = |by: f64| if across { (back.0, back.1 + by) } else { (back.0 + by, back.1) };
    let d = format!("M{}L{}L{}Z", pair(wing(-4.0)), pair(front), pair(wing(4.0)));
    m.void("path", &[("class", "arrow-head"), ("d", &d)]);
}

fn curve(a: (f64, f64), b: (f64, f64), across: bool) -> String {
    let (c, d) = if across {
        let mid = (a.0 + b.0) / 2.0;
        ((mid, a.1), (mid, b.1))
    } else {
        let mid = (a.1 + b.1) / 2.0;
        ((a.0, mid), (b.0, mid))
    };
    format!("M{}C{} {} {}", pair(a), pair(c), pair(d), pair(b))
}

fn pair(p: (f64, f64)) -> String {
    format!("{},{}", coordinate(p.0), coordinate(p.1))
}

/// The class of a status, for colours and outlines.
pub(crate) fn status_class(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Done => "done",
        StepStatus::Hit => "hit",
        StepStatus::Failed => "failed",
        StepStatus::Skipped => "skipped",
        StepStatus::Blocked => "blocked",
        StepStatus::Running => "running",
    }
}

fn draw_step(m: &mut Markup, step: &StepReport, centre: (f64, f64)) {
    let place = format!(
        "translate({} {})",
        coordinate(centre.0 - BOX.0 / 2.0),
        coordinate(centre.1 - BOX.1 / 2.0)
    );
    let class = format!("step {}", status_class(step.status));
    let (width, height) = (coordinate(BOX.0), coordinate(BOX.1));
    m.el("g", &[("class", &class), ("transform", &place)], |m| {
        m.leaf("title", &[], &format!("{}: {}", step.id, step_word(step.status)));
        // Work of this night has square corners, the cache's round ones.
        let radius = if step.status == StepStatus::Hit { "18" } else { "5" };
        m.void("rect", &[("width", &width), ("height", &height), ("rx", radius)]);
        m.el("g", &[("class", "sign"), ("transform", "translate(10 9)")], |m| {
            m.void("path", &[("d", icon_path(step.status))]);
        });
        m.leaf("text", &[("class", "name"), ("x", "30"), ("y", "20")], &cut(&step.id, 14));
        m.leaf("text", &[("class", "uses"), ("x", "12"), ("y", "36")], &cut(&step.uses, 19));
        m.leaf("text", &[("class", "time"), ("x", "12"), ("y", "50")], &caption(step));
    });
}

fn caption(step: &StepReport) -> String {
    let word = step_word(step.status);
    match (step.status, step.duration_ms) {
        (StepStatus::Done, Some(ms)) => duration(ms),
        (StepStatus::Failed, Some(ms)) => format!("failed after {}", duration(ms)),
        _ => word.to_owned(),
    }
}
