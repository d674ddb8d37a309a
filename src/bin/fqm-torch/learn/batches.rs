//! Examples joined to batches, in their order.

use std::ops::Range;

use fqm_pipe::policy::{Batch, Example, pack};

/// Neighbouring examples that fit a batch.
pub(super) fn ranges(examples: &[&Example], budget: usize) -> Vec<Range<usize>> {
    let nodes: Vec<usize> = examples.iter().map(|e| e.graph.nodes()).collect();
    let order: Vec<usize> = (0..nodes.len()).collect();
    let runs = pack(&order, &nodes, budget);
    runs.iter().filter_map(|r| Some(*r.first()?..*r.last()? + 1)).collect()
}

pub(super) fn join(examples: &[&Example]) -> Batch {
    let graphs: Vec<_> = examples.iter().map(|e| &*e.graph).collect();
    Batch::new(&graphs)
}
