//! What is written. What a run writes while it goes is posted: nobody waits for the disk, and the end
//! of the run, or an effect, waits for all of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use super::{Fence, State, StateError, decode, now};
use crate::core::Digest;
use crate::pipeline::catalog::StepResult;
use crate::pipeline::events::{Event, StepStatus};
use crate::pipeline::key::Key;
use crate::pipeline::plan::Plan;
use crate::pipeline::process::{Process, Usage};

/// A run that begins.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id.
    pub id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The logical date.
    pub date: String,
    /// The plan.
    pub plan: Digest,
    /// The process that runs it; none where an engine does, and nobody follows it.
    pub holder: Option<Process>,
    /// What started it.
    pub cause: String,
    /// Where its steps run.
    pub engine: String,
}

/// What the rows of a run have in common; shared, since a run writes many.
#[derive(Debug)]
pub struct Names {
    /// The run's id.
    pub run: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The logical date.
    pub date: String,
}

/// How a step of a run ended, for [`State::end_step`].
pub struct StepEnd {
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
    /// Whether the outputs were computed now, and are to be kept under the key.
    pub computed: bool,
    /// What it cost, where that was measured.
    pub usage: Option<Usage>,
}

/// What a person said at a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Whether the step may run.
    pub approved: bool,
    /// Who said so.
    pub person: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl State {
    /// Keeps a plan as its canonical JSON, the pipeline it was made from, and what its aliases named.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn keep_plan(
        &self,
        plan: &Plan,
        json: String,
        digest: &Digest,
        spec: String,
    ) -> Result<(), StateError> {
        let digest = digest.to_string();
        let (pipeline, date) = (plan.pipeline.clone(), plan.date.to_string());
        let named: Vec<_> = plan
            .aliases
            .iter()
            .map(|(alias, named)| (alias.to_string(), named.map(|d| d.to_string())))
            .collect();
        self.post(None, move |t| {
            t.execute(
                "INSERT INTO plans VALUES (?1, ?2, ?3) ON CONFLICT (digest) DO UPDATE SET spec = ?3",
                params![digest, json, spec],
            )?;
            for (alias, named) in named {
                t.execute(
                    "INSERT OR IGNORE INTO aliases VALUES (?1, ?2, ?3, ?4)",
                    params![pipeline, date, alias, named],
                )?;
            }
            Ok(())
        })
    }

    /// Starts a run, or goes on with one of the same id. Runs of the pipeline that still say `running` and whose process is gone are
    /// marked `lost`; gives back how many.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn start_run(&self, run: NewRun) -> Result<usize, StateError> {
        let running = self.runs(Some(&run.pipeline), usize::MAX)?;
        let gone: Vec<String> = running
            .into_iter()
            .filter(|r| r.status == "running" && r.id != run.id && r.holder != run.holder)
            .filter(|r| r.holder.as_ref().and_then(Process::is_alive) != Some(true))
            .map(|r| r.id)
            .collect();
        let holder = run.holder.as_ref().map(serde_json::to_string).transpose().map_err(decode)?;
        self.commit(move |t| {
            let now = now();
            for id in &gone {
                t.execute(
                    "UPDATE steps SET status = 'lost', ended = ?2 WHERE status = 'running' AND run = ?1",
                    params![id, now],
                )?;
                t.execute(
                    "UPDATE runs SET status = 'lost', ended = ?2 WHERE id = ?1",
                    params![id, now],
                )?;
            }
            t.execute(
                "INSERT INTO runs (id, pipeline, date, plan, status, started, holder, heartbeat, cause, engine)
                 VALUES (?1, ?2, ?3, ?4, 'running', ?5, ?6, ?5, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET status = 'running', holder = ?6, heartbeat = ?5",
                params![
                    run.id,
                    run.pipeline,
                    run.date,
                    run.plan.to_string(),
                    now,
                    holder,
                    run.cause,
                    run.engine
                ],
            )?;
            Ok(gone.len())
        })
    }

    /// Ends a run, and waits until all that it wrote is durable.
    ///
    /// # Errors
    /// When the state cannot be written, or another process took the lease over.
    pub fn end_run(
        &self,
        fence: Option<&Fence>,
        id: &str,
        status: &'static str,
        exit: i32,
    ) -> Result<(), StateError> {
        let id = id.to_owned();
        self.post(fence, move |t| {
            t.execute(
                "UPDATE runs SET status = ?2, ended = ?3, exit = ?4 WHERE id = ?1",
                params![id, status, now(), exit],
            )?;
            Ok(())
        })?;
        self.flush()
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
    /// When the writer is gone.
    pub fn start_step(
        &self,
        fence: Option<&Fence>,
        names: &Arc<Names>,
        step: &str,
        attempt: u32,
        reason: &str,
    ) -> Result<(), StateError> {
        let (names, step, reason) = (names.clone(), step.to_owned(), reason.to_owned());
        let at = now();
        self.post(fence, move |t| {
            let mut upsert = t.prepare_cached(
                "INSERT INTO steps (run, step, status, attempts, reason, started) VALUES (?1, ?2, 'running', ?3, ?4, ?5)
                 ON CONFLICT (run, step) DO UPDATE SET attempts = ?3, status = 'running'",
            )?;
            upsert.execute(params![names.run, step, attempt, reason, at])?;
            Ok(())
        })
    }

    /// Ends a step, and keeps its result under its key where it has one: one transaction.
    ///
    /// # Errors
    /// When the writer is gone.
    pub fn end_step(
        &self,
        fence: Option<&Fence>,
        names: &Arc<Names>,
        end: StepEnd,
    ) -> Result<(), StateError> {
        let result = end.result.as_ref().map(serde_json::to_string).transpose().map_err(decode)?;
        let usage = end.usage.as_ref().map(serde_json::to_string).transpose().map_err(decode)?;
        let done = end.computed && result.is_some() && end.key.is_some();
        let fields = end.key.as_ref().filter(|_| done);
        let fields = fields.map(serde_json::to_string).transpose().map_err(decode)?;
        let key = end.key.as_ref().map(|k| k.digest().to_string());
        let (at, names) = (now(), names.clone());
        self.post(fence, move |t| {
            let mut upsert = t.prepare_cached(
                "INSERT INTO steps (run, step, status, attempts, key, note, started, ended, result, usage)
                 VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?6, ?7, ?8)
                 ON CONFLICT (run, step)
                 DO UPDATE SET status = ?3, key = ?4, note = ?5, ended = ?6, result = ?7, usage = ?8",
            )?;
            let status = end.status.word();
            upsert.execute(params![names.run, end.step, status, key, end.note, at, result, usage])?;
            if done {
                let mut insert = t.prepare_cached(
                    "INSERT INTO results VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (key) DO UPDATE SET result = ?6, run = ?7",
                )?;
                insert.execute(params![
                    key,
                    names.pipeline,
                    end.step,
                    names.date,
                    fields,
                    result,
                    names.run
                ])?;
            }
            Ok(())
        })
    }

    /// Appends events to a run's stream.
    ///
    /// # Errors
    /// When the writer is gone.
    pub fn append(
        &self,
        fence: Option<&Fence>,
        names: &Arc<Names>,
        first: u64,
        events: &[Event],
    ) -> Result<(), StateError> {
        let names = names.clone();
        let rows: Vec<(Option<String>, String)> = events
            .iter()
            .map(|e| Ok((e.step().map(str::to_owned), serde_json::to_string(e).map_err(decode)?)))
            .collect::<Result<_, StateError>>()?;
        let at = now();
        self.post(fence, move |t| {
            let mut insert = t.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let first = i64::try_from(first).unwrap_or(i64::MAX);
            for (seq, (step, json)) in (first..).zip(rows) {
                insert.execute(params![names.run, seq, at, step, json])?;
            }
            Ok(())
        })
    }

    /// Writes down what a person said at a gate; the first word counts. Gives back what stands.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn decide_gate(
        &self,
        plan: &Digest,
        step: &str,
        approved: bool,
        person: &str,
        reason: &str,
    ) -> Result<Option<Gate>, StateError> {
        let verdict = if approved { "approved" } else { "rejected" };
        let (person, reason) = (person.to_owned(), reason.to_owned());
        let (plan_text, step_text) = (plan.to_string(), step.to_owned());
        self.commit(move |t| {
            t.execute(
                "INSERT OR IGNORE INTO gates VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![plan_text, step_text, verdict, person, reason, now()],
            )?;
            Ok(())
        })?;
        self.gate(plan, step)
    }

    /// Marks how far a trigger of a pipeline has looked.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn set_cursor(&self, pipeline: &str, name: &str, value: &str) -> Result<(), StateError> {
        let [pipeline, name, value] = [pipeline, name, value].map(str::to_owned);
        self.commit(move |t| {
            t.execute(
                "INSERT INTO cursors VALUES (?1, ?2, ?3)
                 ON CONFLICT (pipeline, name) DO UPDATE SET value = ?3",
                params![pipeline, name, value],
            )?;
            Ok(())
        })
    }

    /// Marks a run whose process is gone.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn mark(&self, run: &str, status: &'static str) -> Result<(), StateError> {
        let run = run.to_owned();
        self.commit(move |t| {
            t.execute(
                "UPDATE steps SET status = 'lost', ended = ?2 WHERE status = 'running' AND run = ?1",
                params![run, now()],
            )?;
            t.execute(
                "UPDATE runs SET status = ?2, ended = ?3 WHERE id = ?1 AND status = 'running'",
                params![run, status, now()],
            )?;
            Ok(())
        })
    }
}
