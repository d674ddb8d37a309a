//! Reading weights from where they lie: a folder, or a variant of the registry.

use std::path::Path;

use fqm_pipe::core::Digest;
use fqm_pipe::pipeline::StepFailure;
use fqm_pipe::policy::{CONFIG_FILE, Checkpoint, MODEL_FILE};
use fqm_pipe::registry::Registry;
use fqm_pipe::steps::Weights;
use fqm_pipe::workspace::Workspace;

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

/// Reads the checkpoint of a registered variant.
///
/// # Errors
/// When the variant is missing, damaged or does not fit this program.
pub async fn read_checkpoint(
    workspace: &Workspace,
    variant: &Digest,
) -> Result<Checkpoint, StepFailure> {
    let registry = Registry::new(workspace.open_registry()?);
    let config = registry.read(variant, CONFIG_FILE).await.map_err(StepFailure::input)?;
    let model = registry.read(variant, MODEL_FILE).await.map_err(StepFailure::input)?;
    Checkpoint::from_files(&config, model.to_vec()).map_err(StepFailure::input)
}
