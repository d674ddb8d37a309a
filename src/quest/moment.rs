//! A state of a play that is named by its calls, and the level that begins there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::expr::{Atom, Init};
use super::level::Level;
use super::planner::planned;
use super::play::{Play, StepError};
use super::world::{GroundError, World};

/// Why a state cannot be reached by its calls.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The level cannot be grounded.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// No such call, or it has no such outcome.
    #[error("make the call `{0}`: the level has no such call, or the call no such outcome")]
    Unknown(String),
    /// The call cannot be made there.
    #[error("make the call `{call}`: {source}")]
    Step {
        /// Its name.
        call: String,
        /// Why not.
        source: StepError,
    },
}

impl Play {
    /// The state after these calls, each with `#outcome` behind it where it is not the first one.
    ///
    /// # Errors
    /// Names the call that is not there or cannot be made.
    pub fn reach(level: &Level, after: &[String]) -> Result<Self, ReachError> {
        let mut play = Self::new(Arc::new(World::ground(level)?), 0);
        for name in after {
            let (call, outcome) =
                planned(play.world(), name).ok_or_else(|| ReachError::Unknown(name.clone()))?;
            play.apply_logged(call, outcome)
                .map_err(|source| ReachError::Step { call: name.clone(), source })?;
        }
        Ok(play)
    }

    /// The level as it would be if it began in this state. What the engine keeps for itself (calls
    /// that run, usage counters, objects that were made) begins anew, and nothing was called yet.
    pub fn moment(&self) -> Level {
        let world = self.world();
        let mut level = world.level().clone();
        level.reference = None;
        let names = |id: u32| world.facts().get(id as usize).map_or("", |f| f.name.as_str());
        let all = 0..world.facts().len() as u32;
        let changing: BTreeSet<&str> = all.clone().map(names).collect();
        // Facts that never change are no facts of the world, and stay as they are.
        level.init.retain(|init| match init {
            Init::Fact(atom) => !changing.contains(atom.to_string().as_str()),
            Init::Number { .. } => false,
        });
        let holding = all.filter(|id| self.is_true(*id)).map(names);
        let declared = |atom: &Atom| world.level().predicates.contains_key(&atom.predicate);
        let atoms = holding.filter_map(|name| name.parse::<Atom>().ok()).filter(declared);
        level.init.extend(atoms.map(Init::Fact));
        for (id, fluent) in world.fluents().iter().enumerate() {
            if level.fluents.contains_key(&fluent.name) {
                let (fluent, value) = (fluent.name.clone(), self.fluent(id));
                level.init.push(Init::Number { fluent, value });
            }
        }
        level.init.sort();
        level.init.dedup();
        level
    }
}
