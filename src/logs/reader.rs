//! Reads a log of any size in bounded memory: decompresses, finds the records, and never holds
//! more than one of them plus a chunk.

use std::io::{BufRead, BufReader, Cursor, Read};

use super::detect::{BOM, Compression, Format, Framing, NotALog, Scan, Shape, detect};
use crate::core::{Digest, Hasher};

/// How many uncompressed bytes the shape of a log is judged by.
const HEAD: u64 = 256 * 1024;
const CHUNK: usize = 128 * 1024;

/// The bounds of reading.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A longer record is skipped and reported. Default 32 MiB.
    pub max_record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_record_bytes: 32 << 20 }
    }
}

/// One record as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framed {
    /// Where it begins, in uncompressed bytes.
    pub offset: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The record, without the line's end.
    pub bytes: Vec<u8>,
}

/// What reading gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A record.
    Record(Framed),
    /// A record over the limit. It was read to its end, not kept.
    Oversize {
        /// Where it begins, in uncompressed bytes.
        offset: u64,
        /// The line on which it begins.
        line: u64,
        /// The digest of its bytes.
        digest: Digest,
        /// Its length in bytes.
        size: u64,
    },
    /// The log breaks off: what came before was delivered, this is the piece at the break.
    Truncated {
        /// The unfinished record; its bytes may be empty.
        piece: Framed,
        /// Why.
        reason: String,
    },
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadStats {
    /// Uncompressed bytes.
    pub bytes: u64,
    /// Records delivered.
    pub records: u64,
    /// Lines that were empty and therefore left out.
    pub empty_lines: u64,
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no log: name it and leave it alone.
    #[error(transparent)]
    NotALog(#[from] NotALog),
    /// The source itself failed (network, disk): try again.
    #[error("read the log's bytes: {0}")]
    Source(#[source] std::io::Error),
}

/// Marks the source's own errors, so that they are never taken for damaged data.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SourceFailed(std::io::Error);

struct Source<R>(R);

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            std::io::ErrorKind::Interrupted => error,
            _ => std::io::Error::other(SourceFailed(error)),
        })
    }
}

type Bytes = BufReader<Box<dyn Read + Send>>;

/// Reads the records of one log.
pub struct Reader {
    bytes: Bytes,
    shape: Shape,
    compression: Compression,
    limits: Limits,
    offset: u64,
    line: u64,
    stats: ReadStats,
    inside: bool,
    done: bool,
}

impl Reader {
    /// Opens a stream: finds out its compression and shape by its first bytes. `format` overrides
    /// what its records seem to be.
    ///
    /// # Errors
    /// When it is no log, or the source fails.
    pub fn open(
        source: impl Read + Send + 'static,
        format: Option<Format>,
        limits: Limits,
    ) -> Result<Self, ReadError> {
        let (magic, source) = peek(Source(source), 4)?;
        let compression = Compression::sniff(&magic.bytes);
        let plain: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(source),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(source)),
            Compression::Zstd => {
                Box::new(zstd::stream::read::Decoder::new(source).map_err(ReadError::Source)?)
            }
        };
        let (head, mut plain) = peek(plain, HEAD)?;
        let shape = match detect(&head.bytes, format) {
            // Nothing could be decompressed: the reader will say where it broke off.
            Err(_) if head.broken && head.bytes.is_empty() => {
                Shape { format: format.unwrap_or(Format::Native), framing: Framing::Lines }
            }
            judged => judged?,
        };
        let mut offset = 0;
        if head.bytes.starts_with(BOM) {
            let mut bom = [0; BOM.len()];
            plain.read_exact(&mut bom).map_err(ReadError::Source)?;
            offset = BOM.len() as u64;
        }
        let bytes = BufReader::with_capacity(CHUNK, plain);
        let (stats, inside, done) =
            (ReadStats { bytes: offset, ..ReadStats::default() }, false, false);
        Ok(Self { bytes, shape, compression, limits, offset, line: 1, stats, inside, done })
    }

    /// The shape of the log.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How the log is compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// What was read so far.
    pub fn stats(&self) -> ReadStats {
        ReadStats { bytes: self.offset, ..self.stats }
    }

    /// The next record; None at the end.
    ///
    /// # Errors
    /// When the source fails. Damaged data is no error: it gives [`Item::Truncated`].
    pub fn read(&mut self) -> Result<Option<Item>, ReadError> {
        if self.done {
            return Ok(None);
        }
        let item = match self.shape.framing {
            Framing::Lines => self.read_line()?,
            Framing::Array | Framing::Document => self.read_value()?,
        };
        match &item {
            Some(Item::Record(_) | Item::Oversize { .. }) => self.stats.records += 1,
            Some(Item::Truncated { .. }) | None => self.done = true,
        }
        Ok(item)
    }

    fn read_line(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            let mut record = Growing::at(self.offset, self.line, self.limits.max_record_bytes);
            let mut ended = false;
            while !ended {
                let chunk = match self.bytes.fill_buf() {
                    Ok(chunk) => chunk,
                    Err(error) => return broken(record, error).map(Some),
                };
                if chunk.is_empty() {
                    break;
                }
                // `split` on a slice is a plain loop, `read_until` searches many bytes at once.
                let before = record.size;
                let mut part = chunk;
                ended = record.extend_until_newline(&mut part);
                let used = usize::try_from(record.size - before).unwrap_or(0) + usize::from(ended);
                self.bytes.consume(used);
                self.offset += used as u64;
            }
            if !ended && record.size == 0 {
                return Ok(None);
            }
            self.line += u64::from(ended);
            record.trim_line();
            if record.is_blank() {
                self.stats.empty_lines += 1;
                continue;
            }
            return Ok(Some(record.finish()));
        }
    }

    fn read_value(&mut self) -> Result<Option<Item>, ReadError> {
        let array = self.shape.framing == Framing::Array;
        let mut record: Option<Growing> = None;
        let mut scan = Scan::default();
        loop {
            let chunk = match self.bytes.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => {
                    let record = record.unwrap_or_else(|| Growing::at(self.offset, self.line, 0));
                    return broken(record, error).map(Some);
                }
            };
            if chunk.is_empty() {
                return Ok(self.value_at_end(array, record));
            }
            let (mut used, mut begin, mut end) = (0, 0, false);
            for byte in chunk {
                match &record {
                    None if array && !self.inside && *byte == b'[' => self.inside = true,
                    // What follows the array is read on: another array, or a record to reject.
                    None if array && *byte == b']' => self.inside = false,
                    None if byte.is_ascii_whitespace() || *byte == b',' => {}
                    None => {
                        let offset = self.offset + used as u64;
                        let limit = self.limits.max_record_bytes;
                        record = Some(Growing::at(offset, self.line, limit));
                        begin = used;
                        scan.step(*byte);
                    }
                    Some(_) if scan.depth == 0 && !scan.in_string && ends(*byte) => {
                        end = true; // The end of a bare word or number.
                        break;
                    }
                    Some(_) => {
                        scan.step(*byte);
                        end = scan.depth == 0 && !scan.in_string && closes(*byte);
                    }
                }
                self.line += u64::from(*byte == b'\n');
                used += 1;
                if end {
                    break;
                }
            }
            if let Some(record) = &mut record {
                record.extend(chunk.get(begin..used).unwrap_or_default());
            }
            self.bytes.consume(used);
            self.offset += used as u64;
            if end {
                return Ok(record.map(Growing::finish));
            }
        }
    }

    /// The stream ends: inside an array, or inside a value, it is cut off.
    fn value_at_end(&mut self, array: bool, record: Option<Growing>) -> Option<Item> {
        let reason = "the data ends before its last record does".to_owned();
        match record {
            Some(record) if record.looks_whole() && !array => Some(record.finish()),
            Some(record) => Some(record.truncated(reason)),
            None if array && self.inside => {
                let piece = Framed { offset: self.offset, line: self.line, bytes: Vec::new() };
                Some(Item::Truncated { piece, reason })
            }
            None => None,
        }
    }
}

fn ends(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}')
}

fn closes(byte: u8) -> bool {
    matches!(byte, b'}' | b']' | b'"')
}

struct Head {
    bytes: Vec<u8>,
    broken: bool,
}

/// Reads up to `limit` bytes and puts them back in front. Damaged data ends the head; it shows up
/// again when the reader comes to it.
fn peek<R: Read + Send + 'static>(
    mut source: R,
    limit: u64,
) -> Result<(Head, Box<dyn Read + Send>), ReadError> {
    let mut bytes = Vec::new();
    let broken = match (&mut source).take(limit).read_to_end(&mut bytes) {
        Ok(_) => None,
        Err(error) if is_source(&error) => return Err(ReadError::Source(error)),
        Err(error) => Some(error),
    };
    let head = Head { bytes: bytes.clone(), broken: broken.is_some() };
    let front = Cursor::new(bytes);
    let rest: Box<dyn Read + Send> = match broken {
        None => Box::new(front.chain(source)),
        Some(error) => Box::new(front.chain(Broken(error.to_string()))),
    };
    Ok((head, rest))
}

/// Stands for the rest of damaged data.
struct Broken(String);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, self.0.clone()))
    }
}

fn is_source(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<SourceFailed>())
}

fn broken(record: Growing, error: std::io::Error) -> Result<Item, ReadError> {
    if is_source(&error) {
        return Err(ReadError::Source(error));
    }
    Ok(record.truncated(format!("the compressed data breaks off: {error}")))
}

/// A record being read. Past the limit only its digest and size are kept.
struct Growing {
    offset: u64,
    line: u64,
    limit: usize,
    size: u64,
    bytes: Vec<u8>,
    over: Option<Hasher>,
}

impl Growing {
    fn at(offset: u64, line: u64, limit: usize) -> Self {
        Self { offset, line, limit, size: 0, bytes: Vec::new(), over: None }
    }

    fn extend(&mut self, part: &[u8]) {
        self.size += part.len() as u64;
        if let Some(hasher) = &mut self.over {
            hasher.update(part);
        } else if self.bytes.len() + part.len() > self.limit {
            let mut hasher = Hasher::new();
            hasher.update(&self.bytes);
            hasher.update(part);
            self.over = Some(hasher);
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(part);
        }
    }

    /// Takes what stands before the newline; says whether there was one.
    fn extend_until_newline(&mut self, part: &mut &[u8]) -> bool {
        let mut skipped = *part;
        let used = skipped.skip_until(b'\n').unwrap_or(part.len());
        let taken = part.get(..used).unwrap_or_default();
        let line = taken.strip_suffix(b"\n");
        self.extend(line.unwrap_or(taken));
        line.is_some()
    }

    fn trim_line(&mut self) {
        if self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
    }

    fn is_blank(&self) -> bool {
        self.over.is_none() && self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    /// A bare number or word has no closing sign: the end of the data ends it.
    fn looks_whole(&self) -> bool {
        !self.bytes.first().is_some_and(|first| matches!(first, b'{' | b'[' | b'"'))
    }

    fn finish(self) -> Item {
        let Self { offset, line, size, bytes, over, .. } = self;
        match over {
            Some(hasher) => Item::Oversize { offset, line, digest: hasher.finish(), size },
            None => Item::Record(Framed { offset, line, bytes }),
        }
    }

    fn truncated(self, reason: String) -> Item {
        let piece = Framed { offset: self.offset, line: self.line, bytes: self.bytes };
        Item::Truncated { piece, reason }
    }
}
