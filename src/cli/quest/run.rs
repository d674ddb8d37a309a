//! `fqm-pipe quest run`: agents on many levels, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::super::error::CliError;
use super::super::output;
use super::generate::{count, known_family, split};
use super::players::Player;
use super::words::counted;
use super::{page, scores, source};
use crate::core::{Digest, digest_json};
use crate::evaluate::{
    AgentSpec, ArenaRun, EvalLevel, Grades, RunRequest, draw_grades, plan_level, stressed,
    without_repeats,
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
    /// Plays for each grade, on fresh levels; or for each file, with other outcomes (once where
    /// nothing is left to chance and the agent draws nothing)
    #[arg(short, default_value_t = 10, value_name = "N", value_parser = count)]
    n: usize,
    /// The seed of levels, outcomes and agents
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// The split to draw from: train, validation or evaluation
    #[arg(long, default_value = "evaluation", value_parser = split, conflicts_with = "files")]
    split: Split,
    /// Play files as they are, without looking for their fewest calls: no efficiency then, where a
    /// file does not state it
    #[arg(long, requires = "files")]
    no_solve: bool,
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
    // What can be missing is looked for first: drawing and playing may take minutes.
    let players = players(from, &args).await?;
    if let Some(path) = &args.html {
        writable(path)?;
    }
    let Planned { plays: levels, files, given, drawn } = planned(&suite, &args, jobs)?;
    let plays = counted(levels.len(), "play", "plays");
    output::talk(&format!("{plays} for each agent"));
    let (mut played, mut times) = (Vec::new(), Vec::new());
    for player in &players {
        let own = own_plays(&player.spec, &levels);
        let (mut traces, spent) = player.play(&own, args.seed, jobs).await?;
        for trace in &mut traces {
            trace.level = files.get(&trace.result.digest).unwrap_or(&trace.level).clone();
        }
        let time = scores::time(&player.spec, &traces, spent);
        output::talk(&scores::told_time(&time));
        times.push(time);
        played.push((player.spec.to_string(), traces));
    }
    let split = drawn.then_some(args.split);
    let request = RunRequest { split, seed: args.seed, plays: args.n as u64, given };
    let made = ArenaRun::new(request, &played, &suite);
    let digest = digest_json(&made).map_err(CliError::internal)?;
    if args.json {
        output::json(&json!({ "digest": digest, "run": made, "time": times }))?;
    } else {
        output::data(&scores::told(&made));
    }
    if let Some(path) = &args.html {
        write_page(path, &page::report(&made, &digest).to_html())?;
    }
    Ok(0)
}

/// The agents that were asked for, each known to be there.
async fn players(from: &Path, args: &Args) -> Result<Vec<Player>, CliError> {
    let usual = [AgentSpec::Random, AgentSpec::Greedy, AgentSpec::Planner];
    let specs = if args.agents.is_empty() { &usual[..] } else { &args.agents };
    let mut players = Vec::with_capacity(specs.len());
    for spec in specs {
        players.push(Player::find(from, spec.clone()).await?);
    }
    Ok(players)
}

/// The plays of one agent. One that draws nothing plays a level without chance once.
fn own_plays(agent: &AgentSpec, levels: &[EvalLevel]) -> Vec<EvalLevel> {
    if agent.draws() {
        return levels.to_vec();
    }
    let own = without_repeats(levels);
    let less = levels.len() - own.len();
    if less > 0 {
        output::talk(&format!(
            "{agent}: {} left out, for it plays a level without chance the same every time",
            counted(less, "repetition", "repetitions")
        ));
    }
    own
}

/// The folder and the name of a file to write.
fn place(path: &Path) -> (&Path, String) {
    let file = path.file_name().map(|f| f.to_string_lossy().into_owned());
    (path.parent().unwrap_or(Path::new("")), file.unwrap_or_default())
}

/// Tries the folder of a page out, with a file that is taken away again.
fn writable(path: &Path) -> Result<(), CliError> {
    let wrong =
        |why: &dyn std::fmt::Display| CliError::usage(format!("write {}: {why}", path.display()));
    let (folder, file) = place(path);
    if file.is_empty() || path.is_dir() {
        return Err(wrong(&"it is a folder; name a file"));
    }
    let probe = format!(".{file}.{}", std::process::id());
    crate::steps::write_file(folder, &probe, b"").map_err(|e| wrong(&e))?;
    std::fs::remove_file(folder.join(probe)).map_err(|e| wrong(&e))
}

fn write_page(path: &Path, html: &str) -> Result<(), CliError> {
    let (folder, file) = place(path);
    crate::steps::write_file(folder, &file, html.as_bytes())
        .map_err(|e| CliError::config(format!("write {}: {e}", path.display())))?;
    output::talk(&format!("wrote {}", path.display()));
    Ok(())
}

/// The plays that were asked for.
struct Planned {
    plays: Vec<EvalLevel>,
    /// The files of the levels that come from files.
    files: BTreeMap<Digest, String>,
    /// Levels that are given as they are.
    given: u64,
    /// Whether levels were drawn from families.
    drawn: bool,
}

fn planned(suite: &Suite, args: &Args, jobs: usize) -> Result<Planned, CliError> {
    let (mut files, mut fixed) = (BTreeMap::new(), Vec::new());
    let families: Vec<String> = args.families.iter().filter(|f| *f != HAND).cloned().collect();
    let draws = args.files.is_empty() && (args.families.is_empty() || !families.is_empty());
    let mut drawn = if draws { drawn(suite, args, &families, jobs)? } else { Vec::new() };
    if args.families.iter().any(|family| family == HAND) {
        fixed.extend(suite.hand().iter().filter(|level| wanted(level, args)).cloned());
    }
    for path in source::files(&args.files)? {
        fixed.extend(from_file(&path, args, &mut files)?);
    }
    let wanted: BTreeSet<Stress> = args.stresses.iter().flat_map(|s| s.0.clone()).collect();
    drawn.extend(stressed(&drawn, &wanted, jobs));
    fixed.extend(stressed(&fixed, &wanted, jobs));
    let given = fixed.len() as u64;
    let fresh = drawn.into_iter().map(|level| plan_level(level, args.seed, 0));
    let again = fixed.into_iter().flat_map(|level| {
        (0..args.n as u64).map(move |nth| plan_level(level.clone(), args.seed, nth))
    });
    let plays: Vec<EvalLevel> = fresh.chain(again).collect();
    if plays.is_empty() {
        return Err(CliError::usage("choose levels: nothing fits; ask for other grades or files"));
    }
    Ok(Planned { plays, files, given, drawn: draws })
}

/// Fresh levels of the families; all families where none is named.
fn drawn(
    suite: &Suite,
    args: &Args,
    families: &[String],
    jobs: usize,
) -> Result<Vec<Level>, CliError> {
    families.iter().try_for_each(|family| known_family(suite, family))?;
    let grades = Grades { families, levels: &args.levels, challenges: &args.challenges };
    output::talk("drawing levels and proving their fewest calls");
    let begun = Instant::now();
    let drawn = draw_grades(suite, args.split, &grades, args.seed, args.n, jobs);
    let drawn = drawn.map_err(CliError::usage)?;
    let seconds = begun.elapsed().as_secs_f64();
    output::talk(&format!("{} drawn in {seconds:.1} s", counted(drawn.len(), "level", "levels")));
    Ok(drawn)
}

/// The level of a file. None where it was given already under another name, or where a folder that
/// was named holds a family's declaration among its levels.
fn from_file(
    path: &Path,
    args: &Args,
    files: &mut BTreeMap<Digest, String>,
) -> Result<Option<Level>, CliError> {
    let file = path.display().to_string();
    let named = args.files.iter().any(|asked| asked == path);
    if !named && source::is_declaration(&source::text_of(path)?.1) {
        output::talk(&format!("{file}: left out, for it declares a family and is no level"));
        return Ok(None);
    }
    let level = if args.no_solve { source::read(path)? } else { source::read_certified(path)? };
    match files.get(&level.content_digest()) {
        Some(other) => {
            output::talk(&format!("{file}: left out, for it is the same level as {other}"));
            Ok(None)
        }
        None => {
            files.insert(level.content_digest(), file);
            Ok(Some(level))
        }
    }
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
