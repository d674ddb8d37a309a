//! Content-addressed blobs: `blobs/sha256/<hex>` in a store, the layout of OCI image layouts.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Digest, Store, StoreError, canonical_json};

/// The blobs of a store. A blob never changes: its name is the digest of its bytes.
#[derive(Clone)]
pub struct Blobs {
    store: Store,
}

impl Blobs {
    /// The blobs under `blobs/sha256/` of a store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Where a blob lies, relative to the store.
    pub fn path(digest: &Digest) -> String {
        format!("blobs/sha256/{}", digest.hex())
    }

    /// The store that holds the blobs.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Stores bytes under their digest; bytes that are there already are left alone.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, StoreError> {
        let digest = Digest::of(&bytes);
        if !self.exists(&digest).await? {
            self.store.create(&Self::path(&digest), bytes).await?;
        }
        Ok(digest)
    }

    /// Stores a value as canonical JSON.
    ///
    /// # Errors
    /// When the value has no JSON form or the store cannot be written.
    pub async fn put_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<Digest, StoreError> {
        let bytes = canonical_json(value).map_err(StoreError::Encode)?;
        self.put(Bytes::from(bytes)).await
    }

    /// The bytes of a blob, after checking that they have the digest they are named by.
    ///
    /// # Errors
    /// When the blob is missing, damaged or cannot be read.
    pub async fn get(&self, digest: &Digest) -> Result<Bytes, StoreError> {
        let path = Self::path(digest);
        let place = || self.store.place(&path);
        let bytes = self.store.get(&path).await?;
        let bytes = bytes.ok_or_else(|| StoreError::Missing { place: place() })?;
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(StoreError::Damaged { place: place(), found });
        }
        Ok(bytes)
    }

    /// A value that was stored with [`Blobs::put_json`].
    ///
    /// # Errors
    /// As [`Blobs::get`], and when the blob is not JSON of that type.
    pub async fn get_json<T: DeserializeOwned>(&self, digest: &Digest) -> Result<T, StoreError> {
        let bytes = self.get(digest).await?;
        serde_json::from_slice(&bytes).map_err(|source| StoreError::Decode {
            place: self.store.place(&Self::path(digest)),
            source,
        })
    }

    /// Whether a blob is there. Its bytes are not read.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn exists(&self, digest: &Digest) -> Result<bool, StoreError> {
        self.store.exists(&Self::path(digest)).await
    }

    /// The size of a blob in bytes.
    ///
    /// # Errors
    /// When the blob is missing or the store does not answer.
    pub async fn size(&self, digest: &Digest) -> Result<u64, StoreError> {
        let path = Self::path(digest);
        let info = self.store.head(&path).await?;
        info.map(|i| i.size).ok_or_else(|| StoreError::Missing { place: self.store.place(&path) })
    }
}
