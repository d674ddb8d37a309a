//! Langfuse trace exports: `{"trace": {…}, "observations": […]}`.
//!
//! Every observation lands as at least one step whose `span_id` is the observation's id, ordered by
//! start time and then id. A generation that calls tools gives one `call` step per call; one that
//! does not gives a `respond` step. A tool observation gives an `observe` step and lends its output
//! to the call it answers; where no generation asked for it, it is itself the `call` step. All other
//! observations give steps with operation `span`. Scores and corrections land as feedback.
//! Text that holds JSON is read as JSON, however often it was wrapped.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::messages::{blank_episode, blank_step, nested};
use super::rows::{EpisodeRow, FeedbackKind, FeedbackRow, Record, Status, StepRow, TimeSource};
use super::tool_calls::{Call, calls, results};
use super::{Context, Reject, split_key, time};
use crate::core::{EpisodeId, digest_json};

/// Reads one trace.
pub(super) fn parse(text: &str, context: &Context<'_>) -> Result<Vec<Record>, Reject> {
    let whole: Value = serde_json::from_str(text).map_err(|error| Reject::json(&error))?;
    let trace = whole.get("trace").and_then(Value::as_object);
    let trace = trace.ok_or_else(|| Reject::schema("/trace", "expected an object"))?;
    let id = text_at(trace, "id").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Reject::schema("/trace/id", "expected text"))?;
    let episode = EpisodeId::new(id);
    let observations = observations(&whole, trace)?;
    let steps = steps(&episode, &observations)?;
    let mut records = Vec::new();
    records.push(Record::Episode(episode_row(&episode, trace, &observations, &steps, context)?));
    let mut first_step: BTreeMap<String, String> = BTreeMap::new();
    for step in &steps {
        let span = step.span_id.clone().unwrap_or_default();
        first_step.entry(span).or_insert_with(|| step.event_id.clone());
    }
    records.extend(steps.into_iter().map(Record::Step));
    for (list, corrects) in [("scores", false), ("corrections", true)] {
        for (nth, score) in list_at(trace, list, "/trace")?.iter().enumerate() {
            let place = format!("/trace/{list}/{nth}");
            let row = feedback(&episode, &place, score, corrects, &first_step, context)?;
            records.push(Record::Feedback(row));
        }
    }
    Ok(records)
}

struct Observation {
    id: String,
    start: Option<i64>,
    end: Option<i64>,
    fields: Map<String, Value>,
    input: Value,
    output: Value,
    metadata: Value,
}

impl Observation {
    fn kind(&self) -> &str {
        self.fields.get("type").and_then(Value::as_str).unwrap_or("SPAN")
    }

    fn usage(&self, name: &str) -> Option<i64> {
        self.fields.get("usageDetails")?.get(name)?.as_i64()
    }

    /// An attribute of the OpenTelemetry span behind the observation.
    fn attribute(&self, name: &str) -> Option<String> {
        let value = self.metadata.get("attributes")?.get(name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

/// The top-level observations are the full ones; those that only the trace lists are added.
fn observations(whole: &Value, trace: &Map<String, Value>) -> Result<Vec<Observation>, Reject> {
    let none = Map::new();
    let top = whole.as_object().unwrap_or(&none);
    let (full, listed) =
        (list_at(top, "observations", "")?, list_at(trace, "observations", "/trace")?);
    let mut found: Vec<Observation> = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, list) in [("/observations", full), ("/trace/observations", listed)] {
        for (nth, value) in list.iter().enumerate() {
            let place = format!("{place}/{nth}");
            let one = observation(&place, value)?;
            if seen.insert(one.id.clone()) {
                found.push(one);
            }
        }
    }
    found.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    Ok(found)
}

fn observation(place: &str, value: &Value) -> Result<Observation, Reject> {
    let fields = value.as_object();
    let mut fields = fields.ok_or_else(|| Reject::schema(place, "expected an object"))?.clone();
    let id = text_at(&fields, "id");
    let id = id.ok_or_else(|| Reject::schema(format!("{place}/id"), "expected text"))?;
    let mut take = |name: &str| fields.remove(name).map_or(Value::Null, |value| nested(&value));
    let (input, output, metadata) = (take("input"), take("output"), take("metadata"));
    let start = time_at(&fields, "startTime", place)?;
    let end = time_at(&fields, "endTime", place)?;
    Ok(Observation { id, start, end, fields, input, output, metadata })
}

fn steps(episode: &EpisodeId, all: &[Observation]) -> Result<Vec<StepRow>, Reject> {
    let mut steps: Vec<StepRow> = Vec::new();
    let mut answers: BTreeMap<String, Value> = BTreeMap::new();
    for one in all {
        // A call's answer stands in a tool's output, and again in the next generation's input.
        for (id, result) in results(&one.output).into_iter().chain(results(&one.input)) {
            answers.entry(id).or_insert(result);
        }
    }
    let mut open: Vec<usize> = Vec::new();
    for one in all {
        let generation = one.kind() == "GENERATION";
        let asked = if generation { generation_calls(one) } else { Vec::new() };
        if one.kind() == "TOOL" {
            tool(episode, one, &mut steps, &mut open);
        } else if asked.is_empty() {
            let (operation, action) =
                if generation { ("chat", "respond") } else { ("span", "observe") };
            let mut step = observed(episode, steps.len(), one, operation, action);
            if generation {
                step.tool_args_json = Some(json!({ "content": one.output }).to_string());
            } else {
                step.tool_result_json = some_json(&one.output);
            }
            steps.push(step);
        }
        for (nth, call) in asked.into_iter().enumerate() {
            let mut step = observed(episode, steps.len(), one, "execute_tool", "call");
            if nth > 0 {
                // Tokens and time belong to the generation, so only its first call carries them.
                (step.tokens_in, step.tokens_out, step.latency_us) = (None, None, None);
            }
            step.tool_result_json =
                call.id.as_ref().and_then(|id| answers.get(id)).map(|v| nested(v).to_string());
            step.tool_name = Some(call.name);
            step.tool_args_json = Some(call.args.to_string());
            step.tool_call_id = call.id;
            open.push(steps.len());
            steps.push(step);
        }
    }
    if let Some(last) = steps.last_mut() {
        last.done = true;
    }
    Ok(steps)
}

fn generation_calls(one: &Observation) -> Vec<Call> {
    let found = calls(&one.output);
    if !found.is_empty() {
        return found;
    }
    one.fields
        .get("toolCalls")
        .map(|listed| calls(&json!({ "tool_calls": listed })))
        .unwrap_or_default()
}

/// A tool that ran: the answer to an open call, or else a call that nothing else tells of.
fn tool(episode: &EpisodeId, one: &Observation, steps: &mut Vec<StepRow>, open: &mut Vec<usize>) {
    let named = one.attribute("gen_ai.tool.name").or_else(|| one.attribute("tool.name"));
    let name = named.or_else(|| text_at(&one.fields, "name")).unwrap_or_default();
    let id = one.attribute("gen_ai.tool.call.id");
    let result = tool_result(one);
    let mut step = observed(episode, steps.len(), one, "execute_tool", "observe");
    let answered = open.iter().position(|index| {
        steps.get(*index).is_some_and(|call| {
            let same_id = id.is_some() && call.tool_call_id == id;
            same_id || (call.tool_name.as_deref() == Some(name.as_str()))
        })
    });
    match answered.map(|at| open.remove(at)).and_then(|index| steps.get_mut(index)) {
        Some(call) => {
            step.tool_call_id.clone_from(&call.tool_call_id);
            // The tool's own output wins over what a later generation was told about it.
            if result != Value::Null {
                call.tool_result_json = Some(result.to_string());
            }
        }
        None => {
            step.action_type = "call".to_owned();
            step.tool_args_json = some_json(&one.input);
        }
    }
    step.tool_call_id = step.tool_call_id.or(id);
    step.tool_name = Some(name);
    step.tool_result_json = some_json(&result);
    steps.push(step);
}

/// The output; where a framework leaves it empty, the answer in the span's attributes.
fn tool_result(one: &Observation) -> Value {
    let empty = match &one.output {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let attribute = ["gen_ai.tool.call.result", "gcp.vertex.agent.tool_response"];
    let told = attribute.iter().find_map(|name| one.attribute(name));
    match told {
        Some(text) if empty => nested(&Value::String(text)),
        _ => one.output.clone(),
    }
}

fn some_json(value: &Value) -> Option<String> {
    (*value != Value::Null).then(|| value.to_string())
}

/// A step with what every observation tells. `attrs` keeps all that has no column of its own.
fn observed(
    episode: &EpisodeId,
    index: usize,
    one: &Observation,
    operation: &str,
    action: &str,
) -> StepRow {
    let mut attrs: Map<String, Value> = Map::new();
    for (key, value) in &one.fields {
        let told = matches!(key.as_str(), "id" | "traceId" | "startTime" | "parentObservationId");
        if !told && *value != Value::Null {
            attrs.insert(key.clone(), value.clone());
        }
    }
    if one.metadata != Value::Null {
        attrs.insert("metadata".to_owned(), one.metadata.clone());
    }
    if action != "respond" && operation != "span" && one.kind() == "GENERATION" {
        attrs.insert("output".to_owned(), one.output.clone());
    }
    let failed = text_at(&one.fields, "level").as_deref() == Some("ERROR");
    let small = |n: Option<i64>| n.and_then(|n| i32::try_from(n).ok());
    StepRow {
        event_id: format!("{episode}:{}:{index}", one.id),
        span_id: Some(one.id.clone()),
        parent_span_id: text_at(&one.fields, "parentObservationId"),
        observation_json: some_json(&one.input),
        model: text_at(&one.fields, "model").unwrap_or_default(),
        provider: one.attribute("gen_ai.system").unwrap_or_default(),
        tokens_in: small(one.usage("input")),
        tokens_out: small(one.usage("output")),
        latency_us: one.start.zip(one.end).map(|(start, end)| (end.saturating_sub(start)).max(0)),
        error_type: failed
            .then(|| text_at(&one.fields, "statusMessage").unwrap_or_else(|| "error".to_owned())),
        event_time: one.start,
        ..blank_step(episode, index, operation, action, Some(&Value::Object(attrs)))
    }
}

fn episode_row(
    id: &EpisodeId,
    trace: &Map<String, Value>,
    observations: &[Observation],
    steps: &[StepRow],
    context: &Context<'_>,
) -> Result<EpisodeRow, Reject> {
    let workflow = text_at(trace, "name").unwrap_or_else(|| "langfuse".to_owned());
    // Traces have no task id: the same workflow on the same input is the same task.
    let input = trace.get("input").map_or(Value::Null, nested);
    let digest = digest_json(&input).map_err(|error| Reject::json(&error))?;
    let task_id = match input {
        Value::Null => workflow.clone(),
        _ => format!("{workflow}:{}", digest.short()),
    };
    let told = time_at(trace, "timestamp", "/trace")?;
    let start_ts = observations.iter().filter_map(|one| one.start).min().or(told);
    let cost: f64 =
        observations.iter().filter_map(|one| one.fields.get("totalCost")?.as_f64()).sum();
    let agent = observations.iter().find(|one| one.kind() == "AGENT");
    let failed = steps.last().is_some_and(|step| step.error_type.is_some());
    let tokens = |name| observations.iter().filter_map(|one| one.usage(name)).sum();
    let mut attrs = trace.clone();
    for told in
        ["id", "name", "timestamp", "sessionId", "userId", "observations", "scores", "corrections"]
    {
        attrs.remove(told);
    }
    for wrapped in ["input", "output", "metadata"] {
        if let Some(value) = attrs.get_mut(wrapped) {
            *value = nested(value);
        }
    }
    attrs.insert("observations".to_owned(), json!(observations.len()));
    Ok(EpisodeRow {
        conversation_id: text_at(trace, "sessionId"),
        trace_id: Some(id.as_str().to_owned()),
        split_key: split_key(None, &workflow, &task_id),
        agent_name: agent.and_then(|one| text_at(&one.fields, "name")).unwrap_or_default(),
        agent_version: text_at(trace, "version").unwrap_or_default(),
        workflow,
        start_ts,
        end_ts: observations.iter().filter_map(|one| one.end).max(),
        event_time: told.or(start_ts),
        time_source: if told.or(start_ts).is_some() { TimeSource::Log } else { TimeSource::Object },
        status: if failed { Status::Error } else { Status::Ok },
        n_steps: i32::try_from(steps.len()).unwrap_or(i32::MAX),
        tokens_in: tokens("input"),
        tokens_out: tokens("output"),
        cost_micro_usd: (cost > 0.0).then_some((cost * 1e6).round() as i64),
        subject_hash: context.hashed(None, text_at(trace, "userId").as_deref()),
        format: "langfuse".to_owned(),
        attrs_json: Some(Value::Object(attrs).to_string()),
        ..blank_episode(id.clone(), task_id, context)
    })
}

fn feedback(
    episode: &EpisodeId,
    place: &str,
    value: &Value,
    corrects: bool,
    first_step: &BTreeMap<String, String>,
    context: &Context<'_>,
) -> Result<FeedbackRow, Reject> {
    let fields = value.as_object().ok_or_else(|| Reject::schema(place, "expected an object"))?;
    let id = text_at(fields, "id");
    let id = id.ok_or_else(|| Reject::schema(format!("{place}/id"), "expected text"))?;
    let kind = match (corrects, text_at(fields, "source").as_deref()) {
        (true, _) => FeedbackKind::Correction,
        (false, Some("ANNOTATION")) => FeedbackKind::Human,
        (false, _) => FeedbackKind::Evaluator,
    };
    let long = text_at(fields, "longStringValue").filter(|text| !text.is_empty());
    let correction = long.filter(|_| corrects).map(|text| nested(&Value::String(text)).to_string());
    let observation = text_at(fields, "observationId");
    let mut attrs = fields.clone();
    for told in [
        "id",
        "name",
        "value",
        "comment",
        "timestamp",
        "stringValue",
        "authorUserId",
        "longStringValue",
    ] {
        attrs.remove(told);
    }
    attrs.retain(|_, value| *value != Value::Null);
    Ok(FeedbackRow {
        feedback_id: id,
        episode_id: episode.clone(),
        event_id: observation.and_then(|id| first_step.get(&id).cloned()),
        kind,
        name: text_at(fields, "name").unwrap_or_default(),
        // A correction's number is a placeholder of the exporter, not a judgement.
        score: fields.get("value").and_then(Value::as_f64).filter(|_| !corrects),
        label: text_at(fields, "stringValue"),
        explanation: text_at(fields, "comment"),
        correction_json: correction,
        rater_hash: context.hashed(None, text_at(fields, "authorUserId").as_deref()),
        evaluator_version: None,
        event_time: time_at(fields, "timestamp", place)?,
        attrs_json: Some(Value::Object(attrs).to_string()),
    })
}

fn text_at(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn time_at(fields: &Map<String, Value>, name: &str, place: &str) -> Result<Option<i64>, Reject> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().and_then(time::parse).or_else(|| value.as_i64()) {
            Some(micros) => Ok(Some(micros)),
            None => Err(Reject::value(format!("{place}/{name}"), "expected an RFC 3339 time")),
        },
    }
}

fn list_at<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<&'a [Value], Reject> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(Reject::schema(format!("{place}/{name}"), "expected a list")),
    }
}
