//! The run state: SQLite in WAL mode, one writer thread, so that no two writers meet.
//!
//! Steps run at least once, outcomes are kept once: under a key stands one result, and the step's end
//! and its result are written in the same transaction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::catalog::{Artifact, StepResult};
use super::events::{Event, StepStatus};
use super::key::Key;
use super::plan::Plan;
use crate::core::{Alias, Digest, LogicalDate, boundary};

/// The version of the tables. A newer program migrates an older file; an older program refuses.
const VERSION: i64 = 1;

const TABLES: &str = "
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
";

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
    #[error("open the state {}: it has version {found}, this program reads {VERSION}; use the newer fqm-pipe, or move the file away", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// A statement failed.
    #[error("use the state: {0}")]
    Sql(Arc<rusqlite::Error>),
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
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub event: Event,
}

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// The run state of a workspace. Clones share one writer.
#[derive(Clone)]
pub struct State {
    queue: Arc<Mutex<Sender<Work>>>,
    folder: PathBuf,
}

impl State {
    /// Opens the state of a folder and makes it where it is not there.
    ///
    /// # Errors
    /// When the folder cannot be written, or a newer program wrote the file.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join("state.sqlite");
        let failed = |e: &dyn std::fmt::Display| StateError::Open {
            path: path.clone(),
            message: e.to_string(),
        };
        std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
        let mut connection = Connection::open(&path).map_err(|e| failed(&e))?;
        prepare(&mut connection, &path).map_err(|e| match e {
            StateError::Sql(e) => failed(&e),
            other => other,
        })?;
        let (queue, work) = channel();
        std::thread::Builder::new()
            .name("state".to_owned())
            .spawn(move || write(connection, &work))
            .map_err(|e| failed(&e))?;
        Ok(Self { queue: Arc::new(Mutex::new(queue)), folder: folder.to_owned() })
    }

    /// The folder of the state.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn call<T, F>(&self, work: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StateError> + Send + 'static,
    {
        let (reply, answer) = channel();
        let work: Work = Box::new(move |connection| {
            let _ = reply.send(work(connection));
        });
        self.queue
            .lock()
            .map_err(|_| StateError::Gone)?
            .send(work)
            .map_err(|_| StateError::Gone)?;
        answer.recv().map_err(|_| StateError::Gone)?
    }

    fn commit<T, F>(&self, work: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.call(move |connection| {
            boundary("commit");
            let transaction = connection.transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            boundary("commit done");
            Ok(value)
        })
    }

    /// What the aliases named when a night was first planned.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn aliases(
        &self,
        pipeline: &str,
        date: LogicalDate,
    ) -> Result<BTreeMap<Alias, Option<Digest>>, StateError> {
        let (pipeline, date) = (pipeline.to_owned(), date.to_string());
        let rows: Vec<(String, Option<String>)> = self.call(move |c| {
            let mut select = c.prepare_cached(
                "SELECT alias, digest FROM aliases WHERE pipeline = ?1 AND date = ?2",
            )?;
            let rows = select.query_map(params![pipeline, date], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        rows.into_iter()
            .map(|(alias, digest)| {
                let digest = digest.map(|d| d.parse().map_err(decode)).transpose()?;
                Ok((alias.parse().map_err(decode)?, digest))
            })
            .collect()
    }

    /// Keeps a plan and what its aliases named.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn keep_plan(&self, plan: &Plan, digest: &Digest) -> Result<(), StateError> {
        let json = serde_json::to_string(plan).map_err(decode)?;
        let (plan, digest) = (plan.clone(), digest.to_string());
        self.commit(move |t| {
            t.execute("INSERT OR IGNORE INTO plans VALUES (?1, ?2)", params![digest, json])?;
            for (alias, named) in &plan.aliases {
                t.execute(
                    "INSERT OR IGNORE INTO aliases VALUES (?1, ?2, ?3, ?4)",
                    params![
                        plan.pipeline,
                        plan.date.to_string(),
                        alias.to_string(),
                        named.map(|d| d.to_string())
                    ],
                )?;
            }
            Ok(())
        })
    }

    /// Starts a run: runs of the pipeline that still say `running` lost their process, since the
    /// caller holds the lock, and are marked so. Gives back how many.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn start_run(
        &self,
        id: &str,
        pipeline: &str,
        date: LogicalDate,
        plan: &Digest,
    ) -> Result<usize, StateError> {
        let (id, pipeline) = (id.to_owned(), pipeline.to_owned());
        let (date, plan) = (date.to_string(), plan.to_string());
        self.commit(move |t| {
            let now = now();
            t.execute(
                "UPDATE steps SET status = 'lost', ended = ?2 WHERE status = 'running' AND run IN
                 (SELECT id FROM runs WHERE pipeline = ?1 AND status = 'running')",
                params![pipeline, now],
            )?;
            let lost = t.execute(
                "UPDATE runs SET status = 'lost', ended = ?2 WHERE pipeline = ?1 AND status = 'running'",
                params![pipeline, now],
            )?;
            t.execute(
                "INSERT INTO runs (id, pipeline, date, plan, status, started) VALUES (?1, ?2, ?3, ?4, 'running', ?5)",
                params![id, pipeline, date, plan, now],
            )?;
            Ok(lost)
        })
    }

    /// Ends a run.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn end_run(&self, id: &str, status: &str, exit: i32) -> Result<(), StateError> {
        let (id, status) = (id.to_owned(), status.to_owned());
        self.commit(move |t| {
            t.execute(
                "UPDATE runs SET status = ?2, ended = ?3, exit = ?4 WHERE id = ?1",
                params![id, status, now(), exit],
            )?;
            Ok(())
        })
    }

    /// Writes the decision of a run in words.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn set_headline(&self, id: &str, headline: &str) -> Result<(), StateError> {
        let (id, headline) = (id.to_owned(), headline.to_owned());
        self.commit(move |t| {
            t.execute("UPDATE runs SET headline = ?2 WHERE id = ?1", params![id, headline])?;
            Ok(())
        })
    }

    /// Notes that an attempt at a step began.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn start_step(
        &self,
        run: &str,
        step: &str,
        attempt: u32,
        reason: &str,
    ) -> Result<(), StateError> {
        let (run, step, reason) = (run.to_owned(), step.to_owned(), reason.to_owned());
        self.commit(move |t| {
            t.execute(
                "INSERT INTO steps (run, step, status, attempts, reason, started) VALUES (?1, ?2, 'running', ?3, ?4, ?5)
                 ON CONFLICT (run, step) DO UPDATE SET attempts = ?3, status = 'running'",
                params![run, step, attempt, reason, now()],
            )?;
            Ok(())
        })
    }

    /// Ends a step, and keeps its result under its key where it has one: one transaction.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn end_step(&self, end: StepEnd) -> Result<(), StateError> {
        let result = end.result.as_ref().map(serde_json::to_string).transpose().map_err(decode)?;
        let fields = end.key.as_ref().map(serde_json::to_string).transpose().map_err(decode)?;
        self.commit(move |t| {
            let key = end.key.as_ref().map(|k| k.digest().to_string());
            t.execute(
                "INSERT INTO steps (run, step, status, attempts, key, note, started, ended, result)
                 VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?6, ?7)
                 ON CONFLICT (run, step) DO UPDATE SET status = ?3, key = ?4, note = ?5, ended = ?6, result = ?7",
                params![end.run, end.step, end.status.word(), key, end.note, now(), result],
            )?;
            if end.status == StepStatus::Done {
                t.execute(
                    "INSERT INTO results VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (key) DO UPDATE SET result = ?6, run = ?7",
                    params![key, end.pipeline, end.step, end.date, fields, result, end.run],
                )?;
            }
            Ok(())
        })
    }

    /// The result kept under a key.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn result(&self, key: &Digest) -> Result<Option<ResultRow>, StateError> {
        self.find_result(
            "SELECT fields, result, run, date FROM results WHERE key = ?1",
            vec![key.to_string()],
        )
    }

    /// The latest result of a step: for the same date where there is one, else of any date.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn latest_result(
        &self,
        pipeline: &str,
        step: &str,
        date: LogicalDate,
    ) -> Result<Option<ResultRow>, StateError> {
        let sql = "SELECT fields, result, run, date FROM results WHERE pipeline = ?1 AND step = ?2
                   ORDER BY date = ?3 DESC, rowid DESC LIMIT 1";
        self.find_result(sql, vec![pipeline.to_owned(), step.to_owned(), date.to_string()])
    }

    fn find_result(
        &self,
        sql: &'static str,
        with: Vec<String>,
    ) -> Result<Option<ResultRow>, StateError> {
        let found: Option<[String; 4]> = self.call(move |c| {
            let mut select = c.prepare_cached(sql)?;
            let row = select.query_row(rusqlite::params_from_iter(with), |r| {
                Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?])
            });
            Ok(row.optional()?)
        })?;
        found
            .map(|[fields, result, run, date]| {
                let key = serde_json::from_str(&fields).map_err(decode)?;
                let result = serde_json::from_str(&result).map_err(decode)?;
                Ok(ResultRow { key, result, run, date })
            })
            .transpose()
    }

    /// Appends events to a run's stream, in one commit.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn append(&self, run: &str, first: u64, events: Vec<Event>) -> Result<(), StateError> {
        let run = run.to_owned();
        let rows: Vec<(Option<String>, String)> = events
            .iter()
            .map(|e| Ok((e.step().map(str::to_owned), serde_json::to_string(e).map_err(decode)?)))
            .collect::<Result<_, StateError>>()?;
        self.commit(move |t| {
            let mut insert = t.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (offset, (step, json)) in rows.into_iter().enumerate() {
                let seq = i64::try_from(first).unwrap_or(i64::MAX).saturating_add(offset as i64);
                insert.execute(params![run, seq, now(), step, json])?;
            }
            Ok(())
        })
    }

    /// The events of a run, of one step where one is named.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn events(&self, run: &str, step: Option<&str>) -> Result<Vec<EventRow>, StateError> {
        let (run, step) = (run.to_owned(), step.map(str::to_owned));
        let rows: Vec<(i64, String)> = self.call(move |c| {
            let mut select = c.prepare_cached(
                "SELECT at, json FROM events WHERE run = ?1 AND (?2 IS NULL OR step = ?2) ORDER BY seq",
            )?;
            let rows = select.query_map(params![run, step], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        rows.into_iter()
            .map(|(at, json)| {
                Ok(EventRow { at: time(at), event: serde_json::from_str(&json).map_err(decode)? })
            })
            .collect()
    }

    /// The runs, latest first, of one pipeline where one is named.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn runs(&self, pipeline: Option<&str>, limit: usize) -> Result<Vec<RunRow>, StateError> {
        let pipeline = pipeline.map(str::to_owned);
        self.call(move |c| {
            let mut select = c.prepare_cached(
                "SELECT id, pipeline, date, plan, status, started, ended, exit, headline FROM runs
                 WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY rowid DESC LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = select.query_map(params![pipeline, limit], |r| {
                Ok(RunRow {
                    id: r.get(0)?,
                    pipeline: r.get(1)?,
                    date: r.get(2)?,
                    plan: r.get(3)?,
                    status: r.get(4)?,
                    started: time(r.get(5)?),
                    ended: r.get::<_, Option<i64>>(6)?.map(time),
                    exit: r.get(7)?,
                    headline: r.get(8)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The steps of a run, in the order in which they started.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn steps(&self, run: &str) -> Result<Vec<AttemptRow>, StateError> {
        let run = run.to_owned();
        self.call(move |c| {
            let mut select = c.prepare_cached(
                "SELECT step, status, attempts, reason, note, started, ended, result FROM steps
                 WHERE run = ?1 ORDER BY started, rowid",
            )?;
            let rows = select.query_map(params![run], |r| {
                let result: Option<String> = r.get(7)?;
                let result = result.and_then(|text| serde_json::from_str::<StepResult>(&text).ok());
                Ok(AttemptRow {
                    step: r.get(0)?,
                    status: r.get(1)?,
                    attempts: r.get(2)?,
                    reason: r.get(3)?,
                    note: r.get(4)?,
                    started: time(r.get(5)?),
                    ended: r.get::<_, Option<i64>>(6)?.map(time),
                    outputs: result.unwrap_or_default().outputs,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// How a step of a run ended, for [`State::end_step`].
pub struct StepEnd {
    /// The run's id.
    pub run: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The logical date.
    pub date: String,
    /// The step's id.
    pub step: String,
    /// How it ended.
    pub status: StepStatus,
    /// The key, where it came to one.
    pub key: Option<Key>,
    /// The error, or why it was skipped.
    pub note: Option<String>,
    /// The outputs, where there are any.
    pub result: Option<StepResult>,
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StateError> {
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |r| r.get(0))?;
    match found {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => (),
        found => return Err(StateError::Newer { path: path.to_owned(), found }),
    }
    Ok(transaction.commit()?)
}

fn write(mut connection: Connection, work: &Receiver<Work>) {
    while let Ok(next) = work.recv() {
        next(&mut connection);
    }
}

fn now() -> i64 {
    Utc::now().timestamp_millis()
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

fn decode(error: impl std::fmt::Display) -> StateError {
    StateError::Decode(error.to_string())
}
