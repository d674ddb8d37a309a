//! A lock that ends with its process: an advisory lock on a file of the state folder. The file says
//! who holds it, for people; the kernel's lock is what counts.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A lock that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("lock `{name}`: held by {holder}; wait for it, or end that process")]
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

/// Somebody who asks for the holders has a lock in hand for a moment, so one look is not enough.
fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..5 {
        if file.try_lock().is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    file.try_lock()
}

/// A held lock. It is free again when this value, or the process, ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// What the holders of all held locks of a state folder say of themselves.
    pub fn holders(folder: &Path) -> Vec<String> {
        let Ok(listing) = std::fs::read_dir(folder.join("locks")) else { return Vec::new() };
        let held = |path: PathBuf| {
            let mut file = File::open(path).ok()?;
            let free = !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
            let mut holder = String::new();
            (!free && file.read_to_string(&mut holder).is_ok()).then_some(holder)
        };
        listing.filter_map(|entry| held(entry.ok()?.path())).collect()
    }

    /// Takes a lock, or says who holds it.
    ///
    /// # Errors
    /// When it is held, or its file cannot be used.
    pub fn take(folder: &Path, name: &str, holder: &str) -> Result<Self, LockError> {
        let safe: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = folder.join("locks").join(safe);
        let failed = |source| LockError::File { path: path.clone(), source };
        std::fs::create_dir_all(folder.join("locks")).map_err(failed)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match patiently(&file) {
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
}
