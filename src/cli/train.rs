//! `fqm-pipe train`: a policy learns levels, or grade after grade of the suite until it masters them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::console::{Console, Manner};
use super::error::CliError;
use super::output::{self, counted};
use super::{quest, torch};
use crate::core::Digest;
use crate::evaluate::{AgentSpec, Move, PolicyAt, Thresholds};
use crate::policy::{CONFIG_FILE, MODEL_FILE, NetworkShape, TeacherParams, TrainerParams};
use crate::steps::{Course, MasteryPlan, TrainPlan, TrainRequest, TrainState, Weights};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Level files or folders of them, to learn once
    #[arg(value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Where the checkpoint goes; a training that was interrupted goes on there
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Go from grade to grade until every family's target is reached
    #[arg(long, conflicts_with = "files", required_unless_present = "files")]
    until_mastery: bool,
    /// A family; all ordinary ones where none is named
    #[arg(long = "family", value_name = "FAMILY", conflicts_with = "files")]
    families: Vec<String>,
    /// The level up to which grades must be mastered [default: the suite's target]
    #[arg(long, value_name = "L", conflicts_with = "files")]
    level: Option<u32>,
    /// Least share of fresh plays that must succeed [default: the suite's, 0.95]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    success: Option<f64>,
    /// Least mean of fewest calls by calls used [default: the suite's, 0.8]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    efficiency: Option<f64>,
    /// Least successes in a row [default: the suite's, 10]
    #[arg(long, value_name = "N")]
    in_a_row: Option<u32>,
    /// Fresh plays of a grade that decide whether it is mastered
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    plays: u64,
    /// Fresh training levels of each frontier grade a round
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    levels: u64,
    /// Share of a round's training levels that are of mastered grades
    #[arg(long, default_value_t = 0.3, value_name = "SHARE", value_parser = share)]
    replay: f64,
    /// Most rounds
    #[arg(long, default_value_t = 60, value_name = "N")]
    rounds: u32,
    /// Rounds without a newly mastered grade after which training stops
    #[arg(long, default_value_t = 12, value_name = "N")]
    patience: u32,
    /// Stop after this many minutes, at the end of a round; run the command again to go on
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// Weights to begin with: checkpoint:FOLDER or registry:MODEL@ALIAS
    #[arg(long, value_name = "AGENT")]
    base: Option<AgentSpec>,
    /// The seed of weights, levels and plays
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Passes over the examples of a round
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Share of states whose texts are hidden, so that structure must do: 1 for functions that will
    /// be called otherwise
    #[arg(long, default_value_t = TEXT_DROPOUT, value_name = "SHARE", value_parser = share)]
    text_dropout: f64,
    /// Width of the network's nodes
    #[arg(long, value_name = "D")]
    width: Option<usize>,
    /// Rounds of messages in the network
    #[arg(long, value_name = "L")]
    depth: Option<usize>,
    /// Print the state as JSON
    #[arg(long)]
    json: bool,
}

/// Passes over the examples of a round on the way to mastery; the next round has fresh ones.
const PASSES: usize = 3;
/// Texts are hidden more often than not: levels of one family share their few functions, which would
/// soon be learned by heart.
const TEXT_DROPOUT: f64 = 0.75;
/// Passes over levels that are learned once.
const PASSES_ONCE: usize = 10;

fn share(text: &str) -> Result<f64, String> {
    let wrong = || "write a number from 0 to 1".to_owned();
    let value: f64 = text.parse().map_err(|_| wrong())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(wrong()) }
}

pub(super) async fn run(from: &Path, args: Args) -> Result<i32, CliError> {
    let folder = std::path::absolute(&args.output).map_err(CliError::usage)?;
    let base = match &args.base {
        Some(agent) => Some(weights(from, agent).await?),
        None => None,
    };
    let plan = TrainPlan {
        course: course(from, &args)?,
        learner: learner(&args),
        teacher: TeacherParams { seed: args.seed, ..TeacherParams::default() },
        base: base.as_ref().map(|(_, digest)| *digest),
    };
    let seconds = match args.minutes {
        Some(m) if !(m.is_finite() && m > 0.0) => {
            return Err(CliError::usage(format!(
                "stop after {m} minutes: write a positive number"
            )));
        }
        minutes => minutes.map(|m| m * 60.0),
    };
    let base = base.map(|(weights, _)| weights);
    let request = TrainRequest { plan, folder, base, seconds };
    let mut console = Console::new(Manner::Lines);
    let state: TrainState = torch::follow("train", &request, &mut console).await?;
    if args.json {
        output::json(&state)?;
    } else {
        output::data(&told(&state, &args.output));
    }
    Ok(0)
}

fn learner(args: &Args) -> TrainerParams {
    let usual = NetworkShape::default();
    let passes = if args.until_mastery { PASSES } else { PASSES_ONCE };
    TrainerParams {
        network: NetworkShape {
            width: args.width.unwrap_or(usual.width),
            rounds: args.depth.unwrap_or(usual.rounds),
        },
        seed: args.seed,
        epochs: args.epochs.unwrap_or(passes).max(1),
        max_states: usize::MAX,
        text_dropout: args.text_dropout,
        ..TrainerParams::default()
    }
}

fn course(from: &Path, args: &Args) -> Result<Course, CliError> {
    if !args.files.is_empty() {
        return Ok(Course::Levels(quest::levels_to_learn(&args.files)?));
    }
    quest::known_families(from, &args.families)?;
    Ok(Course::Mastery(Box::new(MasteryPlan {
        files: quest::suite_files(from)?,
        families: args.families.clone(),
        thresholds: Thresholds {
            level: args.level,
            success: args.success,
            efficiency: args.efficiency,
            in_a_row: args.in_a_row,
        },
        levels: args.levels as usize,
        replay: args.replay,
        plays: args.plays as usize,
        rounds: args.rounds,
        patience: args.patience,
    })))
}

/// The weights that an agent's name stands for, and the digest of what they are.
async fn weights(from: &Path, agent: &AgentSpec) -> Result<(Weights, Digest), CliError> {
    let AgentSpec::Policy(at) = agent else {
        return Err(CliError::usage(format!(
            "begin with the weights of {agent}: it has none; write checkpoint:FOLDER or \
             registry:MODEL@ALIAS"
        )));
    };
    let weights = quest::weights(from, at).await?;
    let digest = match (&weights, at) {
        (Weights::Variant { variant, .. }, _) => *variant,
        (Weights::Folder(folder), PolicyAt::Folder(_) | PolicyAt::Registry(_)) => {
            let mut bytes = Vec::new();
            for name in [CONFIG_FILE, MODEL_FILE] {
                let path = folder.join(name);
                let wrong = |e| CliError::usage(format!("read {}: {e}", path.display()));
                bytes.extend(std::fs::read(&path).map_err(wrong)?);
            }
            Digest::of(&bytes)
        }
    };
    Ok((weights, digest))
}

/// What came of it, in words.
fn told(state: &TrainState, folder: &Path) -> String {
    let mut out = String::new();
    let (held, all) = state.curriculum.count();
    let states = state.rounds.last().map_or(0, |r| r.states);
    let states = counted(states as usize, "state", "states");
    let rounds = counted(state.rounds.len(), "round", "rounds");
    let _ = writeln!(out, "stopped after {rounds} and {states}: {}", state.stopped.word());
    if all > 0 {
        let _ = writeln!(out, "{held} of {all} grades mastered");
        let mut rows = vec![head()];
        rows.extend(state.curriculum.families.iter().map(|(name, progress)| {
            let own = |step| {
                let record = state.curriculum.record.iter();
                record.filter(|a| a.step == step && a.mastery.family == *name).count().to_string()
            };
            let frontier = progress.frontier();
            vec![
                name.clone(),
                format!("{} of {}", progress.held().count(), progress.grades.len()),
                frontier.map_or("reached".to_owned(), |(l, c)| format!("at {l}.{c}")),
                last_success(state, name),
                own(Move::Lost),
            ]
        }));
        let _ = writeln!(out, "{}", output::table(&rows));
        for line in advice(state) {
            let _ = writeln!(out, "{line}");
        }
    } else if let Some(round) = state.rounds.last() {
        let won: u64 = round.played.values().map(|p| p.score.successes).sum();
        let plays: u64 = round.played.values().map(|p| p.score.episodes).sum();
        let _ = writeln!(out, "{won} of {plays} of these levels are now won with the best calls");
    }
    let _ = write!(out, "checkpoint: {}", folder.display());
    out
}

fn head() -> Vec<String> {
    ["family", "mastered", "target", "last round", "lost again"].map(str::to_owned).to_vec()
}

fn last_success(state: &TrainState, family: &str) -> String {
    let last = state.rounds.iter().rev().find_map(|r| r.played.get(family));
    last.and_then(|p| p.score.success)
        .map_or("–".to_owned(), |s| format!("{:.0} %", s.estimate * 100.0))
}

/// What follows from the numbers.
fn advice(state: &TrainState) -> Vec<String> {
    let mut lines = Vec::new();
    let mut stuck: BTreeMap<&String, usize> = BTreeMap::new();
    for advance in &state.curriculum.record {
        if advance.step == Move::Lost {
            *stuck.entry(&advance.mastery.family).or_default() += 1;
        }
    }
    for (family, lost) in stuck.into_iter().filter(|(_, n)| *n > 2) {
        lines.push(format!("{family} was lost {lost} times: raise --replay, or --width"));
    }
    for (family, (level, challenge)) in state.curriculum.frontiers() {
        let name = format!("{family}/{level}.{challenge}");
        let of = |round: &crate::steps::Round| {
            round.played.get(&family).map(|p| (p.score.success, p.score.efficiency))
        };
        let Some((Some(success), efficiency)) = state.rounds.iter().rev().find_map(of) else {
            continue;
        };
        let why = if success.estimate >= 0.9 && efficiency.is_some_and(|e| e < 0.8) {
            "it is won with too many calls: more --levels show shorter ways".to_owned()
        } else if success.estimate < 0.5 {
            "most plays fail: it lacks data; raise --levels".to_owned()
        } else {
            format!("{:.0} % of the plays are won; more --rounds", success.estimate * 100.0)
        };
        lines.push(format!("{name} is open: {why}"));
    }
    lines
}
