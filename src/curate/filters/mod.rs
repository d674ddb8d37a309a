//! The filters, one file each, all of one shape: they look at the table of episodes that are still
//! in and say which rows their rules drop. None of them takes a row out itself.

pub(super) mod decontaminate;
pub(super) mod exact_dedup;
pub(super) mod length;
pub(super) mod quality;
pub(super) mod schema_consent;
pub(super) mod scrub_check;
pub(super) mod split;

use polars::prelude::DataFrame;

use super::columns::text;
use super::{CurateContext, CurateError, CurateParams, Dropped, Role};

/// One filter.
pub(super) struct Filter {
    /// Its name in drops and in the waterfall.
    pub(super) stage: &'static str,
    /// Its rules and the role that each decides on, in the order in which they are booked.
    pub(super) rules: &'static [(&'static str, Role)],
    /// What it drops.
    pub(super) find: fn(&Table, &Setting) -> Result<Vec<Finding>, CurateError>,
}

/// The filters in their order.
pub(super) const FILTERS: [&Filter; 6] = [
    &schema_consent::FILTER,
    &exact_dedup::FILTER,
    &scrub_check::FILTER,
    &length::FILTER,
    &quality::FILTER,
    &decontaminate::FILTER,
];

/// What filters look at: a piece of the window's episodes, and what belongs to them. They look at one
/// episode at a time (copies are marked before), so the pieces decide on nothing.
pub(super) struct Table {
    /// The episodes that are still in, sorted by id; columns as `episodes::candidates` makes them,
    /// and `leader` as `exact_dedup` marks it.
    pub(super) episodes: DataFrame,
    /// Steps without an episode: `episode_id`, `event_id`.
    pub(super) orphan_steps: DataFrame,
    /// Feedback without an episode: `episode_id`, `feedback_id`.
    pub(super) orphan_feedback: DataFrame,
    /// Judgements on a scale that no threshold knows.
    pub(super) odd_feedback: DataFrame,
}

/// What filters are told.
pub(super) struct Setting<'a> {
    pub(super) params: &'a CurateParams,
    pub(super) context: &'a CurateContext,
}

/// One row that a rule drops.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) rule: &'static str,
    pub(super) what: Dropped,
    pub(super) episode_id: String,
    pub(super) event_id: Option<String>,
    pub(super) measured: Option<f64>,
    pub(super) threshold: Option<f64>,
    pub(super) evidence: String,
    pub(super) matched_id: Option<String>,
}

impl Finding {
    /// An episode that a rule drops, and why.
    pub(super) fn episode(rule: &'static str, id: &str, evidence: impl Into<String>) -> Self {
        Self {
            rule,
            what: Dropped::Episode,
            episode_id: id.to_owned(),
            event_id: None,
            measured: None,
            threshold: None,
            evidence: evidence.into(),
            matched_id: None,
        }
    }

    fn row(self, what: Dropped, event_id: Option<&str>) -> Self {
        Self { what, event_id: event_id.map(str::to_owned), ..self }
    }

    fn at(self, event_id: Option<&str>) -> Self {
        Self { event_id: event_id.map(str::to_owned), ..self }
    }

    fn measured(self, measured: f64, threshold: f64) -> Self {
        Self { measured: Some(measured), threshold: Some(threshold), ..self }
    }

    fn matching(self, id: &str) -> Self {
        Self { matched_id: Some(id.to_owned()), ..self }
    }
}

/// One finding for each episode of a frame.
fn each(
    frame: &DataFrame,
    mut of: impl FnMut(&str, usize) -> Finding,
) -> Result<Vec<Finding>, CurateError> {
    let ids = text(frame, "episode_id")?;
    Ok(ids.iter().enumerate().map(|(row, id)| of(id.unwrap_or_default(), row)).collect())
}
