//! fqm-pipe: the nightly job runner of a self-improving orchestrator.
//!
//! The modules stand in the order of the data; each imports only those above it. `steps` alone joins
//! `pipeline` to the rest, and nothing imports `cli`.
#![warn(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod core;
pub mod workspace;

pub mod quest;

pub mod logs;
pub mod scrub;
#[cfg(feature = "store")]
pub mod store;

pub mod curate;
pub mod dataset;

pub mod evaluate;
pub mod policy;
pub mod simulate;

pub mod promote;
pub mod registry;

pub mod pipeline;
pub mod steps;

pub mod report;

pub mod cli;
