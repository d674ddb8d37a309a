//! What a run report holds: plain values that serialise, with no tie to any other room.
//!
//! Every field that a night may lack is an `Option` or a collection that may be empty, and every
//! struct fills what a file lacks with its default, so an older report can still be read.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// The format that this program writes, with its version after the slash.
pub const REPORT_FORMAT: &str = "fqm-report/1";

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Every step that was due is done, or came from the cache.
    Ok,
    /// At least one step failed.
    Failed,
    /// The night had too little data, or nothing was due.
    Skipped,
    /// The run has not ended yet.
    #[default]
    Running,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// The step ran and its outputs are stored.
    Done,
    /// The outputs were in the cache.
    Hit,
    /// The step ran and failed.
    Failed,
    /// A condition of the pipeline left the step out.
    #[default]
    Skipped,
    /// A step before it failed.
    Blocked,
    /// The step is at work.
    Running,
}

/// One run of a pipeline for one date: all that the page, the JSON and the summary say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunReport {
    /// Always [`REPORT_FORMAT`] in reports that this program writes.
    pub format: String,
    /// The run's id.
    pub run_id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The logical date, `YYYY-MM-DD`.
    pub date: String,
    /// Digest of the frozen plan.
    pub plan: String,
    /// How the run ended.
    pub status: RunStatus,
    /// The night in one sentence, the decision first.
    pub headline: String,
    /// When the run began (RFC 3339).
    pub started: Option<String>,
    /// When the run ended (RFC 3339).
    pub finished: Option<String>,
    /// The steps, in the order of the plan.
    pub steps: Vec<StepReport>,
    /// What was read; `None` when no step read logs.
    pub ingest: Option<IngestReport>,
    /// What curation dropped, rule after rule.
    pub waterfall: Vec<WaterfallRow>,
    /// The last nights, oldest first, tonight (`date`) included.
    pub volumes: Vec<VolumeNight>,
    /// The dataset that the night trained on.
    pub dataset: Option<DatasetCard>,
    /// One point per epoch of training.
    pub learning_curve: Vec<CurvePoint>,
    /// What was learned from, and what practice came to.
    pub training: Option<TrainingReport>,
    /// Next-function accuracy on held-out logged steps, beside simple baselines.
    pub next_function: Option<NextFunction>,
    /// Champion and challenger on the same fresh levels.
    pub evaluation: Option<EvaluationReport>,
    /// What was decided, and on which numbers.
    pub decision: Option<DecisionReport>,
    /// What changed since the night before, in words.
    pub changes: Vec<String>,
    /// What the numbers recommend, in words.
    pub advice: Vec<String>,
    /// What such data can and cannot show, in words.
    pub honesty: Vec<String>,
    /// The exact command that undoes this night's promotion.
    pub rollback: Option<String>,
    /// Digests by name: `dataset`, `checkpoint`, `evaluation`, `decision`.
    pub digests: BTreeMap<String, String>,
}

impl Default for RunReport {
    fn default() -> Self {
        Self {
            format: REPORT_FORMAT.to_owned(),
            run_id: String::new(),
            pipeline: String::new(),
            date: String::new(),
            plan: String::new(),
            status: RunStatus::default(),
            headline: String::new(),
            started: None,
            finished: None,
            steps: Vec::new(),
            ingest: None,
            waterfall: Vec::new(),
            volumes: Vec::new(),
            dataset: None,
            learning_curve: Vec::new(),
            training: None,
            next_function: None,
            evaluation: None,
            decision: None,
            changes: Vec::new(),
            advice: Vec::new(),
            honesty: Vec::new(),
            rollback: None,
            digests: BTreeMap::new(),
        }
    }
}

/// One step of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepReport {
    /// The step's id in the pipeline file.
    pub id: String,
    /// Kind and code version, such as `ingest.logs@2`.
    pub uses: String,
    /// How it ended.
    pub status: StepStatus,
    /// Why it ran (the fields of the cache key that changed), or why it was left out.
    pub cache_reason: Option<String>,
    /// Milliseconds from the run's start to the step's start.
    pub start_ms: Option<u64>,
    /// How long the step took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Ids of the steps whose outputs it needs.
    pub needs: Vec<String>,
    /// Digest of each output, by port.
    pub outputs: BTreeMap<String, String>,
    /// What went wrong, for a failed step.
    pub error: Option<String>,
    /// How often it was tried; 0 for a step that never started.
    pub attempts: u32,
    /// Remarks of the step itself.
    pub notes: Vec<String>,
}

/// What the night read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngestReport {
    /// Objects (files) that were looked at.
    pub objects: u64,
    /// Objects that are not logs and were left alone.
    pub not_logs: Vec<NotALog>,
    /// Rows that landed, by table.
    pub rows: BTreeMap<String, u64>,
    /// Lines that were refused, by rule.
    pub quarantine: BTreeMap<String, u64>,
    /// Rows that were there already and were not added again.
    pub duplicates: u64,
    /// Secrets and personal data replaced by placeholders, by type.
    pub scrubbed: BTreeMap<String, u64>,
    /// Objects by detected format.
    pub formats: BTreeMap<String, u64>,
}

/// An object that was named and left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotALog {
    /// The object's key in the log source.
    pub key: String,
    /// Why it does not count as a log.
    pub reason: String,
}

/// One rule of curation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaterfallRow {
    /// The stage, such as `quality`.
    pub stage: String,
    /// The rule within the stage.
    pub rule: String,
    /// Episodes that reached the rule.
    pub episodes_in: u64,
    /// Episodes that the rule dropped.
    pub dropped: u64,
    /// Episodes that passed.
    pub episodes_out: u64,
    /// Steps in the episodes that passed.
    pub steps_out: u64,
}

/// How much one night brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeNight {
    /// Logical date, `YYYY-MM-DD`.
    pub date: String,
    /// Episodes that landed.
    pub episodes: u64,
    /// Steps that landed.
    pub steps: u64,
    /// Feedback rows that landed.
    pub feedback: u64,
    /// Lines that were refused.
    pub quarantined: u64,
}

/// Counts of the dataset's card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetCard {
    /// The dataset's digest.
    pub id: String,
    /// Counts by name, such as `imitation_episodes`.
    pub counts: BTreeMap<String, u64>,
    /// What the card says in words.
    pub notes: Vec<String>,
}

/// One epoch of training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurvePoint {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Mean training loss; not a number when training diverged.
    #[serde(deserialize_with = "nan_if_null")]
    pub loss: f64,
    /// Share of training choices that match, 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Share of held-out choices that match, 0 to 1.
    pub validation_accuracy: Option<f64>,
    /// Mean norm of the gradient before clipping.
    pub grad_norm: Option<f64>,
    /// Mean entropy of the policy, in nats.
    pub entropy: Option<f64>,
    /// Mean divergence from the champion on what it knows, in nats.
    pub kl: Option<f64>,
    /// Mean error of the estimate of the calls still needed, in calls.
    pub value_error: Option<f64>,
    /// Mean probability of calls that must not be made, where one can be.
    pub forbidden: Option<f64>,
    /// Whether the champion guard undid the epoch.
    pub undone: bool,
}

/// What was learned from, and what practice came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingReport {
    /// Examples by what taught them.
    pub taught: BTreeMap<String, u64>,
    /// Grades mastered, and grades in all, where practice was among the learners.
    pub mastered: Option<(u64, u64)>,
    /// The first grade of each family that is not mastered, such as `2.3`; empty where all are.
    pub frontiers: BTreeMap<String, String>,
    /// Grades that were mastered this night, such as `courier 2.3`.
    pub gained: Vec<String>,
    /// Grades that were lost this night.
    pub lost: Vec<String>,
    /// Levels that were tried in search of some that break the champion, and how many did.
    pub searched: Option<(u64, u64)>,
    /// Of pairs of held-out episodes, the share that the reward model puts in the order of the
    /// feedback.
    pub agreement: Option<f64>,
}

/// How often the next function of a held-out logged step is guessed right (0 to 1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NextFunction {
    /// Steps that were guessed.
    pub n: u64,
    /// The trained policy.
    #[serde(deserialize_with = "nan_if_null")]
    pub policy: f64,
    /// Always the commonest function.
    #[serde(deserialize_with = "nan_if_null")]
    pub majority: f64,
    /// The commonest successor of the last function.
    #[serde(deserialize_with = "nan_if_null")]
    pub bigram: f64,
    /// Back-off n-gram over the last functions.
    #[serde(deserialize_with = "nan_if_null")]
    pub ngram: f64,
}

/// An estimate with its 95 % interval; rates run from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interval {
    /// Lower end.
    #[serde(deserialize_with = "nan_if_null")]
    pub low: f64,
    /// The estimate.
    #[serde(deserialize_with = "nan_if_null")]
    pub mean: f64,
    /// Upper end.
    #[serde(deserialize_with = "nan_if_null")]
    pub high: f64,
}

/// How one agent did over all levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// Which agent: a short digest, or a name such as `random`.
    pub label: String,
    /// Episodes played.
    pub episodes: u64,
    /// Share of episodes that reached the goal.
    pub success: Interval,
    /// Certified minimal calls / calls used, where the minimum is proven (0 to 1).
    pub efficiency: Option<f64>,
    /// Mean reward per episode.
    pub reward: Option<f64>,
    /// Mean share of the calls that followed from what was known (0 to 1), where it was looked at.
    pub reasoning: Option<f64>,
    /// Episodes in which a forbidden call was made.
    pub violations: u64,
}

/// How the challenger did on the safety suites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SafetyReport {
    /// Plays.
    pub plays: u64,
    /// Plays that reached the goal without a forbidden call.
    pub passed: u64,
    /// Plays with a forbidden call.
    pub violations: u64,
    /// Grades of the safety suites.
    pub grades: u64,
    /// Grades that were played.
    pub played_grades: u64,
    /// Mean probability of calls that must not be made, before they are held back (0 to 1).
    pub forbidden_probability: Option<f64>,
    /// Plays with such a call when they are held back.
    pub violations_held_back: Option<u64>,
}

/// Success within one level, or one family of levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassRates {
    /// The level or the family, as a person would name it.
    pub level: String,
    /// Pairs of episodes.
    pub n: u64,
    /// The champion's success; `None` when there was no champion.
    pub champion: Option<Interval>,
    /// The challenger's success.
    pub challenger: Interval,
}

/// A way of failing that the challenger showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailurePattern {
    /// The pattern in words.
    pub pattern: String,
    /// Episodes that failed this way.
    pub count: u64,
    /// One of them: a level, or a short trace.
    pub example: String,
}

/// One night of the past, tonight included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryNight {
    /// Logical date, `YYYY-MM-DD`.
    pub date: String,
    /// The challenger's success that night (0 to 1).
    pub success: Option<f64>,
    /// The challenger's efficiency that night (0 to 1).
    pub efficiency: Option<f64>,
    /// That night's verdict.
    pub verdict: String,
    /// Grades that the challenger of that night had mastered.
    pub mastered: Option<u64>,
}

/// Champion and challenger, paired on the same fresh levels and seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvaluationReport {
    /// Pairs of episodes.
    pub pairs: u64,
    /// The champion; `None` on the first night.
    pub champion: Option<Rates>,
    /// The challenger.
    pub challenger: Rates,
    /// An agent that draws its calls uniformly, on the same levels.
    pub random: Option<Rates>,
    /// The challenger on the safety suites; `None` where they were not played.
    pub safety: Option<SafetyReport>,
    /// Success by level, easiest first.
    pub by_level: Vec<ClassRates>,
    /// Success by family of levels.
    pub by_family: Vec<ClassRates>,
    /// How the challenger failed, commonest first.
    pub failures: Vec<FailurePattern>,
    /// The nights so far, oldest first.
    pub history: Vec<HistoryNight>,
}

/// A number that the decision rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionNumber {
    /// Its name, such as `e-value`.
    pub name: String,
    /// Its value.
    #[serde(deserialize_with = "nan_if_null")]
    pub value: f64,
    /// What it means, in words.
    pub meaning: String,
}

/// What was decided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionReport {
    /// `promoted`, `kept`, `inconclusive`, or another single word.
    pub verdict: String,
    /// Why, in words.
    pub reason: String,
    /// The numbers behind it.
    pub numbers: Vec<DecisionNumber>,
    /// What would have led to another verdict.
    pub would_change: Vec<String>,
    /// Whether the promotion policy wants the safety suites passed, and the night did not play all of
    /// their grades: then it can promote nothing.
    pub wants_safety_played: bool,
}

/// JSON has no NaN: it is written as `null`, and this reads it back.
fn nan_if_null<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(source)?.unwrap_or(f64::NAN))
}
