//! The writer: episodes in, Parquet blobs and a manifest out.

use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use super::{Counts, DatasetError, Episode, FileEntry, Header, Manifest, SCHEMA, encode};
use crate::core::{Blobs, Digest, EpisodeId};

/// When a file is full. Part `n` of the episodes and part `n` of the steps hold the same episodes,
/// so a reader needs one pair in memory at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Episodes in a file.
    pub episodes: usize,
    /// Steps in a file; an episode is never cut, so one file may hold a few more.
    pub steps: usize,
    /// Bytes of text in a file, before compression.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { episodes: 16_384, steps: 65_536, text: 64 << 20 }
    }
}

/// Writes one dataset. Episodes come in ascending order of id; equal episodes and an equal header
/// give an equal id.
pub struct Writer {
    header: Header,
    limits: Limits,
    last: Option<EpisodeId>,
    open: Vec<Episode>,
    open_steps: usize,
    open_text: usize,
    counts: Counts,
    /// Files that are full and not stored yet.
    full: Vec<(FileEntry, Bytes)>,
    stored: Vec<FileEntry>,
    parts: usize,
}

impl Writer {
    /// A writer for a dataset that the header describes.
    pub fn new(header: Header) -> Self {
        Self::with_limits(header, Limits::default())
    }

    /// A writer with files of another size.
    pub fn with_limits(header: Header, limits: Limits) -> Self {
        Self {
            header,
            limits,
            last: None,
            open: Vec::new(),
            open_steps: 0,
            open_text: 0,
            counts: Counts::default(),
            full: Vec::new(),
            stored: Vec::new(),
            parts: 0,
        }
    }

    /// Takes the next episode. Its steps are put in the order of their indices.
    ///
    /// # Errors
    /// When its id is not greater than the one before, or a full file cannot be encoded.
    pub fn push(&mut self, mut episode: Episode) -> Result<(), DatasetError> {
        if let Some(last) = self.last.take_if(|last| *last >= episode.id) {
            return Err(DatasetError::OutOfOrder { last, next: episode.id });
        }
        self.last = Some(episode.id.clone());
        if self.is_full() {
            self.roll()?;
        }
        episode.steps.sort_by_key(|step| step.index);
        self.counts.add(&episode);
        self.open_steps += episode.steps.len();
        self.open_text += text_bytes(&episode);
        self.open.push(episode);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.open.len() >= self.limits.episodes
            || self.open_steps >= self.limits.steps
            || self.open_text >= self.limits.text
    }

    fn roll(&mut self) -> Result<(), DatasetError> {
        let rows = std::mem::take(&mut self.open);
        let tables = [
            ("episodes", encode::episodes(&rows)?, &encode::EPISODES),
            ("steps", encode::steps(&rows)?, &encode::STEPS),
        ];
        for (table, batch, schema) in tables {
            let bytes = super::to_parquet(SchemaRef::clone(schema), std::slice::from_ref(&batch))?;
            let entry = FileEntry {
                path: format!("{table}/part-{:05}.parquet", self.parts),
                digest: Digest::of(&bytes),
                rows: batch.num_rows() as u64,
                bytes: bytes.len() as u64,
            };
            self.full.push((entry, bytes));
        }
        self.parts += 1;
        self.open_steps = 0;
        self.open_text = 0;
        Ok(())
    }

    /// Stores the files that are full, so that they need no memory any more.
    ///
    /// # Errors
    /// When a blob cannot be stored.
    pub async fn store(&mut self, blobs: &Blobs) -> Result<(), DatasetError> {
        for (entry, bytes) in std::mem::take(&mut self.full) {
            blobs.put(bytes).await?;
            self.stored.push(entry);
        }
        Ok(())
    }

    /// Stores the files that are left, then the manifest, and gives the dataset's id with its manifest.
    ///
    /// # Errors
    /// When the last file cannot be encoded or a blob cannot be stored.
    pub async fn finish(mut self, blobs: &Blobs) -> Result<(Digest, Manifest), DatasetError> {
        if !self.open.is_empty() {
            self.roll()?;
        }
        self.store(blobs).await?;
        self.stored.sort();
        let mut suites = self.header.suites;
        suites.sort();
        suites.dedup();
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            window: self.header.window,
            files: self.stored,
            counts: self.counts,
            rules: self.header.rules,
            inputs: self.header.inputs,
            suites,
            drops: self.header.drops,
            waterfall: self.header.waterfall,
        };
        let id = blobs.put_json(&manifest).await?;
        Ok((id, manifest))
    }
}

/// The text that an episode carries: what makes a file large.
fn text_bytes(episode: &Episode) -> usize {
    let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let of_step = |step: &super::Step| {
        let ids: usize = step.candidates.iter().map(|candidate| candidate.id.len()).sum();
        len(&step.args_json) + len(&step.result_json) + len(&step.observation_json) + ids
    };
    episode.steps.iter().map(of_step).sum()
}

/// Writes a dataset from episodes in any order.
///
/// # Errors
/// When two episodes share an id, or as [`Writer::finish`].
pub async fn write(
    blobs: &Blobs,
    header: Header,
    mut episodes: Vec<Episode>,
) -> Result<(Digest, Manifest), DatasetError> {
    episodes.sort_by(|a, b| a.id.cmp(&b.id));
    let mut writer = Writer::new(header);
    for episode in episodes {
        writer.push(episode)?;
    }
    writer.finish(blobs).await
}
