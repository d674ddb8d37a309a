//! The trainer: passes over examples that change weights, watched by the champion guard.

use std::time::Instant;

use rand::Rng;
use rand::seq::SliceRandom;

use super::batches::{join, ranges};
use super::calibrate::temperature;
use super::{Course, Kept, LearnError, Notes};
use crate::adamw::AdamW;
use crate::loss::{Knobs, Losses, Seen, losses, mean};
use crate::network::Network;
use fqm_pipe::core::rng;
use fqm_pipe::policy::{
    Checkpoint, CheckpointError, Config, EpochMetrics, Example, TrainerParams, Weights,
    epoch_batches,
};

/// By which factor the divergence may differ from what is wanted before the guard's weight changes,
/// how much that then changes with a batch, and the most that it comes to.
const GUARD_BAND: f64 = 1.5;
const GUARD_STEP: f64 = 1.04;
const MOST_GUARD: f64 = 5.0;

/// One training in progress.
pub(super) struct Trainer<'a> {
    course: &'a Course<'a>,
    params: &'a TrainerParams,
    knobs: Knobs,
    network: Network,
    optimizer: AdamW,
    validation: Vec<&'a Example>,
    curve: Vec<EpochMetrics>,
    /// The weights after each pass; none for passes that were undone.
    kept: Vec<Option<Weights>>,
    updates: usize,
    trips: usize,
    /// What the learning rate is multiplied with: halved by every trip.
    caution: f64,
}

/// What a training comes to.
pub(super) struct Ended {
    pub(super) weights: Weights,
    pub(super) curve: Vec<EpochMetrics>,
    pub(super) best_epoch: usize,
    pub(super) temperature: f32,
}

/// A pass: its number from 1, how many there will be, and the share of training done before it.
struct Pass {
    epoch: usize,
    passes: usize,
    done: f64,
    share: f64,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(
        course: &'a Course<'a>,
        knobs: Knobs,
        base: Option<&Checkpoint>,
    ) -> Result<Self, LearnError> {
        let params = course.trainer;
        let network = Network::new(params.network, params.seed, course.device)?;
        if let Some(base) = base {
            start_from(&network, base, params)?;
        }
        let optimizer = AdamW::new(network.weights(), params.weight_decay)?;
        let mut validation: Vec<&Example> = course.validation.iter().collect();
        if validation.len() > params.validation_examples {
            validation.shuffle(&mut rng(params.seed, "policy/validation"));
            validation.truncate(params.validation_examples);
        }
        let guard = course.guard.beta;
        Ok(Self {
            course,
            params,
            knobs: Knobs { guard, ..knobs },
            network,
            optimizer,
            validation,
            curve: Vec::new(),
            kept: Vec::new(),
            updates: 0,
            trips: 0,
            caution: 1.0,
        })
    }

    /// The policy as it is.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, LearnError> {
        let config = Config::new(self.params.network, self.params.seed, None);
        Ok(Checkpoint::pack(config, &self.network.export()?)?)
    }

    /// Passes over the examples of a round. False where the guard has tripped too often.
    pub(super) fn round(
        &mut self,
        examples: &[Example],
        round: usize,
        on_epoch: &mut dyn FnMut(&EpochMetrics),
    ) -> Result<bool, LearnError> {
        let rounds = self.course.rounds.max(1);
        let mine = self.params.passes(examples.len() * rounds);
        let nodes: Vec<usize> = examples.iter().map(|e| e.graph.nodes()).collect();
        let done = if rounds == 1 { self.curve.len() } else { 0 };
        for pass in done + 1..=mine {
            let epoch = self.curve.len() + 1;
            let passes = epoch - pass + mine * (rounds - round + 1);
            let share = 1.0 / (mine * rounds) as f64;
            let done = ((round - 1) * mine + pass - 1) as f64 * share;
            let before = (self.network.export()?, self.optimizer.export()?, self.optimizer.steps());
            let mut metrics = self.pass(examples, &nodes, &Pass { epoch, passes, done, share })?;
            metrics.undone = metrics.kl.is_some_and(|kl| kl > self.course.guard.trip);
            on_epoch(&metrics);
            self.curve.push(metrics);
            if metrics.undone {
                self.network.import(&before.0)?;
                self.optimizer.import(&before.1, before.2)?;
                self.kept.push(None);
                self.trips += 1;
                self.caution /= 2.0;
                if self.trips > self.course.guard.trips {
                    return Ok(false);
                }
            } else {
                self.kept.push(Some(self.network.export()?));
            }
            if let Some(journal) = self.course.journal.filter(|_| rounds == 1) {
                journal.save(&self.state()?)?;
            }
        }
        Ok(true)
    }

    /// All that is needed to go on from here.
    fn state(&self) -> Result<Kept, LearnError> {
        let mut tensors = self.optimizer.export()?;
        let named = |prefix: String, weights: Weights| {
            weights.into_iter().map(move |(name, tensor)| (format!("{prefix}/{name}"), tensor))
        };
        tensors.extend(named("weights".into(), self.network.export()?));
        for (at, kept) in self.kept.iter().enumerate() {
            let kept = kept.clone().unwrap_or_default();
            tensors.extend(named(format!("pass/{at}"), kept));
        }
        let notes = Notes {
            curve: self.curve.clone(),
            steps: self.optimizer.steps(),
            updates: self.updates,
            trips: self.trips,
            caution: self.caution,
            guard: self.knobs.guard,
        };
        Ok(Kept { tensors, notes })
    }

    /// Goes on from where a training was cut off.
    pub(super) fn go_on(&mut self, kept: Kept) -> Result<(), LearnError> {
        let Kept { tensors, notes } = kept;
        let below = |prefix: &str| -> Weights {
            let named = tensors.iter().filter_map(|(name, tensor)| {
                Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone()))
            });
            named.collect()
        };
        self.network.import(&below("weights/"))?;
        self.optimizer.import(&tensors, notes.steps)?;
        let pass = |at: usize| Some(below(&format!("pass/{at}/"))).filter(|w| !w.is_empty());
        self.kept = (0..notes.curve.len()).map(pass).collect();
        self.updates = notes.updates;
        self.trips = notes.trips;
        self.caution = notes.caution;
        self.knobs.guard = notes.guard;
        self.curve = notes.curve;
        Ok(())
    }

    /// Raises the guard's weight while the policy strays further than wanted, and lowers it while it
    /// does not.
    fn adapt(&mut self, kl: Option<f64>) {
        let wanted = self.course.guard.kl;
        match kl {
            Some(kl) if kl > GUARD_BAND * wanted => self.knobs.guard *= GUARD_STEP,
            Some(kl) if kl < wanted / GUARD_BAND => self.knobs.guard /= GUARD_STEP,
            _ => (),
        }
        let least = self.course.guard.beta.min(MOST_GUARD) / 10.0;
        self.knobs.guard = self.knobs.guard.clamp(least, MOST_GUARD);
    }

    /// One pass over the examples.
    fn pass(
        &mut self,
        all: &[Example],
        nodes: &[usize],
        pass: &Pass,
    ) -> Result<EpochMetrics, LearnError> {
        let begin = Instant::now();
        let p = self.params;
        let batches = epoch_batches(nodes, p.batch_nodes, p.seed, pass.epoch);
        let mut dropout = rng(p.seed, &format!("policy/dropout/{}", pass.epoch));
        let (mut loss, mut norm, mut peak) = (0.0, 0.0, 0.0f64);
        let mut seen = Seen::default();
        for (index, members) in batches.iter().enumerate() {
            let within = index as f64 / batches.len() as f64;
            let rate = self.rate(pass.done + pass.share * within);
            let examples: Vec<&Example> = members.iter().filter_map(|i| all.get(*i)).collect();
            let mut batch = join(&examples);
            batch.hide_texts(|| dropout.random_range(0.0..1.0) < p.text_dropout);
            let at = (pass.epoch, index);
            let losses = losses(&self.network.forward(&batch)?, &examples, p, &self.knobs)?;
            let value = finite("loss", losses.total.f_double_value(&[])?, at, p)?;
            norm += self.update(&losses, rate, at)?;
            peak = peak.max(rate);
            loss += value * examples.len() as f64;
            self.adapt(mean(losses.seen.kl));
            seen.add(&losses.seen);
        }
        let count = all.len() as f64;
        let validation = self.validate()?;
        Ok(EpochMetrics {
            epoch: pass.epoch,
            epochs: pass.passes,
            loss: loss / count,
            accuracy: mean(seen.right).unwrap_or(0.0),
            validation_loss: validation.map(|v| v.0),
            validation_accuracy: validation.map(|v| v.1),
            gradient_norm: norm / batches.len().max(1) as f64,
            entropy: mean(seen.entropy).unwrap_or(0.0),
            kl: mean(seen.kl),
            forbidden: mean(seen.forbidden),
            value_error: mean(seen.value_error),
            outcome_error: mean(seen.outcome_error),
            undone: false,
            learning_rate: peak,
            examples_per_second: count / begin.elapsed().as_secs_f64().max(1e-9),
        })
    }

    /// Goes down the gradient; gives its norm before it was clipped.
    fn update(
        &mut self,
        losses: &Losses,
        rate: f64,
        at: (usize, usize),
    ) -> Result<f64, LearnError> {
        self.optimizer.zero_grad();
        losses.total.f_backward()?;
        let norm = finite("gradient", self.optimizer.clip(self.params.clip)?, at, self.params)?;
        self.optimizer.step(rate)?;
        self.updates += 1;
        Ok(norm)
    }

    /// A short warm-up, then a linear fall to a twentieth.
    fn rate(&self, done: f64) -> f64 {
        let warm = ((self.updates + 1) as f64 / 20.0).min(1.0);
        self.params.learning_rate * self.caution * warm * (1.0 - 0.95 * done)
    }

    /// Mean cross-entropy and accuracy on the validation examples.
    fn validate(&self) -> Result<Option<(f64, f64)>, LearnError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let _guard = tch::no_grad_guard();
        let plain = TrainerParams { forbidden_weight: 0.0, ..self.params.clone() };
        let mut loss = 0.0;
        let mut seen = Seen::default();
        for range in ranges(&self.validation, self.params.batch_nodes) {
            let examples = self.validation.get(range).unwrap_or_default();
            let scores = self.network.forward(&join(examples))?;
            let losses = losses(&scores, examples, &plain, &self.knobs)?;
            loss += losses.policy.f_double_value(&[])? * examples.len() as f64;
            seen.add(&losses.seen);
        }
        Ok(Some((loss / self.validation.len() as f64, mean(seen.right).unwrap_or(0.0))))
    }

    /// The weights of the best pass, and by what to divide their logits.
    pub(super) fn end(self) -> Result<Ended, LearnError> {
        let undone = |at: &usize| self.kept.get(*at).is_none_or(Option::is_none);
        let best = best_pass(&self.curve, self.validation.len(), undone);
        let weights = match best.and_then(|at| self.kept.get(at).cloned().flatten()) {
            Some(weights) => weights,
            // Every pass was undone: what stands is what it started from.
            None => self.network.export()?,
        };
        self.network.import(&weights)?;
        let temperature = temperature(&self.network, &self.validation, self.params.batch_nodes)?;
        let best_epoch = best.map_or(0, |at| at + 1);
        Ok(Ended { weights, curve: self.curve, best_epoch, temperature })
    }
}

fn start_from(
    network: &Network,
    base: &Checkpoint,
    params: &TrainerParams,
) -> Result<(), LearnError> {
    if base.config.network != params.network {
        let error = CheckpointError::Mismatch {
            what: "network".into(),
            found: format!("{:?}", base.config.network),
            expected: format!("{:?}", params.network),
        };
        return Err(LearnError::Base(error.into()));
    }
    let weights = base.weights().map_err(|e| LearnError::Base(e.into()))?;
    network.import(&weights).map_err(LearnError::Base)
}

/// The pass to keep: the last one whose validation accuracy is within one standard error of the
/// best. A difference smaller than that is chance, and later passes had a lower learning rate; when
/// a policy overfits by more, the earlier pass wins. Without validation it is the last pass that
/// was not undone.
fn best_pass(
    curve: &[EpochMetrics],
    validated: usize,
    undone: impl Fn(&usize) -> bool,
) -> Option<usize> {
    let stands: Vec<usize> = (0..curve.len()).filter(|at| !undone(at)).collect();
    let accuracy = |at: &usize| curve.get(*at).and_then(|m| m.validation_accuracy);
    let top = stands.iter().filter_map(accuracy).fold(0.0, f64::max);
    let error = (top * (1.0 - top) / validated.max(1) as f64).sqrt();
    let good = |at: &&usize| accuracy(at).is_none_or(|a| a >= top - error);
    stands.iter().rfind(good).copied()
}

/// The early guard: a number that is not finite ends the training at once.
fn finite(
    what: &'static str,
    value: f64,
    (epoch, batch): (usize, usize),
    p: &TrainerParams,
) -> Result<f64, LearnError> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(LearnError::NotFinite { what, value, epoch, batch, learning_rate: p.learning_rate })
}
