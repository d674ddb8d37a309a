//! From a finished play to records of the native format.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::{json, value::to_raw_value};

use super::behaviour::{Behaviour, StepTrace, Trace};
use super::error::SimulateError;
use super::{clock, feedback};
use crate::core::{Digest, LogicalDate};
use crate::logs::{
    ActionType, Agent, EpisodeTag, FeedbackKind, FeedbackTag, LevelRef, NativeCandidate,
    NativeEpisode, NativeFeedback, NativeStep, Policy, SchemaVersion, Status, StepTag, Time,
};

/// What an episode is called and when it happens.
pub(super) struct Frame<'a> {
    pub id: String,
    pub date: LogicalDate,
    /// Microseconds UTC.
    pub start: i64,
    /// Duration of each step in microseconds.
    pub latencies: Vec<i64>,
    /// Version and digest of the policy, for the episodes that it played.
    pub policy: Option<(&'a str, Digest)>,
}

/// Sentences hidden in an episode.
#[derive(Default)]
pub(super) struct Notes {
    pub episode: Vec<String>,
    pub step_attrs: BTreeMap<usize, String>,
    pub results: BTreeMap<usize, String>,
    pub feedback: Option<String>,
}

impl Notes {
    pub(super) fn is_empty(&self) -> bool {
        self.episode.is_empty()
            && self.step_attrs.is_empty()
            && self.results.is_empty()
            && self.feedback.is_none()
    }
}

impl Frame<'_> {
    /// When the step ends, microseconds UTC.
    fn end_of(&self, step: usize) -> i64 {
        let passed: i64 = self.latencies.iter().take(step + 1).sum();
        clock::within(self.date, self.start + passed)
    }

    pub(super) fn end(&self) -> i64 {
        self.end_of(self.latencies.len())
    }
}

/// The episode's line.
pub(super) fn episode_line(
    trace: &Trace,
    frame: &Frame<'_>,
    notes: &Notes,
) -> Result<Vec<u8>, SimulateError> {
    let level = &trace.level;
    let reward: f64 = trace.steps.iter().map(|step| step.outcome.reward).sum();
    let mut attrs = serde_json::Map::new();
    attrs.insert("success".to_owned(), trace.success.into());
    attrs.insert("goal_progress".to_owned(), trace.goal_progress.into());
    if !notes.episode.is_empty() {
        attrs.insert("notes".to_owned(), notes.episode.clone().into());
    }
    line(&NativeEpisode {
        tag: EpisodeTag::Tag,
        schema: SchemaVersion::V1,
        episode_id: frame.id.clone(),
        parent_episode_id: None,
        conversation_id: None,
        trace_id: None,
        task_id: format!("{}/{}/{}", level.family, level.level, trace.digest.short()),
        workflow: level.family.clone(),
        agent: Agent { name: trace.behaviour.name().to_owned(), version: Some("1".to_owned()) },
        policy: frame.policy.map(|(version, digest)| Policy {
            version: Some(version.to_owned()),
            digest: Some(digest.to_string()),
        }),
        start_time: Some(Time(frame.start)),
        end_time: Some(Time(frame.end())),
        status: status(trace),
        n_steps: i32::try_from(trace.steps.len()).unwrap_or(i32::MAX),
        total_reward: Some(round(reward)),
        tokens_in: None,
        tokens_out: None,
        cost_micro_usd: None,
        tenant_id: None,
        subject: None,
        subject_hash: None,
        consent: None,
        retention_until: None,
        level: Some(LevelRef {
            family: level.family.clone(),
            level: level.level,
            challenge: level.challenge,
            seed: level.source.seed.unwrap_or_default(),
            digest: trace.digest.to_string(),
        }),
        attrs: Some(to_raw_value(&attrs)?),
    })
}

/// A success ended well; running out of calls is the time-out of a Function Quest; the rest is an
/// error.
fn status(trace: &Trace) -> Status {
    match (trace.success, trace.out_of_calls) {
        (true, _) => Status::Ok,
        (false, true) => Status::Timeout,
        (false, false) => Status::Error,
    }
}

/// One step's line.
pub(super) fn step_line(
    step: &StepTrace,
    index: usize,
    frame: &Frame<'_>,
    notes: &Notes,
) -> Result<Vec<u8>, SimulateError> {
    let latency = frame.latencies.get(index).copied().unwrap_or_default();
    let number = i32::try_from(index).unwrap_or(i32::MAX);
    let note = notes.step_attrs.get(&index).map(|text| json!({ "note": text }));
    let outcome = &step.outcome;
    let error = outcome.failed.then(|| outcome.name.clone().unwrap_or_else(|| "failed".into()));
    let mut result = serde_json::Map::new();
    result.insert("returned".to_owned(), outcome.returned.clone().into());
    if let Some(text) = notes.results.get(&index) {
        result.insert("output".to_owned(), text.clone().into());
    }
    line(&NativeStep {
        tag: StepTag::Tag,
        schema: SchemaVersion::V1,
        event_id: format!("{}/{index}", frame.id),
        episode_id: frame.id.clone(),
        step_index: number,
        time: Some(Time(frame.end_of(index))),
        span_id: None,
        parent_span_id: None,
        operation: "execute_tool".to_owned(),
        observation: Some(to_raw_value(&step.observation)?),
        action_type: ActionType::Call,
        tool_name: Some(step.function.clone()),
        tool_call_id: Some(format!("c{index}")),
        tool_args: Some(to_raw_value(&step.arguments)?),
        tool_result: Some(to_raw_value(&result)?),
        candidates: Some(candidates(step)),
        chosen_index: i32::try_from(step.chosen).ok(),
        logprob: None,
        propensity: step.candidates.get(step.chosen).map(|chosen| chosen.1.min(1.0)),
        outcome_index: i32::try_from(outcome.outcome).ok(),
        reward: Some(round(outcome.reward) as f32),
        done: step.done,
        model: None,
        provider: None,
        tokens_in: None,
        tokens_out: None,
        latency_us: Some(latency),
        error_type: error,
        tool_defs_sha: None,
        attrs: note.map(|note| to_raw_value(&note)).transpose()?,
    })
}

fn candidates(step: &StepTrace) -> Vec<NativeCandidate> {
    let all = step.candidates.iter();
    all.map(|(id, propensity)| NativeCandidate {
        id: id.clone(),
        score: None,
        propensity: Some(propensity.min(1.0)),
    })
    .collect()
}

/// The line of a person's judgement.
pub(super) fn feedback_line(
    trace: &Trace,
    frame: &Frame<'_>,
    notes: &Notes,
    random: &mut ChaCha8Rng,
) -> Result<Vec<u8>, SimulateError> {
    let score = feedback::score(trace.success, trace.efficiency, random);
    let remark = feedback::remark(score, random);
    let explanation = match &notes.feedback {
        Some(text) => format!("{remark} By the way: {text}."),
        None => remark.to_owned(),
    };
    line(&NativeFeedback {
        tag: FeedbackTag::Tag,
        schema: SchemaVersion::V1,
        feedback_id: format!("{}/feedback", frame.id),
        episode_id: frame.id.clone(),
        event_id: None,
        time: Some(Time(clock::judged(frame.date, frame.end(), random))),
        kind: FeedbackKind::Human,
        name: "helpful".to_owned(),
        score: Some(score),
        label: Some(feedback::label(score).to_owned()),
        explanation: Some(explanation),
        correction: None,
        rater: None,
        rater_hash: None,
        evaluator_version: None,
        attrs: None,
    })
}

/// The line in which a person says what should have been called at a step.
pub(super) fn correction_line(
    (step, call): (usize, String),
    frame: &Frame<'_>,
) -> Result<Vec<u8>, SimulateError> {
    line(&NativeFeedback {
        tag: FeedbackTag::Tag,
        schema: SchemaVersion::V1,
        feedback_id: format!("{}/correction", frame.id),
        episode_id: frame.id.clone(),
        event_id: Some(format!("{}/{step}", frame.id)),
        time: Some(Time(frame.end())),
        kind: FeedbackKind::Correction,
        name: "call".to_owned(),
        score: None,
        label: None,
        explanation: None,
        correction: Some(serde_json::value::to_raw_value(&serde_json::json!({ "call": call }))?),
        rater: None,
        rater_hash: None,
        evaluator_version: None,
        attrs: None,
    })
}

/// Whether the policy's version and digest belong into the episode.
pub(super) fn is_policy(trace: &Trace) -> bool {
    trace.behaviour == Behaviour::Policy
}

fn line<T: Serialize>(record: &T) -> Result<Vec<u8>, SimulateError> {
    Ok(serde_json::to_vec(record)?)
}

/// Rewards are sums of hundredths; what lies below a millionth is rounding noise.
fn round(reward: f64) -> f64 {
    (reward * 1e6).round() / 1e6
}
