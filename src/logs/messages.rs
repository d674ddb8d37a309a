//! Chat-message trajectories in the shape of tau-bench: `{task_id, reward, info, traj, trial}`.
//!
//! Every message lands. System and user messages become steps with operation `message` and action
//! type `observe`; an assistant's text becomes a `respond` step, its words in the arguments; each of
//! its tool calls becomes a `call` step, joined to the tool message that answers it. The `attrs` of
//! a step name the message's index and role (`message`, `role`) and, for an answered call, the index
//! of the answer (`result_message`), so messages by role can be counted from the rows alone.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::rows::{EpisodeRow, FeedbackKind, FeedbackRow, Record, Status, StepRow, TimeSource};
use super::{Context, Reject, split_key};
use crate::core::{EpisodeId, digest_json};

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Reads one trajectory.
pub(super) fn parse(text: &str, context: &Context<'_>) -> Result<Vec<Record>, Reject> {
    let whole: Value = serde_json::from_str(text).map_err(|error| Reject::json(&error))?;
    let mut top: Object<'_> = serde_json::from_str(text)
        .map_err(|_| Reject::schema("", "expected an object with traj, task_id and reward"))?;
    let digest = digest_json(&whole).map_err(|error| Reject::json(&error))?;
    let hex = digest.hex();
    let id = EpisodeId::new(format!("messages-{}", hex.get(..32).unwrap_or(&hex)));
    let task_id = text_of(whole.get("task_id"))
        .ok_or_else(|| Reject::schema("/task_id", "expected text or a number"))?;
    let reward = number(whole.get("reward"), "/reward")?;
    let raw = top.remove("traj").ok_or_else(|| Reject::schema("/traj", "the field is missing"))?;
    let messages: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| Reject::schema("/traj", "expected a list of messages"))?;
    let mut walk = Walk::new(id.clone());
    for (index, message) in messages.iter().enumerate() {
        walk.message(index, message)?;
    }
    let steps = walk.finish();
    let mut records = Vec::with_capacity(steps.len() + 2);
    records.push(Record::Episode(EpisodeRow {
        n_steps: i32::try_from(steps.len()).unwrap_or(i32::MAX),
        total_reward: reward,
        attrs_json: rest(&top, messages.len()),
        ..blank_episode(id.clone(), task_id, context)
    }));
    records.extend(steps.into_iter().map(Record::Step));
    if let Some(reward) = reward {
        records.push(Record::Feedback(outcome(id, reward)));
    }
    Ok(records)
}

pub(super) fn blank_episode(id: EpisodeId, task_id: String, context: &Context<'_>) -> EpisodeRow {
    EpisodeRow {
        episode_id: id,
        parent_episode_id: None,
        conversation_id: None,
        trace_id: None,
        split_key: split_key(None, "chat", &task_id),
        task_id,
        workflow: "chat".to_owned(),
        agent_name: String::new(),
        agent_version: String::new(),
        policy_version: String::new(),
        behaviour_policy_sha: String::new(),
        start_ts: None,
        end_ts: None,
        event_time: None,
        time_source: TimeSource::Object,
        status: Status::Ok,
        n_steps: 0,
        total_reward: None,
        tokens_in: 0,
        tokens_out: 0,
        cost_micro_usd: None,
        tenant_id: String::new(),
        subject_hash: None,
        consent: context.default_consent,
        retention_until: None,
        level_json: None,
        level_digest: None,
        format: "messages".to_owned(),
        attrs_json: None,
    }
}

fn outcome(id: EpisodeId, reward: f64) -> FeedbackRow {
    FeedbackRow {
        feedback_id: format!("{id}:outcome"),
        episode_id: id,
        event_id: None,
        kind: FeedbackKind::Outcome,
        name: "reward".to_owned(),
        score: Some(reward),
        label: None,
        explanation: None,
        correction_json: None,
        rater_hash: None,
        evaluator_version: None,
        event_time: None,
        attrs_json: None,
    }
}

/// What else stood at the top (`info`, `trial`, …), with the number of messages.
fn rest(top: &Object<'_>, messages: usize) -> Option<String> {
    let mut all: BTreeMap<&str, Value> = BTreeMap::new();
    for (key, raw) in top {
        if key != "task_id" && key != "reward" {
            all.insert(key, serde_json::from_str(raw.get()).unwrap_or_default());
        }
    }
    all.insert("messages", json!(messages));
    serde_json::to_string(&all).ok()
}

fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: Option<&Value>, pointer: &str) -> Result<Option<f64>, Reject> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(yes)) => Ok(Some(f64::from(u8::from(*yes)))),
        Some(value) => match value.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(Reject::schema(pointer, "expected a number")),
        },
    }
}

/// Walks the messages of one trajectory.
struct Walk {
    episode: EpisodeId,
    steps: Vec<StepRow>,
    /// Calls that wait for their answer: call id, index of the step, what its attrs hold so far.
    open: Vec<(String, usize, Value)>,
}

impl Walk {
    fn new(episode: EpisodeId) -> Self {
        Self { episode, steps: Vec::new(), open: Vec::new() }
    }

    fn message(&mut self, index: usize, raw: &RawValue) -> Result<(), Reject> {
        let place = format!("/traj/{index}");
        let message: BTreeMap<String, Value> = serde_json::from_str(raw.get())
            .map_err(|_| Reject::schema(&place, "expected a message: an object with a role"))?;
        let role = match message.get("role") {
            Some(Value::String(role)) => role.clone(),
            _ => return Err(Reject::schema(format!("{place}/role"), "expected text")),
        };
        match role.as_str() {
            "assistant" => self.assistant(index, &place, message),
            "tool" if self.answer(index, &message) => Ok(()),
            _ => {
                let name = message.get("name").filter(|_| role == "tool").and_then(Value::as_str);
                let name = name.map(str::to_owned);
                let call = message.get("tool_call_id").and_then(Value::as_str).map(str::to_owned);
                let attrs = json!({"message": index, "role": role});
                // Written anew, so that the same message gives the same row however it was laid out.
                let said = serde_json::to_string(&message).ok();
                self.push("message", "observe", &attrs, |step| {
                    step.observation_json = said;
                    step.tool_name = name;
                    step.tool_call_id = call;
                });
                Ok(())
            }
        }
    }

    fn assistant(
        &mut self,
        index: usize,
        place: &str,
        mut message: BTreeMap<String, Value>,
    ) -> Result<(), Reject> {
        let calls = match message.remove("tool_calls") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(calls)) => calls,
            Some(_) => {
                return Err(Reject::schema(format!("{place}/tool_calls"), "expected a list"));
            }
        };
        message.remove("role");
        let content = message.remove("content").unwrap_or_default();
        let mut attrs = json!({"message": index, "role": "assistant"});
        if !message.is_empty() {
            attrs["extra"] = json!(message);
        }
        let silent = matches!(&content, Value::Null) || content.as_str() == Some("");
        if calls.is_empty() || !silent {
            let said = json!({ "content": content }).to_string();
            self.push("chat", "respond", &attrs, |step| step.tool_args_json = Some(said));
        }
        for (nth, call) in calls.iter().enumerate() {
            let place = format!("{place}/tool_calls/{nth}");
            self.call(&place, call, &attrs)?;
        }
        Ok(())
    }

    fn call(&mut self, place: &str, call: &Value, attrs: &Value) -> Result<(), Reject> {
        let function = call.get("function").unwrap_or(call);
        let name = function.get("name").and_then(Value::as_str).ok_or_else(|| {
            Reject::schema(format!("{place}/function/name"), "expected the function's name")
        })?;
        let args = function.get("arguments").or_else(|| function.get("args")).map(unwrapped);
        let id = call.get("id").and_then(Value::as_str).map(str::to_owned);
        let at = self.steps.len();
        self.push("execute_tool", "call", attrs, |step| {
            step.tool_name = Some(name.to_owned());
            step.tool_call_id.clone_from(&id);
            step.tool_args_json = args;
        });
        if let Some(id) = id {
            self.open.push((id, at, attrs.clone()));
        }
        Ok(())
    }

    /// Joins a tool message to the latest call that waits for it; false when none does.
    fn answer(&mut self, index: usize, message: &BTreeMap<String, Value>) -> bool {
        let Some(id) = message.get("tool_call_id").and_then(Value::as_str) else { return false };
        let Some(at) = self.open.iter().rposition(|(open, ..)| open == id) else { return false };
        let (_, step, mut attrs) = self.open.remove(at);
        let Some(step) = self.steps.get_mut(step) else { return false };
        step.tool_result_json = message.get("content").map(unwrapped);
        attrs["result_message"] = json!(index);
        let known = ["role", "content", "tool_call_id", "name"];
        let extra: BTreeMap<&String, &Value> =
            message.iter().filter(|(key, _)| !known.contains(&key.as_str())).collect();
        if !extra.is_empty() {
            attrs["result_extra"] = json!(extra);
        }
        step.attrs_json = Some(attrs.to_string());
        true
    }

    fn push(
        &mut self,
        operation: &str,
        action: &str,
        attrs: &Value,
        fill: impl FnOnce(&mut StepRow),
    ) {
        let index = self.steps.len();
        let mut step = blank_step(&self.episode, index, operation, action, Some(attrs));
        fill(&mut step);
        self.steps.push(step);
    }

    fn finish(mut self) -> Vec<StepRow> {
        if let Some(last) = self.steps.last_mut() {
            last.done = true;
        }
        self.steps
    }
}

/// A step with nothing in it; its candidates are unknown, which None says.
pub(super) fn blank_step(
    episode: &EpisodeId,
    index: usize,
    operation: &str,
    action: &str,
    attrs: Option<&Value>,
) -> StepRow {
    StepRow {
        event_id: format!("{episode}:{index}"),
        episode_id: episode.clone(),
        step_index: i32::try_from(index).unwrap_or(i32::MAX),
        span_id: None,
        parent_span_id: None,
        operation: operation.to_owned(),
        observation_json: None,
        action_type: action.to_owned(),
        tool_name: None,
        tool_call_id: None,
        tool_args_json: None,
        tool_result_json: None,
        candidate_actions: None,
        chosen_index: None,
        logprob: None,
        propensity: None,
        outcome_index: None,
        reward: None,
        done: false,
        model: String::new(),
        provider: String::new(),
        tokens_in: None,
        tokens_out: None,
        latency_us: None,
        error_type: None,
        tool_defs_sha: None,
        event_time: None,
        attrs_json: attrs.map(Value::to_string),
    }
}

/// JSON text of a value; text that is itself a JSON object or list is taken as that.
pub(super) fn unwrapped(value: &Value) -> String {
    nested(value).to_string()
}

/// The value inside JSON text inside JSON text, as deep as it goes (up to four times).
pub(super) fn nested(value: &Value) -> Value {
    let mut inner = value.clone();
    for _ in 0..4 {
        let Value::String(text) = &inner else { break };
        if !text.trim_start().starts_with(['{', '[', '"']) {
            break;
        }
        match serde_json::from_str(text) {
            Ok(parsed) => inner = parsed,
            Err(_) => break,
        }
    }
    inner
}
