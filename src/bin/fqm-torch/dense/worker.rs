//! One worker: plays its environments, and learns from its share of the samples.

use std::sync::Arc;

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::Request;
use super::network::ActorCritic;
use super::share::Exchange;
use crate::adamw::AdamW;
use crate::ops::{Torch, floats, indices, to_vec};
use fqm_pipe::core::derive_seed;
use fqm_pipe::quest::{Play, World};

const DISCOUNT: f32 = 0.99;
const LAMBDA: f32 = 0.95;
const CLIP: f64 = 0.2;
const ENTROPY: f64 = 0.01;
const VALUE: f64 = 0.5;
const RATE: f64 = 3e-4;
const NORM: f64 = 0.5;
/// What is added to the logit of a call that cannot be made.
const HIDDEN: f32 = -1e9;

/// Won and finished episodes.
pub(super) type Count = (u64, u64);

/// What was played, environment by environment within each step.
#[derive(Default)]
struct Samples {
    facts: Vec<f32>,
    masks: Vec<f32>,
    calls: Vec<i64>,
    log_p: Vec<f32>,
    guesses: Vec<f32>,
    rewards: Vec<f32>,
    ended: Vec<bool>,
    ahead: Vec<f32>,
}

pub(super) struct Worker<'a> {
    request: &'a Request,
    exchange: &'a Exchange,
    nth: usize,
    plays: Vec<Play>,
    network: ActorCritic,
    optimizer: AdamW,
    rng: ChaCha8Rng,
    facts: usize,
    calls: usize,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        world: Arc<World>,
        request: &'a Request,
        nth: usize,
        exchange: &'a Exchange,
    ) -> Torch<Self> {
        crate::device::use_one_thread();
        let facts = world.facts().len() + world.fluents().len();
        let calls = world.calls().len();
        let network = ActorCritic::new(facts as i64, &request.hidden, calls as i64, request.seed)?;
        let optimizer = AdamW::new(network.weights(), 0.0)?;
        let envs = request.envs / request.workers;
        let seed = |env| derive_seed(request.seed, &format!("dense/{nth}/{env}"));
        let plays = (0..envs).map(|env| Play::new(Arc::clone(&world), seed(env))).collect();
        let rng = fqm_pipe::core::rng(request.seed, &format!("dense/worker/{nth}"));
        Ok(Self { request, exchange, nth, plays, network, optimizer, rng, facts, calls })
    }

    /// Plays and learns so many times; tells how the episodes of each time ended.
    pub(super) fn run(mut self, rollouts: usize) -> Torch<Vec<Count>> {
        let mut counts = Vec::with_capacity(rollouts);
        for _ in 0..rollouts {
            let (samples, count) = self.play()?;
            counts.push(count);
            self.learn(&samples)?;
        }
        Ok(counts)
    }

    fn play(&mut self) -> Torch<(Samples, Count)> {
        let _guard = tch::no_grad_guard();
        let mut samples = Samples::default();
        let mut count = (0, 0);
        for _ in 0..self.request.rollout {
            let (facts, masks) = self.look();
            let (logits, guesses) = self.guess(&facts)?;
            for (at, play) in self.plays.iter_mut().enumerate() {
                let logits = logits.get(at * self.calls..(at + 1) * self.calls);
                let (call, log_p) = draw(play, logits.unwrap_or_default(), &mut self.rng);
                // A call that is applicable cannot be refused.
                let reward = play.earn(call).map_or(0.0, |(_, reward)| reward);
                let ended = play.done() || play.applicable().is_empty();
                if ended {
                    count = (count.0 + u64::from(play.goal_achieved()), count.1 + 1);
                    play.reset();
                }
                samples.calls.push(i64::from(call));
                samples.log_p.push(log_p);
                samples.rewards.push(reward as f32);
                samples.ended.push(ended);
            }
            samples.facts.extend(facts);
            samples.masks.extend(masks);
            samples.guesses.extend(guesses);
        }
        let (facts, _) = self.look();
        let (_, last) = self.guess(&facts)?;
        samples.ahead = ahead(&samples, &last);
        Ok((samples, count))
    }

    fn guess(&self, facts: &[f32]) -> Torch<(Vec<f32>, Vec<f32>)> {
        let shape = [self.plays.len() as i64, self.facts as i64];
        let (logits, guess) = self.network.forward(&floats(facts, &shape, Device::Cpu)?)?;
        Ok((to_vec(&logits)?, to_vec(&guess)?))
    }

    /// Facts and fluents of all plays, and what is added to the logits of their calls.
    fn look(&self) -> (Vec<f32>, Vec<f32>) {
        let mut facts = Vec::with_capacity(self.plays.len() * self.facts);
        let mut masks = vec![HIDDEN; self.plays.len() * self.calls];
        for (play, mask) in self.plays.iter().zip(masks.chunks_exact_mut(self.calls.max(1))) {
            let world = play.world();
            let bits = (0..world.facts().len() as u32).map(|fact| play.is_true(fact));
            facts.extend(bits.map(|bit| f32::from(u8::from(bit))));
            let fluents = world.fluents().iter().zip(play.fluents());
            facts.extend(fluents.map(|(fluent, value)| {
                (value - fluent.min) as f32 / (fluent.max - fluent.min).max(1) as f32
            }));
            for call in play.applicable() {
                if let Some(cell) = mask.get_mut(*call as usize) {
                    *cell = 0.0;
                }
            }
        }
        (facts, masks)
    }

    fn learn(&mut self, samples: &Samples) -> Torch<()> {
        let count = samples.calls.len();
        let share = self.request.batch / self.request.workers;
        let tensors = Tensors::of(samples, self.facts as i64, self.calls as i64)?;
        let mut order: Vec<i64> = (0..count as i64).collect();
        for _ in 0..self.request.epochs {
            order.shuffle(&mut self.rng);
            for members in order.chunks(share) {
                let loss = self.loss(&tensors.select(members)?)?;
                self.optimizer.zero_grad();
                loss.f_backward()?;
                self.optimizer.exchange(|mine| self.exchange.mean(self.nth, mine))?;
                self.optimizer.clip(NORM)?;
                self.optimizer.step(RATE)?;
            }
        }
        Ok(())
    }

    fn loss(&self, s: &Tensors) -> Torch {
        let (logits, guess) = self.network.forward(&s.facts)?;
        let slope = slope(&logits, s)?;
        let wanted = s.ahead.f_add(&s.guesses)?;
        let off = guess.f_sub(&wanted)?.f_square()?.f_mean(Kind::Float)?;
        off.f_mul_scalar(VALUE)?.f_add(&logits.f_mul(&slope)?.f_sum(Kind::Float)?)
    }
}

/// The gradient of the clipped surrogate and of the entropy by the logits. A product of the logits with
/// it has the same gradient as that loss itself, and leaves nothing to be differentiated behind them.
fn slope(logits: &Tensor, s: &Tensors) -> Torch {
    let _guard = tch::no_grad_guard();
    let (count, _) = logits.size2()?;
    let log_all = logits.f_add(&s.masks)?.f_log_softmax(1, None::<Kind>)?;
    let all = log_all.f_exp()?;
    let ratio = log_all.f_gather(1, &s.calls, false)?.f_sub(&s.log_p.f_unsqueeze(1)?)?.f_exp()?;
    let ahead = s.ahead.f_sub(&s.ahead.f_mean(Kind::Float)?)?;
    let ahead = ahead.f_div(&s.ahead.f_std(true)?.f_add_scalar(1e-8)?)?.f_unsqueeze(1)?;
    // Beyond the clip there is no slope on the side to which the advantage pulls.
    let gain = ratio.f_mul(&ahead)?;
    let near = ratio.f_clamp(1.0 - CLIP, 1.0 + CLIP)?.f_mul(&ahead)?;
    let pull = gain.f_mul(&gain.f_le_tensor(&near)?.f_to_kind(Kind::Float)?)?;
    let surprise = all.f_mul(&log_all.f_clamp_min(-80.0)?)?;
    let entropy = surprise.f_sum_dim_intlist([1i64].as_slice(), true, Kind::Float)?.f_neg()?;
    let flat = surprise.f_add(&all.f_mul(&entropy)?)?.f_mul_scalar(ENTROPY)?;
    let slope = all.f_mul(&pull)?.f_add(&flat)?;
    slope.f_scatter_add(1, &s.calls, &pull.f_neg()?)?.f_div_scalar(count as f64)
}

/// Draws an applicable call by the softmax of its logits.
fn draw(play: &Play, logits: &[f32], rng: &mut ChaCha8Rng) -> (u32, f32) {
    let logit = |call: &u32| logits.get(*call as usize).copied().unwrap_or(HIDDEN);
    let calls = play.applicable();
    let top = calls.iter().map(logit).fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = calls.iter().map(|call| (logit(call) - top).exp()).sum();
    let mut left = rng.random_range(0.0..1.0) * total;
    let mut chosen = calls.last().copied().unwrap_or(0);
    for call in calls {
        left -= (logit(call) - top).exp();
        if left < 0.0 {
            chosen = *call;
            break;
        }
    }
    (chosen, logit(&chosen) - top - total.ln())
}

/// Generalised advantage estimates; an episode that ends in a rollout leads nowhere.
fn ahead(samples: &Samples, last: &[f32]) -> Vec<f32> {
    let envs = last.len().max(1);
    let mut ahead = vec![0.0; samples.rewards.len()];
    for env in 0..last.len() {
        let (mut next_guess, mut next_ahead) = (last.get(env).copied().unwrap_or(0.0), 0.0);
        for at in (env..samples.rewards.len()).step_by(envs).rev() {
            let [Some(reward), Some(guess)] = [samples.rewards.get(at), samples.guesses.get(at)]
            else {
                continue;
            };
            let on = if samples.ended.get(at) == Some(&true) { 0.0 } else { DISCOUNT };
            let surprise = reward + on * next_guess - guess;
            next_ahead = surprise + on * LAMBDA * next_ahead;
            next_guess = *guess;
            if let Some(cell) = ahead.get_mut(at) {
                *cell = next_ahead;
            }
        }
    }
    ahead
}

/// Samples as tensors, or some of them.
struct Tensors {
    facts: Tensor,
    masks: Tensor,
    calls: Tensor,
    log_p: Tensor,
    guesses: Tensor,
    ahead: Tensor,
}

impl Tensors {
    fn of(s: &Samples, facts: i64, calls: i64) -> Torch<Self> {
        let count = s.calls.len() as i64;
        let column = |values: &[f32]| floats(values, &[count], Device::Cpu);
        Ok(Self {
            facts: floats(&s.facts, &[count, facts], Device::Cpu)?,
            masks: floats(&s.masks, &[count, calls], Device::Cpu)?,
            calls: indices(&s.calls, Device::Cpu)?.f_unsqueeze(1)?,
            log_p: column(&s.log_p)?,
            guesses: column(&s.guesses)?,
            ahead: column(&s.ahead)?,
        })
    }

    fn select(&self, members: &[i64]) -> Torch<Self> {
        let members = indices(members, Device::Cpu)?;
        let some = |tensor: &Tensor| tensor.f_index_select(0, &members);
        Ok(Self {
            facts: some(&self.facts)?,
            masks: some(&self.masks)?,
            calls: some(&self.calls)?,
            log_p: some(&self.log_p)?,
            guesses: some(&self.guesses)?,
            ahead: some(&self.ahead)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loss as the paper writes it, differentiated by libtorch.
    fn by_autograd(logits: &Tensor, s: &Tensors) -> Tensor {
        let log_all = (logits + &s.masks).log_softmax(1, None::<Kind>);
        let ratio = (log_all.gather(1, &s.calls, false).squeeze_dim(1) - &s.log_p).exp();
        let ahead = &s.ahead - s.ahead.mean(Kind::Float);
        let ahead = &ahead / (s.ahead.std(true) + 1e-8);
        let near = ratio.clamp(1.0 - CLIP, 1.0 + CLIP) * &ahead;
        let gain = (&ratio * &ahead).minimum(&near).mean(Kind::Float);
        let each = (log_all.exp() * log_all.clamp_min(-80.0)).sum_dim_intlist(
            [1i64].as_slice(),
            false,
            Kind::Float,
        );
        let loss = each.mean(Kind::Float) * ENTROPY - gain;
        loss.backward();
        logits.grad()
    }

    #[test]
    fn the_slope_is_that_of_the_loss() {
        let column = |v: &[f32]| Tensor::from_slice(v);
        let grid = |v: &[f32]| Tensor::from_slice(v).reshape([3, 4]);
        let hidden = HIDDEN;
        let samples = Tensors {
            facts: grid(&[0.0; 12]),
            masks: grid(&[0.0, 0.0, hidden, 0.0, 0.0, 0.0, 0.0, hidden, 0.0, hidden, 0.0, 0.0]),
            calls: Tensor::from_slice(&[1i64, 0, 3]).unsqueeze(1),
            log_p: column(&[-1.0, -0.2, -2.5]),
            guesses: column(&[0.0; 3]),
            ahead: column(&[0.7, -0.4, 1.9]),
        };
        let logits = grid(&[0.2, -0.3, 0.9, 1.1, 0.0, 0.5, -1.0, 2.0, 0.4, 0.1, -0.6, 0.3]);
        let slope = slope(&logits, &samples).unwrap();
        let theirs = by_autograd(&logits.copy().set_requires_grad(true), &samples);
        let off = (slope - theirs).abs().max().double_value(&[]);
        assert!(off < 1e-6, "{off}");
    }
}
