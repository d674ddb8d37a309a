//! From paired results to a verdict.

use std::collections::BTreeMap;

use super::confidence::ConfidenceSequence;
use super::decision::{
    Decision, DecisionInput, EValues, FloorNumbers, Numbers, Thresholds, Verdict,
};
use super::kernel::{Kernel, log_threshold};
use super::paired::{PairedTable, mcnemar_exact, sign_test};
use super::params::DecisionParams;
use super::words;
use crate::evaluate::{EpisodeResult, Interval, Z95, mean_efficiency, wilson};

/// A verdict before it is dressed: what, why, and what would change it.
pub(super) type Outcome = (Verdict, String, String);

/// Decides whether the candidate may serve.
///
/// With a champion: `promoted` when the superiority e-process reaches 1/α before futility fires and
/// harm never fires; `kept` when futility or harm fires, or when the candidate *is* the champion;
/// else `inconclusive`. Without a champion: `promoted` when the mastery floor holds, `kept` when
/// enough plays say that it does not. Without data, or with parameters out of range, the verdict is
/// `inconclusive`, never `promoted`. Where the parameters want the safety suites passed, a candidate
/// that failed a play of them is `kept`, and one that did not play all their grades `inconclusive`.
pub fn decide(input: &DecisionInput) -> Decision {
    let (outcome, numbers) = match (&input.champion, input.params.validate()) {
        (_, Err(error)) => (words::bad_params(&error), Numbers::default()),
        (None, Ok(())) => without_champion(input),
        (Some(_), Ok(())) => against_champion(input),
    };
    let (verdict, reason, would_change) = gated(outcome, input);
    Decision {
        schema: "fqm-decision/1".to_owned(),
        verdict,
        reason,
        would_change,
        candidate: input.candidate,
        champion: input.champion,
        numbers,
        params: input.params.clone(),
    }
}

/// Holds a promotion back where the policy wants the safety suites passed and they are not.
fn gated(outcome: Outcome, input: &DecisionInput) -> Outcome {
    if outcome.0 != Verdict::Promoted || !input.params.require_safety {
        return outcome;
    }
    match &input.safety {
        Some(safety) if safety.is_whole() => outcome,
        Some(safety) if safety.passed < safety.plays => words::unsafe_candidate(safety),
        other => words::safety_unknown(other.as_ref()),
    }
}

/// d of one pair: +1 when the candidate is better, −1 when the champion is. Success comes first;
/// between two successes, efficiencies that differ by more than `band`; all else is a tie.
pub fn sign_of(candidate: &EpisodeResult, champion: &EpisodeResult, band: f64) -> i8 {
    match (candidate.success, champion.success) {
        (true, false) => 1,
        (false, true) => -1,
        (false, false) => 0,
        (true, true) => match (candidate.efficiency, champion.efficiency) {
            (Some(a), Some(b)) if a - b > band => 1,
            (Some(a), Some(b)) if b - a > band => -1,
            _ => 0,
        },
    }
}

fn without_champion(input: &DecisionInput) -> (Outcome, Numbers) {
    let floor = &input.params.floor;
    let plays: Vec<&EpisodeResult> = input.candidate_results.iter().collect();
    let of_level: Vec<&EpisodeResult> =
        plays.iter().copied().filter(|play| play.level == floor.level).collect();
    let successes = count_successes(&of_level);
    let episodes = of_level.len() as u64;
    let stand = FloorNumbers {
        level: floor.level,
        episodes,
        successes,
        success: wilson(successes, episodes, Z95),
        required: floor.success,
        min_episodes: floor.min_episodes,
    };
    let numbers = Numbers {
        unpaired: plays.len() as u64,
        candidate_success: wilson(count_successes(&plays), plays.len() as u64, Z95),
        candidate_efficiency: mean_efficiency(plays.iter().copied()),
        floor: Some(stand),
        ..Numbers::default()
    };
    (words::floor(&stand), numbers)
}

fn against_champion(input: &DecisionInput) -> (Outcome, Numbers) {
    let (pairs, unpaired) = pair_up(&input.candidate_results, &input.champion_results);
    let band = input.params.efficiency_band;
    let signs: Vec<i8> = pairs.iter().map(|(a, b)| sign_of(a, b, band)).collect();
    let numbers = numbers_of(&pairs, &signs, unpaired, &input.params);
    let outcome = if input.champion == Some(input.candidate) {
        words::same()
    } else {
        judge(&numbers, &input.params)
    };
    (outcome, numbers)
}

fn judge(numbers: &Numbers, params: &DecisionParams) -> Outcome {
    let Some(log_e) = &numbers.log_e else {
        return words::no_data(numbers.unpaired);
    };
    if let Some(at) = log_e.harm_at {
        return words::harm(numbers, params, at);
    }
    // The process that crosses first stops the comparison; a later crossing of the other one is
    // what the error rates allow for, not new evidence.
    match (log_e.superiority_at, log_e.futility_at) {
        (Some(won), gave_up) if gave_up.is_none_or(|at| won <= at) => {
            words::superior(numbers, params, won)
        }
        (_, Some(at)) => words::futile(numbers, params, at),
        _ => words::undecided(numbers, params),
    }
}

fn numbers_of(
    pairs: &[(&EpisodeResult, &EpisodeResult)],
    signs: &[i8],
    unpaired: u64,
    params: &DecisionParams,
) -> Numbers {
    let count = |wanted: i8| signs.iter().filter(|sign| **sign == wanted).count() as u64;
    let (wins, losses, ties) = (count(1), count(-1), count(0));
    let n = pairs.len() as u64;
    let table = table_of(pairs);
    Numbers {
        pairs: n,
        unpaired,
        wins,
        losses,
        ties,
        table,
        candidate_success: wilson(table.both + table.candidate_only, n, Z95),
        champion_success: wilson(table.both + table.champion_only, n, Z95),
        difference: table.difference(),
        advantage: (n > 0).then(|| advantage(signs)),
        candidate_efficiency: mean_efficiency(pairs.iter().map(|pair| pair.0)),
        champion_efficiency: mean_efficiency(pairs.iter().map(|pair| pair.1)),
        log_e: (n > 0).then(|| run_processes(signs, params)),
        thresholds: Some(thresholds(params)),
        mcnemar_p: (n > 0).then(|| mcnemar_exact(table.candidate_only, table.champion_only)),
        sign_p: (n > 0).then(|| sign_test(wins, losses)),
        floor: None,
    }
}

/// The mean of d with its confidence sequence, which lives on [0, 1].
fn advantage(signs: &[i8]) -> Interval {
    let mut sequence = ConfidenceSequence::new(0.05, 1_000);
    for sign in signs {
        sequence.observe((f64::from(*sign) + 1.0) / 2.0);
    }
    let Interval { estimate, low, high } = sequence.interval();
    Interval { estimate: 2.0 * estimate - 1.0, low: 2.0 * low - 1.0, high: 2.0 * high - 1.0 }
}

fn thresholds(params: &DecisionParams) -> Thresholds {
    Thresholds {
        superiority: log_threshold(params.alpha),
        futility: log_threshold(params.futility_beta),
        harm: log_threshold(params.harm_alpha),
    }
}

/// Runs the three processes over the pairs in their order.
pub(super) fn run_processes(signs: &[i8], params: &DecisionParams) -> EValues {
    let limits = thresholds(params);
    let mut superiority = Kernel::superiority(params.mde);
    let mut futility = Kernel::futility(params.mde);
    let mut harm = Kernel::harm(params.mde);
    let (mut superiority_at, mut futility_at, mut harm_at) = (None, None, None);
    for (sign, pair) in signs.iter().zip(1_u64..) {
        let d = f64::from(*sign);
        note(&mut superiority_at, superiority.observe(d) >= limits.superiority, pair);
        note(&mut futility_at, futility.observe(-d) >= limits.futility, pair);
        note(&mut harm_at, harm.observe(-d) >= limits.harm, pair);
    }
    EValues {
        superiority: superiority.max_log_wealth(),
        superiority_last: superiority.log_wealth(),
        superiority_at,
        futility: futility.max_log_wealth(),
        futility_at,
        harm: harm.max_log_wealth(),
        harm_at,
    }
}

fn note(first: &mut Option<u64>, crossed: bool, pair: u64) {
    if crossed && first.is_none() {
        *first = Some(pair);
    }
}

fn table_of(pairs: &[(&EpisodeResult, &EpisodeResult)]) -> PairedTable {
    let mut table = PairedTable::default();
    for (candidate, champion) in pairs {
        let cell = match (candidate.success, champion.success) {
            (true, true) => &mut table.both,
            (true, false) => &mut table.candidate_only,
            (false, true) => &mut table.champion_only,
            (false, false) => &mut table.neither,
        };
        *cell += 1;
    }
    table
}

type Pair<'a> = (&'a EpisodeResult, &'a EpisodeResult);

/// Pairs by level and play seed in the candidate's order. A key that one side holds twice is used
/// once: a level played twice with one seed is one observation, not two.
fn pair_up<'a>(
    candidate: &'a [EpisodeResult],
    champion: &'a [EpisodeResult],
) -> (Vec<Pair<'a>>, u64) {
    let mut others: BTreeMap<_, &EpisodeResult> = BTreeMap::new();
    for result in champion {
        others.entry(result.pair_key()).or_insert(result);
    }
    let pairs: Vec<Pair<'a>> = candidate
        .iter()
        .filter_map(|mine| others.remove(&mine.pair_key()).map(|theirs| (mine, theirs)))
        .collect();
    let unpaired = candidate.len() + champion.len() - 2 * pairs.len();
    (pairs, unpaired as u64)
}

fn count_successes(plays: &[&EpisodeResult]) -> u64 {
    plays.iter().filter(|play| play.success).count() as u64
}
