//! Logged episodes as training examples.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use super::example::Example;
use super::lift_foreign::Dialogue;
use super::lift_world::Lifter;
use super::vocabulary::{Vocabulary, function_of};
use crate::core::Digest;
use crate::dataset::{ACTION_CALL, Episode, LevelRef, Step};
use crate::quest::{CallId, Level, Play, StepError, Suite, World};

/// What a reward is worth a call earlier.
pub const DISCOUNT: f32 = 0.99;
/// Worlds that a [`SuiteLevels`] remembers.
const REMEMBERED: usize = 2_000;

/// Why an episode cannot become examples.
#[derive(Debug, thiserror::Error)]
pub enum LiftError {
    /// The log names a call that the level does not have.
    #[error(
        "lift episode {episode}, step {step}: level {level} has no call \"{call}\"; the log and the \
         level do not belong together"
    )]
    UnknownCall {
        /// The episode.
        episode: String,
        /// The step's index.
        step: i32,
        /// The level.
        level: String,
        /// What the log says.
        call: String,
    },
    /// The call cannot be made in the state that the log led to.
    #[error(
        "lift episode {episode}, step {step}: {source}; steps are missing in the log, or it was \
         played with another version of the level"
    )]
    Diverged {
        /// The episode.
        episode: String,
        /// The step's index.
        step: i32,
        /// What the level says.
        source: StepError,
    },
}

/// Where levels come from.
pub trait LevelSource {
    /// The grounded level that a log speaks of; None where it is not known here, or where what is
    /// known under its name has another content digest.
    fn world(&self, level: &LevelRef) -> Option<Arc<World>>;
}

/// No level is known: every episode is lifted from its history.
pub struct NoLevels;

impl LevelSource for NoLevels {
    fn world(&self, _: &LevelRef) -> Option<Arc<World>> {
        None
    }
}

/// The levels of a suite, regenerated from family, level, challenge and seed.
pub struct SuiteLevels<'a> {
    suite: &'a Suite,
    known: Mutex<BTreeMap<Digest, Option<Arc<World>>>>,
}

impl<'a> SuiteLevels<'a> {
    /// The levels of this suite.
    pub fn new(suite: &'a Suite) -> Self {
        Self { suite, known: Mutex::new(BTreeMap::new()) }
    }

    fn regenerate(&self, wanted: &LevelRef) -> Option<Arc<World>> {
        let LevelRef { family, level, challenge, seed, digest } = wanted;
        let level: Level = self.suite.regenerate(family, *level, *challenge, *seed).ok()?;
        if level.content_digest() != *digest {
            return None;
        }
        World::ground(&level).ok().map(Arc::new)
    }
}

impl LevelSource for SuiteLevels<'_> {
    fn world(&self, level: &LevelRef) -> Option<Arc<World>> {
        // A panic elsewhere cannot leave the map half changed, so a poisoned lock is still good.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED && !known.contains_key(&level.digest) {
            known.clear();
        }
        known.entry(level.digest).or_insert_with(|| self.regenerate(level)).clone()
    }
}

/// How an episode was lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The level is known: replayed with the logged outcomes.
    Replay,
    /// Built from the history alone; the target is the next function.
    History,
}

/// The examples of an episode.
#[derive(Debug, Clone, PartialEq)]
pub struct Lifted {
    /// One per choice.
    pub examples: Vec<Example>,
    /// For each example a number that is the same for the same state of the same level; empty where
    /// the level is not known.
    pub states: Vec<u64>,
    /// Examples whose choice a person corrected: the place of the example, and the better choice.
    pub corrected: Vec<(usize, usize)>,
    /// How.
    pub way: Way,
    /// Choices that gave no example: a function outside the vocabulary.
    pub skipped: usize,
}

/// The choices of an episode as examples, through the same lifting as rollouts.
///
/// # Errors
/// Where the level is known but the log cannot have been played on it.
pub fn examples_of_episode(
    episode: &Episode,
    levels: &dyn LevelSource,
    vocabulary: &Vocabulary,
) -> Result<Lifted, LiftError> {
    match episode.level.as_ref().and_then(|level| levels.world(level)) {
        Some(world) => replay(episode, &world),
        None => Ok(history(episode, vocabulary)),
    }
}

fn replay(episode: &Episode, world: &Arc<World>) -> Result<Lifted, LiftError> {
    let mut lifter = Lifter::default();
    let mut play = Play::new(Arc::clone(world), 0);
    let (mut examples, mut states, mut corrected) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rewards, mut chosen_at) = (Vec::new(), Vec::new());
    for step in episode.steps.iter().filter(|s| s.action == ACTION_CALL) {
        let id = find_call(&play, step).ok_or_else(|| LiftError::UnknownCall {
            episode: episode.id.to_string(),
            step: step.index,
            level: world.level().id.clone(),
            call: call_name(step),
        })?;
        if let Ok(target) = play.applicable().binary_search(&id) {
            let graph = lifter.graph(&play);
            let example = Example::choose(graph, target, episode.id.clone(), step.index);
            if let Some(better) = step.correction.as_deref().and_then(|call| place(&play, call))
                && better != target
            {
                corrected.push((examples.len(), better));
            }
            states.push(state_of(&play));
            chosen_at.push(rewards.len());
            examples.push(Example {
                weight: preference(step),
                propensity: propensity(step),
                ..example
            });
        }
        let outcome = step.outcome.and_then(|o| usize::try_from(o).ok()).unwrap_or(0);
        let made = play.apply_logged(id, outcome).map_err(|source| LiftError::Diverged {
            episode: episode.id.to_string(),
            step: step.index,
            source,
        })?;
        rewards.push(made.reward as f32);
    }
    let returns = returns(&rewards);
    for (example, at) in examples.iter_mut().zip(chosen_at) {
        example.outcome = returns.get(at).copied();
    }
    if play.goal_achieved() {
        count_down(&mut examples);
    }
    Ok(Lifted { examples, states, corrected, way: Way::Replay, skipped: 0 })
}

/// The place of a call among those that can be made.
fn place(play: &Play, call: &str) -> Option<usize> {
    play.applicable().binary_search(&play.world().call_by_name(call)?).ok()
}

/// The discounted sums of these rewards from each step on.
pub fn returns(rewards: &[f32]) -> Vec<f32> {
    let mut sums = rewards.to_vec();
    for at in (0..sums.len().saturating_sub(1)).rev() {
        let (now, later) = sums.split_at_mut(at + 1);
        if let (Some(now), Some(next)) = (now.last_mut(), later.first()) {
            *now += DISCOUNT * next;
        }
    }
    sums
}

/// What an agent can see of a state, as a number. Episodes of other levels never share one.
fn state_of(play: &Play) -> u64 {
    let mut hasher = DefaultHasher::new();
    play.world().content_digest().hash(&mut hasher);
    (play.bits(), play.fluents(), play.calls_used()).hash(&mut hasher);
    hasher.finish()
}

fn propensity(step: &Step) -> Option<f32> {
    step.propensity.filter(|p| *p > 0.0 && *p <= 1.0)
}

/// In an episode that reached its goal, the calls still needed at each choice are at most those
/// that were made.
fn count_down(examples: &mut [Example]) {
    let all = examples.len();
    for (index, example) in examples.iter_mut().enumerate() {
        example.value = Some((all - index) as f32);
    }
}

/// How much the logged choice was preferred over the agent's favourite at that moment, where the
/// log says: a step of mere exploration counts little, one of a uniform agent counts fully.
fn preference(step: &Step) -> f32 {
    let most = step.candidates.iter().filter_map(|c| c.propensity).fold(0.0f32, f32::max);
    match step.propensity {
        Some(p) if most > 0.0 && p.is_finite() => (p / most).clamp(0.0, 1.0),
        _ => 1.0,
    }
}

fn find_call(play: &Play, step: &Step) -> Option<CallId> {
    let name = call_name(step);
    let world = play.world();
    if let Some(id) = world.call_by_name(&name) {
        return Some(id);
    }
    // A call that makes a new object is named with it; a log of the arguments alone means the one
    // that can be made now.
    let makes = format!("{name}->");
    let fits =
        |id: &&CallId| world.calls().get(**id as usize).is_some_and(|c| c.name.starts_with(&makes));
    play.applicable().iter().find(fits).copied()
}

/// The chosen candidate's id, else the tool with its arguments in the order of the log.
fn call_name(step: &Step) -> String {
    let chosen = step.chosen.and_then(|i| usize::try_from(i).ok());
    if let Some(candidate) = chosen.and_then(|i| step.candidates.get(i)) {
        return candidate.id.clone();
    }
    let args: Option<serde_json::Map<String, serde_json::Value>> =
        step.args_json.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let words: Vec<String> = args
        .unwrap_or_default()
        .values()
        .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
        .collect();
    format!("{}({})", step.tool.as_deref().unwrap_or_default(), words.join(","))
}

fn history(episode: &Episode, vocabulary: &Vocabulary) -> Lifted {
    let mut dialogue = Dialogue::new(vocabulary, &episode.workflow, &episode.task_id);
    let mut examples = Vec::new();
    let mut skipped = 0;
    for step in &episode.steps {
        dialogue.observe(step);
        if let Some(name) = function_of(step) {
            match dialogue.position(name) {
                Some(target) => {
                    let graph = dialogue.graph();
                    let example = Example::choose(graph, target, episode.id.clone(), step.index);
                    let (weight, propensity) = (preference(step), propensity(step));
                    examples.push(Example { weight, propensity, ..example });
                }
                None => skipped += 1,
            }
        }
        dialogue.act(step);
    }
    let mut rewards = vec![0.0; examples.len()];
    if let Some(last) = rewards.last_mut() {
        *last = episode.score as f32;
    }
    for (example, outcome) in examples.iter_mut().zip(returns(&rewards)) {
        example.outcome = Some(outcome);
    }
    if episode.score > 0.99 {
        count_down(&mut examples);
    }
    Lifted { examples, states: Vec::new(), corrected: Vec::new(), way: Way::History, skipped }
}
