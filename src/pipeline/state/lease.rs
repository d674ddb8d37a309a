//! Leases: who may write what a lock guards. The kernel's lock on a file says who holds it on this
//! machine; the row says so to everybody, and its fence, a number that grows with every holder, keeps a
//! process that lost its lease (it was stopped for an hour, its file was deleted) from writing.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use super::{State, StateError, decode, now};
use crate::pipeline::process::Process;

/// The right to write under a lease, as long as nobody took it over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence {
    /// The lease's name.
    pub name: Arc<str>,
    /// The number of its holder.
    pub token: i64,
}

/// How old a heartbeat may be before a holder on another machine counts as gone, in milliseconds.
const STALE: i64 = 120_000;

impl State {
    /// Takes a lease for this process. The caller holds the lock of that name, so a holder on this
    /// machine is gone; one on another machine is asked for its heartbeat.
    ///
    /// # Errors
    /// When a process of another machine holds it and is alive, or the state cannot be written.
    pub fn take_lease(&self, name: &str, holder: &Process) -> Result<Fence, StateError> {
        let before = self.lease(name)?;
        if let Some((other, heartbeat)) = before
            && other.is_alive().is_none()
            && now() - heartbeat < STALE
        {
            return Err(StateError::Leased { name: name.to_owned(), holder: other.to_string() });
        }
        let (lease, holder) = (name.to_owned(), serde_json::to_string(holder).map_err(decode)?);
        let token = self.commit(move |t| {
            Ok(t.query_row(
                "INSERT INTO leases VALUES (?1, 1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET fence = fence + 1, holder = ?2, heartbeat = ?3
                 RETURNING fence",
                params![lease, holder, now()],
                |r| r.get(0),
            )?)
        })?;
        Ok(Fence { name: name.into(), token })
    }

    /// Who took a lease last, and its last sign of life in milliseconds since 1970.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn lease(&self, name: &str) -> Result<Option<(Process, i64)>, StateError> {
        let row: Option<(String, i64)> = self.read(|c| {
            let mut select =
                c.prepare_cached("SELECT holder, heartbeat FROM leases WHERE name = ?1")?;
            Ok(select.query_row([name], |r| Ok((r.get(0)?, r.get(1)?))).optional()?)
        })?;
        row.map(|(holder, at)| Ok((serde_json::from_str(&holder).map_err(decode)?, at))).transpose()
    }

    /// A sign of life of a run and its lease. Nobody waits for it.
    ///
    /// # Errors
    /// When the writer is gone.
    pub fn beat(&self, fence: Option<&Fence>, run: &str) -> Result<(), StateError> {
        let (name, run) = (fence.map(|f| f.name.clone()), run.to_owned());
        self.post(fence, move |t| {
            if let Some(name) = &name {
                let mut update =
                    t.prepare_cached("UPDATE leases SET heartbeat = ?2 WHERE name = ?1")?;
                update.execute(params![&**name, now()])?;
            }
            let mut update = t.prepare_cached("UPDATE runs SET heartbeat = ?2 WHERE id = ?1")?;
            update.execute(params![run, now()])?;
            Ok(())
        })
    }
}
