//! Log objects as byte streams for a blocking thread: never held whole, hashed as they pass.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStoreExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::error::IngestError;
use crate::core::{Digest, Hasher, Store};

/// How many pieces of a remote object wait for the reader. A piece is a few hundred kilobytes.
const AHEAD: usize = 8;
const SKIP: usize = 256 * 1024;

/// Where the bytes come from.
enum Bytestream {
    /// A file on the local disk is read by the thread itself.
    File(File),
    /// Anything else arrives from a task.
    Channel { pieces: mpsc::Receiver<Result<Bytes, object_store::Error>>, current: Bytes },
}

impl Read for Bytestream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Channel { pieces, current } => {
                while current.is_empty() {
                    match pieces.blocking_recv() {
                        None => return Ok(0),
                        Some(piece) => *current = piece.map_err(io::Error::other)?,
                    }
                }
                let taken = current.split_to(buffer.len().min(current.len()));
                if let Some(place) = buffer.get_mut(..taken.len()) {
                    place.copy_from_slice(&taken);
                }
                Ok(taken.len())
            }
        }
    }
}

/// A stream that counts and hashes what passes.
struct Metered {
    stream: io::Take<Bytestream>,
    hasher: Hasher,
    passed: u64,
    /// The offset behind the last newline that passed.
    line_end: u64,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        let piece = buffer.get(..n).unwrap_or_default();
        self.hasher.update(piece);
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            self.line_end = self.passed + at as u64 + 1;
        }
        self.passed += n as u64;
        Ok(n)
    }
}

/// A log object that is being read. Clones share one position, so that the digest of the whole can
/// be taken after a reader is done with it.
#[derive(Clone)]
pub(super) struct Source(Arc<Mutex<Metered>>);

/// What passed when an object was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// The digest of all bytes from 0.
    pub sha256: Digest,
    /// The offset behind the last newline.
    pub line_end: u64,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(buffer)
    }
}

impl Source {
    /// Opens an object for reading up to `size` bytes. None: it is not there.
    pub(super) async fn open(
        logs: &Store,
        key: &str,
        size: u64,
    ) -> Result<Option<Self>, IngestError> {
        let failed = |e: object_store::Error| IngestError::Object {
            place: logs.place(key),
            reason: e.to_string(),
        };
        let found = match logs.object_store().get(&object_path(logs, key)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let stream = match found.payload {
            GetResultPayload::File(file, _) => Bytestream::File(file),
            GetResultPayload::Stream(mut pieces) => {
                let (give, take) = mpsc::channel(AHEAD);
                Handle::current().spawn(async move {
                    while let Some(piece) = pieces.next().await {
                        // A closed channel means that the reader needs no more.
                        if give.send(piece).await.is_err() {
                            break;
                        }
                    }
                });
                Bytestream::Channel { pieces: take, current: Bytes::new() }
            }
        };
        let stream = stream.take(size);
        Ok(Some(Self(Arc::new(Mutex::new(Metered {
            stream,
            hasher: Hasher::new(),
            passed: 0,
            line_end: 0,
        })))))
    }

    /// Hashes and passes over the next bytes. Returns the digest of all bytes so far.
    pub(super) fn skip(&mut self, bytes: u64) -> io::Result<Digest> {
        let mut buffer = vec![0; SKIP];
        let mut left = self.by_ref().take(bytes);
        while left.read(&mut buffer)? > 0 {}
        let metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(metered.hasher.clone().finish())
    }

    /// Reads what is left and says what passed in all.
    pub(super) fn finish(mut self) -> io::Result<Passed> {
        let sha256 = self.skip(u64::MAX)?;
        let metered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Passed { sha256, line_end: metered.line_end })
    }
}

/// The object's path. Listed keys are encoded already and must not be encoded twice.
fn object_path(logs: &Store, key: &str) -> Path {
    let root = logs.path("");
    match Path::parse(key) {
        Ok(key) => root.parts().chain(key.parts()).collect(),
        Err(_) => logs.path(key),
    }
}
