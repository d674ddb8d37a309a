//! How well policies foretell the next function on logs, beside n-grams: tasks are held out in turn, a
//! policy learns from the others and is asked for every choice of the held-out ones. Learning needs
//! libtorch, so it runs in `fqm-torch`, which gets the request on its standard input.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::Episode;
use crate::policy::{CONTEXT, NextFunction, TrainerParams, folds, functions_of};
use crate::promote::{Flips, sign_flips};

/// Version of the report.
const SCHEMA: &str = "fqm-foretell/1";
/// Bins of the calibration error.
const BINS: usize = 10;

/// What to learn from and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForetellRequest {
    /// The episodes.
    pub episodes: Vec<Episode>,
    /// Parts that tasks are dealt to.
    pub folds: usize,
    /// The seed that deals them.
    pub seed: u64,
    /// Seeds of the policies; each learns every fold once.
    pub seeds: Vec<u64>,
    /// How they learn.
    pub learner: TrainerParams,
}

/// What the policies of one seed say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeedGuesses {
    /// The seed.
    pub seed: u64,
    /// For every episode its choices. Those of functions that no training episode calls are left out.
    pub episodes: Vec<Vec<Guess>>,
}

/// One choice, foretold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// Whether the most probable function was the one chosen.
    pub right: bool,
    /// The probability of the chosen function.
    pub chosen: f64,
    /// The probability of the most probable one.
    pub most: f64,
}

impl Guess {
    /// A guess from the probabilities of the functions; the first among equals is the most probable.
    pub fn of(probabilities: &[f64], chosen: usize) -> Self {
        let most = probabilities.iter().copied().fold(0.0, f64::max);
        let best = probabilities.iter().position(|p| *p >= most);
        let share = probabilities.get(chosen).copied().unwrap_or(0.0);
        Self { right: best == Some(chosen), chosen: share, most }
    }
}

/// How well one way to foretell did on all held-out choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Its name: `policy, seed 1`, `back-off n-gram`, …
    pub name: String,
    /// Share of choices that it got right.
    pub accuracy: f64,
    /// Mean over the episodes of that share.
    pub by_episode: f64,
    /// Mean of −ln of the chosen function's probability, where it gives one.
    pub log_loss: Option<f64>,
    /// Expected calibration error, where it gives probabilities: how far stated from measured shares
    /// are.
    pub calibration: Option<f64>,
}

/// One episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForetoldEpisode {
    /// Its id.
    pub id: String,
    /// Its task.
    pub task: String,
    /// Its field of work.
    pub domain: String,
    /// The fold in which it was held out.
    pub fold: usize,
    /// Choices.
    pub choices: usize,
    /// Those that the policies got right, mean over the seeds.
    pub policy: f64,
    /// Those that the back-off n-gram got right.
    pub backoff: f64,
}

/// The whole measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Foretelling {
    /// Format of this record: `fqm-foretell/1`.
    pub schema: String,
    /// Tasks.
    pub tasks: usize,
    /// Held-out choices.
    pub choices: usize,
    /// Choices of functions that no training episode calls: wrong for everybody.
    pub unknown: usize,
    /// Parts that tasks were dealt to.
    pub folds: usize,
    /// Baselines and policies, in this order.
    pub standings: Vec<Standing>,
    /// Policies (mean over the seeds) less back-off n-gram, share of an episode's choices, by task.
    pub against_backoff: Option<Flips>,
    /// The same for the policy of each seed, in their order.
    pub each_seed: Vec<Option<Flips>>,
    /// Every episode.
    pub episodes: Vec<ForetoldEpisode>,
}

/// Measures the n-grams on the same folds and puts all side by side.
pub fn foretelling(request: &ForetellRequest, runs: &[SeedGuesses]) -> Foretelling {
    let fold = folds(&request.episodes, request.folds, request.seed);
    let sequences: Vec<Vec<String>> = request.episodes.iter().map(functions_of).collect();
    let models: Vec<NextFunction> =
        (0..request.folds).map(|held| fitted(&sequences, &fold, held)).collect();
    let hits = |order: usize| -> Vec<f64> {
        let of = |(sequence, fold): (&Vec<String>, &usize)| {
            let hits = models.get(*fold).map(|m| m.hits(sequence, order)).unwrap_or_default();
            hits.iter().filter(|hit| **hit).count() as f64
        };
        sequences.iter().zip(&fold).map(of).collect()
    };
    let counts: Vec<usize> = sequences.iter().map(Vec::len).collect();
    let ngrams: Vec<Guess> = sequences
        .iter()
        .zip(&fold)
        .flat_map(|(s, fold)| models.get(*fold).map(|m| smoothed(m, s)).unwrap_or_default())
        .collect();
    let backoff = hits(CONTEXT);
    let mut standings = vec![
        standing("majority".to_owned(), &hits(0), &counts, None),
        standing("bigram".to_owned(), &hits(1), &counts, None),
        standing("back-off n-gram".to_owned(), &backoff, &counts, Some(&ngrams)),
    ];
    let each: Vec<Vec<f64>> = runs.iter().map(right).collect();
    for (run, right) in runs.iter().zip(&each) {
        let all: Vec<Guess> = run.episodes.iter().flatten().copied().collect();
        standings.push(standing(format!("policy, seed {}", run.seed), right, &counts, Some(&all)));
    }
    let mean =
        |at: usize| each.iter().filter_map(|r| r.get(at)).sum::<f64>() / each.len().max(1) as f64;
    let policy: Vec<f64> = (0..counts.len()).map(mean).collect();
    let test = |right: &[f64]| {
        let differences = by_task(&request.episodes, &counts, right, &backoff);
        sign_flips(&differences, request.seed)
    };
    Foretelling {
        schema: SCHEMA.to_owned(),
        tasks: by_task(&request.episodes, &counts, &policy, &backoff).len(),
        choices: counts.iter().sum(),
        unknown: counts.iter().sum::<usize>() - ngrams.len(),
        folds: request.folds,
        standings,
        against_backoff: test(&policy),
        each_seed: each.iter().map(|right| test(right)).collect(),
        episodes: rows(request, &fold, &counts, &policy, &backoff),
    }
}

fn fitted(sequences: &[Vec<String>], fold: &[usize], held_out: usize) -> NextFunction {
    let train = sequences.iter().zip(fold).filter(|(_, fold)| **fold != held_out);
    NextFunction::fit(train.map(|(sequence, _)| sequence.as_slice()))
}

fn right(run: &SeedGuesses) -> Vec<f64> {
    let of = |guesses: &Vec<Guess>| guesses.iter().filter(|g| g.right).count() as f64;
    run.episodes.iter().map(of).collect()
}

/// What the smoothed n-gram gives for the choices of functions that it knows.
fn smoothed(model: &NextFunction, sequence: &[String]) -> Vec<Guess> {
    let functions = model.functions();
    let guess = |(at, next): (usize, &String)| {
        let chosen = functions.iter().position(|f| f == next)?;
        let past = sequence.get(..at).unwrap_or_default();
        Some(Guess::of(&model.probabilities(&functions, past, None), chosen))
    };
    sequence.iter().enumerate().filter_map(guess).collect()
}

fn standing(name: String, right: &[f64], counts: &[usize], guesses: Option<&[Guess]>) -> Standing {
    let all: usize = counts.iter().sum();
    let shares = right.iter().zip(counts).map(|(right, n)| right / (*n).max(1) as f64);
    Standing {
        name,
        accuracy: right.iter().sum::<f64>() / all.max(1) as f64,
        by_episode: shares.sum::<f64>() / counts.len().max(1) as f64,
        log_loss: guesses.map(log_loss),
        calibration: guesses.map(calibration),
    }
}

fn log_loss(guesses: &[Guess]) -> f64 {
    let loss = |g: &Guess| -g.chosen.max(1e-9).ln();
    guesses.iter().map(loss).sum::<f64>() / guesses.len().max(1) as f64
}

/// Guesses in ten bins by their highest probability: how far the share of right ones is from the mean
/// of what was stated, weighted by the guesses of a bin.
fn calibration(guesses: &[Guess]) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for guess in guesses {
        let at = ((guess.most * BINS as f64) as usize).min(BINS - 1);
        if let Some((stated, right)) = bins.get_mut(at) {
            *stated += guess.most;
            *right += f64::from(u8::from(guess.right));
        }
    }
    bins.iter().map(|(stated, right)| (stated - right).abs()).sum::<f64>()
        / guesses.len().max(1) as f64
}

/// For every task the mean over its episodes of the difference in the share of right choices: trials of
/// one task are no independent evidence.
fn by_task(episodes: &[Episode], counts: &[usize], policy: &[f64], other: &[f64]) -> Vec<f64> {
    let mut tasks: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for (((e, n), policy), other) in episodes.iter().zip(counts).zip(policy).zip(other) {
        if *n > 0 {
            let of = tasks.entry((&e.workflow, &e.task_id)).or_default();
            of.push((policy - other) / *n as f64);
        }
    }
    tasks.values().map(|d| d.iter().sum::<f64>() / d.len() as f64).collect()
}

fn rows(
    request: &ForetellRequest,
    fold: &[usize],
    counts: &[usize],
    policy: &[f64],
    backoff: &[f64],
) -> Vec<ForetoldEpisode> {
    let mut rows = Vec::with_capacity(counts.len());
    let numbers = fold.iter().zip(counts).zip(policy.iter().zip(backoff));
    for (e, ((fold, choices), (policy, backoff))) in request.episodes.iter().zip(numbers) {
        rows.push(ForetoldEpisode {
            id: e.id.to_string(),
            task: e.task_id.clone(),
            domain: e.domain.clone(),
            fold: *fold,
            choices: *choices,
            policy: *policy,
            backoff: *backoff,
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_among_equals_is_the_guess() {
        assert_eq!(Guess::of(&[0.4, 0.4, 0.2], 0), Guess { right: true, chosen: 0.4, most: 0.4 });
        assert!(!Guess::of(&[0.4, 0.4, 0.2], 1).right);
    }

    #[test]
    fn calibration_compares_stated_with_measured_shares() {
        let guess = |right, most| Guess { right, chosen: most, most };
        // Nine of ten right where nine tenths are stated; none where a half is.
        let mut guesses: Vec<Guess> = (0..10).map(|n| guess(n > 0, 0.9)).collect();
        assert!(calibration(&guesses) < 1e-12);
        guesses.extend((0..10).map(|_| guess(false, 0.5)));
        assert!((calibration(&guesses) - 0.25).abs() < 1e-12);
        assert!((log_loss(&[guess(true, 0.5), guess(true, 0.25)]) - 1.5 * 2f64.ln()).abs() < 1e-12);
    }
}
