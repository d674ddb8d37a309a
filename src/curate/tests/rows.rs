//! Published rows made by hand, with the columns and types of the store's tables.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Float32Builder, Float64Array, Int32Array,
    Int64Array, ListBuilder, StringArray, StringBuilder, StructBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::record_batch::RecordBatch;

use crate::core::{Digest, EpisodeId};
use crate::curate::{CurateContext, Sources};
use crate::logs::{
    Candidate, Consent, EpisodeRow, FeedbackKind, FeedbackRow, Status, StepRow, TimeSource,
};
use crate::quest::{Split, split_of};

/// The date that the tests' nights work on.
pub(crate) fn context() -> CurateContext {
    CurateContext::new("2026-03-31".parse().unwrap(), Digest::of(b"snapshot"))
}

/// The `n`-th level digest of a split.
pub(crate) fn level(n: usize, split: Split) -> Digest {
    let all = (0..).map(|i: u32| Digest::of(&i.to_le_bytes()));
    all.filter(|digest| split_of(digest) == split).nth(n).unwrap()
}

/// A success on a training level of its own, worth imitating.
pub(crate) fn episode(id: &str) -> EpisodeRow {
    EpisodeRow {
        episode_id: EpisodeId::new(id),
        parent_episode_id: None,
        conversation_id: None,
        trace_id: None,
        task_id: format!("task-{id}"),
        workflow: "symphony".into(),
        agent_name: "expert".into(),
        agent_version: String::new(),
        policy_version: String::new(),
        behaviour_policy_sha: String::new(),
        start_ts: None,
        end_ts: None,
        event_time: Some(1_000_000),
        time_source: TimeSource::Log,
        status: Status::Ok,
        n_steps: 2,
        total_reward: Some(1.0),
        tokens_in: 0,
        tokens_out: 0,
        cost_micro_usd: None,
        tenant_id: String::new(),
        subject_hash: None,
        consent: Consent::Train,
        retention_until: None,
        split_key: u64::MAX - 1,
        level_json: None,
        level_digest: None,
        format: "native".into(),
        attrs_json: None,
    }
}

/// The episode, on a level.
pub(crate) fn on_level(row: EpisodeRow, digest: Digest) -> EpisodeRow {
    let json = format!(
        r#"{{"family":"symphony","level":2,"challenge":1,"seed":18446744073709551615,"digest":"{digest}"}}"#
    );
    EpisodeRow { level_json: Some(json), level_digest: Some(digest.to_string()), ..row }
}

/// A call of an episode; another `args` is another trajectory.
pub(crate) fn step(episode: &str, index: i32, args: &str) -> StepRow {
    StepRow {
        event_id: format!("{episode}/{index}"),
        episode_id: EpisodeId::new(episode),
        step_index: index,
        span_id: None,
        parent_span_id: None,
        operation: "execute_tool".into(),
        observation_json: Some(r#"{"goal":"has(code)"}"#.into()),
        action_type: "call".into(),
        tool_name: Some("create_plan".into()),
        tool_call_id: None,
        tool_args_json: Some(format!(r#"{{"prompt": "{args}", "a": 1}}"#)),
        tool_result_json: Some(r#"{"plan":"plan1"}"#.into()),
        candidate_actions: Some(vec![
            Candidate { id: "create_plan(p1)".into(), score: None, propensity: Some(0.75) },
            Candidate { id: "stop()".into(), score: Some(0.5), propensity: Some(0.25) },
        ]),
        chosen_index: Some(0),
        logprob: None,
        propensity: Some(0.75),
        outcome_index: Some(0),
        reward: Some(0.5),
        done: false,
        model: String::new(),
        provider: String::new(),
        tokens_in: None,
        tokens_out: None,
        latency_us: None,
        error_type: None,
        tool_defs_sha: Some(Digest::of(b"tools").to_string()),
        event_time: None,
        attrs_json: None,
    }
}

pub(crate) fn feedback(id: &str, episode: &str, kind: FeedbackKind, score: f64) -> FeedbackRow {
    FeedbackRow {
        feedback_id: id.into(),
        episode_id: EpisodeId::new(episode),
        event_id: None,
        kind,
        name: "helpful".into(),
        score: Some(score),
        label: None,
        explanation: None,
        correction_json: None,
        rater_hash: None,
        evaluator_version: None,
        event_time: None,
        attrs_json: None,
    }
}

/// Rows of the three tables.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    pub(crate) episodes: Vec<EpisodeRow>,
    pub(crate) steps: Vec<StepRow>,
    pub(crate) feedback: Vec<FeedbackRow>,
    /// The batch that took them in, and when: none of it may matter.
    pub(crate) batch: i64,
}

impl Rows {
    /// Adds an episode with `n` steps of its own.
    pub(crate) fn with(mut self, row: EpisodeRow, n: i32) -> Self {
        let id = row.episode_id.as_str().to_owned();
        self.steps.extend((0..n).map(|index| step(&id, index, &id)));
        self.episodes.push(row);
        self
    }

    /// Adds an episode with the steps of another one.
    pub(crate) fn copy(mut self, row: EpisodeRow, of: &str, n: i32) -> Self {
        let id = row.episode_id.as_str().to_owned();
        self.steps.extend((0..n).map(|index| step(&id, index, of)));
        self.episodes.push(row);
        self
    }

    pub(crate) fn judged(mut self, row: FeedbackRow) -> Self {
        self.feedback.push(row);
        self
    }

    pub(crate) fn sources(&self) -> Sources {
        let batches = (self.episode_batch(), self.step_batch(), self.feedback_batch());
        Sources::from_batches(&[batches.0], &[batches.1], &[batches.2]).unwrap()
    }

    fn stamps(&self, n: usize) -> [(&'static str, ArrayRef); 3] {
        let known = TimestampMicrosecondArray::from(vec![self.batch * 1000; n]);
        [
            ("known_at", Arc::new(known.with_timezone("UTC"))),
            ("ingest_batch", Arc::new(Int64Array::from(vec![self.batch; n]))),
            ("source_uri", Arc::new(StringArray::from(vec![format!("batch-{}", self.batch); n]))),
        ]
    }

    fn episode_batch(&self) -> RecordBatch {
        let rows = &self.episodes;
        let time: TimestampMicrosecondArray = rows.iter().map(|r| r.event_time).collect();
        let keys: Int64Array = rows.iter().map(|r| Some(r.split_key.cast_signed())).collect();
        let until: Date32Array = rows.iter().map(|r| r.retention_until).collect();
        let reward: Float64Array = rows.iter().map(|r| r.total_reward).collect();
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("episode_id", text(rows, |r| Some(r.episode_id.as_str()))),
            ("task_id", text(rows, |r| Some(&r.task_id))),
            ("workflow", text(rows, |r| Some(&r.workflow))),
            ("agent_name", text(rows, |r| Some(&r.agent_name))),
            ("status", text(rows, |r| Some(r.status.as_str()))),
            ("total_reward", Arc::new(reward)),
            ("consent", text(rows, |r| Some(r.consent.as_str()))),
            ("retention_until", Arc::new(until)),
            ("split_key", Arc::new(keys)),
            ("level_json", text(rows, |r| r.level_json.as_deref())),
            ("level_digest", text(rows, |r| r.level_digest.as_deref())),
            ("format", text(rows, |r| Some(&r.format))),
            ("attrs_json", text(rows, |r| r.attrs_json.as_deref())),
            ("event_time", Arc::new(time.with_timezone("UTC"))),
            ("time_source", text(rows, |r| Some(r.time_source.as_str()))),
        ];
        columns.extend(self.stamps(rows.len()));
        batch(columns)
    }

    fn step_batch(&self) -> RecordBatch {
        let rows = &self.steps;
        let int = |of: fn(&StepRow) -> Option<i32>| -> ArrayRef {
            Arc::new(rows.iter().map(of).collect::<Int32Array>())
        };
        let float = |of: fn(&StepRow) -> Option<f32>| -> ArrayRef {
            Arc::new(rows.iter().map(of).collect::<Float32Array>())
        };
        let done: BooleanArray = rows.iter().map(|r| Some(r.done)).collect();
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("event_id", text(rows, |r| Some(&r.event_id))),
            ("episode_id", text(rows, |r| Some(r.episode_id.as_str()))),
            ("step_index", int(|r| Some(r.step_index))),
            ("observation_json", text(rows, |r| r.observation_json.as_deref())),
            ("action_type", text(rows, |r| Some(&r.action_type))),
            ("tool_name", text(rows, |r| r.tool_name.as_deref())),
            ("tool_args_json", text(rows, |r| r.tool_args_json.as_deref())),
            ("tool_result_json", text(rows, |r| r.tool_result_json.as_deref())),
            ("candidate_actions", candidates(rows)),
            ("chosen_index", int(|r| r.chosen_index)),
            ("propensity", float(|r| r.propensity)),
            ("outcome_index", int(|r| r.outcome_index)),
            ("reward", float(|r| r.reward)),
            ("done", Arc::new(done)),
            ("error_type", text(rows, |r| r.error_type.as_deref())),
            ("tool_defs_sha", text(rows, |r| r.tool_defs_sha.as_deref())),
        ];
        columns.extend(self.stamps(rows.len()));
        batch(columns)
    }

    fn feedback_batch(&self) -> RecordBatch {
        let rows = &self.feedback;
        let score: Float64Array = rows.iter().map(|r| r.score).collect();
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("feedback_id", text(rows, |r| Some(&r.feedback_id))),
            ("episode_id", text(rows, |r| Some(r.episode_id.as_str()))),
            ("kind", text(rows, |r| Some(r.kind.as_str()))),
            ("name", text(rows, |r| Some(&r.name))),
            ("score", Arc::new(score)),
        ];
        columns.extend(self.stamps(rows.len()));
        batch(columns)
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

fn text<'a, T>(rows: &'a [T], of: impl Fn(&'a T) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

fn candidates(rows: &[StepRow]) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("score", DataType::Float32, true),
        Field::new("propensity", DataType::Float32, true),
    ]);
    let mut lists = ListBuilder::new(StructBuilder::from_fields(fields, 0));
    for row in rows {
        for one in row.candidate_actions.iter().flatten() {
            let values = lists.values();
            values.field_builder::<StringBuilder>(0).unwrap().append_value(&one.id);
            values.field_builder::<Float32Builder>(1).unwrap().append_option(one.score);
            values.field_builder::<Float32Builder>(2).unwrap().append_option(one.propensity);
            values.append(true);
        }
        lists.append(row.candidate_actions.is_some());
    }
    Arc::new(lists.finish())
}
