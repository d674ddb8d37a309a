use super::*;

const STEP: &str = r#"{"type":"step","schema":"fqm-log/1","event_id":"e/0","episode_id":"e","step_index":0,"operation":"execute_tool","action_type":"call"}"#;

fn refused(line: &str) -> (&'static str, String) {
    let reject = parse_bytes(Format::Native, line.as_bytes(), &Context::default()).unwrap_err();
    assert!(!reject.reason.is_empty());
    (reject.rule, reject.pointer)
}

/// The step above with fields added.
fn with(fields: &str) -> String {
    format!("{},{fields}}}", STEP.strip_suffix('}').unwrap())
}

#[test]
fn the_fixture_gives_the_rows_it_says() {
    let (rows, rejects) = rows(fixture("native.jsonl"));
    assert_eq!(rejects, []);
    let (episodes, steps, feedback) = (episodes(&rows), steps(&rows), feedback(&rows));
    assert_eq!((episodes.len(), steps.len(), feedback.len()), (1, 3, 2));
    let episode = episodes[0];
    assert_eq!(episode.agent_name, "noisy-expert");
    assert_eq!(episode.start_ts, Some(1_772_352_000_000_000));
    assert_eq!(episode.retention_until, Some(20_878));
    assert_eq!(episode.format, "native");
    assert!(episode.level_digest.as_ref().unwrap().starts_with("sha256:"));
    assert!(episode.level_json.as_ref().unwrap().contains(r#""seed":7"#));
    assert_eq!(episode.attrs_json.as_deref(), Some(r#"{"host": "fixture"}"#));
    assert!(episode.subject_hash.as_ref().unwrap().starts_with("sha256:"));
    assert_eq!(steps[2].candidate_actions.as_ref().unwrap().len(), 4);
    assert_eq!(steps[2].chosen_index, Some(3));
    assert_eq!(steps[2].propensity, Some(0.9));
    assert_eq!(steps[1].outcome_index, Some(1));
    assert_eq!(steps[1].tool_args_json.as_deref(), Some(r#"{"prompt": "p1"}"#));
    assert!(steps[2].done && !steps[1].done);
    // UTC, another offset, and microseconds are one clock.
    let times: Vec<i64> = steps.iter().filter_map(|step| step.event_time).collect();
    let base = 1_772_352_000_000_000;
    assert_eq!(times, [base + 1_250_000, base + 2_500_000, base + 3_000_000]);
    assert_eq!(feedback[0].kind, FeedbackKind::Human);
    assert_eq!(feedback[1].correction_json.as_deref(), Some(r#"{"prompt": "p2"}"#));
    assert_eq!(feedback[1].event_id.as_deref(), Some("ep-1/1"));
}

#[test]
fn every_refusal_names_its_rule_and_place() {
    let table = [
        ("{\"type\":\"step\"", "invalid_json", ""),
        ("nonsense", "invalid_json", ""),
        ("[1]", "schema", ""),
        ("{}", "schema", "/type"),
        (r#"{"type":"banana","schema":"fqm-log/1"}"#, "unknown_type", "/type"),
        (r#"{"type":"banana","schema":"fqm-log/2"}"#, "future_schema", "/schema"),
        (r#"{"type":"step","schema":"fqm-log/7","new_field":1}"#, "future_schema", "/schema"),
        (r#"{"type":"step","schema":"fqm-log/1"}"#, "schema", ""),
    ];
    for (line, rule, pointer) in table {
        assert_eq!(refused(line), (rule, pointer.to_owned()), "{line}");
    }
    let fields = [
        (r#""surprise":1"#, "schema", ""),
        (r#""reward":"high""#, "schema", "/reward"),
        (r#""reward":1e300"#, "bad_value", ""),
        (r#""reward":1e999"#, "invalid_json", ""),
        (r#""reward":NaN"#, "invalid_json", ""),
        (r#""propensity":0"#, "bad_value", "/propensity"),
        (r#""propensity":1.5"#, "bad_value", "/propensity"),
        (r#""propensity":-0.1"#, "bad_value", "/propensity"),
        (r#""chosen_index":0"#, "bad_value", "/chosen_index"),
        (r#""candidates":[{"id":"a"}],"chosen_index":1"#, "bad_value", "/chosen_index"),
        (r#""candidates":[{"id":"a"}],"chosen_index":-1"#, "bad_value", "/chosen_index"),
        (r#""candidates":[{"id":"a","propensity":2}]"#, "bad_value", "/candidates/0/propensity"),
        (r#""candidates":[{"id":"a"},{"score":2}]"#, "schema", "/candidates/1"),
        (r#""latency_us":-5"#, "bad_value", "/latency_us"),
        (r#""time":"yesterday""#, "bad_value", ""),
        (r#""attrs":[1]"#, "schema", "/attrs"),
        (r#""done":true,"done":false"#, "bad_value", ""),
    ];
    for (field, rule, pointer) in fields {
        assert_eq!(refused(&with(field)), (rule, pointer.to_owned()), "{field}");
    }
    let early = STEP.replace("\"step_index\":0", "\"step_index\":-1");
    assert_eq!(refused(&early), ("bad_value", "/step_index".to_owned()));
    assert!(parse_bytes(Format::Native, STEP.as_bytes(), &Context::default()).is_ok());
}

#[test]
fn no_refusal_quotes_the_record() {
    let line = with(r#""reward":"jane@example.org","surprise":"jane@example.org""#);
    let reject = parse_bytes(Format::Native, line.as_bytes(), &Context::default()).unwrap_err();
    assert!(!reject.reason.contains("jane"), "{}", reject.reason);
}

#[test]
fn the_order_of_fields_is_free_and_bytes_must_be_utf8() {
    let line = STEP.replacen(r#""type":"step","#, "", 1).replace('}', r#","type" : "step"}"#);
    assert!(parse_bytes(Format::Native, line.as_bytes(), &Context::default()).is_ok());
    let mut bytes = STEP.as_bytes().to_vec();
    bytes[60] = 0xff;
    let reject = parse_bytes(Format::Native, &bytes, &Context::default()).unwrap_err();
    assert_eq!(reject.rule, "invalid_utf8");
    assert!(reject.reason.contains("byte 60"), "{}", reject.reason);
}

#[test]
fn people_are_hashed_with_the_key() {
    let line = |key| {
        let text = r#"{"type":"feedback","schema":"fqm-log/1","feedback_id":"f","episode_id":"e","kind":"human","name":"n","rater":"Ann"}"#;
        let context = Context { key, ..Context::default() };
        let rows = parse_bytes(Format::Native, text.as_bytes(), &context).unwrap();
        feedback(&rows)[0].rater_hash.clone().unwrap()
    };
    assert_eq!(line(b"one"), line(b"one"));
    assert_ne!(line(b"one"), line(b"two"));
    assert!(!line(b"one").contains("Ann"));
}

#[test]
fn what_is_written_with_the_wire_types_is_read_back() {
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).ok();
    let one = NativeFeedback {
        tag: FeedbackTag::Tag,
        schema: SchemaVersion::V1,
        feedback_id: "f".to_owned(),
        episode_id: "e".to_owned(),
        event_id: None,
        time: Some(Time(1_772_352_000_000_001)),
        kind: FeedbackKind::Approval,
        name: "n".to_owned(),
        score: Some(0.1),
        label: None,
        explanation: None,
        correction: raw("[1]"),
        rater: None,
        rater_hash: None,
        evaluator_version: None,
        attrs: None,
    };
    let line = serde_json::to_vec(&one).unwrap();
    let rows = parse_bytes(Format::Native, &line, &Context::default()).unwrap();
    assert_eq!(feedback(&rows)[0].event_time, Some(1_772_352_000_000_001));
    assert_eq!(feedback(&rows)[0].correction_json.as_deref(), Some("[1]"));
}

#[test]
fn the_schemas_checked_in_are_the_generated_ones() {
    for (name, schema) in schemas() {
        let path = repository("schemas").join(&name);
        let wanted = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("FQM_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, wanted, "{name}: run the tests with FQM_WRITE_SCHEMAS=1 to write it");
    }
}

#[test]
fn the_documented_example_is_a_valid_log() {
    let text = std::fs::read_to_string(repository("schemas/README.md")).unwrap();
    let example = text.split("```jsonl\n").nth(1).unwrap().split("```").next().unwrap();
    let (rows, rejects) = rows(example.as_bytes().to_vec());
    assert_eq!(rejects, []);
    assert_eq!(episodes(&rows).len(), 1);
    assert!(steps(&rows).iter().all(|step| step.candidate_actions.is_some()));
    assert!(!feedback(&rows).is_empty());
}

#[test]
fn fixture_lines_satisfy_the_json_schemas() {
    let all = schemas();
    for line in String::from_utf8(fixture("native.jsonl")).unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = format!("fqm-log-1.{}.schema.json", value["type"].as_str().unwrap());
        let (_, schema) = all.iter().find(|(file, _)| *file == name).unwrap();
        let validator = jsonschema::validator_for(schema).unwrap();
        assert!(validator.is_valid(&value), "{line}");
    }
}
