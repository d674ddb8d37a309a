//! `fqm-pipe export`: a pipeline in the language of another runner.

use std::path::{Path, PathBuf};

use super::engines::{dag_id, exportable, worker};
use super::error::CliError;
use super::{night, open, output};
use crate::core::LogicalDate;
use crate::pipeline::engine::{Pod, dag, manifests};
use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub(super) enum Export {
    /// Print a pipeline as a DAG file for Airflow 3
    Airflow(AirflowArgs),
    /// Print a pipeline as a CronJob for Kubernetes, or one date of it as a Job, in JSON
    Kubernetes(KubernetesArgs),
}

#[derive(clap::Args)]
pub(super) struct AirflowArgs {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// Where fqm-pipe lies on the machines of the workers [default: where this one lies]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct KubernetesArgs {
    /// The pipeline: pipelines/NAME.toml
    pipeline: String,
    /// The image that deploy/Dockerfile makes, as the cluster finds it
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// One Job for this logical date instead of a CronJob
    #[arg(long, value_name = "DATE")]
    date: Option<LogicalDate>,
    /// The namespace [default: that of whoever applies it]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// The claim of the volume that holds the workspace
    #[arg(long, value_name = "NAME", default_value = "fqm-pipe-workspace")]
    claim: String,
    /// The size of that volume
    #[arg(long, value_name = "SIZE", default_value = "20Gi")]
    storage: String,
    /// The secret whose entries become environment variables, where there is one
    #[arg(long, value_name = "NAME", default_value = "fqm-pipe")]
    secret: String,
}

pub(super) fn run(from: &Path, command: Export) -> Result<i32, CliError> {
    match command {
        Export::Airflow(args) => airflow(from, args),
        Export::Kubernetes(args) => kubernetes(from, args),
    }
}

fn airflow(from: &Path, args: AirflowArgs) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let pipeline = open::pipeline(&workspace, &args.pipeline, &crate::steps::here())?;
    exportable(&pipeline)?;
    let worker = worker(&workspace, args.program)?;
    output::data(dag(&pipeline, &dag_id(&workspace, &pipeline), &worker).trim_end());
    Ok(0)
}

fn kubernetes(from: &Path, args: KubernetesArgs) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let pipeline = open::pipeline(&workspace, &args.pipeline, &crate::steps::here())?;
    if let Some(date) = args.date {
        night::date_or_yesterday(&pipeline, Some(date))?;
    }
    let pod = Pod {
        workspace: workspace.name,
        image: args.image,
        namespace: args.namespace,
        claim: args.claim,
        storage: args.storage,
        secret: args.secret,
    };
    output::json(&manifests(&pipeline, args.date, &pod).map_err(CliError::usage)?)?;
    Ok(0)
}
