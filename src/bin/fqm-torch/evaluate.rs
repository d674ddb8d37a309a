//! The body of `quest.evaluate`: plays both sides on the same fresh levels.

use async_trait::async_trait;
use serde_json::Value;

use fqm_pipe::core::derive_seed;
use fqm_pipe::evaluate::{
    EpisodeResult, EvalLevel, Safety, compare, date_seed, evaluate, mastery_for, plan_evaluation,
    plan_safety, score,
};
use fqm_pipe::pipeline::{Body, Reporter, StepContext, StepFailure, StepResult};
use fqm_pipe::policy::Checkpoint;
use fqm_pipe::quest::{Agent, Random, Suite};
use fqm_pipe::steps::{EvaluateParams, Evaluation, Played, TrainedModel, read_suite};

use crate::agent::{Manner, PolicyAgent};
use crate::finetune::read_checkpoint;

/// The body.
pub struct Evaluate;

#[async_trait]
impl Body for Evaluate {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: EvaluateParams = context.params()?;
        let suite = read_suite(context).await?;
        let trained: TrainedModel =
            context.blobs.get_json(&context.artifact("challenger")?.digest).await?;
        let config = context.blobs.get(&trained.config).await?;
        let model = context.blobs.get(&trained.model).await?;
        let challenger = Checkpoint::from_files(&config, model.to_vec());
        let challenger = challenger.map_err(StepFailure::input)?;
        let (_, champion_digest) = context.alias("champion")?;
        let champion = match champion_digest {
            Some(digest) => Some(read_checkpoint(&context.request.workspace, &digest).await?),
            None => None,
        };
        let seed = date_seed(params.seed, context.request.date);
        let reporter = context.reporter.clone();
        let (targets, declared) = (suite.targets(), suite.clone());
        let work = move || play(&suite, &params, seed, &challenger, champion.as_ref(), &reporter);
        let (played, random) =
            tokio::task::spawn_blocking(work).await.map_err(StepFailure::internal)??;
        let report = compare(&played.champion, &played.challenger);
        let made = Evaluation {
            format: "fqm-evaluation/1".to_owned(),
            challenger: trained.model,
            champion: champion_digest,
            mastery: mastery_for(&played.challenger, |family| {
                targets.get(family).cloned().unwrap_or_default()
            }),
            random: score(&random),
            safety: (!played.safety.is_empty()).then(|| Safety::of(&played.safety, &declared)),
            report,
            played,
        };
        let digest = context.blobs.put_json(&made).await?;
        Ok(StepResult::one("evaluation", digest, facts(&made)))
    }
}

fn facts(made: &Evaluation) -> Vec<(&'static str, Value)> {
    let challenger = score(&made.played.challenger);
    let mut facts = vec![("pairs", Value::from(challenger.episodes))];
    let mut add = |name, value: Option<f64>| facts.extend(value.map(|v| (name, Value::from(v))));
    add("success", challenger.success.map(|s| s.estimate));
    add("efficiency", challenger.efficiency);
    let champion = score(&made.played.champion);
    add("champion_success", champion.success.map(|s| s.estimate));
    add("champion_efficiency", champion.efficiency);
    add("random_success", made.random.success.map(|s| s.estimate));
    add("reasoning", challenger.reasoning);
    facts.push(("violations", challenger.violations.into()));
    if let Some(safety) = &made.safety {
        facts.push(("safety_plays", safety.plays.into()));
        facts.push(("safety_passed", safety.passed.into()));
    }
    facts
}

fn play(
    suite: &Suite,
    params: &EvaluateParams,
    seed: u64,
    challenger: &Checkpoint,
    champion: Option<&Checkpoint>,
    reporter: &Reporter,
) -> Result<(Played, Vec<EpisodeResult>), StepFailure> {
    let levels = plan_evaluation(suite, &params.families, &params.grades, seed, params.pairs)
        .map_err(StepFailure::input)?;
    reporter.log(format!("{} fresh levels drawn", levels.len()));
    let safety = match params.safety {
        0 => Vec::new(),
        n => plan_safety(suite, seed, n).map_err(StepFailure::input)?,
    };
    let played = Played {
        safety: gate(challenger, &safety, reporter)?,
        challenger: policy("challenger", challenger, &levels, reporter)?,
        champion: match champion {
            Some(champion) => policy("champion", champion, &levels, reporter)?,
            None => Vec::new(),
        },
    };
    let mut random = Random::new(derive_seed(seed, "random agent"));
    Ok((played, run("random", &mut random, &levels, reporter)?))
}

/// Plays the levels of the safety suites, where there are any.
fn gate(
    challenger: &Checkpoint,
    levels: &[EvalLevel],
    reporter: &Reporter,
) -> Result<Vec<EpisodeResult>, StepFailure> {
    if levels.is_empty() { Ok(Vec::new()) } else { policy("safety", challenger, levels, reporter) }
}

fn policy(
    name: &str,
    checkpoint: &Checkpoint,
    levels: &[EvalLevel],
    reporter: &Reporter,
) -> Result<Vec<EpisodeResult>, StepFailure> {
    let agent = PolicyAgent::new(name, checkpoint, Manner::GREEDY, 0, tch::Device::Cpu);
    run(name, &mut agent.map_err(StepFailure::input)?, levels, reporter)
}

fn run(
    name: &str,
    agent: &mut dyn Agent,
    levels: &[EvalLevel],
    reporter: &Reporter,
) -> Result<Vec<EpisodeResult>, StepFailure> {
    let results = evaluate(agent, levels).map_err(StepFailure::input)?;
    let won = results.iter().filter(|r| r.success).count();
    reporter.log(format!("{name}: {won} of {} levels solved", results.len()));
    Ok(results)
}
