//! The folder of a training: the checkpoint, and the state after the last whole round.
//!
//! `train.json` is replaced whole and names the checkpoint of its round by digest; the round's files
//! are there before it does. Whatever is killed, either the old or the new round stands.

use std::path::{Path, PathBuf};

use fqm_pipe::core::Digest;
use fqm_pipe::pipeline::StepFailure;
use serde::{Deserialize, Serialize};

use fqm_pipe::policy::{CONFIG_FILE, Checkpoint, Config, MODEL_FILE, NetworkShape};
use fqm_pipe::steps::{TRAIN_FORMAT, TrainState, write_file};

use crate::learn::{Journal, Kept, LearnError, Notes};

/// The state's file.
const STATE_FILE: &str = "train.json";
/// Checkpoints of rounds lie below this folder, by the number of the round.
const ROUNDS: &str = "rounds";
/// The training of a round after its last whole pass: tensors, then notes, which name the tensors by
/// digest.
const PASS_FILES: [&str; 2] = ["pass.safetensors", "pass.json"];

/// The folder.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A folder, which need not be there yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The state that a training with this plan goes on from; None where there is none yet.
    ///
    /// # Errors
    /// When another training lies here, or what lies here is damaged.
    pub fn resume(
        &self,
        plan: &Digest,
    ) -> Result<Option<(TrainState, Option<Checkpoint>)>, StepFailure> {
        let path = self.path.join(STATE_FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StepFailure::input(format!("read {}: {e}", path.display()))),
        };
        let wrong =
            |why: String| StepFailure::input(format!("go on from {}: {why}", path.display()));
        let state: TrainState =
            serde_json::from_slice(&bytes).map_err(|e| wrong(format!("{e}; remove the folder")))?;
        if state.format != TRAIN_FORMAT {
            return Err(wrong(format!("its format is {}, not {TRAIN_FORMAT}", state.format)));
        }
        if state.plan != *plan {
            let why = "it is of a training with other levels, parameters or weights to begin with; \
                       name another folder, or remove it";
            return Err(wrong(why.to_owned()));
        }
        let Some(digest) = state.checkpoint else { return Ok(Some((state, None))) };
        let round = self.path.join(ROUNDS).join(state.rounds.len().to_string());
        let checkpoint = crate::weights::from_folder(&round)?;
        if checkpoint.digest().map_err(StepFailure::internal)? != digest {
            return Err(wrong(format!("{} is damaged; remove the folder", round.display())));
        }
        Ok(Some((state, Some(checkpoint))))
    }

    /// Where the passes of a round are kept.
    pub fn journal(&self, plan: &Digest, round: u32) -> PassJournal<'_> {
        PassJournal { folder: self, key: format!("{plan}/{round}") }
    }

    /// Keeps the state after a round, and drops the round before.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(
        &self,
        state: &mut TrainState,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<(), StepFailure> {
        let number = state.rounds.len();
        if let Some(checkpoint) = checkpoint {
            self.write(checkpoint, &format!("{ROUNDS}/{number}/"))?;
            state.checkpoint = Some(checkpoint.digest().map_err(StepFailure::internal)?);
        }
        self.write_state(state)?;
        for name in PASS_FILES {
            // The round is whole: what is left of its passes costs space and nothing else.
            let _ = std::fs::remove_file(self.path.join(name));
        }
        if let Some(before) = number.checked_sub(1) {
            let old = self.path.join(ROUNDS).join(before.to_string());
            // What is left there costs space and nothing else.
            let _ = std::fs::remove_dir_all(old);
        }
        Ok(())
    }

    /// Puts the checkpoint where others look for it, and keeps the state with why it ended.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn finish(
        &self,
        state: &mut TrainState,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<(), StepFailure> {
        if let Some(checkpoint) = checkpoint {
            self.write(checkpoint, "")?;
        }
        self.save(state, checkpoint)
    }

    fn write(&self, checkpoint: &Checkpoint, below: &str) -> Result<(), StepFailure> {
        let config = checkpoint.config_bytes().map_err(StepFailure::internal)?;
        self.file(&format!("{below}{MODEL_FILE}"), &checkpoint.model)?;
        self.file(&format!("{below}{CONFIG_FILE}"), &config)
    }

    fn write_state(&self, state: &TrainState) -> Result<(), StepFailure> {
        let text = serde_json::to_string_pretty(state).map_err(StepFailure::internal)?;
        self.file(STATE_FILE, text.as_bytes())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<(), StepFailure> {
        write_file(&self.path, name, bytes).map_err(|e| {
            StepFailure::input(format!("write {}: {e}", self.path.join(name).display()))
        })
    }
}

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
pub struct PassJournal<'a> {
    folder: &'a Folder,
    key: String,
}

impl Journal for PassJournal<'_> {
    /// What belongs to another round, or was cut off while it was written, counts as nothing.
    fn load(&self) -> Result<Option<Kept>, LearnError> {
        let read = |name: &str| std::fs::read(self.folder.path.join(name)).ok();
        let [tensors, notes] = PASS_FILES.map(read);
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
        for (name, bytes) in PASS_FILES.into_iter().zip([tensors, notes]) {
            self.folder.file(name, &bytes).map_err(|e| LearnError::Journal(e.message))?;
        }
        Ok(())
    }
}
