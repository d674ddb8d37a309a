//! Logs in, rows out. Every format (native JSONL, chat-message trajectories, Langfuse traces) is
//! detected from its bytes, read in bounded memory, checked, and turned into the same rows.
//! What cannot be read is rejected with a place and a reason, never dropped.

mod detect;
mod langfuse;
mod messages;
mod native;
mod parse;
mod reader;
mod reject;
mod rows;
mod time;
mod tool_calls;
mod wire;

#[cfg(test)]
mod tests;

use parse::split_key;

pub use detect::{Compression, Format, Framing, NotALog, Shape, UnknownFormat, detect};
pub use parse::{Context, parse, parse_bytes};
pub use reader::{Framed, Item, Limits, ReadError, ReadStats, Reader};
pub use reject::{Reject, rule};
pub use rows::{
    Candidate, Consent, EpisodeRow, FeedbackKind, FeedbackRow, Record, Status, StepRow, TimeSource,
    UnknownWord,
};
pub use time::Time;
pub use wire::{
    ActionType, Agent, EpisodeTag, FeedbackTag, Json, LevelRef, NativeCandidate, NativeEpisode,
    NativeFeedback, NativeStep, Policy, SchemaVersion, StepTag, schemas,
};
