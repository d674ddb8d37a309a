//! Why a training gave no checkpoint, and what is checked before it begins.

use fqm_pipe::policy::{Aim, CheckpointError, Example, TrainerParams};
use fqm_pipe::quest::AgentError;

use crate::load::LoadError;

/// Why a training gave no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// Nothing to learn from.
    #[error("train: there are no training examples; loosen the curation or ingest more logs")]
    NoExamples,
    /// An example is not well formed.
    #[error("train: example {episode} step {step}: {problem}")]
    Example {
        /// Its episode.
        episode: String,
        /// Its step.
        step: i32,
        /// What is wrong with it.
        problem: String,
    },
    /// A parameter makes no sense.
    #[error("train: parameter {name} is {value}; {rule}")]
    Parameter {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        rule: &'static str,
    },
    /// The loss or gradient became infinite or NaN.
    #[error(
        "train: the {what} is {value} in pass {epoch}, batch {batch}; lower learning_rate (now \
         {learning_rate}) or clip"
    )]
    NotFinite {
        /// Loss or gradient.
        what: &'static str,
        /// Its value.
        value: f64,
        /// Pass, from 1.
        epoch: usize,
        /// Batch in the pass, from 0.
        batch: usize,
        /// The peak learning rate.
        learning_rate: f64,
    },
    /// The base checkpoint cannot be used.
    #[error("start from the base checkpoint: {0}")]
    Base(#[source] LoadError),
    /// The result cannot be packed.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A checkpoint's file.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A play by the policy.
    #[error("play to learn from it: {0}")]
    Play(#[from] AgentError),
    /// A level to practise on.
    #[error("draw levels to practise on: {0}")]
    Draw(String),
    /// The training cannot be kept, or what was kept cannot be read.
    #[error("{0}")]
    Journal(String),
    /// libtorch.
    #[error("compute in libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

/// Refuses parameters and examples that make no sense.
pub(super) fn check(p: &TrainerParams, examples: &[Example]) -> Result<(), LearnError> {
    let bad = |name, value: String, rule| Err(LearnError::Parameter { name, value, rule });
    if !(p.learning_rate > 0.0 && p.learning_rate.is_finite()) {
        return bad("learning_rate", p.learning_rate.to_string(), "it must be a positive number");
    }
    if p.clip.is_nan() || p.clip <= 0.0 {
        return bad("clip", p.clip.to_string(), "it must be positive");
    }
    if !(0.0..=1.0).contains(&p.text_dropout) {
        return bad("text_dropout", p.text_dropout.to_string(), "it must lie between 0 and 1");
    }
    if p.network.width < 4 || p.network.rounds < 1 {
        let value = format!("{:?}", p.network);
        return bad("network", value, "width must be at least 4 and rounds at least 1");
    }
    examples.iter().try_for_each(check_example)
}

fn check_example(e: &Example) -> Result<(), LearnError> {
    let calls = e.graph.applicable.len();
    let furthest = e.furthest();
    let finite = match &e.aim {
        Aim::Prefer { reference, .. } => reference.is_finite(),
        Aim::Reinforce { advantage, log_p } => advantage.is_finite() && log_p.is_finite(),
        Aim::Keep(shares) => shares.iter().all(|share| share.is_finite()),
        Aim::Choose => true,
    };
    if furthest < calls && e.weight.is_finite() && finite {
        return Ok(());
    }
    let problem = format!(
        "the target {furthest} is not among its {calls} calls, or the weight {} or a number of its \
         aim is not finite",
        e.weight
    );
    Err(LearnError::Example { episode: e.episode.to_string(), step: e.step, problem })
}
