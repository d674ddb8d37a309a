//! One small sign per status, different in shape, so that nobody needs the colour.

use super::super::markup::{Markup, piece};
use super::super::model::StepStatus;

/// The sign of a step's status in a box of 14 × 14, to be placed by the caller.
pub(crate) fn icon_path(status: StepStatus) -> &'static str {
    match status {
        // A tick.
        StepStatus::Done => "M2.5 7.5 5.8 11 11.5 3.5",
        // Two equal lines: the same as before.
        StepStatus::Hit => "M2.5 5H11.5M2.5 9H11.5",
        // A cross.
        StepStatus::Failed => "M3 3 11 11M11 3 3 11",
        // Two arrow heads, as on a player's skip key.
        StepStatus::Skipped => "M2.5 3 6.5 7 2.5 11M7.5 3 11.5 7 7.5 11",
        // A no-entry sign.
        StepStatus::Blocked => "M7 1.8A5.2 5.2 0 1 0 7 12.2 5.2 5.2 0 1 0 7 1.8ZM3.6 7H10.4",
        // A triangle, as on a player's play key.
        StepStatus::Running => "M4 2.5 11 7 4 11.5Z",
    }
}

/// The sign as an SVG of its own, for running text.
pub(crate) fn icon(status: StepStatus) -> Markup {
    piece(|m| {
        let attrs = [("class", "icon"), ("viewBox", "0 0 14 14"), ("aria-hidden", "true")];
        m.el("svg", &attrs, |m| m.void("path", &[("d", icon_path(status))]));
    })
}
