//! `fqm-pipe policy`: what a trained policy would call next, why, and how well it foretells logs.

mod explain;
mod foretell;

use std::path::Path;

use super::error::CliError;
use super::{output, quest, torch};
use crate::evaluate::AgentSpec;
use crate::quest::Level;
use crate::steps::{AskedState, Opinion, ScoreRequest, Weights};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Say how probable each call is
    Act(Asked),
    /// Say why: what the probability of the best call would be if a fact or a part of the goal were
    /// not there
    Explain(explain::Args),
    /// Measure how well a policy foretells the next function on held-out tasks of logs, beside
    /// n-grams
    Foretell(foretell::Args),
}

/// A policy and a state.
#[derive(clap::Args)]
pub(super) struct Asked {
    /// A level file, FAMILY/LEVEL.CHALLENGE[@SEED], or the id of a hand-written level
    level: String,
    /// The policy: checkpoint:FOLDER or registry:MODEL@ALIAS
    #[arg(long, value_name = "AGENT")]
    agent: AgentSpec,
    /// A call that was made, as `ship(r1)` or `build(r1)#timeout`; once for each, in order
    #[arg(long, value_name = "CALL")]
    after: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(from: &Path, command: Command) -> Result<i32, CliError> {
    match command {
        Command::Act(asked) => act(from, &asked).await,
        Command::Explain(args) => explain::run(from, &args).await,
        Command::Foretell(args) => foretell::run(args).await,
    }
}

async fn act(from: &Path, asked: &Asked) -> Result<i32, CliError> {
    let (level, weights) = found(from, asked).await?;
    let state = AskedState { level, after: asked.after.clone() };
    let opinion = score(weights, vec![state]).await?.into_iter().next().flatten();
    let opinion = opinion.ok_or_else(|| CliError::usage(over(asked)))?;
    if asked.json {
        return output::json(&opinion).map(|()| 0);
    }
    let mut rows = vec![["call", "probability", ""].map(str::to_owned).to_vec()];
    rows.extend(opinion.calls.iter().map(|likely| {
        let mark = if likely.forbidden { "forbidden" } else { "" };
        vec![likely.call.clone(), share(likely.probability), mark.to_owned()]
    }));
    output::data(&output::table(&rows));
    output::data(&format!("about {:.1} more calls needed", opinion.calls_needed));
    Ok(0)
}

fn over(asked: &Asked) -> String {
    format!(
        "ask what comes next in {}: the play is over there, or nothing can be called",
        asked.level
    )
}

async fn found(from: &Path, asked: &Asked) -> Result<(Level, Weights), CliError> {
    let AgentSpec::Policy(at) = &asked.agent else {
        return Err(CliError::usage(format!(
            "ask {}: it is no trained policy; write checkpoint:FOLDER or registry:MODEL@ALIAS",
            asked.agent
        )));
    };
    Ok((quest::named_level(from, &asked.level)?, quest::weights(from, at).await?))
}

async fn score(
    weights: Weights,
    states: Vec<AskedState>,
) -> Result<Vec<Option<Opinion>>, CliError> {
    torch::ask("score", &ScoreRequest { weights, states }).await
}

fn share(probability: f32) -> String {
    format!("{:.1} %", probability * 100.0)
}
