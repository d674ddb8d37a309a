//! What a graph of a play says, and how graphs are joined.

use std::collections::BTreeSet;

use super::fixtures::{courier, courier_text, walk, world_of};
use crate::policy::graph::{call, fact, global};
use crate::policy::{
    Batch, CALL_FEATURES, EDGE_KINDS, EdgeKind, FACT_FEATURES, Graph, embed, epoch_batches,
    graph_of_play, pack,
};
use crate::quest::{Play, World};

fn call_id(world: &World, name: &str) -> u32 {
    world.calls().iter().position(|c| c.name == name).unwrap() as u32
}

fn fact_row(graph: &Graph, node: usize) -> &[f32] {
    &graph.fact_features[node * FACT_FEATURES..][..FACT_FEATURES]
}

fn call_row(graph: &Graph, node: u32) -> &[f32] {
    &graph.call_features[node as usize * CALL_FEATURES..][..CALL_FEATURES]
}

#[test]
fn a_state_becomes_features_of_facts_fluents_calls_and_the_whole() {
    let world = courier();
    let play = Play::new(world.clone(), 0);
    let graph = graph_of_play(&play);
    let goal =
        world.facts().iter().position(|f| f.name.starts_with("at(p1") && f.name.contains("west"));
    let row = fact_row(&graph, goal.unwrap());
    assert_eq!((row[fact::FALSE], row[fact::GOAL_OPEN], row[fact::NOT_GOAL]), (1.0, 1.0, 0.0));
    let fuel = fact_row(&graph, world.facts().len());
    assert_eq!((fuel[fact::FLUENT], fuel[fact::SHARE], fuel[fact::TRUE]), (1.0, 0.6, 1.0));
    assert_eq!(graph.applicable.len(), play.applicable().len());
    let load = world.calls().iter().position(|c| c.name.starts_with("load_parcel(p2")).unwrap();
    let row = call_row(&graph, load as u32);
    assert_eq!((row[call::CHANCE], row[call::RISK]), (0.75, 0.25));
    assert_eq!(graph.globals[global::BUDGET_SHARE], 1.0);
    let spends = |e: &&crate::policy::Edge| {
        e.fact as usize == world.facts().len() && e.kind == EdgeKind::Deletes
    };
    let drives = world.calls().iter().filter(|c| c.name.starts_with("drive")).count();
    assert_eq!(graph.topology.edges.iter().filter(spends).count(), drives);
}

#[test]
fn history_marks_calls_failures_and_circles() {
    let world = courier();
    let there = world
        .calls()
        .iter()
        .position(|c| c.name.starts_with("drive(north") && c.name.contains("west"));
    let there = there.unwrap() as u32;
    let load =
        world.calls().iter().position(|c| c.name.starts_with("load_parcel(p2")).unwrap() as u32;
    let unload = call_id(&world, &world.calls()[load as usize].name.replace("load_", "unload_"));
    let mut play = Play::new(world.clone(), 0);
    play.apply_logged(load, 1).unwrap();
    let failed = graph_of_play(&play);
    let row = call_row(&failed, load);
    assert_eq!((row[call::LAST], row[call::LAST_FAILED], row[call::FAILED]), (1.0, 1.0, 0.25));
    assert_eq!(row[call::CIRCLED], 0.0, "to try again after a failure is no circle");
    assert_eq!(failed.globals[global::LAST_FAILED], 1.0);

    play.apply_logged(load, 0).unwrap();
    play.apply_logged(unload, 0).unwrap();
    let back = graph_of_play(&play);
    assert_eq!(call_row(&back, load)[call::CIRCLED], 1.0);
    assert_eq!(call_row(&back, load)[call::CALLED], 0.5);
    assert_eq!(call_row(&back, load)[call::RECENT], 0.5);
    assert_eq!(call_row(&back, unload)[call::CIRCLED], 0.0);
    play.apply_logged(there, 0).unwrap();
    assert_eq!(call_row(&graph_of_play(&play), load)[call::CIRCLED], 0.0);
}

#[test]
fn states_of_one_world_share_their_topology() {
    let graphs = walk(1, 5);
    assert!(graphs.len() == 5 && std::sync::Arc::ptr_eq(&graphs[0].topology, &graphs[4].topology));
    let mut sorted = graphs[0].topology.edges.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted, graphs[0].topology.edges);
}

#[test]
fn a_batch_joins_graphs_without_padding() {
    let graphs = walk(2, 3);
    let refs: Vec<&Graph> = graphs.iter().collect();
    let batch = Batch::new(&refs);
    assert!(batch.is_consistent());
    assert_eq!(batch.facts, 3 * graphs[0].topology.facts);
    assert_eq!(batch.slot_degree.len(), batch.facts * EDGE_KINDS);
    assert_eq!(batch.slot_degree.iter().sum::<i64>() as usize, batch.edge_call.len());
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
    let (build, delete) = (call_id(&world, "build(new)"), call_id(&world, "delete(old)"));
    let mut lucky = Play::new(world.clone(), 0);
    let before = graph_of_play(&lucky);
    assert!(call_row(&before, build)[call::TAKES] > 0.0);
    assert_eq!(call_row(&before, build)[call::RUNNING], 0.0);
    assert_eq!(call_row(&before, delete)[call::FORBIDDEN], 1.0);
    assert_eq!(call_row(&before, delete)[call::APPLICABLE], 1.0, "seen before any mask");
    let mut unlucky = lucky.clone();
    lucky.apply_logged(build, 0).unwrap();
    unlucky.apply_logged(build, 1).unwrap();
    let running = graph_of_play(&lucky);
    assert_eq!(running, graph_of_play(&unlucky), "nobody knows yet how it ends");
    assert_eq!(call_row(&running, build)[call::RUNNING], 1.0);
    let retire = call_id(&world, "retire(old)");
    for play in [&mut lucky, &mut unlucky] {
        play.apply_logged(retire, 0).unwrap();
        play.apply_logged(call_id(&world, "wait()"), 0).unwrap();
    }
    let (well, badly) = (graph_of_play(&lucky), graph_of_play(&unlucky));
    assert_eq!(call_row(&well, delete)[call::FORBIDDEN], 0.0);
    assert_eq!(
        (call_row(&well, build)[call::FAILED], call_row(&badly, build)[call::FAILED]),
        (0.0, 0.25)
    );
}

/// The courier of which something is not told, one call in.
fn courier_that_tells_less(observability: &str) -> Play {
    let line = format!(
        "limits = {{ max_calls = 30 }}\nobservability = \"{observability}\"\nnarrative = \"Bring p1 to the west.\""
    );
    let world = world_of(&courier_text().replace("limits = { max_calls = 30 }", &line));
    let mut play = Play::new(world.clone(), 3);
    play.step(call_id(&world, "load_parcel(p2, north)")).unwrap();
    play
}

#[test]
fn a_goal_that_is_not_told_leaves_no_mark() {
    let (full, less) =
        (courier_that_tells_less("full"), courier_that_tells_less("goal_in_narrative"));
    let (full, less) = (graph_of_play(&full), graph_of_play(&less));
    let marks = [fact::GOAL_MET, fact::GOAL_OPEN, fact::AVOIDED, fact::TO_CLEAR, fact::SLACK];
    let marked = |graph: &Graph| {
        (0..graph.topology.facts).any(|node| marks.iter().any(|m| fact_row(graph, node)[*m] != 0.0))
    };
    assert!(marked(&full) && !marked(&less));
    assert_eq!(less.globals[global::PROGRESS], 0.0);
    assert!((0..less.topology.facts).all(|node| fact_row(&less, node)[fact::NOT_GOAL] == 1.0));
    assert_eq!(full.topology, less.topology);
    assert_eq!(full.call_features, less.call_features);
}

#[test]
fn effects_that_are_not_told_leave_no_edge() {
    let (full, less) =
        (courier_that_tells_less("full"), courier_that_tells_less("effects_unknown"));
    let (full, less) = (graph_of_play(&full), graph_of_play(&less));
    let is_need = |kind: EdgeKind| matches!(kind, EdgeKind::Needs | EdgeKind::NeedsNot);
    let mut needs = full.topology.edges.clone();
    needs.retain(|edge| is_need(edge.kind));
    assert!(needs.len() < full.topology.edges.len());
    assert_eq!(less.topology.edges, needs);
    assert_eq!(full.fact_features, less.fact_features);
    for node in 0..less.topology.calls as u32 {
        let row = call_row(&less, node);
        assert_eq!((row[call::CHANCE], row[call::QUALITY], row[call::RISK]), (1.0, 1.0, 0.0));
    }
}
