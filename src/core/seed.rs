//! Seeded randomness: one number and a label name an independent, repeatable stream.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::Digest;

/// The stream of random numbers that `seed` and `label` name. Streams of different labels are
/// independent, so adding one draw in one place moves nothing elsewhere.
pub fn rng(seed: u64, label: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(*stream(seed, label).bytes())
}

/// A seed for a part of the work, derived from the whole's seed and the part's label.
pub fn derive_seed(seed: u64, label: &str) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&stream(seed, label).bytes()[..8]);
    u64::from_le_bytes(first)
}

fn stream(seed: u64, label: &str) -> Digest {
    let mut text = seed.to_le_bytes().to_vec();
    text.extend_from_slice(label.as_bytes());
    Digest::of(&text)
}
