//! The Function Quest suite that a step is given: the captured level files on its port `levels`, or
//! the suite that is compiled into the program.

use crate::pipeline::{StepContext, StepFailure};
use crate::quest::{Suite, SuiteError};
use crate::workspace::Workspace;

/// The suite of a workspace: its folder `levels`, or the one that is compiled in where it has none.
///
/// # Errors
/// When a level file is wrong; the message names the file and the place.
pub fn workspace_suite(workspace: &Workspace) -> Result<Suite, SuiteError> {
    let folder = workspace.folder.join("levels");
    if folder.is_dir() { Suite::load(&folder) } else { Suite::try_builtin() }
}

/// Reads the suite of a step.
///
/// # Errors
/// When a level file is missing in the store or wrong; the message names the file and the place.
pub async fn read_suite(context: &StepContext) -> Result<Suite, StepFailure> {
    let files = context.files("levels").await?;
    if files.0.is_empty() {
        return Ok(Suite::builtin());
    }
    let mut texts = std::collections::BTreeMap::new();
    for (path, digest) in &files.0 {
        let bytes = context.blobs.get(digest).await?;
        let text = String::from_utf8(bytes.to_vec());
        let text = text.map_err(|e| StepFailure::input(format!("read {path}: {e}")))?;
        texts.insert(path.clone(), text);
    }
    Suite::from_files(&texts).map_err(StepFailure::input)
}
