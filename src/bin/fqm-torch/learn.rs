//! Learning: examples in, a checkpoint out.

use std::ops::Range;
use std::time::Instant;

use rand::Rng;
use rand::seq::SliceRandom;
use tch::nn::{self, OptimizerConfig};
use tch::{Device, Tensor};

use crate::load::LoadError;
use crate::loss::{Targets, losses};
use crate::network::Network;
use fqm_pipe::policy::Example;
use fqm_pipe::policy::{Batch, epoch_batches, pack};
use fqm_pipe::policy::{Checkpoint, CheckpointError, Config, Weights};
use fqm_pipe::policy::{EpochMetrics, ImitationParams, TrainingSummary};

/// Why a training gave no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// Nothing to learn from.
    #[error("train: there are no training examples; loosen the curation or ingest more logs")]
    NoExamples,
    /// An example is not well formed.
    #[error("train: example {episode} step {step}: {problem}")]
    Example {
        /// Its episode.
        episode: String,
        /// Its step.
        step: i32,
        /// What is wrong with it.
        problem: String,
    },
    /// A parameter makes no sense.
    #[error("train: parameter {name} is {value}; {rule}")]
    Parameter {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        rule: &'static str,
    },
    /// The loss or gradient became infinite or NaN.
    #[error(
        "train: the {what} is {value} in pass {epoch}, batch {batch}; lower learning_rate (now \
         {learning_rate}) or clip"
    )]
    NotFinite {
        /// Loss or gradient.
        what: &'static str,
        /// Its value.
        value: f64,
        /// Pass, from 1.
        epoch: usize,
        /// Batch in the pass, from 0.
        batch: usize,
        /// The peak learning rate.
        learning_rate: f64,
    },
    /// The base checkpoint cannot be used.
    #[error("start from the base checkpoint: {0}")]
    Base(#[source] LoadError),
    /// The result cannot be packed.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A checkpoint's file.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// libtorch.
    #[error("compute in libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

/// What a learner learns from.
#[derive(Debug, Clone, Copy)]
pub struct TrainingData<'a> {
    /// Examples to learn from.
    pub train: &'a [Example],
    /// Examples to choose the best pass by; may be empty.
    pub validation: &'a [Example],
}

/// A finished training.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The weights of the best pass, with their configuration.
    pub checkpoint: Checkpoint,
    /// The learning curve.
    pub curve: Vec<EpochMetrics>,
    /// The pass whose weights were kept, from 1.
    pub best_epoch: usize,
}

/// A way to turn examples into a checkpoint.
pub trait Learner {
    /// A short name for reports.
    fn name(&self) -> &'static str;

    /// Learns, starting from `base` where it is given, and tells `on_epoch` after every pass.
    ///
    /// The result depends on the examples (and their order), the parameters and the base alone.
    ///
    /// # Errors
    /// See [`LearnError`].
    fn learn(
        &self,
        data: TrainingData<'_>,
        base: Option<&Checkpoint>,
        on_epoch: &mut dyn FnMut(&EpochMetrics),
    ) -> Result<Trained, LearnError>;
}

/// Imitation of the choices in the examples.
#[derive(Debug, Clone)]
pub struct Imitation {
    /// Its parameters.
    pub params: ImitationParams,
    /// Where to compute.
    pub device: Device,
}

impl Learner for Imitation {
    fn name(&self) -> &'static str {
        "imitation"
    }

    fn learn(
        &self,
        data: TrainingData<'_>,
        base: Option<&Checkpoint>,
        on_epoch: &mut dyn FnMut(&EpochMetrics),
    ) -> Result<Trained, LearnError> {
        check(&self.params, data)?;
        crate::device::use_one_thread();
        let mut run = Run::new(self, data, base)?;
        let passes = self.params.passes(data.train.len());
        let mut curve = Vec::new();
        let mut kept: Vec<Weights> = Vec::new();
        for epoch in 1..=passes {
            let metrics = run.pass(epoch, passes)?;
            on_epoch(&metrics);
            curve.push(metrics);
            kept.push(run.network.export()?);
        }
        let best = best_pass(&curve, run.validation.len());
        let (best_epoch, weights) =
            (best + 1, kept.into_iter().nth(best).ok_or(LearnError::NoExamples)?);
        let summary = TrainingSummary {
            learner: self.name().into(),
            params: serde_json::to_value(&self.params).unwrap_or_default(),
            examples: data.train.len(),
            validation_examples: data.validation.len(),
            best_epoch,
            base: base.map(Checkpoint::digest).transpose()?,
            curve: curve.clone(),
        };
        let config = Config::new(self.params.network, self.params.seed, Some(summary));
        let checkpoint = Checkpoint::pack(config, &weights)?;
        Ok(Trained { checkpoint, curve, best_epoch })
    }
}

/// The pass to keep: the last one whose validation accuracy is within one standard error of the
/// best. A difference smaller than that is chance, and later passes had a lower learning rate; when
/// a policy overfits by more, the earlier pass wins. Without validation it is the last pass.
fn best_pass(curve: &[EpochMetrics], validated: usize) -> usize {
    let last = curve.len().saturating_sub(1);
    let accuracies = || curve.iter().filter_map(|m| m.validation_accuracy);
    let top = accuracies().fold(0.0, f64::max);
    let error = (top * (1.0 - top) / validated.max(1) as f64).sqrt();
    let good = |m: &EpochMetrics| m.validation_accuracy.is_none_or(|a| a >= top - error);
    curve.iter().rposition(good).unwrap_or(last)
}

fn check(p: &ImitationParams, data: TrainingData<'_>) -> Result<(), LearnError> {
    if data.train.is_empty() {
        return Err(LearnError::NoExamples);
    }
    let bad = |name, value: String, rule| Err(LearnError::Parameter { name, value, rule });
    if !(p.learning_rate > 0.0 && p.learning_rate.is_finite()) {
        return bad("learning_rate", p.learning_rate.to_string(), "it must be a positive number");
    }
    if p.clip.is_nan() || p.clip <= 0.0 {
        return bad("clip", p.clip.to_string(), "it must be positive");
    }
    if !(0.0..=1.0).contains(&p.text_dropout) {
        return bad("text_dropout", p.text_dropout.to_string(), "it must lie between 0 and 1");
    }
    if p.network.width < 4 || p.network.rounds < 1 {
        let value = format!("{:?}", p.network);
        return bad("network", value, "width must be at least 4 and rounds at least 1");
    }
    for e in data.train.iter().chain(data.validation) {
        let furthest = e.also.iter().fold(e.target, |a, b| a.max(*b));
        if furthest >= e.graph.applicable.len() || !e.weight.is_finite() {
            let problem = format!(
                "the target {furthest} is not among its {} calls, or the weight {} is not finite",
                e.graph.applicable.len(),
                e.weight
            );
            return Err(LearnError::Example {
                episode: e.episode.to_string(),
                step: e.step,
                problem,
            });
        }
    }
    Ok(())
}

/// One training in progress.
struct Run<'a> {
    params: &'a ImitationParams,
    train: &'a [Example],
    nodes: Vec<usize>,
    validation: Vec<&'a Example>,
    network: Network,
    optimizer: nn::Optimizer,
    updates: usize,
}

impl<'a> Run<'a> {
    fn new(
        learner: &'a Imitation,
        data: TrainingData<'a>,
        base: Option<&Checkpoint>,
    ) -> Result<Self, LearnError> {
        let params = &learner.params;
        let network = Network::new(params.network, params.seed, learner.device)?;
        if let Some(base) = base {
            if base.config.network != params.network {
                let error = CheckpointError::Mismatch {
                    what: "network".into(),
                    found: format!("{:?}", base.config.network),
                    expected: format!("{:?}", params.network),
                };
                return Err(LearnError::Base(error.into()));
            }
            let weights = base.weights().map_err(|e| LearnError::Base(e.into()))?;
            network.import(&weights).map_err(LearnError::Base)?;
        }
        let config = nn::AdamW { wd: params.weight_decay, beta2: 0.98, ..nn::AdamW::default() };
        let optimizer = config.build(network.store(), params.learning_rate)?;
        let mut validation: Vec<&Example> = data.validation.iter().collect();
        if validation.len() > params.validation_examples {
            validation.shuffle(&mut fqm_pipe::core::rng(params.seed, "policy/validation"));
            validation.truncate(params.validation_examples);
        }
        let nodes = data.train.iter().map(|e| e.graph.nodes()).collect();
        Ok(Self { params, train: data.train, nodes, validation, network, optimizer, updates: 0 })
    }

    /// One pass over the examples.
    fn pass(&mut self, epoch: usize, passes: usize) -> Result<EpochMetrics, LearnError> {
        let begin = Instant::now();
        let p = self.params;
        let batches = epoch_batches(&self.nodes, p.batch_nodes, p.seed, epoch);
        let mut dropout = fqm_pipe::core::rng(p.seed, &format!("policy/dropout/{epoch}"));
        let (mut loss, mut right, mut norm) = (0.0, 0.0, 0.0);
        for (index, members) in batches.iter().enumerate() {
            let done = (epoch - 1) as f64 + index as f64 / batches.len() as f64;
            self.set_rate(done / passes as f64);
            let examples: Vec<&Example> =
                members.iter().filter_map(|i| self.train.get(*i)).collect();
            let (mut batch, targets) = join(&examples);
            batch.hide_texts(|| dropout.random_range(0.0..1.0) < p.text_dropout);
            let losses = losses(&self.network.forward(&batch)?, &targets, p)?;
            let value = finite("loss", losses.total.f_double_value(&[])?, (epoch, index), p)?;
            self.optimizer.zero_grad();
            losses.total.f_backward()?;
            norm += finite("gradient", self.clip()?, (epoch, index), p)?;
            self.optimizer.step();
            self.updates += 1;
            loss += value * examples.len() as f64;
            right += f64::from(losses.right.iter().sum::<f32>());
        }
        let count = self.train.len() as f64;
        let seconds = begin.elapsed().as_secs_f64();
        let validation = self.validate()?;
        Ok(EpochMetrics {
            epoch,
            epochs: passes,
            loss: loss / count,
            accuracy: right / count,
            validation_loss: validation.map(|v| v.0),
            validation_accuracy: validation.map(|v| v.1),
            gradient_norm: norm / batches.len().max(1) as f64,
            examples_per_second: count / seconds.max(1e-9),
        })
    }

    /// A short warm-up, then a linear fall to a twentieth.
    fn set_rate(&mut self, done: f64) {
        let warm = ((self.updates + 1) as f64 / 20.0).min(1.0);
        self.optimizer.set_lr(self.params.learning_rate * warm * (1.0 - 0.95 * done));
    }

    /// Scales the gradient to at most the clip, and gives its norm before that.
    fn clip(&self) -> Result<f64, LearnError> {
        let _guard = tch::no_grad_guard();
        let mut squares = 0.0;
        let mut gradients: Vec<Tensor> = Vec::new();
        for (_, tensor) in self.network.weights() {
            let gradient = tensor.f_grad()?;
            if gradient.defined() {
                squares += gradient.f_square()?.f_sum(tch::Kind::Double)?.f_double_value(&[])?;
                gradients.push(gradient);
            }
        }
        let norm = squares.sqrt();
        if norm > self.params.clip {
            for gradient in &mut gradients {
                let _ = gradient.f_mul_scalar_(self.params.clip / norm)?;
            }
        }
        Ok(norm)
    }

    /// Mean cross-entropy and accuracy on the validation examples.
    fn validate(&self) -> Result<Option<(f64, f64)>, LearnError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let _guard = tch::no_grad_guard();
        let (mut loss, mut right) = (0.0, 0.0);
        for range in ranges(&self.validation, self.params.batch_nodes) {
            let examples = self.validation.get(range).unwrap_or_default();
            let (batch, mut targets) = join(examples);
            targets.weight.iter_mut().for_each(|w| *w = 1.0);
            let losses = losses(&self.network.forward(&batch)?, &targets, self.params)?;
            loss += losses.policy.f_double_value(&[])? * examples.len() as f64;
            right += f64::from(losses.right.iter().sum::<f32>());
        }
        let count = self.validation.len() as f64;
        Ok(Some((loss / count, right / count)))
    }
}

/// Neighbouring examples that fit a batch.
fn ranges(examples: &[&Example], budget: usize) -> Vec<Range<usize>> {
    let nodes: Vec<usize> = examples.iter().map(|e| e.graph.nodes()).collect();
    let order: Vec<usize> = (0..nodes.len()).collect();
    let runs = pack(&order, &nodes, budget);
    runs.iter().filter_map(|r| Some(*r.first()?..*r.last()? + 1)).collect()
}

fn join(examples: &[&Example]) -> (Batch, Targets) {
    let graphs: Vec<_> = examples.iter().map(|e| &e.graph).collect();
    let targets = Targets {
        choices: examples.iter().map(|e| e.right_choices()).collect(),
        weight: examples.iter().map(|e| e.weight).collect(),
        value: examples.iter().map(|e| e.value).collect(),
    };
    (Batch::new(&graphs), targets)
}

/// The early guard: a number that is not finite ends the training at once.
fn finite(
    what: &'static str,
    value: f64,
    (epoch, batch): (usize, usize),
    p: &ImitationParams,
) -> Result<f64, LearnError> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(LearnError::NotFinite { what, value, epoch, batch, learning_rate: p.learning_rate })
}
