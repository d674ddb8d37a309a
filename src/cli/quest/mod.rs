//! `fqm-pipe quest`: write, check, solve and play levels, and test agents on them. Every command works
//! in a workspace, with the workspace's levels, and outside one, with those that are compiled in.

mod bench;
mod board;
mod check;
mod export;
mod generate;
mod import;
mod narrated;
mod page;
mod play;
mod players;
mod run;
mod scores;
mod show;
mod solve;
mod source;
mod words;

use std::path::Path;

use super::error::CliError;

pub(super) use generate::known_families;
pub(super) use players::weights;
pub(super) use source::{level as named_level, levels_to_learn, suite_files};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Read, ground and certify level files
    Check(check::Args),
    /// Tell a level in words, for its author
    Show(show::Args),
    /// Find the fewest calls, or prove that there is no way
    Solve(solve::Args),
    /// Play a level in the terminal, or watch an agent play it
    Play(play::Args),
    /// Read PDDL problems and write them as level files
    Import(import::Args),
    /// Write a level as a PDDL domain and problem
    Export(export::Args),
    /// Write certified levels of a family as files
    Generate(generate::Args),
    /// Let agents play many levels and compare them
    Run(run::Args),
    /// Measure how fast the simulator steps
    Bench(bench::Args),
}

pub(super) async fn run(from: &Path, command: Command) -> Result<i32, CliError> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Show(args) => show::run(from, &args),
        Command::Solve(args) => solve::run(from, &args),
        Command::Play(args) => play::run(from, &args).await,
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(from, &args),
        Command::Generate(args) => generate::run(from, &args),
        Command::Run(args) => run::run(from, args).await,
        Command::Bench(args) => bench::run(&args),
    }
}
