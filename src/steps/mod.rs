//! The step kinds: what joins the runner to the rooms that do the work. One file a kind; its
//! parameters and ports are always compiled, its body behind the feature that it needs. The bodies
//! that need libtorch stand in the program that links it, `src/bin/fqm-torch/`.

mod challenge;
mod curate;
mod evaluate;
mod finetune;
mod foretell;
mod ingest;
mod play;
mod probe;
mod promote;
mod register;
mod score;
mod simulate;
mod suite;
mod train;
mod tune;

#[cfg(all(test, feature = "store"))]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::pipeline::{Body, Catalog, Kind};

pub use challenge::Challenge;
pub use evaluate::{EvaluateParams, Evaluation, Played, Restraint};
pub use finetune::{NextFunctionReport, PracticeReport, TrainedModel};
pub use foretell::{
    ForetellRequest, Foretelling, ForetoldEpisode, Guess, SeedGuesses, Standing, foretelling,
};
pub use play::{PlayRequest, Weights};
pub use register::Registered;
pub use score::{AskedState, Likely, Opinion, ScoreRequest};
pub use simulate::{SimulateRequest, write as write_file, write_new as write_log};
pub use suite::{read_suite, workspace_suite};
pub use train::{
    Course, MasteryPlan, Played as PlayedFamily, Round, Stopped, TRAIN_FORMAT, TrainPlan,
    TrainRequest, TrainState,
};

pub use tune::{Range, Space, Trial, TuneParams};

/// The version of libtorch that `fqm-torch` is built against; part of the keys of its steps.
pub const LIBTORCH: &str = "2.11.0";

/// The folder below the workspace's state where trainings are kept while they go on.
pub const PASSES: &str = "passes";

/// The step kinds with the bodies that this program holds.
pub struct Steps {
    kinds: Vec<Kind>,
    bodies: BTreeMap<&'static str, Arc<dyn Body>>,
}

impl Steps {
    /// All kinds, with the bodies of another program.
    pub fn with_bodies(bodies: BTreeMap<&'static str, Arc<dyn Body>>) -> Self {
        Self { kinds: kinds(), bodies }
    }
}

impl Catalog for Steps {
    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    fn body(&self, kind: &str) -> Option<Arc<dyn Body>> {
        self.bodies.get(kind).cloned()
    }
}

/// All kinds, in the order of their names.
fn kinds() -> Vec<Kind> {
    vec![
        curate::KIND,
        ingest::KIND,
        finetune::KIND,
        tune::KIND,
        probe::KIND,
        challenge::KIND,
        evaluate::KIND,
        promote::KIND,
        register::KIND,
    ]
}

/// The catalog of `fqm-pipe`: the bodies that need no libtorch.
pub fn here() -> Steps {
    #[cfg_attr(not(feature = "store"), expect(unused_mut))]
    let mut bodies: BTreeMap<&'static str, Arc<dyn Body>> = BTreeMap::from([
        (register::KIND.name, Arc::new(register::Register) as Arc<dyn Body>),
        (promote::KIND.name, Arc::new(promote::Promote) as Arc<dyn Body>),
        (probe::KIND.name, Arc::new(probe::Probe) as Arc<dyn Body>),
    ]);
    #[cfg(feature = "store")]
    {
        bodies.insert(ingest::KIND.name, Arc::new(ingest::Ingest));
        bodies.insert(curate::KIND.name, Arc::new(curate::Curate));
    }
    Steps { kinds: kinds(), bodies }
}
