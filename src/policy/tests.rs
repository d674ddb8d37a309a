//! Tests of lifting, encoding, baselines and checkpoints.

mod bytes;
mod fixtures;
mod graphs;
mod habits;
mod logs;
mod relaxation;
mod state;
mod teacher;
