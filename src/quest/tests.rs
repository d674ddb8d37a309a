//! Tests of the room.

mod engine;
mod format;
mod planning;
mod state;
mod suites;
mod timed;
