//! A variant as a CNCF ModelPack artifact (model-spec 0.0.7): manifest and configuration, made from
//! the files and the logical date alone, so that the same night gives the same digest.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::names::{check_model, check_path};
use super::oci::{Annotations, CREATED, Descriptor, MANIFEST, Manifest, TITLE, VERSION};
use super::{Registry, RegistryError};
use crate::core::{Digest, LogicalDate, canonical_json};

/// `artifactType` of a ModelPack manifest.
pub(super) const MODEL: &str = "application/vnd.cncf.model.manifest.v1+json";
/// Media type of a ModelPack configuration.
pub(super) const MODEL_CONFIG: &str = "application/vnd.cncf.model.config.v1+json";
/// Layer annotation: the path of the file.
pub(super) const FILE_PATH: &str = "org.cncf.model.filepath";
/// Layer annotation: the file's metadata as JSON.
pub(super) const FILE_METADATA: &str = "org.cncf.model.file.metadata+json";
/// Our annotation: what a layer is, where ModelPack has no type for it.
pub(super) const SUBTYPE: &str = "vnd.fqm-pipe.subtype";
/// Our annotation: the model that a manifest belongs to.
pub(super) const MODEL_NAME: &str = "vnd.fqm-pipe.model";
/// Our annotation: the logical date of the night that made it.
pub(super) const DATE: &str = "vnd.fqm-pipe.logical-date";

/// What a file of a variant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Tensors, as safetensors.
    Weight,
    /// The configuration that the weights need to be read.
    WeightConfig,
    /// The model card.
    Doc,
    /// A prompt that is served with the weights.
    Prompt,
}

impl FileKind {
    /// The media type of a raw layer: the digest of the blob is the digest of the file.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Weight => "application/vnd.cncf.model.weight.v1.raw",
            Self::WeightConfig => "application/vnd.cncf.model.weight.config.v1.raw",
            Self::Doc => "application/vnd.cncf.model.doc.v1.raw",
            // ModelPack has no type for prompts: they are code with our own subtype.
            Self::Prompt => "application/vnd.cncf.model.code.v1.raw",
        }
    }

    /// The kind of a layer, or nothing where it is of a type that this registry does not write.
    pub(super) fn of(layer: &Descriptor) -> Option<Self> {
        let kinds = [Self::Weight, Self::WeightConfig, Self::Doc, Self::Prompt];
        kinds.into_iter().find(|kind| kind.media_type() == layer.media_type)
    }
}

/// One file of a variant that is to be registered.
#[derive(Clone, Debug)]
pub struct VariantFile {
    /// Relative path with `/`, e.g. `model.safetensors` or `prompts/system.md`.
    pub path: String,
    /// What the file is.
    pub kind: FileKind,
    /// Its content.
    pub bytes: Bytes,
}

impl VariantFile {
    /// A file of a variant.
    pub fn new(path: impl Into<String>, kind: FileKind, bytes: impl Into<Bytes>) -> Self {
        Self { path: path.into(), kind, bytes: bytes.into() }
    }
}

/// A variant that is to be registered: checkpoint and prompts together.
#[derive(Clone, Debug)]
pub struct NewVariant {
    /// The model, e.g. `fqm`.
    pub model: String,
    /// The logical date of the night that made it. Times in the manifest come from it.
    pub logical_date: LogicalDate,
    /// A line for people.
    pub title: String,
    /// What it is and how it was made, for people.
    pub description: String,
    /// The architecture, e.g. `relational-graph-pointer`.
    pub architecture: String,
    /// Number of parameters, where it is known.
    pub parameters: Option<u64>,
    /// The number format of the weights, e.g. `float32`.
    pub precision: String,
    /// The files, in any order. At least one weight and one weight configuration.
    pub files: Vec<VariantFile>,
    /// Facts about the variant for manifest annotations (dataset and base digests, say), under short
    /// names such as `dataset`. They are part of the variant's digest.
    pub facts: Annotations,
}

/// The ModelPack configuration (`config-schema.json`): three required parts and no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// General information.
    pub descriptor: ModelDescriptor,
    /// Technical information.
    pub config: ModelFacts,
    /// The digests of the layers' content.
    pub modelfs: ModelFs,
}

/// General information about a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelDescriptor {
    /// Midnight UTC of the logical date: the clock has no part in it.
    pub created_at: String,
    /// The model family, which is the model's name.
    pub family: String,
    /// The model's name.
    pub name: String,
    /// The logical date.
    pub version: String,
    /// A line for people.
    pub title: String,
    /// More for people.
    pub description: String,
}

/// Technical information about a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelFacts {
    /// The architecture.
    pub architecture: String,
    /// The format of the weights.
    pub format: String,
    /// The number of parameters as `<count><K|M|B|T|Q>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param_size: Option<String>,
    /// The number format of the weights.
    pub precision: String,
}

/// The digests of the uncompressed layers, which for raw layers are the digests of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One digest for each layer, in order.
    pub diff_ids: Vec<Digest>,
}

/// A variant as bytes: what is put, in this order.
pub(super) struct Package {
    pub files: Vec<VariantFile>,
    pub config: Bytes,
    pub manifest: Bytes,
}

impl NewVariant {
    /// The digest under which [`Registry::register`] will hold this variant.
    ///
    /// # Errors
    /// As [`Registry::register`], before anything is written.
    pub fn digest(&self) -> Result<Digest, RegistryError> {
        Ok(Digest::of(&self.package()?.manifest))
    }

    /// Checks the request and builds its documents.
    pub(super) fn package(&self) -> Result<Package, RegistryError> {
        self.check()?;
        let mut files = self.files.clone();
        files.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        let layers: Vec<_> = files.iter().map(|file| self.layer(file)).collect::<Result<_, _>>()?;
        let config = encode("the model configuration", &self.config(&layers))?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: Some(MODEL.to_owned()),
            config: Descriptor::new(MODEL_CONFIG, Digest::of(&config), config.len() as u64),
            layers,
            subject: None,
            annotations: self.annotations(),
        };
        Ok(Package { files, config, manifest: encode("the manifest", &manifest)? })
    }

    fn check(&self) -> Result<(), RegistryError> {
        check_model(&self.model)?;
        let mut seen = BTreeSet::new();
        for file in &self.files {
            check_path(&file.path)?;
            if !seen.insert(&file.path) {
                let why = "it is given twice".to_owned();
                return Err(invalid("the file path", &file.path, why));
            }
        }
        for (kind, name) in [(FileKind::Weight, "weights"), (FileKind::WeightConfig, "config")] {
            if !self.files.iter().any(|file| file.kind == kind) {
                let why = format!("it has no {name} file; a variant is a whole checkpoint");
                return Err(invalid("the variant", &self.title, why));
            }
        }
        Ok(())
    }

    fn layer(&self, file: &VariantFile) -> Result<Descriptor, RegistryError> {
        let size = file.bytes.len() as u64;
        let mut layer = Descriptor::new(file.kind.media_type(), Digest::of(&file.bytes), size);
        // The fields of a tar header; owner, mode and time are constants of the night.
        let metadata = serde_json::json!({
            "name": file.path, "mode": 0o644, "uid": 0, "gid": 0, "size": size,
            "mtime": midnight(self.logical_date), "typeflag": b'0',
        });
        let metadata = canonical_json(&metadata)
            .map_err(|source| RegistryError::Encode { what: "file metadata", source })?;
        let metadata = String::from_utf8_lossy(&metadata).into_owned();
        layer.annotations.insert(FILE_PATH.to_owned(), file.path.clone());
        layer.annotations.insert(FILE_METADATA.to_owned(), metadata);
        layer.annotations.insert(TITLE.to_owned(), file.path.clone());
        if file.kind == FileKind::Prompt {
            layer.annotations.insert(SUBTYPE.to_owned(), "prompt".to_owned());
        }
        Ok(layer)
    }

    fn config(&self, layers: &[Descriptor]) -> ModelConfig {
        ModelConfig {
            descriptor: ModelDescriptor {
                created_at: midnight(self.logical_date),
                family: self.model.clone(),
                name: self.model.clone(),
                version: self.logical_date.to_string(),
                title: self.title.clone(),
                description: self.description.clone(),
            },
            config: ModelFacts {
                architecture: self.architecture.clone(),
                format: "safetensors".to_owned(),
                param_size: self.parameters.map(parameter_size),
                precision: self.precision.clone(),
            },
            modelfs: ModelFs {
                kind: "layers".to_owned(),
                diff_ids: layers.iter().map(|layer| layer.digest).collect(),
            },
        }
    }

    fn annotations(&self) -> Annotations {
        let facts = self.facts.iter().map(|(k, v)| (fact_key(k), v.clone()));
        let ours = [
            (CREATED, midnight(self.logical_date)),
            (VERSION, self.logical_date.to_string()),
            (TITLE, self.title.clone()),
            (MODEL_NAME, self.model.clone()),
            (DATE, self.logical_date.to_string()),
        ];
        facts.chain(ours.map(|(k, v)| (k.to_owned(), v))).collect()
    }
}

impl Registry {
    /// Puts the blobs of a variant: files, configuration, manifest. Nothing names them yet, so a
    /// crash in here leaves the registry as it was.
    pub(super) async fn put_variant(&self, new: &NewVariant) -> Result<Digest, RegistryError> {
        let package = new.package()?;
        self.ensure_layout().await?;
        for file in package.files {
            self.blobs().put(file.bytes).await?;
        }
        self.blobs().put(package.config).await?;
        Ok(self.blobs().put(package.manifest).await?)
    }
}

/// The annotation key of a fact.
pub(super) fn fact_key(name: &str) -> String {
    format!("vnd.fqm-pipe.fact.{name}")
}

/// The facts among annotations, under their short names.
pub(super) fn facts(annotations: &Annotations) -> Annotations {
    let short = |(k, v): (&String, &String)| {
        Some((k.strip_prefix("vnd.fqm-pipe.fact.")?.to_owned(), v.clone()))
    };
    annotations.iter().filter_map(short).collect()
}

/// Midnight UTC of a date, as RFC 3339.
pub(super) fn midnight(date: LogicalDate) -> String {
    format!("{date}T00:00:00Z")
}

pub(super) fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<Bytes, RegistryError> {
    let bytes = canonical_json(value).map_err(|source| RegistryError::Encode { what, source })?;
    Ok(Bytes::from(bytes))
}

fn invalid(what: &'static str, value: &str, why: String) -> RegistryError {
    RegistryError::Invalid { what, value: value.to_owned(), why }
}

/// `<count><scale>` with at most one digit after the point, e.g. `48.2K`.
fn parameter_size(count: u64) -> String {
    let scales = [(1e15, "Q"), (1e12, "T"), (1e9, "B"), (1e6, "M")];
    let count = count as f64;
    let (scale, letter) =
        scales.into_iter().find(|(scale, _)| count >= *scale).unwrap_or((1e3, "K"));
    format!("{:.1}{letter}", count / scale)
}
