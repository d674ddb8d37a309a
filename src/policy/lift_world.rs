//! A state of a known level as a graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::graph::{
    CALL_FEATURES, Edge, EdgeKind, FACT_FEATURES, GLOBAL_FEATURES, Graph, Topology, call, fact,
    global, share, squash,
};
use super::text;
use crate::quest::{Call, CallId, Compare, Function, NumChange, NumTest, Play, World};

/// How many worlds a [`Lifter`] remembers before it starts afresh.
const REMEMBERED: usize = 512;

/// The state of a play as a graph. The only way in which a known level becomes a graph: rollouts,
/// logged episodes and served requests all come through here.
pub fn graph_of_play(play: &Play) -> Graph {
    Lifter::default().graph(play)
}

/// [`graph_of_play`] for many states: builds what a world's states share only once.
#[derive(Default)]
pub struct Lifter {
    /// By the world's address; the world is kept, so that no other can take its address.
    known: BTreeMap<usize, (Arc<World>, Arc<Topology>)>,
}

impl Lifter {
    /// The state of a play as a graph.
    pub fn graph(&mut self, play: &Play) -> Graph {
        let world = play.world();
        let key = Arc::as_ptr(world) as usize;
        if self.known.len() >= REMEMBERED && !self.known.contains_key(&key) {
            self.known.clear();
        }
        let (_, topology) = self
            .known
            .entry(key)
            .or_insert_with(|| (Arc::clone(world), Arc::new(topology_of(world))));
        state_of(play, Arc::clone(topology))
    }
}

/// The fluents that are nodes, in order. The clock of a running call would tell which outcome was
/// drawn at its start, so the call's own features say what may be known of it.
fn seen_fluents(world: &World) -> Vec<usize> {
    let clocks: BTreeSet<usize> =
        world.calls().iter().flat_map(|c| &c.outcomes).filter_map(|o| o.left).collect();
    (0..world.fluents().len()).filter(|id| !clocks.contains(id)).collect()
}

/// The node of every fluent that is one.
fn fluent_nodes(world: &World) -> BTreeMap<usize, u32> {
    let first = world.facts().len() as u32;
    seen_fluents(world).into_iter().zip(first..).collect()
}

/// Nodes and edges of a world: its facts, then its fluents; its calls.
fn topology_of(world: &World) -> Topology {
    let fluents = fluent_nodes(world);
    let mut edges = Vec::new();
    for (index, one) in world.calls().iter().enumerate() {
        let at = index as u32;
        let mut push = |fact: u32, kind: EdgeKind| edges.push(Edge { fact, kind, call: at });
        one.pre_true.iter().for_each(|f| push(*f, EdgeKind::Needs));
        one.pre_false.iter().for_each(|f| push(*f, EdgeKind::NeedsNot));
        for test in &one.pre_num {
            let Some(&node) = fluents.get(&test.fluent) else { continue };
            test_edges(*test).iter().for_each(|kind| push(node, *kind));
        }
        // What a guard speaks of must be otherwise before the call may be made.
        if let Some(guard) = &one.forbidden {
            guard.pre_true.iter().for_each(|f| push(*f, EdgeKind::NeedsNot));
            guard.pre_false.iter().for_each(|f| push(*f, EdgeKind::Needs));
        }
        let (start_add, start_del) = world.told_start(one);
        start_add.iter().for_each(|f| push(*f, EdgeKind::Adds));
        start_del.iter().for_each(|f| push(*f, EdgeKind::Deletes));
        let Some(intended) = world.told_outcomes(one).first() else { continue };
        intended.add.iter().for_each(|f| push(*f, EdgeKind::Adds));
        intended.del.iter().for_each(|f| push(*f, EdgeKind::Deletes));
        for effect in &intended.num {
            let rises = match effect.change {
                NumChange::Add(n) => n > 0,
                NumChange::Set(n) => world.fluents().get(effect.fluent).is_some_and(|f| n > f.min),
            };
            let kind = if rises { EdgeKind::Adds } else { EdgeKind::Deletes };
            fluents.get(&effect.fluent).iter().for_each(|node| push(**node, kind));
        }
    }
    let texts = world.functions().iter().flat_map(function_text).collect();
    let call_text = world.calls().iter().map(|c| c.function as i32).collect();
    let facts = world.facts().len() + fluents.len();
    Topology::new(facts, world.calls().len(), edges, call_text, texts)
}

fn function_text(function: &Function) -> Vec<f32> {
    let keys: Vec<&str> = function.params.iter().map(|p| p.name.as_str()).collect();
    text::embed(&function.name, &function.description, &keys)
}

/// A lower bound needs the fluent, an upper bound needs it not; an equation is both.
fn test_edges(test: NumTest) -> &'static [EdgeKind] {
    match test.compare {
        Compare::Ge => &[EdgeKind::Needs],
        Compare::Le => &[EdgeKind::NeedsNot],
        Compare::Eq | Compare::Ne => &[EdgeKind::Needs, EdgeKind::NeedsNot],
    }
}

/// By how much a test holds (0 or more) or fails (below 0).
fn slack(test: NumTest, value: i64) -> f32 {
    let distance = match test.compare {
        Compare::Ge => value - test.value,
        Compare::Le => test.value - value,
        Compare::Eq => -(value - test.value).abs(),
        Compare::Ne => (value - test.value).abs() - 1,
    };
    distance as f32
}

fn state_of(play: &Play, topology: Arc<Topology>) -> Graph {
    Graph {
        fact_features: fact_features(play),
        call_features: call_features(play),
        globals: globals(play),
        applicable: play.applicable().iter().map(|c| *c as i32).collect(),
        topology,
    }
}

fn fact_features(play: &Play) -> Vec<f32> {
    let world = play.world();
    let seen = seen_fluents(world);
    let nodes = world.facts().len() + seen.len();
    let mut out = vec![0.0; nodes * FACT_FEATURES];
    let goal = world.told_goal();
    let mut rows = out.chunks_exact_mut(FACT_FEATURES);
    for (id, row) in (0u32..).zip(rows.by_ref().take(world.facts().len())) {
        let holds = play.is_true(id);
        row[if holds { fact::TRUE } else { fact::FALSE }] = 1.0;
        let wanted = goal.wanted.binary_search(&id).is_ok();
        let unwanted = goal.unwanted.binary_search(&id).is_ok();
        let column = match (wanted, unwanted, holds) {
            (true, _, true) => fact::GOAL_MET,
            (true, _, false) => fact::GOAL_OPEN,
            (_, true, false) => fact::AVOIDED,
            (_, true, true) => fact::TO_CLEAR,
            _ => fact::NOT_GOAL,
        };
        row[column] = 1.0;
    }
    for (id, row) in seen.into_iter().zip(rows) {
        let bounds = world.fluents().get(id).map_or((0, 0), |f| (f.min, f.max));
        fluent_features(play, id, bounds, row);
    }
    out
}

fn fluent_features(play: &Play, id: usize, (min, max): (i64, i64), row: &mut [f32]) {
    let value = play.fluent(id);
    row[fact::FLUENT] = 1.0;
    row[if value > min { fact::TRUE } else { fact::FALSE }] = 1.0;
    row[fact::SHARE] = (value - min) as f32 / (max - min).max(1) as f32;
    let tests = play.world().told_goal().num.iter().filter(|t| t.fluent == id);
    match tests.map(|t| slack(*t, value)).reduce(f32::min) {
        Some(least) => {
            row[if least >= 0.0 { fact::GOAL_MET } else { fact::GOAL_OPEN }] = 1.0;
            row[fact::SLACK] = squash(least);
        }
        None => row[fact::NOT_GOAL] = 1.0,
    }
}

fn call_features(play: &Play) -> Vec<f32> {
    let world = play.world();
    let history = History::of(play);
    let mut out = vec![0.0; world.calls().len() * CALL_FEATURES];
    for ((id, one), row) in (0u32..).zip(world.calls()).zip(out.chunks_exact_mut(CALL_FEATURES)) {
        history.mark(id, one, row);
        row[call::COST] = squash(one.cost as f32).max(0.0);
        row[call::CHANCE] = 1.0;
        row[call::QUALITY] = 1.0;
        let outcomes = world.told_outcomes(one);
        if let Some(intended) = outcomes.first() {
            row[call::CHANCE] = intended.p as f32;
            row[call::QUALITY] = intended.quality as f32;
        }
        let risk: f64 = outcomes.iter().filter(|o| o.failed).map(|o| o.p).sum();
        row[call::RISK] = risk as f32;
        row[call::TAKES] = squash(one.takes as f32).max(0.0);
        row[call::WAIT] = f32::from(u8::from(one.wait));
        row[call::FORBIDDEN] = f32::from(u8::from(play.is_forbidden(id)));
        conditions(play, one, row);
    }
    for running in play.running() {
        let takes = world.calls().get(running.call as usize).map_or(1, |c| c.takes);
        if let Some(cell) = out.get_mut(running.call as usize * CALL_FEATURES + call::RUNNING) {
            *cell = share(running.left as usize, takes as usize);
        }
    }
    for id in play.applicable() {
        if let Some(cell) = out.get_mut(*id as usize * CALL_FEATURES + call::APPLICABLE) {
            *cell = 1.0;
        }
    }
    out
}

/// Share of conditions that hold, and the tightest numeric one.
fn conditions(play: &Play, one: &Call, row: &mut [f32]) {
    let all = one.pre_true.len() + one.pre_false.len() + one.pre_num.len();
    let mut met = one.pre_true.iter().filter(|f| play.is_true(**f)).count();
    met += one.pre_false.iter().filter(|f| !play.is_true(**f)).count();
    let mut tightest: Option<f32> = None;
    for test in &one.pre_num {
        let slack = slack(*test, play.fluent(test.fluent));
        met += usize::from(slack >= 0.0);
        tightest = Some(tightest.map_or(slack, |t| t.min(slack)));
    }
    row[call::READY] = if all == 0 { 1.0 } else { share(met, all) };
    row[call::SLACK] = tightest.map_or(1.0, squash);
}

fn globals(play: &Play) -> Vec<f32> {
    let limit = play.world().level().limits.max_calls as usize;
    let used = play.calls_used() as usize;
    let left = limit.saturating_sub(used);
    let mut out = vec![0.0; GLOBAL_FEATURES];
    out[global::BUDGET_SHARE] = share(left, limit);
    out[global::BUDGET] = share(left, 32);
    if play.world().tells_goal() {
        out[global::PROGRESS] = play.goal_progress() as f32;
    }
    out[global::CALLS_MADE] = share(used, 32);
    let last_failed = known_history(play).last().is_some_and(|(_, outcome)| *outcome != 0);
    out[global::LAST_FAILED] = f32::from(u8::from(last_failed));
    out
}

/// The calls made so far as an agent knows them: how a call that still runs will end is not known
/// yet, so it counts as intended.
fn known_history(play: &Play) -> Vec<(CallId, usize)> {
    let mut known = play.history().to_vec();
    for running in play.running() {
        if let Some(started) = known.iter_mut().rev().find(|(id, _)| *id == running.call) {
            started.1 = 0;
        }
    }
    known
}

/// What happened in the episode so far, counted per call and function.
struct History {
    called: BTreeMap<CallId, usize>,
    failed: BTreeMap<CallId, usize>,
    functions: BTreeMap<usize, usize>,
    /// When each call was made last, counted from 1 for the last call.
    age: BTreeMap<CallId, usize>,
    last: Option<(CallId, usize)>,
    circled: Vec<CallId>,
}

impl History {
    fn of(play: &Play) -> Self {
        let known = known_history(play);
        let mut history = Self {
            called: BTreeMap::new(),
            failed: BTreeMap::new(),
            functions: BTreeMap::new(),
            age: BTreeMap::new(),
            last: known.last().copied(),
            circled: circled(play),
        };
        for (past, (id, outcome)) in known.iter().enumerate() {
            history.age.insert(*id, known.len() - past);
            *history.called.entry(*id).or_default() += 1;
            if *outcome != 0 {
                *history.failed.entry(*id).or_default() += 1;
            }
            if let Some(one) = play.world().calls().get(*id as usize) {
                *history.functions.entry(one.function).or_default() += 1;
            }
        }
        history
    }

    fn mark(&self, id: CallId, one: &Call, row: &mut [f32]) {
        let count = |map: &BTreeMap<CallId, usize>| map.get(&id).copied().unwrap_or(0);
        row[call::CALLED] = share(count(&self.called), 4);
        row[call::FAILED] = share(count(&self.failed), 4);
        let of_function = self.functions.get(&one.function).copied().unwrap_or(0);
        row[call::FUNCTION_CALLED] = share(of_function, 8);
        if let Some((_, outcome)) = self.last.filter(|(last, _)| *last == id) {
            row[call::LAST] = 1.0;
            row[call::LAST_FAILED] = f32::from(u8::from(outcome != 0));
        }
        row[call::RECENT] = self.age.get(&id).map_or(0.0, |age| 1.0 / *age as f32);
        row[call::CIRCLED] = f32::from(u8::from(self.circled.contains(&id)));
    }
}

/// Calls that were made in an earlier visit to the present state and came out as intended, so
/// that calling them again would go round in a circle. A call that failed is not among them: to
/// try it again can be right. Counters of usage limits are no part of the state here, because they
/// change with every call.
pub fn circled(play: &Play) -> Vec<CallId> {
    let world = play.world();
    if play.history().is_empty() {
        return Vec::new();
    }
    let now = signature(play);
    let mut replay = Play::new(Arc::clone(world), 0);
    let mut calls = Vec::new();
    for (id, outcome) in play.history() {
        if *outcome == 0 && signature(&replay) == now {
            calls.push(*id);
        }
        if replay.apply_logged(*id, *outcome).is_err() {
            break;
        }
    }
    calls
}

/// Facts and the level's own fluents.
fn signature(play: &Play) -> (Vec<bool>, Vec<i64>) {
    let world = play.world();
    let facts = (0..world.facts().len() as u32).map(|f| play.is_true(f)).collect();
    let own = |name: &str| !name.contains('(');
    let fluents = world.fluents().iter().enumerate().filter(|(_, f)| own(&f.name) && !f.ticks);
    (facts, fluents.map(|(i, _)| play.fluent(i)).collect())
}
