//! Between a network's tensors and a checkpoint's bytes.

use tch::Device;

use crate::network::Network;
use crate::ops::{floats, to_vec};
use fqm_pipe::policy::{Checkpoint, CheckpointError, Config, NetworkShape, Weights};

/// Why a network cannot be made from a checkpoint or the other way round.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The checkpoint itself.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// libtorch.
    #[error("make the network in libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

/// A checkpoint whose weights are drawn, for measurements: it decides as fast as any other.
///
/// # Errors
/// Where libtorch cannot make the tensors.
pub fn drawn(seed: u64) -> Result<Checkpoint, LoadError> {
    let shape = NetworkShape::default();
    Network::new(shape, seed, Device::Cpu)?.checkpoint(Config::new(shape, seed, None))
}

impl Network {
    /// Copies the weights out.
    ///
    /// # Errors
    /// Where libtorch cannot copy them to the CPU.
    pub fn export(&self) -> Result<Weights, tch::TchError> {
        self.weights()
            .map(|(name, tensor)| {
                let shape = tensor.size().iter().map(|n| *n as usize).collect();
                Ok((name.to_owned(), (shape, to_vec(tensor)?)))
            })
            .collect()
    }

    /// Packs the weights with their configuration.
    ///
    /// # Errors
    /// Where libtorch cannot copy them or they do not fit.
    pub fn checkpoint(&self, config: Config) -> Result<Checkpoint, LoadError> {
        Ok(Checkpoint::pack(config, &self.export()?)?)
    }

    /// Makes the network of a checkpoint.
    ///
    /// # Errors
    /// Where a tensor is missing, superfluous or of another shape.
    pub fn load(checkpoint: &Checkpoint, device: Device) -> Result<Self, LoadError> {
        let network = Self::new(checkpoint.config.network, 0, device)?;
        network.import(&checkpoint.weights()?)?;
        Ok(network)
    }

    /// Overwrites all weights.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn import(&self, weights: &Weights) -> Result<(), LoadError> {
        let wrong = |name: &str, problem: String| {
            LoadError::Checkpoint(CheckpointError::Tensor { name: name.to_owned(), problem })
        };
        let _guard = tch::no_grad_guard();
        for (name, tensor) in self.weights() {
            let (shape, values) =
                weights.get(name).ok_or_else(|| wrong(name, "is missing".into()))?;
            let shape: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
            if shape != tensor.size() {
                let problem = format!("is {shape:?}, the network's is {:?}", tensor.size());
                return Err(wrong(name, problem));
            }
            tensor.shallow_clone().f_copy_(&floats(values, &shape, tensor.device())?)?;
        }
        match weights.keys().find(|k| !self.weights().any(|(n, _)| n == k.as_str())) {
            Some(extra) => Err(wrong(extra, "is not part of the network".into())),
            None => Ok(()),
        }
    }
}
