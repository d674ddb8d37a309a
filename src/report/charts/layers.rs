//! Lays the graph of steps out in layers: a step stands one layer after the last step it needs.
//!
//! An arrow that follows from others is left out, and an arrow across several layers gets a place
//! in each of them, so that it runs between the boxes and not behind them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::StepReport;

/// What stands at one place of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// The step of this index.
    Step(usize),
    /// The arrow from the first step to the second passes through.
    Pass(usize, usize),
}

/// The steps in layers.
pub(crate) struct Layout {
    pub(crate) layers: Vec<Vec<Slot>>,
    /// Each arrow as the places it joins, its start and end among them.
    pub(crate) arrows: Vec<Vec<(usize, Slot)>>,
}

impl Layout {
    /// Lays out the steps; needs that name no step of this run are ignored, and so are cycles.
    pub(crate) fn of(steps: &[StepReport]) -> Self {
        let needs = reduced(steps);
        let depth = depths(&needs);
        let mut layers: Vec<Vec<Slot>> = vec![Vec::new(); depth.iter().max().map_or(0, |d| d + 1)];
        for (step, d) in depth.iter().enumerate() {
            push(&mut layers, *d, Slot::Step(step));
        }
        let mut arrows = Vec::new();
        for (to, from) in needs.iter().enumerate().flat_map(|(t, f)| f.iter().map(move |f| (t, *f)))
        {
            let (start, end) = (depth_of(&depth, from), depth_of(&depth, to));
            if start >= end {
                continue;
            }
            let mut arrow = vec![(start, Slot::Step(from))];
            for layer in start + 1..end {
                push(&mut layers, layer, Slot::Pass(from, to));
                arrow.push((layer, Slot::Pass(from, to)));
            }
            arrow.push((end, Slot::Step(to)));
            arrows.push(arrow);
        }
        untangle(&mut layers, &arrows);
        Self { layers, arrows }
    }
}

fn push(layers: &mut [Vec<Slot>], at: usize, slot: Slot) {
    if let Some(layer) = layers.get_mut(at) {
        layer.push(slot);
    }
}

fn depth_of(depth: &[usize], step: usize) -> usize {
    depth.get(step).copied().unwrap_or(0)
}

/// For each step the indices of those it needs, without those that another need already implies.
fn reduced(steps: &[StepReport]) -> Vec<BTreeSet<usize>> {
    let index: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(i, s)| (s.id.as_str(), i)).collect();
    let known = |name: &String| index.get(name.as_str()).copied();
    let direct: Vec<BTreeSet<usize>> = steps
        .iter()
        .enumerate()
        .map(|(i, s)| s.needs.iter().filter_map(known).filter(|n| *n != i).collect())
        .collect();
    let all: Vec<BTreeSet<usize>> = (0..direct.len()).map(|i| ancestors(&direct, i)).collect();
    let implied = |of: &BTreeSet<usize>, need: usize| {
        of.iter().any(|o| *o != need && all.get(*o).is_some_and(|a| a.contains(&need)))
    };
    direct
        .iter()
        .map(|needs| needs.iter().copied().filter(|n| !implied(needs, *n)).collect())
        .collect()
}

fn ancestors(direct: &[BTreeSet<usize>], of: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut open = vec![of];
    while let Some(step) = open.pop() {
        for need in direct.get(step).into_iter().flatten() {
            if seen.insert(*need) {
                open.push(*need);
            }
        }
    }
    seen
}

/// Longest path to each step; a cycle, which a plan never has, stops growing at the step count.
fn depths(needs: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut depth = vec![0; needs.len()];
    for _ in 0..needs.len() {
        let next: Vec<usize> = needs
            .iter()
            .map(|n| n.iter().map(|s| depth_of(&depth, *s) + 1).max().unwrap_or(0))
            .map(|d| d.min(needs.len().saturating_sub(1)))
            .collect();
        if next == depth {
            break;
        }
        depth = next;
    }
    depth
}

/// Orders each layer by the mean place of what leads into it, which removes most crossings.
fn untangle(layers: &mut [Vec<Slot>], arrows: &[Vec<(usize, Slot)>]) {
    let mut before: BTreeMap<(usize, Slot), Vec<Slot>> = BTreeMap::new();
    for arrow in arrows {
        for (from, to) in arrow.iter().zip(arrow.iter().skip(1)) {
            before.entry(*to).or_default().push(from.1);
        }
    }
    let mut places: BTreeMap<Slot, f64> = BTreeMap::new();
    for (depth, layer) in layers.iter_mut().enumerate() {
        let mut keyed: Vec<(f64, usize, Slot)> = layer
            .iter()
            .enumerate()
            .map(|(i, slot)| (mean_place(before.get(&(depth, *slot)), &places, i), i, *slot))
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        places = keyed.iter().enumerate().map(|(i, k)| (k.2, i as f64)).collect();
        *layer = keyed.into_iter().map(|k| k.2).collect();
    }
}

fn mean_place(before: Option<&Vec<Slot>>, places: &BTreeMap<Slot, f64>, otherwise: usize) -> f64 {
    let known: Vec<f64> =
        before.into_iter().flatten().filter_map(|s| places.get(s).copied()).collect();
    if known.is_empty() {
        return otherwise as f64;
    }
    known.iter().sum::<f64>() / known.len() as f64
}
