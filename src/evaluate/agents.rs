//! Which agents can be asked for, by name, and playing with them on several threads.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use super::error::EvaluateError;
use super::parallel::parallel;
use super::plan::EvalLevel;
use super::play::{Trace, play_levels};
use crate::core::{Alias, derive_seed, nearest};
use crate::quest::{Agent, Expert, Greedy, Noisy, Random, SolveLimits};

/// The share of random calls of the noisy planner where none is given.
const NOISE: f32 = 0.25;
/// The names of the agents, for messages.
pub const AGENTS: &str =
    "random, greedy, planner, noisy, noisy:SHARE, checkpoint:FOLDER, registry:MODEL@ALIAS";

/// An agent by name.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentSpec {
    /// Draws uniformly among the applicable calls.
    Random,
    /// Looks one call ahead.
    Greedy,
    /// Plans, and plays the plan.
    Planner,
    /// Plans, but this share of its calls is drawn at random.
    Noisy(f32),
    /// A trained policy: needs the program that holds libtorch.
    Policy(PolicyAt),
}

/// Where a policy's weights lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyAt {
    /// A folder with the two files of a checkpoint.
    Folder(PathBuf),
    /// A variant in the registry of the workspace.
    Registry(Alias),
}

/// A text that names no agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("find the agent `{name}`: {help}")]
pub struct UnknownAgent {
    /// What was asked for.
    pub name: String,
    /// The nearest one, or all of them.
    pub help: String,
}

impl FromStr for AgentSpec {
    type Err = UnknownAgent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |help: String| UnknownAgent { name: text.to_owned(), help };
        match text.split_once(':') {
            None => match text {
                "random" => Ok(Self::Random),
                "greedy" => Ok(Self::Greedy),
                "planner" | "expert" => Ok(Self::Planner),
                "noisy" => Ok(Self::Noisy(NOISE)),
                _ => Err(wrong(hint(text))),
            },
            Some(("noisy", share)) => match share.parse::<f32>() {
                Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self::Noisy(share)),
                _ => Err(wrong("write the share of random calls from 0 to 1, `noisy:0.25`".into())),
            },
            Some(("checkpoint", folder)) if !folder.is_empty() => {
                Ok(Self::Policy(PolicyAt::Folder(folder.into())))
            }
            Some(("registry", _)) => match text.parse() {
                Ok(alias) => Ok(Self::Policy(PolicyAt::Registry(alias))),
                Err(_) => Err(wrong("write it like `registry:fqm@champion`".into())),
            },
            Some(_) => Err(wrong(hint(text))),
        }
    }
}

fn hint(text: &str) -> String {
    let near = nearest(text, ["random", "greedy", "planner", "noisy"]);
    near.map_or_else(|| format!("there are {AGENTS}"), |near| format!("did you mean `{near}`?"))
}

impl fmt::Display for AgentSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random"),
            Self::Greedy => f.write_str("greedy"),
            Self::Planner => f.write_str("planner"),
            Self::Noisy(share) => write!(f, "noisy:{share}"),
            Self::Policy(PolicyAt::Folder(folder)) => write!(f, "checkpoint:{}", folder.display()),
            Self::Policy(PolicyAt::Registry(alias)) => write!(f, "{alias}"),
        }
    }
}

impl AgentSpec {
    /// Whether the agent draws any of its calls. One that does not plays a level without chance the
    /// same every time.
    pub fn draws(&self) -> bool {
        match self {
            Self::Random | Self::Greedy | Self::Noisy(_) => true,
            Self::Planner | Self::Policy(_) => false,
        }
    }

    /// The agent with draws of its own; none for a policy, which plays in the child process.
    pub fn build(&self, seed: u64) -> Option<Box<dyn Agent>> {
        let planner = || Expert::new(SolveLimits::default());
        Some(match self {
            Self::Random => Box::new(Random::new(seed)),
            Self::Greedy => Box::new(Greedy::new(seed)),
            Self::Planner => Box::new(planner()),
            Self::Noisy(share) => Box::new(Noisy::new(planner(), *share, seed)),
            Self::Policy(_) => return None,
        })
    }
}

/// How long playing took. It stands apart from all results, because it is never the same twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// By the clock.
    pub wall: Duration,
    /// The sum over all threads.
    pub busy: Duration,
}

/// Plays every level once on `jobs` threads with an agent of its own, whose draws follow from the
/// seed and the level: the results stand in the order of the levels and are the same for any number
/// of threads. None for a policy.
///
/// # Errors
/// As [`play_levels`]; the failure of the first level that has one.
pub fn play_parallel(
    agent: &AgentSpec,
    levels: &[EvalLevel],
    seed: u64,
    jobs: usize,
) -> Option<Result<(Vec<Trace>, Spent), EvaluateError>> {
    agent.build(seed)?;
    let begun = Instant::now();
    let played = parallel(levels, jobs, |level| {
        let begun = Instant::now();
        let own =
            derive_seed(seed, &format!("agent/{}/{}", level.item.digest, level.item.play_seed));
        let mut player = agent.build(own)?;
        let traces = play_levels(player.as_mut(), std::slice::from_ref(level));
        Some((traces, begun.elapsed()))
    });
    let busy = played.iter().flatten().map(|(_, time)| *time).sum();
    let traces: Result<Vec<_>, _> = played.into_iter().flatten().map(|(t, _)| t).collect();
    Some(traces.map(|t| (t.concat(), Spent { wall: begun.elapsed(), busy })))
}
