//! The documents of the OCI image specification 1.1 that the registry writes and reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::Digest;

/// Media type of a manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an index.
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of the empty configuration `{}`.
pub(super) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The bytes of the empty configuration.
pub(super) const EMPTY_BYTES: &[u8] = b"{}";
/// The marker file of an image layout and its content.
pub(super) const LAYOUT_FILE: &str = "oci-layout";
/// Content of the marker file.
pub(super) const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// The projection for foreign tools.
pub(super) const INDEX_FILE: &str = "index.json";

/// Annotation: the reference by which tools name a manifest of a layout.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Annotation: the file name by which `oras` pulls a layer.
pub(super) const TITLE: &str = "org.opencontainers.image.title";
/// Annotation: a version.
pub(super) const VERSION: &str = "org.opencontainers.image.version";
/// Annotation: when the content was made.
pub(super) const CREATED: &str = "org.opencontainers.image.created";

/// String annotations, sorted.
pub(super) type Annotations = BTreeMap<String, String>;

/// A pointer to a blob: what it is, which bytes, how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Descriptor {
    /// A descriptor without annotations.
    pub(super) fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            artifact_type: None,
            annotations: Annotations::new(),
        }
    }

    /// An annotation's value.
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }
}

/// A manifest: a configuration and layers, perhaps about a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub schema_version: u32,
    pub media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

/// The index of a layout. Descriptors stay raw JSON where foreign tools may have written them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub schema_version: u32,
    #[serde(default = "index_type")]
    pub media_type: String,
    pub manifests: Vec<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

fn index_type() -> String {
    INDEX.to_owned()
}

impl Index {
    /// An index of nothing.
    pub(super) fn empty() -> Self {
        Self {
            schema_version: 2,
            media_type: index_type(),
            manifests: Vec::new(),
            annotations: Annotations::new(),
        }
    }
}
