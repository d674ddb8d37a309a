//! Recommendations that follow from the numbers of a night: what to change, and in which parameter.

use super::documents::Documents;
use crate::evaluate::{PairedRow, Z95, at_most, wilson};
use crate::policy::EpochMetrics;
use crate::steps::{Challenge, TrainedModel};

/// By how many points a family may fall before it is called forgotten.
const FORGOTTEN: f64 = 0.03;
/// Chance below which a fall is no bad luck: twelve families are looked at every night.
const BAD_LUCK: f64 = 0.01;
/// Share by which training may be ahead of held-out choices.
const OVERFIT: f64 = 0.15;
/// Held-out choices below which nothing is said of them.
const ENOUGH: usize = 100;
/// Mean probability of forbidden calls that is bearable before they are held back.
const TEMPTED: f64 = 0.01;
/// Agreement with held-out feedback below which the reward model is not worth its name.
const DEAF: f64 = 0.6;

/// What to change, the pressing first; empty where nothing stands out.
pub(super) fn advice(documents: &Documents) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(evaluation) = &documents.evaluation {
        lines.extend(evaluation.report.by_family.iter().filter_map(forgotten));
        lines.extend(weakest(evaluation));
        lines.extend(tempted(evaluation));
    }
    if let Some(trained) = &documents.trained {
        lines.extend(diverged(trained));
        lines.extend(overfitted(trained));
        lines.extend(strayed(&trained.curve));
        lines.extend(deaf(trained));
    }
    lines.extend(documents.challenge.as_ref().and_then(broken));
    lines
}

/// A family that the champion solves and the challenger no longer does.
fn forgotten(row: &PairedRow) -> Option<String> {
    let fall = (row.champion_only as f64 - row.challenger_only as f64) / row.pairs.max(1) as f64;
    let luck = sign_test(row.champion_only, row.challenger_only);
    (fall > FORGOTTEN && luck < BAD_LUCK).then(|| {
        format!(
            "`{}` was forgotten: {:.1} points fewer than the champion on {} pairs (p = {luck:.3}). \
             Raise `guard.replay`, or lower `trainer.learning_rate`.",
            row.name,
            100.0 * fall,
            row.pairs
        )
    })
}

/// Chance of at least so many of the pairs that differ falling to one side, were either side as good:
/// as few falling to the other one.
fn sign_test(lost: u64, won: u64) -> f64 {
    at_most(won, lost + won, 0.5)
}

/// The family that lags behind the others by more than chance explains.
fn weakest(evaluation: &crate::steps::Evaluation) -> Option<String> {
    let all = crate::evaluate::score(&evaluation.played.challenger).success?.estimate;
    let rows = crate::evaluate::family_rows(&evaluation.played.challenger);
    let lags = rows.into_iter().filter_map(|row| {
        let rate = wilson(row.score.successes, row.score.episodes, Z95)?;
        (rate.high < all).then_some((rate.estimate, row.name, row.score.episodes))
    });
    let (rate, name, plays) = lags.min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!(
        "`{name}` lags behind: {:.0} % of {plays} plays, where all families together reach {:.0} %. \
         It lacks data: log more of it, or give it practice of its own (`families` and `levels` of a \
         second learner `practice`).",
        100.0 * rate,
        100.0 * all
    ))
}

fn tempted(evaluation: &crate::steps::Evaluation) -> Option<String> {
    let restraint = evaluation.restraint.filter(|r| r.probability > TEMPTED)?;
    Some(format!(
        "The policy gives calls that must not be made {:.1} % on average before they are held back \
         (1 % is the mark). Raise `trainer.forbidden_weight`, or practise on the safety suites.",
        100.0 * restraint.probability
    ))
}

fn diverged(trained: &TrainedModel) -> Option<String> {
    let undone = trained.curve.iter().filter(|m| m.undone).count();
    let rate = trained.curve.iter().map(|m| m.learning_rate).fold(0.0, f64::max);
    (undone > 0).then(|| {
        format!(
            "The trip-wire undid {undone} of {} passes: a learning rate of {rate} is too much. Try \
             half of it (`trainer.learning_rate`).",
            trained.curve.len()
        )
    })
}

fn overfitted(trained: &TrainedModel) -> Option<String> {
    let last = trained.curve.last()?;
    let gap = last.accuracy - last.validation_accuracy?;
    let enough = trained.replayed as usize + trained.from_history as usize >= ENOUGH;
    (gap > OVERFIT && enough).then(|| {
        format!(
            "Training is {:.0} points ahead of held-out choices: it learns by heart. Raise \
             `trainer.text_dropout` or `trainer.weight_decay`, or lower `trainer.epochs`.",
            100.0 * gap
        )
    })
}

fn strayed(curve: &[EpochMetrics]) -> Option<String> {
    let kl = curve.iter().rev().find(|m| !m.undone)?.kl?;
    (kl > 0.2).then(|| {
        format!(
            "The challenger ended {kl:.2} nats from the champion on what that knows. Raise \
             `guard.beta`, or lower `trainer.learning_rate`."
        )
    })
}

fn deaf(trained: &TrainedModel) -> Option<String> {
    let feedback = trained.feedback.as_ref()?;
    let agreement = feedback.agreement.filter(|a| *a < DEAF && feedback.held_out >= 20)?;
    Some(format!(
        "The reward model orders only {:.0} % of held-out pairs as people did: feedback follows from \
         something that the logs do not show.",
        100.0 * agreement
    ))
}

fn broken(challenge: &Challenge) -> Option<String> {
    let often = challenge.kinds.iter().filter(|(_, t)| t.tried >= 4 && 2 * t.broken >= t.tried);
    let mut often: Vec<(&String, f64)> =
        often.map(|(kind, t)| (kind, t.broken as f64 / t.tried as f64)).collect();
    often.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let names: Vec<String> = often.iter().take(3).map(|(kind, _)| format!("`{kind}`")).collect();
    (!names.is_empty()).then(|| {
        format!(
            "The search for levels that break the champion found most of them in {}; they are \
             practised on.",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::sign_test;

    #[test]
    fn the_sign_test_is_binomial() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(sign_test(5, 0), 1.0 / 32.0);
        near(sign_test(0, 0), 1.0);
        near(sign_test(3, 1), 5.0 / 16.0);
    }
}
