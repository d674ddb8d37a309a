//! What is read: plans, results, runs, steps, events.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, params};

use super::{AttemptRow, EventRow, Gate, ResultRow, RunRow, State, StateError, decode, time};
use crate::core::{Alias, Digest, LogicalDate};
use crate::pipeline::catalog::{Artifact, StepResult};
use crate::pipeline::process::Usage;

const RUN: &str = "SELECT id, pipeline, date, plan, status, started, ended, exit, headline, cause, \
                   engine, holder, heartbeat FROM runs";

impl State {
    /// What the aliases named when a night was first planned.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn aliases(
        &self,
        pipeline: &str,
        date: LogicalDate,
    ) -> Result<BTreeMap<Alias, Option<Digest>>, StateError> {
        let rows: Vec<(String, Option<String>)> = self.read(|c| {
            let mut select = c.prepare_cached(
                "SELECT alias, digest FROM aliases WHERE pipeline = ?1 AND date = ?2",
            )?;
            let rows = select
                .query_map(params![pipeline, date.to_string()], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        rows.into_iter()
            .map(|(alias, digest)| {
                let digest = digest.map(|d| d.parse().map_err(decode)).transpose()?;
                Ok((alias.parse().map_err(decode)?, digest))
            })
            .collect()
    }

    /// The JSON of a kept plan and of the pipeline that it was made from.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn plan(&self, digest: &str) -> Result<Option<(String, Option<String>)>, StateError> {
        self.read(|c| {
            let mut select = c.prepare_cached("SELECT json, spec FROM plans WHERE digest = ?1")?;
            Ok(select.query_row([digest], |r| Ok((r.get(0)?, r.get(1)?))).optional()?)
        })
    }

    /// The result kept under a key.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn result(&self, key: &Digest) -> Result<Option<ResultRow>, StateError> {
        let sql = "SELECT fields, result, run, date FROM results WHERE key = ?1";
        self.find_result(sql, &[&key.to_string()])
    }

    /// All that is kept for a date: the digest of the key → the outputs as JSON, and the run that
    /// computed them. The date is part of every key, so no other result can be a hit on that date.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn kept(&self, date: LogicalDate) -> Result<HashMap<Digest, (String, String)>, StateError> {
        self.read(|c| {
            let mut select =
                c.prepare_cached("SELECT key, result, run FROM results WHERE date = ?1")?;
            let mut rows = select.query([date.to_string()])?;
            let mut kept = HashMap::new();
            while let Some(row) = rows.next()? {
                let key = row.get_ref(0)?.as_str().ok().and_then(|key| key.parse().ok());
                let key = key.ok_or_else(|| decode("a result has no digest for a key"))?;
                kept.insert(key, (row.get(1)?, row.get(2)?));
            }
            Ok(kept)
        })
    }

    /// Whether anything is kept of a pipeline.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn has_results(&self, pipeline: &str) -> Result<bool, StateError> {
        self.read(|c| {
            let mut select =
                c.prepare_cached("SELECT EXISTS (SELECT 1 FROM results WHERE pipeline = ?1)")?;
            Ok(select.query_row([pipeline], |r| r.get(0))?)
        })
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
        self.find_result(sql, &[pipeline, step, &date.to_string()])
    }

    /// An output of a step in the latest finished run of a pipeline for a date.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn finished_output(
        &self,
        pipeline: &str,
        date: LogicalDate,
        step: &str,
        port: &str,
    ) -> Result<Option<Artifact>, StateError> {
        let result: Option<String> = self.read(|c| {
            let mut select = c.prepare_cached(
                "SELECT steps.result FROM runs JOIN steps ON steps.run = runs.id AND steps.step = ?3
                 WHERE runs.pipeline = ?1 AND runs.date = ?2 AND runs.status IN ('ok', 'skipped')
                 AND steps.result IS NOT NULL ORDER BY runs.rowid DESC LIMIT 1",
            )?;
            let row = select.query_row(params![pipeline, date.to_string(), step], |r| r.get(0));
            Ok(row.optional()?)
        })?;
        let Some(result) = result else { return Ok(None) };
        let mut result: StepResult = serde_json::from_str(&result).map_err(decode)?;
        Ok(result.outputs.remove(port))
    }

    fn find_result(&self, sql: &str, with: &[&str]) -> Result<Option<ResultRow>, StateError> {
        let found: Option<[String; 4]> = self.read(|c| {
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

    /// The fields of the key under which a step of a run ended, where it came to one.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn key_of(&self, run: &str, step: &str) -> Result<Option<ResultRow>, StateError> {
        let sql = "SELECT fields, results.result, results.run, results.date FROM steps
                   JOIN results ON results.key = steps.key
                   WHERE steps.run = ?1 AND steps.step = ?2";
        self.find_result(sql, &[run, step])
    }

    /// The events of a run after the first `after` ones, of one step where one is named.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn events_after(
        &self,
        run: &str,
        step: Option<&str>,
        after: i64,
    ) -> Result<Vec<EventRow>, StateError> {
        let rows: Vec<(i64, i64, String)> = self.read(|c| {
            let mut select = c.prepare_cached(
                "SELECT seq, at, json FROM events
                 WHERE run = ?1 AND (?2 IS NULL OR step = ?2) AND seq >= ?3 ORDER BY seq",
            )?;
            let rows = select
                .query_map(params![run, step, after], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        rows.into_iter()
            .map(|(seq, at, json)| {
                let event = serde_json::from_str(&json).map_err(decode)?;
                Ok(EventRow { seq, at: time(at), event })
            })
            .collect()
    }

    /// The number of the next event of a run.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn next_event(&self, run: &str) -> Result<u64, StateError> {
        let next: i64 = self.read(|c| {
            let mut select =
                c.prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM events WHERE run = ?1")?;
            Ok(select.query_row([run], |r| r.get(0))?)
        })?;
        Ok(u64::try_from(next).unwrap_or(0))
    }

    /// The events of a run, of one step where one is named.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn events(&self, run: &str, step: Option<&str>) -> Result<Vec<EventRow>, StateError> {
        self.events_after(run, step, 0)
    }

    /// The runs, latest first, of one pipeline where one is named.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn runs(&self, pipeline: Option<&str>, limit: usize) -> Result<Vec<RunRow>, StateError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|c| {
            let sql =
                format!("{RUN} WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY rowid DESC LIMIT ?2");
            let mut select = c.prepare_cached(&sql)?;
            let rows = select.query_map(params![pipeline, limit], run_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The runs whose id begins so, latest first.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn runs_like(&self, prefix: &str) -> Result<Vec<RunRow>, StateError> {
        self.read(|c| {
            let sql = format!("{RUN} WHERE substr(id, 1, length(?1)) = ?1 ORDER BY rowid DESC");
            let mut select = c.prepare_cached(&sql)?;
            let rows = select.query_map([prefix], run_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The steps of a run, in the order in which they started.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn steps(&self, run: &str) -> Result<Vec<AttemptRow>, StateError> {
        self.read(|c| {
            let mut select = c.prepare_cached(
                "SELECT step, status, attempts, reason, note, started, ended, result, usage FROM steps
                 WHERE run = ?1 ORDER BY started, rowid",
            )?;
            let rows = select.query_map([run], |r| {
                let result: Option<String> = r.get(7)?;
                let result = result.and_then(|text| serde_json::from_str::<StepResult>(&text).ok());
                let usage: Option<String> = r.get(8)?;
                Ok(AttemptRow {
                    step: r.get(0)?,
                    status: r.get(1)?,
                    attempts: r.get(2)?,
                    reason: r.get(3)?,
                    note: r.get(4)?,
                    started: time(r.get(5)?),
                    ended: r.get::<_, Option<i64>>(6)?.map(time),
                    outputs: result.unwrap_or_default().outputs,
                    usage: usage.and_then(|text| serde_json::from_str(&text).ok()),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What the latest runs of a step took that computed something: milliseconds and what was used, the
    /// latest first.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn costs(
        &self,
        pipeline: &str,
        step: &str,
        limit: usize,
    ) -> Result<Vec<(i64, Option<Usage>)>, StateError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|c| {
            let mut select = c.prepare_cached(
                "SELECT steps.ended - steps.started, steps.usage FROM steps
                 JOIN runs ON runs.id = steps.run
                 WHERE runs.pipeline = ?1 AND steps.step = ?2 AND steps.status = 'done'
                 AND steps.ended IS NOT NULL ORDER BY steps.rowid DESC LIMIT ?3",
            )?;
            let rows = select.query_map(params![pipeline, step, limit], |r| {
                let usage: Option<String> = r.get(1)?;
                Ok((r.get(0)?, usage.and_then(|text| serde_json::from_str(&text).ok())))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What a person said at the gate of a step of a plan.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn gate(&self, plan: &Digest, step: &str) -> Result<Option<Gate>, StateError> {
        self.read(|c| {
            let mut select = c.prepare_cached(
                "SELECT verdict, person, reason, at FROM gates WHERE plan = ?1 AND step = ?2",
            )?;
            let row = select.query_row(params![plan.to_string(), step], |r| {
                let verdict: String = r.get(0)?;
                let at: DateTime<Utc> = time(r.get(3)?);
                Ok(Gate {
                    approved: verdict == "approved",
                    person: r.get(1)?,
                    reason: r.get(2)?,
                    at,
                })
            });
            Ok(row.optional()?)
        })
    }

    /// What is wrong with the file, as SQLite finds it; nothing where it is whole.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn check(&self) -> Result<Vec<String>, StateError> {
        self.read(|c| {
            let mut check = c.prepare("PRAGMA integrity_check")?;
            let rows = check.query_map([], |r| r.get::<_, String>(0))?;
            let rows: Vec<String> = rows.collect::<Result<_, _>>()?;
            Ok(rows.into_iter().filter(|row| row != "ok").collect())
        })
    }

    /// Up to where a trigger of a pipeline has looked.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn cursor(&self, pipeline: &str, name: &str) -> Result<Option<String>, StateError> {
        self.read(|c| {
            let mut select =
                c.prepare_cached("SELECT value FROM cursors WHERE pipeline = ?1 AND name = ?2")?;
            Ok(select.query_row([pipeline, name], |r| r.get(0)).optional()?)
        })
    }
}

fn run_row(r: &Row<'_>) -> rusqlite::Result<RunRow> {
    let holder: Option<String> = r.get(11)?;
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
        cause: r.get(9)?,
        engine: r.get::<_, Option<String>>(10)?.unwrap_or_else(|| "local".to_owned()),
        holder: holder.and_then(|text| serde_json::from_str(&text).ok()),
        heartbeat: r.get::<_, Option<i64>>(12)?.map(time),
    })
}
