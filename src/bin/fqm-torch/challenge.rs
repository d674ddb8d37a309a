//! The body of `quest.challenge`: searches for levels that break the champion.

use async_trait::async_trait;
use serde_json::Value;

use fqm_pipe::core::derive_seed;
use fqm_pipe::evaluate::{Curriculum, Found, Grade, SearchParams, break_agent, date_seed};
use fqm_pipe::pipeline::{Body, StepContext, StepFailure, StepResult};
use fqm_pipe::policy::Checkpoint;
use fqm_pipe::quest::Suite;
use fqm_pipe::steps::{Challenge, read_suite};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::weights::read_checkpoint;

/// The body.
pub struct Search;

#[async_trait]
impl Body for Search {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: SearchParams = context.params()?;
        let suite = read_suite(context).await?;
        let (_, champion) = context.alias("champion")?;
        let found = match champion {
            Some(digest) => {
                let champion = read_checkpoint(&context.request.workspace, &digest).await?;
                let seed = date_seed(params.seed, context.request.date);
                let seed = derive_seed(seed, "challenge");
                let work = move || search(&suite, &SearchParams { seed, ..params }, &champion);
                tokio::task::spawn_blocking(work).await.map_err(StepFailure::internal)??
            }
            None => {
                context.reporter.log("there is no champion to break yet");
                Found::default()
            }
        };
        let tried: u64 = found.kinds.values().map(|t| t.tried).sum();
        let broken: u64 = found.kinds.values().map(|t| t.broken).sum();
        context.reporter.log(format!("{broken} of {tried} levels broke the champion"));
        let facts: [(&'static str, Value); 3] = [
            ("tried", tried.into()),
            ("broken", broken.into()),
            ("kept", (found.levels.len() as u64).into()),
        ];
        let format = "fqm-challenge/1".to_owned();
        let made = Challenge { format, levels: found.levels, kinds: found.kinds };
        let digest = context.blobs.put_json(&made).await?;
        Ok(StepResult::one("levels", digest, facts))
    }
}

fn search(
    suite: &Suite,
    params: &SearchParams,
    champion: &Checkpoint,
) -> Result<Found, StepFailure> {
    let device = choose(Wish::Cpu).device;
    let agent = PolicyAgent::new("champion", champion, Manner::GREEDY, 0, device);
    let mut agent = agent.map_err(StepFailure::input)?;
    let grades = reached(suite, champion);
    break_agent(&mut agent, suite, &grades, params).map_err(StepFailure::input)
}

/// The grades that a champion has mastered, and the first grade of every family where it has
/// mastered none: what it has not come to yet would break it without telling anything.
fn reached(suite: &Suite, champion: &Checkpoint) -> Vec<(String, Grade)> {
    let noted = champion.config.curriculum.clone();
    let noted = noted.and_then(|noted| serde_json::from_value::<Curriculum>(noted).ok());
    let held = noted.map(|curriculum| curriculum.held()).unwrap_or_default();
    // A suite may have lost a family since.
    let known = suite.all_families();
    let held: Vec<_> = held
        .into_iter()
        .filter(|(family, grade)| known.contains(family) && suite.grades(family).contains(grade))
        .collect();
    if !held.is_empty() {
        return held;
    }
    let first = |family: String| Some((family.clone(), *suite.grades(&family).first()?));
    suite.families().into_iter().filter_map(first).collect()
}
