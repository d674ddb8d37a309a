//! Feedback, summed up by episode.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::CurateError;
use super::columns::{Kind, Layout, Need, text};

/// The columns that curation uses.
pub(super) const LAYOUT: Layout = Layout {
    table: "feedback",
    columns: &[
        ("feedback_id", Kind::Text, Need::Must),
        ("episode_id", Kind::Text, Need::Must),
        ("kind", Kind::Text, Need::Must),
        ("name", Kind::Text, Need::May),
        ("score", Kind::Double, Need::Must),
        ("event_id", Kind::Text, Need::May),
        ("correction_json", Kind::Text, Need::May),
        ("known_at", Kind::Time, Need::May),
    ],
};

/// Scores are averaged as whole millionths: a sum of whole numbers is the same in any order, a sum
/// of floating-point numbers is not.
const UNIT: f64 = 1e6;
/// Beyond this no reward is a reward, and its millionths still fit.
const LARGEST: f64 = 1e9;

/// The judgements of people and evaluators, and the outcomes that arrived as feedback.
pub(super) struct Feedback {
    rows: DataFrame,
}

fn is_kind(kinds: &[&str]) -> Expr {
    kinds.iter().map(|kind| col("kind").eq(lit(*kind))).reduce(Expr::or).unwrap_or(lit(false))
}

fn judges() -> Expr {
    is_kind(&["human", "evaluator", "approval"])
}

fn in_range() -> Expr {
    col("score").gt_eq(lit(0.0)).and(col("score").lt_eq(lit(1.0)))
}

impl Feedback {
    /// Reads a table of feedback; of each id the version known last.
    pub(super) fn new(frame: LazyFrame) -> Result<Self, CurateError> {
        let frame = LAYOUT.select(frame)?.filter(col("episode_id").is_not_null());
        Ok(Self { rows: LAYOUT.latest(frame, "feedback_id")? })
    }

    /// Rows whose episode is not there: `episode_id`, `feedback_id`.
    pub(super) fn orphans(&self, episodes: LazyFrame) -> Result<DataFrame, CurateError> {
        let on = || col("episode_id");
        Ok(self.rows.clone().lazy().anti_join(episodes, on(), on()).collect()?)
    }

    /// Judgements whose score is outside 0..=1, and thus on a scale that no threshold knows.
    pub(super) fn out_of_range(&self) -> Result<DataFrame, CurateError> {
        let odd = judges().and(col("score").is_not_null()).and(in_range().not());
        Ok(self.rows.clone().lazy().filter(odd).collect()?)
    }

    /// The calls that people said should have been made, by step. Of several corrections of one step
    /// the one with the last id counts.
    pub(super) fn corrections(&self) -> Result<BTreeMap<String, String>, CurateError> {
        let rows = self.rows.clone().lazy().filter(is_kind(&["correction"]));
        let rows = rows.sort(["feedback_id"], SortMultipleOptions::default()).collect()?;
        let (events, calls) = (text(&rows, "event_id")?, text(&rows, "correction_json")?);
        let pairs = events.iter().zip(calls.iter());
        let named =
            pairs.filter_map(|(event, json)| Some((event?.to_owned(), corrected_call(json?)?)));
        Ok(named.collect())
    }

    /// By episode: `feedback` (mean score of judgements, 0..=1), `judgements` (how many) and
    /// `outcome` (mean of outcomes that arrived as feedback).
    pub(super) fn by_episode(&self) -> Result<DataFrame, CurateError> {
        let rows = || self.rows.clone().lazy();
        let judged = rows()
            .filter(judges().and(in_range()))
            .group_by([col("episode_id")])
            .agg([mean("feedback"), len().cast(DataType::Int64).alias("judgements")]);
        let sane = col("score").gt_eq(lit(-LARGEST)).and(col("score").lt_eq(lit(LARGEST)));
        let outcomes = rows()
            .filter(is_kind(&["outcome"]).and(sane))
            .group_by([col("episode_id")])
            .agg([mean("outcome")]);
        let how = JoinArgs::new(JoinType::Full).with_coalesce(JoinCoalesce::CoalesceColumns);
        Ok(judged.join(outcomes, [col("episode_id")], [col("episode_id")], how).collect()?)
    }
}

/// The call that a correction names: `{"call": "NAME(ARGUMENTS)"}`, or that text alone.
fn corrected_call(json: &str) -> Option<String> {
    let named = match serde_json::from_str(json).ok()? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Object(mut fields) => fields.remove("call")?.as_str()?.to_owned(),
        _ => return None,
    };
    // Prose is a correction too, but not one of a call.
    let call = named.ends_with(')') && named.contains('(');
    call.then_some(named)
}

fn mean(name: &str) -> Expr {
    // Adding half a unit towards the number's own side turns the cut of the cast into rounding.
    let half = when(col("score").lt(lit(0.0))).then(lit(-0.5)).otherwise(lit(0.5));
    let units = (col("score") * lit(UNIT) + half).cast(DataType::Int64);
    let total = units.sum().cast(DataType::Float64);
    (total / (len().cast(DataType::Float64) * lit(UNIT))).alias(name)
}
