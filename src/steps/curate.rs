//! `curate.episodes`: the stored episodes of a window into a content-addressed dataset.

use crate::curate::CurateParams;
use crate::pipeline::{InPort, Kind, OutPort, Place, Takes, params_of, schema_of};

/// The kind.
pub const KIND: Kind = Kind {
    name: "curate.episodes",
    version: 1,
    summary: "filters episodes into a content-addressed dataset with roles and reasons",
    inputs: &[
        InPort { name: "snapshot", takes: Takes::Artifact("snapshot"), optional: false },
        InPort { name: "levels", takes: Takes::Files, optional: true },
    ],
    outputs: &[OutPort { name: "dataset", makes: "dataset" }],
    place: Place::Here,
    effect: false,
    params: params_of::<CurateParams>,
    schema: schema_of::<CurateParams>,
};

#[cfg(feature = "store")]
pub use body::Curate;

#[cfg(feature = "store")]
mod body {
    use async_trait::async_trait;

    use crate::curate::{CurateContext, CurateParams, Sources, curate};
    use crate::pipeline::{Body, StepContext, StepFailure, StepResult};
    use crate::steps::suite::read_suite;
    use crate::store::Tables;

    /// The body.
    pub struct Curate;

    #[async_trait]
    impl Body for Curate {
        async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
            let params: CurateParams = context.params()?;
            params.validate().map_err(StepFailure::input)?;
            let date = context.request.date;
            let suite = read_suite(context).await?;
            let mut about = CurateContext::new(date, context.artifact("snapshot")?.digest);
            about.suites = vec![suite.digest().map_err(StepFailure::internal)?];
            about.eval_levels = suite.evaluation_levels();
            let store = context.request.workspace.open_store()?;
            let tables = Tables::open(&store.sub("tables")).await.map_err(StepFailure::input)?;
            let sources = Sources::of_store(&tables, params.window(date)).await;
            let sources = sources.map_err(StepFailure::input)?;
            let made = curate(sources, &params, &about, &context.blobs)
                .await
                .map_err(StepFailure::input)?;
            let counts = &made.counts;
            for row in made.waterfall.iter().filter(|row| row.dropped > 0) {
                context.reporter.log(format!(
                    "{} {}: {} episodes in, {} dropped, {} out",
                    row.stage, row.rule, row.episodes_in, row.dropped, row.episodes_out
                ));
            }
            let facts = [
                ("episodes", counts.episodes),
                ("examples", counts.examples),
                ("imitation_episodes", counts.imitation_episodes),
                ("imitation_steps", counts.imitation_steps),
                ("imitation_examples", counts.imitation_examples),
                ("offline_episodes", counts.offline_episodes),
            ];
            let mut result = StepResult::one("dataset", made.dataset, facts);
            if counts.imitation_examples < params.min_examples {
                result.not_enough = Some(format!(
                    "{} training examples, {} wanted (params.min_examples)",
                    counts.imitation_examples, params.min_examples
                ));
            }
            Ok(result)
        }
    }
}
