//! The `Agent` trait, and the simple agents: random, greedy, expert, noisy.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::planner::{SolveLimits, Values, solve_from};
use super::play::{Play, StepError};
use super::world::{Call, CallId, World};
use crate::core::{Digest, rng};

/// States whose best call an expert remembers before it starts afresh.
const EXPERT_MEMORY: usize = 200_000;
/// Levels with chance whose values an expert remembers; a batch should have fewer of them.
const EXPERT_WORLDS: usize = 1_000;

/// A decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The call to make.
    pub call: CallId,
    /// Probability of each of `play.applicable()` at the moment of choice, in its order; sums to 1.
    pub propensities: Vec<f32>,
}

/// Why an agent could not decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// Nothing is applicable, or all that is must not be called.
    #[error("choose a call: nothing is applicable in level `{level}`; do not ask a finished play")]
    NothingApplicable {
        /// Id of the level.
        level: String,
    },
    /// The agent chose a call that was refused.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The agent itself failed, such as a policy that does not answer.
    #[error("choose a call: {0}")]
    Other(String),
}

/// Anything that plays levels.
pub trait Agent {
    /// A short name, such as `random`.
    fn name(&self) -> &str;

    /// One choice for each play, in their order. Plays are not finished.
    ///
    /// # Errors
    /// Where a play has nothing to choose from, or the agent fails.
    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError>;
}

impl<A: Agent + ?Sized> Agent for Box<A> {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        (**self).act(plays)
    }
}

/// Plays one episode to its end; the finished play holds the history.
///
/// # Errors
/// Where the agent fails.
pub fn play_out(agent: &mut dyn Agent, world: &Arc<World>, seed: u64) -> Result<Play, AgentError> {
    let mut play = Play::new(Arc::clone(world), seed);
    while !play.done() {
        let choice = agent.act(&[&play])?.into_iter().next();
        let call = choice.ok_or_else(|| AgentError::Other("no choice came back".to_owned()))?.call;
        play.advance(call)?;
    }
    Ok(play)
}

fn nothing(play: &Play) -> AgentError {
    AgentError::NothingApplicable { level: play.world().level().id.clone() }
}

/// A draw from `weights` (which sum to about 1) over the applicable calls.
fn draw(play: &Play, weights: Vec<f32>, rng: &mut ChaCha8Rng) -> Result<Choice, AgentError> {
    let last = *play.applicable().last().ok_or_else(|| nothing(play))?;
    let mut left: f32 = rng.random();
    let mut chosen = None;
    for (&call, &weight) in play.applicable().iter().zip(&weights) {
        if weight > 0.0 {
            chosen = Some(call);
            if left < weight {
                break;
            }
            left -= weight;
        }
    }
    Ok(Choice { call: chosen.unwrap_or(last), propensities: weights })
}

/// Weight 1 on one call.
fn certain(play: &Play, call: CallId) -> Choice {
    let on = |&c: &CallId| if c == call { 1.0 } else { 0.0 };
    Choice { call, propensities: play.applicable().iter().map(on).collect() }
}

fn uniform(play: &Play) -> Vec<f32> {
    let n = play.applicable().len();
    vec![1.0 / n.max(1) as f32; n]
}

/// Chooses uniformly among the applicable calls, forbidden ones included.
#[derive(Debug)]
pub struct Random {
    rng: ChaCha8Rng,
}

impl Random {
    /// A random agent with its own stream.
    pub fn new(seed: u64) -> Self {
        Self { rng: rng(seed, "quest/agent/random") }
    }
}

impl Agent for Random {
    fn name(&self) -> &'static str {
        "random"
    }
    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        plays.iter().map(|play| draw(play, uniform(play), &mut self.rng)).collect()
    }
}

/// Looks one step ahead: most goal parts, then most new facts, ties at random. It takes the
/// intended outcome for granted, what a call brings at its end included, and of `wait` what the
/// calls bring that end next. It never chooses a forbidden call.
#[derive(Debug)]
pub struct Greedy {
    rng: ChaCha8Rng,
}

impl Greedy {
    /// A greedy agent with its own stream for ties.
    pub fn new(seed: u64) -> Self {
        Self { rng: rng(seed, "quest/agent/greedy") }
    }
}

/// Goal parts won less those lost, and facts that become true, by the intended outcome.
fn look_ahead(play: &Play, call: CallId) -> (i64, i64) {
    let calls = play.world().calls();
    let Some(made) = calls.get(call as usize) else { return (0, 0) };
    if !made.wait {
        return gain(play, made);
    }
    let next = play.running().map(|r| r.left).min();
    let ending = play.running().filter(|r| Some(r.left) == next);
    let gains = ending.filter_map(|r| calls.get(r.call as usize)).map(|c| gain(play, c));
    gains.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

fn gain(play: &Play, call: &Call) -> (i64, i64) {
    let Some(outcome) = call.outcomes.first() else { return (0, 0) };
    let index = &play.world().index;
    let wanted = |fact: u32| usize::from(index.goal.get(fact as usize).copied().unwrap_or(0));
    let (mut goal, mut new) = (0, 0);
    for &fact in call.start_add.iter().chain(&outcome.add).filter(|&&f| !play.is_true(f)) {
        new += 1;
        goal += [0, 1, -1].get(wanted(fact)).copied().unwrap_or(0);
    }
    for &fact in call.start_del.iter().chain(&outcome.del).filter(|&&f| play.is_true(f)) {
        goal += [0, -1, 1].get(wanted(fact)).copied().unwrap_or(0);
    }
    (goal, new)
}

impl Agent for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }
    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        let mut choices = Vec::with_capacity(plays.len());
        for play in plays {
            let score = |&c: &CallId| (!play.is_forbidden(c)).then(|| look_ahead(play, c));
            let scores: Vec<_> = play.applicable().iter().map(score).collect();
            let best = scores.iter().flatten().max().copied().ok_or_else(|| nothing(play))?;
            let ties = scores.iter().filter(|&&s| s == Some(best)).count();
            let share = 1.0 / ties.max(1) as f32;
            let weight = |s: &Option<_>| if *s == Some(best) { share } else { 0.0 };
            let weights = scores.iter().map(weight).collect();
            choices.push(draw(play, weights, &mut self.rng)?);
        }
        Ok(choices)
    }
}

/// What tells one state of one level from another.
type StateKey = (Digest, Vec<u64>, Vec<i64>);

/// Plays optimally: the shortest plan on deterministic levels, the fewest expected calls where
/// outcomes are drawn (by value iteration, or by the luckiest plan where that is too large).
/// Where no plan exists any more it plays the first call that is not forbidden. It never chooses a
/// forbidden one.
#[derive(Debug, Default)]
pub struct Expert {
    limits: SolveLimits,
    plans: BTreeMap<StateKey, CallId>,
    values: BTreeMap<Digest, Option<Arc<Values>>>,
}

impl Expert {
    /// An expert that plans within these limits.
    pub fn new(limits: SolveLimits) -> Self {
        Self { limits, plans: BTreeMap::new(), values: BTreeMap::new() }
    }

    fn key(play: &Play) -> StateKey {
        (play.world().content_digest(), play.bits().to_vec(), play.fluents().to_vec())
    }

    fn best(&mut self, play: &Play) -> Option<CallId> {
        let world = play.world();
        if world.is_stochastic() {
            let limits = self.limits;
            if self.values.len() >= EXPERT_WORLDS {
                self.values.clear();
            }
            let values = self
                .values
                .entry(world.content_digest())
                .or_insert_with(|| Values::compute(world, &limits).map(Arc::new));
            if let Some(call) = values.as_ref().and_then(|v| v.best(play)) {
                return Some(call);
            }
        }
        if let Some(&call) = self.plans.get(&Self::key(play)) {
            return Some(call);
        }
        self.plan(play)
    }

    /// Plans from here and remembers the call for every state on the plan.
    fn plan(&mut self, play: &Play) -> Option<CallId> {
        let solution = solve_from(play, &self.limits);
        let plan = solution.plan()?;
        if self.plans.len() > EXPERT_MEMORY {
            self.plans.clear();
        }
        let mut along = play.clone();
        for &(call, outcome) in plan {
            self.plans.insert(Self::key(&along), call);
            if along.apply_logged(call, outcome).is_err() {
                break;
            }
        }
        plan.first().map(|&(call, _)| call)
    }
}

impl Agent for Expert {
    fn name(&self) -> &'static str {
        "expert"
    }
    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        let mut choices = Vec::with_capacity(plays.len());
        for play in plays {
            let first = play.allowed().next().ok_or_else(|| nothing(play))?;
            let fits = |&c: &CallId| play.is_applicable(c) && !play.is_forbidden(c);
            let call = self.best(play).filter(fits).unwrap_or(first);
            choices.push(certain(play, call));
        }
        Ok(choices)
    }
}

/// Plays as another agent, but with probability `epsilon` uniformly at random.
#[derive(Debug)]
pub struct Noisy<A> {
    /// The agent that is disturbed.
    pub inner: A,
    epsilon: f32,
    rng: ChaCha8Rng,
    name: String,
}

impl<A: Agent> Noisy<A> {
    /// Disturbs `inner` with this probability, 0 to 1.
    pub fn new(inner: A, epsilon: f32, seed: u64) -> Self {
        let name = format!("noisy-{}", inner.name());
        let epsilon = epsilon.clamp(0.0, 1.0);
        Self { inner, epsilon, rng: rng(seed, "quest/agent/noisy"), name }
    }
}

impl<A: Agent> Agent for Noisy<A> {
    fn name(&self) -> &str {
        &self.name
    }
    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        let inner = self.inner.act(plays)?;
        let mut choices = Vec::with_capacity(plays.len());
        for (play, choice) in plays.iter().zip(inner) {
            let share = self.epsilon / play.applicable().len().max(1) as f32;
            let mixed: Vec<f32> =
                choice.propensities.iter().map(|p| p * (1.0 - self.epsilon) + share).collect();
            choices.push(draw(play, mixed, &mut self.rng)?);
        }
        Ok(choices)
    }
}
