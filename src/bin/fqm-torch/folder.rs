//! The folder of a training: the checkpoint, and the state after the last whole round.
//!
//! `train.json` is replaced whole and names the checkpoint of its round by digest; the round's files
//! are there before it does. Whatever is killed, either the old or the new round stands.

use std::path::{Path, PathBuf};

use fqm_pipe::core::Digest;
use fqm_pipe::pipeline::StepFailure;

use fqm_pipe::policy::{CONFIG_FILE, Checkpoint, MODEL_FILE};
use fqm_pipe::steps::{TRAIN_FORMAT, TrainState, write_file};

use crate::passes::Passes;

/// The state's file.
const STATE_FILE: &str = "train.json";
/// Checkpoints of rounds lie below this folder, by the number of the round.
const ROUNDS: &str = "rounds";

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
    pub fn journal(&self, plan: &Digest, round: u32) -> Passes {
        Passes::new(&self.path, format!("{plan}/{round}"))
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
        Passes::forget(&self.path);
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
