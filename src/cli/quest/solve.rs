//! `fqm-pipe quest solve`: the fewest calls of a level, proven where that is possible.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use super::super::error::CliError;
use super::super::output;
use super::words::{counted, number};
use super::{import, narrated, source};
use crate::quest::{
    CallId, Level, PddlOptions, Plan, Solution, SolveLimits, World, least_cost, solve,
};

#[derive(clap::Args)]
#[command(
    after_help = "The exit code is 0 where there is a plan, 1 where there is none or none was found."
)]
pub(in crate::cli) struct Args {
    /// A level file, FAMILY/LEVEL.CHALLENGE[@SEED], or the id of a hand-written level
    #[arg(required_unless_present = "domain", conflicts_with = "domain")]
    level: Option<String>,
    /// A domain in PDDL, instead of a level
    #[arg(long, value_name = "FILE", requires = "problem")]
    domain: Option<PathBuf>,
    /// Its problem
    #[arg(long, value_name = "FILE", requires = "domain")]
    problem: Option<PathBuf>,
    /// How to search
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    method: Method,
    /// Plan for the goal that is read from the narrative, not for the level's own
    #[arg(long, value_enum, value_name = "SOURCE")]
    from: Option<Source>,
    /// Most states of one search
    #[arg(long, value_name = "N")]
    states: Option<usize>,
    /// Most CPU time; the answer then depends on the machine
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Ways to search.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Breadth first while the space is small, then a quick plan, then A* with LM-cut
    Auto,
    /// Breadth first alone
    Bfs,
    /// A* with LM-cut alone
    Astar,
    /// Any plan, fast; not the fewest calls
    Satisficing,
}

/// Where the goal stands.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Source {
    /// In the level's narrative
    Narrative,
}

/// What a search found, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct Found {
    pub level: String,
    pub status: &'static str,
    pub min_calls: Option<usize>,
    pub at_least: Option<usize>,
    pub cost: Option<f64>,
    pub min_cost: Option<f64>,
    pub expanded: u64,
    pub method: Option<&'static str>,
    pub plan: Option<Vec<String>>,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let level = match (&args.level, &args.domain, &args.problem) {
        (Some(name), ..) => source::level(from, name)?,
        (None, Some(domain), Some(problem)) => {
            import::import(domain, problem, &PddlOptions::default())?
        }
        _ => return Err(CliError::usage("solve a level: name one, or --domain and --problem")),
    };
    if args.from == Some(Source::Narrative) {
        return narrated::run(&level, &limits(args), args.json);
    }
    let found = search(&level, &limits(args))?;
    if args.json {
        output::json(&found)?;
    } else {
        output::data(&told(&found));
    }
    Ok(if found.plan.is_some() { 0 } else { 1 })
}

/// Reads a span of time.
fn seconds(text: &str) -> Result<Duration, String> {
    let span = text.parse::<f64>().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    span.ok_or_else(|| "write a number of seconds, 0 or more".to_owned())
}

fn limits(args: &Args) -> SolveLimits {
    let usual = SolveLimits::default();
    let most = args.states;
    let mut limits = match args.method {
        Method::Auto => SolveLimits {
            bfs_states: most.map_or(usual.bfs_states, |most| most.min(usual.bfs_states)),
            greedy_states: most.unwrap_or(usual.greedy_states),
            astar_states: most.unwrap_or(usual.astar_states),
            ..usual
        },
        Method::Bfs => SolveLimits::breadth_first(most.unwrap_or(usual.astar_states)),
        Method::Astar => SolveLimits {
            bfs_states: 1,
            greedy_states: 0,
            astar_states: most.unwrap_or(usual.astar_states),
            ..usual
        },
        Method::Satisficing => SolveLimits {
            bfs_states: 1,
            greedy_states: most.unwrap_or(usual.greedy_states),
            astar_states: 0,
            ..usual
        },
    };
    limits.cpu = args.seconds;
    limits
}

fn search(level: &Level, limits: &SolveLimits) -> Result<Found, CliError> {
    let world = World::ground(level).map_err(CliError::config)?;
    let solution = solve(&world, limits);
    let (status, method, at_least) = match &solution {
        Solution::Proven { plan, method, .. } => ("proven", Some(*method), Some(plan.len())),
        Solution::UpperBound { at_least, .. } => ("upper_bound", None, Some(*at_least as usize)),
        Solution::Unsolvable { .. } => ("unsolvable", None, None),
        Solution::GaveUp { .. } => ("gave_up", None, None),
    };
    let plan = solution.plan();
    let cost = plan.map(|plan| cost_of(&world, plan));
    let min_cost = match (&solution, cost) {
        (Solution::Proven { plan, .. }, Some(cost)) => least_cost(&world, limits, plan.len(), cost),
        _ => None,
    };
    Ok(Found {
        level: level.id.clone(),
        status,
        min_calls: plan.map(Vec::len),
        at_least,
        cost,
        min_cost,
        expanded: solution.expanded(),
        method,
        plan: plan.map(|plan| named(&world, plan)),
    })
}

fn cost_of(world: &World, plan: &Plan) -> f64 {
    plan.iter().filter_map(|(call, _)| world.calls().get(*call as usize)).map(|c| c.cost).sum()
}

fn named(world: &World, plan: &Plan) -> Vec<String> {
    let name = |&(id, outcome): &(CallId, usize)| {
        let call = world.calls().get(id as usize)?;
        let outcome = call.outcomes.get(outcome).filter(|_| outcome > 0);
        let name = outcome.and_then(|o| o.name.as_deref());
        Some(name.map_or_else(|| call.name.clone(), |o| format!("{}#{o}", call.name)))
    };
    plan.iter().filter_map(name).collect()
}

fn told(found: &Found) -> String {
    let states = counted(found.expanded as usize, "state", "states");
    let calls = counted(found.min_calls.unwrap_or(0), "call", "calls");
    let mut text = match (found.status, found.method) {
        ("proven", Some(method)) => format!("{calls} at least, proven by {method} over {states}"),
        ("upper_bound", _) => {
            let least = found.at_least.unwrap_or(0);
            format!("a plan of {calls}; the fewest are {least} or more, after {states}")
        }
        ("unsolvable", _) => {
            format!("no plan reaches the goal without a forbidden call, after {states}")
        }
        _ => format!("no plan was found within the limits, after {states}; raise --states"),
    };
    let dear = |cost: f64| (cost - found.min_calls.unwrap_or(0) as f64).abs() > f64::EPSILON;
    if let Some(cost) = found.cost.filter(|cost| dear(*cost)) {
        let least =
            found.min_cost.map_or_else(String::new, |c| format!(", the least is {}", number(c)));
        text.push_str(&format!("; it costs {}{least}", number(cost)));
    }
    let plan = found.plan.iter().flatten().enumerate();
    let lines: Vec<String> = plan.map(|(i, call)| format!("\n  {:>3}  {call}", i + 1)).collect();
    format!("{}: {text}{}", found.level, lines.concat())
}
