//! What the delete relaxation marks, and graphs that are folded.

use std::sync::Arc;

use super::fixtures::world_of;
use super::state::State;
use crate::policy::graph::{call, fact, global};
use crate::policy::graph_of_play;
use crate::quest::{Play, World};

/// A stack of blocks; the tower that is wanted is told by the goal.
const BLOCKS: &str = r#"
schema = "fq-level/1"
id = "blocks"
family = "test"
level = 1
challenge = 1
limits = { max_calls = 99 }
source = { kind = "hand" }
init = ["on(a, b)", "on(b, c)", "table(c)", "clear(a)", "table(d)", "clear(d)", "free"]
goal = "on(c, d)"
[types]
block = "object"
[objects]
block = ["a", "b", "c", "d"]
[predicates]
on = { params = ["?x: block", "?y: block"] }
table = { params = ["?x: block"] }
clear = { params = ["?x: block"] }
held = { params = ["?x: block"] }
free = {}
[functions.pick]
params = ["?x: block"]
pre = "clear(?x) and table(?x) and free"
effects = "held(?x), not clear(?x), not table(?x), not free"
[functions.put]
params = ["?x: block"]
pre = "held(?x)"
effects = "not held(?x), clear(?x), table(?x), free"
[functions.stack]
params = ["?x: block", "?y: block"]
pre = "held(?x) and clear(?y) and ?x != ?y"
effects = "not held(?x), clear(?x), not clear(?y), on(?x, ?y), free"
[functions.unstack]
params = ["?x: block", "?y: block"]
pre = "on(?x, ?y) and clear(?x) and free and ?x != ?y"
effects = "held(?x), clear(?y), not clear(?x), not on(?x, ?y), not free"
"#;

fn start(text: &str) -> Play {
    Play::new(world_of(text), 0)
}

#[test]
fn marks_travel_down_a_tower() {
    let play = start(BLOCKS);
    let state = State::of(&play);
    assert_eq!(state.call("unstack(a, b)")[call::HELPS], 1.0);
    assert_eq!(state.call("pick(d)")[call::HELPS], 0.0);
    assert_eq!(state.fact("clear(c)")[fact::TO_TURN], 1.0);
    assert_eq!(state.fact("clear(d)")[fact::TO_KEEP], 1.0);
    let far = |name: &str| state.fact(name)[fact::FAR];
    assert!(far("clear(b)") < far("clear(c)") && far("clear(c)") < far("on(c, d)"));
    let calls = play.world().calls().len();
    assert!(state.nodes.calls.len() * 3 < calls, "{} of {calls}", state.nodes.calls.len());
}

#[test]
fn equally_cheap_supporters_are_all_marked() {
    // Two equal vans can bring the parcel.
    let text = r#"
schema = "fq-level/1"
id = "vans"
family = "test"
level = 1
challenge = 1
limits = { max_calls = 9 }
source = { kind = "hand" }
goal = "there"
[types]
van = "object"
[objects]
van = ["v1", "v2"]
[predicates]
there = {}
loaded = { params = ["?v: van"] }
[functions.load]
params = ["?v: van"]
effects = "loaded(?v)"
[functions.drive]
params = ["?v: van"]
pre = "loaded(?v)"
effects = "there"
"#;
    let mut play = start(text);
    let state = State::of(&play);
    for van in ["v1", "v2"] {
        let load = state.call(&format!("load({van})"));
        assert_eq!((load[call::HELPS], load[call::SOLE]), (1.0, 1.0));
        assert_eq!(state.call(&format!("drive({van})"))[call::SOLE], 0.5);
    }
    let folded = graph_of_play(&play);
    assert_eq!((folded.topology.calls, folded.topology.call_sizes.clone()), (2, vec![2, 2]));
    assert_eq!(folded.applicable.len(), 2);
    assert_eq!(folded.applicable[0], folded.applicable[1]);
    // Once they differ, they are told apart, and only one way is the cheapest.
    play.advance(play.world().call_by_name("load(v1)").unwrap()).unwrap();
    assert_eq!(graph_of_play(&play).topology.call_sizes, vec![1, 1, 1]);
    assert_eq!(State::of(&play).call("drive(v1)")[call::SOLE], 1.0);
}

#[test]
fn numbers_are_counted_in_calls() {
    let text = r#"
schema = "fq-level/1"
id = "savings"
family = "test"
level = 1
challenge = 1
limits = { max_calls = 40 }
source = { kind = "hand" }
init = ["coins = 1"]
goal = "rich"
[predicates]
rich = {}
[fluents.coins]
max = 20
[functions.earn]
effects = "coins += 3"
[functions.retire]
pre = "coins >= 9"
effects = "rich"
"#;
    let mut play = start(text);
    let squash = |cost: f32| cost / (cost + 4.0);
    let state = State::of(&play);
    assert_eq!(state.fluent("coins")[fact::FAR], squash(3.0));
    assert_eq!(state.call("retire()")[call::FAR], squash(3.0));
    assert_eq!(state.fact("rich")[fact::FAR], squash(4.0));
    assert_eq!(state.call("earn()")[call::HELPS], 1.0);
    let earn = play.world().call_by_name("earn()").unwrap();
    (0..3).for_each(|_| {
        play.advance(earn).unwrap();
    });
    let state = State::of(&play);
    assert_eq!(state.fluent("coins")[fact::TO_TURN], 0.0);
    assert_eq!(state.call("earn()")[call::HELPS], 0.0);
    assert_eq!(state.call("retire()")[call::HELPS], 1.0);
}

#[test]
fn a_goal_out_of_reach_is_seen() {
    let text = BLOCKS.replace("goal = \"on(c, d)\"", "goal = \"on(c, d) and clear(b)\"");
    let text = text.replace("[functions.pick]", "[functions.burn]\nparams = [\"?x: block\"]\npre = \"clear(?x) and table(?x)\"\neffects = \"not clear(?x)\"\n[functions.pick]");
    let mut play = start(&text);
    assert_eq!(graph_of_play(&play).globals[global::DEAD], 0.0);
    play.advance(play.world().call_by_name("burn(d)").unwrap()).unwrap();
    assert_eq!(graph_of_play(&play).globals[global::DEAD], 1.0);
}

#[test]
fn what_is_used_up_for_good_is_counted() {
    let text = r#"
schema = "fq-level/1"
id = "stamps"
family = "test"
level = 1
challenge = 1
limits = { max_calls = 9 }
source = { kind = "hand" }
init = ["stamp(s1)"]
goal = "sent(l1) and sent(l2) and sent(l3)"
[types]
letter = "object"
stamp = "object"
[objects]
letter = ["l1", "l2", "l3"]
stamp = ["s1", "s2"]
[predicates]
sent = { params = ["?l: letter"] }
stamp = { params = ["?s: stamp"] }
[functions.send]
params = ["?l: letter", "?s: stamp"]
pre = "stamp(?s)"
effects = "sent(?l), not stamp(?s)"
"#;
    let squash = |x: f32| x / (x.abs() + 4.0);
    let short = |text: &str| graph_of_play(&start(text)).globals[global::SHORT];
    assert_eq!(short(text), squash(2.0));
    let two = text.replace("[\"stamp(s1)\"]", "[\"stamp(s1)\", \"stamp(s2)\"]");
    assert_eq!(short(&two), squash(1.0));
    let buy =
        "[functions.buy]\nparams = [\"?s: stamp\"]\neffects = \"stamp(?s)\"\n[functions.send]";
    assert_eq!(short(&text.replace("[functions.send]", buy)), 0.0, "it can be brought back");
}

#[test]
fn the_order_of_objects_does_not_matter() {
    let other = BLOCKS.replace("\"a\", \"b\", \"c\", \"d\"]", "\"d\", \"b\", \"a\", \"c\"]");
    let (one, two) = (start(BLOCKS), start(&other));
    let (one, two) = (State::of(&one), State::of(&two));
    let names = |world: &Arc<World>, ids: &[u32]| {
        let mut names: Vec<String> =
            ids.iter().map(|id| world.calls()[*id as usize].name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&one.world, &one.nodes.calls), names(&two.world, &two.nodes.calls));
    for name in names(&one.world, &one.nodes.calls) {
        assert_eq!(one.call(&name), two.call(&name), "{name}");
    }
}
