//! Opens what most commands need: the workspace, its pipelines and its state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::core::{Blobs, nearest};
use crate::pipeline::{Catalog, Param, Pipeline, Setting, State};
use crate::workspace::Workspace;

use super::error::CliError;

/// An opened workspace with everything that a run needs.
pub(super) struct Opened {
    pub workspace: Workspace,
    pub catalog: Arc<dyn Catalog>,
    pub state: State,
    pub blobs: Blobs,
}

impl Opened {
    /// What a run works with.
    pub(super) fn setting(&self) -> Setting<'_> {
        Setting {
            catalog: self.catalog.clone(),
            state: &self.state,
            workspace: &self.workspace,
            blobs: &self.blobs,
        }
    }
}

/// Opens the workspace of a folder, its state and its store.
pub(super) fn open(from: &Path) -> Result<Opened, CliError> {
    let workspace = Workspace::find(from)?;
    let state = State::open(&workspace.state)?;
    let blobs = Blobs::new(workspace.open_store()?);
    Ok(Opened { workspace, catalog: Arc::new(crate::steps::here()), state, blobs })
}

/// Reads the pipeline of a name: `pipelines/NAME.toml`.
pub(super) fn pipeline(
    workspace: &Workspace,
    name: &str,
    catalog: &dyn Catalog,
) -> Result<Pipeline, CliError> {
    let file = format!("pipelines/{name}.toml");
    let text = match std::fs::read_to_string(workspace.folder.join(&file)) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(unknown(workspace, name)),
        Err(e) => return Err(CliError::config(format!("read {file}: {e}"))),
    };
    let pipeline = Pipeline::parse(&file, &text, catalog)?;
    if pipeline.name != name {
        let message =
            format!("read {file}: it is named `{}`; name file and pipeline alike", pipeline.name);
        return Err(CliError::config(message));
    }
    Ok(pipeline)
}

/// The same with parameters for one run in place of those in the file.
pub(super) fn pipeline_with(
    workspace: &Workspace,
    name: &str,
    catalog: &dyn Catalog,
    params: &[Param],
) -> Result<Pipeline, CliError> {
    let mut pipeline = pipeline(workspace, name, catalog)?;
    params.iter().try_for_each(|param| pipeline.set(param, catalog)).map_err(CliError::usage)?;
    Ok(pipeline)
}

/// The names of the workspace's pipelines, sorted.
pub(super) fn pipeline_names(workspace: &Workspace) -> Vec<String> {
    let entries = std::fs::read_dir(workspace.folder.join("pipelines")).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry.ok()?.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

fn unknown(workspace: &Workspace, name: &str) -> CliError {
    let names = pipeline_names(workspace);
    let folder = workspace.folder.join("pipelines");
    let help = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "there is none yet".to_owned(),
        None => format!("there are: {}", names.join(", ")),
    };
    CliError::usage(format!("find the pipeline `{name}` in {}: {help}", folder.display()))
}

/// Where `fqm-torch` may lie: as `FQM_TORCH` says, else beside this program.
pub(super) fn torch_program() -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os("FQM_TORCH") {
        return vec![path.into()];
    }
    let here = std::env::current_exe().ok();
    let beside = here.as_deref().and_then(Path::parent).map(|folder| folder.join("fqm-torch"));
    // Test binaries lie one folder deeper than the program.
    let above = here.as_deref().and_then(Path::parent).and_then(Path::parent);
    beside.into_iter().chain(above.map(|folder| folder.join("fqm-torch"))).collect()
}

/// Where this program lies, for steps that run in a process of their own.
pub(super) fn own_program() -> Vec<PathBuf> {
    std::env::current_exe().into_iter().collect()
}

/// What the results of child processes depend on beside their inputs.
pub(super) fn environment() -> BTreeMap<String, String> {
    let device = std::env::var("FQM_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    BTreeMap::from([
        ("device".to_owned(), device),
        ("libtorch".to_owned(), crate::steps::LIBTORCH.to_owned()),
    ])
}
