//! Tests of the room.

mod engine;
mod format;
mod planning;
mod suites;
mod timed;
