//! The run state: SQLite in WAL mode, one writer thread, so that no two writers meet.
//!
//! Steps run at least once, outcomes are kept once: under a key stands one result, and the step's end
//! and its result are written in the same transaction. Reads go over a connection of their own and see
//! what is committed.

mod lease;
mod old;
mod reads;
mod tables;
mod writer;
mod writes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, Transaction};

use super::catalog::{Artifact, StepResult};
use super::events::Event;
use super::key::Key;
use super::lock::Lock;
use super::process::{Process, Usage};

pub use lease::Fence;
pub use writes::{Gate, Names, NewRun, StepEnd};

use tables::VERSION;
use writer::{Work, Write};

/// A failed access to the state.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// The file or its folder cannot be made or opened.
    #[error("open the state {}: {message}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// A newer program wrote the file.
    #[error("open the state {}: it has version {found}, this program reads {}; use the newer fqm-pipe, or move the file away", path.display(), VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// A statement failed.
    #[error("use the state: {0}")]
    Sql(Arc<rusqlite::Error>),
    /// Another process took the lease over.
    #[error(
        "use the state: another process took over the lease `{name}`; `fqm-pipe status` shows its run"
    )]
    Fenced {
        /// The lease.
        name: String,
    },
    /// A process of another machine holds the lease.
    #[error("lock `{name}`: held by {holder}; wait for it, or end it with `fqm-pipe cancel RUN`")]
    Leased {
        /// The lease.
        name: String,
        /// Who holds it.
        holder: String,
    },
    /// The writer thread ended.
    #[error("use the state: its writer has ended")]
    Gone,
    /// A stored value does not read back.
    #[error("use the state: {0}")]
    Decode(String),
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(Arc::new(error))
    }
}

/// A run, as `status` shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunRow {
    /// The run's id.
    pub id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The logical date.
    pub date: String,
    /// The plan's digest.
    pub plan: String,
    /// `running`, `ok`, `failed`, `skipped`, `interrupted`, `lost`.
    pub status: String,
    /// When it started.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// The exit code.
    pub exit: Option<i32>,
    /// The decision in words.
    pub headline: Option<String>,
    /// What started it: a person, the schedule, a trigger.
    pub cause: Option<String>,
    /// Where its steps run.
    pub engine: String,
    /// The process that runs it; none where an older program wrote the row.
    #[serde(skip)]
    pub holder: Option<Process>,
    /// Its last sign of life.
    pub heartbeat: Option<DateTime<Utc>>,
}

/// A step of a run.
#[derive(Clone, Debug, serde::Serialize)]
pub struct AttemptRow {
    /// The step's id.
    pub step: String,
    /// How it ended, or `running`.
    pub status: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was no hit.
    pub reason: Option<String>,
    /// The error, or why it was skipped.
    pub note: Option<String>,
    /// When its first attempt started.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// Its outputs.
    pub outputs: BTreeMap<String, Artifact>,
    /// What it cost, where that was measured.
    pub usage: Option<Usage>,
}

/// A kept result.
#[derive(Clone, Debug)]
pub struct ResultRow {
    /// The fields of its key.
    pub key: Key,
    /// The outputs.
    pub result: StepResult,
    /// The run that computed it.
    pub run: String,
    /// The logical date of that run.
    pub date: String,
}

/// An event of a run.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its number within the run.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub event: Event,
}

/// The run state of a workspace. Clones share one writer.
#[derive(Clone)]
pub struct State {
    queue: Arc<Mutex<Sender<Work>>>,
    reader: Arc<Mutex<Connection>>,
    folder: PathBuf,
}

impl State {
    /// Opens the state of a folder and makes it where it is not there.
    ///
    /// # Errors
    /// When the folder cannot be written, or a newer program wrote the file.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join(FILE);
        let failed = |e: &dyn std::fmt::Display| StateError::Open {
            path: path.clone(),
            message: e.to_string(),
        };
        std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
        let open = || -> Result<(Connection, Connection), StateError> {
            let mut connection = Connection::open(&path)?;
            tables::prepare(&mut connection, &path)?;
            connection.set_prepared_statement_cache_capacity(64);
            let reader = Connection::open(&path)?;
            reader.busy_timeout(std::time::Duration::from_secs(60))?;
            reader.pragma_update(None, "query_only", true)?;
            reader.set_prepared_statement_cache_capacity(64);
            Ok((connection, reader))
        };
        // Two programs that make the same file at the same time would find it locked by each other.
        let alone = Lock::wait(folder, "open").map_err(|e| failed(&e))?;
        let (connection, reader) = open().map_err(|e| match e {
            StateError::Sql(e) => failed(&e),
            other => other,
        })?;
        drop(alone);
        let (queue, work) = channel();
        std::thread::Builder::new()
            .name("state".to_owned())
            .spawn(move || writer::write(connection, &work))
            .map_err(|e| failed(&e))?;
        let (queue, reader) = (Arc::new(Mutex::new(queue)), Arc::new(Mutex::new(reader)));
        Ok(Self { queue, reader, folder: folder.to_owned() })
    }

    /// The version of the tables in a folder, without moving them on; none where there are none yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn version(folder: &Path) -> Result<Option<i64>, StateError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        tables::version(&connection).map(|version| Some(version).filter(|version| *version > 0))
    }

    /// The version that this program writes.
    pub fn newest_version() -> i64 {
        VERSION
    }

    /// Where the tables of an older version are kept when they are moved on.
    pub fn copy(folder: &Path, version: i64) -> PathBuf {
        tables::copy(&folder.join(FILE), version)
    }

    /// The folder of the state.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until everything that was written before is durable.
    ///
    /// # Errors
    /// When a write before failed, or another process took the lease over.
    pub fn flush(&self) -> Result<(), StateError> {
        let (reply, answer) = channel();
        self.send(Work::Flush(reply))?;
        answer.recv().map_err(|_| StateError::Gone)?
    }

    fn send(&self, work: Work) -> Result<(), StateError> {
        let queue = self.queue.lock().map_err(|_| StateError::Gone)?;
        queue.send(work).map_err(|_| StateError::Gone)
    }

    /// Hands a write to the writer; nobody waits for it.
    fn post<F>(&self, fence: Option<&Fence>, work: F) -> Result<(), StateError>
    where
        F: FnOnce(&Transaction<'_>) -> Result<(), StateError> + Send + 'static,
    {
        let work: Write = Box::new(work);
        self.send(Work::Post(fence.cloned(), work))
    }

    /// Writes, and waits until it is durable.
    fn commit<T, F>(&self, work: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StateError> + Send + 'static,
    {
        let (give, value) = channel();
        self.post(None, move |t| {
            let _ = give.send(work(t)?);
            Ok(())
        })?;
        self.flush()?;
        value.recv().map_err(|_| StateError::Gone)
    }

    /// Reads what is committed.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        // A reader that panicked left nothing half done.
        work(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The name of the file in the state folder.
const FILE: &str = "state.sqlite";

fn now() -> i64 {
    Utc::now().timestamp_millis()
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

fn decode(error: impl std::fmt::Display) -> StateError {
    StateError::Decode(error.to_string())
}
