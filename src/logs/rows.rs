//! The rows that every log format is turned into: one shape for episodes, steps and feedback.
//!
//! Fields ending in `_json` hold JSON text. Times are microseconds since 1970-01-01 UTC.
//! What the store adds (source, offset, batch, `known_at`, schema version) is not here.

use crate::core::EpisodeId;
use serde::{Deserialize, Serialize};

/// Declares a closed set of words: an enum with its text, its parser and its serde form.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            schemars::JsonSchema,
        )]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// The word as logs and tables hold it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { word: text.to_owned(), wanted: &[$($text),+] }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// A word that is none of those a field allows.
#[derive(Debug, thiserror::Error)]
#[error("read the word {word:?}: expected one of {wanted:?}")]
pub struct UnknownWord {
    word: String,
    wanted: &'static [&'static str],
}

words! {
    /// How an episode ended.
    Status {
        /// It ran to its end.
        Ok = "ok",
        /// It stopped on an error.
        Error = "error",
        /// It ran out of time.
        Timeout = "timeout",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// The log ends before the episode does.
        Truncated = "truncated",
    }
}

words! {
    /// What the people behind an episode agreed to.
    Consent {
        /// Training and evaluation.
        Train = "train",
        /// Evaluation only.
        Eval = "eval",
        /// Neither.
        None = "none",
    }
}

words! {
    /// Who or what gave a feedback.
    FeedbackKind {
        /// A person.
        Human = "human",
        /// A program or a model that judges.
        Evaluator = "evaluator",
        /// The task's own measured outcome.
        Outcome = "outcome",
        /// A person's approval or refusal of one action.
        Approval = "approval",
        /// What should have been said or done instead.
        Correction = "correction",
    }
}

words! {
    /// Where the time of a row comes from.
    TimeSource {
        /// The log states it.
        Log = "log",
        /// The log has none: the stored object's time stands in.
        Object = "object",
        /// Neither has one: the logical date of the night stands in.
        LogicalDate = "logical_date",
    }
}

/// One episode: an attempt at a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeRow {
    /// Unique within a source; from the log, or derived from the content.
    pub episode_id: EpisodeId,
    /// The episode that started this one.
    pub parent_episode_id: Option<EpisodeId>,
    /// The conversation or session it belongs to.
    pub conversation_id: Option<String>,
    /// The trace it belongs to.
    pub trace_id: Option<String>,
    /// The task attempted; trials of one task share it.
    pub task_id: String,
    /// The workflow that ran.
    pub workflow: String,
    /// The agent's name.
    pub agent_name: String,
    /// The agent's version; empty when the log does not say.
    pub agent_version: String,
    /// The version of the policy inside the agent; empty when the log does not say.
    pub policy_version: String,
    /// The digest of the policy that chose the actions; empty when the log does not say.
    pub behaviour_policy_sha: String,
    /// Begin, microseconds UTC.
    pub start_ts: Option<i64>,
    /// End, microseconds UTC.
    pub end_ts: Option<i64>,
    /// The episode's time for partitioning: its begin where known. Microseconds UTC.
    pub event_time: Option<i64>,
    /// Where `event_time` comes from.
    pub time_source: TimeSource,
    /// How it ended.
    pub status: Status,
    /// Steps the log says or holds for this episode.
    pub n_steps: i32,
    /// The sum of rewards, or the outcome reward.
    pub total_reward: Option<f64>,
    /// Tokens read by models.
    pub tokens_in: i64,
    /// Tokens written by models.
    pub tokens_out: i64,
    /// Cost in millionths of a US dollar.
    pub cost_micro_usd: Option<i64>,
    /// The tenant; empty when there is but one.
    pub tenant_id: String,
    /// A keyed hash of the person concerned, for erasure.
    pub subject_hash: Option<String>,
    /// What the people behind it agreed to.
    pub consent: Consent,
    /// The last day it may be kept, in days since 1970-01-01.
    pub retention_until: Option<i32>,
    /// Episodes with the same key fall into the same split: from the level, else from the task.
    pub split_key: u64,
    /// `{"family","level","challenge","seed","digest"}` of the Function Quest level played.
    pub level_json: Option<String>,
    /// The level's content digest, `sha256:…`.
    pub level_digest: Option<String>,
    /// The log format: `native`, `messages` or `langfuse`.
    pub format: String,
    /// Everything else the log said, as a JSON object.
    pub attrs_json: Option<String>,
}

/// One action that was possible at a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The action, such as `create_plan(p1)`.
    pub id: String,
    /// The policy's score, in its own unit.
    pub score: Option<f32>,
    /// The probability with which the policy would have chosen it.
    pub propensity: Option<f32>,
}

/// One step: something observed, said or called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Unique within a source.
    pub event_id: String,
    /// The episode it belongs to.
    pub episode_id: EpisodeId,
    /// Its place in the episode, from 0.
    pub step_index: i32,
    /// Its span in the trace.
    pub span_id: Option<String>,
    /// The span around it.
    pub parent_span_id: Option<String>,
    /// OpenTelemetry GenAI's operation where one fits: `execute_tool`, `chat`; or `message`, `span`.
    pub operation: String,
    /// What the agent saw before acting (or the message that came in).
    pub observation_json: Option<String>,
    /// `call`, `respond` or `observe`.
    pub action_type: String,
    /// The function called.
    pub tool_name: Option<String>,
    /// The id that joins a call to its result.
    pub tool_call_id: Option<String>,
    /// The arguments: a JSON object where the log holds one.
    pub tool_args_json: Option<String>,
    /// What the call returned.
    pub tool_result_json: Option<String>,
    /// The actions that were possible; None when the log does not say.
    pub candidate_actions: Option<Vec<Candidate>>,
    /// Index of the chosen action in `candidate_actions`.
    pub chosen_index: Option<i32>,
    /// Natural logarithm of the chosen action's probability, as the model states it.
    pub logprob: Option<f32>,
    /// The probability with which the chosen action was chosen, in (0, 1].
    pub propensity: Option<f32>,
    /// Which outcome the called function had: 0 is the intended one.
    pub outcome_index: Option<i32>,
    /// The reward of this step.
    pub reward: Option<f32>,
    /// Whether the episode ended with this step.
    pub done: bool,
    /// The model; empty when the log does not say.
    pub model: String,
    /// The model's provider; empty when the log does not say.
    pub provider: String,
    /// Tokens read.
    pub tokens_in: Option<i32>,
    /// Tokens written.
    pub tokens_out: Option<i32>,
    /// Duration in microseconds.
    pub latency_us: Option<i64>,
    /// The kind of error, if it failed.
    pub error_type: Option<String>,
    /// Digest of the tool definitions in force, `sha256:…` over their canonical JSON.
    pub tool_defs_sha: Option<String>,
    /// When it happened, microseconds UTC.
    pub event_time: Option<i64>,
    /// Everything else the log said, as a JSON object.
    pub attrs_json: Option<String>,
}

/// One judgement on an episode or a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedbackRow {
    /// Unique within a source.
    pub feedback_id: String,
    /// The episode judged.
    pub episode_id: EpisodeId,
    /// The step judged; None when it is the whole episode.
    pub event_id: Option<String>,
    /// Who or what judged.
    pub kind: FeedbackKind,
    /// What was judged: `outcome`, `helpful`, …
    pub name: String,
    /// The number given.
    pub score: Option<f64>,
    /// The word given.
    pub label: Option<String>,
    /// Why.
    pub explanation: Option<String>,
    /// What should have been there instead.
    pub correction_json: Option<String>,
    /// A keyed hash of the person who judged.
    pub rater_hash: Option<String>,
    /// The version of the judging program.
    pub evaluator_version: Option<String>,
    /// When it was given, microseconds UTC.
    pub event_time: Option<i64>,
    /// Everything else the log said, as a JSON object.
    pub attrs_json: Option<String>,
}

/// One row of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // Rows are moved into column builders at once, so boxes buy nothing.
pub enum Record {
    /// An episode.
    Episode(EpisodeRow),
    /// A step.
    Step(StepRow),
    /// A feedback.
    Feedback(FeedbackRow),
}

impl Record {
    /// The table the row belongs to: `episodes`, `steps` or `feedback`.
    pub fn table(&self) -> &'static str {
        match self {
            Self::Episode(_) => "episodes",
            Self::Step(_) => "steps",
            Self::Feedback(_) => "feedback",
        }
    }

    /// The row's own id in its table.
    pub fn id(&self) -> &str {
        match self {
            Self::Episode(row) => row.episode_id.as_str(),
            Self::Step(row) => &row.event_id,
            Self::Feedback(row) => &row.feedback_id,
        }
    }

    /// When it happened, microseconds UTC; None when the log does not say.
    pub fn event_time(&self) -> Option<i64> {
        match self {
            Self::Episode(row) => row.event_time,
            Self::Step(row) => row.event_time,
            Self::Feedback(row) => row.event_time,
        }
    }
}
