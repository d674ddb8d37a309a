//! The command line: one file a command, and `output` alone writes to the terminal.
//!
//! Standard output is data, standard error is talk. Exit codes: 0 done, 1 a step failed, 2 usage or
//! configuration, 4 refused by a gate, 70 internal, 74 standard output could not be written, 75
//! temporary, 99 not enough data tonight, 124 timeout, 130/143 ended by a signal.

mod advice;
mod again;
mod approve;
mod backfill;
mod cancel;
mod compose;
mod console;
mod daemon;
mod diff;
mod doctor;
mod documents;
mod engines;
mod error;
mod export;
mod gc;
mod graph;
mod history;
mod honesty;
mod init;
mod learned;
mod lineage;
mod logs;
mod night;
mod notify;
mod open;
mod output;
mod papers;
mod plan;
mod policy;
mod publish;
mod quest;
mod registry;
mod resources;
mod run;
mod schedule;
mod schema;
mod simulate;
mod status;
mod step;
mod torch;
mod traces;
mod train;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;
use error::{CliError, Kind};

/// The nightly job runner of a self-improving orchestrator: logs in, an explained decision out.
#[derive(Parser)]
#[command(name = "fqm-pipe", version, about, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    /// The workspace: a folder with an fqm.toml, or one below it [default: .]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    workspace: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a pipeline for one logical date
    Run(run::Args),
    /// Run a pipeline for every date that has logs, in order
    Backfill(backfill::Args),
    /// Run again what a run did not finish, under the same plan
    Resume(again::ResumeArgs),
    /// Run a step of a run again, under the same plan
    Retry(again::RetryArgs),
    /// End a run
    Cancel(cancel::Args),
    /// Answer a step that waits for a person
    Approve(approve::Args),
    /// Say what a run would do, step by step, and why
    Plan(plan::Args),
    /// Show the latest runs, or the steps of one
    Status(status::Args),
    /// Print what happened in a run, or in one of its steps
    Logs(logs::Args),
    /// Say what differs between two runs, field by field
    Diff(diff::Args),
    /// Draw the steps of a pipeline
    Graph(graph::Args),
    /// Show when pipelines fire
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Fire pipelines at their times until ended
    Daemon(daemon::Args),
    /// Make a new workspace
    Init(init::Args),
    /// Play days of orchestration and write them as logs
    Simulate(simulate::Args),
    /// Train a policy on levels, or on the suite until it masters it
    Train(train::Args),
    /// Ask a trained policy what it would call next and why, or how well policies foretell logs
    #[command(subcommand)]
    Policy(policy::Command),
    /// Write, check, solve and play Function Quest levels, and test agents on them
    #[command(subcommand)]
    Quest(quest::Command),
    /// Look at, promote and roll back registered variants
    #[command(subcommand)]
    Registry(registry::Command),
    /// Print a pipeline in the language of another runner
    #[command(subcommand)]
    Export(export::Export),
    /// Forget old runs and remove what nothing refers to any more
    Gc(gc::Args),
    /// Check that everything that a night needs is there
    Doctor(doctor::Args),
    /// Move a workspace that an older fqm-pipe wrote on to this one
    Upgrade(upgrade::Args),
    /// Print what a shell needs to complete commands
    Completions(papers::CompletionsArgs),
    /// Print the manual page, or write those of all commands
    Man(papers::ManArgs),
    /// Print the JSON Schema of pipeline files, log records, levels, suites or results of quest run
    Schema(schema::Args),
    /// A single step, as the runner and its engines start it
    #[command(subcommand, hide = true)]
    Step(step::Command),
}

/// Parses the command line, runs the command and gives the exit code.
pub fn main() -> ExitCode {
    crate::core::return_freed_memory();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap writes help to standard output and mistakes to standard error by itself.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(dispatch(cli));
            // Work that was cancelled must not hold the process, which has let go of its lock.
            runtime.shutdown_background();
            ended
        }
        Err(e) => Err(CliError::internal(format!("start the runtime: {e}"))),
    };
    let ended = match (ended, output::broken()) {
        (Ok(_), Some(why)) => Err(CliError::new(Kind::Output, format!("write the output: {why}"))),
        (ended, _) => ended,
    };
    let code = ended.unwrap_or_else(|error| {
        output::error(&error);
        error.exit()
    });
    ExitCode::from(u8::try_from(code).unwrap_or(70))
}

async fn dispatch(cli: Cli) -> Result<i32, CliError> {
    let named = cli.workspace.as_deref();
    if let Some(folder) = named.filter(|folder| !folder.is_dir()) {
        let message = format!("find the workspace {}: there is no such folder", folder.display());
        return Err(CliError::usage(message));
    }
    let from = named.unwrap_or(Path::new("."));
    match cli.command {
        Command::Run(args) => run::run(from, args).await,
        Command::Backfill(args) => backfill::run(from, args).await,
        Command::Plan(args) => plan::run(from, args).await,
        Command::Resume(args) => again::resume(from, args).await,
        Command::Retry(args) => again::retry(from, args).await,
        Command::Cancel(args) => cancel::run(from, &args),
        Command::Approve(args) => approve::run(from, &args),
        Command::Diff(args) => diff::run(from, &args),
        Command::Schedule(command) => schedule::run(from, &command),
        Command::Step(command) => step::run(from, command).await,
        Command::Status(args) => status::run(from, &args),
        Command::Logs(args) => logs::run(from, &args),
        Command::Graph(args) => graph::run(from, &args),
        Command::Daemon(args) => daemon::run(from, args).await,
        Command::Init(args) => init::run(args).await,
        Command::Simulate(args) => simulate::run(from, args).await,
        Command::Quest(command) => {
            // Outside a workspace the levels are those compiled in, but not where one was named.
            if named.is_some() {
                Workspace::find(from)?;
            }
            quest::run(from, command).await
        }
        Command::Train(args) => train::run(from, args).await,
        Command::Policy(command) => policy::run(from, command).await,
        Command::Registry(command) => registry::run(from, command).await,
        Command::Export(command) => export::run(from, command),
        Command::Gc(args) => gc::run(from, args).await,
        Command::Doctor(args) => doctor::run(from, &args).await,
        Command::Upgrade(args) => upgrade::run(from, &args).await,
        Command::Completions(args) => Ok(papers::completions(&args)),
        Command::Man(args) => papers::man(&args),
        Command::Schema(args) => schema::run(&args),
    }
}
