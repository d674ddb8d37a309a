//! `fqm-pipe quest run`: agents on many levels, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::super::error::CliError;
use super::super::output;
use super::generate::{known_family, split};
use super::{page, players, scores, source};
use crate::core::{Digest, digest_json};
use crate::evaluate::{
    AgentSpec, ArenaRun, EvalLevel, Grades, RunRequest, draw_grades, plan_level, stressed,
};
use crate::quest::{Level, Split, Stress, Suite, UnknownStress};

/// The name under which the suite's hand-written levels are asked for.
const HAND: &str = "hand";

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Level files or folders of them; left out, levels are drawn from the families
    #[arg(value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// An agent: random, greedy, planner, noisy[:SHARE], checkpoint:FOLDER or registry:MODEL@ALIAS;
    /// several are compared with the first [default: random, greedy and planner]
    #[arg(long = "agent", value_name = "AGENT")]
    agents: Vec<AgentSpec>,
    /// A family, or `hand` for the hand-written levels; all families where none is named
    #[arg(long = "family", value_name = "FAMILY", conflicts_with = "files")]
    families: Vec<String>,
    /// A level; all where none is named
    #[arg(long = "level", value_name = "L", conflicts_with = "files")]
    levels: Vec<u32>,
    /// A challenge; all where none is named
    #[arg(long = "challenge", value_name = "C", conflicts_with = "files")]
    challenges: Vec<u32>,
    /// Plays for each grade, on fresh levels; or for each file, with other outcomes
    #[arg(short, default_value_t = 10, value_name = "N")]
    n: usize,
    /// The seed of levels, outcomes and agents
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// The split to draw from: train, validation or evaluation
    #[arg(long, default_value = "evaluation", value_parser = split, conflicts_with = "files")]
    split: Split,
    /// Threads; the results do not depend on them [default: one for each core]
    #[arg(long, value_name = "J")]
    jobs: Option<usize>,
    /// Play every level under this stress too: renamed, distractors, failing, delayed, missing,
    /// unseen or noisy; `all` for each of them
    #[arg(long = "stress", value_name = "STRESS", value_parser = stresses)]
    stresses: Vec<Stresses>,
    /// Write a page with charts into this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON; `digest` is that of `run`, and `time` stands apart
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.unwrap_or_else(cores).max(1);
    let suite = source::suite(from)?;
    let Planned { plays: levels, files } = planned(&suite, &args, jobs)?;
    output::talk(&format!("{} plays for each agent", levels.len()));
    let agents = if args.agents.is_empty() {
        vec![AgentSpec::Random, AgentSpec::Greedy, AgentSpec::Planner]
    } else {
        args.agents.clone()
    };
    let (mut played, mut times) = (Vec::new(), Vec::new());
    for agent in &agents {
        let (mut traces, spent) = players::play(from, agent, &levels, args.seed, jobs).await?;
        for trace in &mut traces {
            trace.level = files.get(&trace.result.digest).unwrap_or(&trace.level).clone();
        }
        let time = scores::time(agent, &traces, spent);
        output::talk(&scores::told_time(&time));
        times.push(time);
        played.push((agent.to_string(), traces));
    }
    let drawn = args.files.is_empty() && !args.families.iter().all(|f| f == HAND)
        || args.files.is_empty() && args.families.is_empty();
    let request =
        RunRequest { split: drawn.then_some(args.split), seed: args.seed, plays: args.n as u64 };
    let made = ArenaRun::new(request, &played, &suite);
    let digest = digest_json(&made).map_err(CliError::internal)?;
    if let Some(path) = &args.html {
        let html = page::report(&made, &digest).to_html();
        let (folder, file) = (path.parent().unwrap_or(Path::new("")), path.file_name());
        let file = file.map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
        crate::steps::write_file(folder, &file, html.as_bytes())
            .map_err(|e| CliError::config(format!("write {}: {e}", path.display())))?;
        output::talk(&format!("wrote {}", path.display()));
    }
    if args.json {
        output::json(&json!({ "digest": digest, "run": made, "time": times }))?;
    } else {
        output::data(&scores::told(&made));
    }
    Ok(0)
}

/// The plays that were asked for, and the files of the levels that come from files.
struct Planned {
    plays: Vec<EvalLevel>,
    files: BTreeMap<Digest, String>,
}

fn planned(suite: &Suite, args: &Args, jobs: usize) -> Result<Planned, CliError> {
    let (mut drawn, mut fixed, mut files) = (Vec::new(), Vec::new(), BTreeMap::new());
    if args.files.is_empty() {
        let families: Vec<String> = args.families.iter().filter(|f| *f != HAND).cloned().collect();
        families.iter().try_for_each(|family| known_family(suite, family))?;
        if args.families.iter().any(|family| family == HAND) {
            fixed.extend(suite.hand().iter().filter(|level| wanted(level, args)).cloned());
        }
        if args.families.is_empty() || !families.is_empty() {
            let grades =
                Grades { families: &families, levels: &args.levels, challenges: &args.challenges };
            let begun = Instant::now();
            drawn = draw_grades(suite, args.split, &grades, args.seed, args.n, jobs)
                .map_err(CliError::usage)?;
            let seconds = begun.elapsed().as_secs_f64();
            output::talk(&format!("{} levels drawn in {seconds:.1} s", drawn.len()));
        }
    }
    for path in source::files(&args.files)? {
        let level = source::read_certified(&path)?;
        files.insert(level.content_digest(), path.display().to_string());
        fixed.push(level);
    }
    let wanted: BTreeSet<Stress> = args.stresses.iter().flat_map(|s| s.0.clone()).collect();
    drawn.extend(stressed(&drawn, &wanted, jobs));
    fixed.extend(stressed(&fixed, &wanted, jobs));
    let fresh = drawn.into_iter().map(|level| plan_level(level, args.seed, 0));
    let again = fixed.into_iter().flat_map(|level| {
        (0..args.n as u64).map(move |nth| plan_level(level.clone(), args.seed, nth))
    });
    let plays: Vec<EvalLevel> = fresh.chain(again).collect();
    if plays.is_empty() {
        return Err(CliError::usage(
            "choose levels: nothing fits; ask for more with -n, or for other grades",
        ));
    }
    Ok(Planned { plays, files })
}

/// One stress, or all of them.
#[derive(Clone)]
struct Stresses(Vec<Stress>);

fn stresses(text: &str) -> Result<Stresses, UnknownStress> {
    let one = || Ok(Stresses(vec![text.parse()?]));
    if text == "all" { Ok(Stresses(Stress::ALL.to_vec())) } else { one() }
}

fn wanted(level: &Level, args: &Args) -> bool {
    let fits = |wanted: &[u32], it: u32| wanted.is_empty() || wanted.contains(&it);
    fits(&args.levels, level.level) && fits(&args.challenges, level.challenge)
}
