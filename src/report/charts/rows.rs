//! Charts that are one table cell high: x runs in percent of the cell, so they fit any width
//! without scaling the text. The table around them states the same numbers in words, therefore
//! they are hidden from screen readers.

use super::super::format::coordinate;
use super::super::markup::{Markup, piece};
use super::super::model::Interval;

/// An SVG that is as wide as its cell.
fn strip(height: u32, class: &str, body: impl FnOnce(&mut Markup)) -> Markup {
    let height = height.to_string();
    let attrs =
        [("class", class), ("width", "100%"), ("height", height.as_str()), ("aria-hidden", "true")];
    piece(|m| m.el("svg", &attrs, body))
}

/// A share from 0 to 1 as a percentage of the width, kept inside.
fn share(v: f64) -> f64 {
    if v.is_finite() { v.clamp(0.0, 1.0) * 100.0 } else { 0.0 }
}

fn pc(v: f64) -> String {
    format!("{}%", coordinate(v))
}

fn rect(m: &mut Markup, class: &str, from: f64, to: f64, y: &str, height: &str) {
    let (x, width) = (pc(from), pc((to - from).max(0.0)));
    let attrs = [
        ("class", class),
        ("x", x.as_str()),
        ("y", y),
        ("width", width.as_str()),
        ("height", height),
        ("rx", "2"),
    ];
    m.void("rect", &attrs);
}

fn line(m: &mut Markup, class: &str, from: (f64, &str), to: (f64, &str)) {
    let (x1, x2) = (pc(from.0), pc(to.0));
    let attrs =
        [("class", class), ("x1", x1.as_str()), ("y1", from.1), ("x2", x2.as_str()), ("y2", to.1)];
    m.void("line", &attrs);
}

/// A plain bar of a share of the width, with an optional mark at another share.
pub(crate) fn bar(of: f64, mark: Option<f64>, class: &str) -> Markup {
    strip(18, "strip", |m| {
        rect(m, "track", 0.0, 100.0, "3", "12");
        rect(m, class, 0.0, share(of), "3", "12");
        if let Some(at) = mark {
            line(m, "mark", (share(at), "0"), (share(at), "18"));
        }
    })
}

/// What stays (solid) and what a rule drops (hatched), both as shares of what came in first.
pub(crate) fn funnel(stays: f64, came: f64) -> Markup {
    strip(18, "strip", |m| {
        rect(m, "track", 0.0, 100.0, "3", "12");
        rect(m, "fill", 0.0, share(stays), "3", "12");
        rect(m, "dropped", share(stays), share(came), "3", "12");
    })
}

/// Parts of a whole, one after the other: the share and the class of each.
pub(crate) fn stack(parts: &[(f64, &str)]) -> Markup {
    strip(18, "strip", |m| {
        rect(m, "track", 0.0, 100.0, "3", "12");
        let mut from = 0.0;
        for (part, class) in parts {
            let to = from + part;
            if *part > 0.0 {
                rect(m, class, share(from), share(to), "3", "12");
            }
            from = to;
        }
    })
}

/// A span of time as shares of the whole; a very short one still shows as a thin line.
pub(crate) fn span(from: f64, to: f64, class: &str) -> Markup {
    strip(18, "strip", |m| {
        grid(m, &[0.0, 0.25, 0.5, 0.75, 1.0], "18");
        rect(m, class, share(from), share(to), "3", "12");
        line(m, "start", (share(from), "3"), (share(from), "15"));
    })
}

/// Champion (hollow circle, above) and challenger (filled diamond, below) with their intervals.
pub(crate) fn whiskers(champion: Option<&Interval>, challenger: Option<&Interval>) -> Markup {
    let both = champion.is_some() && challenger.is_some();
    let (height, above, below) = if both { (34, "10", "24") } else { (22, "11", "11") };
    strip(height, "strip", |m| {
        grid(m, &[0.0, 0.25, 0.5, 0.75, 1.0], "100%");
        if let Some(c) = champion {
            whisker(m, c, above, "champion", "M-4.5 0A4.5 4.5 0 1 1 4.5 0 4.5 4.5 0 1 1 -4.5 0Z");
        }
        if let Some(c) = challenger {
            whisker(m, c, below, "challenger", "M0 -5.5 5.5 0 0 5.5 -5.5 0Z");
        }
    })
}

fn whisker(m: &mut Markup, i: &Interval, y: &str, class: &str, shape: &str) {
    m.el("g", &[("class", class)], |m| {
        if i.low.is_finite() && i.high.is_finite() {
            line(m, "whisker", (share(i.low), y), (share(i.high), y));
        }
        if i.mean.is_finite() {
            let x = pc(share(i.mean));
            // A nested picture is the way to place a path at a percentage.
            let attrs = [("x", x.as_str()), ("y", y), ("overflow", "visible")];
            m.el("svg", &attrs, |m| m.void("path", &[("d", shape)]));
        }
    });
}

/// The labels of an axis, at shares of the width; the outer ones stay inside the cell.
pub(crate) fn axis(labels: &[(f64, String)]) -> Markup {
    strip(16, "strip axis", |m| {
        for (at, label) in labels {
            let x = pc(share(*at));
            let anchor = match *at {
                a if a <= 0.0 => "start",
                a if a >= 1.0 => "end",
                _ => "middle",
            };
            let attrs = [("x", x.as_str()), ("y", "12"), ("text-anchor", anchor)];
            m.leaf("text", &attrs, label);
        }
    })
}

fn grid(m: &mut Markup, at: &[f64], height: &str) {
    for a in at {
        line(m, "grid", (share(*a), "0"), (share(*a), height));
    }
}
