//! Secrets and structured personal data are replaced here, before the first write, by typed keyed
//! placeholders such as `<EMAIL:3fa9c1d2>`: the same value under the same key gives the same
//! placeholder, so rows can still be joined and counted, but nobody can read the value back.

mod checks;
mod detectors;
mod json;
mod keys;
mod scrubber;
mod smell;

#[cfg(test)]
mod tests;

pub use detectors::Kind;
pub use scrubber::Scrubber;
