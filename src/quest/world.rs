//! A grounded level: numbered facts, calls and fluents, ready for bitsets. Immutable and shared.

use std::collections::BTreeMap;

use super::expr::{Compare, Param};
pub(super) use super::index::{Index, bit};
use super::level::{Level, StoreKind};
use crate::core::Digest;

/// Index into [`World::facts`].
pub type FactId = u32;
/// Index into [`World::calls`].
pub type CallId = u32;

/// Why a level cannot be grounded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroundError {
    /// Too many ground calls.
    #[error(
        "ground level `{level}`: function `{function}` brings it over {limit} calls; use fewer \
         objects, or static predicates in its `pre`"
    )]
    TooManyCalls {
        /// Id of the level.
        level: String,
        /// The function at which the limit was passed.
        function: String,
        /// The limit.
        limit: usize,
    },
    /// Too many facts.
    #[error("ground level `{level}`: more than {limit} facts; use fewer objects")]
    TooManyFacts {
        /// Id of the level.
        level: String,
        /// The limit.
        limit: usize,
    },
    /// Binding the parameters, or writing out what the calls change, takes too many steps.
    #[error(
        "ground level `{level}`: function `{function}` takes too much work to ground; use fewer \
         parameters or objects, or static predicates in its `pre` that connect the parameters"
    )]
    TooMuchWork {
        /// Id of the level.
        level: String,
        /// The function at which the limit was passed.
        function: String,
    },
    /// Part of the goal can never hold, whatever is called.
    #[error(
        "ground level `{level}`: goal `{part}` can never be reached: no chain of calls from \
         `init` brings it about; add a function with that effect, or change `init` or `goal`"
    )]
    GoalUnreachable {
        /// Id of the level.
        level: String,
        /// The part of the goal.
        part: String,
    },
}

/// A ground fact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// Such as `has(p1)`.
    pub name: String,
    /// Index into [`World::predicates`].
    pub predicate: usize,
    /// Indices into [`World::objects`].
    pub args: Vec<usize>,
}

/// A numeric condition of a call or of the goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumTest {
    /// Index into [`World::fluents`].
    pub fluent: usize,
    /// The comparison.
    pub compare: Compare,
    /// The number on its right.
    pub value: i64,
}

impl NumTest {
    /// Whether it holds for these values of the fluents.
    #[inline]
    pub fn holds(&self, fluents: &[i64]) -> bool {
        fluents.get(self.fluent).is_some_and(|&v| self.compare.holds(v, self.value))
    }
}

/// How an outcome changes a fluent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumChange {
    /// Adds this much.
    Add(i64),
    /// Takes this value.
    Set(i64),
}

/// A numeric effect of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumEffect {
    /// Index into [`World::fluents`].
    pub fluent: usize,
    /// The change.
    pub change: NumChange,
}

/// Where a call must not be made although it is applicable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guard {
    /// Facts that are true there, sorted.
    pub pre_true: Vec<FactId>,
    /// Facts that are false there, sorted.
    pub pre_false: Vec<FactId>,
    /// Numeric conditions that hold there.
    pub num: Vec<NumTest>,
}

impl Guard {
    /// Whether it holds for these facts (a bit set, 64 a word) and values of the fluents.
    pub fn holds(&self, bits: &[u64], fluents: &[i64]) -> bool {
        self.pre_true.iter().all(|&f| bit(bits, f))
            && self.pre_false.iter().all(|&f| !bit(bits, f))
            && self.num.iter().all(|t| t.holds(fluents))
    }
}

/// One outcome of a ground call.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Name where the level gives one.
    pub name: Option<String>,
    /// Probability.
    pub p: f64,
    /// Facts that become true, sorted; at the end of a call that takes time.
    pub add: Vec<FactId>,
    /// Facts that become false, sorted; never also in `add`.
    pub del: Vec<FactId>,
    /// Numeric effects; paid when a call that takes time starts.
    pub num: Vec<NumEffect>,
    /// The hidden counter of a call that takes time: steps left until this outcome takes effect.
    pub left: Option<usize>,
    /// Quality of the result, 0 to 1.
    pub quality: f64,
    /// True for an error or timeout.
    pub failed: bool,
    /// What comes back: a name or the new object.
    pub returned: Option<String>,
}

/// A ground call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Such as `create_plan(p1)`; ends in `->r2` where it makes the new object `r2`.
    pub name: String,
    /// Index into [`World::functions`].
    pub function: usize,
    /// Objects for the function's parameters, indices into [`World::objects`].
    pub args: Vec<usize>,
    /// The new object that it makes.
    pub returns: Option<usize>,
    /// Facts that must be true, sorted.
    pub pre_true: Vec<FactId>,
    /// Facts that must be false, sorted.
    pub pre_false: Vec<FactId>,
    /// Numeric conditions, those that keep fluents in range included.
    pub pre_num: Vec<NumTest>,
    /// Outcomes; the first is the intended one.
    pub outcomes: Vec<Outcome>,
    /// Further calls after which it ends; 0 where it ends at once.
    pub takes: u32,
    /// Facts that become true when a call that takes time starts, sorted.
    pub start_add: Vec<FactId>,
    /// Facts that become false when a call that takes time starts, sorted; never also in
    /// `start_add`.
    pub start_del: Vec<FactId>,
    /// True for the built-in `wait()`: time passes until the next running call ends.
    pub wait: bool,
    /// Where the call must not be made.
    pub forbidden: Option<Guard>,
    /// Cost, in units of one plain call.
    pub cost: f64,
}

/// A function as agents and logs see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Name.
    pub name: String,
    /// What it does, in words.
    pub description: String,
    /// Typed parameters, in order.
    pub params: Vec<Param>,
    /// Cost of a call.
    pub cost: f64,
}

/// A predicate as agents see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// Name.
    pub name: String,
    /// Inventory or environment.
    pub store: StoreKind,
}

/// An integer fluent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fluent {
    /// Name; hidden counters have a parenthesis in it: `calls(f)`, `cooldown(f)`, `running()` and
    /// `left(call#outcome)`.
    pub name: String,
    /// Smallest value.
    pub min: i64,
    /// Largest value.
    pub max: i64,
    /// Value at the start.
    pub init: i64,
    /// True for a counter that falls by one towards its minimum with every call.
    pub ticks: bool,
}

/// A grounded level.
#[derive(Debug, Clone)]
pub struct World {
    pub(super) level: Level,
    pub(super) content: Digest,
    pub(super) objects: Vec<(String, String)>,
    pub(super) predicates: Vec<Predicate>,
    pub(super) functions: Vec<Function>,
    pub(super) fluents: Vec<Fluent>,
    pub(super) facts: Vec<Fact>,
    pub(super) calls: Vec<Call>,
    pub(super) constants: Vec<Fact>,
    pub(super) init: Vec<FactId>,
    pub(super) goal_true: Vec<FactId>,
    pub(super) goal_false: Vec<FactId>,
    pub(super) goal_num: Vec<NumTest>,
    pub(super) names: BTreeMap<String, CallId>,
    pub(super) running: Option<usize>,
    pub(super) index: Index,
}

impl World {
    /// Grounds a level: prunes by static predicates and by relaxed reachability.
    ///
    /// # Errors
    /// Where a limit is passed, or a part of the goal can never hold.
    pub fn ground(level: &Level) -> Result<Self, GroundError> {
        super::ground::ground(level)
    }

    /// The level.
    pub fn level(&self) -> &Level {
        &self.level
    }

    /// The level's content digest.
    pub fn content_digest(&self) -> Digest {
        self.content
    }

    /// Facts whose truth can change.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Calls that can become applicable.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Functions, by name; the built-in `wait` stands last, where some function takes time.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Fluents, hidden counters of usage constraints included.
    pub fn fluents(&self) -> &[Fluent] {
        &self.fluents
    }

    /// The hidden fluent `running()` that counts running calls; none where no function takes time.
    pub fn running_fluent(&self) -> Option<usize> {
        self.running
    }

    /// True where some call must not be made in some state.
    pub fn is_guarded(&self) -> bool {
        self.index.guarded
    }

    /// Predicates, hidden ones (`made`, `used(f)`, `running(f)`) included.
    pub fn predicates(&self) -> &[Predicate] {
        &self.predicates
    }

    /// Name of an object.
    pub fn object(&self, id: usize) -> &str {
        self.objects.get(id).map_or("", |(name, _)| name)
    }

    /// Objects: name and type.
    pub fn objects(&self) -> &[(String, String)] {
        &self.objects
    }

    /// Facts that are true at the start and that no call changes, by name.
    pub fn constants(&self) -> &[Fact] {
        &self.constants
    }

    /// Facts of [`World::facts`] that are true at the start.
    pub fn init(&self) -> &[FactId] {
        &self.init
    }

    /// Facts that the goal wants true.
    pub fn goal_true(&self) -> &[FactId] {
        &self.goal_true
    }

    /// Facts that the goal wants false.
    pub fn goal_false(&self) -> &[FactId] {
        &self.goal_false
    }

    /// Numeric parts of the goal.
    pub fn goal_num(&self) -> &[NumTest] {
        &self.goal_num
    }

    /// The call of this name (as in [`Call::name`]), as logs write it.
    pub fn call_by_name(&self, name: &str) -> Option<CallId> {
        self.names.get(name).copied()
    }

    /// True where some call has more than one outcome.
    pub fn is_stochastic(&self) -> bool {
        self.calls.iter().any(|c| c.outcomes.len() > 1)
    }

    /// Number of parts of the goal that can change.
    pub fn goal_size(&self) -> usize {
        self.goal_true.len() + self.goal_false.len() + self.goal_num.len()
    }
}
