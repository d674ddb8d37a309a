//! One episode in progress: state as bits and counters, applicable calls kept up to date.
//!
//! A step touches only the calls that wait for a changed fact, so its cost follows the effects
//! and not the size of the level. Nothing is allocated per step but the growth of the history.

use std::sync::Arc;

use super::world::{CallId, FactId, NumChange, NumEffect, World, bit, list_bits, set_bit};
use crate::core::derive_seed;

/// Reward for reaching the goal.
const GOAL_REWARD: f64 = 1.0;
/// Reward taken for a call of cost 1, and again for a result of quality 0.
const CALL_REWARD: f64 = 0.02;

/// Why a call was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// No such call.
    #[error("call number {call}: the level has {calls} calls")]
    UnknownCall {
        /// The number asked for.
        call: CallId,
        /// How many there are.
        calls: usize,
    },
    /// Its conditions do not hold now.
    #[error("call `{call}`: not applicable in this state")]
    NotApplicable {
        /// Name of the call.
        call: String,
    },
    /// A log names an outcome that the call does not have.
    #[error("call `{call}`: outcome {outcome} does not exist; it has {outcomes}")]
    UnknownOutcome {
        /// Name of the call.
        call: String,
        /// The outcome asked for.
        outcome: usize,
        /// How many there are.
        outcomes: usize,
    },
    /// The episode has used all its calls.
    #[error("call `{call}`: the episode has used its {max_calls} calls")]
    OutOfCalls {
        /// Name of the call.
        call: String,
        /// The limit.
        max_calls: u32,
    },
}

/// What a step brought.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    /// Index of the outcome; 0 is the intended one.
    pub outcome: usize,
    /// Name of the outcome, where the level gives one.
    pub name: Option<String>,
    /// What the call gave back.
    pub returned: Option<String>,
    /// Quality of the result, 0 to 1.
    pub quality: f64,
    /// Reward: 1 for reaching the goal, minus 0.02 for each unit of cost, minus 0.02 × (1 − quality).
    pub reward: f64,
    /// True for an error or a timeout.
    pub failed: bool,
}

/// One episode in progress.
#[derive(Debug, Clone)]
pub struct Play {
    world: Arc<World>,
    draws: u64,
    bits: Vec<u64>,
    fluents: Vec<i64>,
    /// Per call: conditions that do not hold.
    missing: Vec<u32>,
    /// Bit set of applicable calls.
    open: Vec<u64>,
    applicable: Vec<CallId>,
    goal_missing: u32,
    history: Vec<(CallId, usize)>,
    /// Per step: lengths of the two trails before it.
    frames: Vec<(u32, u32)>,
    fact_trail: Vec<FactId>,
    fluent_trail: Vec<(u32, i64)>,
}

/// SplitMix64's finaliser: spreads a counter over 64 bits.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Play {
    /// A new episode. Outcomes follow from the seed and the number of the call alone, so undoing
    /// and repeating a call draws the same, and paired agents meet the same luck.
    pub fn new(world: Arc<World>, seed: u64) -> Self {
        let start = world.index.start.clone();
        Self {
            draws: derive_seed(seed, "quest/outcomes"),
            bits: start.bits,
            fluents: start.fluents,
            missing: start.missing,
            open: start.open,
            applicable: start.applicable,
            goal_missing: start.goal_missing,
            history: Vec::new(),
            frames: Vec::new(),
            fact_trail: Vec::new(),
            fluent_trail: Vec::new(),
            world,
        }
    }

    /// Back to the start, with the same luck and without new allocations.
    pub fn reset(&mut self) {
        let start = &self.world.index.start;
        self.bits.clone_from(&start.bits);
        self.fluents.clone_from(&start.fluents);
        self.missing.clone_from(&start.missing);
        self.open.clone_from(&start.open);
        self.applicable.clone_from(&start.applicable);
        self.goal_missing = start.goal_missing;
        self.history.clear();
        self.frames.clear();
        self.fact_trail.clear();
        self.fluent_trail.clear();
    }

    /// The grounded level.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Calls that may be made now, ascending. Not empty at the goal or at the limit of calls;
    /// ask [`Play::done`].
    pub fn applicable(&self) -> &[CallId] {
        &self.applicable
    }

    /// Whether the call may be made now.
    pub fn is_applicable(&self, call: CallId) -> bool {
        bit(&self.open, call)
    }

    /// The applicable calls as a bit set, 64 calls a word.
    pub fn mask(&self) -> &[u64] {
        &self.open
    }

    /// Makes a call; its outcome is drawn from the episode's seed.
    ///
    /// # Errors
    /// Where the call does not exist, is not applicable, or the calls are used up.
    pub fn step(&mut self, call: CallId) -> Result<StepOutcome, StepError> {
        let before = self.goal_missing == 0;
        let outcome = self.advance(call)?;
        Ok(self.describe(call, outcome, before))
    }

    /// Makes a logged call with the outcome that the log states.
    ///
    /// # Errors
    /// As [`Play::step`], and where the outcome does not exist.
    pub fn apply_logged(&mut self, call: CallId, outcome: usize) -> Result<StepOutcome, StepError> {
        let before = self.goal_missing == 0;
        self.check(call)?;
        let outcomes = self.world.calls.get(call as usize).map_or(0, |c| c.outcomes.len());
        if outcome >= outcomes {
            let call = self.call_name(call);
            return Err(StepError::UnknownOutcome { call, outcome, outcomes });
        }
        self.apply(call, outcome);
        Ok(self.describe(call, outcome, before))
    }

    /// As [`Play::step`] but returns only the index of the outcome: the fast path of rollouts.
    ///
    /// # Errors
    /// As [`Play::step`].
    pub fn advance(&mut self, call: CallId) -> Result<usize, StepError> {
        self.check(call)?;
        let outcome = self.draw(call);
        self.apply(call, outcome);
        Ok(outcome)
    }

    /// Takes the last step back. False where there is none.
    pub fn undo(&mut self) -> bool {
        let (Some(_), Some((facts, fluents))) = (self.history.pop(), self.frames.pop()) else {
            return false;
        };
        let world = Arc::clone(&self.world);
        while self.fact_trail.len() > facts as usize {
            if let Some(fact) = self.fact_trail.pop() {
                let on = !bit(&self.bits, fact);
                self.flip(&world, fact, on);
            }
        }
        while self.fluent_trail.len() > fluents as usize {
            if let Some((fluent, value)) = self.fluent_trail.pop() {
                self.set_fluent(&world, fluent as usize, value);
            }
        }
        list_bits(&self.open, &mut self.applicable);
        true
    }

    /// Whether the goal holds now.
    #[inline]
    pub fn goal_achieved(&self) -> bool {
        self.goal_missing == 0
    }

    /// Whether the episode is over: goal reached, calls used up, or nothing left to call.
    #[inline]
    pub fn done(&self) -> bool {
        self.goal_missing == 0
            || self.calls_used() >= self.world.level.limits.max_calls
            || self.applicable.is_empty()
    }

    /// Calls made so far.
    #[inline]
    pub fn calls_used(&self) -> u32 {
        u32::try_from(self.history.len()).unwrap_or(u32::MAX)
    }

    /// Calls left before the limit.
    pub fn calls_left(&self) -> u32 {
        self.world.level.limits.max_calls.saturating_sub(self.calls_used())
    }

    /// Whether the fact is true now.
    #[inline]
    pub fn is_true(&self, fact: FactId) -> bool {
        bit(&self.bits, fact)
    }

    /// Value of a fluent; 0 where there is no such fluent.
    pub fn fluent(&self, fluent: usize) -> i64 {
        self.fluents.get(fluent).copied().unwrap_or(0)
    }

    /// Calls made so far, each with its outcome.
    pub fn history(&self) -> &[(CallId, usize)] {
        &self.history
    }

    /// Fraction of the goal's parts that hold, 0 to 1.
    pub fn goal_progress(&self) -> f64 {
        let size = self.world.goal_size();
        if size == 0 {
            return 1.0;
        }
        1.0 - f64::from(self.goal_missing) / size as f64
    }

    /// The facts as a bit set, 64 a word.
    pub fn bits(&self) -> &[u64] {
        &self.bits
    }

    /// Values of all fluents.
    pub fn fluents(&self) -> &[i64] {
        &self.fluents
    }

    fn call_name(&self, call: CallId) -> String {
        self.world.calls.get(call as usize).map_or_else(String::new, |c| c.name.clone())
    }

    #[inline]
    fn check(&self, call: CallId) -> Result<(), StepError> {
        let max_calls = self.world.level.limits.max_calls;
        if bit(&self.open, call) && self.calls_used() < max_calls {
            return Ok(());
        }
        let calls = self.world.calls.len();
        if call as usize >= calls {
            return Err(StepError::UnknownCall { call, calls });
        }
        if self.calls_used() >= max_calls {
            return Err(StepError::OutOfCalls { call: self.call_name(call), max_calls });
        }
        Err(StepError::NotApplicable { call: self.call_name(call) })
    }

    fn draw(&self, call: CallId) -> usize {
        let Some(call) = self.world.calls.get(call as usize) else { return 0 };
        let last = call.outcomes.len().saturating_sub(1);
        if last == 0 {
            return 0;
        }
        let step = (self.history.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let unit = (mix(self.draws.wrapping_add(step)) >> 11) as f64 / (1u64 << 53) as f64;
        let mut sum = 0.0;
        for (i, outcome) in call.outcomes.iter().enumerate() {
            sum += outcome.p;
            if unit < sum {
                return i;
            }
        }
        last
    }

    fn apply(&mut self, call: CallId, outcome: usize) {
        let world = Arc::clone(&self.world);
        let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.frames.push((length(self.fact_trail.len()), length(self.fluent_trail.len())));
        self.history.push((call, outcome));
        for &fluent in &world.index.ticking {
            let floor = world.fluents.get(fluent).map_or(0, |f| f.min);
            let value = self.fluent(fluent);
            if value > floor {
                self.move_fluent(&world, fluent, value - 1);
            }
        }
        let Some(outcome) = world.calls.get(call as usize).and_then(|c| c.outcomes.get(outcome))
        else {
            return;
        };
        for &fact in &outcome.del {
            self.move_fact(&world, fact, false);
        }
        for &fact in &outcome.add {
            self.move_fact(&world, fact, true);
        }
        for &NumEffect { fluent, change } in &outcome.num {
            let value = match change {
                NumChange::Add(by) => self.fluent(fluent) + by,
                NumChange::Set(to) => to,
            };
            self.move_fluent(&world, fluent, value);
        }
        list_bits(&self.open, &mut self.applicable);
    }

    #[inline]
    fn move_fact(&mut self, world: &World, fact: FactId, on: bool) {
        if bit(&self.bits, fact) != on {
            self.fact_trail.push(fact);
            self.flip(world, fact, on);
        }
    }

    #[inline]
    fn flip(&mut self, world: &World, fact: FactId, on: bool) {
        set_bit(&mut self.bits, fact, on);
        let (eased, blocked) = if on {
            (world.index.need_true.row(fact as usize), world.index.need_false.row(fact as usize))
        } else {
            (world.index.need_false.row(fact as usize), world.index.need_true.row(fact as usize))
        };
        for &call in eased {
            self.ease(call);
        }
        for &call in blocked {
            self.block(call);
        }
        match world.index.goal.get(fact as usize) {
            Some(1) if on => self.goal_missing -= 1,
            Some(1) => self.goal_missing += 1,
            Some(2) if on => self.goal_missing += 1,
            Some(2) => self.goal_missing -= 1,
            _ => {}
        }
    }

    #[inline]
    fn ease(&mut self, call: CallId) {
        if let Some(missing) = self.missing.get_mut(call as usize) {
            *missing -= 1;
            if *missing == 0 {
                set_bit(&mut self.open, call, true);
            }
        }
    }

    #[inline]
    fn block(&mut self, call: CallId) {
        if let Some(missing) = self.missing.get_mut(call as usize) {
            if *missing == 0 {
                set_bit(&mut self.open, call, false);
            }
            *missing += 1;
        }
    }

    fn move_fluent(&mut self, world: &World, fluent: usize, value: i64) {
        let before = self.fluent(fluent);
        if before != value {
            self.fluent_trail.push((u32::try_from(fluent).unwrap_or(u32::MAX), before));
            self.set_fluent(world, fluent, value);
        }
    }

    fn set_fluent(&mut self, world: &World, fluent: usize, value: i64) {
        let Some(slot) = self.fluents.get_mut(fluent) else { return };
        let before = std::mem::replace(slot, value);
        for &(call, test) in world.index.tests.row(fluent) {
            match (test.compare.holds(before, test.value), test.compare.holds(value, test.value)) {
                (false, true) => self.ease(call),
                (true, false) => self.block(call),
                _ => {}
            }
        }
        for test in world.goal_num.iter().filter(|t| t.fluent == fluent) {
            match (test.compare.holds(before, test.value), test.compare.holds(value, test.value)) {
                (false, true) => self.goal_missing -= 1,
                (true, false) => self.goal_missing += 1,
                _ => {}
            }
        }
    }

    fn describe(&self, call: CallId, outcome: usize, at_goal_before: bool) -> StepOutcome {
        let call = self.world.calls.get(call as usize);
        let cost = call.map_or(1.0, |c| c.cost);
        let detail = call.and_then(|c| c.outcomes.get(outcome));
        let quality = detail.map_or(1.0, |o| o.quality);
        let reached = self.goal_missing == 0 && !at_goal_before;
        let goal = if reached { GOAL_REWARD } else { 0.0 };
        StepOutcome {
            outcome,
            name: detail.and_then(|o| o.name.clone()),
            returned: detail.and_then(|o| o.returned.clone()),
            quality,
            reward: goal - CALL_REWARD * cost - CALL_REWARD * (1.0 - quality),
            failed: detail.is_some_and(|o| o.failed),
        }
    }
}
