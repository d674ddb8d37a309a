//! What a step kind is: ports, typed parameters, where it runs, and its body. The runner knows kinds
//! only through these types; the room `steps` fills them in.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::de::ValueDeserializer;

use super::events::Reporter;
use crate::core::{Alias, Blobs, Digest, LogicalDate, StoreError};
use crate::workspace::Workspace;

/// What an input port takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// The output of another step, of this type.
    Artifact(&'static str),
    /// What an alias of the registry names, which may be nothing yet.
    Alias,
    /// Files of the workspace, captured by content before the step runs.
    Files,
    /// Log objects; the step's body says which of them are new.
    Logs,
}

/// An input port of a step kind.
#[derive(Clone, Copy, Debug)]
pub struct InPort {
    /// Its name in `in = { … }`.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether a step may leave it out.
    pub optional: bool,
}

/// An output port of a step kind.
#[derive(Clone, Copy, Debug)]
pub struct OutPort {
    /// Its name, as others refer to it: `STEP.NAME`.
    pub name: &'static str,
    /// The type of the artifact.
    pub makes: &'static str,
}

/// Where the body of a kind runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In this process.
    Here,
    /// In a child process that holds libtorch.
    Torch,
}

/// Reads the parameters of a step from its place in the file.
pub type ReadParams = fn(ValueDeserializer<'_>) -> Result<Value, toml::de::Error>;

/// A step kind, as `uses = "NAME@VERSION"` names it.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The name, e.g. `curate.episodes`.
    pub name: &'static str,
    /// The version of its code; part of every cache key.
    pub version: u32,
    /// One line for people.
    pub summary: &'static str,
    /// Its input ports.
    pub inputs: &'static [InPort],
    /// Its output ports.
    pub outputs: &'static [OutPort],
    /// Where its body runs.
    pub place: Place,
    /// Whether it changes something outside the store; then the plan's digest is in its key.
    pub effect: bool,
    /// Reads and completes the parameters; see [`params_of`].
    pub params: ReadParams,
    /// The JSON Schema of the parameters; see [`schema_of`].
    pub schema: fn() -> Value,
}

/// Reads parameters as the type `P` and gives them back as JSON with every default filled in.
///
/// # Errors
/// When a parameter is unknown or has a wrong type; the error carries the place in the file.
pub fn params_of<P>(from: ValueDeserializer<'_>) -> Result<Value, toml::de::Error>
where
    P: DeserializeOwned + Serialize,
{
    let params = P::deserialize(from)?;
    serde_json::to_value(&params).map_err(serde::de::Error::custom)
}

/// The JSON Schema of the parameters `P`.
pub fn schema_of<P: JsonSchema>() -> Value {
    schemars::schema_for!(P).to_value()
}

/// All step kinds of this program and their bodies.
pub trait Catalog: Send + Sync {
    /// The kinds, sorted by name.
    fn kinds(&self) -> &[Kind];
    /// The body of a kind, where this program holds it.
    fn body(&self, kind: &str) -> Option<Arc<dyn Body>>;
    /// The kind of a name.
    fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds().iter().find(|kind| kind.name == name)
    }
}

/// What a step does.
#[async_trait]
pub trait Body: Send + Sync {
    /// Runs the step on its frozen inputs.
    ///
    /// # Errors
    /// A [`StepFailure`], which says whether trying again may help.
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure>;

    /// A value that changes exactly when the log objects behind a port of type [`Takes::Logs`] do.
    ///
    /// # Errors
    /// When the objects cannot be listed.
    async fn fingerprint(
        &self,
        _context: &StepContext,
        _patterns: &[String],
    ) -> Result<Value, StepFailure> {
        Err(StepFailure::internal("fingerprint logs: this step kind reads none"))
    }
}

/// A resolved input of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Input {
    /// The output of another step.
    Artifact(Artifact),
    /// What an alias named when the plan was frozen.
    Alias {
        /// The alias.
        alias: Alias,
        /// The manifest it named, or nothing where it was not set.
        digest: Option<Digest>,
    },
    /// Captured files: the blob of a [`Files`] listing.
    Files {
        /// The digest of the listing.
        digest: Digest,
    },
    /// Patterns of log objects.
    Logs {
        /// The patterns, with the date filled in.
        patterns: Vec<String>,
    },
}

/// An output of a step: a blob in the store and a few facts about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// The digest of the blob.
    pub digest: Digest,
    /// Facts for conditions and reports, e.g. `rows`.
    #[serde(default)]
    pub facts: BTreeMap<String, Value>,
}

/// A captured set of files: paths relative to the workspace and the blobs of their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Files(pub BTreeMap<String, Digest>);

/// What a step is given.
#[derive(Clone)]
pub struct StepContext {
    /// What to do, frozen.
    pub request: StepRequest,
    /// The blobs of the store.
    pub blobs: Blobs,
    /// Where progress, log lines and metrics go.
    pub reporter: Reporter,
}

/// The frozen part of a step's context: the whole input of a step that runs in a child process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepRequest {
    /// The format of this document.
    pub format: String,
    /// The places of the workspace.
    #[serde(with = "shared")]
    pub workspace: Arc<Workspace>,
    /// The digest of the frozen plan.
    pub plan: Digest,
    /// The logical date.
    pub date: LogicalDate,
    /// The step's id in the pipeline.
    pub step: String,
    /// The kind's name.
    pub kind: String,
    /// The parameters with all defaults.
    pub params: Value,
    /// The inputs by port.
    pub inputs: BTreeMap<String, Input>,
}

/// A value that many share, written and read as if one had it alone.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        into: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(into)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(from).map(Arc::new)
    }
}

impl StepContext {
    /// The parameters as the type that the kind declared.
    ///
    /// # Errors
    /// When they are not of that type, which means plan and program differ.
    pub fn params<P: DeserializeOwned>(&self) -> Result<P, StepFailure> {
        serde_json::from_value(self.request.params.clone()).map_err(|e| {
            StepFailure::internal(format!("read the parameters of `{}`: {e}", self.request.step))
        })
    }

    /// The artifact on a port.
    ///
    /// # Errors
    /// When the port has none.
    pub fn artifact(&self, port: &str) -> Result<&Artifact, StepFailure> {
        match self.request.inputs.get(port) {
            Some(Input::Artifact(artifact)) => Ok(artifact),
            _ => {
                Err(StepFailure::internal(format!("find the input `{port}`: no artifact is there")))
            }
        }
    }

    /// The alias on a port and what it named when the plan was frozen.
    ///
    /// # Errors
    /// When the port has none.
    pub fn alias(&self, port: &str) -> Result<(&Alias, Option<Digest>), StepFailure> {
        match self.request.inputs.get(port) {
            Some(Input::Alias { alias, digest }) => Ok((alias, *digest)),
            _ => Err(StepFailure::internal(format!("find the input `{port}`: no alias is there"))),
        }
    }

    /// The captured files on a port; none where an optional port is left out.
    ///
    /// # Errors
    /// When the listing cannot be read.
    pub async fn files(&self, port: &str) -> Result<Files, StepFailure> {
        match self.request.inputs.get(port) {
            Some(Input::Files { digest }) => Ok(self.blobs.get_json(digest).await?),
            _ => Ok(Files::default()),
        }
    }
}

/// What a step gives back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// The artifacts by output port.
    pub outputs: BTreeMap<String, Artifact>,
    /// Why the steps that need this one have nothing to do tonight, where that is so.
    #[serde(default)]
    pub not_enough: Option<String>,
}

impl StepResult {
    /// A result with one output.
    pub fn one<V: Into<Value>>(
        port: &str,
        digest: Digest,
        facts: impl IntoIterator<Item = (&'static str, V)>,
    ) -> Self {
        let facts =
            facts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let outputs = BTreeMap::from([(port.to_owned(), Artifact { digest, facts })]);
        Self { outputs, not_enough: None }
    }
}

/// How a step failed: what to do about it follows from the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The input or the configuration is wrong; trying again gives the same.
    Input,
    /// A service did not answer; trying again may help.
    Transient,
    /// The process that ran the step died.
    Lost,
    /// The step took longer than its timeout.
    Timeout,
    /// A signal, or the end of the run's time, ended it.
    Interrupted,
    /// A fault of this program.
    Internal,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct StepFailure {
    /// What to do about it.
    pub kind: FailureKind,
    /// What is wrong, where, and the fix; reads after "failed to".
    pub message: String,
}

impl StepFailure {
    /// A failure of the input or the configuration.
    pub fn input(message: impl ToString) -> Self {
        Self { kind: FailureKind::Input, message: message.to_string() }
    }

    /// A fault of this program.
    pub fn internal(message: impl ToString) -> Self {
        Self { kind: FailureKind::Internal, message: message.to_string() }
    }
}

impl From<StoreError> for StepFailure {
    fn from(error: StoreError) -> Self {
        let kind = if error.is_temporary() { FailureKind::Transient } else { FailureKind::Input };
        Self { kind, message: error.to_string() }
    }
}
