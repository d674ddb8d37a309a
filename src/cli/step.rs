//! `fqm-pipe step`: a single step, as the runner and its engines start it. People have no need to.

use std::path::Path;
use std::sync::Arc;

use super::error::CliError;
use super::night::{self, programs};
use super::open::{self, environment};
use super::output;
use crate::core::LogicalDate;
use crate::pipeline::engine::{Worker, WorkerError, begin, finish};
use crate::pipeline::{
    self, Exchange, Handle, Observer, StepOutcome, StepStatus, end_with_parent, serve_step,
};
use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Run the step whose request comes on standard input, as a child of the runner
    Child,
    /// Begin a run that an engine works on, and print what `exec` needs
    Begin(BeginArgs),
    /// Run a step of such a run
    Exec(ExecArgs),
    /// End such a run: take what its workers published, and write the report
    Finish(FinishArgs),
}

#[derive(clap::Args)]
pub(super) struct BeginArgs {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// The logical date
    #[arg(long, value_name = "DATE")]
    date: Option<LogicalDate>,
}

#[derive(clap::Args)]
pub(super) struct ExecArgs {
    /// The run, as `begin` printed it: sha256:…/RUN
    #[arg(long, value_name = "PLAN/RUN", value_parser = handle)]
    of: Handle,
    /// The step
    #[arg(long, value_name = "STEP")]
    step: String,
    /// The exit code of a step that is skipped
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    skip_exit: i32,
}

#[derive(clap::Args)]
pub(super) struct FinishArgs {
    /// The run, as `begin` printed it: sha256:…/RUN
    #[arg(long, value_name = "PLAN/RUN", value_parser = handle)]
    of: Handle,
}

fn handle(text: &str) -> Result<Handle, String> {
    text.parse()
}

pub(super) async fn run(from: &Path, command: Command) -> Result<i32, CliError> {
    match command {
        Command::Child => {
            end_with_parent().map_err(CliError::temporary)?;
            serve_step(&crate::steps::here()).await;
            Ok(0)
        }
        Command::Begin(args) => begun(from, args).await,
        Command::Exec(args) => exec(from, args).await,
        Command::Finish(args) => finished(from, args).await,
    }
}

async fn begun(from: &Path, args: BeginArgs) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let pipeline = open::pipeline(&opened.workspace, &args.pipeline, opened.catalog.as_ref())?;
    let date = night::date_or_yesterday(&pipeline, args.date)?;
    let frozen = Arc::new(night::freeze(&opened, pipeline, date, true).await?);
    let handle = begin("airflow", frozen, options(), &opened.setting()).await?;
    output::data(&handle.to_string());
    Ok(0)
}

fn options() -> pipeline::Options {
    pipeline::Options {
        programs: programs(),
        cause: "an engine".to_owned(),
        ..pipeline::Options::default()
    }
}

async fn exec(from: &Path, args: ExecArgs) -> Result<i32, CliError> {
    let worker = Worker {
        catalog: Arc::new(crate::steps::here()),
        workspace: Workspace::find(from)?,
        programs: programs(),
        environment: environment(),
        job: job(),
        sink: Arc::new(|event| output::talk(&serde_json::to_string(&event).unwrap_or_default())),
    };
    let work = worker.exec(&args.of, &args.step);
    let outcome = tokio::select! {
        outcome = work => outcome?,
        signal = ended() => return Ok(128 + signal),
    };
    Ok(exit(&outcome, args.skip_exit))
}

/// What the engine calls this worker.
fn job() -> Option<String> {
    let slurm = std::env::var("SLURM_JOB_ID").map(|id| format!("slurm job {id}"));
    let airflow = std::env::var("AIRFLOW_CTX_DAG_RUN_ID").map(|id| format!("airflow run {id}"));
    slurm.or(airflow).ok()
}

/// Ends with the signal that ends the worker; what it began is cut off, and nothing is published.
async fn ended() -> i32 {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = async |kind: SignalKind| match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = listen(SignalKind::interrupt()) => 2,
        () = listen(SignalKind::terminate()) => 15,
    }
}

fn exit(outcome: &StepOutcome, skip: i32) -> i32 {
    if let Some(note) = &outcome.note {
        output::talk(note);
    }
    match outcome.status {
        StepStatus::Done | StepStatus::Hit => 0,
        StepStatus::Skipped | StepStatus::Unselected => skip,
        _ => 1,
    }
}

async fn finished(from: &Path, args: FinishArgs) -> Result<i32, CliError> {
    let opened = open::open(from)?;
    let exchange = Exchange::new(opened.blobs.store(), &args.of.run);
    let frozen = exchange.handover().await?.frozen.checked()?;
    let frozen = Arc::new(frozen);
    let options = pipeline::Options { attach: Some(args.of.run.clone()), ..options() };
    let console = super::console::Console::new(super::console::Manner::Lines);
    let observers: Vec<Box<dyn Observer>> = vec![Box::new(console)];
    let outcome = finish("airflow", frozen.clone(), options, &opened.setting(), observers).await?;
    let night = night::told(&opened, &frozen, outcome).await?;
    super::run::tell(&night, false)
}

impl From<WorkerError> for CliError {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Store(error) => Self::from(error),
            WorkerError::Wrong(message) => Self::config(message),
            WorkerError::TooEarly { .. } | WorkerError::Fenced(_) => Self::temporary(error),
        }
    }
}
