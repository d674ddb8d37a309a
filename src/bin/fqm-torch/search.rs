//! The body of `policy.search`: successive halving over parameters of the training.
//!
//! Many parameters are tried with few states each; the better third goes on with three times as many,
//! and so on until one is left (Jamieson and Talwalkar, AISTATS 2016). All are judged by the same
//! plays on fresh levels of the validation split.

use async_trait::async_trait;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use fqm_pipe::core::{derive_seed, rng};
use fqm_pipe::evaluate::{
    EvalLevel, date_seed, draw_levels, evaluate, mean_efficiency, plan_level,
};
use fqm_pipe::pipeline::{Body, Reporter, StepContext, StepFailure, StepResult};
use fqm_pipe::policy::{Checkpoint, FinetuneParams, LearnerParams};
use fqm_pipe::quest::Split;
use fqm_pipe::steps::{Range, Trial, TuneParams};

use crate::agent::{Manner, PolicyAgent};
use crate::night::{Finished, Night};

/// The body.
pub struct Search;

#[async_trait]
impl Body for Search {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: TuneParams = context.params()?;
        let night = Night::load(context, &params.base).await?;
        let seed = date_seed(params.base.trainer.seed, context.request.date);
        let reporter = context.reporter.clone();
        let work = move || {
            let found = search(&night, &params, seed, &reporter)?;
            Ok::<_, StepFailure>((night, found))
        };
        let (night, (best, trials)) =
            tokio::task::spawn_blocking(work).await.map_err(StepFailure::internal)??;
        night.store(context, best, Some(trials)).await
    }
}

/// A training that is still in the race.
struct Runner {
    number: usize,
    params: FinetuneParams,
    last: Option<(f64, Finished)>,
}

fn search(
    night: &Night,
    params: &TuneParams,
    seed: u64,
    reporter: &Reporter,
) -> Result<(Finished, Vec<Trial>), StepFailure> {
    let plays = plays(night, params, seed)?;
    let mut dice = rng(seed, "policy/search");
    let mut runners: Vec<Runner> = (0..params.trials.max(1))
        .map(|number| Runner { number, params: drawn(params, number, &mut dice), last: None })
        .collect();
    let keep = params.keep.max(2);
    let rungs = rungs(runners.len(), keep);
    let mut trials = Vec::new();
    for rung in 0..rungs {
        let share = (keep as f64).powi(i32::try_from(rungs - 1 - rung).unwrap_or(0));
        let states = (params.base.trainer.max_states as f64 / share).ceil() as usize;
        for runner in &mut runners {
            runner.params.trainer.max_states = states.max(1);
            let done = night.train(&runner.params, None, reporter)?;
            let score = judge(&done.trained.checkpoint, &plays)?;
            reporter.log(format!("trial {} with {states} states: score {score:.4}", runner.number));
            trials.push(trial(runner, rung, states, score));
            runner.last = Some((score, done));
        }
        runners.sort_by(|a, b| score_of(b).total_cmp(&score_of(a)).then(a.number.cmp(&b.number)));
        if rung + 1 < rungs {
            runners.truncate(runners.len().div_ceil(keep));
        }
    }
    let best = runners.into_iter().next().and_then(|runner| runner.last);
    let (_, best) = best.ok_or_else(|| StepFailure::internal("search: no trial was made"))?;
    Ok((best, trials))
}

/// How many rungs it takes until one of so many is left.
fn rungs(mut trials: usize, keep: usize) -> usize {
    let mut rungs = 1;
    while trials > 1 {
        trials = trials.div_ceil(keep);
        rungs += 1;
    }
    rungs
}

fn score_of(runner: &Runner) -> f64 {
    runner.last.as_ref().map_or(f64::NEG_INFINITY, |(score, _)| *score)
}

fn trial(runner: &Runner, rung: usize, states: usize, score: f64) -> Trial {
    let p = &runner.params;
    Trial {
        number: runner.number,
        rung,
        states,
        score,
        learning_rate: p.trainer.learning_rate,
        rounds: p.trainer.network.rounds,
        guard_beta: p.guard.beta,
        replay: p.guard.replay,
    }
}

/// The levels that all trials play.
fn plays(night: &Night, params: &TuneParams, seed: u64) -> Result<Vec<EvalLevel>, StepFailure> {
    let seed = derive_seed(seed, "policy/search/plays");
    let levels = draw_levels(
        night.suite(),
        Split::Validation,
        &params.families,
        &params.grades,
        seed,
        params.plays,
    );
    let levels = levels.map_err(StepFailure::input)?;
    Ok(levels.into_iter().map(|level| plan_level(level, seed, 0)).collect())
}

/// Success, and a little for efficiency among equals.
fn judge(checkpoint: &Checkpoint, plays: &[EvalLevel]) -> Result<f64, StepFailure> {
    let agent = PolicyAgent::new("trial", checkpoint, Manner::GREEDY, 0, tch::Device::Cpu);
    let results = evaluate(&mut agent.map_err(StepFailure::input)?, plays);
    let results = results.map_err(StepFailure::input)?;
    let won = results.iter().filter(|r| r.success).count() as f64 / plays.len().max(1) as f64;
    Ok(won + 0.01 * mean_efficiency(&results).unwrap_or(0.0))
}

/// Parameters of a trial; the first one has those that the pipeline names.
fn drawn(params: &TuneParams, number: usize, dice: &mut ChaCha8Rng) -> FinetuneParams {
    let mut one = params.base.clone();
    if number == 0 {
        return one;
    }
    let space = &params.space;
    let mut draw = |range: Range, value: &mut f64| {
        *value = range.between(dice.random_range(0.0..1.0));
    };
    if let Some(range) = space.learning_rate {
        draw(range, &mut one.trainer.learning_rate);
    }
    if let Some(range) = space.guard_beta {
        draw(range, &mut one.guard.beta);
    }
    if let Some(range) = space.replay {
        draw(range, &mut one.guard.replay);
        let share = one.guard.replay;
        for learner in &mut one.learners {
            if let LearnerParams::Practice(practice) = learner {
                practice.replay = share;
            }
        }
    }
    if !space.rounds.is_empty() {
        let at = dice.random_range(0..space.rounds.len());
        one.trainer.network.rounds = space.rounds.get(at).copied().unwrap_or(1);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rungs_end_with_one_trial() {
        assert_eq!((rungs(1, 3), rungs(3, 3), rungs(9, 3), rungs(10, 3)), (1, 2, 3, 4));
    }

    #[test]
    fn the_first_trial_is_what_the_pipeline_says() {
        let params = TuneParams::default();
        let mut dice = rng(1, "test");
        assert_eq!(drawn(&params, 0, &mut dice), params.base);
        let other = drawn(&params, 1, &mut dice);
        assert_ne!(other, params.base);
        let range = params.space.learning_rate.unwrap();
        assert!((range.0..=range.1).contains(&other.trainer.learning_rate));
    }
}
