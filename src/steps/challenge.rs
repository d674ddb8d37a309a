//! `quest.challenge`: searches for training levels that break the champion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluate::{SearchParams, Tried};
use crate::pipeline::{InPort, Kind, OutPort, Place, Takes, params_of, schema_of};
use crate::quest::Level;

/// The kind.
pub const KIND: Kind = Kind {
    name: "quest.challenge",
    version: 1,
    summary: "searches the grades that the champion has reached for training levels that break it",
    inputs: &[
        InPort { name: "champion", takes: Takes::Alias, optional: false },
        InPort { name: "levels", takes: Takes::Files, optional: true },
    ],
    outputs: &[OutPort { name: "levels", makes: "levels" }],
    place: Place::Torch,
    effect: false,
    params: params_of::<SearchParams>,
    schema: schema_of::<SearchParams>,
};

/// Levels that broke the champion.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Challenge {
    /// The format of this document.
    pub format: String,
    /// The levels, the worst failures first; none where there is no champion yet.
    pub levels: Vec<Level>,
    /// What was tried, by kind, such as `courier/2.1~failing`.
    pub kinds: BTreeMap<String, Tried>,
}
