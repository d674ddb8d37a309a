//! LM-cut: a lower bound from disjunctive action landmarks (Helmert and Domshlak, "Landmarks,
//! Critical Paths and Abstractions: What's the Difference Anyway?", ICAPS 2009).
//!
//! Landmarks of the state before stay landmarks after an op that is in none of them, so they can
//! be taken over (Pommerening and Helmert, "Incremental LM-cut", ICAPS 2013).

use super::relaxed::{Prop, Relaxed};
use super::space::{NONE, number};

/// Ops of which every plan contains one, and how much of their cost the landmark takes. Stored as
/// `[cost, n, op_1 … op_n]` one after another.
pub(super) type Landmarks = Vec<u32>;

/// The landmarks in a list: cost and relaxed ops of each.
pub(super) fn landmarks(list: &[u32]) -> impl Iterator<Item = (u32, &[u32])> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let (&[cost, n], tail) = rest.split_first_chunk()?;
        let (ops, next) = tail.split_at_checked(n as usize)?;
        rest = next;
        Some((cost, ops))
    })
}

/// A queue of propositions by small costs.
#[derive(Debug, Default)]
struct Queue {
    buckets: Vec<Vec<Prop>>,
    at: usize,
}

impl Queue {
    #[inline]
    fn push(&mut self, cost: u32, prop: Prop) {
        let cost = cost as usize;
        if cost >= self.buckets.len() {
            self.buckets.resize_with(cost + 1, Vec::new);
        }
        self.buckets[cost].push(prop);
        self.at = self.at.min(cost);
    }

    #[inline]
    fn pop(&mut self) -> Option<(u32, Prop)> {
        while let Some(bucket) = self.buckets.get_mut(self.at) {
            if let Some(prop) = bucket.pop() {
                return Some((number(self.at), prop));
            }
            self.at += 1;
        }
        None
    }
}

/// Where a proposition stands in the justification graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Unknown,
    /// Reached from the state without the cut.
    Before,
    /// Reaches the goal at no cost.
    Goal,
}

/// The computation, with its memory between states.
#[derive(Debug)]
pub(super) struct LmCut<'r> {
    relaxed: &'r Relaxed,
    goal: &'r [Prop],
    base: Vec<u32>,
    cost: Vec<u32>,
    /// Per op: conditions that are not reached.
    missing: Vec<u32>,
    /// Per op: its dearest condition, [`NONE`] where it is not reached, and what that costs.
    supporter: Vec<Prop>,
    support: Vec<u32>,
    /// Per proposition: hmax.
    hmax: Vec<u32>,
    zone: Vec<Zone>,
    queue: Queue,
    stack: Vec<Prop>,
    cut: Vec<u32>,
}

impl<'r> LmCut<'r> {
    /// For this goal, with these costs of the relaxed ops.
    pub(super) fn new(relaxed: &'r Relaxed, goal: &'r [Prop], base: Vec<u32>) -> Self {
        Self {
            goal,
            cost: base.clone(),
            missing: Vec::new(),
            supporter: vec![NONE; base.len()],
            support: vec![0; base.len()],
            hmax: vec![NONE; relaxed.props()],
            zone: vec![Zone::Unknown; relaxed.props()],
            queue: Queue::default(),
            stack: Vec::new(),
            cut: Vec::new(),
            relaxed,
            base,
        }
    }

    /// A lower bound on the cost to the goal from a state in which these propositions hold; None
    /// where the goal is out of reach. `found` holds landmarks that are known already, and
    /// receives the new ones.
    pub(super) fn value(&mut self, holding: &[Prop], found: &mut Landmarks) -> Option<u32> {
        self.cost.clone_from(&self.base);
        let mut total = 0;
        for (cost, ops) in landmarks(found) {
            total += cost;
            for &op in ops {
                self.cost[op as usize] -= cost;
            }
        }
        self.explore(holding);
        loop {
            let (far, dearest) = self.dearest(self.goal);
            if far == NONE {
                return None;
            }
            if far == 0 {
                return Some(total);
            }
            self.zone.fill(Zone::Unknown);
            self.mark_goal_zone(dearest);
            self.find_cut(holding);
            let least = self.cut.iter().map(|&op| self.cost[op as usize]).min().unwrap_or(0);
            total += least;
            found.extend([least, number(self.cut.len())]);
            found.extend_from_slice(&self.cut);
            self.lower(least);
        }
    }

    /// The proposition of the largest hmax and that value; 0 where there is none.
    #[inline]
    fn dearest(&self, props: &[Prop]) -> (u32, Prop) {
        let mut dearest = (0, NONE);
        for &prop in props {
            let cost = self.hmax[prop as usize];
            if dearest.1 == NONE || cost > dearest.0 {
                dearest = (cost, prop);
            }
        }
        dearest
    }

    #[inline]
    fn reach(&mut self, prop: Prop, cost: u32) {
        let slot = &mut self.hmax[prop as usize];
        if *slot > cost {
            *slot = cost;
            self.queue.push(cost, prop);
        }
    }

    /// hmax of all propositions, from scratch.
    fn explore(&mut self, holding: &[Prop]) {
        self.hmax.fill(NONE);
        self.supporter.fill(NONE);
        self.missing.clone_from(&self.relaxed.needs);
        self.queue.at = 0;
        for &prop in holding {
            self.reach(prop, 0);
        }
        let relaxed = self.relaxed;
        while let Some((cost, prop)) = self.queue.pop() {
            if self.hmax[prop as usize] < cost {
                continue;
            }
            for &op in relaxed.needed_by.row(prop as usize) {
                let i = op as usize;
                self.missing[i] -= 1;
                if self.missing[i] == 0 {
                    self.supporter[i] = prop;
                    self.support[i] = cost;
                    let after = cost + self.cost[i];
                    for &add in relaxed.add.row(i) {
                        self.reach(add, after);
                    }
                }
            }
        }
    }

    /// Propositions from which this one follows at no cost.
    fn mark_goal_zone(&mut self, goal: Prop) {
        let relaxed = self.relaxed;
        self.zone[goal as usize] = Zone::Goal;
        self.stack.clear();
        self.stack.push(goal);
        while let Some(prop) = self.stack.pop() {
            for &op in relaxed.added_by.row(prop as usize) {
                let supporter = self.supporter[op as usize];
                if supporter != NONE
                    && self.cost[op as usize] == 0
                    && self.zone[supporter as usize] != Zone::Goal
                {
                    self.zone[supporter as usize] = Zone::Goal;
                    self.stack.push(supporter);
                }
            }
        }
    }

    /// The ops by which the justification graph enters the goal zone.
    fn find_cut(&mut self, holding: &[Prop]) {
        let relaxed = self.relaxed;
        self.cut.clear();
        for &prop in holding {
            // What a running call will bring may hold already.
            if std::mem::replace(&mut self.zone[prop as usize], Zone::Before) != Zone::Before {
                self.stack.push(prop);
            }
        }
        while let Some(prop) = self.stack.pop() {
            for &op in relaxed.needed_by.row(prop as usize) {
                if self.supporter[op as usize] != prop {
                    continue;
                }
                let adds = relaxed.add.row(op as usize);
                if adds.iter().any(|&p| self.zone[p as usize] == Zone::Goal) {
                    self.cut.push(op);
                    continue;
                }
                for &add in adds {
                    if self.zone[add as usize] == Zone::Unknown {
                        self.zone[add as usize] = Zone::Before;
                        self.stack.push(add);
                    }
                }
            }
        }
    }

    /// Takes the landmark's cost off its ops, and brings hmax up to date.
    fn lower(&mut self, by: u32) {
        let relaxed = self.relaxed;
        self.queue.at = usize::MAX;
        for op in std::mem::take(&mut self.cut) {
            let i = op as usize;
            self.cost[i] -= by;
            let after = self.support[i] + self.cost[i];
            for &add in relaxed.add.row(i) {
                self.reach(add, after);
            }
        }
        while let Some((cost, prop)) = self.queue.pop() {
            if self.hmax[prop as usize] < cost {
                continue;
            }
            for &op in relaxed.needed_by.row(prop as usize) {
                let i = op as usize;
                if self.supporter[i] == prop && self.support[i] > cost {
                    self.support_anew(i);
                }
            }
        }
    }

    /// The dearest condition of an op whose former one has become cheaper.
    fn support_anew(&mut self, op: usize) {
        let relaxed = self.relaxed;
        let dearest = self.dearest(relaxed.pre.row(op));
        self.supporter[op] = dearest.1;
        if dearest.0 != self.support[op] {
            self.support[op] = dearest.0;
            let after = dearest.0 + self.cost[op];
            for &add in relaxed.add.row(op) {
                self.reach(add, after);
            }
        }
    }
}
