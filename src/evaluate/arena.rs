//! Agents on the same plays, side by side: the document `fq-run/1`. Equal requests give equal bytes;
//! how long playing took stands elsewhere.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compare::{PairedReport, Score, compare, score};
use super::groups::{FailureGroup, failure_groups};
use super::mastery::{Mastery, TargetStanding, mastery_for, standings};
use super::play::Trace;
use super::result::EpisodeResult;
use crate::quest::{Split, Suite, Target};

/// Format version of [`ArenaRun`].
pub const RUN_SCHEMA: &str = "fq-run/1";
/// Upper ends of the classes in which calls are counted, in calls of the least that is possible.
const CLASSES: [(f64, &str); 4] =
    [(1.0, "1"), (1.25, "up to 1.25"), (1.5, "up to 1.5"), (2.0, "up to 2")];

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRequest {
    /// The split that levels were drawn from; none where files were played.
    pub split: Option<Split>,
    /// The seed of levels, outcomes and agents.
    pub seed: u64,
    /// Plays for each grade, or for each file.
    pub plays: u64,
    /// Levels among those played that were given as they are: files and hand-written ones.
    #[serde(default)]
    pub given: u64,
}

/// Agents on the same plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArenaRun {
    /// Format of this document: `fq-run/1`.
    pub schema: String,
    /// What was asked for.
    pub request: RunRequest,
    /// One entry for each agent, in the order asked for.
    pub agents: Vec<AgentRun>,
}

/// How one agent did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRun {
    /// The agent, as it is asked for.
    pub agent: String,
    /// All plays together.
    pub overall: Score,
    /// By level grade, in rising order.
    pub by_level: Vec<ScoreRow>,
    /// By family, by name.
    pub by_family: Vec<ScoreRow>,
    /// By family, level and challenge, with mastery.
    pub grades: Vec<Mastery>,
    /// The targets of the families that were played.
    pub targets: Vec<TargetStanding>,
    /// How many calls the plays took.
    pub calls: CallsSpread,
    /// The failures, grouped, commonest first.
    pub failures: Vec<FailureGroup>,
    /// This agent against the first one, pair by pair; none for the first itself.
    pub against_first: Option<PairedReport>,
    /// Every play, in the order of the levels.
    pub episodes: Vec<EpisodeResult>,
}

/// The score of a part of the plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreRow {
    /// `level 2`, or a family.
    pub name: String,
    /// The score there.
    pub score: Score,
}

/// Plays by the calls that they took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallsSpread {
    /// Successes by calls used over the least possible, where that is proven.
    pub classes: Vec<CallsClass>,
    /// Successes without a proven minimum.
    pub unproven: u64,
    /// Plays that failed.
    pub failed: u64,
}

/// One class of successes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallsClass {
    /// `1` for the least possible, `up to 1.25` times it, and so on.
    pub times: String,
    /// Successes in it.
    pub plays: u64,
}

/// JSON Schema of [`ArenaRun`].
pub fn run_schema() -> schemars::Schema {
    schemars::schema_for!(ArenaRun)
}

impl ArenaRun {
    /// Sums up the plays of the agents, which are all of the same levels with the same seeds. The
    /// targets are those of the suite.
    pub fn new(request: RunRequest, played: &[(String, Vec<Trace>)], suite: &Suite) -> Self {
        let mut agents: Vec<AgentRun> = Vec::with_capacity(played.len());
        for (agent, traces) in played {
            let mut one = of_agent(agent, traces, suite);
            one.against_first = agents.first().map(|f| compare(&f.episodes, &one.episodes));
            agents.push(one);
        }
        Self { schema: RUN_SCHEMA.to_owned(), request, agents }
    }
}

fn of_agent(agent: &str, traces: &[Trace], suite: &Suite) -> AgentRun {
    let episodes: Vec<EpisodeResult> = traces.iter().map(|t| t.result.clone()).collect();
    let target =
        |family: &str| suite.declaration(family).map_or_else(Target::default, |d| d.target.clone());
    let grades = mastery_for(&episodes, target);
    AgentRun {
        agent: agent.to_owned(),
        overall: score(&episodes),
        by_level: level_rows(&episodes),
        by_family: family_rows(&episodes),
        targets: standings(&grades, suite),
        grades,
        calls: spread(&episodes),
        failures: failure_groups(traces),
        against_first: None,
        episodes,
    }
}

/// The scores by level grade, in rising order.
pub fn level_rows(plays: &[EpisodeResult]) -> Vec<ScoreRow> {
    rows(plays, |r| r.level, |level| format!("level {level}"))
}

/// The scores by family, by name.
pub fn family_rows(plays: &[EpisodeResult]) -> Vec<ScoreRow> {
    rows(plays, |r| r.family.clone(), Clone::clone)
}

fn rows<K: Ord>(
    plays: &[EpisodeResult],
    key: impl Fn(&EpisodeResult) -> K,
    name: impl Fn(&K) -> String,
) -> Vec<ScoreRow> {
    let mut groups: BTreeMap<K, Vec<&EpisodeResult>> = BTreeMap::new();
    for play in plays {
        groups.entry(key(play)).or_default().push(play);
    }
    let row = |(key, plays): (&K, &Vec<&EpisodeResult>)| ScoreRow {
        name: name(key),
        score: score(plays.iter().copied()),
    };
    groups.iter().map(row).collect()
}

fn spread(plays: &[EpisodeResult]) -> CallsSpread {
    let names = CLASSES.iter().map(|(_, name)| *name).chain(["more"]);
    let mut classes: Vec<CallsClass> =
        names.map(|times| CallsClass { times: times.to_owned(), plays: 0 }).collect();
    let mut unproven = 0;
    for play in plays.iter().filter(|play| play.success) {
        let Some(efficiency) = play.efficiency else {
            unproven += 1;
            continue;
        };
        let times = 1.0 / efficiency;
        let class = CLASSES.iter().position(|(end, _)| times <= end + 1e-9);
        if let Some(class) = classes.get_mut(class.unwrap_or(CLASSES.len())) {
            class.plays += 1;
        }
    }
    let failed = plays.iter().filter(|play| !play.success).count() as u64;
    CallsSpread { classes, unproven, failed }
}
