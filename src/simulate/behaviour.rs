//! Who plays, and what each play looked like.

use std::sync::Arc;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::error::SimulateError;
use super::params::Mix;
use crate::core::{Digest, derive_seed};
use crate::evaluate::efficiency;
use crate::quest::{
    Agent, AgentError, Choice, Expert, Finished, Level, Noisy, Play, Random, SolveLimits,
    StepOutcome, World,
};

/// A policy that plays along, with what the logs say about it.
pub struct PolicyAgent {
    /// The agent. Its exploration is added by the simulation.
    pub agent: Box<dyn Agent>,
    /// Version of the policy, such as its name in the registry.
    pub version: String,
    /// Digest of its checkpoint.
    pub digest: Digest,
}

/// A kind of behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Behaviour {
    Expert,
    Noisy,
    Random,
    Policy,
}

impl Behaviour {
    pub(super) const ALL: [Behaviour; 4] =
        [Behaviour::Expert, Behaviour::Noisy, Behaviour::Random, Behaviour::Policy];

    pub(super) fn name(self) -> &'static str {
        match self {
            Behaviour::Expert => "expert",
            Behaviour::Noisy => "noisy-expert",
            Behaviour::Random => "random",
            Behaviour::Policy => "fqm",
        }
    }
}

/// One behaviour for each of `n` episodes: shares as the mix says, to the nearest episode, in
/// shuffled order. A policy that the mix does not mention plays in place of the noisy and random
/// agents, so that tomorrow's logs show today's champion beside the expert.
pub(super) fn assign(
    mix: &Mix,
    n: usize,
    has_policy: bool,
    random: &mut ChaCha8Rng,
) -> Vec<Behaviour> {
    let mut shares = [mix.expert, mix.noisy, mix.random, 0.0];
    if has_policy && mix.policy > 0.0 {
        shares[3] = mix.policy;
    } else if has_policy {
        shares = [mix.expert, 0.0, 0.0, mix.noisy + mix.random];
    }
    let total: f64 = shares.iter().sum();
    let mut chosen = Vec::with_capacity(n);
    let mut sum = 0.0;
    for (behaviour, share) in Behaviour::ALL.into_iter().zip(shares) {
        sum += share;
        // Rounding the running sum, not each share, makes the counts add up to n.
        let until = if total > 0.0 { (n as f64 * sum / total).round() as usize } else { n };
        chosen.resize(until.clamp(chosen.len(), n), behaviour);
    }
    chosen.shuffle(random);
    chosen
}

/// One step as the agent met it.
pub(super) struct StepTrace {
    /// What the agent saw, as JSON.
    pub observation: serde_json::Value,
    /// Calls that were possible with the probability of each.
    pub candidates: Vec<(String, f32)>,
    /// Index of the chosen one.
    pub chosen: usize,
    /// The function called.
    pub function: String,
    /// Its arguments by parameter.
    pub arguments: serde_json::Map<String, serde_json::Value>,
    /// What came of it.
    pub outcome: StepOutcome,
    /// Whether the episode ended here.
    pub done: bool,
}

impl StepTrace {
    /// Name of the chosen call.
    pub(super) fn call(&self) -> Option<&str> {
        self.candidates.get(self.chosen).map(|(name, _)| name.as_str())
    }
}

/// One finished play.
pub(super) struct Trace {
    pub level: Level,
    pub digest: Digest,
    pub behaviour: Behaviour,
    pub steps: Vec<StepTrace>,
    pub success: bool,
    pub goal_progress: f64,
    pub efficiency: Option<f64>,
    /// Whether the calls ran out.
    pub out_of_calls: bool,
}

/// Plays the levels with the behaviour, all in lockstep. Traces come in the order of the levels.
pub(super) fn play_all(
    behaviour: Behaviour,
    levels: Vec<Level>,
    epsilon: f64,
    seed: u64,
    policy: Option<(&mut PolicyAgent, f64)>,
) -> Result<Vec<Trace>, SimulateError> {
    let expert = || Expert::new(SolveLimits::default());
    let own = derive_seed(seed, behaviour.name());
    let mut agent: Box<dyn Agent + '_> = match (behaviour, policy) {
        (Behaviour::Expert, _) => Box::new(expert()),
        (Behaviour::Noisy, _) => Box::new(Noisy::new(expert(), epsilon as f32, own)),
        (Behaviour::Policy, Some((policy, explore))) => {
            Box::new(Noisy::new(Borrowed(policy.agent.as_mut()), explore as f32, own))
        }
        (Behaviour::Random | Behaviour::Policy, _) => Box::new(Random::new(own)),
    };
    let mut runs =
        levels.into_iter().map(|level| Run::start(level, seed)).collect::<Result<Vec<_>, _>>()?;
    while runs.iter().any(Run::open) {
        let plays: Vec<&Play> = runs.iter().filter(|run| run.open()).map(|run| &run.play).collect();
        let asked = plays.len();
        let choices = agent
            .act(&plays)
            .map_err(|source| SimulateError::Agent { name: agent.name().to_owned(), source })?;
        if choices.len() != asked {
            let problem = format!("{} choices for {asked} plays", choices.len());
            return Err(SimulateError::choice(agent.name(), problem));
        }
        for (run, choice) in runs.iter_mut().filter(|run| run.open()).zip(choices) {
            run.step(&choice, agent.name())?;
        }
    }
    Ok(runs.into_iter().map(|run| run.finish(behaviour)).collect())
}

/// An agent that is lent, for the agents that own another one.
struct Borrowed<'a>(&'a mut (dyn Agent + 'static));

impl Agent for Borrowed<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        self.0.act(plays)
    }
}

struct Run {
    level: Level,
    digest: Digest,
    play: Play,
    /// Facts as they stood before the last step; none before the first.
    before: Option<Vec<u64>>,
    steps: Vec<StepTrace>,
}

impl Run {
    fn start(level: Level, seed: u64) -> Result<Self, SimulateError> {
        let world = World::ground(&level)
            .map_err(|source| SimulateError::Ground { id: level.id.clone(), source })?;
        let digest = level.content_digest();
        let play = Play::new(Arc::new(world), derive_seed(seed, &format!("play/{digest}")));
        Ok(Run { level, digest, play, before: None, steps: Vec::new() })
    }

    fn open(&self) -> bool {
        !self.play.done()
    }

    fn step(&mut self, choice: &Choice, agent: &str) -> Result<(), SimulateError> {
        let world = Arc::clone(self.play.world());
        let applicable = self.play.applicable();
        let chosen = applicable.iter().position(|call| *call == choice.call);
        let call = world.calls().get(choice.call as usize);
        let (Some(chosen), Some(call)) = (chosen, call) else {
            return Err(SimulateError::choice(agent, "the call is not applicable"));
        };
        if choice.propensities.len() != applicable.len() {
            return Err(SimulateError::choice(agent, "not one propensity for each call"));
        }
        let name = |id: &u32| world.calls().get(*id as usize).map_or("", |call| &call.name);
        let candidates = applicable
            .iter()
            .zip(&choice.propensities)
            .map(|(id, propensity)| (name(id).to_owned(), *propensity))
            .collect();
        let function = world.functions().get(call.function);
        let parameters = function.map_or(&[][..], |function| &function.params);
        let arguments = parameters
            .iter()
            .zip(&call.args)
            .map(|(parameter, object)| (parameter.name.clone(), world.object(*object).into()))
            .collect();
        let observation = self.observe();
        let outcome =
            self.play.step(choice.call).map_err(|error| SimulateError::step(agent, &error))?;
        outcome.finished.iter().for_each(|ended| self.settle(ended));
        self.steps.push(StepTrace {
            observation,
            candidates,
            chosen,
            function: function.map_or_else(String::new, |function| function.name.clone()),
            arguments,
            outcome,
            done: self.play.done(),
        });
        Ok(())
    }

    /// A trace holds a call with its result, as tracing systems write a span when it ends, so the
    /// end of a call that took time completes the step that started it.
    fn settle(&mut self, ended: &Finished) {
        let calls = self.play.world().calls();
        let Some(name) = calls.get(ended.call as usize).map(|call| &call.name) else { return };
        let started = |step: &&mut StepTrace| {
            step.candidates.get(step.chosen).is_some_and(|(chosen, _)| chosen == name)
        };
        if let Some(step) = self.steps.iter_mut().rev().find(started) {
            step.outcome.name = ended.name.clone();
            step.outcome.returned = ended.returned.clone();
            step.outcome.quality = ended.quality;
            step.outcome.failed = ended.failed;
        }
    }

    /// All true facts before the first call; what changed since then before every other.
    fn observe(&mut self) -> serde_json::Value {
        let now = self.play.bits().to_vec();
        let before = self.before.replace(now.clone());
        let mut seen = serde_json::Map::new();
        let world = self.play.world();
        let names = |wanted: &dyn Fn(usize) -> bool| -> serde_json::Value {
            let facts = world.facts().iter().enumerate();
            facts.filter(|(id, _)| wanted(*id)).map(|(_, fact)| fact.name.clone()).collect()
        };
        match before {
            None => {
                seen.insert("true".to_owned(), names(&|id| bit(&now, id)));
            }
            Some(before) => {
                seen.insert("new".to_owned(), names(&|id| bit(&now, id) && !bit(&before, id)));
                seen.insert("gone".to_owned(), names(&|id| !bit(&now, id) && bit(&before, id)));
            }
        }
        for (fluent, value) in world.fluents().iter().zip(self.play.fluents()) {
            // Counters of usage are the engine's own and have a parenthesis in their name.
            if !fluent.name.contains('(') {
                seen.insert(fluent.name.clone(), (*value).into());
            }
        }
        seen.insert("calls_left".to_owned(), self.play.calls_left().into());
        seen.into()
    }

    fn finish(self, behaviour: Behaviour) -> Trace {
        let reference = self.level.reference.as_ref().filter(|known| known.proven);
        let min_calls = reference.map(|known| known.min_calls);
        let expected = reference.and_then(|known| known.expected_calls);
        let success = self.play.goal_achieved();
        let calls = self.play.calls_used();
        Trace {
            digest: self.digest,
            behaviour,
            success,
            goal_progress: self.play.goal_progress(),
            efficiency: success.then(|| efficiency(calls, min_calls, expected)).flatten(),
            out_of_calls: self.play.calls_left() == 0,
            steps: self.steps,
            level: self.level,
        }
    }
}

fn bit(bits: &[u64], id: usize) -> bool {
    bits.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
}
