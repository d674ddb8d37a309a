//! Words of the Symphony family.

mod asks;
mod said;
mod vocabulary;

pub use asks::{MAKE, MERGE};
pub use said::*;
pub use vocabulary::*;
