//! What the training of a night says in its report.

use super::documents::Documents;
use crate::evaluate::{Advance, Grade, Move};
use crate::report;
use crate::steps::TrainedModel;

pub(super) fn curve(trained: &TrainedModel) -> Vec<report::CurvePoint> {
    let point = |m: &crate::policy::EpochMetrics| report::CurvePoint {
        epoch: m.epoch as u64,
        loss: m.loss,
        train_accuracy: Some(m.accuracy),
        validation_accuracy: m.validation_accuracy,
        grad_norm: Some(m.gradient_norm),
        entropy: Some(m.entropy),
        kl: m.kl,
        value_error: m.value_error,
        forbidden: m.forbidden,
        undone: m.undone,
    };
    trained.curve.iter().map(point).collect()
}

pub(super) fn training(documents: &Documents) -> Option<report::TrainingReport> {
    let trained = documents.trained.as_ref()?;
    let practice = trained.practice.as_ref();
    let moved = |step: Move| {
        let record = practice.into_iter().flat_map(|p| &p.moves).filter(move |a| a.step == step);
        let name = |a: &Advance| {
            format!("{} {}.{}", a.mastery.family, a.mastery.level, a.mastery.challenge)
        };
        record.map(name).collect()
    };
    let frontier = |(family, grade): (&String, &Option<Grade>)| {
        grade.map(|(level, challenge)| (family.clone(), format!("{level}.{challenge}")))
    };
    let searched = documents.challenge.as_ref().map(|challenge| {
        let kinds = challenge.kinds.values();
        (kinds.clone().map(|k| k.tried).sum(), kinds.map(|k| k.broken).sum())
    });
    Some(report::TrainingReport {
        taught: trained.taught.clone(),
        mastered: practice.map(|p| (p.mastered.0 as u64, p.mastered.1 as u64)),
        frontiers: practice.into_iter().flat_map(|p| &p.frontiers).filter_map(frontier).collect(),
        gained: moved(Move::Mastered),
        lost: moved(Move::Lost),
        searched,
        agreement: trained.feedback.as_ref().and_then(|f| f.agreement),
    })
}

pub(super) fn next_function(trained: &TrainedModel) -> Option<report::NextFunction> {
    let next = trained.next_function.as_ref()?;
    Some(report::NextFunction {
        n: next.choices,
        policy: next.policy,
        majority: next.baselines.majority,
        bigram: next.baselines.bigram,
        ngram: next.baselines.backoff,
    })
}
