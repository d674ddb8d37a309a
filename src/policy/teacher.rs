//! A teacher: from levels to examples of what to do in them.
//!
//! Small worlds are searched whole, so every best call of every state is known. Of larger ones a
//! plan is made, and further ones from states off its path, for a learner will leave it too
//! (DAgger: Ross, Gordon and Bagnell, AISTATS 2011). Where outcomes are drawn, an expert is
//! watched while chance and noise lead it astray.

mod whole;

use std::sync::Arc;

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::example::Example;
use super::lift_world::Lifter;
use crate::core::{EpisodeId, rng};
use crate::quest::{Agent, CallId, Expert, Noisy, Play, SolveLimits, World, plan_from};
use whole::Whole;

/// How much a teacher shows. The same parameters and worlds give the same examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TeacherParams {
    /// Seed of all draws.
    pub seed: u64,
    /// Most examples of one world.
    pub per_world: usize,
    /// Worlds of at most this many states are searched whole.
    pub whole_states: usize,
    /// Plans from states off the path, for each larger world.
    pub detours: usize,
    /// Most states of a breadth-first search and of A* for a plan; a greedy search may take four
    /// times as many.
    pub plan_states: usize,
}

impl Default for TeacherParams {
    fn default() -> Self {
        Self { seed: 0, per_world: 40, whole_states: 2_000, detours: 2, plan_states: 500 }
    }
}

/// Calls that a learner makes at random before a detour is planned.
const ASTRAY: usize = 3;
/// Share of an expert's calls that are replaced by random ones.
const NOISE: f32 = 0.2;
/// Episodes of an expert that are watched, the first of them without noise.
const EPISODES: u64 = 4;

/// Makes examples of what to do in these worlds, in their order, and tells `on_world` after each
/// one how many worlds are done. Worlds without a plan within the limits give none.
pub fn teach(
    worlds: &[Arc<World>],
    params: &TeacherParams,
    on_world: &mut dyn FnMut(usize),
) -> Vec<Example> {
    let mut all = Vec::new();
    for (index, world) in worlds.iter().enumerate() {
        let mut lesson = Lesson::new(world, params);
        if world.is_stochastic() {
            lesson.watch();
        } else if let Some(whole) = Whole::search(world, params.whole_states) {
            lesson.choose(&whole);
        } else {
            lesson.plan();
        }
        all.append(&mut lesson.examples);
        on_world(index + 1);
    }
    all
}

/// Makes examples of what should have been done in these plays of one world, the first of which was
/// made without chance: the planner's word on the states that it came to, and on some that it should
/// have come to. Where the planner has no plan, the shortest play that reached the goal stands in.
pub fn relabel(world: &Arc<World>, plays: &[Play], params: &TeacherParams) -> Vec<Example> {
    let mut lesson = Lesson::new(world, params);
    let Some(first) = plays.first() else { return Vec::new() };
    if world.is_stochastic() {
        lesson.correct(first);
        lesson.watch();
    } else if let Some(whole) = Whole::search(world, params.whole_states) {
        lesson.review(&whole, first);
        lesson.choose(&whole);
    } else if is_best(first) || !lesson.guide(first) {
        lesson.repeat(plays);
    }
    lesson.examples
}

/// Whether a play reached the goal with as few calls as are known to be needed.
fn is_best(play: &Play) -> bool {
    let reference = play.world().level().reference.as_ref().filter(|r| r.proven);
    play.goal_achieved() && reference.is_some_and(|r| play.calls_used() <= r.min_calls)
}

/// The examples of one world in the making.
struct Lesson<'a> {
    world: &'a Arc<World>,
    params: &'a TeacherParams,
    rng: ChaCha8Rng,
    lifter: Lifter,
    examples: Vec<Example>,
}

impl<'a> Lesson<'a> {
    fn new(world: &'a Arc<World>, params: &'a TeacherParams) -> Self {
        let rng = rng(params.seed, &format!("policy/teacher/{}", world.content_digest()));
        Self { world, params, rng, lifter: Lifter::default(), examples: Vec::new() }
    }

    fn full(&self) -> bool {
        self.examples.len() >= self.params.per_world
    }

    /// Adds an example unless there are enough, or whatever is called is right.
    fn add(&mut self, play: &Play, right: &[CallId], value: Option<f32>) {
        let place = |call: &CallId| play.applicable().binary_search(call).ok();
        let mut places = right.iter().filter_map(place);
        let Some(target) = places.next() else { return };
        if self.full() || play.applicable().len() <= right.len() {
            return;
        }
        let episode = EpisodeId::new(format!("teacher:{}", self.world.content_digest()));
        let step = self.examples.len() as i32;
        let example = Example::choose(self.lifter.graph(play), target, episode, step);
        self.examples.push(Example { also: places.collect(), value, ..example });
    }

    /// States along a best plan, then others from which the goal can be reached, by turns such in
    /// which a call would spoil that for good and such in which none would.
    fn choose(&mut self, whole: &Whole) {
        let path = whole.path_to_goal(&mut self.rng);
        let mut others: Vec<usize> = whole.solvable().collect();
        others.shuffle(&mut self.rng);
        let (critical, calm): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|state| whole.is_critical(*state));
        let mut queues = [critical.into_iter(), calm.into_iter()];
        let longest = queues.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        let turns = (0..longest).flat_map(|_| queues.each_mut().map(Iterator::next));
        let states: Vec<usize> = path.into_iter().chain(turns.flatten()).collect();
        for state in states {
            if self.full() {
                return;
            }
            let mut play = Play::new(Arc::clone(self.world), 0);
            if whole.history(state).into_iter().all(|call| play.advance(call).is_ok()) {
                self.add(&play, &whole.best(state), whole.calls_needed(state));
            }
        }
    }

    /// States along a plan from the start, and along plans from detours off it.
    fn plan(&mut self) {
        let start = Play::new(Arc::clone(self.world), 0);
        let Some(plan) = self.plan_from(&start) else { return };
        let share = self.params.per_world / (1 + self.params.detours);
        self.follow(start.clone(), &plan, plan.len().max(share));
        for _ in 0..self.params.detours {
            let Some(astray) = self.go_astray(&start, &plan) else { continue };
            let Some(way) = self.plan_from(&astray) else { continue };
            self.follow(astray, &way, share);
        }
    }

    /// The best calls in the states of a play, of which at most half the examples are made.
    fn review(&mut self, whole: &Whole, made: &Play) {
        let mut play = Play::new(Arc::clone(self.world), 0);
        for (call, _) in made.history() {
            if 2 * self.examples.len() >= self.params.per_world {
                return;
            }
            if let Some(state) = whole.find(&play) {
                self.add(&play, &whole.best(state), whole.calls_needed(state));
            }
            if play.advance(*call).is_err() {
                return;
            }
        }
    }

    /// What an expert would have done in the states of a play.
    fn correct(&mut self, made: &Play) {
        let mut expert = Expert::new(SolveLimits::default());
        let mut play = Play::new(Arc::clone(self.world), 0);
        for (call, outcome) in made.history() {
            if 2 * self.examples.len() >= self.params.per_world {
                return;
            }
            if let Some(best) = only(expert.act(&[&play])) {
                self.add(&play, &[best], None);
            }
            if play.apply_logged(*call, *outcome).is_err() {
                return;
            }
        }
    }

    /// Plans from the start and from states of a play, evenly spread. False where there is no plan
    /// from the start.
    fn guide(&mut self, made: &Play) -> bool {
        let start = Play::new(Arc::clone(self.world), 0);
        let Some(plan) = self.plan_from(&start) else { return false };
        let share = self.params.per_world / (1 + self.params.detours);
        self.follow(start.clone(), &plan, plan.len().max(share));
        let made: Vec<CallId> = made.history().iter().map(|(call, _)| *call).collect();
        for nth in 1..=self.params.detours {
            let upto = made.len() * nth / (1 + self.params.detours);
            let mut play = start.clone();
            let astray = made.iter().take(upto).all(|call| play.advance(*call).is_ok());
            if !astray || play.done() {
                continue;
            }
            let Some(way) = self.plan_from(&play) else { continue };
            self.follow(play, &way, share);
        }
        true
    }

    /// The shortest play that reached the goal, as it was made.
    fn repeat(&mut self, plays: &[Play]) {
        let won = plays.iter().filter(|play| play.goal_achieved() && !play.violated());
        let Some(best) = won.min_by_key(|play| play.calls_used()) else { return };
        let calls: Vec<CallId> = best.history().iter().map(|(call, _)| *call).collect();
        let start = Play::new(Arc::clone(self.world), 0);
        self.follow(start, &calls, calls.len());
    }

    fn plan_from(&self, play: &Play) -> Option<Vec<CallId>> {
        let states = self.params.plan_states;
        let limits = SolveLimits {
            bfs_states: states,
            greedy_states: 4 * states,
            astar_states: states,
            ..SolveLimits::default()
        };
        plan_from(play, &limits)
    }

    fn follow(&mut self, mut play: Play, plan: &[CallId], most: usize) {
        for (at, call) in plan.iter().enumerate().take(most) {
            let rest = plan.get(at..).unwrap_or_default();
            let right = interchangeable(&play, rest);
            self.add(&play, &right, Some(rest.len() as f32));
            if play.advance(*call).is_err() {
                return;
            }
        }
    }

    /// Somewhere along the plan a few random calls are made.
    fn go_astray(&mut self, start: &Play, plan: &[CallId]) -> Option<Play> {
        let mut play = start.clone();
        for call in plan.iter().take(self.rng.random_range(0..plan.len().max(1))) {
            play.advance(*call).ok()?;
        }
        for _ in 0..self.rng.random_range(1..=ASTRAY) {
            let calls: Vec<CallId> = play.allowed().collect();
            play.advance(*calls.choose(&mut self.rng)?).ok()?;
        }
        (!play.done()).then_some(play)
    }

    fn watch(&mut self) {
        let mut expert = Expert::new(SolveLimits::default());
        for episode in 0..EPISODES {
            let noise = if episode == 0 { 0.0 } else { NOISE };
            let seed = self.params.seed ^ episode;
            let mut walker = Noisy::new(Expert::new(SolveLimits::default()), noise, seed);
            let mut play = Play::new(Arc::clone(self.world), seed);
            while !play.done() && !self.full() {
                let Some(best) = only(expert.act(&[&play])) else { return };
                self.add(&play, &[best], None);
                let Some(next) = only(walker.act(&[&play])) else { return };
                if play.advance(next).is_err() {
                    return;
                }
            }
        }
    }
}

fn only<E>(choices: Result<Vec<crate::quest::Choice>, E>) -> Option<CallId> {
    Some(choices.ok()?.first()?.call)
}

/// Calls of a plan that may as well come first, its first one ahead of them.
fn interchangeable(play: &Play, plan: &[CallId]) -> Vec<CallId> {
    let mut right: Vec<CallId> = plan.iter().take(1).copied().collect();
    for (at, call) in plan.iter().enumerate().skip(1) {
        if !play.is_applicable(*call) || play.is_forbidden(*call) || right.contains(call) {
            continue;
        }
        let others = plan.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, call)| call);
        let mut trial = play.clone();
        let mut order = std::iter::once(call).chain(others);
        if order.all(|call| !trial.is_forbidden(*call) && trial.advance(*call).is_ok())
            && trial.goal_achieved()
        {
            right.push(*call);
        }
    }
    right
}
