//! Judging a plan: whether its calls can be made one after the other and reach the goal, and
//! where and why not otherwise.

mod fault;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use fault::{PlanFault, Verdict};
use text::{Step, read_plan};

use super::check::Names;
use super::expr::{Atom, Condition, Term, Test};
use super::level::Level;
use super::pddl::same_name;
use super::play::Play;
use super::world::{Call, CallId, FactId, GroundError, NumTest, World};
use crate::core::nearest;

/// Judges plans for one level.
///
/// Steps may be written as PDDL writes them or as levels name calls, in any case. Where a call has
/// several outcomes and the step names none (`build(p)#timeout`), the first is taken. As in PDDL,
/// steps may follow after the goal was reached; it must hold after the last one.
#[derive(Debug)]
pub struct Validator {
    level: Level,
    world: Arc<World>,
    /// Facts that can change, by name.
    facts: BTreeMap<String, FactId>,
    /// Facts that are true and stay so.
    constants: BTreeSet<String>,
    calls: BTreeMap<(usize, Vec<usize>), Vec<CallId>>,
}

impl Validator {
    /// Grounds the level. A goal that no calls can reach is no error here: plans miss it.
    ///
    /// # Errors
    /// Where the level has too many calls or facts.
    pub fn new(level: &Level) -> Result<Self, GroundError> {
        // Without its goal, and with room for every step, the world says what each step does.
        let mut open = Level { goal: Condition::default(), ..level.clone() };
        open.limits.max_calls = u32::MAX;
        let world = World::ground(&open)?;
        let facts = (0u32..).zip(world.facts()).map(|(id, fact)| (fact.name.clone(), id));
        let mut calls: BTreeMap<(usize, Vec<usize>), Vec<CallId>> = BTreeMap::new();
        for (id, call) in (0u32..).zip(world.calls()) {
            calls.entry((call.function, call.args.clone())).or_default().push(id);
        }
        let facts = facts.collect();
        let constants = world.constants().iter().map(|fact| fact.name.clone()).collect();
        Ok(Self { level: level.clone(), world: Arc::new(world), facts, constants, calls })
    }

    /// Judges the text of a plan; the empty plan is right where the goal holds at the start.
    pub fn judge(&self, text: &str) -> Verdict {
        let (steps, unreadable) = read_plan(text);
        let mut play = Play::new(Arc::clone(&self.world), 0);
        let mut cost = 0.0;
        let mut fault = None;
        for (number, step) in (1..).zip(&steps) {
            match self.make(&mut play, number, step) {
                Ok(paid) => cost += paid,
                Err(found) => {
                    fault = Some(found);
                    break;
                }
            }
        }
        let parts = self.level.goal.0.len();
        let missing = self.unmet(&play, &self.level.goal, &BTreeMap::new());
        let goal = if parts == 0 { 1.0 } else { 1.0 - missing.len() as f64 / parts as f64 };
        let unread = unreadable.map(|u| PlanFault::Unreadable { line: u.line, text: u.text });
        let missed = (!missing.is_empty()).then_some(PlanFault::GoalMissed { missing });
        let fault = fault.or(unread).or(missed);
        let steps = play.history().len();
        Verdict { valid: fault.is_none(), steps, cost, goal, fault }
    }

    /// Makes one step; returns what it costs.
    fn make(&self, play: &mut Play, number: usize, step: &Step) -> Result<f64, PlanFault> {
        let max_calls = self.level.limits.max_calls;
        if play.calls_used() >= max_calls {
            return Err(PlanFault::TooLong { step: number, max_calls });
        }
        let (function, args) = self.resolve(number, step)?;
        let name = self.call_name(function, &args);
        let made = step.returns.as_deref();
        let found = self.calls.get(&(function, args.clone())).map_or(&[][..], Vec::as_slice);
        let mut fitting = found.iter().copied().filter(|&id| self.makes(id, made));
        let first = fitting.clone().next();
        let chosen = fitting.find(|&id| play.is_applicable(id)).or(first);
        let ground = chosen.and_then(|id| Some((id, self.world.calls().get(id as usize)?)));
        let unmet = |unmet| PlanFault::NotApplicable {
            step: number,
            line: step.line,
            call: name.clone(),
            unmet,
        };
        let Some((id, call)) = ground else {
            return Err(unmet(self.never(play, function, &args)));
        };
        if !play.is_applicable(id) {
            return Err(unmet(self.failing(play, call)));
        }
        if play.is_forbidden(id) {
            return Err(PlanFault::Forbidden { step: number, line: step.line, call: name });
        }
        let outcome = self.outcome(number, step, call)?;
        // The call is applicable and the outcome exists, so nothing is left that could refuse it.
        let _ = play.apply_logged(id, outcome);
        Ok(call.cost)
    }

    /// The function and the objects that a step names, of the right number and types.
    fn resolve(&self, number: usize, step: &Step) -> Result<(usize, Vec<usize>), PlanFault> {
        let unknown = |what, name: &str, near: Option<&str>| PlanFault::Unknown {
            step: number,
            line: step.line,
            what,
            name: name.to_owned(),
            hint: near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default(),
        };
        let functions = self.world.functions();
        let names = || functions.iter().map(|f| f.name.as_str());
        let Some(function) = same_name(names(), &step.function) else {
            return Err(unknown("function", &step.function, nearest(&step.function, names())));
        };
        let objects = || self.world.objects().iter().map(|(name, _)| name.as_str());
        let mut args = Vec::with_capacity(step.args.len());
        for arg in &step.args {
            match same_name(objects(), arg) {
                Some(object) => args.push(object),
                None => return Err(unknown("object", arg, nearest(arg, objects()))),
            }
        }
        match self.misfit(function, &args) {
            None => Ok((function, args)),
            Some(problem) => Err(PlanFault::Arguments {
                step: number,
                line: step.line,
                call: self.call_name(function, &args),
                problem,
            }),
        }
    }

    /// What is wrong with the arguments of a function.
    fn misfit(&self, function: usize, args: &[usize]) -> Option<String> {
        if self.calls.contains_key(&(function, args.to_vec())) {
            return None;
        }
        let names = Names::new(&self.level);
        let params = &self.world.functions().get(function)?.params;
        if params.len() != args.len() {
            return Some(format!("arguments given: {}, wanted: {}", args.len(), params.len()));
        }
        for (param, &arg) in params.iter().zip(args) {
            let (name, kind) = self.world.objects().get(arg)?;
            if !names.is_a(kind, &param.kind) {
                return Some(format!("`{name}` is a `{kind}`, and a `{}` is wanted", param.kind));
            }
        }
        None
    }

    fn call_name(&self, function: usize, args: &[usize]) -> String {
        let function = self.world.functions().get(function).map_or("", |f| f.name.as_str());
        let args: Vec<&str> = args.iter().map(|&arg| self.world.object(arg)).collect();
        format!("{function}({})", args.join(", "))
    }

    /// Whether the call makes the object that the step names, if it names one.
    fn makes(&self, call: CallId, wanted: Option<&str>) -> bool {
        let made = self.world.calls().get(call as usize).and_then(|call| call.returns);
        wanted.is_none_or(|wanted| {
            made.is_some_and(|made| self.world.object(made).eq_ignore_ascii_case(wanted))
        })
    }

    fn outcome(&self, number: usize, step: &Step, call: &Call) -> Result<usize, PlanFault> {
        let Some(wanted) = &step.outcome else { return Ok(0) };
        let named = |o: &super::world::Outcome| o.name.as_deref() == Some(wanted);
        call.outcomes.iter().position(named).ok_or_else(|| PlanFault::Unknown {
            step: number,
            line: step.line,
            what: "outcome",
            name: wanted.clone(),
            hint: String::new(),
        })
    }

    /// The conditions of a call that do not hold now.
    fn failing(&self, play: &Play, call: &Call) -> Vec<String> {
        let name = |id: FactId| self.world.facts().get(id as usize).map_or("", |f| &f.name);
        let absent = call.pre_true.iter().filter(|&&id| !play.is_true(id));
        let present = call.pre_false.iter().filter(|&&id| play.is_true(id));
        let numbers = call.pre_num.iter().filter(|test| !test.holds(play.fluents()));
        absent
            .map(|&id| name(id).to_owned())
            .chain(present.map(|&id| format!("not {}", name(id))))
            .chain(numbers.map(|test| self.number(test)))
            .collect()
    }

    fn number(&self, test: &NumTest) -> String {
        let fluent = self.world.fluents().get(test.fluent).map_or("", |f| f.name.as_str());
        format!("{fluent} {} {}", test.compare, test.value)
    }

    /// The conditions of a call that the world leaves out, because it can never be made, which do
    /// not hold now.
    fn never(&self, play: &Play, function: usize, args: &[usize]) -> Vec<String> {
        let Some(function) = self.world.functions().get(function) else { return Vec::new() };
        let objects = args.iter().map(|&arg| self.world.object(arg));
        let bound = function.params.iter().map(|p| p.name.as_str()).zip(objects).collect();
        let Some(def) = self.level.functions.get(&function.name) else { return Vec::new() };
        let mut unmet = self.unmet(play, &def.pre, &bound);
        if let Some(by) = def.cost_by.as_ref().map(|by| ground(by, &bound)) {
            let key: Vec<String> = by.args.iter().map(ToString::to_string).collect();
            let table = self.level.costs.get(&by.predicate);
            if !table.is_some_and(|table| table.values.contains_key(&key.join(", "))) {
                unmet.push(format!("{by} has a value"));
            }
        }
        unmet
    }

    /// The tests of a condition that do not hold now.
    fn unmet(
        &self,
        play: &Play,
        condition: &Condition,
        bound: &BTreeMap<&str, &str>,
    ) -> Vec<String> {
        let holds = |test: &Test| match test {
            Test::Fact { atom, negated } => self.is_true(play, atom) != *negated,
            Test::Number { fluent, compare, value } => {
                let named = |f: &super::world::Fluent| f.name == *fluent;
                let at = self.world.fluents().iter().position(named);
                at.is_some_and(|at| compare.holds(play.fluent(at), *value))
            }
            Test::Same { left, right, negated } => (left == right) != *negated,
        };
        let ground = condition.0.iter().map(|test| match test {
            Test::Fact { atom, negated } => {
                Test::Fact { atom: ground(atom, bound), negated: *negated }
            }
            Test::Same { left, right, negated } => {
                let (left, right) = (object(left, bound), object(right, bound));
                Test::Same { left, right, negated: *negated }
            }
            Test::Number { .. } => test.clone(),
        });
        ground.filter(|test| !holds(test)).map(|test| test.to_string()).collect()
    }

    /// A fact that no call changes is a constant, or false.
    fn is_true(&self, play: &Play, atom: &Atom) -> bool {
        let name = atom.to_string();
        match self.facts.get(&name) {
            Some(&fact) => play.is_true(fact),
            None => self.constants.contains(&name),
        }
    }
}

/// A term with the parameters replaced by the objects that they stand for.
fn object(term: &Term, bound: &BTreeMap<&str, &str>) -> Term {
    match term {
        Term::Var(name) => {
            Term::Object(bound.get(name.as_str()).map_or("", |object| object).to_owned())
        }
        Term::Object(_) => term.clone(),
    }
}

fn ground(atom: &Atom, bound: &BTreeMap<&str, &str>) -> Atom {
    let args = atom.args.iter().map(|term| object(term, bound)).collect();
    Atom { predicate: atom.predicate.clone(), args }
}

/// Judges the text of a plan for a level: see [`Validator`].
///
/// # Errors
/// As [`Validator::new`].
pub fn validate_plan(level: &Level, text: &str) -> Result<Verdict, GroundError> {
    Ok(Validator::new(level)?.judge(text))
}
