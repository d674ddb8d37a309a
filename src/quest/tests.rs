//! Tests of the room.

mod digest;
mod engine;
mod faults;
mod format;
mod oracle;
mod planning;
mod properties;
mod random;
mod rich;
mod state;
mod suites;
mod timed;
