//! What an agent is told of a world besides its state: the goal and what calls change, unless the
//! level's `observability` keeps one of them back. Whoever shows a world to an agent asks here;
//! the rules themselves, planners and teachers go by the world as it is.

use super::level::Observability;
use super::world::{Call, FactId, NumTest, Outcome, World};

/// The parts of the goal that an agent is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ToldGoal<'a> {
    /// Facts wanted true, sorted.
    pub wanted: &'a [FactId],
    /// Facts wanted false, sorted.
    pub unwanted: &'a [FactId],
    /// Numeric parts.
    pub num: &'a [NumTest],
}

impl World {
    /// False where the goal stands in the narrative only: then its parts, and how many of them
    /// hold, are not shown. That it is reached is always seen, because the episode ends.
    pub fn tells_goal(&self) -> bool {
        self.level().observability != Observability::GoalInNarrative
    }

    /// False where agents must find out by themselves what calls change. What calls need, cost
    /// and take is told all the same, and after a call its outcome is seen in the state.
    pub fn tells_effects(&self) -> bool {
        self.level().observability != Observability::EffectsUnknown
    }

    /// The goal as agents are told it; empty where they are not.
    pub fn told_goal(&self) -> ToldGoal<'_> {
        if !self.tells_goal() {
            return ToldGoal::default();
        }
        ToldGoal { wanted: self.goal_true(), unwanted: self.goal_false(), num: self.goal_num() }
    }

    /// The outcomes of a call of this world as agents are told them; none where they are not.
    pub fn told_outcomes<'a>(&self, call: &'a Call) -> &'a [Outcome] {
        if self.tells_effects() { &call.outcomes } else { &[] }
    }

    /// What becomes true, and what false, when a call that takes time starts, as agents are told.
    pub fn told_start<'a>(&self, call: &'a Call) -> (&'a [FactId], &'a [FactId]) {
        if self.tells_effects() { (&call.start_add, &call.start_del) } else { (&[], &[]) }
    }
}
