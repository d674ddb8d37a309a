//! Lets an agent play, wherever it lives.

use std::path::Path;
use std::time::Instant;

use super::super::error::CliError;
use super::super::torch;
use crate::evaluate::{AgentSpec, EvalLevel, PolicyAt, Spent, Trace, play_parallel};
use crate::policy::{CONFIG_FILE, MODEL_FILE};
use crate::registry::Registry;
use crate::steps::{PlayRequest, Weights};
use crate::workspace::Workspace;

/// An agent that is known to be there.
pub(super) struct Player {
    pub spec: AgentSpec,
    /// Where the weights of a trained policy lie.
    weights: Option<Weights>,
}

impl Player {
    /// Looks for the agent, so that a missing one is told before any level is drawn.
    pub(super) async fn find(from: &Path, spec: AgentSpec) -> Result<Self, CliError> {
        let weights = match &spec {
            AgentSpec::Policy(at) => Some(weights(from, at).await?),
            _ => None,
        };
        Ok(Self { spec, weights })
    }

    /// Plays the levels: here on several threads, or in `fqm-torch` where it is a trained policy.
    pub(super) async fn play(
        &self,
        levels: &[EvalLevel],
        seed: u64,
        jobs: usize,
    ) -> Result<(Vec<Trace>, Spent), CliError> {
        let Some(weights) = &self.weights else {
            let played = play_parallel(&self.spec, levels, seed, jobs);
            let played = played.ok_or_else(|| CliError::internal("build the agent"))?;
            return played.map_err(CliError::config);
        };
        let begun = Instant::now();
        let (name, weights) = (self.spec.to_string(), weights.clone());
        let request = PlayRequest { name, weights, levels: levels.to_vec() };
        let traces: Vec<Trace> = torch::ask("play", &request).await?;
        let wall = begun.elapsed();
        Ok((traces, Spent { wall, busy: wall }))
    }
}

/// Where the weights of a policy lie, which are there.
pub(in crate::cli) async fn weights(from: &Path, at: &PolicyAt) -> Result<Weights, CliError> {
    match at {
        PolicyAt::Folder(folder) => {
            let folder = std::path::absolute(folder).map_err(CliError::usage)?;
            for file in [CONFIG_FILE, MODEL_FILE] {
                let path = folder.join(file);
                std::fs::File::open(&path)
                    .map_err(|e| CliError::usage(format!("read {}: {e}", path.display())))?;
            }
            Ok(Weights::Folder(folder))
        }
        PolicyAt::Registry(alias) => {
            let workspace = Workspace::find(from)?;
            let registry = Registry::new(workspace.open_registry()?);
            let variant = registry.resolve(alias).await?.digest;
            Ok(Weights::Variant { workspace: Box::new(workspace), variant })
        }
    }
}
