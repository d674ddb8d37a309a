//! Stage 5: what may be imitated. High quality is success (status `ok` and enough reward) and mean
//! feedback above the threshold. Without feedback the outcome reward stands in. What fails stays in
//! the dataset for offline learning, which needs failures as well.

use polars::prelude::*;

use super::{Filter, Finding, Setting, Table, each};
use crate::curate::columns::{double, long, text};
use crate::curate::{CurateError, Dropped, Role};

const STATUS: &str = "status_not_ok";
const NO_OUTCOME: &str = "no_outcome";
const REWARD: &str = "reward_too_low";
const FEEDBACK: &str = "feedback_too_low";
const SCALE: &str = "score_out_of_range";

/// Rewards that fall short of success by rounding alone count as success.
const TOLERANCE: f64 = 1e-9;

pub(in crate::curate) const FILTER: Filter = Filter {
    stage: "quality",
    rules: &[
        (STATUS, Role::Imitation),
        (NO_OUTCOME, Role::Imitation),
        (REWARD, Role::Imitation),
        (FEEDBACK, Role::Imitation),
    ],
    find,
};

fn find(table: &Table, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    let mut findings = status(&table.episodes)?;
    findings.extend(no_outcome(&table.episodes, setting)?);
    findings.extend(reward(&table.episodes, setting)?);
    findings.extend(feedback(&table.episodes, setting)?);
    findings.extend(scale(table)?);
    Ok(findings)
}

fn status(episodes: &DataFrame) -> Result<Vec<Finding>, CurateError> {
    let failed = col("status").is_null().or(col("status").neq(lit("ok")));
    let hits = episodes.clone().lazy().filter(failed).collect()?;
    let status = text(&hits, "status")?;
    each(&hits, |id, row| {
        let status = status.get(row).unwrap_or("unknown");
        Finding::episode(STATUS, id, format!("it ended `{status}`"))
    })
}

/// Nothing measured whether it succeeded.
fn no_outcome(episodes: &DataFrame, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    let mut unknown = col("reward").is_null();
    if setting.params.feedback_proves_success {
        unknown = unknown.and(col("feedback").is_null());
    }
    let hits = episodes.clone().lazy().filter(unknown).collect()?;
    each(&hits, |id, _| {
        Finding::episode(NO_OUTCOME, id, "the log has no reward, so its success is unknown")
    })
}

fn reward(episodes: &DataFrame, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    let wanted = setting.params.success_reward;
    // Not "less than": a reward that is not a number is no success.
    let enough = col("reward").gt_eq(lit(wanted - TOLERANCE)).and(col("reward").is_nan().not());
    let low = col("reward").is_not_null().and(enough.not());
    let hits = episodes.clone().lazy().filter(low).collect()?;
    let rewards = double(&hits, "reward")?;
    each(&hits, |id, row| {
        let reward = rewards.get(row).unwrap_or_default();
        Finding::episode(REWARD, id, format!("reward {reward}, success is {wanted}"))
            .measured(reward, wanted)
    })
}

fn feedback(episodes: &DataFrame, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    let above = setting.params.min_feedback;
    let hits = episodes.clone().lazy().filter(col("feedback").lt_eq(lit(above))).collect()?;
    let (means, counts) = (double(&hits, "feedback")?, long(&hits, "judgements")?);
    each(&hits, |id, row| {
        let (mean, n) = (means.get(row).unwrap_or_default(), counts.get(row).unwrap_or_default());
        let evidence = format!("mean feedback {mean} of {n} score(s), more than {above} is wanted");
        Finding::episode(FEEDBACK, id, evidence).measured(mean, above)
    })
}

/// Judgements on a scale that no threshold knows: the feedback is left out, the episode is not.
fn scale(table: &Table) -> Result<Vec<Finding>, CurateError> {
    let here = table.episodes.clone().lazy().select([col("episode_id")]);
    let on = || col("episode_id");
    let hits = table.odd_feedback.clone().lazy().semi_join(here, on(), on()).collect()?;
    let (scores, events) = (double(&hits, "score")?, text(&hits, "feedback_id")?);
    each(&hits, |id, row| {
        let score = scores.get(row).unwrap_or_default();
        let evidence = format!("score {score} is outside 0 to 1, so it cannot be averaged");
        let finding = Finding::episode(SCALE, id, evidence).measured(score, 1.0);
        finding.row(Dropped::Feedback, events.get(row))
    })
}
