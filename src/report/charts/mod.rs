//! Charts as inline SVG, drawn by hand: rows of bars and whiskers that live in table cells, line
//! charts with axes, and the graph of steps. Colour never carries a meaning alone: shape, dash or
//! text says the same.

mod graph;
mod icons;
mod layers;
mod line;
mod rows;
mod scale;

pub(crate) use graph::{Direction, status_class, step_graph};
pub(crate) use icons::icon;
pub(crate) use layers::Layout;
pub(crate) use line::{LineChart, Mark, Point, Series, swatch};
pub(crate) use rows::{axis, bar, funnel, span, stack, whiskers};
