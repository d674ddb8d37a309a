//! The reasoning quality of an episode: whether each call followed from what was known when it
//! was made.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::causes::needed;
use super::relaxed::Relaxed;
use crate::quest::play::Play;
use crate::quest::world::{Call, CallId, World};

/// What is wrong with a call.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// It must not be made.
    Forbidden,
    /// It cannot be made.
    Impossible,
    /// An argument is an object that no call had made yet.
    Uninformed,
    /// It leads to nothing that the episode did not have before.
    Repeated,
    /// It undoes a part of the goal, and nothing came of it.
    Undoing,
    /// It does not bring the goal nearer.
    Useless,
}

/// How well the calls of an episode followed from what was known when they were made.
///
/// All shares are of the calls made, 0 to 1; 1 for an episode without calls that has its goal, 0
/// for one that has not. An optimal plan scores 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reasoning {
    /// Share of calls without a flaw.
    pub score: f64,
    /// Share of calls that served the goal: the goal was reached and rests on them; or they
    /// belong to a relaxed plan from where they were made, or leave a shorter one.
    pub useful: f64,
    /// Share of calls whose arguments were known.
    pub informed: f64,
    /// Share of calls that led to something new.
    pub fresh: f64,
    /// Share of calls that were allowed.
    pub allowed: f64,
    /// Share of calls that did not undo a part of the goal in vain.
    pub careful: f64,
    /// Per call: its flaws, sorted; empty for a good one.
    pub flaws: Vec<Vec<Flaw>>,
}

/// What is known of a step when it is made.
struct Judged {
    foresight: bool,
    fresh: bool,
    informed: bool,
    allowed: bool,
    undoes: bool,
}

/// Judges an episode of this world, given as calls and outcomes.
///
/// Calls are judged by their intended outcome: bad luck is no flaw. A call that could not be made
/// ends the judging; it and all after it are flawed.
pub fn reasoning(world: &Arc<World>, history: &[(CallId, usize)]) -> Reasoning {
    let mut judge = Judge::new(world);
    let mut judged = Vec::with_capacity(history.len());
    for &(call, outcome) in history {
        match judge.step(call, outcome) {
            Some(step) => judged.push(step),
            None => break,
        }
    }
    let reached = judge.play.goal_achieved();
    let made = history.get(..judged.len()).unwrap_or(history);
    let needed = if reached { needed(world, made) } else { Vec::new() };
    let mut flaws: Vec<Vec<Flaw>> = Vec::with_capacity(history.len());
    for (i, step) in judged.iter().enumerate() {
        flaws.push(step.flaws(needed.get(i) == Some(&true)));
    }
    flaws.resize(history.len(), vec![Flaw::Impossible]);
    summary(flaws, reached)
}

fn summary(flaws: Vec<Vec<Flaw>>, reached: bool) -> Reasoning {
    let share = |bad: &[Flaw]| {
        if flaws.is_empty() {
            return f64::from(u8::from(reached));
        }
        let good = flaws.iter().filter(|f| !f.iter().any(|f| bad.contains(f))).count();
        good as f64 / flaws.len() as f64
    };
    use Flaw::{Forbidden, Impossible, Repeated, Undoing, Uninformed, Useless};
    Reasoning {
        score: share(&[Forbidden, Impossible, Uninformed, Repeated, Undoing, Useless]),
        useful: share(&[Impossible, Useless]),
        informed: share(&[Impossible, Uninformed]),
        fresh: share(&[Impossible, Repeated]),
        allowed: share(&[Impossible, Forbidden]),
        careful: share(&[Impossible, Undoing]),
        flaws,
    }
}

impl Judged {
    fn flaws(&self, needed: bool) -> Vec<Flaw> {
        let useful = needed || self.foresight;
        let found = [
            (!self.allowed, Flaw::Forbidden),
            (!self.informed, Flaw::Uninformed),
            (!self.fresh && !needed, Flaw::Repeated),
            (self.undoes && !useful, Flaw::Undoing),
            (!useful, Flaw::Useless),
        ];
        found.into_iter().filter_map(|(bad, flaw)| bad.then_some(flaw)).collect()
    }
}

struct Judge<'w> {
    play: Play,
    relaxed: Relaxed<'w>,
    /// States so far: facts, and the level's own fluents.
    seen: Vec<(Vec<u64>, Vec<i64>)>,
    /// Objects that calls make and have not made yet.
    unmade: BTreeSet<usize>,
    /// Calls of a relaxed plan from here; none where there is none.
    plan: Option<Vec<CallId>>,
    /// Fluents of the level itself.
    own: Vec<usize>,
}

impl<'w> Judge<'w> {
    fn new(world: &'w Arc<World>) -> Self {
        let play = Play::new(Arc::clone(world), 0);
        let mut relaxed = Relaxed::new(world);
        let plan = relaxed.plan(&play);
        let named = |name: &str| world.level().fluents.contains_key(name);
        let fluents = world.fluents().iter().enumerate();
        let own = fluents.filter(|(_, f)| named(&f.name)).map(|(i, _)| i).collect();
        let unmade = world.calls().iter().filter_map(|c| c.returns).collect();
        let mut judge = Self { play, relaxed, seen: Vec::new(), unmade, plan, own };
        judge.remember();
        judge
    }

    fn state(&self) -> (Vec<u64>, Vec<i64>) {
        let own = self.own.iter().map(|&f| self.play.fluent(f)).collect();
        (self.play.bits().to_vec(), own)
    }

    fn remember(&mut self) {
        let state = self.state();
        self.seen.push(state);
    }

    /// Whether the episode has already been where nothing was worse than it is now.
    fn known(&self) -> bool {
        let (bits, own) = self.state();
        self.seen.iter().any(|(b, o)| *b == bits && own.iter().zip(o).all(|(new, old)| new <= old))
    }

    /// Makes a step and judges it; none where it cannot be made.
    fn step(&mut self, id: CallId, outcome: usize) -> Option<Judged> {
        let world = Arc::clone(self.play.world());
        let call = world.calls().get(id as usize)?;
        if !self.play.is_applicable(id) {
            return None;
        }
        let allowed = !self.play.is_forbidden(id);
        let informed = !call.args.iter().any(|arg| self.unmade.contains(arg));
        let promising = self.promising(call, id);
        let parts = self.parts();
        // The decision is judged by what it meant to bring.
        self.play.apply_logged(id, 0).ok()?;
        let (fresh, undoes) = (!self.known(), self.lost(&parts));
        let length = |plan: &Option<Vec<CallId>>| plan.as_ref().map_or(usize::MAX, Vec::len);
        let mut next = self.relaxed.plan(&self.play);
        let nearer = length(&next) < length(&self.plan) || self.play.goal_achieved();
        if outcome != 0 {
            self.play.undo();
            self.play.apply_logged(id, outcome).ok()?;
            next = self.relaxed.plan(&self.play);
        }
        self.plan = next;
        self.remember();
        let failed = call.outcomes.get(outcome).is_some_and(|o| o.failed);
        if let Some(made) = call.returns.filter(|_| !failed) {
            self.unmade.remove(&made);
        }
        Some(Judged { foresight: promising || nearer, fresh, informed, allowed, undoes })
    }

    /// Whether the call belongs to a relaxed plan from here, pays for one, or rightly waits.
    fn promising(&self, call: &Call, id: CallId) -> bool {
        let Some(plan) = &self.plan else { return false };
        if plan.binary_search(&id).is_ok() {
            return true;
        }
        if call.wait {
            return !plan.iter().any(|&c| self.play.is_applicable(c));
        }
        self.short(plan).iter().any(|&fluent| {
            let intended = call.outcomes.first().into_iter().flat_map(|o| &o.num);
            intended
                .into_iter()
                .any(|e| e.fluent == fluent && raises(e.change, self.play.fluent(fluent)))
        })
    }

    /// Fluents of which the relaxed plan uses more than there is.
    fn short(&self, plan: &[CallId]) -> Vec<usize> {
        let world = self.play.world();
        let mut left: Vec<i64> = self.play.fluents().to_vec();
        for &id in plan {
            let intended = world.calls().get(id as usize).and_then(|c| c.outcomes.first());
            for effect in intended.into_iter().flat_map(|o| &o.num) {
                if let (crate::quest::world::NumChange::Add(by), Some(value)) =
                    (effect.change, left.get_mut(effect.fluent))
                {
                    *value += by;
                }
            }
        }
        let wanted = world.goal_num().iter().filter(|t| !t.holds(&left)).map(|t| t.fluent);
        let floors = world.fluents().iter().zip(&left).enumerate();
        let under = floors.filter(|(_, (f, value))| !f.ticks && **value < f.min).map(|(i, _)| i);
        wanted.chain(under).collect()
    }

    /// Parts of the goal: whether each holds.
    fn parts(&self) -> Vec<bool> {
        let world = self.play.world();
        let on = world.goal_true().iter().map(|&f| self.play.is_true(f));
        let off = world.goal_false().iter().map(|&f| !self.play.is_true(f));
        on.chain(off).collect()
    }

    fn lost(&self, before: &[bool]) -> bool {
        before.iter().zip(self.parts()).any(|(&was, is)| was && !is)
    }
}

fn raises(change: crate::quest::world::NumChange, now: i64) -> bool {
    match change {
        crate::quest::world::NumChange::Add(by) => by > 0,
        crate::quest::world::NumChange::Set(to) => to > now,
    }
}
