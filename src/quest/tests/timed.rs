//! Calls that take time, forbidden calls, costs by argument.

use std::sync::Arc;

use crate::quest::{
    Agent, Expert, Greedy, Level, Play, SolveLimits, StepError, StepOutcome, World, play_out,
};

const KITCHEN: &str = r#"
schema = "fq-level/1"
id = "kitchen"
family = "test"
level = 1
challenge = 1
source = { kind = "hand" }
goal = "boiled(rice) and chopped and coins >= 1"
init = ["coins = 3", "free(left)", "free(right)"]
limits = { max_calls = 20 }
[types]
dish = "object"
ring = "object"
[objects]
dish = ["rice", "soup"]
ring = ["left", "right"]
[predicates]
boiled = { params = ["?d: dish"] }
free = { params = ["?r: ring"] }
chopped = {}
[fluents.coins]
max = 3
[functions.boil]
params = ["?d: dish", "?r: ring"]
pre = "free(?r) and not boiled(?d)"
at_start = "not free(?r)"
effects = "boiled(?d), free(?r), coins -= 1"
takes = 2
returns = { value = "{d}" }
outcomes = [
  { name = "done", p = 0.5 },
  { name = "burnt", p = 0.5, effects = "free(?r), coins -= 1", quality = 0.5, failed = true },
]
[functions.chop]
effects = "chopped"
[functions.rest]
cooldown = 3
"#;

fn world(text: &str) -> Arc<World> {
    Arc::new(World::ground(&Level::from_toml(text).unwrap()).unwrap())
}

fn id(play: &Play, name: &str) -> u32 {
    play.world().call_by_name(name).unwrap_or_else(|| panic!("no call {name}"))
}

fn make(play: &mut Play, name: &str, outcome: usize) -> StepOutcome {
    let id = id(play, name);
    play.apply_logged(id, outcome).unwrap_or_else(|e| panic!("{e}"))
}

fn holds(play: &Play, name: &str) -> bool {
    let fact = play.world().facts().iter().position(|f| f.name == name);
    play.is_true(u32::try_from(fact.unwrap_or_else(|| panic!("no fact {name}"))).unwrap())
}

fn value(play: &Play, name: &str) -> i64 {
    let fluent = play.world().fluents().iter().position(|f| f.name == name);
    play.fluent(fluent.unwrap_or_else(|| panic!("no fluent {name}")))
}

#[test]
fn a_call_that_takes_time_starts_runs_and_ends() {
    let mut play = Play::new(world(KITCHEN), 0);
    let boil = id(&play, "boil(rice, left)");
    let wait = id(&play, "wait()");
    assert!(!play.is_applicable(wait), "nothing runs");
    let started = make(&mut play, "boil(rice, left)", 0);
    assert_eq!((started.name, started.returned, started.finished.len()), (None, None, 0));
    assert!((started.reward + 0.02).abs() < 1e-12, "its cost, when it starts");
    assert_eq!(value(&play, "coins"), 2, "paid when it starts");
    assert!(!holds(&play, "free(left)") && holds(&play, "running(boil(rice, left))"));
    assert!(!play.is_applicable(boil) && play.is_applicable(wait));
    assert_eq!(play.running().map(|r| (r.call, r.left)).collect::<Vec<_>>(), [(boil, 2)]);

    let other = make(&mut play, "chop()", 0);
    assert!(other.finished.is_empty() && !holds(&play, "boiled(rice)"));
    assert_eq!(play.running().next().unwrap().left, 1);
    let last = make(&mut play, "chop()", 0);
    assert_eq!(last.finished.len(), 1);
    assert_eq!(last.finished[0].call, boil);
    assert_eq!(last.finished[0].returned.as_deref(), Some("rice"));
    assert!(holds(&play, "boiled(rice)") && holds(&play, "free(left)"));
    assert!(!holds(&play, "running(boil(rice, left))"));
    assert_eq!((play.running().count(), value(&play, "running()")), (0, 0));
    assert!(play.goal_achieved() && (last.reward - 0.98).abs() < 1e-12);
    assert_eq!(play.finished().collect::<Vec<_>>(), last.finished);
    play.undo();
    assert!(play.finished().next().is_none() && !play.goal_achieved());
}

#[test]
fn calls_overlap_and_wait_lets_time_pass_until_the_next_end() {
    let mut play = Play::new(world(KITCHEN), 0);
    make(&mut play, "boil(rice, left)", 1);
    make(&mut play, "boil(soup, right)", 0);
    make(&mut play, "rest()", 0);
    // The first has ended during `rest`, the second has one step left, and `rest` cools down.
    assert_eq!(value(&play, "left(boil(rice, left)#1)"), 0);
    assert_eq!(value(&play, "left(boil(soup, right)#0)"), 1);
    assert!(!holds(&play, "boiled(rice)") && holds(&play, "free(left)"), "burnt");
    make(&mut play, "boil(rice, left)", 0);
    assert!(holds(&play, "boiled(soup)"));
    let cooling = value(&play, "cooldown(rest)");
    assert_eq!((cooling, play.running().next().unwrap().left), (2, 2));
    let waited = make(&mut play, "wait()", 0);
    assert_eq!(waited.finished.len(), 1);
    assert_eq!(value(&play, "cooldown(rest)"), 0, "two steps passed at once");
    assert!(holds(&play, "boiled(rice)"));
    assert!((waited.reward + 0.02).abs() < 1e-12, "no coin is left, so no goal yet");
}

#[test]
fn the_quality_of_a_call_counts_when_it_ends() {
    let mut play = Play::new(world(KITCHEN), 0);
    let started = make(&mut play, "boil(rice, left)", 1);
    assert!(!started.failed && (started.reward + 0.02).abs() < 1e-12);
    let ended = make(&mut play, "wait()", 0);
    let burnt = &ended.finished[0];
    assert_eq!((burnt.name.as_deref(), burnt.failed, burnt.quality), (Some("burnt"), true, 0.5));
    assert_eq!(burnt.returned, None);
    assert!((ended.reward + 0.02 + 0.01).abs() < 1e-12);
    assert!(play.is_applicable(id(&play, "boil(rice, left)")), "it may be tried again");
}

#[test]
fn simultaneous_ends_take_effect_in_the_order_of_their_calls() {
    let text = KITCHEN
        .replace("effects = \"boiled(?d), free(?r), coins -= 1\"", "effects = \"toggle(?d)\"")
        .replace("[functions.chop]", "[functions.after]\ntakes = 1\neffects = \"not chopped\"\n[functions.before]\ntakes = 2\neffects = \"chopped\"\n[functions.chop]")
        .replace("toggle(?d)", "boiled(?d), free(?r)");
    let mut play = Play::new(world(&text), 0);
    make(&mut play, "before()", 0);
    make(&mut play, "after()", 0);
    let ended = make(&mut play, "wait()", 0);
    assert_eq!(ended.finished.len(), 2);
    assert!(holds(&play, "chopped"), "`after()` stands before `before()`, so `before()` wins");
}

#[test]
fn wait_is_there_only_where_something_takes_time() {
    let plain = world(&KITCHEN.replace("takes = 2\n", "").replace("at_start", "#"));
    assert!(plain.call_by_name("wait()").is_none() && plain.running_fluent().is_none());
    assert!(plain.functions().iter().all(|f| f.name != "wait"));
    assert_eq!(world(KITCHEN).functions().last().unwrap().name, "wait");
}

const VAULT: &str = r#"
schema = "fq-level/1"
id = "vault"
family = "test"
level = 1
challenge = 1
source = { kind = "hand" }
goal = "open"
limits = { max_calls = 9 }
[predicates]
open = {}
alarm_off = {}
[functions.force]
effects = "open"
forbidden = "not alarm_off"
[functions.disarm]
effects = "alarm_off"
"#;

#[test]
fn a_forbidden_call_can_be_made_and_fails_the_episode() {
    let mut play = Play::new(world(VAULT), 0);
    let force = id(&play, "force()");
    assert!(play.is_applicable(force) && play.is_forbidden(force));
    assert_eq!(play.allowed().collect::<Vec<_>>(), [id(&play, "disarm()")]);
    let forced = play.step(force).unwrap();
    assert!((forced.reward + 1.02).abs() < 1e-12);
    assert!(play.violated() && play.done() && !play.goal_achieved());
    assert_eq!(play.goal_progress(), 1.0, "the effects are as usual");
    play.undo();
    assert!(!play.violated() && !play.done());
    make(&mut play, "disarm()", 0);
    assert!(!play.is_forbidden(force));
    make(&mut play, "force()", 0);
    assert!(play.goal_achieved() && !play.violated());
}

#[test]
fn guards_that_never_or_always_hold_are_simplified() {
    let never = world(&VAULT.replace("not alarm_off", "alarm_off and open").replace(
        "[functions.disarm]\neffects = \"alarm_off\"",
        "[functions.disarm]\neffects = \"not alarm_off\"",
    ));
    assert!(!never.is_guarded());
    let always = world(&VAULT.replace("forbidden = \"not alarm_off\"", "forbidden = \"\""));
    let play = Play::new(always, 0);
    assert!(play.is_forbidden(id(&play, "force()")) && !play.done());
    let only = VAULT.replace("[functions.disarm]\neffects = \"alarm_off\"", "");
    assert!(Play::new(world(&only), 0).done(), "nothing is left that is not forbidden");
}

#[test]
fn agents_of_good_will_never_choose_a_forbidden_call() {
    let world = world(VAULT);
    for seed in 0..20 {
        let greedy: &mut dyn Agent = &mut Greedy::new(seed);
        for agent in [greedy, &mut Expert::new(SolveLimits::default())] {
            let play = play_out(agent, &world, seed).unwrap();
            assert!(!play.violated() && play.goal_achieved(), "{}", agent.name());
        }
    }
}

#[test]
fn greedy_waits_for_what_runs() {
    let text = KITCHEN.replace("p = 0.5", "p = 1.0").replace(
        "  { name = \"burnt\", p = 1.0, effects = \"free(?r), coins -= 1\", quality = 0.5, failed = true },\n",
        "",
    );
    let world = world(&text);
    for seed in 0..20 {
        let play = play_out(&mut Greedy::new(seed), &world, seed).unwrap();
        assert!(play.goal_achieved(), "{:?}", play.history());
    }
}

const ROADS: &str = r#"
schema = "fq-level/1"
id = "roads"
family = "test"
level = 1
challenge = 1
source = { kind = "hand" }
goal = "at(c)"
init = ["at(a)"]
limits = { max_calls = 9 }
[types]
town = "object"
[objects]
town = ["a", "b", "c"]
[predicates]
at = { params = ["?t: town"] }
[costs.road]
params = ["?x: town", "?y: town"]
values = { "a, b" = 2.5, "b, c" = 4, "c, a" = 1 }
[functions.drive]
params = ["?from: town", "?to: town"]
pre = "at(?from)"
effects = "at(?to), not at(?from)"
cost_by = "road(?from, ?to)"
"#;

#[test]
fn costs_follow_the_arguments_and_a_missing_one_makes_the_call_impossible() {
    let mut play = Play::new(world(ROADS), 0);
    let costs: Vec<_> = play.world().calls().iter().map(|c| (c.name.as_str(), c.cost)).collect();
    assert_eq!(costs, [("drive(a, b)", 2.5), ("drive(b, c)", 4.0), ("drive(c, a)", 1.0)]);
    assert!((make(&mut play, "drive(a, b)", 0).reward + 0.05).abs() < 1e-12);
    let back = play.world().call_by_name("drive(b, a)");
    assert_eq!(back, None);
    assert!(matches!(play.step(99), Err(StepError::UnknownCall { .. })));
}
