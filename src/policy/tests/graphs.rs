//! What a graph of a play says, and how graphs are joined.

use std::collections::BTreeSet;

use super::fixtures::{courier, courier_text, sure_courier, walk, world_of};
use super::state::State;
use crate::policy::graph::{call, fact, global};
use crate::policy::{
    Batch, CALL_FEATURES, EdgeKind, FACT_FEATURES, GLOBAL_FEATURES, Graph, circled, embed,
    epoch_batches, graph_of_play, pack, revisiting,
};
use crate::quest::{Play, World};

fn call_id(world: &World, name: &str) -> u32 {
    let plain = |name: &str| name.replace(' ', "");
    world.calls().iter().position(|c| plain(&c.name) == plain(name)).unwrap() as u32
}

#[test]
fn a_state_becomes_features_of_facts_fluents_calls_and_the_whole() {
    let world = courier();
    let play = Play::new(world.clone(), 0);
    let state = State::of(&play);
    let row = state.fact("at(p1, west)");
    assert_eq!((row[fact::FALSE], row[fact::GOAL_OPEN], row[fact::NOT_GOAL]), (1.0, 1.0, 0.0));
    let fuel = state.fluent("fuel");
    assert_eq!((fuel[fact::FLUENT], fuel[fact::SHARE], fuel[fact::TRUE]), (1.0, 0.6, 1.0));
    assert_eq!(state.graph.applicable.len(), play.applicable().len());
    let row = state.call("load_parcel(p2, north)");
    assert_eq!((row[call::CHANCE], row[call::RISK]), (0.75, 0.25));
    assert_eq!(state.graph.globals[global::BUDGET_SHARE], 1.0);
    let spends = state.graph.topology.edges.iter().filter(|e| {
        state.nodes.facts[e.fact as usize] as usize == world.facts().len()
            && e.kind == EdgeKind::Deletes
    });
    let name = |id: &u32| world.calls()[*id as usize].name.as_str();
    let drives = state.nodes.calls.iter().filter(|id| name(id).starts_with("drive"));
    let drives = drives.count();
    assert!(drives > 0 && spends.count() == drives);
}

#[test]
fn history_marks_calls_failures_and_circles() {
    let world = courier();
    let (load, unload) = ("load_parcel(p2, north)", "unload_parcel(p2, north)");
    let there = call_id(&world, "drive(north, west)");
    let mut play = Play::new(world.clone(), 0);
    play.apply_logged(call_id(&world, load), 1).unwrap();
    let failed = State::of(&play);
    let row = failed.call(load);
    assert_eq!((row[call::LAST], row[call::LAST_FAILED], row[call::FAILED]), (1.0, 1.0, 0.25));
    assert_eq!(row[call::CIRCLED], 0.0, "to try again after a failure is no circle");
    assert_eq!(failed.graph.globals[global::LAST_FAILED], 1.0);

    play.apply_logged(call_id(&world, load), 0).unwrap();
    play.apply_logged(call_id(&world, unload), 0).unwrap();
    let back = State::of(&play);
    assert_eq!(back.call(load)[call::CIRCLED], 1.0);
    assert_eq!(back.call(load)[call::CALLED], 0.5);
    assert_eq!(back.call(load)[call::RECENT], 0.5);
    assert_eq!(circled(&play), vec![call_id(&world, load)]);
    play.apply_logged(there, 0).unwrap();
    assert!(circled(&play).is_empty());
}

#[test]
fn a_sure_call_that_leads_back_is_foreseen_where_effects_are_told() {
    let sure = sure_courier();
    for (text, foreseen) in [
        (sure.clone(), true),
        (hiding(&sure, "effects_unknown"), false),
        (courier_text().to_owned(), true),
    ] {
        let world = world_of(&text);
        let mut play = Play::new(world.clone(), 0);
        assert!(revisiting(&play).is_empty());
        play.apply_logged(call_id(&world, "load_parcel(p2, north)"), 0).unwrap();
        let back = call_id(&world, "unload_parcel(p2, north)");
        // Driving takes fuel, so it never leads back.
        assert_eq!(revisiting(&play), if foreseen { vec![back] } else { Vec::new() });
    }
}

#[test]
fn equal_states_are_equal_graphs_with_sorted_edges() {
    let graphs = walk(1, 5);
    assert_eq!(graphs, walk(1, 5));
    let texts = |g: &Graph| std::sync::Arc::clone(&g.topology.texts);
    assert!(std::sync::Arc::ptr_eq(&texts(&graphs[0]), &texts(&graphs[4])));
    for graph in &graphs {
        let mut sorted = graph.topology.edges.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted, graph.topology.edges);
    }
}

#[test]
fn a_batch_joins_graphs_without_padding() {
    let graphs = walk(2, 3);
    let refs: Vec<&Graph> = graphs.iter().collect();
    let batch = Batch::new(&refs);
    assert!(batch.is_consistent());
    assert_eq!(batch.facts, graphs.iter().map(|g| g.topology.facts).sum::<usize>());
    let slots: BTreeSet<i64> = batch.edge_slot.iter().copied().collect();
    assert!((batch.edge_share.iter().sum::<f32>() - slots.len() as f32).abs() < 1e-4);
    assert!(batch.edge_slot.is_sorted() && batch.fact_graph.is_sorted());
    let counts: Vec<usize> = graphs.iter().map(|g| g.applicable.len()).collect();
    assert_eq!(batch.choice_counts, counts);
    assert_eq!(batch.choice_grid.len(), 3 * batch.width);
    let second = batch.choice_grid[batch.width] as usize;
    let expected = graphs[0].topology.calls as i64 + i64::from(graphs[1].applicable[0]);
    assert_eq!(batch.choices[second], expected);
}

#[test]
fn hidden_texts_are_zero_for_their_graph_alone() {
    let graphs = walk(3, 2);
    let mut batch = Batch::new(&[&graphs[0], &graphs[1]]);
    let mut answers = [true, false].into_iter();
    batch.hide_texts(|| answers.next().unwrap());
    let half = batch.texts.len() / 2;
    assert!(batch.texts[..half].iter().all(|v| *v == 0.0));
    assert!(batch.texts[half..].iter().any(|v| *v != 0.0));
}

#[test]
fn packs_keep_order_and_budget() {
    let packed = pack(&[3, 0, 1, 2], &[5, 5, 20, 4], 10);
    assert_eq!(packed, vec![vec![3, 0], vec![1], vec![2]]);
}

#[test]
fn an_epoch_sees_every_example_once_and_repeats_for_its_seed() {
    let nodes = vec![7; 50];
    let first = epoch_batches(&nodes, 30, 1, 1);
    assert_eq!(first, epoch_batches(&nodes, 30, 1, 1));
    assert_ne!(first, epoch_batches(&nodes, 30, 1, 2));
    assert_ne!(first, epoch_batches(&nodes, 30, 2, 1));
    let all: BTreeSet<usize> = first.iter().flatten().copied().collect();
    assert_eq!((all.len(), first.iter().map(Vec::len).sum::<usize>()), (50, 50));
    assert!(first.iter().all(|b| b.len() <= 4 && b.is_sorted()));
}

#[test]
fn texts_are_unit_vectors_that_share_words() {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let a = embed("get_user_details", "", &["user_id"]);
    assert!((dot(&a, &a) - 1.0).abs() < 1e-5);
    assert_eq!(a, embed("get_user_details", "", &["user_id"]));
    let near = dot(&a, &embed("getUserProfile", "", &["user_id"]));
    let far = dot(&a, &embed("book_flight", "", &["cabin"]));
    assert!(near > far + 0.2, "{near} {far}");
    assert!(embed("", "", &[]).iter().all(|v| *v == 0.0));
}

const TIMED: &str = r#"
schema = "fq-level/1"
id = "timed"
family = "test"
level = 1
challenge = 1
source = { kind = "hand" }
init = ["live(old)"]
goal = "built(new) and gone(old)"
limits = { max_calls = 9 }
types = { release = "object" }
objects = { release = ["new", "old"] }
[predicates]
free = {}
live = { params = ["?r: release"] }
built = { params = ["?r: release"] }
gone = { params = ["?r: release"] }
[functions.build]
params = ["?r: release"]
pre = "not built(?r)"
effects = "built(?r)"
takes = 2
outcomes = [{ name = "ok", p = 0.5 }, { name = "broken", p = 0.5, failed = true }]
[functions.retire]
params = ["?r: release"]
pre = "live(?r)"
effects = "not live(?r)"
[functions.delete]
params = ["?r: release"]
effects = "gone(?r)"
forbidden = "live(?r)"
"#;

#[test]
fn a_running_call_shows_its_time_and_not_its_end_and_a_guard_is_seen() {
    let level = crate::quest::Level::from_toml(TIMED).unwrap();
    let world = std::sync::Arc::new(World::ground(&level).unwrap());
    let build = call_id(&world, "build(new)");
    let mut lucky = Play::new(world.clone(), 0);
    let before = State::of(&lucky);
    assert!(before.call("build(new)")[call::TAKES] > 0.0);
    assert_eq!(before.call("build(new)")[call::RUNNING], 0.0);
    assert_eq!(before.call("delete(old)")[call::FORBIDDEN], 1.0);
    assert_eq!(before.call("delete(old)")[call::APPLICABLE], 1.0, "seen before any mask");
    assert_eq!(before.call("retire(old)")[call::HELPS], 1.0, "it lifts the guard");
    let mut unlucky = lucky.clone();
    lucky.apply_logged(build, 0).unwrap();
    unlucky.apply_logged(build, 1).unwrap();
    let running = State::of(&lucky);
    assert_eq!(running.graph, State::of(&unlucky).graph, "nobody knows yet how it ends");
    assert_eq!(running.call("build(new)")[call::RUNNING], 1.0);
    assert_eq!(running.call("wait()")[call::HELPS], 1.0);
    let retire = call_id(&world, "retire(old)");
    for play in [&mut lucky, &mut unlucky] {
        play.apply_logged(retire, 0).unwrap();
        play.apply_logged(call_id(&world, "wait()"), 0).unwrap();
    }
    let (well, badly) = (State::of(&lucky), State::of(&unlucky));
    assert_eq!(well.call("delete(old)")[call::FORBIDDEN], 0.0);
    assert_eq!(badly.call("build(new)")[call::FAILED], 0.25);
    assert_eq!(badly.call("build(new)")[call::HELPS], 1.0, "it must be tried again");
}

/// Columns that only a told goal fills.
const FACT_MARKS: [usize; 8] = [
    fact::GOAL_MET,
    fact::GOAL_OPEN,
    fact::AVOIDED,
    fact::TO_CLEAR,
    fact::SLACK,
    fact::TO_KEEP,
    fact::TO_TURN,
    fact::FAR,
];
const CALL_MARKS: [usize; 3] = [call::FAR, call::HELPS, call::SOLE];
const GLOBAL_MARKS: [usize; 5] =
    [global::PROGRESS, global::GOALS, global::OPEN, global::DEAD, global::SHORT];

fn column_sum(rows: &[f32], width: usize, columns: &[usize]) -> f32 {
    rows.chunks_exact(width).flat_map(|row| columns.iter().map(|c| row[*c].abs())).sum()
}

/// The courier of which something is not told, one call in.
fn courier_that_tells_less(observability: &str) -> Play {
    tells_less(courier_text(), observability)
}

fn hiding(text: &str, observability: &str) -> String {
    let line = format!(
        "limits = {{ max_calls = 30 }}\nobservability = \"{observability}\"\nnarrative = \"Bring p1 to the west.\""
    );
    text.replace("limits = { max_calls = 30 }", &line)
}

fn tells_less(text: &str, observability: &str) -> Play {
    let world = world_of(&hiding(text, observability));
    let mut play = Play::new(world.clone(), 3);
    play.step(call_id(&world, "load_parcel(p2, north)")).unwrap();
    play
}

#[test]
fn a_goal_that_is_not_told_leaves_no_mark() {
    let (full, less) =
        (courier_that_tells_less("full"), courier_that_tells_less("goal_in_narrative"));
    let (full, less) = (State::of(&full), State::of(&less));
    assert!(column_sum(&full.graph.fact_features, FACT_FEATURES, &FACT_MARKS) > 0.0);
    assert!(column_sum(&full.graph.call_features, CALL_FEATURES, &CALL_MARKS) > 0.0);
    assert_eq!(column_sum(&less.graph.fact_features, FACT_FEATURES, &FACT_MARKS), 0.0);
    assert_eq!(column_sum(&less.graph.call_features, CALL_FEATURES, &CALL_MARKS), 0.0);
    assert_eq!(column_sum(&less.graph.globals, GLOBAL_FEATURES, &GLOBAL_MARKS), 0.0);
    let facts = less.graph.topology.facts as f32;
    let plain = column_sum(&less.graph.fact_features, FACT_FEATURES, &[fact::NOT_GOAL]);
    assert_eq!((facts, less.nodes.facts.len()), (plain, less.graph.topology.facts));
    assert_eq!(less.nodes.calls.len(), less.world.calls().len(), "nothing can be left out");
}

#[test]
fn another_goal_that_is_not_told_gives_the_same_graph() {
    let hidden = courier_that_tells_less("goal_in_narrative");
    let text = courier_text().replace("goal = \"at(p1, west)", "goal = \"at(p1, north)");
    let other = tells_less(&text, "goal_in_narrative");
    assert_eq!(graph_of_play(&hidden), graph_of_play(&other));
    let told = [courier_that_tells_less("full"), tells_less(&text, "full")];
    assert_ne!(graph_of_play(&told[0]), graph_of_play(&told[1]));
}

#[test]
fn effects_that_are_not_told_leave_no_edge() {
    let (full, less) =
        (courier_that_tells_less("full"), courier_that_tells_less("effects_unknown"));
    let (full, less) = (State::of(&full), State::of(&less));
    let is_need = |kind: EdgeKind| matches!(kind, EdgeKind::Needs | EdgeKind::NeedsNot);
    assert!(full.graph.topology.edges.iter().any(|edge| !is_need(edge.kind)));
    assert!(less.graph.topology.edges.iter().all(|edge| is_need(edge.kind)));
    let told = [fact::GOAL_OPEN, fact::NOT_GOAL];
    assert!(column_sum(&less.graph.fact_features, FACT_FEATURES, &told) > 0.0);
    let marks = [fact::TO_KEEP, fact::TO_TURN, fact::FAR];
    assert_eq!(column_sum(&less.graph.fact_features, FACT_FEATURES, &marks), 0.0);
    assert_eq!(column_sum(&less.graph.call_features, CALL_FEATURES, &CALL_MARKS), 0.0);
    for row in less.graph.call_features.chunks_exact(CALL_FEATURES) {
        assert_eq!((row[call::CHANCE], row[call::QUALITY], row[call::RISK]), (1.0, 1.0, 0.0));
    }
}

#[test]
fn other_effects_that_are_not_told_give_the_same_graph() {
    let hidden = courier_that_tells_less("effects_unknown");
    let text = courier_text().replace(
        "effects = \"at(?p, ?l), not inside(?p), free\"",
        "effects = \"at(?p, ?l), free\"",
    );
    assert_ne!(text, courier_text());
    assert_eq!(graph_of_play(&hidden), graph_of_play(&tells_less(&text, "effects_unknown")));
}
