//! What may be forgotten: runs that are old, and what only they refer to.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{State, StateError, decode};
use crate::core::Digest;
use crate::pipeline::catalog::StepResult;

/// Old runs, and what stays without them.
#[derive(Clone, Debug, Default)]
pub struct Old {
    /// The ids of the old runs.
    pub runs: Vec<String>,
    /// The keys of the results that only they refer to.
    pub results: Vec<String>,
    /// The ids of the other runs.
    pub kept_runs: BTreeSet<String>,
    /// The keys of the other results.
    pub kept_keys: BTreeSet<String>,
    /// The outputs of the other results.
    pub kept_outputs: Vec<Digest>,
}

impl State {
    /// What may be forgotten of runs that began before an instant. The latest finished run of each
    /// pipeline stays, however old it is: the next one may rest on it.
    ///
    /// # Errors
    /// When the state does not answer.
    pub fn older_than(&self, before: DateTime<Utc>) -> Result<Old, StateError> {
        let before = before.timestamp_millis();
        self.read(|c| {
            let mut old = Old::default();
            let mut select = c.prepare(
                "SELECT id, started < ?1 AND status != 'running' AND rowid NOT IN
                   (SELECT max(rowid) FROM runs WHERE status IN ('ok', 'skipped') GROUP BY pipeline)
                 FROM runs",
            )?;
            let rows = select.query_map([before], |r| Ok((r.get::<_, String>(0)?, r.get(1)?)))?;
            for row in rows {
                match row? {
                    (id, true) => old.runs.push(id),
                    (id, false) => drop(old.kept_runs.insert(id)),
                }
            }
            let mut used = BTreeSet::new();
            let mut select =
                c.prepare("SELECT DISTINCT run, key FROM steps WHERE key IS NOT NULL")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                if old.kept_runs.contains(&row.get::<_, String>(0)?) {
                    used.insert(row.get::<_, String>(1)?);
                }
            }
            let mut select = c.prepare("SELECT key, result, run FROM results")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let (key, result): (String, String) = (row.get(0)?, row.get(1)?);
                if !used.contains(&key) && !old.kept_runs.contains(&row.get::<_, String>(2)?) {
                    old.results.push(key);
                    continue;
                }
                let result: StepResult = serde_json::from_str(&result).map_err(decode)?;
                old.kept_outputs.extend(result.outputs.values().map(|artifact| artifact.digest));
                old.kept_keys.insert(key);
            }
            Ok(old)
        })
    }

    /// Forgets old runs and the results that only they refer to.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn forget(&self, old: Old) -> Result<(), StateError> {
        self.commit(move |t| {
            for run in &old.runs {
                for sql in [
                    "DELETE FROM events WHERE run = ?1",
                    "DELETE FROM steps WHERE run = ?1",
                    "DELETE FROM runs WHERE id = ?1",
                ] {
                    t.prepare_cached(sql)?.execute([run])?;
                }
            }
            for key in &old.results {
                t.prepare_cached("DELETE FROM results WHERE key = ?1")?.execute([key])?;
            }
            t.execute("DELETE FROM plans WHERE digest NOT IN (SELECT plan FROM runs)", [])?;
            Ok(())
        })
    }
}
