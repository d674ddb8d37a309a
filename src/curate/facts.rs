//! What is known of the episodes of a window before the filters run. It stays in narrow columns, and
//! is joined piece by piece: a window may have a million episodes.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::columns::text;
use super::episodes::{candidates, load};
use super::feedback::Feedback;
use super::filters::Table;
use super::steps::StepReader;
use super::summary::summarise;
use super::{CurateContext, CurateError, Sources};

/// Rows in the order of their episodes, and where they are cut.
pub(super) struct Facts {
    episodes: Ordered,
    steps: Ordered,
    feedback: Ordered,
    orphan_feedback: Ordered,
    odd_feedback: Ordered,
    /// Calls that people said should have been made, by step.
    corrections: BTreeMap<String, String>,
    /// The episode and event ids of all steps, not read yet.
    step_ids: LazyFrame,
    /// The first id of each piece but the first.
    bounds: Vec<String>,
}

impl Facts {
    /// Reads everything but the steps' content, which is summed up span by span.
    pub(super) fn gather(
        sources: Sources,
        steps: &mut StepReader,
        context: &CurateContext,
    ) -> Result<Self, CurateError> {
        // The steps come first: while they are read, nothing else needs room.
        let summary = summarise(steps, &context.eval_narratives)?;
        let episodes = load(sources.episodes)?;
        let ids = || episodes.clone().lazy().select([col("episode_id")]);
        let feedback = Feedback::new(sources.feedback)?;
        Ok(Self {
            orphan_feedback: Ordered::new(feedback.orphans(ids())?)?,
            odd_feedback: Ordered::new(feedback.out_of_range()?)?,
            corrections: feedback.corrections()?,
            feedback: Ordered::new(feedback.by_episode()?)?,
            steps: Ordered::new(summary)?,
            step_ids: steps.ids(),
            bounds: steps.bounds(),
            episodes: Ordered::new(episodes)?,
        })
    }

    /// The call that a person said should have been made at a step.
    pub(super) fn correction(&self, event: &str) -> Option<&String> {
        self.corrections.get(event)
    }

    /// How many pieces there are: one per span of steps, at least one.
    pub(super) fn pieces(&self) -> usize {
        self.bounds.len() + 1
    }

    /// The episodes of one piece. What has no episode stands with those that it would lie between.
    pub(super) fn piece(&self, at: usize) -> Result<Table, CurateError> {
        let from = at.checked_sub(1).and_then(|at| self.bounds.get(at)).map(String::as_str);
        let until = self.bounds.get(at).map(String::as_str);
        let cut = |rows: &Ordered| rows.between(from, until);
        let episodes = candidates(cut(&self.episodes)?, cut(&self.steps)?, cut(&self.feedback)?)?;
        Ok(Table {
            orphan_steps: self.orphan_steps(&episodes)?,
            orphan_feedback: cut(&self.orphan_feedback)?,
            odd_feedback: cut(&self.odd_feedback)?,
            episodes,
        })
    }

    /// The steps of those episodes that have no record of their own.
    fn orphan_steps(&self, episodes: &DataFrame) -> Result<DataFrame, CurateError> {
        let lost = episodes.clone().lazy().filter(col("known").not());
        let lost = lost.select([col("episode_id")]).collect()?;
        let ids = text(&lost, "episode_id")?;
        // They are rare: the steps are searched only where there are some, and in their range alone.
        let Some((first, last)) = ids.iter().flatten().next().zip(ids.iter().flatten().last())
        else {
            return Ok(df!("episode_id" => [""; 0], "event_id" => [""; 0])?);
        };
        let id = || col("episode_id");
        let within = id().gt_eq(lit(first)).and(id().lt_eq(lit(last)));
        let found = self.step_ids.clone().filter(within).semi_join(lost.clone().lazy(), id(), id());
        Ok(found.collect()?)
    }
}

/// A frame and the order of its rows by `episode_id`. Only what is taken out is copied.
struct Ordered {
    frame: DataFrame,
    order: Vec<IdxSize>,
}

impl Ordered {
    fn new(frame: DataFrame) -> Result<Self, CurateError> {
        let column = text(&frame, "episode_id")?;
        let mut rows: Vec<(Option<&str>, IdxSize)> = column.iter().zip(0..).collect();
        rows.sort_unstable();
        let order = rows.into_iter().map(|(_, row)| row).collect();
        Ok(Self { frame, order })
    }

    /// The rows with ids from one on and below another.
    fn between(&self, from: Option<&str>, until: Option<&str>) -> Result<DataFrame, CurateError> {
        let ids = text(&self.frame, "episode_id")?;
        let below = |bound: &str| {
            self.order.partition_point(|row| ids.get(*row as usize).is_some_and(|id| id < bound))
        };
        let start = from.map_or(0, below);
        let end = until.map_or(self.order.len(), below);
        let rows = self.order.get(start..end).unwrap_or_default();
        Ok(self.frame.take(&IdxCa::from_slice("row".into(), rows))?)
    }
}
