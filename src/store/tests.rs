use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use arrow::array::AsArray;
use bytes::Bytes;
use url::Url;

use super::ingest::{Cut, Engine};
use super::*;
use crate::core::{Digest, LogicalDate, Store, canonical_json};

mod exactly_once;
mod reading;
mod upkeep;

/// A feature store and a folder of logs, both in memory.
struct Place {
    tables: Tables,
    logs: Store,
}

impl Place {
    async fn new() -> Self {
        let tables = Tables::open(&Store::memory().sub("store")).await.unwrap();
        Self { tables, logs: Store::memory().sub("logs") }
    }

    /// The same below a folder on disk.
    async fn on_disk(folder: &std::path::Path) -> Self {
        for part in ["store", "logs"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        let open = |part: &str| {
            Store::open(&Url::from_directory_path(folder.join(part)).unwrap()).unwrap()
        };
        Self { tables: Tables::open(&open("store")).await.unwrap(), logs: open("logs") }
    }

    async fn put(&self, key: &str, text: impl Into<Vec<u8>>) {
        self.logs.put(key, Bytes::from(text.into())).await.unwrap();
    }

    async fn night(&self, date: &str) -> Snapshot {
        self.run(request(date)).await.unwrap()
    }

    async fn run(&self, request: IngestRequest) -> Result<Snapshot, IngestError> {
        ingest(&self.tables, &self.logs, request, |_| ()).await
    }

    /// One text column of all published rows up to a date, sorted.
    async fn texts(&self, table: Table, column: &str, until: &str) -> Vec<String> {
        let batches =
            read_batches(&self.tables, table, Dates::until(day(until)), &[column]).await.unwrap();
        let mut texts: Vec<String> = batches
            .iter()
            .flat_map(|batch| {
                let column = batch.column(0).as_string::<i32>();
                column.iter().map(|text| text.unwrap_or("-").to_owned()).collect::<Vec<_>>()
            })
            .collect();
        texts.sort();
        texts
    }

    async fn steps(&self) -> Vec<String> {
        self.texts(Table::Steps, "event_id", "2030-01-01").await
    }

    async fn versions(&self) -> Vec<u64> {
        let mut versions = Vec::new();
        for table in Table::ALL {
            versions.push(self.tables.load(table).await.unwrap().version().unwrap());
        }
        versions
    }
}

fn day(text: &str) -> LogicalDate {
    text.parse().unwrap()
}

fn request(date: &str) -> IngestRequest {
    IngestRequest::new("main", day(date), b"key")
}

fn json(snapshot: &Snapshot) -> String {
    String::from_utf8(canonical_json(snapshot).unwrap()).unwrap()
}

fn episode(id: &str) -> String {
    format!(
        r#"{{"type":"episode","schema":"fqm-log/1","episode_id":"{id}","task_id":"t","workflow":"w","agent":{{"name":"a"}},"status":"ok","n_steps":1,"total_reward":1.0,"start_time":"2026-11-03T10:00:00Z"}}"#
    ) + "\n"
}

fn step(id: &str, episode: &str, reward: f32) -> String {
    format!(
        r#"{{"type":"step","schema":"fqm-log/1","event_id":"{id}","episode_id":"{episode}","step_index":0,"operation":"execute_tool","action_type":"call","tool_name":"create_plan","tool_args":{{"p":"p1"}},"candidates":[{{"id":"create_plan(p1)","propensity":0.5}},{{"id":"x","propensity":0.5}}],"chosen_index":0,"propensity":0.5,"reward":{reward:?},"done":true}}"#
    ) + "\n"
}

fn feedback(id: &str, episode: &str) -> String {
    format!(
        r#"{{"type":"feedback","schema":"fqm-log/1","feedback_id":"{id}","episode_id":"{episode}","kind":"human","name":"helpful","score":1.0}}"#
    ) + "\n"
}

/// An episode with a step and a feedback.
fn log(name: &str) -> String {
    episode(name) + &step(&format!("{name}-s"), name, 1.0) + &feedback(&format!("{name}-f"), name)
}

fn rows(episodes: u64, steps: u64, feedback: u64, quarantined: u64) -> Rows {
    Rows { episodes, steps, feedback, quarantined }
}
