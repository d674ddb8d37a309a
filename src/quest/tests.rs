//! Tests of the room.

mod bounds;
mod difficulty;
mod digest;
mod docs;
mod engine;
mod families;
mod faults;
mod format;
mod fuzz;
mod grounding;
mod holds;
mod minima;
mod moment;
mod oracle;
mod planning;
mod properties;
mod random;
mod rich;
mod safety;
mod sample;
mod sizes;
mod state;
mod suites;
mod tales;
mod timed;
mod worlds;
