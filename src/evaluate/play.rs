//! Plays all levels of an evaluation side by side.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::EvaluateError;
use super::failure::{Diary, Failure};
use super::plan::EvalLevel;
use super::result::{EpisodeResult, efficiency};
use crate::quest::{Agent, Choice, Play, World, reasoning};

/// A finished play: its result, and what led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// How the level is asked for again: `family/level.challenge@seed` for a generated one, else
    /// its id.
    pub level: String,
    /// What the play came to.
    pub result: EpisodeResult,
    /// The calls made, with `#outcome` where it is not the first one.
    pub calls: Vec<String>,
    /// What a failure turned on, such as the function of a loop; empty for a success.
    pub about: String,
}

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
    Ok(play_levels(agent, levels)?.into_iter().map(|trace| trace.result).collect())
}

/// As [`evaluate`], and tells how each result came about.
///
/// # Errors
/// As [`evaluate`].
pub fn play_levels(
    agent: &mut dyn Agent,
    levels: &[EvalLevel],
) -> Result<Vec<Trace>, EvaluateError> {
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
    Ok(runs.iter().map(Run::trace).collect())
}

/// One play on its way.
struct Run<'a> {
    planned: &'a EvalLevel,
    play: Play,
    reward: f64,
    diary: Diary,
    broken: bool,
}

impl<'a> Run<'a> {
    fn start(planned: &'a EvalLevel) -> Result<Self, EvaluateError> {
        let world = World::ground(&planned.level)
            .map_err(|source| EvaluateError::Ground { id: planned.level.id.clone(), source })?;
        let play = Play::new(Arc::new(world), planned.item.play_seed);
        let diary = Diary::open(&play);
        Ok(Run { planned, play, reward: 0.0, diary, broken: false })
    }

    fn open(&self) -> bool {
        !self.broken && !self.play.done()
    }

    fn step(&mut self, choice: &Choice) {
        match self.play.step(choice.call) {
            Ok(outcome) => {
                self.reward += outcome.reward;
                self.diary.note(&self.play, choice.call);
            }
            Err(_) => self.broken = true,
        }
    }

    fn trace(&self) -> Trace {
        let success = !self.broken && self.play.goal_achieved();
        let (failure, about) = match (success, self.broken) {
            (true, _) => (None, String::new()),
            (false, true) => (Some(Failure::Error), String::new()),
            (false, false) => {
                let (failure, about) = self.diary.diagnose(&self.play);
                (Some(failure), about)
            }
        };
        Trace {
            level: self.planned.level.name(),
            result: self.result(success, failure),
            calls: calls_of(&self.play),
            about,
        }
    }

    fn result(&self, success: bool, failure: Option<Failure>) -> EpisodeResult {
        let item = &self.planned.item;
        let reference = self.planned.level.reference.as_ref().filter(|known| known.proven);
        let min_calls = reference.map(|known| known.min_calls);
        let expected_calls = reference.and_then(|known| known.expected_calls);
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
            violated: self.play.violated(),
            reasoning: Some(reasoning(self.play.world(), self.play.history()).score),
            failure,
        }
    }
}

/// The calls made so far, with `#outcome` where it is not the first one: as reference plans have them.
pub fn calls_of(play: &Play) -> Vec<String> {
    let named = play.history().iter().filter_map(|&(id, outcome)| {
        let call = play.world().calls().get(id as usize)?;
        let name = call.outcomes.get(outcome).and_then(|o| o.name.as_deref());
        Some(match (outcome, name) {
            (0, _) => call.name.clone(),
            (_, Some(name)) => format!("{}#{name}", call.name),
            (nth, None) => format!("{}#{nth}", call.name),
        })
    });
    named.collect()
}
