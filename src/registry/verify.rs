//! Verifying a registry: every blob is hashed again, every link followed, every log chain checked,
//! and every problem is named with the file and what puts it right.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use serde::Serialize;

use super::log::{AliasEntry, broken_link};
use super::modelpack::{MODEL, MODEL_CONFIG, encode};
use super::names::{log_file, log_folder};
use super::oci::{Descriptor, INDEX_FILE, LAYOUT_FILE, MANIFEST, Manifest};
use super::project::parse_index;
use super::variant::first_seen;
use super::{ModelConfig, Registry, RegistryError};
use crate::core::{Blobs, Digest, Hasher, ObjectInfo, StoreError};

const BLOBS: &str = "blobs/sha256";
const RESTORE: &str = "restore this file from a backup or another copy of the registry";

/// A file that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The URL of the file.
    pub place: String,
    /// What is wrong with it.
    pub problem: String,
    /// Who misses it: the variants, evidence and aliases that rest on it.
    pub needed_by: Vec<String>,
    /// What puts it right.
    pub fix: String,
}

/// What a verification looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Blobs hashed.
    pub blobs: u64,
    /// Bytes hashed.
    pub bytes: u64,
    /// Log entries checked.
    pub entries: u64,
    /// Manifests of variants and evidence whose links were followed.
    pub manifests: u64,
    /// Blobs that nothing names, as an interrupted put leaves them. They do no harm.
    pub unreferenced: u64,
    /// Everything that is wrong, sorted by place.
    pub problems: Vec<Problem>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, place: String, problem: impl Into<String>, fix: impl Into<String>) {
        let (problem, fix) = (problem.into(), fix.into());
        self.problems.push(Problem { place, problem, needed_by: Vec::new(), fix });
    }
}

/// What the walk has learned so far.
#[derive(Default)]
struct Walk {
    report: VerifyReport,
    /// Size of every blob that is there, whole or not.
    sizes: BTreeMap<Digest, u64>,
    /// Damaged blobs: what is wrong.
    damaged: BTreeMap<Digest, String>,
    /// Who needs a blob.
    needs: BTreeMap<Digest, BTreeSet<String>>,
}

impl Registry {
    /// Checks the whole registry. Damage is reported, not returned as an error.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn verify(&self) -> Result<VerifyReport, RegistryError> {
        let mut walk = Walk::default();
        let models = self.models().await?;
        self.verify_blobs(&mut walk).await?;
        self.verify_layout(&mut walk, models.is_empty()).await?;
        for model in &models {
            let entries = self.verify_log(&mut walk, model).await?;
            self.verify_links(&mut walk, model, &entries).await?;
        }
        self.blame(&mut walk);
        if walk.report.is_ok() {
            self.verify_index(&mut walk).await?;
        }
        walk.report.problems.sort();
        Ok(walk.report)
    }

    async fn verify_blobs(&self, walk: &mut Walk) -> Result<(), RegistryError> {
        for blob in self.store().list(BLOBS).await? {
            let name = blob.path.strip_prefix("blobs/sha256/").unwrap_or(&blob.path);
            let Ok(digest) = format!("sha256:{name}").parse::<Digest>() else {
                let fix = "delete it if nothing else uses it";
                let place = self.store().place(&blob.path);
                walk.report.add(place, "its name is not a SHA-256 digest", fix);
                continue;
            };
            let found = self.hash(&blob).await?;
            walk.report.blobs += 1;
            walk.report.bytes += blob.size;
            walk.sizes.insert(digest, blob.size);
            if found != digest {
                let problem = format!("its {} bytes have the digest {found}", blob.size);
                walk.damaged.insert(digest, problem);
            }
        }
        Ok(())
    }

    /// The digest of an object, read in pieces.
    async fn hash(&self, object: &ObjectInfo) -> Result<Digest, RegistryError> {
        let read = async {
            let result = object_store::ObjectStoreExt::get(
                &*self.store().object_store(),
                &self.store().path(&object.path),
            )
            .await?;
            let mut pieces = result.into_stream();
            let mut hasher = Hasher::new();
            while let Some(piece) = pieces.try_next().await? {
                hasher.update(&piece);
            }
            Ok(hasher.finish())
        };
        let place = self.store().place(&object.path);
        let read: object_store::Result<Digest> = read.await;
        Ok(read.map_err(|source| StoreError::Access { action: "read", place, source })?)
    }

    async fn verify_layout(&self, walk: &mut Walk, empty: bool) -> Result<(), RegistryError> {
        match self.store().get(LAYOUT_FILE).await? {
            // A registry that nobody has registered in has no files at all.
            None if empty && walk.sizes.is_empty() => {}
            None => {
                let fix = "write it anew with `fqm-pipe registry fsck`";
                walk.report.add(self.store().place(LAYOUT_FILE), "it is missing", fix);
            }
            Some(bytes) => {
                if let Err(RegistryError::Damaged { place, problem, fix }) =
                    self.check_layout(&bytes)
                {
                    walk.report.add(place, problem, fix);
                }
            }
        }
        Ok(())
    }

    /// Checks each entry and the chain. Entries that cannot be read are left out of the result.
    async fn verify_log(
        &self,
        walk: &mut Walk,
        model: &str,
    ) -> Result<Vec<AliasEntry>, RegistryError> {
        let files = self.store().list(&log_folder(model)).await?;
        let mut entries: Vec<AliasEntry> = Vec::new();
        let mut expected = 1;
        for file in &files {
            let Some(seq) = sequence(model, &file.path) else {
                let fix = "delete it if nothing else uses it";
                walk.report.add(self.store().place(&file.path), "it is not a log entry", fix);
                continue;
            };
            for gap in expected..seq {
                let place = self.store().place(&log_file(model, gap));
                walk.report.add(place, "it is missing", RESTORE);
            }
            let before =
                if seq == expected { entries.last().filter(|e| e.seq + 1 == seq) } else { None };
            match self.verify_entry(model, seq, before).await? {
                Ok(entry) => entries.push(entry),
                Err(problem) => walk.report.add(self.store().place(&file.path), problem, RESTORE),
            }
            walk.report.entries += 1;
            expected = seq + 1;
        }
        Ok(entries)
    }

    async fn verify_entry(
        &self,
        model: &str,
        seq: u64,
        before: Option<&AliasEntry>,
    ) -> Result<Result<AliasEntry, String>, RegistryError> {
        let bytes = self.store().get(&log_file(model, seq)).await?.unwrap_or_default();
        let entry = AliasEntry::parse(&bytes, model, seq);
        let linked = |entry: &AliasEntry| match (before, entry.prev_digest) {
            (Some(before), link) => link == Some(before.digest),
            // The entry before could not be read, which is a problem of its own.
            (None, link) => link.is_some() == (seq > 1),
        };
        Ok(entry
            .and_then(|entry| if linked(&entry) { Ok(entry) } else { Err(broken_link(&entry)) }))
    }

    /// Follows every link from the log: aliases and variants to manifests, manifests to blobs.
    async fn verify_links(
        &self,
        walk: &mut Walk,
        model: &str,
        entries: &[AliasEntry],
    ) -> Result<(), RegistryError> {
        let variants: BTreeSet<Digest> = first_seen(entries).map(|(digest, _)| digest).collect();
        let evidence: BTreeSet<Digest> = entries.iter().flat_map(|e| e.evidence.clone()).collect();
        for (name, digest) in entries.last().into_iter().flat_map(|entry| &entry.aliases) {
            walk.need(*digest, format!("registry:{model}@{name}"));
        }
        for digest in &variants {
            self.verify_manifest(walk, digest, format!("{model} {}", digest.short()), true).await?;
        }
        for digest in evidence.difference(&variants) {
            let who = format!("{model} evidence {}", digest.short());
            self.verify_manifest(walk, digest, who, false).await?;
        }
        Ok(())
    }

    async fn verify_manifest(
        &self,
        walk: &mut Walk,
        digest: &Digest,
        who: String,
        variant: bool,
    ) -> Result<(), RegistryError> {
        walk.need(*digest, who.clone());
        walk.report.manifests += 1;
        if walk.damaged.contains_key(digest) || !walk.sizes.contains_key(digest) {
            return Ok(());
        }
        let place = self.store().place(&Blobs::path(digest));
        let bytes = self.blobs().get(digest).await?;
        let manifest = match serde_json::from_slice::<Manifest>(&bytes) {
            Ok(manifest) => manifest,
            Err(e) => {
                let fix =
                    "the log names a blob that is not a manifest; restore the log from a backup";
                walk.report.add(place, format!("it is not a manifest ({e})"), fix);
                return Ok(());
            }
        };
        for part in manifest.layers.iter().chain([&manifest.config]).chain(&manifest.subject) {
            walk.need(part.digest, who.clone());
            if walk.sizes.get(&part.digest).is_some_and(|size| *size != part.size) {
                walk.damaged.entry(part.digest).or_insert_with(|| {
                    format!("its size is not the {} bytes that {who} states", part.size)
                });
            }
        }
        let wrong = if variant {
            self.wrong_variant(walk, &manifest).await?
        } else {
            wrong_evidence(&manifest)
        };
        if let Some(problem) = wrong {
            walk.report.add(place, problem, "register the variant again with this fqm-pipe");
        }
        Ok(())
    }

    /// What is wrong with the documents of a variant whose blobs are whole.
    async fn wrong_variant(
        &self,
        walk: &Walk,
        manifest: &Manifest,
    ) -> Result<Option<String>, RegistryError> {
        if manifest.artifact_type.as_deref() != Some(MODEL)
            || manifest.config.media_type != MODEL_CONFIG
        {
            return Ok(Some("it is not the manifest of a ModelPack artifact".to_owned()));
        }
        let config = &manifest.config.digest;
        if walk.damaged.contains_key(config) || !walk.sizes.contains_key(config) {
            return Ok(None);
        }
        let bytes = self.blobs().get(config).await?;
        let config: ModelConfig = match serde_json::from_slice(&bytes) {
            Ok(config) => config,
            Err(e) => return Ok(Some(format!("its configuration is not ModelPack ({e})"))),
        };
        let layers: Vec<_> = manifest.layers.iter().map(|layer| layer.digest).collect();
        let differ = config.modelfs.diff_ids != layers;
        Ok(differ.then(|| "its configuration lists other layers (diffIds)".to_owned()))
    }

    /// Turns missing and damaged blobs into problems that name who needs them.
    fn blame(&self, walk: &mut Walk) {
        for digest in walk.needs.keys().filter(|digest| !walk.sizes.contains_key(digest)) {
            walk.damaged.insert(*digest, "it is missing".to_owned());
        }
        for (digest, problem) in &walk.damaged {
            let who = walk.needs.get(digest).cloned().unwrap_or_default();
            let fix = if who.is_empty() {
                "delete it: nothing in the registry names it".to_owned()
            } else {
                format!(
                    "{RESTORE}, or delete it and run the night again that made it; until then roll back any alias that needs it"
                )
            };
            walk.report.problems.push(Problem {
                place: self.store().place(&Blobs::path(digest)),
                problem: problem.clone(),
                needed_by: who.into_iter().collect(),
                fix,
            });
        }
        let unreferenced = walk.sizes.keys().filter(|digest| !walk.needs.contains_key(digest));
        walk.report.unreferenced = unreferenced.count() as u64;
    }

    /// Compares `index.json` with what the logs say.
    async fn verify_index(&self, walk: &mut Walk) -> Result<(), RegistryError> {
        let place = self.store().place(INDEX_FILE);
        let fix = "write it anew with `fqm-pipe registry fsck`; no variant and no alias is lost";
        let Some(bytes) = self.store().get(INDEX_FILE).await? else {
            if walk.report.entries > 0 {
                walk.report.add(place, "it is missing", fix);
            }
            return Ok(());
        };
        let index = match parse_index(&bytes) {
            Ok(index) => index,
            Err(e) => {
                walk.report.add(place, format!("it is not an image index ({e})"), fix);
                return Ok(());
            }
        };
        let expected = encode("index.json", &self.projection(Some(&bytes)).await?)?;
        if expected != bytes {
            walk.report.add(place, "it does not show what the logs say", fix);
            return Ok(());
        }
        for value in &index.manifests {
            let descriptor = serde_json::from_value::<Descriptor>(value.clone());
            let there = descriptor.as_ref().is_ok_and(|d| {
                walk.sizes.get(&d.digest) == Some(&d.size) || d.media_type != MANIFEST
            });
            if !there {
                let problem =
                    format!("a descriptor that another tool wrote leads nowhere: {value}");
                walk.report.add(place.clone(), problem, "remove it with the tool that wrote it");
            }
        }
        Ok(())
    }
}

impl Walk {
    fn need(&mut self, digest: Digest, who: String) {
        self.needs.entry(digest).or_default().insert(who);
    }
}

fn wrong_evidence(manifest: &Manifest) -> Option<String> {
    let whole = manifest.subject.is_some()
        && manifest.artifact_type.is_some()
        && !manifest.layers.is_empty();
    (!whole).then(|| "it is not evidence: subject, document or artifact type is missing".to_owned())
}

/// The number of a log entry from its file's path.
fn sequence(model: &str, path: &str) -> Option<u64> {
    let seq = path.rsplit('/').next()?.strip_suffix(".json")?.parse().ok()?;
    (seq > 0 && log_file(model, seq) == path).then_some(seq)
}
