use serde_json::json;

use crate::curate::{CurateError, CurateParams};

#[test]
fn an_unknown_parameter_is_refused_with_the_nearest_known_one() {
    let error = CurateParams::from_json(&json!({"min_feedbak": 0.5})).unwrap_err();
    assert!(matches!(error, CurateError::UnknownParameter { .. }));
    let text = error.to_string();
    for part in ["unknown parameter `min_feedbak`", "did you mean `min_feedback`?", "max_steps"] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    // The typed way, as a pipeline's reader takes it, refuses it as well.
    assert!(serde_json::from_value::<CurateParams>(json!({"min_feedbak": 0.5})).is_err());
}

#[test]
fn what_is_not_named_has_its_default() {
    let params = CurateParams::from_json(&json!({"max_steps": 7})).unwrap();
    assert_eq!(params, CurateParams { max_steps: 7, ..CurateParams::default() });
    assert_eq!(CurateParams::from_json(&json!({})).unwrap(), CurateParams::default());
}

#[test]
fn values_without_sense_are_refused() {
    for (value, part) in [
        (json!({"min_feedback": 1.0}), "`min_feedback` is 1"),
        (json!({"min_feedback": -0.1}), "`min_feedback`"),
        (json!({"split": [90, 5, 4]}), "`split` sums to 99"),
        (json!({"max_steps": 0}), "`max_steps`"),
        (json!({"window_days": 0}), "`window_days`"),
        (json!({"max_steps": "many"}), "expected u32"),
        (json!([1]), "not an object"),
    ] {
        let text = CurateParams::from_json(&value).unwrap_err().to_string();
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

#[test]
fn the_window_ends_with_the_night() {
    let params = CurateParams { window_days: 1, ..CurateParams::default() };
    let date = "2026-03-01".parse().unwrap();
    assert_eq!(params.window(date).from, date);
    let window = CurateParams::default().window(date);
    assert_eq!((window.from.to_string(), window.to), ("2026-01-31".to_owned(), date));
}

#[test]
fn every_parameter_is_documented_in_the_schema() {
    let schema = schemars::schema_for!(CurateParams);
    let properties = schema.get("properties").unwrap().as_object().unwrap();
    assert_eq!(properties.len(), 10);
    for (name, property) in properties {
        assert!(property.get("description").is_some(), "{name} has no description");
    }
    assert_eq!(schema.get("additionalProperties"), Some(&json!(false)));
}
