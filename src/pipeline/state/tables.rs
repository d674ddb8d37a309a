//! The tables and how an older file becomes a newer one: each version adds to the one before, so that
//! opening an old state moves it on, step by step, in one transaction.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::StateError;

/// The version of the tables. An older program refuses a newer file.
pub(super) const VERSION: i64 = 2;

/// What each version adds to the one before it.
const STEPS: [&str; 2] = [
    "
CREATE TABLE plans (digest TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TABLE aliases (pipeline TEXT NOT NULL, date TEXT NOT NULL, alias TEXT NOT NULL, digest TEXT,
  PRIMARY KEY (pipeline, date, alias)) STRICT;
CREATE TABLE runs (id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, date TEXT NOT NULL, plan TEXT NOT NULL,
  status TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, exit INTEGER, headline TEXT) STRICT;
CREATE TABLE steps (run TEXT NOT NULL, step TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL,
  key TEXT, reason TEXT, note TEXT, started INTEGER NOT NULL, ended INTEGER, result TEXT,
  PRIMARY KEY (run, step)) STRICT;
CREATE TABLE results (key TEXT PRIMARY KEY, pipeline TEXT NOT NULL, step TEXT NOT NULL, date TEXT NOT NULL,
  fields TEXT NOT NULL, result TEXT NOT NULL, run TEXT NOT NULL) STRICT;
CREATE INDEX results_by_step ON results (pipeline, step);
CREATE TABLE events (run TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, step TEXT, json TEXT NOT NULL,
  PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID;
",
    "
ALTER TABLE plans ADD COLUMN spec TEXT;
ALTER TABLE runs ADD COLUMN holder TEXT;
ALTER TABLE runs ADD COLUMN heartbeat INTEGER;
ALTER TABLE runs ADD COLUMN cause TEXT;
ALTER TABLE runs ADD COLUMN engine TEXT;
ALTER TABLE steps ADD COLUMN usage TEXT;
CREATE INDEX results_by_date ON results (date);
CREATE INDEX runs_by_date ON runs (pipeline, date);
CREATE TABLE leases (name TEXT PRIMARY KEY, fence INTEGER NOT NULL, holder TEXT NOT NULL,
  heartbeat INTEGER NOT NULL) STRICT;
CREATE TABLE gates (plan TEXT NOT NULL, step TEXT NOT NULL, verdict TEXT NOT NULL, person TEXT NOT NULL,
  reason TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (plan, step)) STRICT;
CREATE TABLE cursors (pipeline TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (pipeline, name)) STRICT;
",
];

/// Makes the tables, or moves those of an older program on.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StateError> {
    connection.busy_timeout(std::time::Duration::from_secs(60))?;
    // Setting the mode wants the file alone even where it is set already.
    let mode: String = connection.pragma_query_value(None, "journal_mode", |r| r.get(0))?;
    if mode != "wal" {
        connection.pragma_update(None, "journal_mode", "WAL")?;
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    let found = version(connection)?;
    if found == VERSION {
        return Ok(());
    }
    if (1..VERSION).contains(&found) {
        keep(connection, &copy(path, found))?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > VERSION {
        return Err(StateError::Newer { path: path.to_owned(), found });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Where an older state is kept when it is moved on.
pub(super) fn copy(path: &Path, version: i64) -> PathBuf {
    path.with_extension(format!("sqlite.v{version}"))
}

/// Keeps what an older program wrote, in case that program is wanted back.
fn keep(connection: &Connection, copy: &Path) -> Result<(), StateError> {
    if !copy.exists() {
        connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    }
    Ok(())
}

/// The version of an opened file; 0 where it is new.
pub(super) fn version(connection: &Connection) -> Result<i64, StateError> {
    Ok(connection.pragma_query_value(None, "user_version", |r| r.get(0))?)
}
