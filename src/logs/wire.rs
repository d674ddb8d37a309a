//! The native log format `fqm-log/1` as it is written: one JSON object per line, these structs.
//! `schemas/README.md` explains it with an example; the JSON Schemas are generated from here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::rows::{Consent, FeedbackKind, Status};
use super::time::Time;

/// Any JSON, kept as the text it was written in.
pub type Json = Box<RawValue>;

/// The schema's name and version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SchemaVersion {
    /// Version 1.
    #[default]
    #[serde(rename = "fqm-log/1")]
    V1,
}

macro_rules! tag {
    ($name:ident, $text:literal) => {
        #[doc = concat!("The record type `", $text, "`.")]
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema,
        )]
        pub enum $name {
            #[doc = concat!("`", $text, "`.")]
            #[default]
            #[serde(rename = $text)]
            Tag,
        }
    };
}

tag!(EpisodeTag, "episode");
tag!(StepTag, "step");
tag!(FeedbackTag, "feedback");

/// The agent that acted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The policy inside the agent: what chose among the candidates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The digest of its weights, `sha256:<64 hex>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The Function Quest level that was played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelRef {
    /// The family of levels.
    pub family: String,
    /// The level within the family.
    pub level: u32,
    /// The challenge within the level.
    pub challenge: u32,
    /// The seed it was generated from.
    pub seed: u64,
    /// The digest of its content, `sha256:<64 hex>`.
    pub digest: String,
}

/// One episode. Written once, after the episode's end.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeEpisode {
    /// `episode`.
    #[serde(rename = "type")]
    pub tag: EpisodeTag,
    /// `fqm-log/1`.
    pub schema: SchemaVersion,
    /// Unique among all episodes of the source.
    pub episode_id: String,
    /// The episode that started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_episode_id: Option<String>,
    /// The conversation or session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// The trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The task; trials of one task share it.
    pub task_id: String,
    /// The workflow.
    pub workflow: String,
    /// The agent.
    pub agent: Agent,
    /// The policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// End.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// How it ended.
    pub status: Status,
    /// The number of its steps.
    #[schemars(range(min = 0))]
    pub n_steps: i32,
    /// The sum of its rewards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_reward: Option<f64>,
    /// Tokens read by models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub tokens_in: Option<i64>,
    /// Tokens written by models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub tokens_out: Option<i64>,
    /// Cost in millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub cost_micro_usd: Option<i64>,
    /// The tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The person concerned. Hashed with the workspace's key before anything is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The person concerned, already hashed by the writer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_hash: Option<String>,
    /// What the person agreed to; absent means the workspace's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The last day it may be kept, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_until: Option<String>,
    /// The Function Quest level played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LevelRef>,
    /// Anything else: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub attrs: Option<Json>,
}

/// One action that was possible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeCandidate {
    /// The action, such as `create_plan(p1)`.
    pub id: String,
    /// The policy's score, in its own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// The probability with which the policy would have chosen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub propensity: Option<f32>,
}

/// One step of an episode.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeStep {
    /// `step`.
    #[serde(rename = "type")]
    pub tag: StepTag,
    /// `fqm-log/1`.
    pub schema: SchemaVersion,
    /// Unique among all steps of the source.
    pub event_id: String,
    /// The episode.
    pub episode_id: String,
    /// The step's place in the episode, from 0.
    #[schemars(range(min = 0))]
    pub step_index: i32,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Its span in the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<String>,
    /// The span around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<String>,
    /// OpenTelemetry GenAI's operation name: `execute_tool` for a call, `chat` for a reply.
    pub operation: String,
    /// What the agent saw before it acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub observation: Option<Json>,
    /// `call`, `respond` or `observe`.
    pub action_type: ActionType,
    /// The function called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// The call's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The arguments, by parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub tool_args: Option<Json>,
    /// What the function returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub tool_result: Option<Json>,
    /// All actions that were possible, the chosen one among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<NativeCandidate>>,
    /// Index of the chosen action in `candidates`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub chosen_index: Option<i32>,
    /// Natural logarithm of the chosen action's probability, as a language model states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprob: Option<f32>,
    /// The probability with which the chosen action was chosen, in (0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub propensity: Option<f32>,
    /// Which of its outcomes the function had: 0 is the intended one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub outcome_index: Option<i32>,
    /// The reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<f32>,
    /// Whether the episode ended here.
    #[serde(default)]
    pub done: bool,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The model's provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub tokens_in: Option<i32>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub tokens_out: Option<i32>,
    /// Duration in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub latency_us: Option<i64>,
    /// The kind of error, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// Digest of the tool definitions in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_defs_sha: Option<String>,
    /// Anything else: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub attrs: Option<Json>,
}

/// What kind of thing a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionType {
    /// A function was called.
    Call,
    /// The agent said something.
    Respond,
    /// Something came in.
    Observe,
}

impl ActionType {
    /// The word in logs and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Respond => "respond",
            Self::Observe => "observe",
        }
    }
}

/// One judgement. May be written long after the episode, in another file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeFeedback {
    /// `feedback`.
    #[serde(rename = "type")]
    pub tag: FeedbackTag,
    /// `fqm-log/1`.
    pub schema: SchemaVersion,
    /// Unique among all feedback of the source.
    pub feedback_id: String,
    /// The episode judged.
    pub episode_id: String,
    /// The step judged; absent for the whole episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// When it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Who or what judged.
    pub kind: FeedbackKind,
    /// What was judged.
    pub name: String,
    /// The number given; 0 to 1 where it means quality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The word given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// What should have been there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub correction: Option<Json>,
    /// The person who judged. Hashed with the workspace's key before anything is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rater: Option<String>,
    /// The person who judged, already hashed by the writer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rater_hash: Option<String>,
    /// The version of the judging program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluator_version: Option<String>,
    /// Anything else: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub attrs: Option<Json>,
}

/// The JSON Schemas of the native format: file name under `schemas/`, schema.
pub fn schemas() -> Vec<(String, serde_json::Value)> {
    let named = |kind: &str, schema: schemars::Schema| {
        (format!("fqm-log-1.{kind}.schema.json"), schema.to_value())
    };
    vec![
        named("episode", schemars::schema_for!(NativeEpisode)),
        named("feedback", schemars::schema_for!(NativeFeedback)),
        named("step", schemars::schema_for!(NativeStep)),
    ]
}
