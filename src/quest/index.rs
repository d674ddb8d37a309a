//! Which calls wait for what, and the state at the start: what makes stepping incremental.

use super::world::{Call, CallId, FactId, NumChange, NumEffect, NumTest, Outcome, World};

/// Reward taken for a call of cost 1, and again for a result of quality 0.
pub(super) const CALL_REWARD: f64 = 0.02;

/// Rows of numbers in one allocation.
#[derive(Debug, Clone)]
pub(super) struct Rows<T> {
    start: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { start: Vec::new(), items: Vec::new() }
    }
}

impl<T: Copy> Rows<T> {
    pub(super) fn new(rows: &[Vec<T>]) -> Self {
        let mut start = vec![0];
        let mut items = Vec::new();
        for row in rows {
            items.extend_from_slice(row);
            start.push(u32::try_from(items.len()).unwrap_or(u32::MAX));
        }
        Self { start, items }
    }

    #[inline]
    pub(super) fn row(&self, i: usize) -> &[T] {
        match (self.start.get(i), self.start.get(i + 1)) {
            (Some(&a), Some(&b)) => self.items.get(a as usize..b as usize).unwrap_or(&[]),
            _ => &[],
        }
    }
}

/// One outcome of one call in few bytes, so that the steps of large levels stay in the cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Its part of [`Index::moves`]: those that delete come first.
    pub moves: (u32, u32),
    /// Its part of [`Index::nums`].
    pub nums: (u32, u32),
    /// Less than 0: what the call costs, and what is missing of the quality of a result that comes
    /// at once.
    pub reward: f64,
    /// The call waits, or has a guard.
    pub special: bool,
    /// Its result comes at once and is more than plain: it has a name, a value or a lower quality,
    /// or it failed.
    pub told: bool,
}

/// Which calls wait for what; what makes stepping incremental.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// Per call: number of its first outcome among all outcomes of all calls.
    pub first_slot: Vec<u32>,
    /// Per outcome: what a step needs of it.
    pub slots: Vec<Slot>,
    /// Facts that outcomes change when the call is made: `2 × fact + 1` where it becomes true,
    /// `2 × fact` where false.
    pub moves: Vec<u32>,
    /// Fluents that outcomes change when the call is made.
    pub nums: Vec<NumEffect>,
    /// Per fact: calls that need it, `2 × call + 1` to be true, `2 × call` to be false.
    pub waiting: Rows<u32>,
    /// Calls with a test of the fluent.
    pub tests: Rows<(CallId, NumTest)>,
    /// Fluents that fall by one with every call, those of running calls left out.
    pub ticking: Vec<usize>,
    /// The outcomes of calls that take time, ascending; the counter of the n-th is the fluent
    /// `first_left + n`, and no other fluent follows.
    pub ends: Vec<(CallId, usize)>,
    pub first_left: usize,
    /// True where some call has a guard.
    pub guarded: bool,
    /// Per fact: wanted true (1), wanted false (2) or neither (0) by the goal.
    pub goal: Vec<u8>,
    /// The state at the start, which every episode copies.
    pub start: Start,
}

/// The state at the start.
#[derive(Debug, Clone, Default)]
pub(super) struct Start {
    pub bits: Vec<u64>,
    pub fluents: Vec<i64>,
    pub missing: Vec<u32>,
    pub open: Vec<u64>,
    pub applicable: Vec<CallId>,
    pub goal_missing: u32,
}

#[inline]
pub(super) fn bit(bits: &[u64], i: u32) -> bool {
    bits.get((i >> 6) as usize).is_some_and(|w| (w >> (i & 63)) & 1 == 1)
}

#[inline]
pub(super) fn set_bit(bits: &mut [u64], i: u32, on: bool) {
    if let Some(word) = bits.get_mut((i >> 6) as usize) {
        let mask = 1u64 << (i & 63);
        *word = if on { *word | mask } else { *word & !mask };
    }
}

pub(super) fn list_bits(bits: &[u64], out: &mut Vec<u32>) {
    out.clear();
    for (i, &word) in (0u32..).zip(bits) {
        let mut left = word;
        while left != 0 {
            out.push(i * 64 + left.trailing_zeros());
            left &= left - 1;
        }
    }
}

impl Index {
    pub(super) fn new(world: &World, first_left: usize) -> Self {
        let mut tests = vec![Vec::new(); world.fluents.len()];
        for (id, call) in (0u32..).zip(&world.calls) {
            for &test in &call.pre_num {
                if let Some(row) = tests.get_mut(test.fluent) {
                    row.push((id, test));
                }
            }
        }
        let mut goal = vec![0; world.facts.len()];
        for (wanted, mark) in [(&world.goal_true, 1), (&world.goal_false, 2)] {
            for &fact in wanted {
                if let Some(slot) = goal.get_mut(fact as usize) {
                    *slot = mark;
                }
            }
        }
        let ticking = world.fluents.iter().enumerate().take(first_left);
        let ticking = ticking.filter(|(_, f)| f.ticks).map(|(i, _)| i);
        let numbered = (0u32..).zip(&world.calls).filter(|(_, c)| c.takes > 0);
        let ends = numbered.flat_map(|(id, c)| (0..c.outcomes.len()).map(move |o| (id, o)));
        let mut index = Self {
            waiting: Rows::new(&waiting(world)),
            tests: Rows::new(&tests),
            ticking: ticking.collect(),
            ends: ends.collect(),
            first_left,
            guarded: world.calls.iter().any(|c| c.forbidden.is_some()),
            goal,
            start: start(world),
            ..Self::default()
        };
        for call in &world.calls {
            index.first_slot.push(short(index.slots.len()));
            for outcome in &call.outcomes {
                index.add_slot(call, outcome);
            }
        }
        index
    }

    fn add_slot(&mut self, call: &Call, outcome: &Outcome) {
        let timed = outcome.left.is_some();
        let (del, add) =
            if timed { (&call.start_del, &call.start_add) } else { (&outcome.del, &outcome.add) };
        let (moves, nums) = (self.moves.len(), self.nums.len());
        self.moves.extend(del.iter().map(|fact| 2 * fact));
        self.moves.extend(add.iter().map(|fact| 2 * fact + 1));
        self.nums.extend(&outcome.num);
        // Starting a call that takes time winds up its counter.
        let takes = NumChange::Set(i64::from(call.takes));
        self.nums.extend(outcome.left.map(|fluent| NumEffect { fluent, change: takes }));
        let told = outcome.name.is_some() || outcome.returned.is_some() || outcome.failed;
        let poor = if timed { 0.0 } else { 1.0 - outcome.quality };
        self.slots.push(Slot {
            moves: (short(moves), short(self.moves.len())),
            nums: (short(nums), short(self.nums.len())),
            reward: -CALL_REWARD * call.cost - CALL_REWARD * poor,
            told: !timed && (told || poor != 0.0),
            special: call.wait || call.forbidden.is_some(),
        });
    }

    /// What a step needs of an outcome.
    #[inline]
    pub(super) fn slot(&self, call: CallId, outcome: usize) -> Option<&Slot> {
        self.slots.get(*self.first_slot.get(call as usize)? as usize + outcome)
    }
}

/// A count as the index keeps it.
pub(super) fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn waiting(world: &World) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); world.facts.len()];
    for (id, call) in (0u32..).zip(&world.calls) {
        for (facts, on) in [(&call.pre_true, 1), (&call.pre_false, 0)] {
            for &fact in facts {
                if let Some(row) = rows.get_mut(fact as usize) {
                    row.push(2 * id + on);
                }
            }
        }
    }
    rows
}

fn start(world: &World) -> Start {
    let mut bits = vec![0u64; world.facts.len().div_ceil(64)];
    for &fact in &world.init {
        set_bit(&mut bits, fact, true);
    }
    let fluents: Vec<i64> = world.fluents.iter().map(|f| f.init).collect();
    let on = |fact: FactId| bit(&bits, fact);
    let mut missing = Vec::with_capacity(world.calls.len());
    let mut open = vec![0u64; world.calls.len().div_ceil(64)];
    for (id, call) in (0u32..).zip(&world.calls) {
        let count = call.pre_true.iter().filter(|&&f| !on(f)).count()
            + call.pre_false.iter().filter(|&&f| on(f)).count()
            + call.pre_num.iter().filter(|t| !t.holds(&fluents)).count();
        missing.push(u32::try_from(count).unwrap_or(u32::MAX));
        set_bit(&mut open, id, count == 0);
    }
    let goal_missing = world.goal_true.iter().filter(|&&f| !on(f)).count()
        + world.goal_false.iter().filter(|&&f| on(f)).count()
        + world.goal_num.iter().filter(|t| !t.holds(&fluents)).count();
    let mut applicable = Vec::new();
    list_bits(&open, &mut applicable);
    Start {
        bits,
        fluents,
        missing,
        open,
        applicable,
        goal_missing: u32::try_from(goal_missing).unwrap_or(u32::MAX),
    }
}
