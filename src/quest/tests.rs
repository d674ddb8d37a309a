//! Tests of the room.

mod engine;
mod faults;
mod format;
mod oracle;
mod planning;
mod rich;
mod properties;
mod random;
mod state;
mod suites;
mod timed;
