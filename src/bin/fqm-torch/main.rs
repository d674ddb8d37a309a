//! Grows with the rooms.

fn main() {}
