//! Object stores behind one small face: a URL names a folder on disk or a prefix in a bucket, and
//! create-if-absent is the one primitive that concurrent writers need.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::{Path, PathPart};
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, PutOptions, PutPayload,
};
use url::Url;

use super::Digest;
use super::local::Durable;

/// A failed access to an object store. Every message names the place.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no store that this program knows.
    #[error(
        "open the store {url}: {source}; known schemes are file, s3, az, gs, http, https, memory"
    )]
    Open {
        /// The URL as given.
        url: Box<Url>,
        /// What object_store says.
        source: object_store::Error,
    },
    /// A read, write or listing failed.
    #[error("{action} {place}: {source}")]
    Access {
        /// `read`, `write`, `list`, `delete`.
        action: &'static str,
        /// The URL of the object.
        place: String,
        /// What object_store says.
        source: object_store::Error,
    },
    /// The folder itself is missing or closed.
    #[error(
        "read the folder {place}: {reason}; make it, or name another in fqm.toml or by FQM_LOGS"
    )]
    Unreadable {
        /// The folder.
        place: String,
        /// Why.
        reason: String,
    },
    /// An object that must be there is not.
    #[error("read {place}: it is not there; restore it, or run the night again with --force")]
    Missing {
        /// The URL of the object.
        place: String,
    },
    /// The bytes of a blob do not have the digest they are named by.
    #[error(
        "read {place}: its bytes are damaged, they have the digest {found}; restore it from a copy, or delete it and run again"
    )]
    Damaged {
        /// The URL of the object.
        place: String,
        /// The digest of the bytes as they are.
        found: Digest,
    },
    /// A value has no JSON form.
    #[error("encode a value as JSON: {0}")]
    Encode(serde_json::Error),
    /// An object is not the JSON that was expected.
    #[error("decode {place}: {source}")]
    Decode {
        /// The URL of the object.
        place: String,
        /// Where and why.
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Whether trying again later may help: the store did not answer, as against said no.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Access { source: object_store::Error::Generic { store, .. }, .. } if *store != "local disk" && *store != "LocalFileSystem")
    }
}

/// What create-if-absent did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The object was not there; it is now.
    New,
    /// The object was there already and was left alone.
    Existed,
}

/// What a listing tells of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The path relative to the store's root.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The entity tag, where the store gives one.
    pub etag: Option<String>,
    /// When the object was last written.
    pub modified: DateTime<Utc>,
}

/// A folder on disk or a prefix in a bucket.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    root: Path,
    url: Url,
}

impl Store {
    /// Opens the store that a URL names (`file`, `s3`, `az`, `gs`, `http`, `memory`). Credentials and
    /// endpoints come from the usual environment variables (`AWS_…`, `AZURE_…`, `GOOGLE_…`).
    ///
    /// # Errors
    /// When the URL has no known scheme or its options make no sense.
    pub fn open(url: &Url) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Open { url: Box::new(url.clone()), source };
        let (scheme, root) = ObjectStoreScheme::parse(url).map_err(|e| failed(e.into()))?;
        let inner: Arc<dyn ObjectStore> = if matches!(scheme, ObjectStoreScheme::Local) {
            Arc::new(Durable::local())
        } else {
            let (store, _) = object_store::parse_url_opts(url, environment()).map_err(failed)?;
            Arc::new(Durable::remote(store.into()))
        };
        Ok(Self { inner, root, url: url.clone() })
    }

    /// An empty store in memory, for tests.
    ///
    /// # Panics
    /// Never: the URL is a constant.
    #[expect(clippy::expect_used, reason = "the URL is a constant")]
    pub fn memory() -> Self {
        let inner = Arc::new(Durable::remote(Arc::new(object_store::memory::InMemory::new())));
        let url = Url::parse("memory:///").expect("a valid URL");
        Self { inner, root: Path::default(), url }
    }

    /// The store below a relative path.
    pub fn sub(&self, prefix: &str) -> Self {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(prefix.split('/').filter(|part| !part.is_empty()));
        }
        Self { inner: self.inner.clone(), root: self.path(prefix), url }
    }

    /// The path of an object within [`Store::object_store`].
    pub fn path(&self, relative: &str) -> Path {
        // Listed names are encoded already and must not be encoded twice.
        let part = |part| PathPart::parse(part).unwrap_or_else(|_| PathPart::from(part));
        let parts = relative.split('/').filter(|part| !part.is_empty());
        self.root.parts().chain(parts.map(part)).collect()
    }

    /// The whole bucket or disk that this store is a part of.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.inner.clone()
    }

    /// The URL of the store's root.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The folder of the store where it is on the local disk.
    pub fn folder(&self) -> Option<std::path::PathBuf> {
        (self.url.scheme() == "file").then(|| self.url.to_file_path().ok()).flatten()
    }

    /// The URL of an object, for messages.
    pub fn place(&self, relative: &str) -> String {
        let base = self.url.as_str().trim_end_matches('/');
        if relative.is_empty() { base.to_owned() } else { format!("{base}/{relative}") }
    }

    /// Checks that the place is there at all: a folder that is missing lists as empty, which would
    /// look like a day without logs.
    ///
    /// # Errors
    /// When the folder or bucket is missing or cannot be read.
    pub async fn ensure_readable(&self) -> Result<(), StoreError> {
        if let Some(folder) = self.folder() {
            return std::fs::read_dir(&folder).map(drop).map_err(|e| StoreError::Unreadable {
                place: folder.display().to_string(),
                reason: e.to_string(),
            });
        }
        let first = self.inner.list(Some(&self.root)).try_next().await;
        first.map(drop).map_err(|e| self.failed("list", "", e))
    }

    /// Writes an object, replacing one that is there.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        let payload = PutPayload::from_bytes(bytes);
        let done = self.inner.put(&self.path(path), payload).await;
        done.map(drop).map_err(|e| self.failed("write", path, e))
    }

    /// Writes an object only where none is there: the one primitive that orders concurrent writers.
    ///
    /// # Errors
    /// When the store cannot be written; an object that is there is no error.
    pub async fn create(&self, path: &str, bytes: Bytes) -> Result<Created, StoreError> {
        let options = PutOptions { mode: PutMode::Create, ..Default::default() };
        let payload = PutPayload::from_bytes(bytes);
        match self.inner.put_opts(&self.path(path), payload, options).await {
            Ok(_) => Ok(Created::New),
            // S3 answers a lost race with 412, and sometimes with 409.
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(Created::Existed),
            Err(e) => Err(self.failed("write", path, e)),
        }
    }

    /// The bytes of an object, or nothing where it is not there.
    ///
    /// # Errors
    /// When the store does not answer or refuses.
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>, StoreError> {
        let read = async { self.inner.get(&self.path(path)).await?.bytes().await };
        self.optional("read", path, read.await)
    }

    /// What is known of an object, or nothing where it is not there.
    ///
    /// # Errors
    /// When the store does not answer or refuses.
    pub async fn head(&self, path: &str) -> Result<Option<ObjectInfo>, StoreError> {
        let meta = self.inner.head(&self.path(path)).await;
        Ok(self.optional("read", path, meta)?.map(|meta| self.info(meta)))
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// When the store does not answer or refuses.
    pub async fn exists(&self, path: &str) -> Result<bool, StoreError> {
        // On a disk one look is cheaper than handing it to another thread.
        if let Some(folder) = self.folder() {
            return Ok(folder.join(path).is_file());
        }
        Ok(self.head(path).await?.is_some())
    }

    /// All objects below a relative path, sorted by path.
    ///
    /// # Errors
    /// When the store does not answer or refuses (a bucket that does not exist, say).
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StoreError> {
        let path = self.path(prefix);
        let found: Result<Vec<_>, _> =
            self.inner.list(Some(&path)).map_ok(|meta| self.info(meta)).try_collect().await;
        let mut found = found.map_err(|e| self.failed("list", prefix, e))?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        let done = self.inner.delete(&self.path(path)).await;
        self.optional("delete", path, done).map(drop)
    }

    fn info(&self, meta: ObjectMeta) -> ObjectInfo {
        let path = match meta.location.prefix_match(&self.root) {
            Some(parts) => parts.map(|p| p.as_ref().to_owned()).collect::<Vec<_>>().join("/"),
            None => meta.location.to_string(),
        };
        ObjectInfo { path, size: meta.size, etag: meta.e_tag, modified: meta.last_modified }
    }

    fn optional<T>(
        &self,
        action: &'static str,
        path: &str,
        result: object_store::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.failed(action, path, e)),
        }
    }

    fn failed(&self, action: &'static str, path: &str, source: object_store::Error) -> StoreError {
        StoreError::Access { action, place: self.place(path), source }
    }
}

/// The environment as options of object_store, which takes what it knows and passes over the rest.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
