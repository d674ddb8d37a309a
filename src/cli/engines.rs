//! The engines that `--engine` chooses between, made ready for a workspace.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::ValueEnum;

use super::error::CliError;
use super::open::{Opened, own_program};
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

/// The engine of a kind; none for this process.
pub(super) fn engine(
    kind: EngineKind,
    opened: &Opened,
    pipeline: &Pipeline,
) -> Result<Option<Arc<dyn Engine>>, CliError> {
    let workspace = &opened.workspace;
    let words = |variable: &str| std::env::var(variable).ok().filter(|words| !words.is_empty());
    Ok(match kind {
        EngineKind::Local => None,
        EngineKind::Slurm => Some(Arc::new(Slurm {
            worker: worker(workspace, None)?,
            logs: match &workspace.engines.slurm.logs {
                Some(folder) => workspace.folder.join(folder),
                None => workspace.state.join("slurm"),
            },
            arguments: match words("FQM_SBATCH") {
                Some(words) => words.split_whitespace().map(str::to_owned).collect(),
                None => workspace.engines.slurm.arguments.clone(),
            },
        })),
        EngineKind::Airflow => {
            exportable(pipeline)?;
            let worker = worker(workspace, None)?;
            // Beside the exported DAG, which keeps the schedule: neither may take the other's place.
            let id = format!("{}_on_demand", dag_id(workspace, pipeline));
            let unscheduled = Pipeline { schedule: None, ..pipeline.clone() };
            let place = &workspace.engines.airflow;
            let program = words("FQM_AIRFLOW_BIN").or_else(|| place.program.clone());
            Some(Arc::new(Airflow {
                program: program.unwrap_or_else(|| "airflow".to_owned()),
                dags: dags(workspace)?,
                text: dag(&unscheduled, &id, &worker),
                id,
                heard: Mutex::default(),
            }))
        }
    })
}

pub(super) fn worker(
    workspace: &Workspace,
    program: Option<PathBuf>,
) -> Result<WorkerCommand, CliError> {
    let program = program.or_else(|| own_program().pop());
    let program = program.ok_or_else(|| CliError::config("find where this program lies"))?;
    Ok(WorkerCommand {
        program: program.display().to_string(),
        workspace: workspace.folder.display().to_string(),
    })
}

/// Where Airflow reads DAGs from, as fqm.toml or Airflow's own variables say.
fn dags(workspace: &Workspace) -> Result<PathBuf, CliError> {
    if let Some(folder) = &workspace.engines.airflow.dags {
        return Ok(workspace.folder.join(folder));
    }
    let folder = std::env::var_os("AIRFLOW__CORE__DAGS_FOLDER").map(PathBuf::from);
    let home = std::env::var_os("AIRFLOW_HOME").map(|home| PathBuf::from(home).join("dags"));
    folder.or(home).ok_or_else(|| {
        CliError::config(
            "find Airflow's folder of DAGs: set `dags` below [engines.airflow] in fqm.toml, or AIRFLOW_HOME as Airflow's own services have it",
        )
    })
}

pub(super) fn dag_id(workspace: &Workspace, pipeline: &Pipeline) -> String {
    let name = format!("fqm_{}_{}", workspace.name, pipeline.name);
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' })
        .collect()
}

/// Two tasks of a DAG are not steps.
pub(super) fn exportable(pipeline: &Pipeline) -> Result<(), CliError> {
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
