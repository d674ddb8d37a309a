//! The policy: a graph network that points at the call to make, and how it learns.
//!
//! One lifting turns rollouts, logged episodes and served requests into the same [`Graph`]. Here stand
//! the parts that need no libtorch: lifting, batches, checkpoints as bytes, parameters, baselines.
//! Network, learners and agent live in the program that links libtorch: `src/bin/fqm-torch/`.

mod baseline;
mod checkpoint;
mod encode;
mod environment;
mod example;
mod features;
mod fold;
mod folds;
mod graph;
mod habits;
mod history;
mod learners;
mod lift_foreign;
mod lift_log;
mod lift_world;
mod outlook;
mod pairs;
mod params;
mod relaxation;
mod reward;
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
pub use example::{Aim, Example};
pub use fold::fold;
pub use folds::folds;
pub use graph::{
    CALL_FEATURES, EDGE_KINDS, Edge, EdgeKind, FACT_FEATURES, GLOBAL_FEATURES, Graph, Topology,
    call,
};
pub use history::{circled, revisiting};
pub use learners::{
    AwrParams, FinetuneParams, GuardParams, ImitationParams, LearnerParams, PpoParams,
    PracticeParams, PreferenceParams,
};
pub use lift_log::{
    DISCOUNT, LevelSource, LiftError, Lifted, NoLevels, SuiteLevels, Way, examples_of_episode,
    returns,
};
pub use lift_world::{Lifter, graph_of_play};
pub use pairs::{Judged, Pair, pairs_of};
pub use params::{EpochMetrics, NetworkShape, TrainerParams, TrainingSummary};
pub use reward::{RewardModel, RewardReport, reward_model};
pub use teacher::{TeacherParams, relabel, teach};
pub use text::{TEXT_FEATURES, embed};
pub use vocabulary::{FunctionInfo, RESPOND, Vocabulary, function_of};
