//! The Function Quest suite that a step is given: the captured level files on its port `levels`, or
//! the suite that is compiled into the program.

use crate::pipeline::{StepContext, StepFailure};
use crate::quest::Suite;

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
