//! A lock that ends with its process: an advisory lock on a file of the state folder. The file says
//! who holds it, for people; the kernel's lock is what counts.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A lock that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("lock `{name}`: held by {holder}; wait for it, or end it with `fqm-pipe cancel RUN`")]
    Held {
        /// The lock's name.
        name: String,
        /// Who holds it, as it says itself.
        holder: String,
    },
    /// The file cannot be used.
    #[error("lock {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A held lock. It is free again when this value, or the process, ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes a lock, or says who holds it.
    ///
    /// # Errors
    /// When it is held, or its file cannot be used.
    pub fn take(folder: &Path, name: &str, holder: &str) -> Result<Self, LockError> {
        let (path, mut file) = file(folder, name)?;
        let failed = |source| LockError::File { path: path.clone(), source };
        match file.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held { name: name.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let written = file.set_len(0).and_then(|()| file.rewind());
        written.and_then(|()| file.write_all(holder.as_bytes())).map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Takes a lock that is held for moments only, and waits for it.
    ///
    /// # Errors
    /// When its file cannot be used.
    pub fn wait(folder: &Path, name: &str) -> Result<Self, LockError> {
        let (path, file) = file(folder, name)?;
        file.lock().map_err(|source| LockError::File { path, source })?;
        Ok(Self { _file: file })
    }
}

fn file(folder: &Path, name: &str) -> Result<(PathBuf, File), LockError> {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let path = folder.join("locks").join(safe);
    let failed = |source| LockError::File { path: path.clone(), source };
    std::fs::create_dir_all(folder.join("locks")).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(failed)?;
    Ok((path, file))
}
