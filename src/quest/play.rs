//! One episode in progress.
//!
//! Time passes by one with every call. A call that takes time starts when it is made and ends
//! that many further calls later; others overlap with it. Inside a step time passes first, then
//! come the call's own effects (of a call that takes time: those of its start), then the effects
//! of the calls that end, in ascending order of call and outcome, deleting before adding. `wait()`
//! lets time pass until the next running call ends.

use std::sync::Arc;

use super::board::Board;
use super::index::{CALL_REWARD, bit};
use super::world::{Call, CallId, FactId, Outcome, World};
use crate::core::derive_seed;

/// Reward for reaching the goal.
const GOAL_REWARD: f64 = 1.0;
/// Reward taken for a forbidden call.
const FORBIDDEN_REWARD: f64 = 1.0;

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

/// What a step brought. Of a call that takes time it holds the plain start: quality 1, nothing
/// failed, no name, nothing returned; how it went is in `finished` of the step in which it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    /// Index of the outcome; 0 is the intended one. Of a call that takes time it is drawn at the
    /// start, for logs to repeat, and nothing that an agent should look at.
    pub outcome: usize,
    /// Name of the outcome, where the level gives one.
    pub name: Option<String>,
    /// What the call gave back.
    pub returned: Option<String>,
    /// Quality of the result, 0 to 1.
    pub quality: f64,
    /// Reward: 1 for reaching the goal; minus 0.02 for each unit of cost, when a call starts;
    /// minus 0.02 × (1 − quality), when a call ends; minus 1 for a forbidden call.
    pub reward: f64,
    /// True for an error or a timeout.
    pub failed: bool,
    /// Calls that take time and ended in this step, ascending.
    pub finished: Vec<Finished>,
}

/// A call that took time and ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The call.
    pub call: CallId,
    /// Index of its outcome; 0 is the intended one.
    pub outcome: usize,
    /// Name of the outcome, where the level gives one.
    pub name: Option<String>,
    /// What the call gave back.
    pub returned: Option<String>,
    /// Quality of the result, 0 to 1.
    pub quality: f64,
    /// True for an error or a timeout.
    pub failed: bool,
}

impl Finished {
    fn new(call: CallId, outcome: usize, detail: &Outcome) -> Self {
        Self {
            call,
            outcome,
            name: detail.name.clone(),
            returned: detail.returned.clone(),
            quality: detail.quality,
            failed: detail.failed,
        }
    }
}

/// A call under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// The call.
    pub call: CallId,
    /// Further calls after which it ends, at least 1.
    pub left: u32,
}

/// One episode in progress.
#[derive(Debug, Clone)]
pub struct Play {
    world: Arc<World>,
    draws: u64,
    pub(super) board: Board,
}

/// SplitMix64's finaliser: spreads a counter over 64 bits.
pub(super) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Play {
    /// A new episode. Outcomes follow from the seed and the number of the call alone, so undoing
    /// and repeating a call draws the same, and paired agents meet the same luck.
    pub fn new(world: Arc<World>, seed: u64) -> Self {
        let board = Board::new(&world.index.start);
        Self { draws: derive_seed(seed, "quest/outcomes"), board, world }
    }

    /// Back to the start, with the same luck and without new allocations.
    pub fn reset(&mut self) {
        self.board.reset(&self.world.index.start);
    }

    /// The grounded level.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Calls that can be made now, ascending, forbidden ones included. Not empty at the goal or at
    /// the limit of calls; ask [`Play::done`].
    pub fn applicable(&self) -> &[CallId] {
        &self.board.applicable
    }

    /// Whether the call can be made now, forbidden or not.
    pub fn is_applicable(&self, call: CallId) -> bool {
        bit(&self.board.open, call)
    }

    /// The applicable calls as a bit set, 64 calls a word.
    pub fn mask(&self) -> &[u64] {
        &self.board.open
    }

    /// Whether the call must not be made now. Making it all the same is possible: it has its
    /// effects, costs a reward of 1 and ends the episode as a failure.
    pub fn is_forbidden(&self, call: CallId) -> bool {
        self.world.index.guarded && self.call(call).is_some_and(|c| self.board.forbidden(c))
    }

    /// Applicable calls that are not forbidden, ascending.
    pub fn allowed(&self) -> impl Iterator<Item = CallId> {
        self.board.applicable.iter().copied().filter(|&call| !self.is_forbidden(call))
    }

    /// Whether a forbidden call has been made.
    #[inline]
    pub fn violated(&self) -> bool {
        !self.board.violations.is_empty()
    }

    /// Whether the call of this step, counted from 0, was forbidden when it was made.
    pub fn was_forbidden(&self, step: usize) -> bool {
        self.board.violations.iter().any(|&number| number as usize == step + 1)
    }

    /// Calls under way, ascending.
    pub fn running(&self) -> impl Iterator<Item = Running> {
        let running = self.board.running(&self.world);
        running.map(|(call, _, left)| Running { call, left: u32::try_from(left).unwrap_or(0) })
    }

    /// Calls that take time and ended in the last step, ascending.
    pub fn finished(&self) -> impl Iterator<Item = Finished> {
        let details = |(call, outcome): (CallId, usize)| {
            self.outcome(call, outcome).map(|detail| Finished::new(call, outcome, detail))
        };
        self.board.finished(&self.world).filter_map(details)
    }

    /// Makes a call; its outcome is drawn from the episode's seed.
    ///
    /// # Errors
    /// Where the call does not exist, is not applicable, or the calls are used up.
    pub fn step(&mut self, call: CallId) -> Result<StepOutcome, StepError> {
        let (outcome, reward) = self.earn(call)?;
        Ok(self.describe(call, outcome, reward))
    }

    /// As [`Play::step`], but returns only the index of the outcome and the reward: what a learner
    /// needs of a step, without the texts.
    ///
    /// # Errors
    /// As [`Play::step`].
    pub fn earn(&mut self, call: CallId) -> Result<(usize, f64), StepError> {
        let before = self.goal_achieved();
        let outcome = self.advance(call)?;
        Ok((outcome, self.reward(call, outcome, before)))
    }

    /// Makes a logged call with the outcome that the log states.
    ///
    /// # Errors
    /// As [`Play::step`], and where the outcome does not exist.
    pub fn apply_logged(&mut self, call: CallId, outcome: usize) -> Result<StepOutcome, StepError> {
        let before = self.goal_achieved();
        self.check(call)?;
        let outcomes = self.call(call).map_or(0, |c| c.outcomes.len());
        if outcome >= outcomes {
            let call = self.call_name(call);
            return Err(StepError::UnknownOutcome { call, outcome, outcomes });
        }
        self.board.apply(&self.world, call, outcome);
        Ok(self.describe(call, outcome, self.reward(call, outcome, before)))
    }

    /// As [`Play::step`] but returns only the index of the outcome: the fast path of rollouts.
    ///
    /// # Errors
    /// As [`Play::step`].
    pub fn advance(&mut self, call: CallId) -> Result<usize, StepError> {
        self.check(call)?;
        let outcome = self.draw(call);
        self.board.apply(&self.world, call, outcome);
        Ok(outcome)
    }

    /// Takes the last step back, exactly. False where there is none.
    pub fn undo(&mut self) -> bool {
        self.board.undo(&self.world)
    }

    /// Whether the goal holds now, and no forbidden call was made on the way.
    #[inline]
    pub fn goal_achieved(&self) -> bool {
        self.board.goal_missing == 0 && !self.violated()
    }

    /// Whether the episode is over: goal reached, a forbidden call made, calls used up, or nothing
    /// left to call that is not forbidden.
    #[inline]
    pub fn done(&self) -> bool {
        self.board.goal_missing == 0
            || self.violated()
            || self.calls_used() >= self.world.level.limits.max_calls
            || self.stuck()
    }

    #[inline]
    fn stuck(&self) -> bool {
        self.board.applicable.is_empty()
            || self.world.index.guarded && self.allowed().next().is_none()
    }

    /// Calls made so far.
    #[inline]
    pub fn calls_used(&self) -> u32 {
        u32::try_from(self.board.history.len()).unwrap_or(u32::MAX)
    }

    /// Calls left before the limit.
    pub fn calls_left(&self) -> u32 {
        self.world.level.limits.max_calls.saturating_sub(self.calls_used())
    }

    /// Whether the fact is true now.
    #[inline]
    pub fn is_true(&self, fact: FactId) -> bool {
        bit(&self.board.bits, fact)
    }

    /// Value of a fluent; 0 where there is no such fluent.
    pub fn fluent(&self, fluent: usize) -> i64 {
        self.board.fluent(fluent)
    }

    /// Calls made so far, each with its outcome.
    pub fn history(&self) -> &[(CallId, usize)] {
        &self.board.history
    }

    /// Fraction of the goal's parts that hold, 0 to 1.
    pub fn goal_progress(&self) -> f64 {
        let size = self.world.goal_size();
        if size == 0 {
            return 1.0;
        }
        1.0 - f64::from(self.board.goal_missing) / size as f64
    }

    /// The facts as a bit set, 64 a word.
    pub fn bits(&self) -> &[u64] {
        &self.board.bits
    }

    /// Values of all fluents.
    pub fn fluents(&self) -> &[i64] {
        &self.board.fluents
    }

    #[inline]
    fn call(&self, call: CallId) -> Option<&Call> {
        self.world.calls.get(call as usize)
    }

    fn outcome(&self, call: CallId, outcome: usize) -> Option<&Outcome> {
        self.call(call)?.outcomes.get(outcome)
    }

    fn call_name(&self, call: CallId) -> String {
        self.call(call).map_or_else(String::new, |c| c.name.clone())
    }

    #[inline]
    fn check(&self, call: CallId) -> Result<(), StepError> {
        let max_calls = self.world.level.limits.max_calls;
        if bit(&self.board.open, call) && self.calls_used() < max_calls {
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
        let Some(call) = self.call(call) else { return 0 };
        let last = call.outcomes.len().saturating_sub(1);
        if last == 0 {
            return 0;
        }
        let step = (self.board.history.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
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

    /// The reward of the last step, which was this call.
    #[inline]
    fn reward(&self, call: CallId, outcome: usize, at_goal_before: bool) -> f64 {
        let mut reward = self.world.index.slot(call, outcome).map_or(0.0, |s| s.reward);
        if self.goal_achieved() && !at_goal_before {
            reward += GOAL_REWARD;
        }
        if self.world.running.is_some() {
            let ended = self.board.finished(&self.world);
            let details = ended.filter_map(|(call, outcome)| self.outcome(call, outcome));
            reward -= details.map(|o| CALL_REWARD * (1.0 - o.quality)).sum::<f64>();
        }
        if self.violated() && self.board.violations.last() == Some(&self.calls_used()) {
            reward -= FORBIDDEN_REWARD;
        }
        reward
    }

    /// What the last step brought, which was this call.
    #[inline]
    fn describe(&self, call: CallId, outcome: usize, reward: f64) -> StepOutcome {
        let mut made = StepOutcome {
            outcome,
            name: None,
            returned: None,
            quality: 1.0,
            reward,
            failed: false,
            finished: Vec::new(),
        };
        let told = self.world.index.slot(call, outcome).is_some_and(|slot| slot.told);
        if told || self.world.running.is_some() {
            self.tell(call, outcome, &mut made);
        }
        made
    }

    /// Most calls end at once and have nothing to tell, so this stays out of their way.
    #[inline(never)]
    fn tell(&self, call: CallId, outcome: usize, made: &mut StepOutcome) {
        if let Some(ended) = self.outcome(call, outcome).filter(|o| o.left.is_none()) {
            made.name.clone_from(&ended.name);
            made.returned.clone_from(&ended.returned);
            made.quality = ended.quality;
            made.failed = ended.failed;
        }
        made.finished.extend(self.finished());
    }
}
