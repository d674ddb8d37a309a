//! The sentences of a decision: why, and what would change it.

use super::decide::Outcome;
use super::decision::{FloorNumbers, Numbers, PromotionError, Verdict};
use super::params::DecisionParams;
use crate::evaluate::Safety;

pub(super) fn bad_params(error: &PromotionError) -> Outcome {
    (
        Verdict::Inconclusive,
        format!("no decision was made, for it failed to {error}"),
        "a parameter inside its range".to_owned(),
    )
}

pub(super) fn no_data(unpaired: u64) -> Outcome {
    let reason = if unpaired == 0 {
        "nothing was played, and a candidate is never promoted without evidence".to_owned()
    } else {
        format!(
            "none of the {unpaired} plays forms a pair, for the two agents were not given the \
             same levels and seeds"
        )
    };
    let change = "results of both agents on the same levels with the same seeds";
    (Verdict::Inconclusive, reason, change.to_owned())
}

pub(super) fn same() -> Outcome {
    (
        Verdict::Kept,
        "the candidate is the champion itself: both have the same digest".to_owned(),
        "a candidate with other weights or another prompt".to_owned(),
    )
}

pub(super) fn unsafe_candidate(safety: &Safety) -> Outcome {
    let Safety { plays, passed, violations, .. } = *safety;
    let reason = format!(
        "the candidate would have been promoted, but it passed only {passed} of {plays} plays of the \
         safety suites ({violations} with a forbidden call), and all of them are wanted"
    );
    (Verdict::Kept, reason, "a pass of every play of the safety suites".to_owned())
}

pub(super) fn safety_unknown(safety: Option<&Safety>) -> Outcome {
    let played = match safety {
        Some(s) if s.plays > 0 => {
            format!("has played {} of {} grades of the safety suites", s.played_grades, s.grades)
        }
        _ => "has not played the safety suites".to_owned(),
    };
    let reason = format!(
        "the candidate would have been promoted, but it {played}, and the promotion policy wants \
         all of them passed"
    );
    let change = "a number of `safety` levels in the parameters of the step `quest.evaluate` that \
                  is no less than the grades of the safety suites";
    (Verdict::Inconclusive, reason, change.to_owned())
}

pub(super) fn floor(stand: &FloorNumbers) -> Outcome {
    let FloorNumbers { level, episodes, successes, min_episodes, .. } = *stand;
    let wanted = percent(stand.required);
    let score = format!("{successes} of {episodes} plays of level {level}");
    let Some(rate) = stand.success.filter(|_| episodes >= min_episodes) else {
        let reason = format!(
            "there is no champion, and {score} are too few to judge the floor of {wanted} success, \
             which wants at least {min_episodes} plays"
        );
        let change = format!("at least {min_episodes} plays of level {level} in the evaluation");
        return (Verdict::Inconclusive, reason, change);
    };
    if rate.estimate >= stand.required {
        let reason = format!(
            "there is no champion, and the candidate reached the floor: it solved {score} ({}, \
             wanted {wanted})",
            percent(rate.estimate)
        );
        let change = format!("success below {wanted} on level {level}");
        (Verdict::Promoted, reason, change)
    } else {
        let reason = format!(
            "there is no champion, but the candidate stayed below the floor: it solved {score} \
             ({}, wanted {wanted})",
            percent(rate.estimate)
        );
        let change = format!("success of at least {wanted} on level {level}");
        (Verdict::Kept, reason, change)
    }
}

pub(super) fn harm(numbers: &Numbers, params: &DecisionParams, at: u64) -> Outcome {
    let reason = format!(
        "the candidate is worse: {}, and the evidence of harm passed {} to 1 at pair {at}",
        score(numbers),
        odds(params.harm_alpha)
    );
    let change = "a candidate that loses fewer pairs than it wins on fresh levels".to_owned();
    (Verdict::Kept, reason, change)
}

pub(super) fn superior(numbers: &Numbers, params: &DecisionParams, at: u64) -> Outcome {
    let reason = format!(
        "the candidate is better: {}, and the evidence passed {} to 1 at pair {at}{}",
        score(numbers),
        odds(params.alpha),
        success_change(numbers)
    );
    let change = format!(
        "evidence below {} to 1, or evidence of harm above {} to 1",
        odds(params.alpha),
        odds(params.harm_alpha)
    );
    (Verdict::Promoted, reason, change)
}

pub(super) fn futile(numbers: &Numbers, params: &DecisionParams, at: u64) -> Outcome {
    let gain = percent(params.mde);
    let reason = format!(
        "a gain of {gain} or more is unlikely: {}, and the evidence against it passed {} to 1 at \
         pair {at}",
        score(numbers),
        odds(params.futility_beta)
    );
    let change = format!("a candidate that wins at least {gain} more of the pairs than it loses");
    (Verdict::Kept, reason, change)
}

pub(super) fn undecided(numbers: &Numbers, params: &DecisionParams) -> Outcome {
    let reached = numbers.log_e.map_or(0.0, |log_e| log_e.superiority_last);
    let reason = format!(
        "the evidence does not decide: {}; it stands at {:.1} to 1 for the candidate and must \
         reach {} to 1",
        score(numbers),
        reached.exp(),
        odds(params.alpha)
    );
    (Verdict::Inconclusive, reason, more_pairs(numbers, reached))
}

/// How many more pairs would do at the pace seen so far.
fn more_pairs(numbers: &Numbers, reached: f64) -> String {
    let threshold = numbers.thresholds.map_or(0.0, |limits| limits.superiority);
    let pace = reached / numbers.pairs.max(1) as f64;
    if numbers.wins > numbers.losses && pace > 0.0 {
        let missing = ((threshold - reached) / pace).ceil().max(1.0);
        format!("about {missing:.0} more pairs at the pace of these")
    } else {
        "more pairs, in which the candidate wins clearly more than it loses".to_owned()
    }
}

fn score(numbers: &Numbers) -> String {
    format!(
        "it won {} and lost {} of {} pairs, {} tied",
        numbers.wins, numbers.losses, numbers.pairs, numbers.ties
    )
}

fn success_change(numbers: &Numbers) -> String {
    match (numbers.champion_success, numbers.candidate_success) {
        (Some(before), Some(now)) => {
            format!("; success went from {} to {}", percent(before.estimate), percent(now.estimate))
        }
        _ => String::new(),
    }
}

fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

fn odds(alpha: f64) -> String {
    let text = format!("{:.1}", 1.0 / alpha);
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
