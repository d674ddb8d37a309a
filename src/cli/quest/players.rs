//! Lets an agent play, wherever it lives.

use std::path::Path;
use std::time::Instant;

use super::super::error::CliError;
use super::super::torch;
use crate::evaluate::{AgentSpec, EvalLevel, PolicyAt, Spent, Trace, play_parallel};
use crate::registry::Registry;
use crate::steps::{PlayRequest, Weights};
use crate::workspace::Workspace;

/// Lets one agent play: here on several threads, or in `fqm-torch` where it is a trained policy.
pub(super) async fn play(
    from: &Path,
    agent: &AgentSpec,
    levels: &[EvalLevel],
    seed: u64,
    jobs: usize,
) -> Result<(Vec<Trace>, Spent), CliError> {
    let AgentSpec::Policy(at) = agent else {
        let played = play_parallel(agent, levels, seed, jobs);
        let played = played.ok_or_else(|| CliError::internal("build the agent"))?;
        return played.map_err(CliError::config);
    };
    let weights = match at {
        PolicyAt::Folder(folder) => {
            let folder = std::path::absolute(folder).map_err(CliError::usage)?;
            Weights::Folder(folder)
        }
        PolicyAt::Registry(alias) => {
            let workspace = Workspace::find(from)?;
            let registry = Registry::new(workspace.open_registry()?);
            let variant = registry.resolve(alias).await?.digest;
            Weights::Variant { workspace: Box::new(workspace), variant }
        }
    };
    let begun = Instant::now();
    let request = PlayRequest { name: agent.to_string(), weights, levels: levels.to_vec() };
    let traces: Vec<Trace> = torch::ask("play", &request).await?;
    let wall = begun.elapsed();
    Ok((traces, Spent { wall, busy: wall }))
}
