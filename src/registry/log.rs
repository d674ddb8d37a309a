//! The truth of the registry: for each model an append-only log whose entries are chained by digest.
//!
//! Entry `n` is the file `refs/<model>/log/<n as 20 digits>.json`. Appending creates the next number
//! only where it is absent, so of all concurrent writers exactly one wins; the others read what the
//! winner wrote and decide again. Every entry holds the full alias map: reading the newest entry
//! resolves every alias, and one entry moves many aliases at once.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::modelpack::encode;
use super::names::{key_file, log_file};
use super::{Note, Registry, RegistryError};
use crate::core::{Created, Digest, LogicalDate, canonical_json};

/// The format of a log entry.
pub(super) const FORMAT: &str = "fqm-registry-log/1";
const KEY_FORMAT: &str = "fqm-registry-key/1";
/// Every lost race means that somebody else got on, so this is never reached by waiting writers.
const TRIES: u32 = 1000;

/// What a log entry did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A variant was added.
    Register,
    /// Evidence was attached to a variant.
    Attest,
    /// An alias went to a better variant.
    Promote,
    /// An alias went back to where it was before.
    Rollback,
    /// The aliases stayed, and the log says why.
    Keep,
    /// Aliases were moved for another reason.
    Move,
}

/// One entry of a model's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasEntry {
    /// `fqm-registry-log/1`.
    pub format: String,
    /// The digest of this entry's canonical JSON without this field.
    pub digest: Digest,
    /// The number of the entry; the first is 1.
    pub seq: u64,
    /// The model.
    pub model: String,
    /// All aliases after this entry.
    pub aliases: BTreeMap<String, Digest>,
    /// For each alias the entry whose state a rollback returns to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub back: BTreeMap<String, u64>,
    /// The digest of the entry before; none in the first.
    pub prev_digest: Option<Digest>,
    /// What was done.
    pub action: Action,
    /// Who asked for it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The variant that was registered or attested.
    pub variant: Option<Digest>,
    /// Manifests of evidence.
    pub evidence: Vec<Digest>,
    /// The logical date of the night, where a night asked.
    pub logical_date: Option<LogicalDate>,
    /// When it was done, as the caller's clock said.
    pub time: DateTime<Utc>,
    /// The idempotency key.
    pub key: Option<String>,
}

impl AliasEntry {
    /// The day this entry counts for: the night's logical date, else the UTC day of its time.
    pub fn date(&self) -> LogicalDate {
        self.logical_date.unwrap_or_else(|| LogicalDate::new(self.time.date_naive()))
    }

    /// The digest of an entry's JSON, leaving out the field that holds it.
    fn seal(value: &Value) -> Option<Digest> {
        let mut value = value.clone();
        value.as_object_mut()?.remove("digest")?;
        canonical_json(&value).ok().map(|bytes| Digest::of(&bytes))
    }

    /// Reads an entry and checks every byte of it. The error says what is wrong.
    pub(super) fn parse(bytes: &[u8], model: &str, seq: u64) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|e| format!("not JSON ({e})"))?;
        let format = value.get("format").and_then(Value::as_str);
        if format != Some(FORMAT) {
            return Err(format!(
                "its format is {format:?}, this program reads `{FORMAT}`; a newer fqm-pipe may have written it"
            ));
        }
        // Byte for byte: a changed space or letter case would otherwise read as the same value.
        let canonical = canonical_json(&value).map_err(|e| e.to_string())?;
        let sealed = Self::seal(&value);
        let entry: Self = serde_json::from_value(value).map_err(|e| e.to_string())?;
        if canonical != bytes || sealed != Some(entry.digest) {
            return Err("it was changed after it was written (its digest differs)".to_owned());
        }
        if entry.seq != seq || entry.model != model {
            return Err(format!("it is entry {} of the model `{}`", entry.seq, entry.model));
        }
        Ok(entry)
    }

    /// Fills in the digest and gives the bytes to write.
    fn sealed(mut self) -> Result<(Self, Bytes), RegistryError> {
        let failed = |source| RegistryError::Encode { what: "a log entry", source };
        let value = serde_json::to_value(&self).map_err(failed)?;
        self.digest = Self::seal(&value).unwrap_or(self.digest);
        let bytes = encode("a log entry", &self)?;
        Ok((self, bytes))
    }
}

/// A change to the log: from the newest entry (none in an empty log) to the next state, or refused.
pub(super) type Change<'a> =
    &'a (dyn Fn(Option<&AliasEntry>) -> Result<State, RegistryError> + Send + Sync);

/// What an append adds to the newest entry.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub aliases: BTreeMap<String, Digest>,
    pub back: BTreeMap<String, u64>,
    pub variant: Option<Digest>,
}

impl State {
    /// The aliases of an entry, unchanged.
    pub(super) fn of(entry: Option<&AliasEntry>) -> Self {
        entry.map_or_else(Self::default, |e| Self {
            aliases: e.aliases.clone(),
            back: e.back.clone(),
            variant: None,
        })
    }
}

/// The file that reserves an idempotency key: it says where in the log the key can stand at all.
#[derive(Serialize, Deserialize)]
struct Reserved {
    format: String,
    key: String,
    after: u64,
}

impl Registry {
    /// One entry of a log, or nothing where the log is not that long.
    ///
    /// # Errors
    /// When the entry is damaged or the store does not answer.
    pub(super) async fn entry(
        &self,
        model: &str,
        seq: u64,
    ) -> Result<Option<AliasEntry>, RegistryError> {
        let path = log_file(model, seq);
        let Some(bytes) = self.store().get(&path).await? else { return Ok(None) };
        let entry = AliasEntry::parse(&bytes, model, seq);
        entry.map(Some).map_err(|problem| self.damaged_entry(&path, problem))
    }

    pub(super) fn damaged_entry(&self, path: &str, problem: String) -> RegistryError {
        RegistryError::Damaged {
            place: self.store().place(path),
            problem,
            fix: "restore this file from a backup or another copy of the registry".to_owned(),
        }
    }

    /// The newest entry of a log; none where the model has no log.
    ///
    /// The numbers have no gaps, so a search by doubling and halving finds the end with a few
    /// look-ups, however long the log is.
    pub(super) async fn tip(&self, model: &str) -> Result<Option<AliasEntry>, RegistryError> {
        let mut known = 0;
        let mut beyond = 1;
        while self.store().exists(&log_file(model, beyond)).await? {
            known = beyond;
            beyond = beyond.saturating_mul(2);
        }
        while beyond - known > 1 {
            let middle = known + (beyond - known) / 2;
            if self.store().exists(&log_file(model, middle)).await? {
                known = middle;
            } else {
                beyond = middle;
            }
        }
        if known == 0 { Ok(None) } else { self.entry(model, known).await }
    }

    /// All entries of a model's log from the first, each checked for itself and against the one
    /// before.
    pub(super) async fn entries(&self, model: &str) -> Result<Vec<AliasEntry>, RegistryError> {
        let mut entries: Vec<AliasEntry> = Vec::new();
        while let Some(entry) = self.entry(model, entries.len() as u64 + 1).await? {
            let expected = entries.last().map(|before| before.digest);
            if entry.prev_digest != expected {
                let path = log_file(model, entry.seq);
                return Err(self.damaged_entry(&path, broken_link(&entry)));
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Appends an entry: reads the end of the log, lets `change` decide on it, creates the next
    /// number, and begins again where somebody else was faster. The flag is false where the key of
    /// the note stood in the log already and nothing was written.
    pub(super) async fn append(
        &self,
        model: &str,
        action: Action,
        note: &Note,
        change: Change<'_>,
    ) -> Result<(AliasEntry, bool), RegistryError> {
        let mut tip = self.tip(model).await?;
        let mut seen = self.reserve(model, note, seq_of(tip.as_ref())).await?;
        for _ in 0..TRIES {
            if let Some(first) = self.applied(model, note, seen, seq_of(tip.as_ref())).await? {
                return Ok((first, false));
            }
            seen = seq_of(tip.as_ref());
            let entry = next_entry(model, action, note, tip.as_ref(), change(tip.as_ref())?);
            let (entry, bytes) = entry.sealed()?;
            let path = log_file(model, entry.seq);
            if self.store().create(&path, bytes).await? == Created::New {
                return Ok((entry, true));
            }
            tip = self.newer(model, seen).await?;
        }
        let place = self.store().place(&super::names::log_folder(model));
        Err(RegistryError::Contended { place, tries: TRIES })
    }

    /// The newest entry, searched from one that is known to be there.
    async fn newer(&self, model: &str, from: u64) -> Result<Option<AliasEntry>, RegistryError> {
        let mut last = from;
        while self.store().exists(&log_file(model, last + 1)).await? {
            last += 1;
        }
        self.entry(model, last).await
    }

    /// Reserves the key of a note and says after which entry it can stand in the log. A key that
    /// nobody reserved was never used, which spares reading the log.
    async fn reserve(&self, model: &str, note: &Note, tip: u64) -> Result<u64, RegistryError> {
        let Some(key) = &note.key else { return Ok(tip) };
        let path = key_file(model, key);
        let fresh = Reserved { format: KEY_FORMAT.to_owned(), key: key.clone(), after: tip };
        let bytes = encode("an idempotency key", &fresh)?;
        if self.store().get(&path).await?.is_none()
            && self.store().create(&path, bytes).await? == Created::New
        {
            return Ok(tip);
        }
        // A reservation that cannot be read costs time, not truth: the whole log is searched.
        let bytes = self.store().get(&path).await?.unwrap_or_default();
        let found: Option<Reserved> = serde_json::from_slice(&bytes).ok();
        Ok(found.filter(|r| r.format == KEY_FORMAT && r.key == *key).map_or(0, |r| r.after))
    }

    /// The entry after `from` and up to `to` that carries the note's key.
    async fn applied(
        &self,
        model: &str,
        note: &Note,
        from: u64,
        to: u64,
    ) -> Result<Option<AliasEntry>, RegistryError> {
        if note.key.is_none() {
            return Ok(None);
        }
        for seq in from + 1..=to {
            let found = self.entry(model, seq).await?.filter(|entry| entry.key == note.key);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Says that an entry does not follow the one before it.
pub(super) fn broken_link(entry: &AliasEntry) -> String {
    format!(
        "it does not follow entry {}: its prev_digest is another entry's",
        entry.seq.saturating_sub(1)
    )
}

fn seq_of(entry: Option<&AliasEntry>) -> u64 {
    entry.map_or(0, |e| e.seq)
}

fn next_entry(
    model: &str,
    action: Action,
    note: &Note,
    tip: Option<&AliasEntry>,
    state: State,
) -> AliasEntry {
    AliasEntry {
        format: FORMAT.to_owned(),
        digest: Digest::of(b""),
        seq: seq_of(tip) + 1,
        model: model.to_owned(),
        aliases: state.aliases,
        back: state.back,
        prev_digest: tip.map(|t| t.digest),
        action,
        actor: note.actor.clone(),
        reason: note.reason.clone(),
        variant: state.variant,
        evidence: note.evidence.clone(),
        logical_date: note.logical_date,
        time: note.time,
        key: note.key.clone(),
    }
}
