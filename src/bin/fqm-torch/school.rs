//! Training on levels, outside of a night: the levels that are given, or grade after grade of the
//! suite until every target is reached.
//!
//! A round draws fresh levels of every family's frontier and of mastered grades, lets the teacher
//! show them, learns, and plays fresh levels that nobody learned from. After each round the folder
//! holds all that the next one needs, so a training that was killed ends with the same weights.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rand::seq::IndexedRandom;

use fqm_pipe::core::{derive_seed, digest_json, rng};
use fqm_pipe::evaluate::{
    Curriculum, EpisodeResult, EvalLevel, Grade, Move, plan_level, play_levels, score,
};
use fqm_pipe::pipeline::{Reporter, StepFailure};
use fqm_pipe::policy::{Checkpoint, ImitationParams, TeacherParams};
use fqm_pipe::quest::{Level, Split, Suite, World};
use fqm_pipe::steps::{
    Course, MasteryPlan, PlayedFamily, Round, Stopped, TrainRequest, TrainState,
};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::folder::Folder;
use crate::learn::Trained;
use crate::train::{Progress, TrainParams, Worlds, train};

/// Splits of the levels that decide about mastery: never those that were trained on, nor those that
/// nights are judged by.
const JUDGED_ON: Split = Split::Validation;

/// Trains, and returns what the folder then says of it.
///
/// # Errors
/// When the folder holds another training, the weights or the suite cannot be read, or training
/// diverges.
pub async fn run(request: TrainRequest, reporter: &Reporter) -> Result<TrainState, StepFailure> {
    let base = match &request.base {
        Some(weights) => Some(crate::play::read(weights).await?),
        None => None,
    };
    let plan = digest_json(&request.plan).map_err(StepFailure::internal)?;
    let folder = Folder::new(&request.folder);
    match &request.plan.course {
        Course::Levels(levels) => {
            let state = TrainState::new(plan, Curriculum::default());
            let mut school = School::new(&request, state, base, reporter)?;
            school.levels(levels)?;
            folder.finish(&mut school.state, school.checkpoint.as_ref())?;
            Ok(school.state)
        }
        Course::Mastery(mastery) => {
            let suite = suite(&mastery.files)?;
            let families = families(&suite, mastery)?;
            let fresh = Curriculum::new(&suite, &families, &mastery.thresholds);
            let (state, checkpoint) = match folder.resume(&plan)? {
                Some((state, checkpoint)) => {
                    reporter.log(format!("goes on after round {}", state.rounds.len()));
                    (state, checkpoint)
                }
                None => (TrainState::new(plan, fresh), base),
            };
            let mut school = School::new(&request, state, checkpoint, reporter)?;
            school.mastery(&suite, mastery, &folder, request.seconds)?;
            folder.finish(&mut school.state, school.checkpoint.as_ref())?;
            Ok(school.state)
        }
    }
}

fn suite(files: &BTreeMap<String, String>) -> Result<Suite, StepFailure> {
    let suite = if files.is_empty() { Suite::try_builtin() } else { Suite::from_files(files) };
    suite.map_err(StepFailure::input)
}

fn families(suite: &Suite, plan: &MasteryPlan) -> Result<Vec<String>, StepFailure> {
    if plan.families.is_empty() {
        return Ok(suite.families());
    }
    let known = suite.all_families();
    match plan.families.iter().find(|f| !known.contains(f)) {
        Some(wrong) => Err(StepFailure::input(format!(
            "find the family `{wrong}`: the suite has {}",
            known.join(", ")
        ))),
        None => Ok(plan.families.clone()),
    }
}

/// A training in progress.
struct School<'a> {
    learner: &'a ImitationParams,
    teacher: &'a TeacherParams,
    device: tch::Device,
    reporter: &'a Reporter,
    state: TrainState,
    checkpoint: Option<Checkpoint>,
}

/// A grade of a family.
type FamilyGrade = (String, Grade);

impl<'a> School<'a> {
    fn new(
        request: &'a TrainRequest,
        state: TrainState,
        checkpoint: Option<Checkpoint>,
        reporter: &'a Reporter,
    ) -> Result<Self, StepFailure> {
        let learner = &request.plan.learner;
        if let Some(base) = checkpoint.as_ref().filter(|b| b.config.network != learner.network) {
            return Err(StepFailure::input(format!(
                "go on from weights of another shape: they are {:?}, and {:?} is asked for",
                base.config.network, learner.network
            )));
        }
        let device = choose(Wish::Cpu).device;
        Ok(Self { learner, teacher: &request.plan.teacher, device, reporter, state, checkpoint })
    }

    /// Learns the given levels, and says how they are then played.
    fn levels(&mut self, levels: &[Level]) -> Result<(), StepFailure> {
        let trained = self.lesson(levels, self.learner.clone(), 1)?;
        let seed = derive_seed(self.learner.seed, "train/play");
        let plays: Vec<EvalLevel> =
            levels.iter().map(|level| plan_level(level.clone(), seed, 0)).collect();
        let played = self.play(&plays)?;
        self.round(1, &trained, &played);
        self.state.stopped = Stopped::Learned;
        Ok(())
    }

    /// Goes from grade to grade until every target is reached or a limit is.
    fn mastery(
        &mut self,
        suite: &Suite,
        plan: &MasteryPlan,
        folder: &Folder,
        seconds: Option<f64>,
    ) -> Result<(), StepFailure> {
        let begun = Instant::now();
        loop {
            self.state.stopped = self.stop(plan, begun.elapsed().as_secs_f64(), seconds);
            if self.state.stopped != Stopped::Running {
                return Ok(());
            }
            let round = self.state.rounds.len() as u32 + 1;
            let seed = derive_seed(self.learner.seed, &format!("train/round/{round}"));
            let levels = self.course(suite, plan, seed)?;
            let params = ImitationParams {
                seed,
                learning_rate: self.learner.learning_rate * self.eagerness(),
                ..self.learner.clone()
            };
            let trained = self.lesson(&levels, params, round)?;
            let played = self.judge(suite, plan, round, seed)?;
            self.round(round, &trained, &played);
            folder.save(&mut self.state, self.checkpoint.as_ref())?;
        }
    }

    /// How fast to learn: the more is mastered, the more there is to lose. From 1 down to a quarter.
    fn eagerness(&self) -> f64 {
        let (held, all) = self.state.curriculum.count();
        1.0 - 0.75 * held as f64 / all.max(1) as f64
    }

    fn stop(&self, plan: &MasteryPlan, spent: f64, seconds: Option<f64>) -> Stopped {
        let rounds = self.state.rounds.len() as u32;
        let mastered = self.state.curriculum.record.iter().filter(|a| a.step == Move::Mastered);
        let last = mastered.map(|a| a.round).max().unwrap_or(0);
        if self.state.curriculum.done() {
            Stopped::Ready
        } else if rounds >= plan.rounds {
            Stopped::Rounds
        } else if rounds.saturating_sub(last) >= plan.patience {
            Stopped::Stuck
        } else if seconds.is_some_and(|most| spent >= most) {
            Stopped::Time
        } else {
            Stopped::Running
        }
    }

    /// The training levels of a round: of every frontier, and of mastered grades their share, or as
    /// many as make the round as large as the first one was. A round of few levels would learn
    /// those and lose the rest.
    fn course(
        &self,
        suite: &Suite,
        plan: &MasteryPlan,
        seed: u64,
    ) -> Result<Vec<Level>, StepFailure> {
        let frontiers = self.state.curriculum.frontiers();
        let fresh = frontiers.len() * plan.levels;
        let share = (fresh as f64 * plan.replay / (1.0 - plan.replay).max(0.1)).round() as usize;
        let whole = self.state.curriculum.families.len() * plan.levels;
        let again = share.max(whole.saturating_sub(fresh));
        let mut wanted: BTreeMap<FamilyGrade, usize> = BTreeMap::new();
        frontiers.into_iter().for_each(|grade| *wanted.entry(grade).or_default() += plan.levels);
        let held = self.state.curriculum.held();
        let mut dice = rng(seed, "replay");
        for _ in 0..again {
            if let Some(grade) = held.choose(&mut dice) {
                *wanted.entry(grade.clone()).or_default() += 1;
            }
        }
        let mut levels = Vec::new();
        for ((family, (level, challenge)), n) in wanted {
            let drawn = suite.draw(&family, level, challenge, Split::Train, seed, n);
            levels.extend(drawn.map_err(StepFailure::input)?);
        }
        Ok(levels)
    }

    /// Shows levels and learns from them, from where the weights are now.
    fn lesson(
        &mut self,
        levels: &[Level],
        params: ImitationParams,
        round: u32,
    ) -> Result<Trained, StepFailure> {
        let worlds: Result<Vec<Arc<World>>, _> =
            levels.iter().map(|level| World::ground(level).map(Arc::new)).collect();
        let worlds = worlds.map_err(StepFailure::input)?;
        let teacher = TeacherParams { seed: params.seed, ..self.teacher.clone() };
        let params = TrainParams { teacher, imitation: params };
        let mut follow = |progress: Progress<'_>| self.follow(round, progress);
        let worlds = Worlds { train: &worlds, validation: &[] };
        let trained = train(worlds, &params, self.checkpoint.as_ref(), self.device, &mut follow)
            .map_err(|e| StepFailure::input(e.to_string()))?;
        self.checkpoint = Some(trained.checkpoint.clone());
        Ok(trained)
    }

    fn follow(&self, round: u32, progress: Progress<'_>) {
        match progress {
            Progress::Taught { done, of } => {
                self.reporter.progress(done as u64, Some(of as u64), "levels shown");
            }
            Progress::Epoch(m) => {
                self.reporter.progress(m.epoch as u64, Some(m.epochs as u64), "passes");
                self.reporter.metric([("round", f64::from(round)), ("loss", m.loss)]);
            }
        }
    }

    fn play(&self, plays: &[EvalLevel]) -> Result<Vec<EpisodeResult>, StepFailure> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(Vec::new()) };
        let agent = PolicyAgent::new("student", checkpoint, Manner::GREEDY, 0, self.device);
        let mut agent = agent.map_err(StepFailure::internal)?;
        let traces = play_levels(&mut agent, plays).map_err(StepFailure::input)?;
        Ok(traces.into_iter().map(|trace| trace.result).collect())
    }

    /// Plays every frontier on fresh levels; where it is mastered, the next one at once. One mastered
    /// grade of each family is watched too.
    fn judge(
        &mut self,
        suite: &Suite,
        plan: &MasteryPlan,
        round: u32,
        seed: u64,
    ) -> Result<Vec<EpisodeResult>, StepFailure> {
        let mut all = Vec::new();
        let mut grades = self.watched(seed);
        grades.extend(self.state.curriculum.frontiers());
        while !grades.is_empty() {
            let mut plays = Vec::new();
            for (family, (level, challenge)) in &grades {
                let drawn = suite.draw(family, *level, *challenge, JUDGED_ON, seed, plan.plays);
                let drawn = drawn.map_err(StepFailure::input)?;
                plays.extend(drawn.into_iter().map(|level| plan_level(level, seed, 0)));
            }
            let results = self.play(&plays)?;
            let before = self.state.curriculum.frontiers();
            self.state.curriculum.take(round, &results);
            all.extend(results);
            let moved = |grade: &FamilyGrade| !before.contains(grade);
            grades = self.state.curriculum.frontiers().into_iter().filter(moved).collect();
            let (held, of) = self.state.curriculum.count();
            self.reporter.progress(held as u64, Some(of as u64), "grades mastered");
        }
        Ok(all)
    }

    /// A drawn mastered grade of each family.
    fn watched(&self, seed: u64) -> Vec<FamilyGrade> {
        let mut dice = rng(seed, "watched");
        let families = self.state.curriculum.families.iter();
        families
            .filter_map(|(name, progress)| {
                let held: Vec<Grade> = progress.held().collect();
                Some((name.clone(), *held.choose(&mut dice)?))
            })
            .collect()
    }

    /// Notes what a round did, and tells it.
    fn round(&mut self, round: u32, trained: &Trained, played: &[EpisodeResult]) {
        let last = trained.curve.last();
        let examples = trained.checkpoint.config.training.as_ref().map_or(0, |t| t.examples as u64);
        let before = self.state.rounds.last().map_or(0, |r| r.states);
        let states = before + examples * trained.curve.len() as u64;
        let mut families: BTreeMap<String, Vec<&EpisodeResult>> = BTreeMap::new();
        played.iter().for_each(|r| families.entry(r.family.clone()).or_default().push(r));
        let progress = &self.state.curriculum.families;
        let of = |(family, results): (String, Vec<&EpisodeResult>)| {
            let frontier = progress.get(&family).and_then(|p| p.frontier());
            (family, PlayedFamily { frontier, score: score(results) })
        };
        let made = Round {
            round,
            examples,
            states,
            loss: last.map_or(0.0, |m| m.loss),
            accuracy: last.map_or(0.0, |m| m.accuracy),
            gradient_norm: last.map_or(0.0, |m| m.gradient_norm),
            played: families.into_iter().map(of).collect(),
            mastered: self.state.curriculum.count(),
        };
        let won = played.iter().filter(|r| r.success).count();
        self.reporter.log(format!(
            "round {round}: {} examples, loss {:.3}, {won} of {} fresh plays won, {} of {} grades \
             mastered",
            made.examples,
            made.loss,
            played.len(),
            made.mastered.0,
            made.mastered.1
        ));
        self.state.rounds.push(made);
    }
}
