//! What the room `quest` uses of `core`; the rest of it speaks to object stores.

#[path = "../src/core/digest.rs"]
mod digest;
#[path = "../src/core/json.rs"]
mod json;
#[path = "../src/core/place.rs"]
mod place;
#[path = "../src/core/seed.rs"]
mod seed;

pub use digest::*;
pub use json::*;
pub use place::*;
pub use seed::*;
