//! The room `quest` and the little of `core` that it stands on, mounted from the repository, with
//! the properties that its tests check: see `src/quest/tests/holds.rs`.

#![allow(missing_docs)]

pub mod core;

#[path = "../src/quest/mod.rs"]
pub mod quest;

#[path = "../src/quest/tests/holds.rs"]
pub mod holds;
