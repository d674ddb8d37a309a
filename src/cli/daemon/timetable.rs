//! Which pipelines the daemon fires and when: read from their files, read again when those change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio_cron_scheduler::{Job, JobScheduler};

use super::triggers::Lookout;
use super::{Due, Shared};
use crate::cli::error::CliError;
use crate::cli::{notify, open, output};
use crate::pipeline::{Pipeline, RunRow, Schedule, schedule};

/// How far back missed occurrences are looked for where no deadline says so.
const HORIZON: chrono::Duration = chrono::Duration::days(7);

/// How often the files are looked at.
const RELOAD: Duration = Duration::from_secs(2);

/// The pipelines that are fired.
pub(super) struct Timetable {
    shared: Arc<Shared>,
    scheduler: JobScheduler,
    /// The pipelines that were asked for; all where none was.
    wanted: Vec<String>,
    entries: BTreeMap<String, Entry>,
    /// What each file was when it was last read.
    files: BTreeMap<String, Option<(SystemTime, u64)>>,
    looked: Instant,
}

struct Entry {
    pipeline: Pipeline,
    /// The job that wakes the daemon, by its id.
    job: Option<uuid::Uuid>,
    lookout: Lookout,
    /// The date that was said to be late.
    late: Option<String>,
}

impl Timetable {
    /// Reads the pipelines, makes up for what was missed, and waits for what is next.
    pub(super) async fn read(shared: Arc<Shared>, wanted: &[String]) -> Result<Self, CliError> {
        let scheduler = JobScheduler::new().await.map_err(CliError::internal)?;
        scheduler.start().await.map_err(CliError::internal)?;
        let (entries, files) = (BTreeMap::new(), BTreeMap::new());
        let wanted = wanted.to_vec();
        let looked = Instant::now();
        let mut table = Self { shared, scheduler, wanted, entries, files, looked };
        for name in table.names() {
            table.files.insert(name.clone(), table.stamp(&name));
            let pipeline = table.pipeline(&name)?;
            if is_fired(&pipeline) {
                table.enter(pipeline).await?;
            } else if !table.wanted.is_empty() {
                let message = format!(
                    "fire `{name}`: pipelines/{name}.toml has neither [schedule] nor [[trigger]]"
                );
                return Err(CliError::usage(message));
            }
        }
        if table.entries.is_empty() {
            let message = "fire anything: no pipeline has a [schedule] or a [[trigger]]";
            return Err(CliError::usage(message));
        }
        Ok(table)
    }

    fn names(&self) -> Vec<String> {
        match self.wanted.is_empty() {
            true => open::pipeline_names(&self.shared.workspace),
            false => self.wanted.clone(),
        }
    }

    fn pipeline(&self, name: &str) -> Result<Pipeline, CliError> {
        open::pipeline(&self.shared.workspace, name, &crate::steps::here())
    }

    fn stamp(&self, name: &str) -> Option<(SystemTime, u64)> {
        let path = self.shared.workspace.folder.join(format!("pipelines/{name}.toml"));
        let data = std::fs::metadata(path).ok()?;
        Some((data.modified().ok()?, data.len()))
    }

    async fn enter(&mut self, pipeline: Pipeline) -> Result<(), CliError> {
        let name = pipeline.name.clone();
        let before = self.entries.remove(&name);
        if let Some(job) = before.as_ref().and_then(|entry| entry.job) {
            let _ = self.scheduler.remove(&job).await;
        }
        let mut job = None;
        if let Some(times) = &pipeline.schedule {
            if before.is_none() {
                self.make_up(&pipeline, times)?;
            }
            job = Some(self.wake(&pipeline, times, Utc::now()).await?);
        }
        let lookout = Lookout::of(&pipeline);
        let late = before.and_then(|entry| entry.late);
        self.entries.insert(name, Entry { pipeline, job, lookout, late });
        let all = self.entries.values().map(|entry| entry.pipeline.clone()).collect();
        if let Ok(mut shared) = self.shared.timetable.lock() {
            *shared = all;
        }
        Ok(())
    }

    /// Queues what was missed while no daemon ran: occurrences since the first run whose date no run has
    /// finished.
    fn make_up(&self, pipeline: &Pipeline, times: &Schedule) -> Result<(), CliError> {
        let runs = self.shared.state.runs(Some(&pipeline.name), 1000)?;
        let Some(first) = runs.last() else { return Ok(()) };
        let now = Utc::now();
        let since = first.started.max(now - HORIZON);
        let mut missed = schedule::missed(times, since, now).map_err(CliError::config)?;
        missed.retain(|occurrence| {
            !is_done(&runs, &schedule::date_of(occurrence, pipeline.by).to_string())
        });
        self.queue(pipeline, missed);
        Ok(())
    }

    fn queue(&self, pipeline: &Pipeline, missed: Vec<DateTime<Tz>>) {
        for occurrence in missed {
            let name = &pipeline.name;
            output::talk(&format!("{name}: missed {occurrence}, making up for it"));
            let _ = self.shared.send.send(Due {
                pipeline: name.clone(),
                date: schedule::date_of(&occurrence, pipeline.by),
                cause: format!("the schedule, missed at {occurrence}"),
                scheduled: None,
            });
        }
    }

    async fn wake(
        &self,
        pipeline: &Pipeline,
        times: &Schedule,
        after: DateTime<Utc>,
    ) -> Result<uuid::Uuid, CliError> {
        let name = pipeline.name.clone();
        let occurrence = schedule::next(times, after).map_err(CliError::config)?;
        let at = occurrence.with_timezone(&Utc);
        let utc = at.format("%Y-%m-%d %H:%M:%S UTC");
        let local = occurrence.format("%Y-%m-%d %H:%M:%S %Z");
        output::talk(&format!("{name}: next at {local} ({utc})"));
        let pause = (at - Utc::now()).to_std().unwrap_or_default();
        let date = schedule::date_of(&occurrence, pipeline.by);
        let (send, cause) = (self.shared.send.clone(), "the schedule".to_owned());
        let due = Due { pipeline: name, date, cause, scheduled: Some(at) };
        let job = Job::new_one_shot_async(pause, move |_, _| {
            let (send, due) = (send.clone(), due.clone());
            Box::pin(async move { drop(send.send(due)) })
        });
        let job = job.map_err(CliError::internal)?;
        self.scheduler.add(job).await.map_err(CliError::internal)
    }

    /// Waits for the next occurrence of a pipeline whose night has ended.
    pub(super) async fn ended(&mut self, due: &Due) -> Result<(), CliError> {
        let Some(since) = due.scheduled else { return Ok(()) };
        let Some(entry) = self.entries.get(&due.pipeline) else { return Ok(()) };
        let pipeline = entry.pipeline.clone();
        let Some(times) = &pipeline.schedule else { return Ok(()) };
        // A night may take longer than the pause to the next one.
        let missed = schedule::missed(times, since, Utc::now()).map_err(CliError::config)?;
        self.queue(&pipeline, missed);
        let job = self.wake(&pipeline, times, Utc::now()).await?;
        if let Some(entry) = self.entries.get_mut(&due.pipeline) {
            entry.job = Some(job);
        }
        Ok(())
    }

    /// Looks at the files, at what is late, and at what triggers wait for.
    pub(super) async fn look(&mut self) {
        if self.looked.elapsed() >= RELOAD {
            self.looked = Instant::now();
            self.reload().await;
            self.late();
        }
        for entry in self.entries.values_mut() {
            entry.lookout.look(&self.shared, &entry.pipeline);
        }
    }

    /// Reads again what has changed. A file that is broken meanwhile leaves its pipeline as it was.
    async fn reload(&mut self) {
        for name in self.names() {
            let stamp = self.stamp(&name);
            if self.files.get(&name) == Some(&stamp) {
                continue;
            }
            self.files.insert(name.clone(), stamp);
            let entered = match self.pipeline(&name) {
                Ok(pipeline) if is_fired(&pipeline) => {
                    output::talk(&format!("{name}: its file has changed, it is read again"));
                    self.enter(pipeline).await
                }
                Ok(_) => self.leave(&name).await,
                Err(error) => Err(error),
            };
            if let Err(error) = entered {
                output::error(&error);
                output::talk(&format!("{name}: goes on as it was before its file changed"));
            }
        }
        let gone: Vec<String> =
            self.entries.keys().filter(|name| self.stamp(name).is_none()).cloned().collect();
        for name in gone {
            let _ = self.leave(&name).await;
        }
    }

    async fn leave(&mut self, name: &str) -> Result<(), CliError> {
        if let Some(entry) = self.entries.remove(name) {
            output::talk(&format!("{name}: is not fired any more"));
            if let Some(job) = entry.job {
                let _ = self.scheduler.remove(&job).await;
            }
        }
        Ok(())
    }

    /// Says once for each date that it is late.
    fn late(&mut self) {
        for entry in self.entries.values_mut() {
            let late = late(&self.shared.state, &entry.pipeline);
            let Some(date) = late.filter(|date| entry.late.as_ref() != Some(date)) else {
                continue;
            };
            let name = &entry.pipeline.name;
            let by = entry.pipeline.fresh_by.map(|by| by.format("%H:%M").to_string());
            let message = format!("{date} is not done by {}", by.unwrap_or_default());
            output::talk(&format!("{name}: {message}"));
            let notices = notify::Notices::of(&self.shared.workspace, &entry.pipeline);
            let day = date.clone();
            tokio::spawn(async move { notices.late(&day, &message).await });
            entry.late = Some(date);
        }
    }
}

fn is_fired(pipeline: &Pipeline) -> bool {
    pipeline.schedule.is_some() || !pipeline.triggers.is_empty()
}

fn is_done(runs: &[RunRow], date: &str) -> bool {
    runs.iter().any(|r| r.date == date && matches!(r.status.as_str(), "ok" | "skipped"))
}

/// The date that should be done by now, where the pipeline has a time for that and it is not.
pub(super) fn late(state: &crate::pipeline::State, pipeline: &Pipeline) -> Option<String> {
    let by = pipeline.fresh_by?;
    let zone = pipeline.schedule.as_ref().map_or(chrono_tz::UTC, |times| times.timezone);
    let now = Utc::now();
    if now.with_timezone(&zone).time() < by {
        return None;
    }
    let date = schedule::latest(zone, pipeline.by, now).to_string();
    let runs = state.runs(Some(&pipeline.name), 200).ok()?;
    (!is_done(&runs, &date)).then_some(date)
}
