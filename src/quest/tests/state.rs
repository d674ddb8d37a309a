//! What an agent sees of an episode.

use std::sync::Arc;

use serde_json::json;

use crate::quest::{FunctionQuestState, Level, Play, World};

const SHOP: &str = r#"
schema = "fq-level/1"
id = "shop"
family = "test"
level = 1
challenge = 1
source = { kind = "hand" }
goal = "has(bread) and not queue and coins >= 1"
init = ["sells(baker, bread)", "queue", "coins = 3"]
limits = { max_calls = 9 }
[types]
ware = "object"
shop = "object"
[objects]
ware = ["bread", "cake"]
shop = ["baker"]
[predicates]
has = { params = ["?w: ware"], store = "inventory" }
sells = { params = ["?s: shop", "?w: ware"], static = true }
queue = {}
[fluents.coins]
max = 3
[functions.buy]
params = ["?s: shop", "?w: ware"]
pre = "sells(?s, ?w)"
effects = "has(?w), coins -= 1"
returns = { value = "receipt for {w}" }
max_calls = 5
cooldown = 1
outcomes = [{ name = "paid", p = 0.5 }, { name = "poor", p = 0.25, effects = "has(?w)", quality = 0.5 }, { name = "refused", p = 0.25, failed = true }]
[functions.order]
pre = "queue"
effects = "not queue"
takes = 2
returns = { pool = ["cake"] }
exclusive_with = ["leave"]
[functions.leave]
forbidden = "queue"
effects = "not queue"
"#;

fn play(text: &str) -> Play {
    Play::new(Arc::new(World::ground(&Level::from_toml(text).unwrap()).unwrap()), 0)
}

fn make(play: &mut Play, name: &str, outcome: usize) {
    let call = play.world().call_by_name(name).unwrap_or_else(|| panic!("no call {name}"));
    play.apply_logged(call, outcome).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_state_shows_what_is_and_what_was_done() {
    let mut play = play(SHOP);
    make(&mut play, "buy(baker, bread)", 1);
    make(&mut play, "order()->cake", 0);
    make(&mut play, "buy(baker, bread)", 2);
    let seen = json!({
        "inventory": { "has": [["bread"]] },
        "environment_state": {
            "facts": { "queue": [[]], "sells": [["baker", "bread"]] },
            "fluents": { "coins": 3 },
            "running": { "order()->cake": 1 },
        },
        "function_call_history": [
            { "call": "buy(baker, bread)", "function": "buy", "outcome": "poor", "failed": false,
              "arguments": { "s": "baker", "w": "bread" } },
            { "call": "order()->cake", "function": "order", "arguments": {}, "failed": false,
              "running": true },
            { "call": "buy(baker, bread)", "function": "buy", "outcome": "refused", "failed": true,
              "arguments": { "s": "baker", "w": "bread" } },
        ],
        "current_return_values": {
            "buy(baker, bread)": { "value": "receipt for bread", "quality": 0.5 },
        },
        "goal": [
            { "part": "has(bread)", "met": true },
            { "part": "not queue", "met": false },
            { "part": "coins >= 1", "met": true },
        ],
        "goal_achieved": false,
        "goal_progress": 1.0 - 1.0 / 3.0,
        "calls_left": 6,
    });
    assert_eq!(serde_json::to_value(play.state()).unwrap(), seen);
    let back: FunctionQuestState = serde_json::from_value(seen).unwrap();
    assert_eq!(back, play.state());
    make(&mut play, "wait()", 0);
    let after = play.state();
    assert!(after.goal_achieved && after.environment_state.running.is_empty());
    assert_eq!(after.current_return_values["order()"].value, "cake");
    assert!(!after.function_call_history[1].running);
    play.undo();
    play.undo();
    assert_eq!(play.state().function_call_history.len(), 2);
}

#[test]
fn a_forbidden_call_is_marked() {
    let mut play = play(SHOP);
    make(&mut play, "buy(baker, bread)", 0);
    make(&mut play, "leave()", 0);
    let state = play.state();
    assert!(!state.goal_achieved && !state.function_call_history[0].forbidden);
    assert!(state.function_call_history[1].forbidden);
}

#[test]
fn a_goal_that_stands_in_the_narrative_is_not_told() {
    let hidden = SHOP.replace(
        "limits = { max_calls = 9 }",
        "limits = { max_calls = 9 }\nobservability = \"goal_in_narrative\"\nnarrative = \"Get bread.\"",
    );
    let state = play(&hidden).state();
    assert_eq!((state.goal, state.goal_progress), (None, None));
    assert!(play(SHOP).state().goal.is_some());
}

#[test]
fn the_schema_describes_the_state() {
    let schema = serde_json::to_value(schemars::schema_for!(FunctionQuestState)).unwrap();
    let checker = jsonschema::validator_for(&schema).unwrap();
    let mut play = play(SHOP);
    make(&mut play, "order()->cake", 0);
    let mut state = serde_json::to_value(play.state()).unwrap();
    assert!(checker.is_valid(&state));
    state["calls_left"] = json!("many");
    assert!(!checker.is_valid(&state));
}
