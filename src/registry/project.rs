//! `index.json`: the projection of the logs for foreign tools. It is never the truth, so a lost
//! race here loses nothing: the annotation with the last projected entry lets the next writer catch
//! up, and `fsck` builds the whole file anew.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::log::AliasEntry;
use super::modelpack::{MODEL, MODEL_NAME, encode};
use super::oci::{Annotations, Descriptor, INDEX_FILE, Index, MANIFEST, REF_NAME};
use super::{Action, Registry, RegistryError};
use crate::core::Digest;

/// Annotation of our descriptors: the alias that a descriptor stands for.
const ALIAS: &str = "vnd.fqm-pipe.alias";
/// How often a writer looks whether a slower one has written over its projection.
const ROUNDS: u32 = 3;

/// Annotation of the index: the last entry of a model's log that is projected.
fn seq_key(model: &str) -> String {
    format!("vnd.fqm-pipe.log.{model}")
}

impl Registry {
    /// Builds `index.json` anew from the logs. Descriptors that foreign tools added stay. Returns
    /// whether the file was wrong.
    ///
    /// # Errors
    /// When a log or a manifest is damaged, or the store cannot be written.
    pub async fn fsck(&self) -> Result<bool, RegistryError> {
        self.ensure_layout().await?;
        let old = self.store().get(INDEX_FILE).await?;
        let index = self.projection(old.as_deref()).await?;
        let bytes = encode("index.json", &index)?;
        let wrong = old.as_ref() != Some(&bytes);
        if wrong {
            self.store().put(INDEX_FILE, bytes).await?;
        }
        Ok(wrong)
    }

    /// What `index.json` should be, keeping foreign descriptors of the file as it is.
    pub(super) async fn projection(&self, old: Option<&[u8]>) -> Result<Index, RegistryError> {
        let mut index = Index::empty();
        index.manifests = foreign(old.and_then(|bytes| serde_json::from_slice(bytes).ok()));
        for model in self.models().await? {
            let entries = self.entries(&model).await?;
            self.advance(&mut index, &model, &entries).await?;
        }
        Ok(index)
    }

    /// Brings `index.json` up to the newest entry of a model.
    pub(super) async fn project(&self, model: &str) -> Result<(), RegistryError> {
        let mut written = None;
        for _ in 0..ROUNDS {
            let Some(tip) = self.tip(model).await? else { return Ok(()) };
            let old = self.store().get(INDEX_FILE).await?;
            if old.is_some() && old == written {
                return Ok(());
            }
            let Some(mut index) = old.as_deref().and_then(own_index) else {
                self.fsck().await?;
                continue;
            };
            let done = projected(&index, model);
            if done >= tip.seq {
                return Ok(());
            }
            let mut entries = Vec::new();
            for seq in done + 1..=tip.seq {
                entries.extend(self.entry(model, seq).await?);
            }
            self.advance(&mut index, model, &entries).await?;
            let bytes = encode("index.json", &index)?;
            self.store().put(INDEX_FILE, bytes.clone()).await?;
            written = Some(bytes);
        }
        Ok(())
    }

    /// Takes entries of one model into an index that holds all entries before them.
    async fn advance(
        &self,
        index: &mut Index,
        model: &str,
        entries: &[AliasEntry],
    ) -> Result<(), RegistryError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let (ours, mut rest) = split(index, model);
        let known: BTreeSet<Digest> = ours.iter().map(|d| d.digest).collect();
        let mut sizes: BTreeMap<Digest, u64> = ours.iter().map(|d| (d.digest, d.size)).collect();
        let mut kept: Vec<Descriptor> =
            ours.into_iter().filter(|d| d.annotation(ALIAS).is_none()).collect();
        for digest in variants(entries).difference(&known) {
            let size = self.blobs().size(digest).await?;
            sizes.insert(*digest, size);
            kept.push(variant(model, digest, size, None));
        }
        let evidence: BTreeSet<Digest> = entries.iter().flat_map(|e| e.evidence.clone()).collect();
        for digest in evidence.difference(&known) {
            kept.push(self.referrer(model, digest).await?);
        }
        for (alias, digest) in &last.aliases {
            let size = sizes.get(digest).copied().unwrap_or_default();
            kept.push(variant(model, digest, size, Some(alias)));
        }
        kept.sort_by(|a, b| order(a).cmp(&order(b)));
        for descriptor in kept {
            let value = serde_json::to_value(&descriptor);
            rest.push(
                value.map_err(|source| RegistryError::Encode { what: "index.json", source })?,
            );
        }
        // Models stand in the order of their names, so that catching up and building anew agree.
        rest.sort_by_key(|value| model_of(value).map(str::to_owned));
        index.manifests = rest;
        index.annotations.insert(seq_key(model), last.seq.to_string());
        Ok(())
    }

    /// The descriptor of a piece of evidence: type and annotations mirror its manifest.
    async fn referrer(&self, model: &str, digest: &Digest) -> Result<Descriptor, RegistryError> {
        let manifest = self.manifest(digest).await?;
        let size = self.blobs().size(digest).await?;
        let mut annotations = manifest.annotations;
        annotations.insert(MODEL_NAME.to_owned(), model.to_owned());
        Ok(Descriptor {
            artifact_type: manifest.artifact_type,
            annotations,
            ..Descriptor::new(MANIFEST, *digest, size)
        })
    }

    /// The models of this registry, sorted by name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn models(&self) -> Result<Vec<String>, RegistryError> {
        let refs = self.store().path("refs");
        let listing = self.store().object_store().list_with_delimiter(Some(&refs)).await;
        let listing = listing.map_err(|source| crate::core::StoreError::Access {
            action: "list",
            place: self.store().place("refs"),
            source,
        })?;
        let names = listing.common_prefixes.iter().filter_map(|path| path.filename());
        let mut models: Vec<_> = names.map(str::to_owned).collect();
        models.sort();
        Ok(models)
    }
}

/// The variants that entries register or point to.
fn variants(entries: &[AliasEntry]) -> BTreeSet<Digest> {
    let registered = entries.iter().filter(|e| e.action == Action::Register);
    let registered = registered.filter_map(|e| e.variant);
    registered.chain(entries.iter().flat_map(|e| e.aliases.values().copied())).collect()
}

/// A descriptor of a variant under `model:alias`, or under `model:<12 hex digits>`.
fn variant(model: &str, digest: &Digest, size: u64, alias: Option<&str>) -> Descriptor {
    let tag = alias.map_or_else(|| digest.short(), str::to_owned);
    let mut annotations = Annotations::from([
        (MODEL_NAME.to_owned(), model.to_owned()),
        (REF_NAME.to_owned(), format!("{model}:{tag}")),
    ]);
    annotations.extend(alias.map(|alias| (ALIAS.to_owned(), alias.to_owned())));
    Descriptor {
        artifact_type: Some(MODEL.to_owned()),
        annotations,
        ..Descriptor::new(MANIFEST, *digest, size)
    }
}

/// Aliases first, then variants, then evidence.
fn order(descriptor: &Descriptor) -> (u8, &str, Digest) {
    let class = match (descriptor.annotation(ALIAS), descriptor.annotation(REF_NAME)) {
        (Some(_), _) => 0,
        (None, Some(_)) => 1,
        (None, None) => 2,
    };
    (class, descriptor.annotation(REF_NAME).unwrap_or_default(), descriptor.digest)
}

fn model_of(value: &Value) -> Option<&str> {
    value.get("annotations")?.get(MODEL_NAME)?.as_str()
}

/// Takes a model's descriptors out of an index.
fn split(index: &mut Index, model: &str) -> (Vec<Descriptor>, Vec<Value>) {
    let all = std::mem::take(&mut index.manifests);
    let (ours, rest): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|value| model_of(value) == Some(model));
    (ours.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect(), rest)
}

/// Descriptors that this registry did not write.
fn foreign(index: Option<Index>) -> Vec<Value> {
    let all = index.map(|index| index.manifests).unwrap_or_default();
    all.into_iter().filter(|value| model_of(value).is_none()).collect()
}

/// An index that this registry wrote and can catch up with. A foreign tool that rewrote the file may
/// have dropped our annotations; then it is built anew.
fn own_index(bytes: &[u8]) -> Option<Index> {
    let index: Index = serde_json::from_slice(bytes).ok()?;
    let mut ours = index.manifests.iter().filter(|value| model_of(value).is_some());
    (index.schema_version == 2 && ours.all(|value| Descriptor::deserialize(value).is_ok()))
        .then_some(index)
}

/// The last entry of a model that an index holds.
fn projected(index: &Index, model: &str) -> u64 {
    index.annotations.get(&seq_key(model)).and_then(|seq| seq.parse().ok()).unwrap_or(0)
}

/// Reads an index for checking.
pub(super) fn parse_index(bytes: &Bytes) -> Result<Index, serde_json::Error> {
    serde_json::from_slice(bytes)
}
