//! Learning: learners turn what is at hand into examples, and the trainer turns those into a
//! checkpoint.

mod batches;
mod calibrate;
mod error;
mod guard;
mod journal;
mod logs;
mod pairs;
mod plays;
mod ppo;
mod practice;
mod trainer;

use tch::Device;

use crate::loss::Knobs;
use fqm_pipe::policy::{
    Checkpoint, Config, EpochMetrics, Example, GuardParams, TrainerParams, TrainingSummary,
};

pub use error::LearnError;
pub use guard::Guard;
pub use journal::{Journal, Kept, Notes};
pub use logs::{Awr, Imitation};
pub use pairs::Preference;
pub use ppo::Ppo;
pub use practice::{Exam, Practice, course, families, judge};
use trainer::Trainer;

/// A way of learning: it turns what is at hand into examples, once a round.
pub trait Learner {
    /// A short name for reports.
    fn name(&self) -> &'static str;

    /// Examples of this round. They depend on what the learner was made of, the round and the
    /// policy alone.
    ///
    /// # Errors
    /// See [`LearnError`].
    fn lessons(&mut self, now: &Now<'_>) -> Result<Vec<Example>, LearnError>;

    /// Sets what this way of learning wants of the losses.
    fn tune(&self, _: &mut Knobs) {}
}

/// The moment at which a learner is asked.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// The round, from 1.
    pub round: usize,
    /// The policy as it is.
    pub policy: &'a Checkpoint,
    /// Whether nothing was learned yet: the policy's weights are drawn at random.
    pub fresh: bool,
    /// Where to compute.
    pub device: Device,
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

/// What a training needs beside its learners.
#[derive(Clone)]
pub struct Course<'a> {
    /// How weights are changed.
    pub trainer: &'a TrainerParams,
    /// How often the learners are asked.
    pub rounds: usize,
    /// Numbers of the guard.
    pub guard: &'a GuardParams,
    /// Examples to choose the best pass by; may be empty.
    pub validation: &'a [Example],
    /// Where to compute.
    pub device: Device,
    /// Where the training is kept after every pass, so that it can go on when it was cut off. Only
    /// for one round: what later rounds learn from depends on what earlier ones came to.
    pub journal: Option<&'a dyn Journal>,
}

/// What a training tells.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A learner was asked.
    Asked {
        /// The round, from 1.
        round: usize,
        /// Which one.
        learner: &'static str,
        /// What it gave.
        examples: usize,
    },
    /// A pass over the examples is done.
    Pass(&'a EpochMetrics),
}

/// Learns from what the learners show, starting from `base` where it is given, and tells `on` how far
/// it is.
///
/// The result depends on the learners' examples (and their order), the parameters and the base
/// alone.
///
/// # Errors
/// See [`LearnError`]; [`LearnError::NoExamples`] where no learner has any.
pub fn learn(
    learners: &mut [Box<dyn Learner + '_>],
    mut guard: Option<&mut Guard<'_>>,
    course: &Course<'_>,
    base: Option<&Checkpoint>,
    on: &mut dyn FnMut(Progress<'_>),
) -> Result<Trained, LearnError> {
    crate::device::use_one_thread();
    error::check(course.trainer, course.validation)?;
    let mut knobs = Knobs::default();
    learners.iter().for_each(|learner| learner.tune(&mut knobs));
    let mut trainer = Trainer::new(course, knobs, base)?;
    if let Some(kept) = course.journal.map(Journal::load).transpose()?.flatten() {
        trainer.go_on(kept)?;
    }
    let mut examples = 0;
    for round in 1..=course.rounds.max(1) {
        let policy = trainer.checkpoint()?;
        let fresh = base.is_none() && round == 1;
        let now = Now { round, policy: &policy, fresh, device: course.device };
        let mut lessons = Vec::new();
        for learner in learners.iter_mut() {
            let more = learner.lessons(&now)?;
            on(Progress::Asked { round, learner: learner.name(), examples: more.len() });
            lessons.extend(more);
        }
        if lessons.is_empty() {
            return Err(LearnError::NoExamples);
        }
        if let Some(guard) = guard.as_deref_mut() {
            let kept = guard.lessons(lessons.len(), &now)?;
            on(Progress::Asked { round, learner: "guard", examples: kept.len() });
            lessons.extend(kept);
        }
        error::check(course.trainer, &lessons)?;
        examples = lessons.len();
        let mut told = |metrics: &EpochMetrics| on(Progress::Pass(metrics));
        if !trainer.round(&lessons, round, &mut told)? {
            break;
        }
    }
    let names: Vec<&str> = learners.iter().map(|learner| learner.name()).collect();
    let ended = trainer.end()?;
    let summary = TrainingSummary {
        learner: names.join("+"),
        params: serde_json::to_value(course.trainer).unwrap_or_default(),
        examples,
        validation_examples: course.validation.len(),
        best_epoch: ended.best_epoch,
        base: base.map(Checkpoint::digest).transpose()?,
        curve: ended.curve.clone(),
    };
    let mut config = Config::new(course.trainer.network, course.trainer.seed, Some(summary));
    config.temperature = ended.temperature;
    config.curriculum = base.and_then(|base| base.config.curriculum.clone());
    let checkpoint = Checkpoint::pack(config, &ended.weights)?;
    Ok(Trained { checkpoint, curve: ended.curve, best_epoch: ended.best_epoch })
}
