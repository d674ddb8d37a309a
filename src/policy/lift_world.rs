//! A state of a known level as a graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::features::{call_features, fact_features, globals};
use super::fold::fold;
use super::graph::{Edge, EdgeKind, Graph, Topology};
use super::outlook::Outlook;
use super::relaxation::Relaxation;
use super::text;
use crate::quest::{Compare, Function, NumChange, NumTest, Play, World};

/// How many worlds a [`Lifter`] remembers before it starts afresh.
const REMEMBERED: usize = 512;

/// The state of a play as a graph. The only way in which a known level becomes a graph: rollouts,
/// logged episodes and served requests all come through here.
pub fn graph_of_play(play: &Play) -> Graph {
    Lifter::default().graph(play)
}

/// [`graph_of_play`] for many states: works out what a world's states share only once.
#[derive(Default)]
pub struct Lifter {
    /// By the world's address; the world is kept, so that no other can take its address.
    known: BTreeMap<usize, (Arc<World>, Lifting)>,
}

impl Lifter {
    /// The state of a play as a graph.
    pub fn graph(&mut self, play: &Play) -> Graph {
        let world = play.world();
        let key = Arc::as_ptr(world) as usize;
        if self.known.len() >= REMEMBERED && !self.known.contains_key(&key) {
            self.known.clear();
        }
        let (_, lifting) =
            self.known.entry(key).or_insert_with(|| (Arc::clone(world), Lifting::new(world)));
        fold(lifting.unfolded(play).1)
    }
}

/// A state before folding, with the facts and calls that its nodes are.
#[cfg(test)]
pub(super) fn unfolded(play: &Play) -> (Nodes, Graph) {
    Lifting::new(play.world()).unfolded(play)
}

/// What the states of a world share.
struct Lifting {
    /// All facts, then the fluents that are seen; all calls.
    whole: Arc<Topology>,
    /// The fluents that are seen.
    fluents: Vec<usize>,
    /// Per call of the world: its edges.
    by_call: Vec<Vec<(u32, EdgeKind)>>,
    /// Facts and fluents that the goal speaks of, as far as it is told.
    goal: Vec<u32>,
    relaxation: Option<Relaxation>,
}

/// The nodes of the whole that a state's graph keeps, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nodes {
    pub facts: Vec<u32>,
    pub calls: Vec<u32>,
}

impl Lifting {
    fn new(world: &World) -> Self {
        let whole = topology_of(world);
        let mut by_call = vec![Vec::new(); whole.calls];
        for edge in &whole.edges {
            by_call[edge.call as usize].push((edge.fact, edge.kind));
        }
        let told = world.told_goal();
        let fluents = fluent_nodes(world);
        let mut goal: Vec<u32> = told.wanted.iter().chain(told.unwanted).copied().collect();
        goal.extend(told.num.iter().filter_map(|t| fluents.get(&t.fluent)));
        Self {
            whole: Arc::new(whole),
            fluents: seen_fluents(world),
            by_call,
            goal,
            relaxation: Relaxation::new(world),
        }
    }

    /// The state before nodes that are alike are folded.
    fn unfolded(&self, play: &Play) -> (Nodes, Graph) {
        let outlook = self.relaxation.as_ref().map(|r| Outlook::of(r, play));
        let outlook = outlook.as_ref();
        let nodes = self.nodes(play, outlook);
        let topology = match outlook {
            Some(_) => Arc::new(self.part(&nodes)),
            None => Arc::clone(&self.whole),
        };
        let node = |call: &u32| nodes.calls.binary_search(call).ok().map(|n| n as i32);
        let graph = Graph {
            fact_features: fact_features(play, &nodes.facts, &self.fluents, outlook),
            call_features: call_features(play, &nodes.calls, outlook),
            globals: globals(play, outlook),
            applicable: play.applicable().iter().filter_map(node).collect(),
            topology,
        };
        (nodes, graph)
    }

    /// Calls that can be made, run, or stand on a cheapest way to the goal; what they need and
    /// change, and the goal. A large world so becomes a small graph. Where goal or effects are not
    /// told, nothing can be left out.
    fn nodes(&self, play: &Play, outlook: Option<&Outlook>) -> Nodes {
        let Some(outlook) = outlook else {
            let (facts, calls) = (self.whole.facts as u32, self.whole.calls as u32);
            return Nodes { facts: (0..facts).collect(), calls: (0..calls).collect() };
        };
        let mut calls: Vec<u32> = outlook.helpers().collect();
        calls.extend(play.applicable());
        calls.extend(play.running().map(|r| r.call));
        calls.sort_unstable();
        calls.dedup();
        let mut kept = vec![false; self.whole.facts];
        let touched = calls.iter().filter_map(|c| self.by_call.get(*c as usize)).flatten();
        for fact in touched.map(|(fact, _)| fact).chain(&self.goal) {
            kept[*fact as usize] = true;
        }
        let facts = (0u32..).zip(kept).filter_map(|(fact, kept)| kept.then_some(fact)).collect();
        Nodes { facts, calls }
    }

    /// The whole cut down to some of its nodes.
    fn part(&self, nodes: &Nodes) -> Topology {
        let mut place = vec![0; self.whole.facts];
        for (new, old) in (0u32..).zip(&nodes.facts) {
            place[*old as usize] = new;
        }
        let mut edges = Vec::new();
        for (call, old) in (0u32..).zip(&nodes.calls) {
            for (fact, kind) in &self.by_call[*old as usize] {
                edges.push(Edge::new(place[*fact as usize], *kind, call));
            }
        }
        let text = |c: &u32| self.whole.call_text.get(*c as usize).copied().unwrap_or(0);
        let call_text = nodes.calls.iter().map(text).collect();
        let texts = Arc::clone(&self.whole.texts);
        Topology::new(nodes.facts.len(), nodes.calls.len(), edges, call_text, texts)
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
        let mut push = |fact: u32, kind: EdgeKind| edges.push(Edge::new(fact, kind, at));
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
    let texts: Vec<f32> = world.functions().iter().flat_map(function_text).collect();
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
