//! Training on levels, outside of a night: the levels that are given, or grade after grade of the
//! suite until every target is reached.
//!
//! A round draws fresh levels of every family's frontier and of mastered grades, lets the teacher
//! show them, learns, and plays fresh levels that nobody learned from. After each round the folder
//! holds all that the next one needs, so a training that was killed ends with the same weights.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use fqm_pipe::core::{derive_seed, digest_json};
use fqm_pipe::evaluate::{
    Curriculum, EpisodeResult, EvalLevel, Move, plan_level, play_levels, score,
};
use fqm_pipe::pipeline::{Reporter, StepFailure};
use fqm_pipe::policy::{Checkpoint, TeacherParams, TrainerParams};
use fqm_pipe::quest::{Level, Suite, World};
use fqm_pipe::steps::{
    Course, MasteryPlan, PlayedFamily, Round, Stopped, TrainRequest, TrainState,
};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::folder::Folder;
use crate::learn::{Exam, Trained, course, families, judge};
use crate::train::{Progress, TrainParams, Worlds, train};

/// Trains, and returns what the folder then says of it.
///
/// # Errors
/// When the folder holds another training, the weights or the suite cannot be read, or training
/// diverges.
pub async fn run(request: TrainRequest, reporter: &Reporter) -> Result<TrainState, StepFailure> {
    let base = match &request.base {
        Some(weights) => Some(crate::weights::read(weights).await?),
        None => None,
    };
    let plan = digest_json(&request.plan).map_err(StepFailure::internal)?;
    let folder = Folder::new(&request.folder);
    match &request.plan.course {
        Course::Levels(levels) => {
            let state = TrainState::new(plan, Curriculum::default());
            let mut school = School::new(&request, state, base, &folder, reporter)?;
            school.levels(levels)?;
            folder.finish(&mut school.state, school.checkpoint.as_ref())?;
            Ok(school.state)
        }
        Course::Mastery(mastery) => {
            let suite = suite(&mastery.files)?;
            let families = families(&suite, &mastery.families).map_err(StepFailure::input)?;
            let fresh = Curriculum::new(&suite, &families, &mastery.thresholds);
            let (state, checkpoint) = match folder.resume(&plan)? {
                Some((state, checkpoint)) => {
                    reporter.log(format!("goes on after round {}", state.rounds.len()));
                    (state, checkpoint)
                }
                None => (TrainState::new(plan, fresh), base),
            };
            let mut school = School::new(&request, state, checkpoint, &folder, reporter)?;
            school.mastery(&suite, mastery, request.seconds)?;
            folder.finish(&mut school.state, school.checkpoint.as_ref())?;
            Ok(school.state)
        }
    }
}

fn suite(files: &BTreeMap<String, String>) -> Result<Suite, StepFailure> {
    let suite = if files.is_empty() { Suite::try_builtin() } else { Suite::from_files(files) };
    suite.map_err(StepFailure::input)
}

/// A training in progress.
struct School<'a> {
    learner: &'a TrainerParams,
    teacher: &'a TeacherParams,
    device: tch::Device,
    reporter: &'a Reporter,
    folder: &'a Folder,
    state: TrainState,
    checkpoint: Option<Checkpoint>,
}

impl<'a> School<'a> {
    fn new(
        request: &'a TrainRequest,
        state: TrainState,
        checkpoint: Option<Checkpoint>,
        folder: &'a Folder,
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
        let teacher = &request.plan.teacher;
        Ok(Self { learner, teacher, device, reporter, folder, state, checkpoint })
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
            let levels = course(suite, &self.state.curriculum, plan.levels, plan.replay, seed)
                .map_err(StepFailure::input)?;
            let params = TrainerParams {
                seed,
                learning_rate: self.learner.learning_rate * self.eagerness(),
                ..self.learner.clone()
            };
            let trained = self.lesson(&levels, params, round)?;
            let played = self.judge(suite, plan, round, seed)?;
            self.round(round, &trained, &played);
            self.folder.save(&mut self.state, self.checkpoint.as_ref())?;
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

    /// Shows levels and learns from them, from where the weights are now.
    fn lesson(
        &mut self,
        levels: &[Level],
        params: TrainerParams,
        round: u32,
    ) -> Result<Trained, StepFailure> {
        let worlds: Result<Vec<Arc<World>>, _> =
            levels.iter().map(|level| World::ground(level).map(Arc::new)).collect();
        let worlds = worlds.map_err(StepFailure::input)?;
        let teacher = TeacherParams { seed: params.seed, ..self.teacher.clone() };
        let params = TrainParams { teacher, trainer: params };
        let mut follow = |progress: Progress<'_>| self.follow(round, progress);
        let worlds = Worlds { train: &worlds, validation: &[] };
        let journal = self.folder.journal(&self.state.plan, round);
        let base = self.checkpoint.as_ref();
        let trained = train(worlds, &params, base, self.device, Some(&journal), &mut follow)
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

    /// Judges the weights on fresh levels.
    fn judge(
        &mut self,
        suite: &Suite,
        plan: &MasteryPlan,
        round: u32,
        seed: u64,
    ) -> Result<Vec<EpisodeResult>, StepFailure> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(Vec::new()) };
        let exam = Exam { suite, plays: plan.plays, round, seed, device: self.device };
        let mut follow = |(held, of): (usize, usize)| {
            self.reporter.progress(held as u64, Some(of as u64), "grades mastered");
        };
        judge(&mut self.state.curriculum, checkpoint, &exam, &mut follow)
            .map_err(StepFailure::input)
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
