//! Nodes that no network of this kind can tell apart become one node that counts for all of them.
//!
//! Colours are refined until they are stable (Weisfeiler and Leman, 1968); nodes of one colour then
//! have equal states after any number of rounds, so the folded graph scores exactly as the whole
//! one (Bollen et al., "Learning graph neural networks using exact compression", GRADES-NDA 2023).
//! Ten loaves and ten plates make a hundred calls, and one node.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::graph::{CALL_FEATURES, Edge, FACT_FEATURES, Graph, Topology};

/// A colour. Two different neighbourhoods share one with a probability of about 2⁻⁶⁴.
type Colour = u64;

/// Folds a graph that is not folded yet. Every call that may be chosen keeps its place in
/// [`Graph::applicable`].
pub fn fold(graph: Graph) -> Graph {
    let t = &graph.topology;
    let mut facts = start(&graph.fact_features, FACT_FEATURES, t.facts, |_| 0);
    let text = |call: usize| t.call_text.get(call).map_or(0, |t| *t as u64 + 1);
    let mut calls = start(&graph.call_features, CALL_FEATURES, t.calls, text);
    let mut before = 0;
    loop {
        let after = distinct(&facts) + distinct(&calls);
        if after == t.facts + t.calls {
            return graph;
        }
        if after == before {
            break;
        }
        before = after;
        refine(&mut facts, &mut calls, &t.edges);
    }
    let (facts, calls) = (Classes::of(&facts), Classes::of(&calls));
    let topology = Topology {
        facts: facts.first.len(),
        calls: calls.first.len(),
        edges: folded_edges(t, &facts, &calls),
        call_text: first_of(&t.call_text, &calls),
        texts: Arc::clone(&t.texts),
        fact_sizes: facts.sizes.clone(),
        call_sizes: calls.sizes.clone(),
    };
    Graph {
        topology: Arc::new(topology),
        fact_features: rows(&graph.fact_features, FACT_FEATURES, &facts),
        call_features: rows(&graph.call_features, CALL_FEATURES, &calls),
        applicable: graph.applicable.iter().map(|c| calls.of[*c as usize] as i32).collect(),
        globals: graph.globals,
    }
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Colours by features alone.
fn start(rows: &[f32], width: usize, n: usize, extra: impl Fn(usize) -> u64) -> Vec<Colour> {
    let colour = |(i, row): (usize, &[f32])| {
        row.iter().fold(mix(extra(i)), |c, x| mix(c.wrapping_mul(31) ^ u64::from(x.to_bits())))
    };
    rows.chunks_exact(width).enumerate().map(colour).take(n).collect()
}

/// One round: a node's new colour is its old one and those of its neighbours, in no order.
fn refine(facts: &mut [Colour], calls: &mut [Colour], edges: &[Edge]) {
    let (mut to_facts, mut to_calls) = (vec![0u64; facts.len()], vec![0u64; calls.len()]);
    for edge in edges {
        let (fact, call, kind) = (edge.fact as usize, edge.call as usize, edge.kind as u64 + 1);
        let sent = mix(facts[fact] ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        to_calls[call] = to_calls[call].wrapping_add(sent);
        let sent = mix(calls[call] ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        to_facts[fact] = to_facts[fact].wrapping_add(sent);
    }
    for (colours, sums) in [(facts, to_facts), (calls, to_calls)] {
        for (colour, sum) in colours.iter_mut().zip(sums) {
            *colour = mix(colour.wrapping_mul(31) ^ mix(sum));
        }
    }
}

fn distinct(colours: &[Colour]) -> usize {
    let mut sorted = colours.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len()
}

/// Nodes by colour, numbered in the order in which they first occur.
struct Classes {
    /// Per node: its class.
    of: Vec<u32>,
    /// Per class: its first node, and how many it has.
    first: Vec<usize>,
    sizes: Vec<u32>,
}

impl Classes {
    fn of(colours: &[Colour]) -> Self {
        let mut known: BTreeMap<Colour, u32> = BTreeMap::new();
        let mut classes = Self { of: Vec::new(), first: Vec::new(), sizes: Vec::new() };
        for (node, colour) in colours.iter().enumerate() {
            let class = *known.entry(*colour).or_insert_with(|| {
                classes.first.push(node);
                classes.sizes.push(0);
                classes.first.len() as u32 - 1
            });
            classes.of.push(class);
            classes.sizes[class as usize] += 1;
        }
        classes
    }
}

fn rows(all: &[f32], width: usize, classes: &Classes) -> Vec<f32> {
    let row = |node: &usize| all.get(node * width..(node + 1) * width).unwrap_or_default();
    classes.first.iter().flat_map(row).copied().collect()
}

fn first_of(texts: &[i32], calls: &Classes) -> Vec<i32> {
    calls.first.iter().map(|node| texts.get(*node).copied().unwrap_or(0)).collect()
}

/// The edges of each class's first call, counted by the class of the fact. Between two classes run
/// as many edges seen from either side, which gives the count for a fact.
fn folded_edges(whole: &Topology, facts: &Classes, calls: &Classes) -> Vec<Edge> {
    let mut counts: BTreeMap<Edge, u32> = BTreeMap::new();
    for edge in &whole.edges {
        let class = calls.of[edge.call as usize];
        if calls.first[class as usize] == edge.call as usize {
            let folded = Edge::new(facts.of[edge.fact as usize], edge.kind, class);
            *counts.entry(folded).or_default() += 1;
        }
    }
    let counted = |(edge, per_call): (Edge, u32)| {
        let all = u64::from(per_call) * u64::from(calls.sizes[edge.call as usize]);
        let per_fact = (all / u64::from(facts.sizes[edge.fact as usize].max(1))) as u32;
        Edge { per_call, per_fact, ..edge }
    };
    counts.into_iter().map(counted).collect()
}
