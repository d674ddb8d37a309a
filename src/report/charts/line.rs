//! Line charts with axes: learning curves and the success of the last nights.

use super::super::format::{coordinate, month_day, number};
use super::super::markup::{Markup, piece};
use super::scale::{Scale, ticks};

/// Width and height of the drawing in its own units; it scales with its place on the page.
const SIZE: (f64, f64) = (360.0, 210.0);
/// Left, right, top and bottom margins, in the same units.
const MARGIN: (f64, f64, f64, f64) = (46.0, 16.0, 12.0, 40.0);
/// More names than this under a chart would overlap.
const NAMES: usize = 6;

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Filled circle.
    Dot,
    /// Hollow circle.
    Ring,
    /// Filled diamond.
    Diamond,
    /// Hollow square.
    Square,
}

/// One point; x is a value, or the index of a name.
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) mark: Mark,
}

/// One line.
pub(crate) struct Series {
    pub(crate) name: String,
    /// `series-a` (solid) or `series-b` (dashed).
    pub(crate) class: &'static str,
    pub(crate) points: Vec<Point>,
}

/// A chart of lines over a common x.
pub(crate) struct LineChart<'a> {
    /// What is drawn, in words, for those who do not see it.
    pub(crate) describe: &'a str,
    pub(crate) x_label: &'a str,
    /// Names instead of numbers along x; a point's x is then an index.
    pub(crate) names: Option<&'a [String]>,
    /// Whether y is a rate from 0 to 1, drawn as 0 to 100 %.
    pub(crate) rate: bool,
    pub(crate) series: Vec<Series>,
}

impl LineChart<'_> {
    /// The chart; an empty piece when no point is finite.
    pub(crate) fn draw(&self) -> Markup {
        let finite = |p: &&Point| p.x.is_finite() && p.y.is_finite();
        let all: Vec<&Point> =
            self.series.iter().flat_map(|s| s.points.iter()).filter(finite).collect();
        if all.is_empty() {
            return Markup::new();
        }
        let y_ticks = if self.rate {
            vec![0.0, 0.25, 0.5, 0.75, 1.0]
        } else {
            let (low, high) = bounds(all.iter().map(|p| p.y));
            // A loss that starts above zero is drawn down to zero, so that its fall is honest.
            ticks(if low >= 0.0 { 0.0 } else { low }, high, 4)
        };
        let x = Scale { from: self.x_range(&all), to: (MARGIN.0 + 8.0, SIZE.0 - MARGIN.1) };
        let ends =
            (y_ticks.first().copied().unwrap_or(0.0), y_ticks.last().copied().unwrap_or(1.0));
        let y = Scale { from: ends, to: (SIZE.1 - MARGIN.3, MARGIN.2) };
        let view = format!("0 0 {} {}", SIZE.0, SIZE.1);
        let attrs = [
            ("class", "line-chart"),
            ("viewBox", view.as_str()),
            ("role", "img"),
            ("aria-label", self.describe),
        ];
        piece(|m| {
            m.el("svg", &attrs, |m| {
                self.y_axis(m, &y_ticks, y);
                self.x_axis(m, x, &all);
                for series in &self.series {
                    draw_series(m, series, x, y);
                }
            });
        })
    }

    fn x_range(&self, all: &[&Point]) -> (f64, f64) {
        match self.names {
            Some(names) if names.len() > 1 => (0.0, names.len() as f64 - 1.0),
            Some(_) => (-0.5, 0.5),
            None => {
                let (low, high) = bounds(all.iter().map(|p| p.x));
                if low == high { (low - 0.5, high + 0.5) } else { (low, high) }
            }
        }
    }

    fn y_axis(&self, m: &mut Markup, values: &[f64], y: Scale) {
        for v in values {
            let at = coordinate(y.at(*v));
            let (left, right) = (coordinate(MARGIN.0), coordinate(SIZE.0 - MARGIN.1));
            let attrs =
                [("class", "grid"), ("x1", &left), ("y1", &at), ("x2", &right), ("y2", &at)];
            m.void("line", &attrs.map(|(k, v)| (k, v)));
            let label = if self.rate { format!("{:.0} %", v * 100.0) } else { number(*v) };
            let (x, base) = (coordinate(MARGIN.0 - 6.0), coordinate(y.at(*v) + 4.0));
            m.leaf("text", &[("x", &x), ("y", &base), ("text-anchor", "end")], &label);
        }
    }

    fn x_axis(&self, m: &mut Markup, x: Scale, all: &[&Point]) {
        let base = coordinate(SIZE.1 - MARGIN.3 + 17.0);
        for (value, label) in self.x_labels(all) {
            let at = coordinate(x.at(value));
            m.leaf("text", &[("x", &at), ("y", &base), ("text-anchor", "middle")], &label);
        }
        let middle = coordinate((x.to.0 + x.to.1) / 2.0);
        let under = coordinate(SIZE.1 - 5.0);
        let attrs = [
            ("class", "axis-name"),
            ("x", middle.as_str()),
            ("y", under.as_str()),
            ("text-anchor", "middle"),
        ];
        m.leaf("text", &attrs, self.x_label);
    }

    /// Where labels stand along x: names thinned until they fit, the last one always there.
    fn x_labels(&self, all: &[&Point]) -> Vec<(f64, String)> {
        if let Some(names) = self.names {
            let stride = names.len().div_ceil(NAMES).max(1);
            let last = names.len().saturating_sub(1);
            let shown = names.iter().enumerate().filter(|(i, _)| (last - i) % stride == 0);
            return shown.map(|(i, n)| (i as f64, month_day(n).to_owned())).collect();
        }
        let (low, high) = bounds(all.iter().map(|p| p.x));
        let whole = |v: &f64| v.fract() == 0.0 && *v >= low && *v <= high;
        let mut values: Vec<f64> = ticks(low, high, 6).into_iter().filter(whole).collect();
        if values.is_empty() {
            values.push(low);
        }
        values.into_iter().map(|v| (v, number(v))).collect()
    }
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
}

/// The line breaks where a value is missing or not finite.
fn draw_series(m: &mut Markup, series: &Series, x: Scale, y: Scale) {
    m.el("g", &[("class", series.class)], |m| {
        m.leaf("title", &[], &series.name);
        for run in series.points.split(|p| !(p.x.is_finite() && p.y.is_finite())) {
            let at = |p: &Point| format!("{},{}", coordinate(x.at(p.x)), coordinate(y.at(p.y)));
            let points: Vec<String> = run.iter().map(at).collect();
            if points.len() > 1 {
                m.void("polyline", &[("points", &points.join(" "))]);
            }
            // Marks on every one of a hundred epochs would be a caterpillar.
            let stride = (run.len() / 24).max(1);
            let last = run.len().saturating_sub(1);
            for (_, p) in run.iter().enumerate().filter(|(i, _)| (last - i) % stride == 0) {
                mark(m, p.mark, x.at(p.x), y.at(p.y));
            }
        }
    });
}

fn mark(m: &mut Markup, mark: Mark, x: f64, y: f64) {
    let place = format!("translate({} {})", coordinate(x), coordinate(y));
    let (class, d) = shape(mark);
    m.void("path", &[("class", class), ("transform", &place), ("d", d)]);
}

fn shape(mark: Mark) -> (&'static str, &'static str) {
    match mark {
        Mark::Dot => ("full", "M-3.5 0A3.5 3.5 0 1 1 3.5 0 3.5 3.5 0 1 1 -3.5 0Z"),
        Mark::Ring => ("hollow", "M-4 0A4 4 0 1 1 4 0 4 4 0 1 1 -4 0Z"),
        Mark::Diamond => ("full", "M0 -5.5 5.5 0 0 5.5 -5.5 0Z"),
        Mark::Square => ("hollow", "M-3.8 -3.8H3.8V3.8H-3.8Z"),
    }
}

/// A short piece of line with its mark, for the legend.
pub(crate) fn swatch(class: &str, with: Option<Mark>, line: bool) -> Markup {
    let attrs = [
        ("class", "swatch"),
        ("viewBox", "0 0 28 14"),
        ("width", "28"),
        ("height", "14"),
        ("aria-hidden", "true"),
    ];
    piece(|m| {
        m.el("svg", &attrs, |m| {
            m.el("g", &[("class", class)], |m| {
                if line {
                    m.void("polyline", &[("points", "1,7 27,7")]);
                }
                if let Some(with) = with {
                    mark(m, with, 14.0, 7.0);
                }
            });
        });
    })
}
