//! A decorator for object stores: writes to a local disk become durable (file and folder are
//! synced before a put returns), and every write of every store counts as a crash point.
//!
//! `LocalFileSystem` of object_store 0.13 renames without syncing, so that after a power cut a
//! committed name may hold no bytes. The order here is: staging file, sync, link or rename, sync of
//! the folder and of the folders that were made for it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};

use super::boundary;

/// An object store whose writes are durable on a local disk and counted everywhere.
#[derive(Debug)]
pub(super) struct Durable {
    inner: Arc<dyn ObjectStore>,
    disk: Option<Arc<LocalFileSystem>>,
}

impl Durable {
    /// The local disk, with paths from its root.
    pub(super) fn local() -> Self {
        let disk = Arc::new(LocalFileSystem::new());
        Self { inner: disk.clone(), disk: Some(disk) }
    }

    /// A remote (or in-memory) store, which is durable once it answers.
    pub(super) fn remote(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, disk: None }
    }

    fn file(&self, location: &Path) -> Result<Option<PathBuf>> {
        self.disk.as_ref().map(|disk| disk.path_to_filesystem(location)).transpose()
    }
}

impl std::fmt::Display for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Durable({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        boundary("put");
        let done = match (self.file(location)?, &opts.mode) {
            (Some(file), PutMode::Overwrite | PutMode::Create) => {
                let create = opts.mode == PutMode::Create;
                blocking(move || write_durably(&file, &payload, create)).await?;
                PutResult { e_tag: None, version: None }
            }
            _ => self.inner.put_opts(location, payload, opts).await?,
        };
        boundary("put done");
        Ok(done)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(DurableUpload { inner, file: self.file(location)? }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        boundary("copy");
        self.inner.copy_opts(from, to, options).await?;
        if let Some(file) = self.file(to)? {
            blocking(move || sync_file_and_folder(&file)).await?;
        }
        boundary("copy done");
        Ok(())
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        boundary("rename");
        self.inner.rename_opts(from, to, options).await?;
        if let Some(file) = self.file(to)? {
            blocking(move || sync_file_and_folder(&file)).await?;
        }
        boundary("rename done");
        Ok(())
    }
}

/// A multipart upload whose file is synced when it is complete.
#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    file: Option<PathBuf>,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        boundary("upload");
        let done = self.inner.complete().await?;
        if let Some(file) = self.file.clone() {
            blocking(move || sync_file_and_folder(&file)).await?;
        }
        boundary("upload done");
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

async fn blocking<F>(work: F) -> Result<()>
where
    F: FnOnce() -> Result<()> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await?
}

fn write_durably(file: &FsPath, payload: &PutPayload, create: bool) -> Result<()> {
    let made = make_folders(file).map_err(|e| failed(file, e))?;
    let staging = stage(file, payload).map_err(|e| failed(file, e))?;
    boundary("staged");
    let placed = if create {
        let linked = fs::hard_link(&staging, file);
        // A staging file that stays behind is harmless: listings pass over such names.
        let _ = fs::remove_file(&staging);
        linked
    } else {
        fs::rename(&staging, file)
    };
    // A file that was there may have been placed by a process that died before it synced the folder.
    let there = placed.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::AlreadyExists);
    if placed.is_ok() || there {
        sync_folders(file, made).map_err(|e| failed(file, e))?;
    }
    boundary("placed");
    placed.map_err(|e| failed(file, e))
}

/// Writes and syncs a staging file beside the target. object_store's listings pass over names that
/// end in `#` and digits.
fn stage(file: &FsPath, payload: &PutPayload) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(format!("#{}{number:06}", std::process::id()));
        let staging = file.with_file_name(name);
        let mut out = match OpenOptions::new().write(true).create_new(true).open(&staging) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            opened => opened?,
        };
        let written = payload.iter().try_for_each(|part| out.write_all(part));
        match written.and_then(|()| out.sync_all()) {
            Ok(()) => return Ok(staging),
            Err(e) => {
                let _ = fs::remove_file(&staging);
                return Err(e);
            }
        }
    }
}

/// Makes the folders above a file and says how many of them were new.
fn make_folders(file: &FsPath) -> io::Result<usize> {
    let Some(folder) = file.parent() else { return Ok(0) };
    let missing = folder.ancestors().take_while(|f| !f.exists()).count();
    fs::create_dir_all(folder)?;
    Ok(missing)
}

/// Syncs the folder of a file and the parents of the `made` folders above it.
fn sync_folders(file: &FsPath, made: usize) -> io::Result<()> {
    file.ancestors().skip(1).take(made + 1).try_for_each(|folder| File::open(folder)?.sync_all())
}

fn sync_file_and_folder(file: &FsPath) -> Result<()> {
    File::open(file)
        .and_then(|f| f.sync_all())
        .and_then(|()| sync_folders(file, 0))
        .map_err(|e| failed(file, e))
}

fn failed(file: &FsPath, source: io::Error) -> Error {
    let path = file.display().to_string();
    match source.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: source.into() },
        io::ErrorKind::PermissionDenied => Error::PermissionDenied { path, source: source.into() },
        _ => Error::Generic { store: "local disk", source: format!("{path}: {source}").into() },
    }
}
