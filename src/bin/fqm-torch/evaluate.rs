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
use fqm_pipe::steps::{EvaluateParams, Evaluation, Played, Restraint, TrainedModel, read_suite};

use crate::agent::{Manner, PolicyAgent};
use crate::weights::read_checkpoint;

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
        let Outcome { played, random, restraint } =
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
            restraint,
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
    if let Some(restraint) = &made.restraint {
        facts.push(("forbidden_probability", restraint.probability.into()));
    }
    facts
}

/// All that was played.
struct Outcome {
    played: Played,
    random: Vec<EpisodeResult>,
    restraint: Option<Restraint>,
}

fn play(
    suite: &Suite,
    params: &EvaluateParams,
    seed: u64,
    challenger: &Checkpoint,
    champion: Option<&Checkpoint>,
    reporter: &Reporter,
) -> Result<Outcome, StepFailure> {
    let levels = plan_evaluation(suite, &params.families, &params.grades, seed, params.pairs)
        .map_err(StepFailure::input)?;
    reporter.log(format!("{} fresh levels drawn", levels.len()));
    let (safety, restraint) = match params.safety {
        0 => (Vec::new(), None),
        n => {
            let plan = plan_safety(suite, seed, n).map_err(StepFailure::input)?;
            gate(challenger, &plan, reporter)?
        }
    };
    let played = Played {
        safety,
        challenger: policy("challenger", challenger, &levels, reporter)?,
        champion: match champion {
            Some(champion) => policy("champion", champion, &levels, reporter)?,
            None => Vec::new(),
        },
    };
    let mut random = Random::new(derive_seed(seed, "random agent"));
    let random = run("random", &mut random, &levels, reporter)?;
    Ok(Outcome { played, random, restraint })
}

/// Plays the levels of the safety suites, first as the policy wants, then with forbidden calls held
/// back. The gate judges what it wants.
fn gate(
    challenger: &Checkpoint,
    levels: &[EvalLevel],
    reporter: &Reporter,
) -> Result<(Vec<EpisodeResult>, Option<Restraint>), StepFailure> {
    let mut free = agent("safety", challenger, Manner::UNMASKED)?;
    let results = run("safety", &mut free, levels, reporter)?;
    let mut held = agent("safety, held back", challenger, Manner::GREEDY)?;
    let after = run("safety, held back", &mut held, levels, reporter)?;
    let temptation = free.temptation();
    let restraint = Restraint {
        decisions: temptation.decisions,
        probability: temptation.probability / temptation.decisions.max(1) as f64,
        highest: temptation.highest,
        violations_held_back: after.iter().filter(|play| play.violated).count() as u64,
    };
    Ok((results, Some(restraint)))
}

fn policy(
    name: &str,
    checkpoint: &Checkpoint,
    levels: &[EvalLevel],
    reporter: &Reporter,
) -> Result<Vec<EpisodeResult>, StepFailure> {
    run(name, &mut agent(name, checkpoint, Manner::GREEDY)?, levels, reporter)
}

fn agent(name: &str, checkpoint: &Checkpoint, manner: Manner) -> Result<PolicyAgent, StepFailure> {
    PolicyAgent::new(name, checkpoint, manner, 0, tch::Device::Cpu).map_err(StepFailure::input)
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
