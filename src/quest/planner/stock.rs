//! Things that can be counted in a state: the facts of a predicate, the units of a fluent. For each
//! of them, what every op adds at most and takes for sure.

use super::problem::Problem;
use super::relevance::Terms;
use super::space::{NONE, OpId, Space};
use crate::quest::expr::Compare;
use crate::quest::world::{Call, FactId, NumChange, NumTest, Outcome, World};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Facts of a predicate that are true, or those that are false.
    Facts { predicate: usize, on: bool },
    /// How far a fluent is above its least value, or below its largest.
    Units { fluent: usize, above: bool },
}

/// Something that is counted.
#[derive(Debug)]
pub(super) struct Stock {
    kind: Kind,
    /// The facts, as a mask of a state.
    mask: Vec<u64>,
    /// Per op: what it adds at most; where it is negative, what it takes for sure.
    pub gain: Vec<i64>,
    /// How many the goal wants.
    pub goal: i64,
}

/// Everything that some op takes.
pub(super) fn stocks(problem: &Problem) -> Vec<Stock> {
    let (world, space) = (problem.world, &problem.space);
    let facts = (0..world.predicates().len())
        .flat_map(|predicate| [true, false].map(|on| Kind::Facts { predicate, on }));
    let hidden = |fluent: usize| {
        let left = |c: &Call| c.outcomes.iter().any(|o| o.left == Some(fluent));
        world.running_fluent() == Some(fluent) || world.calls().iter().any(left)
    };
    let fluents = world.fluents().iter().enumerate();
    let shown = fluents.filter(|(i, _)| space.field(*i) != NONE && !hidden(*i));
    let units = shown.flat_map(|(fluent, f)| {
        // A counter that falls by itself gets below its largest value without a call.
        let sides = [Some(true), Some(false).filter(|_| !f.ticks)];
        sides.into_iter().flatten().map(move |above| Kind::Units { fluent, above })
    });
    let all = facts.chain(units).map(|kind| Stock::new(world, space, kind));
    all.filter(|stock| stock.gain.iter().any(|&g| g < 0)).collect()
}

impl Stock {
    fn new(world: &World, space: &Space, kind: Kind) -> Self {
        let gain = |op| space.parts(world, op).map_or(0, |(c, o)| kind.gain(world, space, c, o));
        let gain = space.ops().iter().map(gain).collect();
        let (mut mask, mut goal) = (Vec::new(), 0);
        match kind {
            Kind::Facts { predicate, on } => {
                mask = vec![0; space.stride()];
                for (i, &fact) in (0u32..).zip(space.facts()) {
                    let of = world.facts().get(fact as usize).map(|f| f.predicate);
                    crate::quest::index::set_bit(&mut mask, i, of == Some(predicate));
                }
                let wanted = if on { world.goal_true() } else { world.goal_false() };
                goal = count(world, space, predicate, wanted.iter());
            }
            Kind::Units { fluent, above } => {
                let tests = world.goal_num().iter().filter(|t| t.fluent == fluent);
                goal = tests.filter_map(|t| wanted(world, t, above)).max().unwrap_or(goal);
            }
        }
        Self { kind, mask, gain, goal }
    }

    /// How many there are in a state, with those that running calls may still bring.
    pub(super) fn now(&self, problem: &Problem, state: &[u64], pending: &[OpId]) -> i64 {
        match self.kind {
            Kind::Facts { predicate, on } => {
                let words = state.iter().zip(&self.mask);
                let ones = words.map(|(s, m)| (if on { s & m } else { !s & m }).count_ones());
                let later = pending.iter().map(|&op| later(problem, op, predicate, on));
                i64::from(ones.sum::<u32>()) + later.sum::<i64>()
            }
            Kind::Units { fluent, above } => {
                let (low, high) = ends(problem.world, fluent);
                let value = problem.space.value(state, fluent);
                if above { value - low } else { high - value }
            }
        }
    }
}

impl Kind {
    /// What an op adds at most; where it is negative, what it takes for sure.
    fn gain(self, world: &World, space: &Space, call: &Call, outcome: &Outcome) -> i64 {
        match self {
            Self::Facts { predicate, on } => {
                let terms = Terms::of(call).unwrap_or_default();
                let ended = outcome.left.is_none();
                // What a call that takes time does at its end is not sure to change anything by
                // then, so its end may add and never takes.
                let (start, known) = match (ended, on) {
                    (true, true) => ([&outcome.add, &outcome.del], &terms.on),
                    (true, false) => ([&outcome.del, &outcome.add], &terms.off),
                    (false, true) => ([&call.start_add, &call.start_del], &terms.on),
                    (false, false) => ([&call.start_del, &call.start_add], &terms.off),
                };
                let is_known = |f: &&FactId| known.contains(f);
                let adds = start[0].iter().filter(|f| !is_known(f));
                let takes = start[1].iter().filter(is_known);
                let end = if on { &outcome.add } else { &outcome.del };
                let later = end.iter().filter(|_| !ended);
                count(world, space, predicate, adds.chain(later))
                    - count(world, space, predicate, takes)
            }
            Self::Units { fluent, above } => {
                let (low, high) = ends(world, fluent);
                let changes = outcome.num.iter().filter(|e| e.fluent == fluent);
                let is_set = changes.clone().any(|e| matches!(e.change, NumChange::Set(_)));
                let gain = |change| match (change, above) {
                    (NumChange::Add(by), _) => {
                        let by = if above { by } else { -by };
                        // What is taken before a fluent is set anew is not taken from the rest.
                        if is_set { by.max(0) } else { by }
                    }
                    (NumChange::Set(to), true) => to - low,
                    (NumChange::Set(to), false) => high - to,
                };
                changes.map(|e| gain(e.change)).sum()
            }
        }
    }
}

/// What the end of a running op adds at most.
fn later(problem: &Problem, op: OpId, predicate: usize, on: bool) -> i64 {
    let op = problem.space.ops().get(op as usize);
    let Some((_, outcome)) = op.and_then(|op| problem.space.parts(problem.world, op)) else {
        return 0;
    };
    let facts = if on { &outcome.add } else { &outcome.del };
    count(problem.world, &problem.space, predicate, facts.iter())
}

fn ends(world: &World, fluent: usize) -> (i64, i64) {
    world.fluents().get(fluent).map_or((0, 0), |f| (f.min, f.max))
}

/// How far the fluent must be above its least value (or below its largest) for a test.
fn wanted(world: &World, test: &NumTest, above: bool) -> Option<i64> {
    let (low, high) = ends(world, test.fluent);
    match (test.compare, above) {
        (Compare::Ge | Compare::Eq, true) => Some(test.value - low),
        (Compare::Le | Compare::Eq, false) => Some(high - test.value),
        _ => None,
    }
}

/// How many of the facts are of the predicate and can matter.
fn count<'a>(
    world: &World,
    space: &Space,
    predicate: usize,
    facts: impl Iterator<Item = &'a FactId>,
) -> i64 {
    let of =
        |f: &&FactId| world.facts().get(**f as usize).is_some_and(|f| f.predicate == predicate);
    facts.filter(of).filter(|f| space.local(**f) != NONE).map(|_| 1).sum()
}
