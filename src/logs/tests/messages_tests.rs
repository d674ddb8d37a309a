use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

fn attrs(step: &StepRow) -> Value {
    serde_json::from_str(step.attrs_json.as_deref().unwrap()).unwrap()
}

/// Messages by role, as they are recovered from the rows.
pub(super) fn roles(steps: &[&StepRow]) -> BTreeMap<String, usize> {
    let mut seen = std::collections::BTreeSet::new();
    for step in steps {
        let attrs = attrs(step);
        let episode = step.episode_id.as_str().to_owned();
        let role = attrs["role"].as_str().unwrap().to_owned();
        seen.insert((episode.clone(), attrs["message"].as_u64().unwrap(), role));
        if let Some(result) = attrs["result_message"].as_u64() {
            seen.insert((episode, result, "tool".to_owned()));
        }
    }
    let mut counts = BTreeMap::new();
    for (.., role) in seen {
        *counts.entry(role).or_default() += 1;
    }
    counts
}

#[test]
fn every_message_of_a_trajectory_lands() {
    let (rows, rejects) = rows(fixture("messages.json"));
    assert_eq!(rejects, []);
    let (episodes, steps) = (episodes(&rows), steps(&rows));
    assert_eq!(episodes.len(), 2);
    assert_eq!(episodes[0].total_reward, Some(1.0));
    assert_eq!((episodes[0].task_id.as_str(), episodes[1].task_id.as_str()), ("0", "atlas-2"));
    let wanted = [("assistant", 5), ("system", 1), ("tool", 4), ("user", 3)];
    assert_eq!(roles(&steps), wanted.map(|(role, n)| (role.to_owned(), n)).into());
    let calls: Vec<_> = steps.iter().filter(|step| step.action_type == "call").collect();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0].tool_args_json.as_deref(), Some(r#"{"title":"atlas"}"#));
    assert_eq!(calls[0].tool_result_json.as_deref(), Some(r#"{"loan":12}"#));
    assert_eq!(calls[1].tool_result_json.as_deref(), Some(r#""2026-03-01""#));
    // Arguments that are no JSON stay as text.
    assert_eq!(calls[2].tool_args_json.as_deref(), Some(r#""{\"loan\": 12""#));
    let said = steps.iter().find(|step| step.action_type == "respond").unwrap();
    assert_eq!(said.tool_args_json.as_deref(), Some(r#"{"content":"Which book?"}"#));
    let lost = steps.iter().find(|step| step.tool_call_id.as_deref() == Some("call_lost")).unwrap();
    assert_eq!(lost.action_type, "observe");
    assert!(lost.observation_json.as_ref().unwrap().contains("nobody asked"));
    assert!(steps.iter().all(|step| step.candidate_actions.is_none()));
    let scores: Vec<_> = feedback(&rows).iter().map(|row| (row.kind, row.score)).collect();
    assert_eq!(scores, [(FeedbackKind::Outcome, Some(1.0)), (FeedbackKind::Outcome, Some(0.0))]);
}

#[test]
fn lines_and_array_give_the_same_rows() {
    assert!(rows(fixture("messages.json")).0 == rows(fixture("messages.jsonl")).0);
}

#[test]
fn broken_trajectories_are_refused_with_their_place() {
    let table = [
        (r#"{"task_id":1}"#, "/traj"),
        (r#"{"traj":[]}"#, "/task_id"),
        (r#"{"task_id":1,"traj":{}}"#, "/traj"),
        (r#"{"task_id":1,"reward":"x","traj":[]}"#, "/reward"),
        (r#"{"task_id":1,"traj":[{"role":"user"},7]}"#, "/traj/1"),
        (r#"{"task_id":1,"traj":[{"content":"x"}]}"#, "/traj/0/role"),
        (
            r#"{"task_id":1,"traj":[{"role":"assistant","tool_calls":[{}]}]}"#,
            "/traj/0/tool_calls/0/function/name",
        ),
    ];
    for (text, pointer) in table {
        let reject =
            parse_bytes(Format::Messages, text.as_bytes(), &Context::default()).unwrap_err();
        assert_eq!((reject.rule, reject.pointer.as_str()), ("schema", pointer), "{text}");
    }
}

#[test]
fn every_observation_of_a_trace_lands() {
    let (rows, rejects) = rows(fixture("langfuse.trace.json"));
    assert_eq!(rejects, []);
    let (episode, steps) = (episodes(&rows)[0], steps(&rows));
    let spans: Vec<_> = steps.iter().map(|step| step.span_id.as_deref().unwrap()).collect();
    assert_eq!(spans, ["o-1", "o-2", "o-3", "o-4", "o-5"]);
    let kinds: Vec<_> =
        steps.iter().map(|step| (step.operation.as_str(), step.action_type.as_str())).collect();
    let wanted = [
        ("span", "observe"),
        ("execute_tool", "call"),
        ("execute_tool", "observe"),
        ("chat", "respond"),
        ("span", "observe"),
    ];
    assert_eq!(kinds, wanted);
    assert_eq!(steps[1].tool_name.as_deref(), Some("get_weather"));
    assert_eq!(steps[1].tool_args_json.as_deref(), Some(r#"{"city":"Ulm"}"#));
    assert_eq!(steps[1].tool_result_json.as_deref(), Some(r#""rain""#));
    assert_eq!(steps[1].latency_us, Some(1_000_000));
    assert!(steps[3].tool_args_json.as_ref().unwrap().contains("It rains."));
    assert_eq!((episode.tokens_in, episode.tokens_out), (50, 13));
    assert_eq!(episode.cost_micro_usd, Some(30));
    assert_eq!(episode.conversation_id.as_deref(), Some("s-1"));
    assert!(!episode.subject_hash.as_ref().unwrap().contains("user"));
    let feedback = feedback(&rows);
    assert_eq!(feedback[0].kind, FeedbackKind::Evaluator);
    assert_eq!(feedback[0].event_id.as_deref(), Some(steps[3].event_id.as_str()));
    assert_eq!(feedback[1].kind, FeedbackKind::Correction);
    assert_eq!(feedback[1].score, None);
    assert_eq!(feedback[1].correction_json.as_deref(), Some(r#""It rains in Ulm.""#));
}

#[test]
fn tool_calls_are_found_in_the_shapes_of_the_common_apis() {
    let call = |output: Value| {
        let trace = serde_json::json!({"trace": {"id": "t"}, "observations": [
            {"id": "o", "type": "GENERATION", "startTime": "2026-01-01T00:00:00Z", "output": output}]});
        let rows = parse_bytes(Format::Langfuse, trace.to_string().as_bytes(), &Context::default())
            .unwrap();
        let steps: Vec<_> = steps(&rows).into_iter().cloned().collect();
        assert_eq!(steps.len(), 1);
        (steps[0].tool_name.clone().unwrap(), steps[0].tool_args_json.clone().unwrap())
    };
    let wanted = ("f".to_owned(), r#"{"x":1}"#.to_owned());
    use serde_json::json;
    assert_eq!(call(json!({"tool_calls": [{"id": "c", "name": "f", "args": {"x": 1}}]})), wanted);
    assert_eq!(
        call(json!([{"type": "function_call", "name": "f", "arguments": "{\"x\":1}"}])),
        wanted
    );
    assert_eq!(
        call(json!({"content": [{"type": "tool_use", "name": "f", "input": {"x": 1}}]})),
        wanted
    );
    assert_eq!(call(json!({"parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]})), wanted);
}
