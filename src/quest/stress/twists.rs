//! Changes to a level's functions.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::quest::expr::{Atom, Change, Effects, Param, Term, Test};
use crate::quest::level::{FunctionDef, Level, OutcomeDef, PredicateDef};

/// Share of calls that fail.
const FAILING: f64 = 0.2;
/// Share of calls that give back something poor.
const POOR: f64 = 0.25;
/// How good that is.
const POOR_QUALITY: f64 = 0.2;
/// Further calls after which a delayed call ends.
const DELAY: u32 = 2;
/// Things to look at that lead nowhere.
const SIGHTS: usize = 4;

/// A name that nothing has yet: the wanted one, with underscores behind it where need be.
fn free(level: &Level, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    let taken = |name: &str| {
        level.functions.contains_key(name)
            || level.predicates.contains_key(name)
            || level.fluents.contains_key(name)
            || level.types.contains_key(name)
            || level.objects.contains_key(name)
            || level.objects.values().any(|o| o.contains(name))
    };
    while taken(&name) {
        name.push('_');
    }
    name
}

/// With functions that look at things and away again, whenever one likes.
pub(super) fn distracted(level: &Level, dice: &mut ChaCha8Rng) -> Level {
    let mut made = level.clone();
    let kind = free(level, "sight");
    let seen = free(level, "seen_sight");
    let mut sights: Vec<String> = (1..=SIGHTS).map(|i| free(level, &format!("sight{i}"))).collect();
    made.types.insert(kind.clone(), "object".to_owned());
    let param = vec![Param { name: "s".to_owned(), kind: kind.clone() }];
    made.predicates
        .insert(seen.clone(), PredicateDef { params: param.clone(), ..PredicateDef::default() });
    let atom = Atom { predicate: seen, args: vec![Term::Var("s".to_owned())] };
    for (name, about, change) in [
        ("look_at", "Looks at something.", Change::Add(atom.clone())),
        ("look_away", "Looks away from something.", Change::Delete(atom.clone())),
    ] {
        let function = FunctionDef {
            description: about.to_owned(),
            params: param.clone(),
            effects: Effects(vec![change]),
            ..FunctionDef::default()
        };
        made.functions.insert(free(level, name), function);
    }
    // Some of them are in sight already.
    sights.shuffle(dice);
    let first = sights.iter().take(SIGHTS / 2).map(|name| {
        let args = vec![Term::Object(name.clone())];
        crate::quest::expr::Init::Fact(Atom { predicate: atom.predicate.clone(), args })
    });
    made.init.extend(first);
    made.objects.insert(kind, sights.into_iter().collect());
    made
}

/// The functions that a level lets be called at all.
fn usable(level: &mut Level) -> impl Iterator<Item = &mut FunctionDef> {
    let barred = |f: &FunctionDef| f.forbidden.as_ref().is_some_and(|c| c.0.is_empty());
    level.functions.values_mut().filter(move |f| !barred(f))
}

/// Puts an outcome beside the others, which share what is left.
fn beside(function: &mut FunctionDef, outcome: OutcomeDef) {
    if function.outcomes.is_empty() {
        let intended = OutcomeDef {
            name: "ok".to_owned(),
            p: 1.0,
            effects: Effects::default(),
            quality: function.quality,
            failed: false,
        };
        function.outcomes.push(intended);
    }
    function.outcomes.iter_mut().for_each(|o| o.p *= 1.0 - outcome.p);
    function.outcomes.push(outcome);
}

/// Calls that may fail.
pub(super) fn failing(level: &Level) -> Option<Level> {
    let mut made = level.clone();
    for function in usable(&mut made) {
        let outcome = OutcomeDef {
            name: "stress_failed".to_owned(),
            p: FAILING,
            effects: Effects::default(),
            quality: 0.0,
            failed: true,
        };
        beside(function, outcome);
    }
    Some(made)
}

/// Calls that take time; None where all do already.
pub(super) fn delayed(level: &Level) -> Option<Level> {
    let mut made = level.clone();
    let mut any = false;
    for function in usable(&mut made).filter(|f| f.takes.is_none() && !f.effects.0.is_empty()) {
        function.takes = Some(DELAY);
        any = true;
    }
    any.then_some(made)
}

/// What comes back may be poor; None where nothing comes back.
pub(super) fn noisy(level: &Level) -> Option<Level> {
    let mut made = level.clone();
    let mut any = false;
    // A poor result out of a pool would use the pool up.
    let returns = |f: &FunctionDef| f.returns.as_ref().is_some_and(|r| r.pool.is_empty());
    for function in usable(&mut made).filter(|f| returns(f)) {
        let outcome = OutcomeDef {
            name: "stress_poor".to_owned(),
            p: POOR,
            effects: Effects::default(),
            quality: POOR_QUALITY,
            failed: false,
        };
        beside(function, outcome);
        any = true;
    }
    any.then_some(made)
}

/// Functions of the reference plan, in a drawn order.
fn used(level: &Level, dice: &mut ChaCha8Rng) -> Vec<String> {
    let plan = level.reference.iter().flat_map(|r| &r.plan);
    let names: BTreeSet<&str> = plan.filter_map(|call| call.split('(').next()).collect();
    let known = names.into_iter().filter(|name| level.functions.contains_key(*name));
    let mut names: Vec<String> = known.map(str::to_owned).collect();
    names.shuffle(dice);
    names
}

/// The level without one of the functions that its plan uses.
pub(super) fn without_one(level: &Level, dice: &mut ChaCha8Rng) -> Vec<Level> {
    let without = |name: String| {
        let mut made = level.clone();
        made.functions.remove(&name);
        for function in made.functions.values_mut() {
            function.exclusive_with.remove(&name);
        }
        made
    };
    used(level, dice).into_iter().map(without).collect()
}

/// A function that the plan uses needs leave first, each time.
pub(super) fn asking_leave(level: &Level, dice: &mut ChaCha8Rng) -> Vec<Level> {
    used(level, dice).iter().filter_map(|name| gated(level, name)).collect()
}

fn gated(level: &Level, name: &str) -> Option<Level> {
    let mut made = level.clone();
    let granted = free(level, &format!("leave_to_{name}"));
    let ask = free(level, &format!("ask_leave_to_{name}"));
    let function = made.functions.get_mut(name)?;
    let params = function.params.clone();
    let args = params.iter().map(|p| Term::Var(p.name.clone())).collect();
    let atom = Atom { predicate: granted.clone(), args };
    let asking = FunctionDef {
        description: "Asks for leave.".to_owned(),
        params: params.clone(),
        pre: function.pre.clone(),
        effects: Effects(vec![Change::Add(atom.clone())]),
        ..FunctionDef::default()
    };
    function.pre.0.push(Test::Fact { atom: atom.clone(), negated: false });
    // Leave is used up when the call is made, whatever comes of it.
    if function.takes.is_some() {
        function.at_start.0.push(Change::Delete(atom));
    } else {
        function.effects.0.push(Change::Delete(atom.clone()));
        let others = function.outcomes.iter_mut().skip(1);
        others.for_each(|o| o.effects.0.push(Change::Delete(atom.clone())));
    }
    made.predicates.insert(granted, PredicateDef { params, ..PredicateDef::default() });
    made.functions.insert(ask, asking);
    Some(made)
}
