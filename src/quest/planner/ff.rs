//! hFF: the length of a plan in the delete relaxation. It is no bound but a good guide (Hoffmann
//! and Nebel, JAIR 2001; with the supporters of hadd, Keyder and Geffner, ECAI 2008).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::relaxed::{Prop, Relaxed};
use super::space::{NONE, OpId, number};

/// The computation, with its memory between states.
#[derive(Debug)]
pub(super) struct Ff<'r> {
    relaxed: &'r Relaxed,
    missing: Vec<u32>,
    /// Per op: what its conditions cost together, and itself.
    sum: Vec<u32>,
    /// Per proposition: hadd, and the op that reaches it so; [`NONE`] where it holds.
    cost: Vec<u32>,
    by: Vec<u32>,
    queue: BinaryHeap<Reverse<(u32, Prop)>>,
    stack: Vec<Prop>,
    wanted: Vec<bool>,
    chosen: Vec<u32>,
}

impl<'r> Ff<'r> {
    pub(super) fn new(relaxed: &'r Relaxed) -> Self {
        Self {
            missing: Vec::new(),
            sum: Vec::new(),
            cost: vec![NONE; relaxed.props()],
            by: vec![NONE; relaxed.props()],
            queue: BinaryHeap::new(),
            stack: Vec::new(),
            wanted: vec![false; relaxed.props()],
            chosen: Vec::new(),
            relaxed,
        }
    }

    /// Ops of a relaxed plan, None where there is none. `helpful` receives those of them that can
    /// be made now, as far as facts decide it.
    pub(super) fn value(&mut self, holding: &[Prop], helpful: &mut Vec<OpId>) -> Option<u32> {
        self.explore(holding);
        helpful.clear();
        if self.relaxed.goal().props.iter().any(|&p| self.cost[p as usize] == NONE) {
            return None;
        }
        self.extract();
        let relaxed = self.relaxed;
        let ready =
            |op: u32| relaxed.pre.row(op as usize).iter().all(|&p| self.cost[p as usize] == 0);
        let open = self.chosen.iter().filter(|&&op| ready(op));
        helpful.extend(open.map(|&op| relaxed.ops[op as usize]));
        Some(number(self.chosen.len()))
    }

    fn explore(&mut self, holding: &[Prop]) {
        let relaxed = self.relaxed;
        self.missing.clone_from(&relaxed.needs);
        self.sum.clear();
        self.sum.resize(relaxed.ops.len(), 1);
        self.cost.fill(NONE);
        self.by.fill(NONE);
        for &prop in holding {
            self.reach(prop, 0, NONE);
        }
        while let Some(Reverse((cost, prop))) = self.queue.pop() {
            if self.cost[prop as usize] < cost {
                continue;
            }
            for &op in relaxed.needed_by.row(prop as usize) {
                let i = op as usize;
                self.missing[i] -= 1;
                self.sum[i] = self.sum[i].saturating_add(cost);
                if self.missing[i] == 0 {
                    for &add in relaxed.add.row(i) {
                        self.reach(add, self.sum[i], op);
                    }
                }
            }
        }
    }

    #[inline]
    fn reach(&mut self, prop: Prop, cost: u32, by: u32) {
        let slot = &mut self.cost[prop as usize];
        if cost < *slot {
            *slot = cost;
            self.by[prop as usize] = by;
            self.queue.push(Reverse((cost, prop)));
        }
    }

    /// Collects the ops that the goal rests on.
    fn extract(&mut self) {
        let relaxed = self.relaxed;
        self.wanted.fill(false);
        self.chosen.clear();
        self.stack.extend(&relaxed.goal().props);
        while let Some(prop) = self.stack.pop() {
            let op = self.by[prop as usize];
            if std::mem::replace(&mut self.wanted[prop as usize], true) || op == NONE {
                continue;
            }
            self.chosen.push(op);
            self.stack.extend(relaxed.pre.row(op as usize));
        }
        self.chosen.sort_unstable();
        self.chosen.dedup();
    }
}
