//! Levels played by a trained policy for somebody who tests agents. The weights need libtorch, so this
//! runs in `fqm-torch`, which gets the request on its standard input and answers with the traces.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::core::Digest;
use crate::evaluate::EvalLevel;
use crate::workspace::Workspace;

/// Which policy plays what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlayRequest {
    /// The name of the agent, for messages.
    pub name: String,
    /// The weights.
    pub weights: Weights,
    /// The plays, each once.
    pub levels: Vec<EvalLevel>,
}

/// Where weights lie.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// A folder with the two files of a checkpoint.
    Folder(PathBuf),
    /// A registered variant.
    Variant {
        /// The workspace of the registry.
        workspace: Box<Workspace>,
        /// Which one.
        variant: Digest,
    },
}
