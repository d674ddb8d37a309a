//! Level files: parsing, checking, digests, splits.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::rich::RICH;
use crate::core::Digest;
use crate::quest::{
    Condition, Effects, GroundError, Init, Level, LevelError, Param, Split, Suite, VerifyError,
    World, certify, schema, split_of,
};

/// A small level; tests change one line of it.
pub(super) const SMALL: &str = r#"
schema = "fq-level/1"
id = "small"
family = "test"
level = 1
challenge = 1
narrative = "words"
source = { kind = "hand" }
init = ["has(a)", "has(b)", "coins = 2"]
goal = "done(a) and done(b)"
limits = { max_calls = 9 }
[types]
thing = "object"
special = "thing"
[objects]
thing = ["a"]
special = ["b"]
[predicates]
has = { params = ["?x: thing"], store = "inventory" }
done = { params = ["?x: thing"] }
rare = { params = ["?x: special"], static = true }
[fluents.coins]
max = 5
[functions.finish]
params = ["?x: thing"]
pre = "has(?x) and not done(?x) and coins >= 1"
effects = "done(?x), not has(?x), coins -= 1"
"#;

fn changed(from: &str, to: &str) -> Result<Level, LevelError> {
    assert!(SMALL.contains(from), "the test changes a line that exists");
    Level::from_toml(&SMALL.replace(from, to))
}

fn problem(from: &str, to: &str) -> String {
    changed(from, to).map(|_| String::new()).unwrap_or_else(|e| e.to_string())
}

#[test]
fn errors_name_the_place_and_the_fix() {
    let cases = [
        ("pre = \"has(?x)", "pre = \"hass(?x)", "functions.finish.pre: predicate `hass`"),
        ("pre = \"has(?x)", "pre = \"has(?y)", "`?y` is not a parameter here"),
        ("\"has(a)\"", "\"has(aa)\"", "init[0]: object `aa` is not declared"),
        ("pre = \"has(?x)", "pre = \"has(?x, ?x)", "has 2 arguments; `has` takes 1"),
        ("pre = \"has(?x)", "pre = \"rare(?x)", "type clash in `rare(?x)`: `?x` is a `thing`"),
        ("done(?x), not", "rare(b), not", "`rare` is static"),
        ("coins = 2", "coins = 9", "`coins = 9` is out of range; stay within 0..=5"),
        ("coins -= 1", "coinz -= 1", "fluent `coinz` is not declared"),
        ("coins -= 1", "coins -= 1, coins -= 1", "changed twice"),
        ("special = \"thing\"", "special = \"nothing\"", "type `nothing` is not declared"),
        ("thing = \"object\"", "thing = \"special\"", "does not lead up to `object`"),
        ("goal = \"done(a) and done(b)\"", "goal = \"\"", "goal: it is empty"),
        ("goal = \"done(a)", "goal = \"done(a) and not done(a)", "true and false at once"),
        ("max_calls = 9", "max_calls = 0", "limits.max_calls: max_calls is 0"),
        ("fq-level/1", "fq-level/9", "schema `fq-level/9` is not known"),
        ("pre = \"has(?x) and", "pre = \"has(?x) or", "write two functions instead"),
        ("narrative =", "narative =", "unknown field `narative`"),
    ];
    for (from, to, wanted) in cases {
        let found = problem(from, to);
        assert!(found.contains(wanted), "{to}: wanted `{wanted}`, found `{found}`");
    }
}

#[test]
fn probabilities_must_sum_to_one() {
    let text = format!(
        "{SMALL}outcomes = [{{ name = \"ok\", p = 0.5 }}, {{ name = \"late\", p = 0.4 }}]\n"
    );
    let found = Level::from_toml(&text).unwrap_err().to_string();
    assert!(
        found.contains("functions.finish.outcomes: probabilities of outcomes sum to 0.9"),
        "{found}"
    );
}

#[test]
fn an_unreachable_goal_is_a_clear_error() {
    let level = changed("init = [\"has(a)\", \"has(b)\",", "init = [\"has(a)\",").unwrap();
    let error = World::ground(&level).unwrap_err();
    assert_eq!(
        error,
        GroundError::GoalUnreachable { level: "small".into(), part: "done(b)".into() }
    );
    assert!(error.to_string().contains("goal `done(b)` can never be reached"));
}

#[test]
fn too_few_coins_is_proven_unsolvable() {
    let level = changed("coins = 2", "coins = 1").unwrap();
    let error = certify(level, &Default::default()).unwrap_err();
    assert!(matches!(error, VerifyError::Unsolvable { .. }), "{error}");
}

#[test]
fn a_level_that_a_no_op_passes_is_refused() {
    let level = changed("goal = \"done(a) and done(b)\"", "goal = \"has(a)\"").unwrap();
    let error = certify(level, &Default::default()).unwrap_err();
    assert_eq!(error, VerifyError::NoOpPasses("small".into()));
}

#[test]
fn too_many_ground_calls_name_the_function() {
    let names: Vec<String> = (0..80).map(|i| format!("\"o{i}\"")).collect();
    let level = changed("thing = [\"a\"]", &format!("thing = [\"a\", {}]", names.join(",")))
        .map(|l| l.to_json())
        .unwrap()
        .replace(
            "\"params\":[\"?x: thing\"],\"pre\":\"",
            "\"params\":[\"?x: thing\",\"?y: thing\",\"?z: thing\"],\"pre\":\"",
        );
    let error = World::ground(&Level::from_json(&level).unwrap()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("function `finish` brings it over 200000 calls"), "{text}");
}

#[test]
fn digests_ignore_order_and_spelling() {
    let level = Level::from_toml(SMALL).unwrap();
    let same = [
        ("init = [\"has(a)\", \"has(b)\",", "init = [ \"has( b )\",\"has(a)\","),
        ("has(?x) and not done(?x) and coins >= 1", "coins>0, !done(?x) && (has(?x))"),
        ("done(?x), not has(?x), coins -= 1", "coins -= 1, not has(?x), done(?x)"),
        ("goal = \"done(a) and done(b)\"", "goal = \"done(b) and done(a)\""),
    ];
    for (from, to) in same {
        assert_eq!(changed(from, to).unwrap().digest(), level.digest(), "{to}");
    }
    let json = Level::from_json(&level.to_json()).unwrap();
    assert_eq!(json, level);
    assert_eq!(json.digest(), level.digest());
}

#[test]
fn content_digest_covers_the_structure_alone() {
    let level = Level::from_toml(SMALL).unwrap();
    let words = changed("narrative = \"words\"", "narrative = \"others\"").unwrap();
    assert_ne!(words.digest(), level.digest());
    let same = [
        ("narrative = \"words\"", "narrative = \"others\""),
        ("id = \"small\"", "id = \"other\""),
        ("kind = \"hand\"", "kind = \"log\""),
        ("max_calls = 9", "max_calls = 12"),
    ];
    for (from, to) in same {
        assert_eq!(changed(from, to).unwrap().content_digest(), level.content_digest(), "{to}");
    }
    let other = [("coins = 2", "coins = 3"), ("coins >= 1", "coins >= 2"), ("max = 5", "max = 6")];
    for (from, to) in other {
        assert_ne!(changed(from, to).unwrap().content_digest(), level.content_digest(), "{to}");
    }
    let certified = certify(level.clone(), &Default::default()).unwrap();
    assert_eq!(certified.content_digest(), level.content_digest());
}

#[test]
fn splits_have_their_shares() {
    let mut counts = [0usize; 3];
    for i in 0..4000u32 {
        match split_of(&Digest::of(&i.to_le_bytes())) {
            Split::Train => counts[0] += 1,
            Split::Validation => counts[1] += 1,
            Split::Evaluation => counts[2] += 1,
        }
    }
    assert!((2280..2520).contains(&counts[0]), "{counts:?}");
    assert!((330..480).contains(&counts[1]), "{counts:?}");
}

/// File name under `schemas/`, schema.
fn schemas() -> [(&'static str, serde_json::Value); 2] {
    [
        ("fq-level-1.schema.json", schema().to_value()),
        ("fq-suite-1.schema.json", Suite::schema().to_value()),
    ]
}

#[test]
fn the_schemas_checked_in_are_the_generated_ones() {
    for (name, schema) in schemas() {
        let path = format!("{}/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
        let wanted = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("FQM_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, wanted, "{name}: run the tests with FQM_WRITE_SCHEMAS=1 to write it");
    }
}

#[test]
fn the_schemas_take_what_we_write_and_refuse_what_we_do() {
    let [(_, level), (_, suite)] = schemas();
    let validator = jsonschema::validator_for(&level).unwrap();
    for text in [SMALL, RICH] {
        let mut json = serde_json::to_value(Level::from_toml(text).unwrap()).unwrap();
        assert!(validator.is_valid(&json));
        json["functions"]["more"] = serde_json::json!({ "prre": "has(a)" });
        assert!(!validator.is_valid(&json));
    }
    let validator = jsonschema::validator_for(&suite).unwrap();
    for (name, text) in Suite::builtin_files().filter(|(name, _)| !name.starts_with("hand/")) {
        let table: toml::Table = text.parse().unwrap();
        assert!(validator.is_valid(&serde_json::to_value(table).unwrap()), "{name}");
    }
}

fn printed<T: std::str::FromStr + ToString>(text: &str) -> Option<(String, String)> {
    let once = text.parse::<T>().ok()?.to_string();
    let twice = once.parse::<T>().ok().map(|t| t.to_string()).unwrap_or_default();
    Some((once, twice))
}

#[test]
fn deep_and_long_expressions_are_refused() {
    assert!(format!("{}a{}", "(".repeat(40), ")".repeat(40)).parse::<Condition>().is_err());
    assert!("(".repeat(100_000).parse::<Condition>().is_err());
    assert!(vec!["a"; 2000].join(" and ").parse::<Condition>().is_err());
    let names: BTreeSet<_> =
        "a and (b and (c))".parse::<Condition>().unwrap().0.into_iter().collect();
    assert_eq!(names.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn parsing_never_panics(text in "\\PC{0,60}") {
        let _ = (text.parse::<Condition>(), text.parse::<Effects>());
        let _ = (text.parse::<Param>(), text.parse::<Init>());
        let _ = (Level::from_toml(&text), Level::from_json(&text));
    }

    #[test]
    fn printing_reads_back(text in "(not )?[a-c](\\(\\?x(, [d-f])?\\))?( (and|,) [a-c] (>=|<|==|!=|-=|\\+=) -?[0-9]{1,3}){0,3}") {
        for pair in [printed::<Condition>(&text), printed::<Effects>(&text)].into_iter().flatten() {
            prop_assert_eq!(&pair.0, &pair.1);
        }
    }
}
