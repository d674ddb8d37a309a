//! Levels played by a trained policy, with what led to each result.

use std::path::Path;

use fqm_pipe::evaluate::{Trace, play_levels};
use fqm_pipe::pipeline::StepFailure;
use fqm_pipe::policy::{CONFIG_FILE, Checkpoint, MODEL_FILE};
use fqm_pipe::steps::{PlayRequest, Weights};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::finetune::read_checkpoint;

/// Plays every level once, always with the policy's best call, as `quest.evaluate` does.
///
/// # Errors
/// When the weights cannot be read or a level cannot be played.
pub async fn play(request: PlayRequest) -> Result<Vec<Trace>, StepFailure> {
    let checkpoint = read(&request.weights).await?;
    let device = choose(Wish::Cpu).device;
    let agent = PolicyAgent::new(request.name, &checkpoint, Manner::GREEDY, 0, device);
    let mut agent = agent.map_err(StepFailure::input)?;
    play_levels(&mut agent, &request.levels).map_err(StepFailure::input)
}

/// Reads weights from where they lie.
///
/// # Errors
/// When they are missing, damaged, or made for another program.
pub async fn read(weights: &Weights) -> Result<Checkpoint, StepFailure> {
    match weights {
        Weights::Folder(folder) => from_folder(folder),
        Weights::Variant { workspace, variant } => read_checkpoint(workspace, variant).await,
    }
}

/// Reads the two files of a checkpoint.
///
/// # Errors
/// When one is missing or damaged.
pub fn from_folder(folder: &Path) -> Result<Checkpoint, StepFailure> {
    let read = |name: &str| {
        let path = folder.join(name);
        let wrong = |e| StepFailure::input(format!("read {}: {e}", path.display()));
        std::fs::read(&path).map_err(wrong)
    };
    let (config, model) = (read(CONFIG_FILE)?, read(MODEL_FILE)?);
    Checkpoint::from_files(&config, model).map_err(StepFailure::input)
}
