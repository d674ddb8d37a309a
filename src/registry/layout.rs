//! The registry's root: an OCI image layout over an object store.

use bytes::Bytes;

use super::RegistryError;
use super::oci::{LAYOUT, LAYOUT_FILE, Manifest};
use crate::core::{Blobs, Digest, Store};

/// A model registry. Cloning is cheap; all clones and processes may read and write at once.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    blobs: Blobs,
}

impl Registry {
    /// The registry at the root of a store. Nothing is read or written yet: a registry that nobody
    /// has registered in is an empty one.
    pub fn new(store: Store) -> Self {
        let blobs = Blobs::new(store.clone());
        Self { store, blobs }
    }

    /// The store that holds the registry.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The content-addressed blobs: files of variants, configurations, manifests and evidence.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Writes the marker of an image layout where it is missing, and refuses another version.
    pub(super) async fn ensure_layout(&self) -> Result<(), RegistryError> {
        match self.store.get(LAYOUT_FILE).await? {
            None => {
                self.store.create(LAYOUT_FILE, Bytes::from_static(LAYOUT)).await?;
                Ok(())
            }
            Some(bytes) => self.check_layout(&bytes),
        }
    }

    /// Refuses a marker of a version that this program does not know.
    pub(super) fn check_layout(&self, bytes: &[u8]) -> Result<(), RegistryError> {
        let value: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
        let version = value.as_ref().and_then(|v| v.get("imageLayoutVersion")?.as_str());
        if version == Some("1.0.0") {
            return Ok(());
        }
        Err(RegistryError::Damaged {
            place: self.store.place(LAYOUT_FILE),
            problem: format!("expected image layout version 1.0.0, found {version:?}"),
            fix: format!(
                "write {} into it if this is a registry of fqm-pipe, else use another folder",
                String::from_utf8_lossy(LAYOUT)
            ),
        })
    }

    /// A manifest of this registry.
    pub(super) async fn manifest(&self, digest: &Digest) -> Result<Manifest, RegistryError> {
        let bytes = self.blobs.get(digest).await?;
        serde_json::from_slice(&bytes).map_err(|error| RegistryError::Damaged {
            place: self.store.place(&Blobs::path(digest)),
            problem: format!("it is not an image manifest ({error})"),
            fix: "name the digest of a registered variant, as `fqm-pipe registry ls` shows it"
                .to_owned(),
        })
    }

    /// Re-hashes everything that a manifest links to. An alias must never name a variant that
    /// cannot be served, so moves call this before they commit.
    pub(super) async fn check_content(&self, digest: &Digest) -> Result<(), RegistryError> {
        let manifest = self.manifest(digest).await?;
        for part in manifest.layers.iter().chain([&manifest.config]) {
            self.blobs.get(&part.digest).await?;
        }
        Ok(())
    }
}
