//! A training that is cut off goes on after its last whole pass, with the optimiser's state, and ends
//! with the same weights.

use serde::{Deserialize, Serialize};

use super::LearnError;
use fqm_pipe::policy::{EpochMetrics, Weights};

/// Where a training is kept after every pass.
pub trait Journal {
    /// What was kept last; none where nothing was.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn load(&self) -> Result<Option<Kept>, LearnError>;

    /// Keeps the training as it is.
    ///
    /// # Errors
    /// Where it cannot be written, such as on a full disk.
    fn save(&self, kept: &Kept) -> Result<(), LearnError>;
}

/// A training after a pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Weights (`weights/…`), the optimiser's means (`mean/…`, `square/…`), and the weights after
    /// each pass (`pass/N/…`).
    pub tensors: Weights,
    /// Everything else.
    pub notes: Notes,
}

/// Everything of a training but its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// The learning curve so far.
    pub curve: Vec<EpochMetrics>,
    /// Steps of the optimiser.
    pub steps: i64,
    /// Batches so far.
    pub updates: usize,
    /// Passes that the guard undid.
    pub trips: usize,
    /// What the learning rate is multiplied with.
    pub caution: f64,
    /// The guard's weight.
    pub guard: f64,
}
