//! A checkpoint: `model.safetensors` and `config.json`, as bytes that are the same for the same
//! weights. Reading and checking needs no torch.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::graph::{CALL_FEATURES, EDGE_KINDS, FACT_FEATURES, GLOBAL_FEATURES};
use super::params::{NetworkShape, TrainingSummary};
use super::text::TEXT_FEATURES;
use crate::core::Digest;

/// The version that this program writes.
pub const FORMAT: &str = "fqm-policy/3";
/// Name of the weights' file.
pub const MODEL_FILE: &str = "model.safetensors";
/// Name of the configuration's file.
pub const CONFIG_FILE: &str = "config.json";

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// config.json is not JSON of the expected shape.
    #[error("read {CONFIG_FILE}: {0}; the checkpoint is damaged or not one of fqm-pipe's")]
    Config(#[source] serde_json::Error),
    /// A format this program does not know.
    #[error(
        "read {CONFIG_FILE}: format \"{0}\" is not \"{FORMAT}\"; use the program version that wrote \
         it, or train again"
    )]
    Format(String),
    /// Made for another encoding of states.
    #[error(
        "use the checkpoint: its {what} is {found}, this program's is {expected}; train again with \
         this version"
    )]
    Mismatch {
        /// What differs.
        what: String,
        /// In the checkpoint.
        found: String,
        /// In this program or configuration.
        expected: String,
    },
    /// The weights' file is truncated or not safetensors.
    #[error("read {MODEL_FILE}: {0}; the file is truncated or damaged")]
    Weights(String),
    /// A tensor is missing, superfluous or of another shape.
    #[error("read {MODEL_FILE}: tensor \"{name}\" {problem}; the two files do not belong together")]
    Tensor {
        /// Which one.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

/// Sizes of the inputs that a network was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Features of a fact node.
    pub fact: usize,
    /// Features of a call node.
    pub call: usize,
    /// Features of the state.
    pub global: usize,
    /// Features of a text.
    pub text: usize,
    /// Kinds of edges.
    pub edge_kinds: usize,
}

impl Inputs {
    /// This program's sizes.
    pub const HERE: Self = Self {
        fact: FACT_FEATURES,
        call: CALL_FEATURES,
        global: GLOBAL_FEATURES,
        text: TEXT_FEATURES,
        edge_kinds: EDGE_KINDS,
    };
}

/// The content of `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// [`FORMAT`].
    pub format: String,
    /// The kind of policy, "graph".
    pub kind: String,
    /// Size of the network.
    pub network: NetworkShape,
    /// Sizes of its inputs.
    pub inputs: Inputs,
    /// Seed of the training.
    pub seed: u64,
    /// How it was trained.
    pub training: Option<TrainingSummary>,
    /// By what logits are divided before they are probabilities, so that these are calibrated.
    #[serde(default = "one")]
    pub temperature: f32,
    /// What the policy has mastered, where it practised: a record of the room that judges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curriculum: Option<serde_json::Value>,
}

fn one() -> f32 {
    1.0
}

impl Config {
    /// A configuration for this program's encoding.
    pub fn new(network: NetworkShape, seed: u64, training: Option<TrainingSummary>) -> Self {
        let inputs = Inputs::HERE;
        Self {
            format: FORMAT.into(),
            kind: "graph".into(),
            network,
            inputs,
            seed,
            training,
            temperature: 1.0,
            curriculum: None,
        }
    }

    fn check(&self) -> Result<(), CheckpointError> {
        if self.format != FORMAT || self.kind != "graph" {
            return Err(CheckpointError::Format(self.format.clone()));
        }
        if self.inputs != Inputs::HERE {
            return Err(CheckpointError::Mismatch {
                what: "encoding".into(),
                found: format!("{:?}", self.inputs),
                expected: format!("{:?}", Inputs::HERE),
            });
        }
        Ok(())
    }
}

/// Weights by name: shape and values, row by row.
pub type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A checkpoint in memory, as the bytes of its two files.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The parsed configuration.
    pub config: Config,
    /// Bytes of `model.safetensors`.
    pub model: Vec<u8>,
}

impl Checkpoint {
    /// Packs weights; equal weights give equal bytes.
    ///
    /// # Errors
    /// Where a shape does not fit its values.
    pub fn pack(config: Config, weights: &Weights) -> Result<Self, CheckpointError> {
        let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = weights
            .iter()
            .map(|(n, (shape, v))| (n, shape, v.iter().flat_map(|x| x.to_le_bytes()).collect()))
            .collect();
        let mut views = Vec::with_capacity(bytes.len());
        for (name, shape, data) in &bytes {
            let view = TensorView::new(Dtype::F32, (*shape).clone(), data)
                .map_err(|e| CheckpointError::Weights(e.to_string()))?;
            views.push((name.as_str(), view));
        }
        let model = safetensors::serialize(views, None)
            .map_err(|e| CheckpointError::Weights(e.to_string()))?;
        Ok(Self { config, model })
    }

    /// Reads the two files and checks that this program can use them.
    ///
    /// # Errors
    /// Where either file is damaged, of another format, or made for another encoding.
    pub fn from_files(config: &[u8], model: Vec<u8>) -> Result<Self, CheckpointError> {
        let format: serde_json::Value =
            serde_json::from_slice(config).map_err(CheckpointError::Config)?;
        let found = format.get("format").and_then(|f| f.as_str()).unwrap_or("none");
        if found != FORMAT {
            return Err(CheckpointError::Format(found.to_owned()));
        }
        let config: Config = serde_json::from_slice(config).map_err(CheckpointError::Config)?;
        config.check()?;
        let checkpoint = Self { config, model };
        checkpoint.weights()?;
        Ok(checkpoint)
    }

    /// Bytes of `config.json`: canonical, so that equal configurations have equal digests.
    ///
    /// # Errors
    /// Where a number in it is not finite.
    pub fn config_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        crate::core::canonical_json(&self.config).map_err(CheckpointError::Config)
    }

    /// Digest of both files.
    ///
    /// # Errors
    /// As [`Checkpoint::config_bytes`].
    pub fn digest(&self) -> Result<Digest, CheckpointError> {
        let config = Digest::of(&self.config_bytes()?).to_string();
        let model = Digest::of(&self.model).to_string();
        Ok(Digest::of(format!("{CONFIG_FILE} {config}\n{MODEL_FILE} {model}\n").as_bytes()))
    }

    /// Unpacks the weights.
    ///
    /// # Errors
    /// Where the bytes are truncated, not safetensors, not f32, or not finite.
    pub fn weights(&self) -> Result<Weights, CheckpointError> {
        let file = SafeTensors::deserialize(&self.model)
            .map_err(|e| CheckpointError::Weights(e.to_string()))?;
        let mut weights = Weights::new();
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                let problem = format!("is {:?}, not F32", view.dtype());
                return Err(CheckpointError::Tensor { name: name.into(), problem });
            }
            let values: Vec<f32> =
                view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            if values.iter().any(|v| !v.is_finite()) {
                let problem = "holds a number that is not finite".into();
                return Err(CheckpointError::Tensor { name: name.into(), problem });
            }
            weights.insert(name.to_owned(), (view.shape().to_vec(), values));
        }
        Ok(weights)
    }
}
