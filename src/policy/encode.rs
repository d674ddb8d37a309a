//! Joins graphs of different size into one batch without padding.
//!
//! Nodes are concatenated, edges point at the concatenated nodes, and every node knows its graph.
//! Only the handful of logits per graph is padded, when the network takes the softmax.

use rand::seq::SliceRandom;

use super::graph::{CALL_FEATURES, EDGE_KINDS, Edge, FACT_FEATURES, GLOBAL_FEATURES, Graph};

/// Many graphs as one, in plain arrays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Number of graphs.
    pub graphs: usize,
    /// Number of fact nodes in all graphs.
    pub facts: usize,
    /// Number of call nodes in all graphs.
    pub calls: usize,
    /// `facts × FACT_FEATURES`.
    pub fact_features: Vec<f32>,
    /// `calls × CALL_FEATURES`.
    pub call_features: Vec<f32>,
    /// `graphs × GLOBAL_FEATURES`.
    pub globals: Vec<f32>,
    /// Text rows of all graphs.
    pub texts: Vec<f32>,
    /// The graph of each text row.
    pub text_graph: Vec<i64>,
    /// The text row of each call.
    pub call_text: Vec<i64>,
    /// The graph of each fact, ascending.
    pub fact_graph: Vec<i64>,
    /// The graph of each call, ascending.
    pub call_graph: Vec<i64>,
    /// For each edge its fact and kind in one number: `fact · EDGE_KINDS + kind`; ascending.
    pub edge_slot: Vec<i64>,
    /// For each edge its call.
    pub edge_call: Vec<i64>,
    /// For each edge how many facts of its kind the call has.
    pub edge_per_call: Vec<f32>,
    /// For each edge its share in the slot; the shares of a slot sum to 1.
    pub edge_share: Vec<f32>,
    /// How many facts each fact node stands for.
    pub fact_sizes: Vec<f32>,
    /// How many calls each call node stands for.
    pub call_sizes: Vec<f32>,
    /// `graphs × width`: position of the choice in [`Batch::choices`], or its length for padding.
    pub choice_grid: Vec<i64>,
    /// The call nodes that may be chosen, graph by graph.
    pub choices: Vec<i64>,
    /// The graph of each choice.
    pub choice_graph: Vec<i64>,
    /// How many calls may be chosen in each graph.
    pub choice_counts: Vec<usize>,
    /// The largest of [`Batch::choice_counts`], at least 1.
    pub width: usize,
}

impl Batch {
    /// Joins the graphs in the given order.
    pub fn new(graphs: &[&Graph]) -> Self {
        let mut batch = Self { graphs: graphs.len(), ..Self::default() };
        batch.width = graphs.iter().map(|g| g.applicable.len()).max().unwrap_or(0).max(1);
        for (index, graph) in graphs.iter().enumerate() {
            batch.push(index as i64, graph);
        }
        batch.grid();
        batch
    }

    fn push(&mut self, index: i64, graph: &Graph) {
        let topology = &graph.topology;
        let first_text = self.text_graph.len() as i64;
        let texts = topology.texts.len() / super::text::TEXT_FEATURES;
        self.texts.extend_from_slice(&topology.texts);
        self.text_graph.extend(std::iter::repeat_n(index, texts));
        self.call_text.extend(topology.call_text.iter().map(|t| first_text + i64::from(*t)));
        self.fact_features.extend_from_slice(&graph.fact_features);
        self.call_features.extend_from_slice(&graph.call_features);
        self.globals.extend_from_slice(&graph.globals);
        self.fact_graph.extend(std::iter::repeat_n(index, topology.facts));
        self.call_graph.extend(std::iter::repeat_n(index, topology.calls));
        self.push_edges(graph);
        self.fact_sizes.extend(topology.fact_sizes.iter().map(|n| *n as f32));
        self.call_sizes.extend(topology.call_sizes.iter().map(|n| *n as f32));
        self.choices.extend(graph.applicable.iter().map(|c| self.calls as i64 + i64::from(*c)));
        self.choice_graph.extend(std::iter::repeat_n(index, graph.applicable.len()));
        self.choice_counts.push(graph.applicable.len());
        self.facts += topology.facts;
        self.calls += topology.calls;
    }

    fn push_edges(&mut self, graph: &Graph) {
        let first_slot = self.facts * EDGE_KINDS;
        let mut degrees = vec![0u32; graph.topology.facts * EDGE_KINDS];
        let slot = |edge: &Edge| edge.fact as usize * EDGE_KINDS + edge.kind as usize;
        for edge in &graph.topology.edges {
            if let Some(degree) = degrees.get_mut(slot(edge)) {
                *degree += edge.per_fact;
            }
        }
        for edge in &graph.topology.edges {
            let degree = degrees.get(slot(edge)).copied().unwrap_or(1).max(1);
            self.edge_slot.push((first_slot + slot(edge)) as i64);
            self.edge_call.push((self.calls + edge.call as usize) as i64);
            self.edge_per_call.push(edge.per_call as f32);
            self.edge_share.push(edge.per_fact as f32 / degree as f32);
        }
    }

    fn grid(&mut self) {
        let padding = self.choices.len() as i64;
        let mut next = 0i64;
        for count in &self.choice_counts {
            self.choice_grid.extend(next..next + *count as i64);
            self.choice_grid.extend(std::iter::repeat_n(padding, self.width - count));
            next += *count as i64;
        }
    }

    /// Sets to zero all texts of the graphs for which `hide` says so; it is asked once per graph.
    pub fn hide_texts(&mut self, mut hide: impl FnMut() -> bool) {
        let hidden: Vec<bool> = (0..self.graphs).map(|_| hide()).collect();
        let rows = self.texts.chunks_exact_mut(super::text::TEXT_FEATURES);
        for (row, graph) in rows.zip(&self.text_graph) {
            if hidden.get(*graph as usize) == Some(&true) {
                row.fill(0.0);
            }
        }
    }

    /// Whether all arrays fit together; false only for graphs that were built by hand wrongly.
    pub fn is_consistent(&self) -> bool {
        self.fact_features.len() == self.facts * FACT_FEATURES
            && self.call_features.len() == self.calls * CALL_FEATURES
            && self.globals.len() == self.graphs * GLOBAL_FEATURES
            && self.call_text.len() == self.calls
            && self.call_text.iter().all(|t| *t >= 0 && (*t as usize) < self.text_graph.len())
            && self.fact_sizes.len() == self.facts
            && self.call_sizes.len() == self.calls
            && self.edge_slot.iter().all(|s| (*s as usize) < self.facts * EDGE_KINDS)
            && self.edge_call.iter().all(|c| (*c as usize) < self.calls)
            && self.choices.iter().all(|c| *c >= 0 && (*c as usize) < self.calls)
    }
}

/// Cuts `order` into runs of graphs that hold at most `budget` nodes (a single larger graph makes
/// a run of its own). `nodes[i]` is the size of graph `i`.
pub fn pack(order: &[usize], nodes: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut current = Vec::new();
    let mut used = 0;
    for &i in order {
        let size = nodes.get(i).copied().unwrap_or(0);
        if !current.is_empty() && used + size > budget {
            batches.push(std::mem::take(&mut current));
            used = 0;
        }
        current.push(i);
        used += size;
    }
    if !current.is_empty() {
        batches.push(current);
    }
    batches
}

/// The batches of one epoch: a seeded shuffle, packed, and sorted inside each batch so that sums
/// over a batch run in one order. Depends on the arguments alone.
pub fn epoch_batches(nodes: &[usize], budget: usize, seed: u64, epoch: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.shuffle(&mut crate::core::rng(seed, &format!("policy/epoch/{epoch}")));
    let mut batches = pack(&order, nodes, budget);
    batches.iter_mut().for_each(|b| b.sort_unstable());
    batches
}
