//! `fqm-pipe policy foretell`: how well a policy foretells the next function of logs whose level
//! nobody knows, beside n-grams, on tasks that it never learned from.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::console::{Console, Manner};
use crate::cli::error::CliError;
use crate::cli::{output, torch};
use crate::dataset::{Episode, episodes_of};
use crate::logs::{Context, Item, Limits, Reader, Record, parse};
use crate::policy::{NetworkShape, TrainerParams};
use crate::promote::Flips;
use crate::steps::{ForetellRequest, Foretelling, SeedGuesses, Standing, foretelling};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Log files of any format that is understood
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Parts that tasks are dealt to; each is held out once
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1000))]
    folds: u64,
    /// The seed that deals the tasks, and that of the first policy
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Policies that learn each fold, with seeds that follow one another
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Only the episodes of this field of work
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Passes over the training examples
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    epochs: u64,
    /// Width of the network's nodes
    #[arg(long, default_value_t = 16, value_name = "D", value_parser = clap::value_parser!(u64).range(4..=512))]
    width: u64,
    /// Rounds of messages in the network
    #[arg(long, default_value_t = 1, value_name = "L", value_parser = clap::value_parser!(u64).range(1..=64))]
    depth: u64,
    /// Share of states whose texts are hidden in training
    #[arg(long, default_value_t = 0.3, value_name = "SHARE")]
    text_dropout: f64,
    /// Print JSON, with every episode
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<i32, CliError> {
    let episodes = chosen(read(&args.files)?, args.domain.as_deref())?;
    let tasks: BTreeSet<_> = episodes.iter().map(|e| (&e.workflow, &e.task_id)).collect();
    let (tasks, folds) = (tasks.len(), args.folds as usize);
    if tasks < folds {
        let why = match tasks {
            1 => "they are of one task alone; give logs of more tasks".to_owned(),
            _ => format!("they are of {tasks} tasks; write --folds {tasks} or give more logs"),
        };
        return Err(CliError::usage(format!("deal the episodes to {folds} folds: {why}")));
    }
    let request = ForetellRequest {
        folds,
        seed: args.seed,
        seeds: (0..args.seeds).map(|n| args.seed.wrapping_add(n)).collect(),
        learner: learner(&args),
        episodes,
    };
    let mut console = Console::new(Manner::Lines);
    let runs: Vec<SeedGuesses> = torch::follow("foretell", &request, &mut console).await?;
    let made = foretelling(&request, &runs);
    if args.json {
        return output::json(&made).map(|()| 0);
    }
    output::data(&told(&made));
    Ok(0)
}

fn learner(args: &Args) -> TrainerParams {
    TrainerParams {
        network: NetworkShape { width: args.width as usize, rounds: args.depth as usize },
        epochs: args.epochs as usize,
        max_states: usize::MAX,
        text_dropout: args.text_dropout,
        batch_nodes: 1_500,
        value_weight: 0.0,
        ..TrainerParams::default()
    }
}

/// The episodes of all files.
fn read(files: &[PathBuf]) -> Result<Vec<Episode>, CliError> {
    let mut records = Vec::new();
    for path in files {
        records.extend(records_of(path)?);
    }
    let gathered = episodes_of(records);
    if gathered.without_consent > 0 {
        let n = gathered.without_consent;
        output::talk(&format!("{n} episodes left out: nobody agreed to training on them"));
    }
    Ok(gathered.episodes.into_iter().filter(|e| e.examples() > 0).collect())
}

fn records_of(path: &Path) -> Result<Vec<Record>, CliError> {
    let wrong = |why: String| CliError::usage(format!("read the log {}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
    if path.is_dir() {
        return Err(wrong("it is a folder; name the files in it".to_owned()));
    }
    let mut reader =
        Reader::open(file, None, Limits::default()).map_err(|e| wrong(e.to_string()))?;
    let (mut records, mut rejected) = (Vec::new(), 0);
    while let Some(item) = reader.read().map_err(|e| wrong(e.to_string()))? {
        match item {
            Item::Record(framed) => {
                match parse(reader.shape().format, &framed, &Context::default()) {
                    Ok(rows) => records.extend(rows),
                    Err(_) => rejected += 1,
                }
            }
            Item::Oversize { .. } | Item::Truncated { .. } => rejected += 1,
        }
    }
    if rejected > 0 {
        output::talk(&format!(
            "{}: {rejected} records left out, they cannot be read",
            path.display()
        ));
    }
    Ok(records)
}

fn chosen(episodes: Vec<Episode>, domain: Option<&str>) -> Result<Vec<Episode>, CliError> {
    let domains: BTreeSet<String> = episodes.iter().map(|e| e.domain.clone()).collect();
    let wanted = |e: &Episode| domain.is_none_or(|domain| e.domain == domain);
    let chosen: Vec<Episode> = episodes.into_iter().filter(wanted).collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let why = match domain {
        Some(domain) if !domains.is_empty() => {
            let known: Vec<String> = domains.into_iter().collect();
            format!("there is no episode of the domain {domain}; there are {}", known.join(", "))
        }
        _ => "there is no episode in these logs that calls a function or answers".to_owned(),
    };
    Err(CliError::usage(format!("find episodes to learn from: {why}")))
}

/// What came of it, in words.
fn told(made: &Foretelling) -> String {
    let mut out = String::new();
    let (episodes, tasks) = (made.episodes.len(), made.tasks);
    let _ = writeln!(
        out,
        "{} choices in {episodes} episodes of {tasks} tasks, each held out once in {} folds",
        made.choices, made.folds
    );
    if made.unknown > 0 {
        let _ = writeln!(
            out,
            "{} of them are of functions that no training episode calls: wrong for everybody",
            made.unknown
        );
    }
    let head = ["", "right", "mean of episodes", "log loss", "calibration error"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(made.standings.iter().map(row));
    let _ = writeln!(out, "\n{}\n", output::table(&rows));
    let _ = write!(out, "{}", verdict(made.against_backoff.as_ref()));
    out
}

fn row(standing: &Standing) -> Vec<String> {
    let number = |n: Option<f64>| n.map_or(String::new(), |n| format!("{n:.3}"));
    vec![
        standing.name.clone(),
        percent(standing.accuracy),
        percent(standing.by_episode),
        number(standing.log_loss),
        number(standing.calibration),
    ]
}

fn verdict(test: Option<&Flips>) -> String {
    let Some(test) = test else { return "nothing to compare".to_owned() };
    let points = |share: f64| format!("{:+.1}", share * 100.0);
    let d = test.difference;
    let word = match (test.p_value < 0.05, d.estimate > 0.0) {
        (true, true) => "the policy foretells better than the back-off n-gram",
        (true, false) => "the policy foretells worse than the back-off n-gram",
        (false, _) => "no difference between policy and back-off n-gram is shown",
    };
    format!(
        "{word}: {} points a task (95 % {} to {}), p = {:.4} (sign flips over {} tasks)",
        points(d.estimate),
        points(d.low),
        points(d.high),
        test.p_value,
        test.pairs
    )
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
