//! The manifest: what a dataset is made of, what made it, and what it counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Episode, ScoredBy};
use crate::core::{Digest, LogicalDate, digest_json};

/// The format that this program writes and reads.
pub const SCHEMA: &str = "fqm-dataset/1";

/// A dataset's description. Its id is the digest of its canonical JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The days whose rows were looked at.
    pub window: Window,
    /// The files, sorted by path.
    pub files: Vec<FileEntry>,
    /// What the files hold.
    pub counts: Counts,
    /// All parameters of the curation.
    pub rules: serde_json::Value,
    /// Digest of the ingest snapshot that the rows came from.
    pub inputs: Digest,
    /// Digests of the evaluation suites that it was decontaminated against, sorted.
    pub suites: Vec<Digest>,
    /// The blob that says for each dropped row why (Parquet).
    pub drops: Option<Digest>,
    /// What each rule took away, in the order of the rules.
    pub waterfall: Vec<WaterfallRow>,
}

impl Manifest {
    /// The dataset's id.
    ///
    /// # Errors
    /// When the rules have no canonical JSON form.
    pub fn id(&self) -> Result<Digest, serde_json::Error> {
        digest_json(self)
    }
}

/// What a writer is told about a dataset beside its rows; the manifest repeats it.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The days whose rows were looked at.
    pub window: Window,
    /// All parameters of the curation.
    pub rules: serde_json::Value,
    /// Digest of the ingest snapshot.
    pub inputs: Digest,
    /// Digests of the evaluation suites.
    pub suites: Vec<Digest>,
    /// The blob of drops.
    pub drops: Option<Digest>,
    /// What each rule took away.
    pub waterfall: Vec<WaterfallRow>,
}

/// Logical dates, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first day.
    pub from: LogicalDate,
    /// The last day.
    pub to: LogicalDate,
}

/// One file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name in the dataset, such as `steps/part-00000.parquet`.
    pub path: String,
    /// The blob that holds it.
    pub digest: Digest,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The role that a rule decides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Every role: what is dropped is not in the dataset.
    All,
    /// Imitation only: what is dropped stays for offline learning.
    Imitation,
}

impl Role {
    /// The word that files hold.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Imitation => "imitation",
        }
    }
}

/// One line of the waterfall: what one rule took away. The lines of a role form a chain: what goes
/// out of one goes into the next, and the last is what the dataset holds in that role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaterfallRow {
    /// The filter, such as `exact_dedup`.
    pub stage: String,
    /// The rule within the filter, such as `duplicate_trajectory`.
    pub rule: String,
    /// The role that it decides on.
    pub role: Role,
    /// Episodes before the rule.
    pub episodes_in: u64,
    /// Episodes that the rule took away.
    pub dropped: u64,
    /// Episodes after the rule: `episodes_in - dropped`.
    pub episodes_out: u64,
    /// Steps of the episodes after the rule.
    pub steps_out: u64,
}

/// What a dataset counts. An example is a step that calls a function or answers in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Episodes.
    pub episodes: u64,
    /// Steps.
    pub steps: u64,
    /// Training examples.
    pub examples: u64,
    /// Episodes that may be imitated.
    pub imitation_episodes: u64,
    /// Their steps.
    pub imitation_steps: u64,
    /// Their training examples.
    pub imitation_examples: u64,
    /// Episodes for offline learning.
    pub offline_episodes: u64,
    /// Their steps.
    pub offline_steps: u64,
    /// Their training examples.
    pub offline_examples: u64,
    /// Episodes that ended `ok` and may be imitated or not.
    pub status_ok: u64,
    /// Episodes whose score is the mean of feedback.
    pub scored_by_feedback: u64,
    /// Episodes whose score is the outcome reward, for want of feedback.
    pub scored_by_outcome: u64,
    /// Episodes without feedback and without reward.
    pub unscored: u64,
    /// Episodes on no known Function Quest level.
    pub without_level: u64,
    /// Examples whose possible actions were logged.
    pub examples_with_candidates: u64,
    /// Examples whose propensity was logged.
    pub examples_with_propensity: u64,
    /// Episodes by log format.
    pub by_format: BTreeMap<String, u64>,
    /// Episodes by level family; `none` for those on no known level.
    pub by_family: BTreeMap<String, u64>,
    /// Episodes by family, level and challenge, written `symphony 2.1`.
    pub by_grade: BTreeMap<String, u64>,
    /// Episodes by domain.
    pub by_domain: BTreeMap<String, u64>,
    /// Episodes by agent.
    pub by_agent: BTreeMap<String, u64>,
    /// Episodes by split.
    pub by_split: BTreeMap<String, u64>,
    /// Imitation episodes by split.
    pub imitation_by_split: BTreeMap<String, u64>,
    /// Called steps by function.
    pub by_tool: BTreeMap<String, u64>,
}

fn bump(map: &mut BTreeMap<String, u64>, key: &str, by: u64) {
    // Most keys are there already, so the lookup comes before the allocation of a new key.
    match map.get_mut(key) {
        Some(count) => *count += by,
        None => {
            map.insert(key.to_owned(), by);
        }
    }
}

impl Counts {
    /// Takes one more episode into account.
    pub fn add(&mut self, episode: &Episode) {
        let steps = episode.steps.len() as u64;
        let examples = episode.examples() as u64;
        self.episodes += 1;
        self.steps += steps;
        self.examples += examples;
        if episode.imitation {
            self.imitation_episodes += 1;
            self.imitation_steps += steps;
            self.imitation_examples += examples;
            bump(&mut self.imitation_by_split, episode.split.as_str(), 1);
        }
        if episode.offline {
            self.offline_episodes += 1;
            self.offline_steps += steps;
            self.offline_examples += examples;
        }
        self.status_ok += u64::from(episode.status == "ok");
        match episode.scored_by {
            ScoredBy::Feedback => self.scored_by_feedback += 1,
            ScoredBy::Outcome => self.scored_by_outcome += 1,
            ScoredBy::Nothing => self.unscored += 1,
        }
        self.add_shares(episode);
        self.add_steps(episode);
    }

    fn add_shares(&mut self, episode: &Episode) {
        bump(&mut self.by_format, &episode.format, 1);
        bump(&mut self.by_domain, &episode.domain, 1);
        bump(&mut self.by_agent, &episode.agent, 1);
        bump(&mut self.by_split, episode.split.as_str(), 1);
        match &episode.level {
            Some(at) => {
                bump(&mut self.by_family, &at.family, 1);
                let grade = format!("{} {}.{}", at.family, at.level, at.challenge);
                bump(&mut self.by_grade, &grade, 1);
            }
            None => {
                self.without_level += 1;
                bump(&mut self.by_family, "none", 1);
            }
        }
    }

    fn add_steps(&mut self, episode: &Episode) {
        for step in episode.steps.iter().filter(|step| step.is_example()) {
            self.examples_with_candidates += u64::from(!step.candidates.is_empty());
            self.examples_with_propensity += u64::from(step.propensity.is_some());
            if let Some(tool) = &step.tool {
                bump(&mut self.by_tool, tool, 1);
            }
        }
    }
}
