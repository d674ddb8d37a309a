//! The workspace: a folder with an `fqm.toml` that says where logs, store, registry and state live.
//!
//! Nothing is written outside the places that this file names; by default all of them lie inside the
//! folder, under `.fqm/` and `reports/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::core::{PlaceError, Store, StoreError};

/// The name of the file that makes a folder a workspace.
pub const FILE: &str = "fqm.toml";

/// A workspace that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// No `fqm.toml` here or above.
    #[error(
        "find {FILE} in {} or a folder above it; `fqm-pipe init DIR` makes a workspace, `--workspace DIR` names one",
        .0.display()
    )]
    NotFound(PathBuf),
    /// The file is there and cannot be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is read and something in it is wrong.
    #[error(transparent)]
    Place(Box<PlaceError>),
    /// An environment variable holds no place.
    #[error("read the environment variable {variable}: {message}")]
    Environment {
        /// The variable.
        variable: String,
        /// What is wrong with its value.
        message: String,
    },
    /// One of its stores cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `fqm.toml` as people write it. Places are URLs, or paths relative to the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    name: String,
    #[serde(default)]
    logs: Option<toml::Spanned<String>>,
    #[serde(default)]
    store: Option<toml::Spanned<String>>,
    #[serde(default)]
    registry: Option<toml::Spanned<String>>,
    #[serde(default)]
    state: Option<toml::Spanned<String>>,
    #[serde(default)]
    reports: Option<toml::Spanned<String>>,
    #[serde(default)]
    webhooks: BTreeMap<String, Webhook>,
    #[serde(default)]
    lineage: Option<Lineage>,
    #[serde(default)]
    engines: Engines,
}

/// How the engines are reached that `--engine` names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Engines {
    /// Slurm.
    pub slurm: SlurmPlace,
    /// Airflow.
    pub airflow: AirflowPlace,
}

/// How jobs are given to Slurm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmPlace {
    /// More arguments for `sbatch`, e.g. `--partition=gpu`; words of `FQM_SBATCH` win over them.
    pub arguments: Vec<String>,
    /// Where the output of jobs goes, relative to the workspace: a folder that the nodes see. Below the state
    /// where it is left out.
    pub logs: Option<PathBuf>,
}

/// Where Airflow lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AirflowPlace {
    /// Its command; `FQM_AIRFLOW_BIN` wins over it, and `airflow` is looked for where there is neither.
    pub program: Option<String>,
    /// The folder that it reads DAGs from; as `AIRFLOW__CORE__DAGS_FOLDER` or `AIRFLOW_HOME` say where it
    /// is left out.
    pub dags: Option<PathBuf>,
}

/// Where notices go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address that notices are posted to.
    pub url: Url,
    /// The environment variable that holds the secret that notices are signed with.
    #[serde(default)]
    pub secret_env: Option<String>,
}

/// Where OpenLineage events go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The address that events are posted to, e.g. `http://marquez:5000/api/v1/lineage`.
    #[serde(default)]
    pub url: Option<Url>,
    /// A file that events are appended to, one a line, relative to the workspace.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// The namespace of jobs; the workspace's name where it is left out.
    #[serde(default)]
    pub namespace: Option<String>,
}

/// An opened workspace. Opening reads the file and makes nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Workspace {
    /// The name that the workspace gives itself, for people.
    pub name: String,
    /// The folder that holds `fqm.toml`.
    pub folder: PathBuf,
    /// Where logs are read.
    pub logs: Url,
    /// Where the feature store and the blobs of steps live.
    pub store: Url,
    /// The root of the model registry.
    pub registry: Url,
    /// The folder of the run state (SQLite, locks); always on the local disk.
    pub state: PathBuf,
    /// The folder of the reports.
    pub reports: PathBuf,
    /// Where notices go, by name.
    #[serde(default)]
    pub webhooks: BTreeMap<String, Webhook>,
    /// Where OpenLineage events go.
    #[serde(default)]
    pub lineage: Option<Lineage>,
    /// How the engines are reached.
    #[serde(default)]
    pub engines: Engines,
}

impl Workspace {
    /// Opens the workspace of a folder or of the nearest folder above it.
    ///
    /// # Errors
    /// When there is none, or its file or an `FQM_…` override is wrong.
    pub fn find(from: &Path) -> Result<Self, WorkspaceError> {
        let absolute = std::path::absolute(from)
            .map_err(|source| WorkspaceError::Read { path: from.to_owned(), source })?;
        let folder = absolute
            .ancestors()
            .find(|folder| folder.join(FILE).is_file())
            .ok_or_else(|| WorkspaceError::NotFound(from.to_owned()))?;
        Self::open(folder, |variable| std::env::var(variable).ok())
    }

    /// Opens the workspace of a folder, with environment variables looked up by `variable`:
    /// `FQM_LOGS`, `FQM_STORE`, `FQM_REGISTRY`, `FQM_STATE` and `FQM_REPORTS` win over the file.
    ///
    /// # Errors
    /// As [`Workspace::find`].
    pub fn open(
        folder: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, WorkspaceError> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path)
            .map_err(|source| WorkspaceError::Read { path: path.clone(), source })?;
        let place = |fault| WorkspaceError::Place(Box::new(fault));
        let file: File =
            toml::from_str(&text).map_err(|e| place(PlaceError::from_toml(FILE, &text, &e)))?;
        if file.schema != 1 {
            let at = text.find("schema").unwrap_or(0);
            let fault =
                PlaceError::new(FILE, &text, at..at + 6, format!("unknown schema {}", file.schema));
            return Err(place(
                fault.with_help("this program reads schema 1; a newer program wrote this file"),
            ));
        }
        let url = |name: &str, written: &Option<toml::Spanned<String>>, default: &str| {
            let variable_name = format!("FQM_{}", name.to_uppercase());
            if let Some(value) = variable(&variable_name) {
                return locate(folder, &value).map_err(|message| WorkspaceError::Environment {
                    variable: variable_name,
                    message,
                });
            }
            let Some(written) = written else {
                return locate(folder, default).map_err(|message| WorkspaceError::Environment {
                    variable: variable_name,
                    message,
                });
            };
            locate(folder, written.get_ref())
                .map_err(|message| place(PlaceError::new(FILE, &text, written.span(), message)))
        };
        let local = |name: &str, written: &Option<toml::Spanned<String>>, default: &str| {
            let found = url(name, written, default)?;
            found.to_file_path().map_err(|()| {
                let span = written.as_ref().map_or(0..0, toml::Spanned::span);
                place(PlaceError::new(
                    FILE,
                    &text,
                    span,
                    format!("`{name}` must be a local folder"),
                ))
            })
        };
        Ok(Self {
            logs: url("logs", &file.logs, "logs")?,
            store: url("store", &file.store, ".fqm/store")?,
            registry: url("registry", &file.registry, ".fqm/registry")?,
            state: local("state", &file.state, ".fqm/state")?,
            reports: local("reports", &file.reports, "reports")?,
            webhooks: file.webhooks,
            lineage: file.lineage,
            engines: file.engines,
            name: file.name,
            folder: folder.to_owned(),
        })
    }

    /// The store of the logs.
    ///
    /// # Errors
    /// When its URL cannot be opened.
    pub fn open_logs(&self) -> Result<Store, StoreError> {
        Store::open(&self.logs)
    }

    /// The store of tables and blobs.
    ///
    /// # Errors
    /// When its URL cannot be opened.
    pub fn open_store(&self) -> Result<Store, StoreError> {
        Store::open(&self.store)
    }

    /// The store of the registry.
    ///
    /// # Errors
    /// When its URL cannot be opened.
    pub fn open_registry(&self) -> Result<Store, StoreError> {
        Store::open(&self.registry)
    }

    /// The key of the placeholders that scrubbed values get: `FQM_SCRUB_KEY`, else a constant, which
    /// guards nothing: who knows a value can then tell its placeholder.
    pub fn scrub_key(&self) -> String {
        std::env::var("FQM_SCRUB_KEY").unwrap_or_else(|_| "fqm-pipe".to_owned())
    }
}

/// Reads a URL, or a path relative to a folder, as the URL of a folder.
fn locate(folder: &Path, text: &str) -> Result<Url, String> {
    if text.trim().is_empty() {
        return Err("expected a URL or a path, found nothing".to_owned());
    }
    if text.contains("://") {
        let url = Url::parse(text).map_err(|e| format!("`{text}` is no URL: {e}"))?;
        return match url.scheme() {
            "file" | "s3" | "s3a" | "az" | "abfs" | "abfss" | "gs" | "http" | "https"
            | "memory" => Ok(url),
            other => Err(format!("unknown scheme `{other}`; known: file, s3, az, gs, http, https")),
        };
    }
    let path = std::path::absolute(folder.join(text)).map_err(|e| format!("`{text}`: {e}"))?;
    Url::from_directory_path(&path).map_err(|()| format!("`{text}` is no path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str, variables: &[(&str, &str)]) -> Result<Workspace, WorkspaceError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        let find = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Workspace::open(folder.path(), find)
    }

    #[test]
    fn defaults_lie_inside_and_the_environment_wins() {
        let workspace = open(
            "schema = 1\nname = \"w\"\nstore = \"s3://bucket/x\"\n",
            &[("FQM_LOGS", "s3://logs/y")],
        )
        .unwrap();
        assert_eq!(workspace.logs.as_str(), "s3://logs/y");
        assert_eq!(workspace.store.as_str(), "s3://bucket/x");
        assert_eq!(workspace.state, workspace.folder.join(".fqm/state"));
        let registry = workspace.registry.to_file_path().unwrap();
        assert_eq!(registry, workspace.folder.join(".fqm/registry"));
    }

    #[test]
    fn a_mistake_is_shown_with_its_place_and_the_fix() {
        let error = open("schema = 1\nname = \"w\"\nstroe = \"x\"\n", &[]).unwrap_err().to_string();
        assert!(
            error.contains("fqm.toml:3:1") && error.contains("did you mean `store`"),
            "{error}"
        );
        let error =
            open("schema = 1\nname = \"w\"\nlogs = \"ftp://x\"\n", &[]).unwrap_err().to_string();
        assert!(error.contains("fqm.toml:3:8") && error.contains("known: file, s3"), "{error}");
        let error = open("schema = 7\nname = \"w\"\n", &[]).unwrap_err().to_string();
        assert!(error.contains("fqm.toml:1:1") && error.contains("schema 7"), "{error}");
        let error =
            open("schema = 1\nname = \"w\"\n", &[("FQM_STORE", "")]).unwrap_err().to_string();
        assert!(error.contains("FQM_STORE"), "{error}");
        let error =
            open("schema = 1\nname = \"w\"\nstate = \"s3://x/y\"\n", &[]).unwrap_err().to_string();
        assert!(error.contains("`state` must be a local folder"), "{error}");
    }

    #[test]
    fn a_folder_without_the_file_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = Workspace::find(folder.path()).unwrap_err().to_string();
        assert!(error.contains("fqm-pipe init"), "{error}");
    }
}
