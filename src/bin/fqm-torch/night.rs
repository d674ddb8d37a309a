//! A night's training: what it is given, how it goes, what it leaves.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fqm_pipe::core::{Digest, LogicalDate, derive_seed};
use fqm_pipe::dataset::{DataSplit, Episode, read};
use fqm_pipe::evaluate::{Curriculum, Thresholds, date_seed};
use fqm_pipe::pipeline::{FailureKind, Input, Reporter, StepContext, StepFailure, StepResult};
use fqm_pipe::policy::{
    Checkpoint, EpochMetrics, FinetuneParams, LearnerParams, baselines, functions_of,
};
use fqm_pipe::quest::{Level, Suite};
use fqm_pipe::steps::{
    Challenge, NextFunctionReport, PracticeReport, TrainedModel, Trial, read_suite,
};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::learn::{
    Awr, Course, Exam, Guard, Imitation, Journal, LearnError, Learner, Ppo, Practice, Preference,
    Progress, Trained, families, judge, learn,
};
use crate::material::Material;
use crate::weights::read_checkpoint;

/// The episodes of these domains; all where none is named.
fn of_domains(episodes: Vec<Episode>, domains: &[String]) -> Result<Vec<Episode>, StepFailure> {
    if domains.is_empty() {
        return Ok(episodes);
    }
    let there: BTreeSet<&str> = episodes.iter().map(|e| e.domain.as_str()).collect();
    if let Some(missing) = domains.iter().find(|domain| !there.contains(domain.as_str())) {
        let known = there.into_iter().collect::<Vec<_>>().join(", ");
        return Err(StepFailure::input(format!(
            "find episodes of the domain `{missing}` in the dataset: it has {known}"
        )));
    }
    Ok(episodes.into_iter().filter(|e| domains.contains(&e.domain)).collect())
}

/// A finished training, and what it was made of.
pub struct Finished {
    /// The checkpoint.
    pub trained: Trained,
    material: Material,
    next_function: Option<NextFunctionReport>,
    taught: BTreeMap<String, u64>,
    practice: Option<PracticeReport>,
}

/// What a night trains on.
pub struct Night {
    dataset: Digest,
    episodes: Vec<Episode>,
    suite: Suite,
    base_digest: Option<Digest>,
    base: Option<Checkpoint>,
    hard: Vec<Level>,
    date: LogicalDate,
}

impl Night {
    /// Reads what a training step is given.
    ///
    /// # Errors
    /// When an input is missing or damaged, or a domain is asked for that the dataset lacks.
    pub async fn load(context: &StepContext, params: &FinetuneParams) -> Result<Self, StepFailure> {
        let dataset = context.artifact("dataset")?.digest;
        let (_, episodes) = read(&context.blobs, &dataset).await.map_err(StepFailure::input)?;
        let base_digest = match context.request.inputs.get("base") {
            Some(Input::Alias { digest, .. }) => *digest,
            _ => None,
        };
        let base = match base_digest {
            Some(digest) => Some(read_checkpoint(&context.request.workspace, &digest).await?),
            None => None,
        };
        let hard = match context.artifact("hard") {
            Ok(artifact) => context.blobs.get_json::<Challenge>(&artifact.digest).await?.levels,
            Err(_) => Vec::new(),
        };
        Ok(Self {
            dataset,
            episodes: of_domains(episodes, &params.domains)?,
            suite: read_suite(context).await?,
            base_digest,
            base,
            hard,
            date: context.request.date,
        })
    }

    /// The suite.
    pub fn suite(&self) -> &Suite {
        &self.suite
    }

    /// The champion that training goes on from. One of another shape cannot be continued: training
    /// then starts afresh and says so.
    fn base(&self, params: &FinetuneParams, reporter: &Reporter) -> Option<&Checkpoint> {
        let base = self.base.as_ref()?;
        let fits = base.config.network == params.trainer.network;
        if !fits {
            reporter.log("the champion's network has another shape: training starts afresh");
        }
        fits.then_some(base)
    }

    /// Trains with these parameters, and goes on from what the journal has.
    ///
    /// # Errors
    /// When there is nothing to learn from, a parameter makes no sense, or training diverges.
    pub fn train(
        &self,
        params: &FinetuneParams,
        journal: Option<&dyn Journal>,
        reporter: &Reporter,
    ) -> Result<Finished, StepFailure> {
        let mut params = params.clone();
        // Every night draws levels and an order of its own, and the same night the same.
        params.trainer.seed = date_seed(params.trainer.seed, self.date);
        train(self, &params, journal, reporter)
    }

    /// Stores what a training made.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn store(
        &self,
        context: &StepContext,
        done: Finished,
        search: Option<Vec<Trial>>,
    ) -> Result<StepResult, StepFailure> {
        let (trained, material) = (done.trained, done.material);
        let checkpoint = &trained.checkpoint;
        let config = checkpoint.config_bytes().map_err(StepFailure::internal)?;
        let mut facts = vec![("examples", done.taught.values().sum::<u64>())];
        facts.extend(done.practice.as_ref().map(|p| ("mastered", p.mastered.0 as u64)));
        let made = TrainedModel {
            format: "fqm-trained/2".to_owned(),
            model: context.blobs.put(Bytes::from(checkpoint.model.clone())).await?,
            config: context.blobs.put(Bytes::from(config)).await?,
            dataset: self.dataset,
            base: self.base_digest,
            curve: trained.curve,
            best_epoch: trained.best_epoch,
            replayed: material.replayed,
            from_history: material.from_history,
            not_lifted: material.failed,
            next_function: done.next_function,
            taught: done.taught,
            feedback: material.feedback,
            practice: done.practice,
            search,
        };
        let digest = context.blobs.put_json(&made).await?;
        Ok(StepResult::one("checkpoint", digest, facts))
    }
}

fn train(
    night: &Night,
    params: &FinetuneParams,
    journal: Option<&dyn Journal>,
    reporter: &Reporter,
) -> Result<Finished, StepFailure> {
    let device = device()?;
    let Night { episodes, suite, hard, .. } = night;
    let base = night.base(params, reporter);
    let material = Material::of(episodes, suite, params, reporter);
    tell(&material, reporter);
    let seed = params.trainer.seed;
    let mut curriculum = curriculum(suite, params, base)?;
    let before = curriculum.clone();
    let mut learners: Vec<Box<dyn Learner + '_>> = Vec::new();
    for learner in &params.learners {
        learners.push(match learner.clone() {
            LearnerParams::Imitation(p) => Box::new(Imitation::new(p, &material.imitated)),
            LearnerParams::Awr(p) => Box::new(Awr::new(p, &material.offline)),
            LearnerParams::Preference(p) => Box::new(Preference::new(p, &material.pairs)),
            LearnerParams::Practice(p) => Box::new(Practice::new(p, suite, &before, hard, seed)),
            LearnerParams::Ppo(p) => Box::new(Ppo::new(p, suite, seed)),
        });
    }
    let held = before.held();
    let mut guard = base.map(|base| Guard::new(&params.guard, base, suite, held, seed));
    let course = Course {
        trainer: &params.trainer,
        rounds: params.rounds,
        guard: &params.guard,
        validation: &material.validation,
        device,
        journal,
    };
    let mut taught = BTreeMap::new();
    let mut on = |progress: Progress<'_>| match progress {
        Progress::Asked { round, learner, examples } => {
            reporter.log(format!("round {round}: {examples} examples by {learner}"));
            *taught.entry(learner.to_owned()).or_default() += examples as u64;
        }
        Progress::Pass(metrics) => follow(reporter, metrics),
    };
    let mut trained =
        learn(&mut learners, guard.as_mut(), &course, base, &mut on).map_err(failed)?;
    drop(learners);
    let practice = practised(night, params, &mut trained.checkpoint, &mut curriculum, reporter)?;
    let next_function = next_function(episodes, &material, &trained.checkpoint, device)?;
    Ok(Finished { trained, material, next_function, taught, practice })
}

fn tell(material: &Material, reporter: &Reporter) {
    reporter.log(format!(
        "{} training and {} validation examples: {} replayed on known levels, {} from histories",
        material.imitated.len(),
        material.validation.len(),
        material.replayed,
        material.from_history
    ));
    if let Some(feedback) = &material.feedback {
        let agreement = feedback.agreement.unwrap_or(0.5);
        reporter.log(format!(
            "the reward model puts {:.1} % of held-out pairs in the order of the feedback",
            100.0 * agreement
        ));
    }
    for (reason, count) in &material.failed {
        reporter.log(format!("{count} episodes not lifted: {reason}"));
    }
}

/// How far the champion has come; nowhere where it never practised.
fn curriculum(
    suite: &Suite,
    params: &FinetuneParams,
    base: Option<&Checkpoint>,
) -> Result<Curriculum, StepFailure> {
    let named = params.learners.iter().find_map(|learner| match learner {
        LearnerParams::Practice(p) => Some(p.families.clone()),
        _ => None,
    });
    let named = named.filter(|named| !named.is_empty());
    let families = families(suite, &named.unwrap_or_else(|| suite.all_families()));
    let families = families.map_err(failed)?;
    let fresh = Curriculum::new(suite, &families, &Thresholds::default());
    let noted = base.and_then(|base| base.config.curriculum.clone());
    Ok(match noted.and_then(|noted| serde_json::from_value::<Curriculum>(noted).ok()) {
        Some(earlier) => fresh.after(&earlier),
        None => fresh,
    })
}

/// After practice: how far the challenger comes on fresh levels, noted in its checkpoint.
fn practised(
    night: &Night,
    params: &FinetuneParams,
    challenger: &mut Checkpoint,
    curriculum: &mut Curriculum,
    reporter: &Reporter,
) -> Result<Option<PracticeReport>, StepFailure> {
    let of = |learner: &LearnerParams| match learner {
        LearnerParams::Practice(p) => Some(p.plays),
        _ => None,
    };
    let device = device()?;
    let Some(plays) = params.learners.iter().find_map(of) else { return Ok(None) };
    let seed = derive_seed(params.trainer.seed, "finetune/exam");
    let exam = Exam { suite: &night.suite, plays, round: 1, seed, device };
    judge(curriculum, challenger, &exam, &mut |(held, of)| {
        reporter.progress(held as u64, Some(of as u64), "grades mastered");
    })
    .map_err(failed)?;
    let noted = serde_json::to_value(&*curriculum).map_err(StepFailure::internal)?;
    challenger.config.curriculum = Some(noted);
    let frontier =
        |(name, p): (&String, &fqm_pipe::evaluate::Progress)| (name.clone(), p.frontier());
    let mastered = curriculum.count();
    reporter.log(format!("{} of {} grades mastered", mastered.0, mastered.1));
    Ok(Some(PracticeReport {
        mastered,
        frontiers: curriculum.families.iter().map(frontier).collect(),
        moves: curriculum.record.clone(),
        hard: night.hard.len() as u64,
    }))
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

fn follow(reporter: &Reporter, metrics: &EpochMetrics) {
    reporter.progress(metrics.epoch as u64, Some(metrics.epochs as u64), "epochs");
    let mut values = vec![
        ("epoch", metrics.epoch as f64),
        ("loss", metrics.loss),
        ("accuracy", metrics.accuracy),
        ("gradient_norm", metrics.gradient_norm),
        ("entropy", metrics.entropy),
        ("examples_per_second", metrics.examples_per_second),
    ];
    let known = [
        ("validation_accuracy", metrics.validation_accuracy),
        ("kl", metrics.kl),
        ("forbidden", metrics.forbidden),
        ("value_error", metrics.value_error),
        ("outcome_error", metrics.outcome_error),
    ];
    values.extend(known.into_iter().filter_map(|(name, value)| Some((name, value?))));
    if metrics.undone {
        reporter.log(format!(
            "pass {} undone: it strayed {:.2} nats from the champion",
            metrics.epoch,
            metrics.kl.unwrap_or_default()
        ));
    }
    reporter.metric(values);
}

/// Measures the policy and the baselines on held-out episodes without a known level.
fn next_function(
    episodes: &[Episode],
    material: &Material,
    checkpoint: &Checkpoint,
    device: tch::Device,
) -> Result<Option<NextFunctionReport>, StepFailure> {
    let held_out = &material.held_out;
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
    // Choices of functions that nobody knows count as wrong, as they do for the baselines.
    let choices = (held_out.len() + material.unknown) as u64;
    let policy = right as f64 / choices as f64;
    Ok(Some(NextFunctionReport { choices, policy, baselines }))
}

fn failed(error: LearnError) -> StepFailure {
    StepFailure { kind: FailureKind::Input, message: error.to_string() }
}
