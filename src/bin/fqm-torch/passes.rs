//! The training of a round after its last whole pass, as files: tensors, then notes, which name the
//! tensors by digest.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use fqm_pipe::core::{Digest, canonical_json};
use fqm_pipe::pipeline::{Reporter, StepContext, StepFailure};
use fqm_pipe::policy::{Checkpoint, Config, NetworkShape};
use fqm_pipe::steps::{LIBTORCH, PASSES, write_file};

use crate::learn::{Journal, Kept, LearnError, Notes};

const FILES: [&str; 2] = ["pass.safetensors", "pass.json"];

/// The notes of a pass, as they lie in the folder.
#[derive(Serialize, Deserialize)]
struct PassFile {
    /// Of which training and round.
    key: String,
    /// Digest of the tensors.
    tensors: Digest,
    /// The rest.
    notes: Notes,
}

/// The passes of one round.
pub struct Passes {
    folder: PathBuf,
    key: String,
}

impl Passes {
    /// The passes of a round in a folder, which need not be there yet; `key` says which round it is.
    pub fn new(folder: &Path, key: String) -> Self {
        Self { folder: folder.to_owned(), key }
    }

    /// Drops what is kept in a folder: its round is whole, and what cannot be removed costs space and
    /// nothing else.
    pub fn forget(folder: &Path) {
        for name in FILES {
            let _ = std::fs::remove_file(folder.join(name));
        }
    }
}

impl Journal for Passes {
    /// What belongs to another round, or was cut off while it was written, counts as nothing.
    fn load(&self) -> Result<Option<Kept>, LearnError> {
        let read = |name: &str| std::fs::read(self.folder.join(name)).ok();
        let [tensors, notes] = FILES.map(read);
        let notes = notes.and_then(|bytes| serde_json::from_slice::<PassFile>(&bytes).ok());
        let (Some(tensors), Some(file)) = (tensors, notes.filter(|file| file.key == self.key))
        else {
            return Ok(None);
        };
        if Digest::of(&tensors) != file.tensors {
            return Ok(None);
        }
        let config = Config::new(NetworkShape::default(), 0, None);
        let tensors = Checkpoint { config, model: tensors }.weights()?;
        Ok(Some(Kept { tensors, notes: file.notes }))
    }

    fn save(&self, kept: &Kept) -> Result<(), LearnError> {
        let config = Config::new(NetworkShape::default(), 0, None);
        let tensors = Checkpoint::pack(config, &kept.tensors)?.model;
        let (key, notes) = (self.key.clone(), kept.notes.clone());
        let file = PassFile { key, tensors: Digest::of(&tensors), notes };
        let notes = serde_json::to_vec(&file).map_err(|e| LearnError::Journal(e.to_string()))?;
        for (name, bytes) in FILES.into_iter().zip([tensors, notes]) {
            write_file(&self.folder, name, &bytes).map_err(|e| {
                LearnError::Journal(format!("write {}: {e}", self.folder.join(name).display()))
            })?;
        }
        Ok(())
    }
}

/// The passes of a night's training, below the state of the workspace: a step that is ended goes on
/// after them when its run is taken up again. Where they cannot be written the night goes on without.
pub struct NightPasses {
    passes: Passes,
    reporter: Reporter,
}

impl NightPasses {
    /// The passes of a training step: known by everything that its result depends on.
    ///
    /// # Errors
    /// When the request cannot be written as JSON, which would be a fault of fqm-pipe.
    pub fn of(context: &StepContext) -> Result<Self, StepFailure> {
        let request = &context.request;
        let about = (&request.kind, request.date, &request.params, &request.inputs);
        let about = (about, LIBTORCH, env!("CARGO_PKG_VERSION"));
        let key = Digest::of(&canonical_json(&about).map_err(StepFailure::internal)?);
        let folder = request.workspace.state.join(PASSES).join(key.short());
        let passes = Passes::new(&folder, key.to_string());
        Ok(Self { passes, reporter: context.reporter.clone() })
    }

    /// Drops what is kept, once the training's result is in the store.
    pub fn forget(&self) {
        Passes::forget(&self.passes.folder);
        let _ = std::fs::remove_dir(&self.passes.folder);
    }
}

impl Journal for NightPasses {
    fn load(&self) -> Result<Option<Kept>, LearnError> {
        let kept = self.passes.load()?;
        if let Some(kept) = &kept {
            let passes = kept.notes.curve.len();
            self.reporter
                .log(format!("going on after pass {passes}, where the training was ended"));
        }
        Ok(kept)
    }

    fn save(&self, kept: &Kept) -> Result<(), LearnError> {
        if let Err(error) = self.passes.save(kept) {
            self.reporter.log(format!("the training is not kept in case it is ended: {error}"));
        }
        Ok(())
    }
}
