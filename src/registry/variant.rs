//! Variants as the registry holds them: registering, listing, showing, reading and exporting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Serialize;

use super::log::State;
use super::modelpack::{DATE, FILE_PATH, MODEL, MODEL_NAME, facts};
use super::names::{check_model, check_path};
use super::oci::{Annotations, Manifest, TITLE};
use super::{
    Action, AliasEntry, Evidence, FileKind, ModelConfig, Moved, NewVariant, Note, Registry,
    RegistryError,
};
use crate::core::{Alias, Digest, LogicalDate};

/// A file of a registered variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredFile {
    /// Relative path with `/`.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// The digest of its content, which is also its blob.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A registered variant with everything that is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// The digest of the manifest, which is the variant's identity.
    pub digest: Digest,
    /// The model.
    pub model: String,
    /// The logical date of the night that made it.
    pub logical_date: Option<LogicalDate>,
    /// The ModelPack configuration.
    pub config: ModelConfig,
    /// Its files in the order of the manifest.
    pub files: Vec<StoredFile>,
    /// Facts such as the digests of its dataset and its base.
    pub facts: Annotations,
    /// The aliases that point to it now.
    pub aliases: Vec<String>,
    /// The evidence about it, in the order of the log.
    pub evidence: Vec<Evidence>,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VariantSummary {
    /// The digest of the manifest.
    pub digest: Digest,
    /// The model.
    pub model: String,
    /// The logical date of the night that made it.
    pub logical_date: Option<LogicalDate>,
    /// The line for people.
    pub title: String,
    /// The size of all files in bytes.
    pub bytes: u64,
    /// The aliases that point to it now.
    pub aliases: Vec<String>,
    /// The number of pieces of evidence about it.
    pub evidence: usize,
    /// The number of the log entry that registered it.
    pub seq: u64,
}

impl Registry {
    /// Registers a variant: its blobs, then its manifest, then the log entry that makes it known,
    /// then the projection. Registering the same variant again changes nothing.
    ///
    /// # Errors
    /// When the request makes no sense (then nothing is written), when a blob that is there already
    /// turns out damaged, or when the store cannot be written.
    pub async fn register(
        &self,
        new: &NewVariant,
        mut note: Note,
    ) -> Result<(Digest, Moved), RegistryError> {
        let digest = self.put_variant(new).await?;
        self.check_content(&digest).await?;
        note.key = Some(format!("register:{digest}"));
        let decide =
            |tip: Option<&AliasEntry>| Ok(State { variant: Some(digest), ..State::of(tip) });
        Ok((digest, self.commit(&new.model, Action::Register, &note, &decide).await?))
    }

    /// The variants of a model, or of all models, newest first. An empty registry has none.
    ///
    /// # Errors
    /// When a log or a manifest is damaged.
    pub async fn ls(&self, model: Option<&str>) -> Result<Vec<VariantSummary>, RegistryError> {
        let models = match model {
            Some(model) => vec![model.to_owned()],
            None => self.models().await?,
        };
        let mut found = Vec::new();
        for model in models {
            check_model(&model)?;
            let entries = self.entries(&model).await?;
            let evidence = self.evidence_by_subject(&entries).await?;
            let mut seen = BTreeSet::new();
            let mut rows = Vec::new();
            for (digest, seq) in first_seen(&entries) {
                if seen.insert(digest) {
                    let count = evidence.get(&digest).map_or(0, Vec::len);
                    rows.push(self.summary(&entries, digest, seq, count).await?);
                }
            }
            found.extend(rows.into_iter().rev());
        }
        Ok(found)
    }

    /// A variant with everything that is known about it. `wanted` is an alias (`champion`), a
    /// digest (`sha256:…`) or the beginning of one (at least four hex digits).
    ///
    /// # Errors
    /// When there is no such variant, or something about it is damaged.
    pub async fn show(&self, model: &str, wanted: &str) -> Result<Variant, RegistryError> {
        let entries = self.history(model).await?;
        let digest = self.pick(&entries, model, wanted)?;
        let manifest = self.check_manifest(model, &digest).await?;
        let mut evidence = self.evidence_by_subject(&entries).await?;
        Ok(Variant {
            digest,
            model: model.to_owned(),
            logical_date: date_of(&manifest),
            config: self.blobs().get_json(&manifest.config.digest).await?,
            files: files(&manifest),
            facts: facts(&manifest.annotations),
            aliases: aliases_of(entries.last(), &digest),
            evidence: evidence.remove(&digest).unwrap_or_default(),
        })
    }

    /// The files of a variant, without their content.
    ///
    /// # Errors
    /// When the manifest is missing or damaged.
    pub async fn files(&self, variant: &Digest) -> Result<Vec<StoredFile>, RegistryError> {
        Ok(files(&self.manifest(variant).await?))
    }

    /// The content of one file of a variant, checked against its digest.
    ///
    /// # Errors
    /// When the variant has no such file, or it is missing or damaged.
    pub async fn read(&self, variant: &Digest, path: &str) -> Result<Bytes, RegistryError> {
        let files = self.files(variant).await?;
        let file = files.iter().find(|file| file.path == path);
        let file = file.ok_or_else(|| RegistryError::Invalid {
            what: "the file path",
            value: path.to_owned(),
            why: format!(
                "the variant {} has {}",
                variant.short(),
                files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>().join(", ")
            ),
        })?;
        Ok(self.blobs().get(&file.digest).await?)
    }

    /// Writes the files of a variant into a folder, each checked against its digest before it takes
    /// its place. Returns the paths written.
    ///
    /// # Errors
    /// When the variant is missing or damaged, or the folder cannot be written.
    pub async fn export(
        &self,
        variant: &Digest,
        folder: &Path,
    ) -> Result<Vec<PathBuf>, RegistryError> {
        let mut written = Vec::new();
        for file in self.files(variant).await? {
            check_path(&file.path)?;
            let bytes = self.blobs().get(&file.digest).await?;
            let path = folder.join(&file.path);
            write_whole(&path, &bytes)
                .await
                .map_err(|source| RegistryError::Export { path: path.clone(), source })?;
            written.push(path);
        }
        Ok(written)
    }

    /// The digest of a variant by alias, digest or beginning of one, as for [`Registry::show`].
    ///
    /// # Errors
    /// When there is no such variant or more than one fits.
    pub async fn lookup(&self, model: &str, wanted: &str) -> Result<Digest, RegistryError> {
        self.pick(&self.history(model).await?, model, wanted)
    }

    fn pick(
        &self,
        entries: &[AliasEntry],
        model: &str,
        wanted: &str,
    ) -> Result<Digest, RegistryError> {
        let alias = entries.last().and_then(|entry| entry.aliases.get(wanted));
        if let Some(digest) = alias {
            return Ok(*digest);
        }
        let known: BTreeSet<Digest> = first_seen(entries).map(|(digest, _)| digest).collect();
        let hex = wanted.strip_prefix("sha256:").unwrap_or(wanted);
        let fits: Vec<_> = known.iter().filter(|digest| digest.hex().starts_with(hex)).collect();
        let why = match fits.as_slice() {
            [only] if hex.len() >= 4 => return Ok(**only),
            [_, _, ..] if hex.len() >= 4 => {
                format!("{} variants begin so; give more digits", fits.len())
            }
            _ => {
                let alias = Alias { model: model.to_owned(), name: wanted.to_owned() };
                format!(
                    "neither `{alias}` nor a variant whose digest begins so exists; `fqm-pipe registry ls` lists what there is"
                )
            }
        };
        Err(RegistryError::NoVariant { model: model.to_owned(), wanted: wanted.to_owned(), why })
    }

    /// Refuses what is not a whole variant of this model.
    pub(super) async fn check_variant(
        &self,
        model: &str,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        self.check_manifest(model, digest).await?;
        self.check_content(digest).await
    }

    async fn check_manifest(
        &self,
        model: &str,
        digest: &Digest,
    ) -> Result<Manifest, RegistryError> {
        let manifest = self.manifest(digest).await?;
        let named = manifest.annotations.get(MODEL_NAME).map(String::as_str);
        if manifest.artifact_type.as_deref() == Some(MODEL) && named == Some(model) {
            return Ok(manifest);
        }
        Err(RegistryError::NoVariant {
            model: model.to_owned(),
            wanted: digest.to_string(),
            why: match named {
                Some(other) if other != model => format!("it belongs to the model `{other}`"),
                _ => "that manifest is not a variant".to_owned(),
            },
        })
    }

    async fn summary(
        &self,
        entries: &[AliasEntry],
        digest: Digest,
        seq: u64,
        evidence: usize,
    ) -> Result<VariantSummary, RegistryError> {
        let manifest = self.manifest(&digest).await?;
        Ok(VariantSummary {
            digest,
            model: manifest.annotations.get(MODEL_NAME).cloned().unwrap_or_default(),
            logical_date: date_of(&manifest),
            title: manifest.annotations.get(TITLE).cloned().unwrap_or_default(),
            bytes: manifest.layers.iter().map(|layer| layer.size).sum(),
            aliases: aliases_of(entries.last(), &digest),
            evidence,
            seq,
        })
    }

    /// The evidence that a log names, by the variant it is about, in the order of the log.
    async fn evidence_by_subject(
        &self,
        entries: &[AliasEntry],
    ) -> Result<BTreeMap<Digest, Vec<Evidence>>, RegistryError> {
        let mut found: BTreeMap<Digest, Vec<Evidence>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for digest in entries.iter().flat_map(|entry| &entry.evidence) {
            if seen.insert(*digest) {
                let evidence = self.evidence(digest).await?;
                found.entry(evidence.subject).or_default().push(evidence);
            }
        }
        Ok(found)
    }
}

/// Every variant that a log names, with the entry that names it, in the order of the log.
pub(super) fn first_seen(entries: &[AliasEntry]) -> impl Iterator<Item = (Digest, u64)> + '_ {
    entries.iter().flat_map(|entry| {
        let registered = entry.variant.filter(|_| entry.action == Action::Register);
        registered.into_iter().chain(entry.aliases.values().copied()).map(|d| (d, entry.seq))
    })
}

fn aliases_of(tip: Option<&AliasEntry>, digest: &Digest) -> Vec<String> {
    let all = tip.into_iter().flat_map(|entry| &entry.aliases);
    all.filter(|(_, to)| *to == digest).map(|(name, _)| name.clone()).collect()
}

fn date_of(manifest: &Manifest) -> Option<LogicalDate> {
    manifest.annotations.get(DATE)?.parse().ok()
}

fn files(manifest: &Manifest) -> Vec<StoredFile> {
    let file = |layer: &super::oci::Descriptor| {
        Some(StoredFile {
            path: layer.annotation(FILE_PATH)?.to_owned(),
            kind: FileKind::of(layer)?,
            digest: layer.digest,
            bytes: layer.size,
        })
    };
    manifest.layers.iter().filter_map(file).collect()
}

/// Writes beside the file and renames, so that a reader finds the old file or the new one.
async fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let mut staging = path.as_os_str().to_owned();
    staging.push(".part");
    let file = tokio::fs::File::create(&staging).await?;
    {
        use tokio::io::AsyncWriteExt;
        let mut file = file;
        file.write_all(bytes).await?;
        file.sync_all().await?;
    }
    tokio::fs::rename(&staging, path).await
}
