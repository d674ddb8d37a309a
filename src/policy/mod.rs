//! The policy: a graph network that points at the call to make, and how it learns.
//!
//! One lifting turns rollouts, logged episodes and served requests into the same [`Graph`]. Here stand
//! the parts that need no libtorch: lifting, batches, checkpoints as bytes, parameters, baselines.
//! Network, learners and agent live in the program that links libtorch: `src/bin/fqm-torch/`.

mod baseline;
mod checkpoint;
mod encode;
mod environment;
mod features;
mod fold;
mod folds;
mod graph;
mod habits;
mod history;
mod lift_foreign;
mod lift_log;
mod lift_world;
mod outlook;
mod params;
mod relaxation;
mod teacher;
mod text;
mod trail;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use baseline::{BaselineReport, NextFunction, ORDER as CONTEXT, baselines, functions_of};
pub use checkpoint::{
    CONFIG_FILE, Checkpoint, CheckpointError, Config, FORMAT, Inputs, MODEL_FILE, Weights,
};
pub use encode::{Batch, epoch_batches, pack};
pub use environment::DETERMINISM_ENV;
pub use fold::fold;
pub use folds::folds;
pub use graph::{
    CALL_FEATURES, EDGE_KINDS, Edge, EdgeKind, Example, FACT_FEATURES, GLOBAL_FEATURES, Graph,
    Topology,
};
pub use history::{circled, revisiting};
pub use lift_log::{
    LevelSource, LiftError, Lifted, NoLevels, SuiteLevels, Way, examples_of_episode,
};
pub use lift_world::{Lifter, graph_of_play};
pub use params::{EpochMetrics, ImitationParams, NetworkShape, TrainingSummary};
pub use teacher::{TeacherParams, teach};
pub use text::{TEXT_FEATURES, embed};
pub use vocabulary::{FunctionInfo, RESPOND, Vocabulary, function_of};
