//! From levels to a checkpoint: a teacher shows what to do, the network imitates it.

use std::sync::Arc;

use tch::Device;

use crate::learn::{Course, Imitation, Journal, LearnError, Learner, Trained, learn};
use fqm_pipe::policy::{
    Checkpoint, EpochMetrics, GuardParams, ImitationParams, TeacherParams, TrainerParams, teach,
};
use fqm_pipe::quest::World;

/// How to train on levels.
#[derive(Debug, Clone)]
pub struct TrainParams {
    /// What the teacher shows.
    pub teacher: TeacherParams,
    /// How it is learned.
    pub trainer: TrainerParams,
}

impl Default for TrainParams {
    /// Ten passes, however many examples there are, and texts hidden more often than not: levels
    /// of one domain share their few functions, which would soon be learned by heart.
    fn default() -> Self {
        let trainer = TrainerParams {
            epochs: 10,
            max_states: 1_000_000,
            text_dropout: 0.75,
            ..TrainerParams::default()
        };
        Self { teacher: TeacherParams::default(), trainer }
    }
}

/// How far a training is.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// So many worlds of all, those for validation included, have been shown.
    Taught {
        /// Worlds done.
        done: usize,
        /// Worlds in all.
        of: usize,
    },
    /// A pass over the examples is done.
    Epoch(&'a EpochMetrics),
}

/// Levels to learn from.
#[derive(Debug, Clone, Copy)]
pub struct Worlds<'a> {
    /// To learn from.
    pub train: &'a [Arc<World>],
    /// To choose the best pass by; may be empty.
    pub validation: &'a [Arc<World>],
}

/// Trains on levels, starting from `base` where it is given. The result depends on the levels and
/// their order, the parameters and the base alone.
///
/// # Errors
/// See [`LearnError`]; [`LearnError::NoExamples`] where the teacher finds no plan for any level.
pub fn train(
    worlds: Worlds<'_>,
    params: &TrainParams,
    base: Option<&Checkpoint>,
    device: Device,
    journal: Option<&dyn Journal>,
    on_progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Trained, LearnError> {
    let of = worlds.train.len() + worlds.validation.len();
    let mut shown = |worlds: &[Arc<World>], before: usize| {
        teach(worlds, &params.teacher, &mut |n| {
            on_progress(Progress::Taught { done: before + n, of });
        })
    };
    let examples = shown(worlds.train, 0);
    let validation = shown(worlds.validation, worlds.train.len());
    let course = Course {
        trainer: &params.trainer,
        rounds: 1,
        guard: &GuardParams::default(),
        validation: &validation,
        device,
        journal,
    };
    let shown: Box<dyn Learner> = Box::new(Imitation::new(ImitationParams::default(), &examples));
    let mut on = |told: crate::learn::Progress<'_>| {
        if let crate::learn::Progress::Pass(metrics) = told {
            on_progress(Progress::Epoch(metrics));
        }
    };
    learn(&mut [shown], None, &course, base, &mut on)
}
