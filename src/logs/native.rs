//! The hot path: native lines into rows, by typed deserialisation without a value tree.
//! Only a line that fails is looked at again, to say where it fails and what was expected.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::rows::{Candidate, EpisodeRow, FeedbackRow, Record, StepRow, TimeSource};
use super::time::day;
use super::wire::{Json, NativeEpisode, NativeFeedback, NativeStep, schemas};
use super::{Context, Reject, rule, split_key};
use crate::core::EpisodeId;

#[derive(Clone, Copy)]
enum Kind {
    Episode,
    Feedback,
    Step,
}

/// Reads one native record.
pub(super) fn parse(text: &str, context: &Context<'_>) -> Result<Record, Reject> {
    match kind(text)? {
        Kind::Step => step(typed(text, Kind::Step)?),
        Kind::Episode => episode(typed(text, Kind::Episode)?, context),
        Kind::Feedback => feedback(typed(text, Kind::Feedback)?, context),
    }
}

/// The record's type. Writers put it first, and then no second pass over the line is needed.
fn kind(text: &str) -> Result<Kind, Reject> {
    // Typed deserialisation would take a list for a struct's fields in order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Reject::schema("", "expected a JSON object"),
            Err(error) => Reject::json(&error),
        });
    }
    match first_value(text) {
        Some("step") => return Ok(Kind::Step),
        Some("episode") => return Ok(Kind::Episode),
        Some("feedback") => return Ok(Kind::Feedback),
        _ => {}
    }
    let head: Head<'_> = serde_json::from_str(text).map_err(|error| Reject::json(&error))?;
    let Some(tag) = head.tag else {
        return Err(Reject::schema("/type", "the field \"type\" is missing"));
    };
    match serde_json::from_str::<String>(tag.get()).as_deref() {
        Ok("step") => Ok(Kind::Step),
        Ok("episode") => Ok(Kind::Episode),
        Ok("feedback") => Ok(Kind::Feedback),
        _ => Err(version(&head).err().unwrap_or_else(|| {
            let reason = "expected one of \"episode\", \"step\" and \"feedback\"";
            Reject::new(rule::UNKNOWN_TYPE, "/type", reason)
        })),
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(default, borrow, rename = "type")]
    tag: Option<&'a RawValue>,
    #[serde(default, borrow)]
    schema: Option<&'a RawValue>,
}

/// The value of `{"type":"…"`, if the record starts so.
fn first_value(text: &str) -> Option<&str> {
    let rest = text.trim_ascii_start().strip_prefix('{')?.trim_ascii_start();
    let rest = rest.strip_prefix("\"type\"")?.trim_ascii_start().strip_prefix(':')?;
    let (value, _) = rest.trim_ascii_start().strip_prefix('"')?.split_once('"')?;
    Some(value)
}

/// Refuses a schema newer than this program knows.
fn version(head: &Head<'_>) -> Result<(), Reject> {
    let Some(schema) = head.schema else { return Ok(()) };
    let text: String = serde_json::from_str(schema.get()).unwrap_or_default();
    match text.strip_prefix("fqm-log/").and_then(|version| version.parse::<u64>().ok()) {
        Some(version) if version > 1 => {
            let reason = format!("written in fqm-log/{version}; this program reads fqm-log/1");
            Err(Reject::new(rule::FUTURE_SCHEMA, "/schema", reason))
        }
        _ => Ok(()),
    }
}

fn typed<'a, T: Deserialize<'a>>(text: &'a str, kind: Kind) -> Result<T, Reject> {
    serde_json::from_str(text).map_err(|error| diagnose(text, kind, &error))
}

/// The slow path: why a line does not fit, in the words of its JSON Schema, without its content.
fn diagnose(text: &str, kind: Kind, error: &serde_json::Error) -> Reject {
    let value: serde_json::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Reject::json(&error),
    };
    let newer = serde_json::from_str::<Head<'_>>(text).ok().and_then(|head| version(&head).err());
    if let Some(reject) = newer {
        return reject;
    }
    let problem = validators().get(kind as usize).and_then(|validator| {
        validator.iter_errors(&value).next().map(|error| {
            let pointer = error.instance_path().to_string();
            let rule = match error.kind() {
                jsonschema::error::ValidationErrorKind::Minimum { .. }
                | jsonschema::error::ValidationErrorKind::Maximum { .. } => rule::BAD_VALUE,
                _ => rule::SCHEMA,
            };
            Reject::new(rule, pointer, error.masked().to_string())
        })
    });
    problem.unwrap_or_else(|| {
        // The schema is content but the types are not: a time that is none, a number too large,
        // a field twice. The place is all that can be told without the record's content.
        let reason = format!("a value does not fit its field, before column {}", error.column());
        Reject::new(rule::BAD_VALUE, "", reason)
    })
}

/// Validators in the order of [`Kind`].
fn validators() -> &'static [jsonschema::Validator] {
    static COMPILED: OnceLock<Vec<jsonschema::Validator>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let all = schemas();
        all.iter().filter_map(|(_, schema)| jsonschema::validator_for(schema).ok()).collect()
    })
}

fn json(value: Option<Json>) -> Option<String> {
    value.map(|raw| String::from(Box::<str>::from(raw)))
}

fn object(pointer: &str, value: Option<Json>) -> Result<Option<String>, Reject> {
    match json(value) {
        Some(text) if !text.starts_with('{') => {
            Err(Reject::schema(pointer, "expected a JSON object"))
        }
        text => Ok(text),
    }
}

fn named(pointer: &str, text: &str) -> Result<(), Reject> {
    if text.is_empty() { Err(Reject::value(pointer, "must not be empty")) } else { Ok(()) }
}

fn not_negative(pointer: &str, number: Option<i64>) -> Result<(), Reject> {
    match number {
        Some(number) if number < 0 => Err(Reject::value(pointer, "must not be negative")),
        _ => Ok(()),
    }
}

fn finite(pointer: &str, number: Option<f64>) -> Result<(), Reject> {
    match number {
        Some(number) if !number.is_finite() => Err(Reject::value(pointer, "must be finite")),
        _ => Ok(()),
    }
}

fn step(wire: NativeStep) -> Result<Record, Reject> {
    named("/event_id", &wire.event_id)?;
    named("/episode_id", &wire.episode_id)?;
    not_negative("/step_index", Some(wire.step_index.into()))?;
    not_negative("/outcome_index", wire.outcome_index.map(i64::from))?;
    not_negative("/tokens_in", wire.tokens_in.map(i64::from))?;
    not_negative("/tokens_out", wire.tokens_out.map(i64::from))?;
    not_negative("/latency_us", wire.latency_us)?;
    finite("/reward", wire.reward.map(f64::from))?;
    finite("/logprob", wire.logprob.map(f64::from))?;
    propensities(&wire)?;
    let candidates = wire.candidates.map(|all| {
        all.into_iter()
            .map(|one| Candidate { id: one.id, score: one.score, propensity: one.propensity })
            .collect()
    });
    Ok(Record::Step(StepRow {
        event_id: wire.event_id,
        episode_id: EpisodeId::new(wire.episode_id),
        step_index: wire.step_index,
        span_id: wire.span_id,
        parent_span_id: wire.parent_span_id,
        operation: wire.operation,
        observation_json: json(wire.observation),
        action_type: wire.action_type.as_str().to_owned(),
        tool_name: wire.tool_name,
        tool_call_id: wire.tool_call_id,
        tool_args_json: json(wire.tool_args),
        tool_result_json: json(wire.tool_result),
        candidate_actions: candidates,
        chosen_index: wire.chosen_index,
        logprob: wire.logprob,
        propensity: wire.propensity,
        outcome_index: wire.outcome_index,
        reward: wire.reward,
        done: wire.done,
        model: wire.model.unwrap_or_default(),
        provider: wire.provider.unwrap_or_default(),
        tokens_in: wire.tokens_in,
        tokens_out: wire.tokens_out,
        latency_us: wire.latency_us,
        error_type: wire.error_type,
        tool_defs_sha: wire.tool_defs_sha,
        event_time: wire.time.map(|time| time.0),
        attrs_json: object("/attrs", wire.attrs)?,
    }))
}

/// A propensity of zero would divide by zero in every estimate made from the log later.
fn propensities(wire: &NativeStep) -> Result<(), Reject> {
    if wire.propensity.is_some_and(|p| !(p > 0.0 && p <= 1.0)) {
        return Err(Reject::value("/propensity", "expected a number in (0, 1]"));
    }
    let candidates = wire.candidates.as_deref().unwrap_or_default();
    for (index, candidate) in candidates.iter().enumerate() {
        if candidate.propensity.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
            let pointer = format!("/candidates/{index}/propensity");
            return Err(Reject::value(pointer, "expected a number in [0, 1]"));
        }
        if candidate.score.is_some_and(|score| !score.is_finite()) {
            return Err(Reject::value(format!("/candidates/{index}/score"), "must be finite"));
        }
    }
    let Some(chosen) = wire.chosen_index else { return Ok(()) };
    let chosen = usize::try_from(chosen).ok();
    if wire.candidates.is_none() || chosen.is_none_or(|chosen| chosen >= candidates.len()) {
        let reason = format!("expected the index of one of {} candidates", candidates.len());
        return Err(Reject::value("/chosen_index", reason));
    }
    Ok(())
}

fn episode(wire: NativeEpisode, context: &Context<'_>) -> Result<Record, Reject> {
    named("/episode_id", &wire.episode_id)?;
    not_negative("/n_steps", Some(wire.n_steps.into()))?;
    not_negative("/tokens_in", wire.tokens_in)?;
    not_negative("/tokens_out", wire.tokens_out)?;
    not_negative("/cost_micro_usd", wire.cost_micro_usd)?;
    finite("/total_reward", wire.total_reward)?;
    let retention_until = match &wire.retention_until {
        None => None,
        Some(text) => Some(
            day(text)
                .ok_or_else(|| Reject::value("/retention_until", "expected a day, YYYY-MM-DD"))?,
        ),
    };
    let level_digest = match &wire.level {
        None => None,
        Some(level) => {
            let digest = level.digest.parse::<crate::core::Digest>();
            let digest =
                digest.map_err(|_| Reject::value("/level/digest", "expected sha256:<64 hex>"))?;
            Some(digest.to_string())
        }
    };
    let level_json = wire.level.as_ref().and_then(|level| serde_json::to_string(level).ok());
    let policy = wire.policy.unwrap_or_default();
    let start_ts = wire.start_time.map(|time| time.0);
    let end_ts = wire.end_time.map(|time| time.0);
    if start_ts.zip(end_ts).is_some_and(|(start, end)| end < start) {
        return Err(Reject::value("/end_time", "must not lie before start_time"));
    }
    Ok(Record::Episode(EpisodeRow {
        split_key: split_key(level_digest.as_deref(), &wire.workflow, &wire.task_id),
        episode_id: EpisodeId::new(wire.episode_id),
        parent_episode_id: wire.parent_episode_id.map(EpisodeId::new),
        conversation_id: wire.conversation_id,
        trace_id: wire.trace_id,
        task_id: wire.task_id,
        workflow: wire.workflow,
        agent_name: wire.agent.name,
        agent_version: wire.agent.version.unwrap_or_default(),
        policy_version: policy.version.unwrap_or_default(),
        behaviour_policy_sha: policy.digest.unwrap_or_default(),
        start_ts,
        end_ts,
        event_time: start_ts.or(end_ts),
        time_source: TimeSource::Log,
        status: wire.status,
        n_steps: wire.n_steps,
        total_reward: wire.total_reward,
        tokens_in: wire.tokens_in.unwrap_or_default(),
        tokens_out: wire.tokens_out.unwrap_or_default(),
        cost_micro_usd: wire.cost_micro_usd,
        tenant_id: wire.tenant_id.unwrap_or_default(),
        subject_hash: context.hashed(wire.subject_hash, wire.subject.as_deref()),
        consent: wire.consent.unwrap_or(context.default_consent),
        retention_until,
        level_json,
        level_digest,
        format: "native".to_owned(),
        attrs_json: object("/attrs", wire.attrs)?,
    }))
}

fn feedback(wire: NativeFeedback, context: &Context<'_>) -> Result<Record, Reject> {
    named("/feedback_id", &wire.feedback_id)?;
    named("/episode_id", &wire.episode_id)?;
    finite("/score", wire.score)?;
    Ok(Record::Feedback(FeedbackRow {
        feedback_id: wire.feedback_id,
        episode_id: EpisodeId::new(wire.episode_id),
        event_id: wire.event_id,
        kind: wire.kind,
        name: wire.name,
        score: wire.score,
        label: wire.label,
        explanation: wire.explanation,
        correction_json: json(wire.correction),
        rater_hash: context.hashed(wire.rater_hash, wire.rater.as_deref()),
        evaluator_version: wire.evaluator_version,
        event_time: wire.time.map(|time| time.0),
        attrs_json: object("/attrs", wire.attrs)?,
    }))
}
