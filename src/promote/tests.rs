use rand::Rng;
use serde_json::Value;

use super::decide::run_processes;
use super::*;
use crate::core::{Digest, canonical_json, rng};
use crate::evaluate::{EpisodeResult, Safety, Z95, wilson};

const GOLDEN: &str = include_str!("../../tests/golden/promotion.json");

fn golden(pointer: &str) -> Value {
    let all: Value = serde_json::from_str(GOLDEN).unwrap();
    all.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is missing")).clone()
}

fn number(pointer: &str) -> f64 {
    golden(pointer).as_f64().unwrap()
}

#[track_caller]
fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-11 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

fn play(level: u32, nth: u64, success: bool, efficiency: Option<f64>) -> EpisodeResult {
    EpisodeResult {
        digest: Digest::of(&nth.to_le_bytes()),
        family: "symphony".into(),
        level,
        challenge: 1,
        level_seed: nth,
        play_seed: nth,
        success,
        calls: 5,
        min_calls: Some(4),
        expected_calls: None,
        efficiency,
        goal_progress: f64::from(u8::from(success)),
        reward: 0.0,
        violated: false,
        reasoning: None,
        failure: None,
    }
}

/// An input whose pairs go: `wins` for the candidate, `losses` against it, the rest ties.
fn input(pattern: &[(bool, bool)]) -> DecisionInput {
    let side = |pick: fn(&(bool, bool)) -> bool| {
        (0..).zip(pattern).map(|(n, pair)| play(1, n, pick(pair), None)).collect()
    };
    DecisionInput {
        candidate: Digest::of(b"candidate"),
        champion: Some(Digest::of(b"champion")),
        candidate_results: side(|pair| pair.0),
        champion_results: side(|pair| pair.1),
        safety: None,
        params: DecisionParams::default(),
    }
}

fn cycle(block: &[(bool, bool)], pairs: usize) -> Vec<(bool, bool)> {
    block.iter().copied().cycle().take(pairs).collect()
}

#[test]
fn the_classical_tests_give_the_reference_values() {
    close(mcnemar_exact(31, 52), number("/mcnemar_exact/p"));
    close(mcnemar_exact(52, 31), number("/mcnemar_exact/p"));
    close(sign_test(52, 31), number("/sign_test/p"));
    close(log_e_mixture_one_sided(52, 31), number("/log_e/one_sided_uniform"));
    close(log_e_mixture_two_sided(52, 31), number("/log_e/two_sided_beta"));
    close(constant_bet_log_e(52, 31, 0.2), number("/log_e/constant"));
}

#[test]
fn the_tails_of_the_binomial_are_right_at_their_ends() {
    assert_eq!(mcnemar_exact(0, 0), 1.0);
    close(mcnemar_exact(0, 5), 2.0 / 32.0);
    close(sign_test(0, 5), 1.0);
    close(sign_test(5, 0), 1.0 / 32.0);
    close(sign_test(1, 2), 7.0 / 8.0);
    close(sign_test(2, 2), 11.0 / 16.0);
    assert_eq!(binomial_upper_tail(4, 3), 0.0);
}

#[test]
fn wilson_gives_the_reference_values() {
    for case in golden("/wilson").as_array().unwrap() {
        let [k, n] = ["successes", "n"].map(|key| case[key].as_u64().unwrap());
        let interval = wilson(k, n, Z95).unwrap();
        close(interval.low, case["low"].as_f64().unwrap());
        close(interval.high, case["high"].as_f64().unwrap());
    }
    assert!(wilson(0, 0, Z95).is_none());
}

#[test]
fn the_paired_difference_gives_the_reference_values() {
    for case in golden("/newcombe").as_array().unwrap() {
        let cell = |i: usize| case["table"][i].as_u64().unwrap();
        let table = PairedTable {
            both: cell(0),
            candidate_only: cell(1),
            champion_only: cell(2),
            neither: cell(3),
        };
        let found = table.difference().unwrap();
        close(found.estimate, case["estimate"].as_f64().unwrap());
        close(found.low, case["low"].as_f64().unwrap());
        close(found.high, case["high"].as_f64().unwrap());
    }
    assert!(PairedTable::default().difference().is_none());
}

#[test]
fn the_kernel_gives_the_reference_values() {
    let mde = number("/hedge/mde");
    let pattern: Vec<f64> = serde_json::from_value(golden("/hedge/pattern")).unwrap();
    let times = golden("/hedge/repeats").as_u64().unwrap() as usize;
    let data: Vec<f64> = pattern.iter().copied().cycle().take(times * pattern.len()).collect();
    let run = |mut kernel: Kernel, data: Vec<f64>, name: &str| {
        data.iter().for_each(|d| {
            kernel.observe(*d);
        });
        close(kernel.log_adaptive(), number(&format!("/hedge/{name}/adaptive")));
        close(kernel.log_wealth(), number(&format!("/hedge/{name}/log_e")));
    };
    let minus: Vec<f64> = data.iter().map(|d| -d).collect();
    run(Kernel::superiority(mde), data, "superiority");
    run(Kernel::futility(mde), minus.clone(), "futility");
    run(Kernel::harm(mde), minus, "harm");
    run(Kernel::futility(mde), vec![0.0; 100], "futility_of_100_ties");
}

#[test]
fn the_confidence_sequence_gives_the_reference_values() {
    let pattern: Vec<f64> = serde_json::from_value(golden("/hedged_cs/pattern")).unwrap();
    let breaks = golden("/hedged_cs/breaks").as_u64().unwrap() as u32;
    let mut sequence = ConfidenceSequence::new(number("/hedged_cs/alpha"), breaks);
    let mut data = pattern.iter().cycle();
    let mut seen = 0;
    for look in golden("/hedged_cs/looks").as_array().unwrap() {
        let until = look["t"].as_u64().unwrap();
        (seen..until).for_each(|_| sequence.observe(*data.next().unwrap()));
        seen = until;
        let interval = sequence.interval();
        close(interval.low, look["low"].as_f64().unwrap());
        close(interval.high, look["high"].as_f64().unwrap());
    }
}

#[test]
fn a_confidence_sequence_keeps_its_ends_when_nothing_is_left() {
    let mut sequence = ConfidenceSequence::new(0.05, 10);
    assert_eq!(
        sequence.interval(),
        crate::evaluate::Interval { estimate: 0.5, low: 0.0, high: 1.0 }
    );
    (0..4_000).for_each(|i| sequence.observe(f64::from(u8::from(i < 2_000))));
    let interval = sequence.interval();
    assert!(interval.low <= interval.high && interval.low >= 0.0 && interval.high <= 1.0);
    sequence.observe(f64::NAN);
    assert_eq!(sequence.interval(), interval);
}

#[test]
fn a_bet_depends_on_the_past_alone_and_never_ruins() {
    let mut kernel = Kernel::superiority(0.05);
    close(kernel.next_bet(), 0.05 / 0.3);
    kernel.observe(1.0);
    close(kernel.next_bet(), 0.05 / (4.0 / 11.0));
    for _ in 0..5_000 {
        kernel.observe(-1.0);
    }
    assert!(kernel.log_wealth().is_finite() && kernel.log_wealth() < -100.0);
    let mut odd = Kernel::new(0.9, 1.0);
    odd.observe(-7.0);
    assert!(odd.log_wealth().is_finite());
    let before = kernel.log_wealth();
    assert_eq!(kernel.observe(f64::NAN), before);
}

/// Ten thousand A/A comparisons with a look after every pair: each error rate is at most its bound.
#[test]
fn a_a_runs_promote_at_most_alpha() {
    let params = DecisionParams::default();
    let mut random = rng(7, "a/a");
    for (discordant, runs) in [(0.1, 4_000), (0.3, 4_000), (1.0, 2_000)] {
        let (mut promoted, mut harmful) = (0, 0);
        for _ in 0..runs {
            let signs = draw_signs(&mut random, discordant / 2.0, discordant / 2.0, 200);
            let log_e = run_processes(&signs, &params);
            promoted += u32::from(log_e.superiority_at.is_some());
            harmful += u32::from(log_e.harm_at.is_some());
        }
        let limit = |alpha: f64| (alpha * f64::from(runs)) as u32;
        assert!(promoted <= limit(params.alpha), "{promoted} of {runs} at ψ = {discordant}");
        assert!(harmful <= limit(params.harm_alpha), "{harmful} of {runs} at ψ = {discordant}");
    }
}

#[test]
fn a_gain_worth_having_is_seldom_given_up_and_a_large_one_is_found() {
    let params = DecisionParams::default();
    let mut random = rng(8, "power");
    let (mut given_up, mut found, runs) = (0, 0, 1_000);
    for _ in 0..runs {
        let small = run_processes(&draw_signs(&mut random, 0.15, 0.10, 400), &params);
        given_up += u32::from(small.futility_at.is_some());
        let large = run_processes(&draw_signs(&mut random, 0.25, 0.05, 200), &params);
        found += u32::from(large.superiority_at.is_some());
    }
    assert!(f64::from(given_up) <= params.futility_beta * f64::from(runs), "{given_up}");
    assert!(f64::from(found) >= 0.95 * f64::from(runs), "{found}");
}

fn draw_signs(random: &mut impl Rng, win: f64, loss: f64, pairs: usize) -> Vec<i8> {
    (0..pairs)
        .map(|_| match random.random::<f64>() {
            u if u < win => 1,
            u if u < win + loss => -1,
            _ => 0,
        })
        .collect()
}

#[test]
fn success_comes_before_efficiency_and_near_efficiencies_tie() {
    let sign = |a: (bool, Option<f64>), b: (bool, Option<f64>)| {
        sign_of(&play(1, 0, a.0, a.1), &play(1, 0, b.0, b.1), 0.05)
    };
    assert_eq!(sign((true, Some(0.1)), (false, None)), 1);
    assert_eq!(sign((false, None), (true, Some(0.1))), -1);
    assert_eq!(sign((true, Some(1.0)), (true, Some(0.8))), 1);
    assert_eq!(sign((true, Some(0.8)), (true, Some(1.0))), -1);
    assert_eq!(sign((true, Some(0.82)), (true, Some(0.8))), 0);
    assert_eq!(sign((true, None), (true, Some(0.8))), 0);
    assert_eq!(sign((false, None), (false, None)), 0);
}

#[test]
fn a_clearly_better_candidate_is_promoted() {
    let pattern = cycle(&[(true, false), (true, true), (true, true), (false, false)], 120);
    let decision = decide(&input(&pattern));
    assert_eq!(decision.verdict, Verdict::Promoted, "{}", decision.reason);
    let numbers = &decision.numbers;
    assert_eq!((numbers.pairs, numbers.wins, numbers.losses, numbers.ties), (120, 30, 0, 90));
    let difference = numbers.difference.unwrap();
    close(difference.estimate, 0.25);
    assert!(difference.low > 0.1 && difference.high < 0.4);
    let advantage = numbers.advantage.unwrap();
    close(advantage.estimate, 0.25);
    assert!(advantage.low > 0.0 && advantage.high < 0.5, "{advantage:?}");
    assert!(numbers.log_e.unwrap().superiority >= numbers.thresholds.unwrap().superiority);
    close(numbers.mcnemar_p.unwrap(), 2.0_f64.powi(-29));
    assert!(decision.reason.contains("won 30 and lost 0 of 120 pairs"), "{}", decision.reason);
}

#[test]
fn a_worse_candidate_is_kept_out_for_harm() {
    let pattern = cycle(&[(false, true), (true, true)], 80);
    let decision = decide(&input(&pattern));
    assert_eq!(decision.verdict, Verdict::Kept);
    assert!(decision.numbers.log_e.unwrap().harm_at.is_some());
    assert!(decision.reason.contains("worse"), "{}", decision.reason);
}

#[test]
fn harm_that_comes_after_a_good_start_overrules_it() {
    let mut pattern = cycle(&[(true, false)], 40);
    pattern.extend(cycle(&[(false, true)], 400));
    let decision = decide(&input(&pattern));
    assert!(decision.numbers.log_e.unwrap().superiority_at.is_some());
    assert_eq!(decision.verdict, Verdict::Kept, "{}", decision.reason);
}

#[test]
fn equals_end_kept_by_futility() {
    let decision = decide(&input(&cycle(&[(true, true), (false, false)], 200)));
    assert_eq!(decision.verdict, Verdict::Kept);
    assert!(decision.numbers.log_e.unwrap().futility_at.is_some());
    assert!(decision.would_change.contains("5 %"), "{}", decision.would_change);
}

#[test]
fn few_pairs_are_inconclusive_and_say_how_many_more_would_do() {
    let decision = decide(&input(&cycle(&[(true, false), (true, true), (true, true)], 12)));
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.would_change.contains("more pairs at the pace"), "{}", decision.would_change);
}

#[test]
fn a_policy_may_want_the_safety_suites_passed_whole() {
    let mut better = input(&cycle(&[(true, false), (true, true)], 200));
    let safety = Safety { plays: 30, passed: 30, violations: 0, grades: 15, played_grades: 15 };
    better.safety = Some(Safety { passed: 29, violations: 1, ..safety });
    assert_eq!(decide(&better).verdict, Verdict::Promoted, "nobody asked for safety");
    better.params.require_safety = true;
    let failed = decide(&better);
    assert_eq!(failed.verdict, Verdict::Kept);
    assert!(failed.reason.contains("29 of 30"), "{}", failed.reason);
    better.safety = Some(safety);
    assert_eq!(decide(&better).verdict, Verdict::Promoted);
    let some = Safety { plays: 1, passed: 1, played_grades: 1, ..safety };
    let old = Safety { grades: 0, played_grades: 0, ..safety };
    for unknown in [None, Some(Safety::default()), Some(some), Some(old)] {
        better.safety = unknown;
        assert_eq!(decide(&better).verdict, Verdict::Inconclusive, "{unknown:?}");
    }
    better.safety = Some(some);
    assert!(decide(&better).reason.contains("1 of 15 grades"), "{}", decide(&better).reason);
    let mut worse = input(&cycle(&[(false, true), (true, true)], 200));
    worse.params.require_safety = true;
    assert!(!decide(&worse).reason.contains("safety"));
}

#[test]
fn no_data_never_promotes() {
    let empty = input(&[]);
    assert_eq!(decide(&empty).verdict, Verdict::Inconclusive);
    let first = DecisionInput { champion: None, ..empty };
    let decision = decide(&first);
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.numbers.floor.unwrap().success.is_none());
}

#[test]
fn plays_of_different_levels_form_no_pairs() {
    let mut other = input(&cycle(&[(true, false)], 50));
    for result in &mut other.champion_results {
        result.play_seed += 1_000;
    }
    let decision = decide(&other);
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert_eq!((decision.numbers.pairs, decision.numbers.unpaired), (0, 100));
    assert!(decision.reason.contains("100 plays"), "{}", decision.reason);
}

#[test]
fn one_play_counts_once_however_often_it_is_listed() {
    let mut twice = input(&cycle(&[(true, false)], 6));
    let copy = twice.candidate_results.clone();
    twice.candidate_results.extend(copy);
    let copy = twice.champion_results.clone();
    twice.champion_results.extend(copy);
    let numbers = decide(&twice).numbers;
    assert_eq!((numbers.pairs, numbers.unpaired), (6, 12));
}

#[test]
fn the_champion_itself_is_kept() {
    let mut same = input(&cycle(&[(true, false)], 100));
    same.champion = Some(same.candidate);
    let decision = decide(&same);
    assert_eq!(decision.verdict, Verdict::Kept);
    assert!(decision.reason.contains("champion itself"));
}

#[test]
fn the_first_champion_must_reach_the_floor_of_its_level() {
    let first = |pattern: &[bool], level: u32| {
        let plays = (0..).zip(pattern).map(|(n, success)| play(level, n, *success, None));
        let mut base = input(&[]);
        base.champion = None;
        base.candidate_results = plays.collect();
        decide(&base)
    };
    let good = [true, true, true, true, false].repeat(4);
    assert_eq!(first(&good, 1).verdict, Verdict::Promoted);
    assert_eq!(first(&good, 2).verdict, Verdict::Inconclusive);
    let weak = [true, true, true, false, false].repeat(10);
    let kept = first(&weak, 1);
    assert_eq!(kept.verdict, Verdict::Kept);
    assert!(kept.reason.contains("30 of 50 plays of level 1"), "{}", kept.reason);
    let few = first(&[true; 19], 1);
    assert_eq!(few.verdict, Verdict::Inconclusive);
    assert!(few.would_change.contains("at least 20 plays"), "{}", few.would_change);
}

#[test]
fn parameters_out_of_range_never_promote() {
    let mut broken = input(&cycle(&[(true, false)], 100));
    broken.params.alpha = 0.0;
    let decision = decide(&broken);
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.reason.contains("`alpha` = 0"), "{}", decision.reason);
    broken.params.alpha = f64::NAN;
    assert_eq!(decide(&broken).verdict, Verdict::Inconclusive);
}

#[test]
fn unknown_parameters_are_refused_and_absent_ones_have_defaults() {
    let params: DecisionParams = serde_json::from_str(r#"{"floor":{"success":0.5}}"#).unwrap();
    assert_eq!(params.floor, Floor { level: 1, success: 0.5, min_episodes: 20 });
    assert_eq!(params.alpha, 0.05);
    let error = serde_json::from_str::<DecisionParams>(r#"{"alfa":0.05}"#).unwrap_err();
    assert!(error.to_string().contains("alfa"));
}

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    let evidence = input(&cycle(&[(true, false), (true, true), (false, true), (true, false)], 90));
    let bytes = canonical_json(&decide(&evidence)).unwrap();
    let mut shuffled = evidence.clone();
    shuffled.champion_results.reverse();
    assert_eq!(bytes, canonical_json(&decide(&shuffled)).unwrap());
    let replayed: DecisionInput =
        serde_json::from_slice(&canonical_json(&evidence).unwrap()).unwrap();
    assert_eq!(bytes, canonical_json(&decide(&replayed)).unwrap());
    let back: Decision = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(back, decide(&evidence));
}

#[test]
fn sign_flips_of_few_differences_are_exact() {
    let p = |differences: &[f64]| sign_flips(differences, 1).unwrap().p_value;
    // Only all signs alike are as far from 0: two of thirty-two.
    assert_eq!(p(&[1.0, 1.0, 1.0, 1.0, 1.0]), 2.0 / 32.0);
    assert_eq!(p(&[0.0, 0.0, 0.0]), 1.0);
    assert_eq!(p(&[0.5, -0.5]), 1.0);
    // ±3 ± 1 ± 1: sums of 3 and more in size are 5, 3, 3 and their negatives.
    assert_eq!(p(&[3.0, 1.0, -1.0]), 6.0 / 8.0);
    assert!(sign_flips(&[], 1).is_none());
}

#[test]
fn sign_flips_of_many_differences_are_drawn_from_the_seed() {
    let one_sided: Vec<f64> = (0..40).map(|n| f64::from(n % 5) * 0.1).collect();
    let found = sign_flips(&one_sided, 3).unwrap();
    assert_eq!(found, sign_flips(&one_sided, 3).unwrap());
    assert!(found.p_value < 0.001, "{found:?}");
    let Flips { difference, pairs, .. } = found;
    assert!((difference.estimate - 0.2).abs() < 1e-12 && pairs == 40);
    // The standard error of the mean is 0.0224, so a normal interval is 0.156 to 0.244.
    assert!((difference.low - 0.156).abs() < 0.01 && (difference.high - 0.244).abs() < 0.01);
    let both_sides: Vec<f64> = (0..40).map(|n| if n % 2 == 0 { 0.3 } else { -0.3 }).collect();
    assert!(sign_flips(&both_sides, 3).unwrap().p_value > 0.9);
}
