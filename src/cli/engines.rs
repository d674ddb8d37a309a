//! The engines that `--engine` chooses between, made ready for a workspace, and `fqm-pipe export`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::ValueEnum;

use super::error::CliError;
use super::open::{self, Opened, own_program};
use super::output;
use crate::pipeline::Pipeline;
use crate::pipeline::engine::{Airflow, Engine, FollowError, Slurm, WorkerCommand, dag};
use crate::workspace::Workspace;

/// What starts the steps of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineKind {
    /// This process
    Local,
    /// Slurm: a job for each step
    Slurm,
    /// Airflow 3: a DAG with a task for each step
    Airflow,
}

#[derive(clap::Subcommand)]
pub(super) enum Export {
    /// Print a pipeline as a DAG file for Airflow 3
    Airflow(AirflowArgs),
}

#[derive(clap::Args)]
pub(super) struct AirflowArgs {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// Where fqm-pipe lies on the machines of the workers [default: where this one lies]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

pub(super) fn export(from: &Path, command: &Export) -> Result<i32, CliError> {
    let Export::Airflow(args) = command;
    let workspace = Workspace::find(from)?;
    let pipeline = open::pipeline(&workspace, &args.pipeline, &crate::steps::here())?;
    exportable(&pipeline)?;
    let worker = worker(&workspace, args.program.clone())?;
    output::data(dag(&pipeline, &dag_id(&workspace, &pipeline), &worker).trim_end());
    Ok(0)
}

/// The engine of a kind; none for this process.
pub(super) fn engine(
    kind: EngineKind,
    opened: &Opened,
    pipeline: &Pipeline,
) -> Result<Option<Arc<dyn Engine>>, CliError> {
    let workspace = &opened.workspace;
    let words = |variable: &str| std::env::var(variable).unwrap_or_default();
    Ok(match kind {
        EngineKind::Local => None,
        EngineKind::Slurm => Some(Arc::new(Slurm {
            worker: worker(workspace, None)?,
            logs: workspace.state.join("slurm"),
            arguments: words("FQM_SBATCH").split_whitespace().map(str::to_owned).collect(),
        })),
        EngineKind::Airflow => {
            exportable(pipeline)?;
            let worker = worker(workspace, None)?;
            let id = dag_id(workspace, pipeline);
            Some(Arc::new(Airflow {
                program: Some(words("FQM_AIRFLOW_BIN"))
                    .filter(|p| !p.is_empty())
                    .unwrap_or("airflow".into()),
                dags: dags()?,
                text: dag(pipeline, &id, &worker),
                id,
                heard: Mutex::default(),
            }))
        }
    })
}

fn worker(workspace: &Workspace, program: Option<PathBuf>) -> Result<WorkerCommand, CliError> {
    let program = program.or_else(|| own_program().pop());
    let program = program.ok_or_else(|| CliError::config("find where this program lies"))?;
    Ok(WorkerCommand {
        program: program.display().to_string(),
        workspace: workspace.folder.display().to_string(),
    })
}

/// Where Airflow reads DAGs from, as its own variables say.
fn dags() -> Result<PathBuf, CliError> {
    let folder = std::env::var_os("AIRFLOW__CORE__DAGS_FOLDER").map(PathBuf::from);
    let home = std::env::var_os("AIRFLOW_HOME").map(|home| PathBuf::from(home).join("dags"));
    folder.or(home).ok_or_else(|| {
        CliError::config(
            "find Airflow's folder of DAGs: set AIRFLOW_HOME as Airflow's own services have it",
        )
    })
}

fn dag_id(workspace: &Workspace, pipeline: &Pipeline) -> String {
    let name = format!("fqm_{}_{}", workspace.name, pipeline.name);
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' })
        .collect()
}

/// Two tasks of a DAG are not steps.
fn exportable(pipeline: &Pipeline) -> Result<(), CliError> {
    let taken = pipeline.steps.iter().find(|step| matches!(step.id.as_str(), "begin" | "finish"));
    match taken {
        None => Ok(()),
        Some(step) => Err(CliError::usage(format!(
            "export {}: a step is called `{}`, as a task of every exported DAG is; give it another id",
            pipeline.name, step.id
        ))),
    }
}

impl From<FollowError> for CliError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::State(error) => Self::from(error),
            FollowError::Store(error) => Self::from(error),
            FollowError::Engine(error) if error.temporary => Self::temporary(error),
            FollowError::Engine(error) => Self::config(error),
        }
    }
}
