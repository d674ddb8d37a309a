//! Plays all levels of an evaluation side by side.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::EvaluateError;
use super::plan::EvalLevel;
use super::result::{EpisodeResult, Failure, efficiency};
use crate::quest::{Agent, Choice, Play, World};

/// Plays every level once with the agent, all levels in lockstep, so that a network sees one batch
/// per step. Results come in the order of the plan.
///
/// # Errors
/// When a level cannot be grounded, or the agent fails or answers for the wrong number of plays. A
/// choice that is not applicable fails its play alone.
pub fn evaluate(
    agent: &mut dyn Agent,
    levels: &[EvalLevel],
) -> Result<Vec<EpisodeResult>, EvaluateError> {
    let mut runs = levels.iter().map(Run::start).collect::<Result<Vec<_>, _>>()?;
    loop {
        let plays: Vec<&Play> = runs.iter().filter(|run| run.open()).map(|run| &run.play).collect();
        if plays.is_empty() {
            break;
        }
        let asked = plays.len();
        let choices = agent
            .act(&plays)
            .map_err(|source| EvaluateError::Agent { name: agent.name().to_owned(), source })?;
        if choices.len() != asked {
            return Err(EvaluateError::Choices {
                name: agent.name().to_owned(),
                given: choices.len(),
                asked,
            });
        }
        for (run, choice) in runs.iter_mut().filter(|run| run.open()).zip(&choices) {
            run.step(choice);
        }
    }
    Ok(runs.iter().map(Run::result).collect())
}

/// One play on its way.
struct Run<'a> {
    planned: &'a EvalLevel,
    play: Play,
    reward: f64,
    /// States seen, as bit sets of facts followed by the fluents.
    seen: BTreeSet<Vec<u64>>,
    /// Calls that led back to a state seen before.
    returns: u32,
    broken: bool,
}

impl<'a> Run<'a> {
    fn start(planned: &'a EvalLevel) -> Result<Self, EvaluateError> {
        let world = World::ground(&planned.level)
            .map_err(|source| EvaluateError::Ground { id: planned.level.id.clone(), source })?;
        let play = Play::new(Arc::new(world), planned.item.play_seed);
        let seen = BTreeSet::from([state_of(&play)]);
        Ok(Run { planned, play, reward: 0.0, seen, returns: 0, broken: false })
    }

    fn open(&self) -> bool {
        !self.broken && !self.play.done()
    }

    fn step(&mut self, choice: &Choice) {
        match self.play.step(choice.call) {
            Ok(outcome) => {
                self.reward += outcome.reward;
                if !self.seen.insert(state_of(&self.play)) {
                    self.returns += 1;
                }
            }
            Err(_) => self.broken = true,
        }
    }

    fn result(&self) -> EpisodeResult {
        let item = &self.planned.item;
        let reference = self.planned.level.reference.as_ref().filter(|known| known.proven);
        let min_calls = reference.map(|known| known.min_calls);
        let expected_calls = reference.and_then(|known| known.expected_calls);
        let success = !self.broken && self.play.goal_achieved();
        let calls = self.play.calls_used();
        EpisodeResult {
            digest: item.digest,
            family: item.family.clone(),
            level: item.level,
            challenge: item.challenge,
            level_seed: item.level_seed,
            play_seed: item.play_seed,
            success,
            calls,
            min_calls,
            expected_calls,
            efficiency: success.then(|| efficiency(calls, min_calls, expected_calls)).flatten(),
            goal_progress: self.play.goal_progress(),
            reward: self.reward,
            failure: (!success).then(|| self.failure()),
        }
    }

    fn failure(&self) -> Failure {
        if self.broken {
            Failure::Error
        } else if self.play.applicable().is_empty() {
            Failure::DeadEnd
        } else if self.returns * 2 >= self.play.calls_used() {
            // Half of the calls or more led to where the play had been before.
            Failure::Loop
        } else {
            Failure::RanOut
        }
    }
}

/// What tells one state from another: the facts, and the fluents that a level declares. Hidden
/// counters of usage (`calls(f)`, `cooldown(f)`) never return, so they would hide every loop.
fn state_of(play: &Play) -> Vec<u64> {
    let mut state = play.bits().to_vec();
    for (fluent, value) in play.world().fluents().iter().zip(play.fluents()) {
        if !fluent.name.contains('(') {
            state.push(value.cast_unsigned());
        }
    }
    state
}
