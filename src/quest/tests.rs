//! Tests of the room.

mod engine;
mod faults;
mod format;
mod planning;
mod rich;
mod state;
mod suites;
mod timed;
