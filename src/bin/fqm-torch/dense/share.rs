//! How workers sum their gradients: each puts its own down, waits for the others, and adds up all of
//! them in one order.

use std::sync::{Barrier, Mutex, PoisonError};

/// A table with a place for each worker.
pub(super) struct Exchange {
    places: Vec<Mutex<Vec<f32>>>,
    barrier: Barrier,
}

impl Exchange {
    pub(super) fn new(workers: usize) -> Self {
        let places = (0..workers).map(|_| Mutex::new(Vec::new())).collect();
        Self { places, barrier: Barrier::new(workers) }
    }

    /// The mean of what all workers put down.
    pub(super) fn mean(&self, nth: usize, mine: &mut Vec<f32>) {
        if self.places.len() == 1 {
            return;
        }
        if let Some(place) = self.places.get(nth) {
            place.lock().unwrap_or_else(PoisonError::into_inner).clone_from(mine);
        }
        self.barrier.wait();
        mine.fill(0.0);
        for place in &self.places {
            let theirs = place.lock().unwrap_or_else(PoisonError::into_inner);
            mine.iter_mut().zip(theirs.iter()).for_each(|(sum, more)| *sum += more);
        }
        let scale = 1.0 / self.places.len() as f32;
        mine.iter_mut().for_each(|sum| *sum *= scale);
        // Nobody may put down the next gradient before all have read this one.
        self.barrier.wait();
    }
}
