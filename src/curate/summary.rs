//! What the filters know of an episode's steps, taken in one pass over them.

use std::collections::BTreeSet;

use polars::prelude::*;

use super::CurateError;
use super::filters::scrub_check;
use super::steps::{Chunk, StepReader, StepRecord};
use super::trajectory;
use crate::core::Digest;
use crate::dataset::Step;

/// Columns in the making, one entry per episode that has steps.
#[derive(Default)]
struct Summary {
    episode_id: Vec<String>,
    n_steps: Vec<i64>,
    n_examples: Vec<i64>,
    trajectory: Vec<String>,
    unscrubbed: Vec<Option<String>>,
    unscrubbed_event: Vec<Option<String>>,
    narrative: Vec<Option<String>>,
}

/// By episode: `n_steps`, `n_examples`, `trajectory` (digest of the steps), `unscrubbed` and
/// `unscrubbed_event` (the first secret found, if any, and where), `narrative` (the evaluation
/// narrative it shows, if any).
pub(super) fn summarise(
    steps: &mut StepReader,
    narratives: &BTreeSet<Digest>,
) -> Result<DataFrame, CurateError> {
    let mut table = Summary::default().table()?;
    for span in 0..steps.spans() {
        let mut summary = Summary::default();
        summary.add(steps.read(span)?.as_ref(), narratives);
        table.vstack_mut_owned(summary.table()?)?;
    }
    Ok(table)
}

impl Summary {
    fn table(self) -> Result<DataFrame, CurateError> {
        Ok(df!(
            "episode_id" => self.episode_id,
            "n_steps" => self.n_steps,
            "n_examples" => self.n_examples,
            "trajectory" => self.trajectory,
            "unscrubbed" => self.unscrubbed,
            "unscrubbed_event" => self.unscrubbed_event,
            "narrative" => self.narrative,
        )?)
    }

    fn add(&mut self, chunk: &Chunk, narratives: &BTreeSet<Digest>) {
        for (id, records) in chunk {
            let steps: Vec<&Step> = records.iter().map(|record| &record.step).collect();
            let examples = steps.iter().filter(|step| step.is_example()).count();
            self.episode_id.push(id.clone());
            self.n_steps.push(steps.len() as i64);
            self.n_examples.push(examples as i64);
            self.trajectory.push(trajectory::digest(&steps).hex());
            let (event, hit) = first_hit(records).unzip();
            self.unscrubbed_event.push(event);
            self.unscrubbed.push(hit);
            let seen =
                if narratives.is_empty() { Vec::new() } else { trajectory::narratives(&steps) };
            let known = seen.iter().find(|digest| narratives.contains(digest));
            self.narrative.push(known.map(Digest::to_string));
        }
    }
}

fn first_hit(records: &[StepRecord]) -> Option<(String, String)> {
    let hit = |record: &StepRecord| {
        scrub_check::check(&record.step).map(|found| (record.event_id.clone(), found))
    };
    records.iter().find_map(hit)
}
