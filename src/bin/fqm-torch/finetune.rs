//! The body of `policy.finetune`: lift, train, measure.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use fqm_pipe::core::Digest;
use fqm_pipe::dataset::{DataSplit, Episode, read};
use fqm_pipe::pipeline::{Body, FailureKind, Input, StepContext, StepFailure, StepResult};
use fqm_pipe::policy::{
    CONFIG_FILE, Checkpoint, EpochMetrics, Example, ImitationParams, MODEL_FILE, SuiteLevels,
    Vocabulary, Way, baselines, examples_of_episode, functions_of,
};
use fqm_pipe::quest::Suite;
use fqm_pipe::registry::Registry;
use fqm_pipe::steps::{NextFunctionReport, TrainedModel, read_suite};
use fqm_pipe::workspace::Workspace;

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::learn::{Imitation, LearnError, Learner, Trained, TrainingData};

/// The body.
pub struct Finetune;

#[async_trait]
impl Body for Finetune {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: ImitationParams = context.params()?;
        let dataset = context.artifact("dataset")?.digest;
        let (_, episodes) = read(&context.blobs, &dataset).await.map_err(StepFailure::input)?;
        let suite = read_suite(context).await?;
        let base_digest = match context.request.inputs.get("base") {
            Some(Input::Alias { digest, .. }) => *digest,
            _ => None,
        };
        let base = match base_digest {
            Some(digest) => Some(read_checkpoint(&context.request.workspace, &digest).await?),
            None => None,
        };
        // A base of another shape cannot be continued; the night then starts afresh and says so.
        let base = base.filter(|base| {
            let fits = base.config.network == params.network;
            if !fits {
                context
                    .reporter
                    .log("the champion's network has another shape: training starts afresh");
            }
            fits
        });
        let reporter = context.reporter.clone();
        let work = move || train(&episodes, &suite, params, base.as_ref(), &reporter);
        let (trained, lifted, next_function) =
            tokio::task::spawn_blocking(work).await.map_err(StepFailure::internal)??;
        let checkpoint = &trained.checkpoint;
        let config = checkpoint.config_bytes().map_err(StepFailure::internal)?;
        let made = TrainedModel {
            format: "fqm-trained/1".to_owned(),
            model: context.blobs.put(Bytes::from(checkpoint.model.clone())).await?,
            config: context.blobs.put(Bytes::from(config)).await?,
            dataset,
            base: base_digest,
            curve: trained.curve,
            best_epoch: trained.best_epoch,
            replayed: lifted.replayed,
            from_history: lifted.from_history,
            not_lifted: lifted.failed,
            next_function,
        };
        let digest = context.blobs.put_json(&made).await?;
        let examples = lifted.train.len() as u64;
        Ok(StepResult::one("checkpoint", digest, [("examples", examples)]))
    }
}

/// Reads the checkpoint of a registered variant.
///
/// # Errors
/// When the variant is missing, damaged or does not fit this program.
pub async fn read_checkpoint(
    workspace: &Workspace,
    variant: &Digest,
) -> Result<Checkpoint, StepFailure> {
    let registry = Registry::new(workspace.open_registry()?);
    let config = registry.read(variant, CONFIG_FILE).await.map_err(StepFailure::input)?;
    let model = registry.read(variant, MODEL_FILE).await.map_err(StepFailure::input)?;
    Checkpoint::from_files(&config, model.to_vec()).map_err(StepFailure::input)
}

#[derive(Default)]
struct Sorted {
    train: Vec<Example>,
    validation: Vec<Example>,
    /// Held-out examples of episodes without a known level.
    held_out: Vec<Example>,
    replayed: u64,
    from_history: u64,
    failed: BTreeMap<String, u64>,
}

type Finished = (Trained, Sorted, Option<NextFunctionReport>);

fn train(
    episodes: &[Episode],
    suite: &Suite,
    params: ImitationParams,
    base: Option<&Checkpoint>,
    reporter: &fqm_pipe::pipeline::Reporter,
) -> Result<Finished, StepFailure> {
    let device = device()?;
    let sorted = sort(episodes, suite, reporter);
    reporter.log(format!(
        "{} training and {} validation examples: {} replayed on known levels, {} from histories",
        sorted.train.len(),
        sorted.validation.len(),
        sorted.replayed,
        sorted.from_history
    ));
    for (reason, count) in &sorted.failed {
        reporter.log(format!("{count} episodes not lifted: {reason}"));
    }
    let data = TrainingData { train: &sorted.train, validation: &sorted.validation };
    let learner = Imitation { params, device };
    let mut follow = |metrics: &EpochMetrics| follow(reporter, metrics);
    let trained = learner.learn(data, base, &mut follow).map_err(failed)?;
    let next = next_function(episodes, &sorted.held_out, &trained.checkpoint, device)?;
    Ok((trained, sorted, next))
}

/// The device that the plan declares (`FQM_DEVICE`, a field of the key): another one is refused, since
/// results would then stand under a key that is not theirs.
fn device() -> Result<tch::Device, StepFailure> {
    let declared = std::env::var("FQM_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    let found = match declared.as_str() {
        "cpu" => choose(Wish::Cpu),
        "cuda" => choose(Wish::Auto),
        other => {
            let message =
                format!("use the device `{other}` that FQM_DEVICE names: write cpu or cuda");
            return Err(StepFailure::input(message));
        }
    };
    if found.class != declared {
        let why = found.cuda_missing.unwrap_or_default();
        return Err(StepFailure::input(format!(
            "use the device `cuda` that FQM_DEVICE names: {why}"
        )));
    }
    Ok(found.device)
}

fn sort(episodes: &[Episode], suite: &Suite, reporter: &fqm_pipe::pipeline::Reporter) -> Sorted {
    let levels = SuiteLevels::new(suite);
    let vocabulary = Vocabulary::of(episodes);
    let mut sorted = Sorted::default();
    let wanted: Vec<_> = episodes.iter().filter(|e| e.imitation).collect();
    for (done, episode) in wanted.iter().enumerate() {
        reporter.progress(done as u64, Some(wanted.len() as u64), "episodes lifted");
        let lifted = match examples_of_episode(episode, &levels, &vocabulary) {
            Ok(lifted) => lifted,
            Err(error) => {
                *sorted.failed.entry(error.to_string()).or_default() += 1;
                continue;
            }
        };
        let count = lifted.examples.len() as u64;
        match lifted.way {
            Way::Replay => sorted.replayed += count,
            Way::History => sorted.from_history += count,
        }
        match (episode.split, lifted.way) {
            (DataSplit::Train, _) => sorted.train.extend(lifted.examples),
            (DataSplit::Validation, _) => sorted.validation.extend(lifted.examples),
            (DataSplit::Test, Way::History) => sorted.held_out.extend(lifted.examples),
            (DataSplit::Test, Way::Replay) => (),
        }
    }
    sorted
}

fn follow(reporter: &fqm_pipe::pipeline::Reporter, metrics: &EpochMetrics) {
    reporter.progress(metrics.epoch as u64, Some(metrics.epochs as u64), "epochs");
    let mut values = vec![
        ("epoch", metrics.epoch as f64),
        ("loss", metrics.loss),
        ("accuracy", metrics.accuracy),
        ("gradient_norm", metrics.gradient_norm),
        ("examples_per_second", metrics.examples_per_second),
    ];
    values.extend(metrics.validation_accuracy.map(|v| ("validation_accuracy", v)));
    reporter.metric(values);
}

/// Measures the policy and the baselines on held-out episodes without a known level.
fn next_function(
    episodes: &[Episode],
    held_out: &[Example],
    checkpoint: &Checkpoint,
    device: tch::Device,
) -> Result<Option<NextFunctionReport>, StepFailure> {
    if held_out.is_empty() {
        return Ok(None);
    }
    let of = |wanted: &dyn Fn(DataSplit) -> bool| -> Vec<Vec<String>> {
        let foreign = |e: &&Episode| e.imitation && e.level.is_none() && wanted(e.split);
        episodes.iter().filter(foreign).map(functions_of).collect()
    };
    let baselines = baselines(&of(&|s| s != DataSplit::Test), &of(&|s| s == DataSplit::Test));
    let agent = PolicyAgent::new("challenger", checkpoint, Manner::GREEDY, 0, device);
    let agent = agent.map_err(StepFailure::internal)?;
    let right = agent.agreement(held_out).map_err(StepFailure::internal)?;
    let policy = right as f64 / held_out.len() as f64;
    Ok(Some(NextFunctionReport { choices: held_out.len() as u64, policy, baselines }))
}

fn failed(error: LearnError) -> StepFailure {
    StepFailure { kind: FailureKind::Input, message: error.to_string() }
}
