//! What the data of a night can and cannot show, said from its counts.

use super::documents::Documents;
use crate::dataset::Manifest;
use crate::promote::Verdict;

/// The statements for a report.
pub(super) fn statements(documents: &Documents) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(manifest) = &documents.manifest {
        lines.extend(of_dataset(manifest));
    }
    if let Some(trained) = &documents.trained {
        if trained.from_history > 0 && trained.replayed == 0 {
            lines.push(
                "all training examples come from histories without known preconditions: the policy learned which function comes next, not which calls are possible; the suites cannot be expected to be solved by it"
                    .to_owned(),
            );
        }
        match &trained.next_function {
            Some(next) if next.policy <= next.baselines.backoff => lines.push(format!(
                "on {} held-out choices the policy foretells {:.0} % of the next functions; a back-off n-gram foretells {:.0} %: on this data the policy has learned nothing that counting does not know",
                next.choices, next.policy * 100.0, next.baselines.backoff * 100.0
            )),
            Some(next) => lines.push(format!(
                "on {} held-out choices the policy foretells {:.0} % of the next functions, a back-off n-gram {:.0} %; with so few choices a difference of a few points shows little",
                next.choices, next.policy * 100.0, next.baselines.backoff * 100.0
            )),
            None => (),
        }
        lines.extend(trained.not_lifted.iter().map(|(reason, count)| {
            format!("{count} episodes gave no examples: failed to {reason}")
        }));
    }
    if let Some(evaluation) = &documents.evaluation {
        if let Some(random) = evaluation.random.success {
            lines.push(format!(
                "an agent that calls at random solves {:.1} % of the same levels",
                random.estimate * 100.0
            ));
        }
        lines.push(
            "success is measured on simulated levels that no log was played on; it is not a measurement of live traffic"
                .to_owned(),
        );
    }
    if let Some(decision) = &documents.decision
        && decision.verdict == Verdict::Inconclusive
    {
        lines.push(
            "inconclusive means that the pairs played can neither show a gain nor rule one out"
                .to_owned(),
        );
    }
    lines
}

fn of_dataset(manifest: &Manifest) -> Vec<String> {
    let counts = &manifest.counts;
    let mut lines = Vec::new();
    if counts.episodes == 0 {
        return vec![
            "no episode was left after curation: nothing can be learned from this window"
                .to_owned(),
        ];
    }
    if counts.scored_by_feedback == 0 {
        lines.push(format!(
            "no episode has feedback from people or evaluators: the outcome reward stood in for it in {} episodes",
            counts.scored_by_outcome
        ));
    } else if counts.scored_by_outcome > 0 {
        lines.push(format!(
            "{} episodes are judged by feedback, {} by their outcome reward alone",
            counts.scored_by_feedback, counts.scored_by_outcome
        ));
    }
    if counts.without_level > 0 {
        lines.push(format!(
            "{} of {} episodes are on no known level: they show which function came next, and cannot be replayed to see whether another call would have been better",
            counts.without_level, counts.episodes
        ));
    }
    if counts.examples_with_propensity == 0 {
        lines.push("no step says how probable its choice was: what another policy would have earned on these logs cannot be estimated".to_owned());
    } else if counts.examples_with_propensity < counts.examples {
        lines.push(format!(
            "{} of {} steps say how probable their choice was; only these could serve to estimate another policy",
            counts.examples_with_propensity, counts.examples
        ));
    }
    lines
}
