//! Days of orchestration played by a registered variant: the loop's other half. The weights need
//! libtorch, so this runs in `fqm-torch`, which gets the request on its standard input.

use serde::{Deserialize, Serialize};

use crate::core::{Alias, Digest};
use crate::simulate::SimulateParams;
use crate::workspace::Workspace;

/// What to play and where to write it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimulateRequest {
    /// The places of the workspace; logs are written to its `logs`.
    pub workspace: Workspace,
    /// What to play.
    pub params: SimulateParams,
    /// The alias that was asked for.
    pub alias: Alias,
    /// The variant that it named.
    pub variant: Digest,
}

/// Writes a file of logs that is not there yet; one that holds the same bytes is left alone.
///
/// # Errors
/// When another file is there, or the folder cannot be written.
pub fn write_new(folder: &std::path::Path, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    match std::fs::read(folder.join(path)) {
        Ok(found) if found == bytes => Ok(()),
        Ok(_) => Err(std::io::Error::new(
            std::io::ErrorKind::AlreadyExists,
            "another file is there already; remove it, or write elsewhere",
        )),
        Err(_) => write(folder, path, bytes),
    }
}

/// Writes a file below a folder, replacing one that is there: whole or not at all.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(folder: &std::path::Path, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let target = folder.join(path);
    let parent = target.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)?;
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    // Temporary files are private; logs are for everybody who may read the folder.
    let mut mode = file.as_file().metadata()?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o644);
    file.as_file().set_permissions(mode)?;
    file.persist(target).map_err(|e| e.error)?;
    Ok(())
}
