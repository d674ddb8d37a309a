//! Evidence about a variant: one referrer manifest each, whose `subject` is the variant.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::log::State;
use super::modelpack::{DATE, MODEL_NAME, encode, fact_key, facts, midnight};
use super::names::check_model;
use super::oci::{Annotations, CREATED, Descriptor, EMPTY, EMPTY_BYTES, MANIFEST, Manifest, TITLE};
use super::{Action, AliasEntry, Moved, Note, Registry, RegistryError};
use crate::core::{Digest, LogicalDate};

/// What a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The paired results of an evaluation.
    Evaluation,
    /// A decision with its numbers and its reason.
    Decision,
    /// The manifest of the dataset that a variant was trained on.
    Dataset,
}

impl EvidenceKind {
    /// The `artifactType` of its manifest.
    pub fn artifact_type(self) -> &'static str {
        match self {
            Self::Evaluation => "application/vnd.fqm-pipe.evaluation.v1+json",
            Self::Decision => "application/vnd.fqm-pipe.decision.v1+json",
            Self::Dataset => "application/vnd.fqm-pipe.dataset.v1+json",
        }
    }

    fn of(artifact_type: &str) -> Option<Self> {
        let kinds = [Self::Evaluation, Self::Decision, Self::Dataset];
        kinds.into_iter().find(|kind| kind.artifact_type() == artifact_type)
    }

    fn file(self) -> &'static str {
        match self {
            Self::Evaluation => "evaluation.json",
            Self::Decision => "decision.json",
            Self::Dataset => "dataset.json",
        }
    }
}

/// Evidence that is to be put. Its digest depends on nothing but these fields.
#[derive(Clone, Debug)]
pub struct NewEvidence {
    /// The model that the subject belongs to.
    pub model: String,
    /// The variant it is about.
    pub subject: Digest,
    /// What it is.
    pub kind: EvidenceKind,
    /// The logical date of the night that made it.
    pub logical_date: LogicalDate,
    /// The document: JSON.
    pub document: Bytes,
    /// Facts worth reading without the document (a verdict, a success rate), under short names.
    pub facts: Annotations,
}

/// Evidence as the registry holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The digest of its manifest.
    pub digest: Digest,
    /// The variant it is about.
    pub subject: Digest,
    /// What it is; none for a type that this program does not know.
    pub kind: Option<EvidenceKind>,
    /// The `artifactType` of its manifest.
    pub artifact_type: String,
    /// The digest of the document.
    pub document: Digest,
    /// Facts worth reading without the document.
    pub facts: Annotations,
}

impl Registry {
    /// Puts a piece of evidence without naming it in the log: the caller names it in the note of the
    /// change that rests on it. Putting the same evidence again gives the same digest.
    ///
    /// # Errors
    /// When the subject is not in the registry or the store cannot be written.
    pub async fn put_evidence(&self, new: &NewEvidence) -> Result<Digest, RegistryError> {
        check_model(&new.model)?;
        self.ensure_layout().await?;
        let subject = self.blobs().get(&new.subject).await?;
        let document = self.blobs().put(new.document.clone()).await?;
        let empty = self.blobs().put(Bytes::from_static(EMPTY_BYTES)).await?;
        let artifact_type = new.kind.artifact_type();
        let mut layer = Descriptor::new(artifact_type, document, new.document.len() as u64);
        layer.annotations.insert(TITLE.to_owned(), new.kind.file().to_owned());
        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: Some(artifact_type.to_owned()),
            config: Descriptor::new(EMPTY, empty, EMPTY_BYTES.len() as u64),
            layers: vec![layer],
            subject: Some(Descriptor::new(MANIFEST, new.subject, subject.len() as u64)),
            annotations: new.annotations(),
        };
        Ok(self.blobs().put(encode("an evidence manifest", &manifest)?).await?)
    }

    /// Puts a piece of evidence and names it in the log by an entry of its own. Attaching the same
    /// evidence again changes nothing.
    ///
    /// # Errors
    /// As [`Registry::put_evidence`], and when the log cannot be appended to.
    pub async fn attach(
        &self,
        new: &NewEvidence,
        mut note: Note,
    ) -> Result<(Digest, Moved), RegistryError> {
        let digest = self.put_evidence(new).await?;
        note.key = Some(format!("attest:{digest}"));
        note.evidence = vec![digest];
        let subject = new.subject;
        let decide =
            |tip: Option<&AliasEntry>| Ok(State { variant: Some(subject), ..State::of(tip) });
        Ok((digest, self.commit(&new.model, Action::Attest, &note, &decide).await?))
    }

    /// A piece of evidence by the digest of its manifest.
    ///
    /// # Errors
    /// When it is missing, damaged, or not evidence.
    pub async fn evidence(&self, digest: &Digest) -> Result<Evidence, RegistryError> {
        let manifest = self.manifest(digest).await?;
        let parts = (manifest.subject, manifest.layers.first(), manifest.artifact_type);
        let (Some(subject), Some(document), Some(artifact_type)) = parts else {
            return Err(RegistryError::Invalid {
                what: "the evidence",
                value: digest.to_string(),
                why: "its manifest has no subject, document or artifact type".to_owned(),
            });
        };
        Ok(Evidence {
            digest: *digest,
            subject: subject.digest,
            kind: EvidenceKind::of(&artifact_type),
            artifact_type,
            document: document.digest,
            facts: facts(&manifest.annotations),
        })
    }

    /// Refuses evidence that is not there or is damaged: a change must not rest on it.
    pub(super) async fn check_evidence(&self, digest: &Digest) -> Result<(), RegistryError> {
        let evidence = self.evidence(digest).await?;
        self.blobs().get(&evidence.document).await?;
        Ok(())
    }
}

impl NewEvidence {
    fn annotations(&self) -> Annotations {
        let facts = self.facts.iter().map(|(k, v)| (fact_key(k), v.clone()));
        let ours = [
            (CREATED, midnight(self.logical_date)),
            (MODEL_NAME, self.model.clone()),
            (DATE, self.logical_date.to_string()),
        ];
        facts.chain(ours.map(|(k, v)| (k.to_owned(), v))).collect()
    }
}
