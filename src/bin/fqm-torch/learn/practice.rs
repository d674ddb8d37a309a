//! Practice on training levels: expert iteration along the grades of the suite.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::seq::IndexedRandom;

use super::plays::roll;
use super::{LearnError, Learner, Now};
use crate::agent::{Manner, PolicyAgent};
use fqm_pipe::core::{derive_seed, rng};
use fqm_pipe::evaluate::{Curriculum, EpisodeResult, Grade, plan_level, play_levels};
use fqm_pipe::policy::{Checkpoint, Example, PracticeParams, TeacherParams, relabel, teach};
use fqm_pipe::quest::{Level, Play, Split, Suite, World};

/// Split of the levels that decide about mastery: never those that were trained on, nor those that
/// nights are judged by.
const JUDGED_ON: Split = Split::Validation;

/// A grade of a family.
type FamilyGrade = (String, Grade);

/// The learner, see [`PracticeParams`].
pub struct Practice<'a> {
    params: PracticeParams,
    suite: &'a Suite,
    curriculum: &'a Curriculum,
    /// Levels to practise on whatever their grade, such as those that broke the champion.
    hard: &'a [Level],
    seed: u64,
}

impl<'a> Practice<'a> {
    /// Practice of what the curriculum says comes next, and of these levels.
    pub fn new(
        params: PracticeParams,
        suite: &'a Suite,
        curriculum: &'a Curriculum,
        hard: &'a [Level],
        seed: u64,
    ) -> Self {
        Self { params, suite, curriculum, hard, seed }
    }

    /// The plays of each world: the first one greedy, the others drawn.
    fn plays(
        &self,
        worlds: &[Arc<World>],
        now: &Now<'_>,
        seed: u64,
    ) -> Result<Vec<Vec<Play>>, LearnError> {
        let drawn = Manner { temperature: self.params.temperature, ..Manner::GREEDY };
        let mut plays: Vec<Vec<Play>> = vec![Vec::new(); worlds.len()];
        for nth in 0..self.params.rollouts.max(1) {
            // Who wins at once need not try again.
            let open: Vec<usize> =
                (0..worlds.len()).filter(|at| plays.get(*at).is_none_or(|p| !known(p))).collect();
            let manner = if nth == 0 { Manner::GREEDY } else { drawn };
            let seed = derive_seed(seed, &format!("practice/{nth}"));
            let mut agent = PolicyAgent::new("student", now.policy, manner, seed, now.device)?;
            let some: Vec<Arc<World>> =
                open.iter().filter_map(|at| worlds.get(*at).cloned()).collect();
            for (at, rollout) in open.into_iter().zip(roll(&mut agent, &some, seed)?) {
                if let Some(list) = plays.get_mut(at) {
                    list.push(rollout.play);
                }
            }
        }
        Ok(plays)
    }
}

/// Whether the first play reached the goal with as few calls as it can be reached.
fn known(plays: &[Play]) -> bool {
    plays.first().is_some_and(|play| {
        let reference = play.world().level().reference.as_ref();
        let least = reference.filter(|r| r.proven).map(|r| r.min_calls);
        play.goal_achieved() && least.is_some_and(|least| play.calls_used() <= least)
    })
}

impl Learner for Practice<'_> {
    fn name(&self) -> &'static str {
        "practice"
    }

    fn lessons(&mut self, now: &Now<'_>) -> Result<Vec<Example>, LearnError> {
        if now.fresh && !self.params.from_scratch {
            return Ok(Vec::new());
        }
        let seed = derive_seed(self.seed, &format!("practice/{}", now.round));
        let mut levels =
            course(self.suite, self.curriculum, self.params.levels, self.params.replay, seed)?;
        levels.extend(self.hard.iter().cloned());
        let worlds = ground(&levels)?;
        let teacher = TeacherParams { seed, ..self.params.teacher.clone() };
        let mut examples = if now.fresh {
            teach(&worlds, &teacher, &mut |_| {})
        } else {
            let plays = self.plays(&worlds, now, seed)?;
            let each = worlds.iter().zip(&plays);
            each.flat_map(|(world, plays)| relabel(world, plays, &teacher)).collect()
        };
        examples.iter_mut().for_each(|example| example.weight = self.params.weight);
        Ok(examples)
    }
}

/// Grounds levels.
pub(super) fn ground(levels: &[Level]) -> Result<Vec<Arc<World>>, LearnError> {
    let world = |level| World::ground(level).map(Arc::new);
    let worlds: Result<Vec<Arc<World>>, _> = levels.iter().map(world).collect();
    worlds.map_err(|e| LearnError::Draw(e.to_string()))
}

/// These families, all ordinary ones where none is named.
///
/// # Errors
/// Names one that the suite lacks.
pub fn families(suite: &Suite, named: &[String]) -> Result<Vec<String>, LearnError> {
    if named.is_empty() {
        return Ok(suite.families());
    }
    let known = suite.all_families();
    match named.iter().find(|f| !known.contains(f)) {
        Some(wrong) => Err(LearnError::Draw(format!(
            "there is no family `{wrong}`: the suite has {}",
            known.join(", ")
        ))),
        None => Ok(named.to_vec()),
    }
}

/// The training levels of a round: `levels` of every frontier, and of mastered grades their share, or
/// as many as make the round as large as the first one was. A round of few levels would learn those
/// and lose the rest.
///
/// # Errors
/// When a level cannot be drawn.
pub fn course(
    suite: &Suite,
    curriculum: &Curriculum,
    levels: usize,
    replay: f64,
    seed: u64,
) -> Result<Vec<Level>, LearnError> {
    let frontiers = curriculum.frontiers();
    let fresh = frontiers.len() * levels;
    let share = (fresh as f64 * replay / (1.0 - replay).max(0.1)).round() as usize;
    let again = share.max((curriculum.families.len() * levels).saturating_sub(fresh));
    let mut wanted: BTreeMap<FamilyGrade, usize> = BTreeMap::new();
    frontiers.into_iter().for_each(|grade| *wanted.entry(grade).or_default() += levels);
    let held = curriculum.held();
    let mut dice = rng(seed, "replay");
    for _ in 0..again {
        if let Some(grade) = held.choose(&mut dice) {
            *wanted.entry(grade.clone()).or_default() += 1;
        }
    }
    let mut drawn = Vec::new();
    for ((family, (level, challenge)), n) in wanted {
        let some = suite.draw(&family, level, challenge, Split::Train, seed, n);
        drawn.extend(some.map_err(|e| LearnError::Draw(e.to_string()))?);
    }
    Ok(drawn)
}

/// How a policy is judged.
#[derive(Debug, Clone, Copy)]
pub struct Exam<'a> {
    /// Where the levels come from.
    pub suite: &'a Suite,
    /// Fresh levels of each grade.
    pub plays: usize,
    /// The round that the record names.
    pub round: u32,
    /// Seed of the levels.
    pub seed: u64,
    /// Where to compute.
    pub device: tch::Device,
}

/// Plays every frontier on fresh levels; where it is mastered, the next one at once. One mastered
/// grade of each family is watched too. `on_grade` hears how many grades are mastered, and of how many.
///
/// # Errors
/// When a level cannot be drawn or played.
pub fn judge(
    curriculum: &mut Curriculum,
    policy: &Checkpoint,
    exam: &Exam<'_>,
    on_grade: &mut dyn FnMut((usize, usize)),
) -> Result<Vec<EpisodeResult>, LearnError> {
    let mut all = Vec::new();
    let mut grades = watched(curriculum, exam.seed);
    grades.extend(curriculum.frontiers());
    while !grades.is_empty() {
        let mut plays = Vec::new();
        for (family, (level, challenge)) in &grades {
            let drawn =
                exam.suite.draw(family, *level, *challenge, JUDGED_ON, exam.seed, exam.plays);
            let drawn = drawn.map_err(|e| LearnError::Draw(e.to_string()))?;
            plays.extend(drawn.into_iter().map(|level| plan_level(level, exam.seed, 0)));
        }
        let mut agent = PolicyAgent::new("student", policy, Manner::GREEDY, 0, exam.device)?;
        let traces =
            play_levels(&mut agent, &plays).map_err(|e| LearnError::Draw(e.to_string()))?;
        let results: Vec<EpisodeResult> = traces.into_iter().map(|trace| trace.result).collect();
        let before = curriculum.frontiers();
        curriculum.take(exam.round, &results);
        all.extend(results);
        let moved = |grade: &FamilyGrade| !before.contains(grade);
        grades = curriculum.frontiers().into_iter().filter(moved).collect();
        on_grade(curriculum.count());
    }
    Ok(all)
}

/// A drawn mastered grade of each family.
fn watched(curriculum: &Curriculum, seed: u64) -> Vec<FamilyGrade> {
    let mut dice = rng(seed, "watched");
    let one = |(name, progress): (&String, &fqm_pipe::evaluate::Progress)| {
        let held: Vec<Grade> = progress.held().collect();
        Some((name.clone(), *held.choose(&mut dice)?))
    };
    curriculum.families.iter().filter_map(one).collect()
}
