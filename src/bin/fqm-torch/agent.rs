//! A trained policy as an agent.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tch::Device;

use crate::load::LoadError;
use crate::network::{Network, Scored};
use fqm_pipe::policy::Checkpoint;
use fqm_pipe::policy::{Batch, pack};
use fqm_pipe::policy::{Example, Graph};
use fqm_pipe::policy::{Lifter, circled, revisiting};
use fqm_pipe::quest::{Agent, AgentError, CallId, Choice, Play};

/// Nodes that are scored at a time.
const BATCH_NODES: usize = 12_000;
/// What a call that would go round in a circle loses, in logits.
const CIRCLE_PENALTY: f32 = 20.0;
/// The logit of a call that is held back: finite, and without any probability.
const NEVER: f32 = -1e30;

/// How an agent turns logits into choices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    /// 0 takes the best call, 1 draws from the policy, more is flatter.
    pub temperature: f32,
    /// Share of choices that are uniform over the applicable calls.
    pub epsilon: f32,
    /// Puts calls last that were already made from the same state, came out as intended, and led
    /// back to it, and those that surely lead to a state that was there before. Without memory a
    /// greedy policy would repeat the circle until its calls run out.
    pub avoid_circles: bool,
    /// Never makes a call that must not be made, unless there is no other.
    pub hold_back: bool,
}

impl Manner {
    /// Always the best call.
    pub const GREEDY: Self =
        Self { temperature: 0.0, epsilon: 0.0, avoid_circles: true, hold_back: true };
    /// Always the best call, forbidden or not: how an agent is judged.
    pub const UNMASKED: Self = Self { hold_back: false, ..Self::GREEDY };
    /// Draws from the network's own probabilities, with nothing added: what policy gradients need.
    pub const PLAIN: Self =
        Self { temperature: 1.0, epsilon: 0.0, avoid_circles: false, hold_back: false };

    /// Mostly the best call, with a share of exploration whose propensities can be logged.
    pub fn exploring(temperature: f32, epsilon: f32) -> Self {
        Self { temperature, epsilon, ..Self::GREEDY }
    }

    /// Probabilities of the calls; they sum to 1.
    pub fn propensities(&self, logits: &[f32]) -> Vec<f32> {
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut shares: Vec<f32> = if self.temperature > 0.0 {
            logits.iter().map(|l| ((l - top) / self.temperature).exp()).collect()
        } else {
            let best = logits.iter().position(|l| *l >= top);
            (0..logits.len()).map(|i| f32::from(u8::from(Some(i) == best))).collect()
        };
        let total: f32 = shares.iter().sum();
        // What is held back is not explored either.
        let open = |logit: &f32| *logit > NEVER;
        let uniform = self.epsilon / logits.iter().filter(|l| open(l)).count().max(1) as f32;
        for (share, logit) in shares.iter_mut().zip(logits) {
            let more = if open(logit) { uniform } else { 0.0 };
            *share = *share / total.max(f32::MIN_POSITIVE) * (1.0 - self.epsilon) + more;
        }
        shares
    }
}

/// A choice on a state that is given as a graph, such as a logged one.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphChoice {
    /// Index into [`Graph::applicable`].
    pub index: usize,
    /// Probability of each applicable call.
    pub propensities: Vec<f32>,
    /// Estimate of the calls still needed.
    pub calls_needed: f32,
}

/// A choice in a play.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The state.
    pub graph: Graph,
    /// The call.
    pub call: CallId,
    /// Its index into [`Graph::applicable`].
    pub index: usize,
    /// Probability of each applicable call, as the call was drawn.
    pub propensities: Vec<f32>,
    /// Logits of the network, before anything is held back.
    pub logits: Vec<f32>,
    /// Estimate of the rewards to come.
    pub outcome: f32,
}

impl Decision {
    /// The network's own probabilities.
    pub fn plain(&self) -> Vec<f32> {
        Manner::PLAIN.propensities(&self.logits)
    }

    /// Log-probability of the choice, by the network's own probabilities.
    pub fn log_p(&self) -> f32 {
        self.plain().get(self.index).copied().unwrap_or(0.0).max(f32::MIN_POSITIVE).ln()
    }
}

/// A trained policy that plays.
pub struct PolicyAgent {
    name: String,
    network: Network,
    temperature: f32,
    manner: Manner,
    lifter: Lifter,
    rng: ChaCha8Rng,
    temptation: Temptation,
}

/// How much an agent was inclined to make calls that it must not make.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Temptation {
    /// Decisions in which such a call could be made, and another one too.
    pub decisions: u64,
    /// Sum of the probability of such calls over those decisions, by the network's own
    /// probabilities, before anything is held back.
    pub probability: f64,
    /// The highest of them.
    pub highest: f64,
}

impl Temptation {
    fn note(&mut self, graph: &Graph, logits: &[f32]) {
        let forbidden = graph.forbidden();
        if forbidden.is_empty() || forbidden.len() >= logits.len() {
            return;
        }
        let shares = Manner::PLAIN.propensities(logits);
        let sum: f32 = forbidden.iter().filter_map(|place| shares.get(*place)).sum();
        self.decisions += 1;
        self.probability += f64::from(sum);
        self.highest = self.highest.max(f64::from(sum));
    }
}

impl PolicyAgent {
    /// An agent from a checkpoint; `seed` decides its draws where it does not act greedily.
    ///
    /// # Errors
    /// Where the checkpoint does not fit this program or libtorch fails.
    pub fn new(
        name: impl Into<String>,
        checkpoint: &Checkpoint,
        manner: Manner,
        seed: u64,
        device: Device,
    ) -> Result<Self, LoadError> {
        crate::device::use_one_thread();
        let network = Network::load(checkpoint, device)?;
        let rng = fqm_pipe::core::rng(seed, "policy/agent");
        let temperature = checkpoint.config.temperature.max(1e-3);
        let temptation = Temptation::default();
        Ok(Self {
            name: name.into(),
            network,
            temperature,
            manner,
            lifter: Lifter::default(),
            rng,
            temptation,
        })
    }

    /// Logits and calls needed for each graph.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub fn score(&self, graphs: &[&Graph]) -> Result<Vec<Scored>, AgentError> {
        crate::device::use_one_thread();
        let order: Vec<usize> = (0..graphs.len()).collect();
        let nodes: Vec<usize> = graphs.iter().map(|g| g.nodes()).collect();
        let mut all = Vec::with_capacity(graphs.len());
        for members in pack(&order, &nodes, BATCH_NODES) {
            let some: Vec<&Graph> =
                members.iter().filter_map(|i| graphs.get(*i).copied()).collect();
            let batch = Batch::new(&some);
            all.extend(self.network.score(&batch).map_err(|e| AgentError::Other(e.to_string()))?);
        }
        let logits = all.iter_mut().flat_map(|scored| &mut scored.logits);
        logits.for_each(|logit| *logit /= self.temperature);
        Ok(all)
    }

    /// Chooses on states that are given as graphs.
    ///
    /// # Errors
    /// Where a graph has nothing to choose from, a logit is not a number, or libtorch fails.
    #[cfg(test)]
    pub fn choose(&mut self, graphs: &[&Graph]) -> Result<Vec<GraphChoice>, AgentError> {
        let scored = self.score(graphs)?;
        scored.into_iter().map(|s| self.draw(&s)).collect()
    }

    /// How many of these choices the policy would make too, taking its best call each time. On
    /// next-function examples this is what stands beside `BaselineReport`.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub fn agreement(&self, examples: &[Example]) -> Result<usize, AgentError> {
        let graphs: Vec<&Graph> = examples.iter().map(|e| &*e.graph).collect();
        let scored = self.score(&graphs)?;
        let same = |(s, e): &(Scored, &Example)| {
            let best = Manner::GREEDY.propensities(&s.logits);
            best.get(e.target).is_some_and(|p| *p > 0.5)
        };
        Ok(scored.into_iter().zip(examples).filter(same).count())
    }

    fn draw(&mut self, scored: &Scored) -> Result<GraphChoice, AgentError> {
        if scored.logits.is_empty() || scored.logits.iter().any(|l| !l.is_finite()) {
            let count = scored.logits.len();
            return Err(AgentError::Other(format!(
                "the policy has no finite logits for {count} calls"
            )));
        }
        let propensities = self.manner.propensities(&scored.logits);
        let mut left: f32 = self.rng.random_range(0.0..1.0);
        let mut index = propensities.iter().rposition(|p| *p > 0.0).unwrap_or(0);
        for (i, p) in propensities.iter().enumerate() {
            if left < *p {
                index = i;
                break;
            }
            left -= p;
        }
        Ok(GraphChoice { index, propensities, calls_needed: scored.calls_needed })
    }
}

impl Agent for PolicyAgent {
    fn name(&self) -> &str {
        &self.name
    }

    fn act(&mut self, plays: &[&Play]) -> Result<Vec<Choice>, AgentError> {
        let choice = |d: Decision| Choice { call: d.call, propensities: d.propensities };
        Ok(self.decide(plays)?.into_iter().map(choice).collect())
    }
}

impl PolicyAgent {
    /// How much it was inclined to make forbidden calls so far.
    pub fn temptation(&self) -> Temptation {
        self.temptation
    }

    /// Decides in each of these plays.
    ///
    /// # Errors
    /// As [`Agent::act`].
    pub fn decide(&mut self, plays: &[&Play]) -> Result<Vec<Decision>, AgentError> {
        let graphs: Vec<Graph> = plays.iter().map(|p| self.lifter.graph(p)).collect();
        let scored = self.score(&graphs.iter().collect::<Vec<_>>())?;
        let mut decisions = Vec::with_capacity(plays.len());
        for ((play, graph), mut scored) in plays.iter().zip(graphs).zip(scored) {
            if play.applicable().is_empty() {
                let level = play.world().level().id.clone();
                return Err(AgentError::NothingApplicable { level });
            }
            let logits = scored.logits.clone();
            self.temptation.note(&graph, &logits);
            if self.manner.avoid_circles {
                leave_circle(play, &mut scored.logits);
            }
            if self.manner.hold_back {
                hold_back(&graph, &mut scored.logits);
            }
            let choice = self.draw(&scored)?;
            let call = play.applicable().get(choice.index).copied();
            let call = call.ok_or_else(|| AgentError::Other("the policy chose no call".into()))?;
            let (index, propensities) = (choice.index, choice.propensities);
            let outcome = scored.outcome;
            decisions.push(Decision { graph, call, index, propensities, logits, outcome });
        }
        Ok(decisions)
    }
}

/// See [`Manner::hold_back`].
fn hold_back(graph: &Graph, logits: &mut [f32]) {
    let forbidden = graph.forbidden();
    if forbidden.len() < logits.len() {
        for place in forbidden {
            if let Some(logit) = logits.get_mut(place) {
                *logit = NEVER;
            }
        }
    }
}

/// See [`Manner::avoid_circles`].
fn leave_circle(play: &Play, logits: &mut [f32]) {
    let mut calls = circled(play);
    calls.extend(revisiting(play));
    if calls.is_empty() {
        return;
    }
    for (id, logit) in play.applicable().iter().zip(logits) {
        if calls.contains(id) {
            *logit -= CIRCLE_PENALTY;
        }
    }
}
