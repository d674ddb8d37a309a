//! What is minimised: a loss for each aim of an example, and some for all.
//!
//! Every loss is computed for the whole batch and weighted to nothing where an example has another
//! aim, so that a batch may mix them.

use tch::{Kind, Reduction, Tensor};

use crate::network::{Scores, VALUE_SCALE, scaled_value};
use crate::ops::{Torch, floats, indices, to_vec};
use fqm_pipe::policy::{Aim, Example, TrainerParams};

/// What is added to a logit that must not count; below the network's padding.
const HIDDEN: f64 = -2e9;
/// A log-probability is never less than this, so that its product with no probability is nothing.
const LEAST_LOG: f64 = -80.0;
/// The most that 1 − p falls to in the loss for forbidden calls.
const SURE: f64 = 1e-6;

/// The numbers of the losses that belong to learners and guard.
#[derive(Debug, Clone, Copy)]
pub struct Knobs {
    /// Sharpness of preferences.
    pub preference_beta: f64,
    /// Clip of the ratio of probabilities.
    pub clip: f64,
    /// Weight of the entropy of examples that are reinforced.
    pub entropy: f64,
    /// Weight of the divergence from the champion.
    pub guard: f64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self { preference_beta: 0.5, clip: 0.2, entropy: 0.01, guard: 0.0 }
    }
}

/// The losses of a batch, as tensors with one value, and figures by example.
pub struct Losses {
    /// What is minimised.
    pub total: Tensor,
    /// Cross-entropy alone, over the examples with a choice to make.
    pub policy: Tensor,
    /// Figures, each a sum over the examples that it counts, and how many those are.
    pub seen: Seen,
}

/// A sum and how many it is over.
pub type Tally = (f64, f64);

/// Figures of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Choices with the highest logit.
    pub right: Tally,
    /// Entropy, in nats.
    pub entropy: Tally,
    /// Divergence from the champion, in nats.
    pub kl: Tally,
    /// Probability of forbidden calls.
    pub forbidden: Tally,
    /// Error of the calls still needed.
    pub value_error: Tally,
    /// Error of what comes of it.
    pub outcome_error: Tally,
}

impl Seen {
    /// Adds the figures of another batch.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.right, other.right),
            (&mut self.entropy, other.entropy),
            (&mut self.kl, other.kl),
            (&mut self.forbidden, other.forbidden),
            (&mut self.value_error, other.value_error),
            (&mut self.outcome_error, other.outcome_error),
        ];
        for (mine, more) in pairs {
            *mine = (mine.0 + more.0, mine.1 + more.1);
        }
    }
}

/// The mean of a tally; None where there is nothing to count.
pub fn mean(tally: Tally) -> Option<f64> {
    (tally.1 > 0.0).then(|| tally.0 / tally.1)
}

/// Computes the losses of these examples. Means are weighted, and over all examples of the batch:
/// an aim that few of them have counts little.
pub fn losses(
    scores: &Scores,
    examples: &[&Example],
    p: &TrainerParams,
    knobs: &Knobs,
) -> Torch<Losses> {
    let all = scores.grid.f_logsumexp([1i64].as_slice(), true)?;
    let log_p = scores.grid.f_sub(&all)?.f_clamp_min(LEAST_LOG)?;
    let mut judge = Judge { scores, examples, log_p, seen: Seen::default() };
    let (policy, margin) = judge.choices(p)?;
    let mut total = policy.f_add(&margin.f_mul_scalar(p.margin_weight)?)?;
    let more = [
        (judge.preferences(knobs)?, 1.0),
        (judge.reinforced(knobs)?, 1.0),
        (judge.kept()?, knobs.guard),
        (judge.forbidden()?, p.forbidden_weight),
        (judge.needed()?, p.value_weight),
        (judge.outcomes()?, p.value_weight),
    ];
    for (loss, weight) in more {
        if let Some(loss) = loss {
            total = total.f_add(&loss.f_mul_scalar(weight)?)?;
        }
    }
    judge.look()?;
    Ok(Losses { total, policy, seen: judge.seen })
}

/// One batch under judgement.
struct Judge<'a> {
    scores: &'a Scores,
    examples: &'a [&'a Example],
    log_p: Tensor,
    seen: Seen,
}

impl Judge<'_> {
    fn device(&self) -> tch::Device {
        self.scores.grid.device()
    }

    /// The weights of the examples for which `of` gives something, as shares of all weights.
    fn shares<T>(&self, of: impl Fn(&Example) -> Option<T>) -> Torch<Option<(Tensor, Vec<T>)>>
    where
        T: Default,
    {
        let found: Vec<Option<T>> = self.examples.iter().map(|e| of(e)).collect();
        if found.iter().all(Option::is_none) {
            return Ok(None);
        }
        let all: f32 = self.examples.iter().map(|e| e.weight).sum();
        let share = |(e, some): (&&Example, &Option<T>)| {
            if some.is_some() { e.weight / all.max(1e-6) } else { 0.0 }
        };
        let shares: Vec<f32> = self.examples.iter().zip(&found).map(share).collect();
        let shares = floats(&shares, &[shares.len() as i64], self.device())?;
        Ok(Some((shares, found.into_iter().map(Option::unwrap_or_default).collect())))
    }

    /// A grid with one number for some places of some examples, 0 elsewhere: `graphs × width`.
    fn grid(&self, cells: impl Fn(&Example) -> Vec<(usize, f32)>) -> Torch {
        let (graphs, width) = self.scores.grid.size2()?;
        let mut grid = vec![0.0f32; (graphs * width).max(0) as usize];
        for (row, example) in grid.chunks_exact_mut(width.max(1) as usize).zip(self.examples) {
            for (place, number) in cells(example) {
                if let Some(cell) = row.get_mut(place) {
                    *cell = number;
                }
            }
        }
        floats(&grid, &[graphs, width], self.device())
    }

    /// Log-probabilities of one place of each example.
    fn log_p_of(&self, places: &[usize]) -> Torch {
        let places: Vec<i64> = places.iter().map(|p| *p as i64).collect();
        let places = indices(&places, self.device())?.f_unsqueeze(1)?;
        self.log_p.f_gather(1, &places, false)?.f_squeeze_dim(1)
    }

    /// Cross-entropy and margin. Where several choices are right, their probabilities count
    /// together: the policy may settle on any of them.
    fn choices(&mut self, p: &TrainerParams) -> Torch<(Tensor, Tensor)> {
        let chosen = |e: &Example| (e.aim == Aim::Choose).then_some(());
        let Some((share, _)) = self.shares(chosen)? else {
            let nothing = || self.scores.grid.f_sum(Kind::Float)?.f_mul_scalar(0.0);
            return Ok((nothing()?, nothing()?));
        };
        let right = self.grid(|e| match e.aim {
            Aim::Choose => e.right_choices().into_iter().map(|at| (at, 1.0)).collect(),
            // Some choice must be right, or the logarithm of nothing would be taken.
            _ => vec![(0, 1.0)],
        })?;
        let hidden = |mask: &Tensor| self.log_p.f_add(&mask.f_mul_scalar(HIDDEN)?);
        let among_right = hidden(&right.f_neg()?.f_add_scalar(1.0)?)?;
        let among_wrong = hidden(&right)?;
        let log_p = among_right.f_logsumexp([1i64].as_slice(), false)?;
        let policy = log_p.f_mul(&share)?.f_sum(Kind::Float)?.f_neg()?;
        let best_right = among_right.f_amax([1i64].as_slice(), false)?;
        let best_wrong = among_wrong.f_amax([1i64].as_slice(), false)?;
        let short = best_wrong.f_sub(&best_right)?.f_add_scalar(p.margin)?.f_relu()?;
        let margin = short.f_mul(&share)?.f_sum(Kind::Float)?;
        let won = to_vec(&best_wrong.f_le_tensor(&best_right)?)?;
        for (won, example) in won.into_iter().zip(self.examples) {
            if example.aim == Aim::Choose {
                self.seen.right = (self.seen.right.0 + f64::from(won), self.seen.right.1 + 1.0);
            }
        }
        Ok((policy, margin))
    }

    /// −log σ(β·((log p(chosen) − log p(rejected)) − the same of the reference)).
    fn preferences(&self, knobs: &Knobs) -> Torch<Option<Tensor>> {
        let pair = |e: &Example| match e.aim {
            Aim::Prefer { over, reference } => Some((over, reference)),
            _ => None,
        };
        let Some((share, pairs)) = self.shares(pair)? else { return Ok(None) };
        let (over, reference): (Vec<usize>, Vec<f32>) = pairs.into_iter().unzip();
        let chosen: Vec<usize> = self.examples.iter().map(|e| e.target).collect();
        let ahead = self.log_p_of(&chosen)?.f_sub(&self.log_p_of(&over)?)?;
        let reference = floats(&reference, &[reference.len() as i64], self.device())?;
        let logit = ahead.f_sub(&reference)?.f_mul_scalar(knobs.preference_beta)?;
        Ok(Some(logit.f_log_sigmoid()?.f_mul(&share)?.f_sum(Kind::Float)?.f_neg()?))
    }

    /// The clipped surrogate, less the entropy.
    fn reinforced(&self, knobs: &Knobs) -> Torch<Option<Tensor>> {
        let made = |e: &Example| match e.aim {
            Aim::Reinforce { advantage, log_p } => Some((advantage, log_p)),
            _ => None,
        };
        let Some((share, made)) = self.shares(made)? else { return Ok(None) };
        let (advantage, before): (Vec<f32>, Vec<f32>) = made.into_iter().unzip();
        let column = |v: &[f32]| floats(v, &[v.len() as i64], self.device());
        let (advantage, before) = (column(&advantage)?, column(&before)?);
        let chosen: Vec<usize> = self.examples.iter().map(|e| e.target).collect();
        let ratio = self.log_p_of(&chosen)?.f_sub(&before)?.f_clamp(-20.0, 20.0)?.f_exp()?;
        let near = ratio.f_clamp(1.0 - knobs.clip, 1.0 + knobs.clip)?;
        let gain = ratio.f_mul(&advantage)?.f_minimum(&near.f_mul(&advantage)?)?;
        let gain = gain.f_add(&self.entropies()?.f_mul_scalar(knobs.entropy)?)?;
        Ok(Some(gain.f_mul(&share)?.f_sum(Kind::Float)?.f_neg()?))
    }

    /// Entropy of each example's policy, in nats.
    fn entropies(&self) -> Torch {
        let each = self.log_p.f_exp()?.f_mul(&self.log_p)?;
        each.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?.f_neg()
    }

    /// Forward divergence from what is to be kept.
    fn kept(&mut self) -> Torch<Option<Tensor>> {
        let kept = |e: &Example| matches!(e.aim, Aim::Keep(_)).then_some(());
        let Some((share, _)) = self.shares(kept)? else { return Ok(None) };
        let shares = |e: &Example| match &e.aim {
            Aim::Keep(shares) => shares.iter().copied().enumerate().collect(),
            _ => Vec::new(),
        };
        let wanted = self.grid(shares)?;
        let known = wanted.f_mul(&wanted.f_clamp_min(1e-12)?.f_log()?)?;
        let each = known.f_sub(&wanted.f_mul(&self.log_p)?)?;
        let each = each.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?;
        let counted = self.examples.iter().map(|e| matches!(e.aim, Aim::Keep(_)));
        for (kl, _) in to_vec(&each)?.into_iter().zip(counted).filter(|(_, kept)| *kept) {
            self.seen.kl = (self.seen.kl.0 + f64::from(kl), self.seen.kl.1 + 1.0);
        }
        Ok(Some(each.f_mul(&share)?.f_sum(Kind::Float)?))
    }

    /// −log(1 − probability of forbidden calls).
    fn forbidden(&mut self) -> Torch<Option<Tensor>> {
        let allowed_too = |e: &Example| {
            let forbidden = e.graph.forbidden();
            let some = !forbidden.is_empty() && forbidden.len() < e.graph.applicable.len();
            some.then_some(forbidden)
        };
        let Some((share, forbidden)) = self.shares(allowed_too)? else { return Ok(None) };
        let counted: Vec<bool> = forbidden.iter().map(|places| !places.is_empty()).collect();
        let marks = self.grid(|e| e.graph.forbidden().into_iter().map(|at| (at, 1.0)).collect())?;
        let p = self.log_p.f_exp()?.f_mul(&marks)?;
        let p = p.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?;
        for (p, _) in to_vec(&p)?.into_iter().zip(counted).filter(|(_, counted)| *counted) {
            self.seen.forbidden =
                (self.seen.forbidden.0 + f64::from(p), self.seen.forbidden.1 + 1.0);
        }
        let free = p.f_neg()?.f_add_scalar(1.0)?.f_clamp_min(SURE)?.f_log()?;
        Ok(Some(free.f_mul(&share)?.f_sum(Kind::Float)?.f_neg()?))
    }

    /// Huber loss over the examples whose distance to the goal is known.
    fn needed(&mut self) -> Torch<Option<Tensor>> {
        let Some((loss, error)) = self.ahead(&self.scores.value, |e| e.value.map(scaled_value))?
        else {
            return Ok(None);
        };
        self.seen.value_error = (error.0 * VALUE_SCALE, error.1);
        Ok(Some(loss))
    }

    /// Huber loss over the examples of which is known what came of them.
    fn outcomes(&mut self) -> Torch<Option<Tensor>> {
        let Some((loss, error)) = self.ahead(&self.scores.outcome, |e| e.outcome)? else {
            return Ok(None);
        };
        self.seen.outcome_error = error;
        Ok(Some(loss))
    }

    fn ahead(
        &self,
        guess: &Tensor,
        truth: impl Fn(&Example) -> Option<f32>,
    ) -> Torch<Option<(Tensor, Tally)>> {
        let Some((share, wanted)) = self.shares(&truth)? else { return Ok(None) };
        let wanted = floats(&wanted, &[wanted.len() as i64], self.device())?;
        let loss = guess.f_huber_loss(&wanted, Reduction::None, 1.0)?;
        let error = to_vec(&guess.f_sub(&wanted)?.f_abs()?)?;
        let known = error.iter().zip(self.examples).filter(|(_, e)| truth(e).is_some());
        let tally = known.fold((0.0, 0.0), |sum, (e, _)| (sum.0 + f64::from(*e), sum.1 + 1.0));
        Ok(Some((loss.f_mul(&share)?.f_sum(Kind::Float)?, tally)))
    }

    fn look(&mut self) -> Torch<()> {
        let _guard = tch::no_grad_guard();
        let entropies = to_vec(&self.entropies()?)?;
        let sum = entropies.iter().map(|e| f64::from(*e)).sum();
        self.seen.entropy = (sum, entropies.len() as f64);
        Ok(())
    }
}
