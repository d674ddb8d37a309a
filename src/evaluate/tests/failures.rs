//! Each pattern of failure, by a script of calls on a small level.

use crate::evaluate::*;
use crate::quest::{Agent, AgentError, Choice, Level, Play};

/// Makes the calls of a script, then the first applicable one.
struct Script(Vec<&'static str>);

impl Agent for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        let choose = |play: &&Play| {
            let name = self.0.get(play.calls_used() as usize % self.0.len()).copied();
            let call = name.and_then(|name| play.world().call_by_name(name)).unwrap_or(u32::MAX);
            Choice { call, propensities: Vec::new() }
        };
        Ok(plays.iter().map(choose).collect())
    }
}

/// A level with one way for each pattern; doors lead on, `a` and `b` are reached, `c` is out of reach
/// once the bridge is burnt.
const LEVEL: &str = r#"
schema = "fq-level/1"
id = "patterns"
family = "hand"
level = 1
challenge = 1
source = { kind = "hand" }
init = ["bridge"]
goal = "a and b and c"
limits = { max_calls = 6 }
predicates = { a = {}, b = {}, c = {}, bridge = {}, lit = {}, seen = {} }

[functions.light]
pre = "not lit and bridge"
effects = "lit"
[functions.dim]
pre = "lit and bridge"
effects = "not lit"
[functions.take_a]
pre = "not a and bridge"
effects = "a"
[functions.take_b]
pre = "not b and bridge"
effects = "b"
[functions.take_c]
pre = "a and b and not c and bridge"
effects = "c"
[functions.burn]
pre = "bridge"
effects = "not bridge"
[functions.steal]
pre = "bridge"
effects = "c"
forbidden = ""
[functions.gamble]
pre = "bridge"
effects = "seen"
outcomes = [
  { name = "win", p = 0.000001 },
  { name = "lose", p = 0.999999, failed = true },
]
[functions.idle]
pre = "bridge"
max_calls = 6
"#;

fn played(calls: &[&'static str]) -> Trace {
    let level = Level::from_toml(LEVEL).unwrap();
    let planned = plan_level(level, 1, 0);
    play_levels(&mut Script(calls.to_vec()), &[planned]).unwrap().remove(0)
}

#[track_caller]
fn fails(calls: &[&'static str], failure: Failure, about: &str) {
    let trace = played(calls);
    assert_eq!((trace.result.failure, trace.about.as_str()), (Some(failure), about), "{trace:?}");
    assert!(!trace.result.success && trace.result.efficiency.is_none());
}

#[test]
fn every_pattern_is_told_apart() {
    fails(&["take_a()", "steal()"], Failure::Forbidden, "steal");
    fails(&["take_a()", "burn()"], Failure::DeadEnd, "burn");
    fails(&["gamble()"], Failure::FailedOutcomes, "gamble#lose");
    fails(&["light()", "dim()"], Failure::Loop, "dim");
    fails(&["no_such_call()"], Failure::Error, "");
    let early = ["take_a()", "light()", "dim()", "idle()", "light()", "dim()"];
    fails(&early, Failure::Loop, "dim");
    let late = ["light()", "dim()", "idle()", "take_a()", "take_b()", "light()"];
    fails(&late, Failure::RanOut, "c");
}

#[test]
fn a_trapdoor_that_leaves_forbidden_calls_only_is_a_dead_end() {
    let trapdoor = LEVEL
        .replace("effects = \"not bridge\"", "effects = \"not bridge, trapped\"")
        .replace("pre = \"bridge\"\neffects = \"c\"", "effects = \"c\"")
        .replace("forbidden = \"\"", "forbidden = \"trapped\"")
        .replace("bridge = {}", "bridge = {}, trapped = {}");
    let planned = plan_level(Level::from_toml(&trapdoor).unwrap(), 1, 0);
    let script = vec!["take_a()", "burn()"];
    let trace = play_levels(&mut Script(script), &[planned]).unwrap().remove(0);
    assert_eq!(trace.calls, ["take_a()", "burn()"], "the play ends there");
    assert_eq!((trace.result.failure, trace.about.as_str()), (Some(Failure::DeadEnd), "burn"));
    assert!(!trace.result.violated);
}

#[test]
fn what_is_stuck_moves_without_getting_anywhere_new() {
    // A counter that the level declares makes every state new, though nothing else changes.
    let counting = LEVEL
        .replace(
            "[functions.idle]\npre = \"bridge\"",
            "[functions.idle]\npre = \"bridge\"\neffects = \"spent += 1\"",
        )
        .replace("[functions.light]", "[fluents.spent]\nmax = 9\n\n[functions.light]");
    let level = Level::from_toml(&counting).unwrap();
    let planned = plan_level(level, 1, 0);
    let script = vec!["take_a()", "idle()", "idle()", "idle()", "idle()", "idle()"];
    let trace = play_levels(&mut Script(script), &[planned]).unwrap().remove(0);
    assert_eq!(trace.result.failure, Some(Failure::Stuck), "{trace:?}");
    assert_eq!(trace.about, "b, c");
}

#[test]
fn a_violation_is_no_success_although_the_goal_holds() {
    let trace = played(&["take_a()", "take_b()", "steal()"]);
    assert!(trace.result.violated && !trace.result.success);
    assert_eq!(trace.result.failure, Some(Failure::Forbidden));
    assert_eq!(score([&trace.result]).violations, 1);
    let right = played(&["take_a()", "take_b()", "take_c()"]);
    assert!(right.result.success && !right.result.violated && right.about.is_empty());
    assert_eq!(right.calls, ["take_a()", "take_b()", "take_c()"]);
}

#[test]
fn failures_are_grouped_with_their_shortest_plays_as_examples() {
    let traces: Vec<Trace> = [
        vec!["take_a()", "take_b()", "burn()"],
        vec!["burn()"],
        vec!["take_a()", "burn()"],
        vec!["light()", "burn()"],
        vec!["steal()"],
        vec!["take_a()", "take_b()", "take_c()"],
    ]
    .iter()
    .map(|calls| played(calls))
    .collect();
    let groups = failure_groups(&traces);
    let heads: Vec<_> = groups.iter().map(|g| (g.failure, g.about.as_str(), g.plays)).collect();
    assert_eq!(heads, [(Failure::DeadEnd, "burn", 4), (Failure::Forbidden, "steal", 1)]);
    let lengths: Vec<usize> = groups[0].examples.iter().map(|e| e.calls.len()).collect();
    assert_eq!(lengths, [1, 2, 2]);
    assert_eq!(groups[0].examples[0].level, "patterns");
    assert_eq!(groups[0].grades["hand/1.1"], 4);
}
