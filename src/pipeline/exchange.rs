//! What driver and workers of a run tell each other, in the store: the run as it was handed over, claims,
//! outcomes, the wish to end it. All of it is written by create-if-absent and never changed.

use std::collections::BTreeMap;
use std::str::FromStr;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::catalog::{FailureKind, StepResult};
use super::events::{Event, StepStatus};
use super::key::Key;
use super::options::Force;
use super::plan::Frozen;
use super::process::{Process, Usage};
use crate::core::{Created, Digest, Store, StoreError, canonical_json};

/// A run as workers are told of it: the plan's digest and the run's id, written `sha256:…/RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// The plan.
    pub plan: Digest,
    /// The run.
    pub run: String,
}

impl std::fmt::Display for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.plan, self.run)
    }
}

impl FromStr for Handle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no run of a plan; write `sha256:…/RUN`");
        let (plan, run) = text.split_once('/').ok_or_else(wrong)?;
        let plain = !run.is_empty() && run.chars().all(|c| c.is_ascii_alphanumeric());
        let plan = plan.parse().map_err(|_| wrong())?;
        plain.then(|| Self { plan, run: run.to_owned() }).ok_or_else(wrong)
    }
}

/// A run as it is handed over to workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handover {
    /// The format of this document.
    pub format: String,
    /// The plan and the pipeline.
    pub frozen: Frozen,
    /// Which steps run although their result is kept.
    pub force: Force,
}

/// Who works on a step. The claim with the highest number counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// The process.
    pub worker: Process,
    /// What the engine calls it, where it says so.
    pub job: Option<String>,
}

/// How a step of a run ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepOutcome {
    /// The format of this document.
    pub format: String,
    /// How.
    pub status: StepStatus,
    /// The key, where it came to one.
    #[serde(default)]
    pub key: Option<Key>,
    /// The outputs.
    #[serde(default)]
    pub result: Option<StepResult>,
    /// The error, or why it was skipped.
    #[serde(default)]
    pub note: Option<String>,
    /// What to do about the failure.
    #[serde(default)]
    pub failure: Option<FailureKind>,
    /// How many attempts it took.
    #[serde(default)]
    pub attempts: u32,
    /// Wall time in milliseconds.
    #[serde(default)]
    pub millis: u64,
    /// What it cost.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// The claim of the worker that says so; none where the driver does.
    #[serde(default)]
    pub claim: Option<u32>,
}

impl StepOutcome {
    /// An outcome without more to say.
    pub fn new(status: StepStatus) -> Self {
        Self {
            format: "fqm-outcome/1".to_owned(),
            status,
            key: None,
            result: None,
            note: None,
            failure: None,
            attempts: 0,
            millis: 0,
            usage: None,
            claim: None,
        }
    }
}

/// A result that any run may use, under its key.
#[derive(Serialize, Deserialize)]
struct SharedResult {
    key: Key,
    result: StepResult,
}

/// The place of a run in the store.
#[derive(Clone)]
pub struct Exchange {
    store: Store,
    run: String,
}

impl Exchange {
    /// The place of a run.
    pub fn new(store: &Store, run: &str) -> Self {
        Self { store: store.clone(), run: run.to_owned() }
    }

    fn path(&self, name: &str) -> String {
        format!("runs/{}/{name}", self.run)
    }

    /// Hands a run over. The second time it is left as it is.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn hand_over(&self, handover: &Handover) -> Result<(), StoreError> {
        self.create(&self.path("run.json"), handover).await.map(drop)
    }

    /// The run as it was handed over.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub async fn handover(&self) -> Result<Handover, StoreError> {
        let path = self.path("run.json");
        let found = self.read(&path).await?;
        found.ok_or_else(|| StoreError::Missing { place: self.store.place(&path) })
    }

    /// Claims a step, and gives the number of the claim.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn claim(&self, step: &str, claim: &Claim) -> Result<u32, StoreError> {
        let mut number = self.latest_claim(step).await?;
        loop {
            number += 1;
            let path = self.path(&format!("steps/{step}/claim-{number:06}.json"));
            if self.create(&path, claim).await? == Created::New {
                return Ok(number);
            }
        }
    }

    /// The number of the latest claim of a step; 0 where there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn latest_claim(&self, step: &str) -> Result<u32, StoreError> {
        let listed = self.store.list(&self.path(&format!("steps/{step}"))).await?;
        let numbers = listed.iter().filter_map(|object| {
            let name = object.path.rsplit('/').next()?;
            name.strip_prefix("claim-")?.strip_suffix(".json")?.parse().ok()
        });
        Ok(numbers.max().unwrap_or(0))
    }

    /// Publishes how a step ended; the first outcome stands. Gives back the one that does.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn publish(
        &self,
        step: &str,
        outcome: &StepOutcome,
    ) -> Result<StepOutcome, StoreError> {
        let path = self.path(&format!("steps/{step}/outcome.json"));
        match self.create(&path, outcome).await? {
            Created::New => Ok(outcome.clone()),
            Created::Existed => {
                let stands = self.read(&path).await?;
                stands.ok_or_else(|| StoreError::Missing { place: self.store.place(&path) })
            }
        }
    }

    /// Publishes what happened in a step while a worker had it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn tell(&self, step: &str, claim: u32, events: &[Event]) -> Result<(), StoreError> {
        let path = self.path(&format!("steps/{step}/events-{claim:06}.json"));
        self.create(&path, events).await.map(drop)
    }

    /// What happened in a step while a worker had it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn told(&self, step: &str, claim: u32) -> Result<Vec<Event>, StoreError> {
        let path = self.path(&format!("steps/{step}/events-{claim:06}.json"));
        Ok(self.read(&path).await?.unwrap_or_default())
    }

    /// How a step ended, where that is published.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn outcome(&self, step: &str) -> Result<Option<StepOutcome>, StoreError> {
        self.read(&self.path(&format!("steps/{step}/outcome.json"))).await
    }

    /// The outcomes that are published, without those of the steps that are known already.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn outcomes(
        &self,
        known: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, StepOutcome>, StoreError> {
        let mut found = BTreeMap::new();
        for object in self.store.list(&self.path("steps")).await? {
            let parts: Vec<&str> = object.path.split('/').collect();
            if let [.., step, "outcome.json"] = parts[..]
                && !known(step)
                && let Some(outcome) = self.outcome(step).await?
            {
                found.insert(step.to_owned(), outcome);
            }
        }
        Ok(found)
    }

    /// Says that the run is to end. Workers look for it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn cancel(&self, why: &str) -> Result<(), StoreError> {
        self.store.create(&self.path("cancel"), Bytes::from(why.to_owned())).await.map(drop)
    }

    /// Whether the run is to end.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_cancelled(&self) -> Result<bool, StoreError> {
        self.store.exists(&self.path("cancel")).await
    }

    /// Keeps a result under its key, for every run that comes to the same key.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn share(store: &Store, key: &Key, result: &StepResult) -> Result<(), StoreError> {
        let shared = SharedResult { key: key.clone(), result: result.clone() };
        let bytes = canonical_json(&shared).map_err(StoreError::Encode)?;
        store.create(&shared_path(&key.digest()), Bytes::from(bytes)).await.map(drop)
    }

    /// The result that workers keep under a key.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn shared(store: &Store, key: &Digest) -> Result<Option<StepResult>, StoreError> {
        let path = shared_path(key);
        let Some(bytes) = store.get(&path).await? else { return Ok(None) };
        let shared: SharedResult = serde_json::from_slice(&bytes)
            .map_err(|source| StoreError::Decode { place: store.place(&path), source })?;
        Ok(Some(shared.result))
    }

    async fn create<T: Serialize + ?Sized>(
        &self,
        path: &str,
        value: &T,
    ) -> Result<Created, StoreError> {
        let bytes = canonical_json(value).map_err(StoreError::Encode)?;
        self.store.create(path, Bytes::from(bytes)).await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.store.get(path).await? else { return Ok(None) };
        let read = serde_json::from_slice(&bytes);
        read.map(Some)
            .map_err(|source| StoreError::Decode { place: self.store.place(path), source })
    }
}

fn shared_path(key: &Digest) -> String {
    format!("results/{}.json", key.hex())
}
