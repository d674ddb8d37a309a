//! From a narrative to calls: the planner over the goal, the constraints and (where the level has
//! none) the initial state that were read.

use super::compose::{NarrativeError, level_from_text};
use super::{Analysis, Constraint, analyze_narrative};
use crate::quest::expr::{Atom, Change, Condition, Term, Test};
use crate::quest::level::Level;
use crate::quest::planner::{Solution, SolveLimits, solve};
use crate::quest::world::World;

/// Calls that a narrative implies.
#[derive(Debug, Clone, PartialEq)]
pub struct Deduction {
    /// The calls, by name; where one has several outcomes, the plan counts on the luckiest.
    pub calls: Vec<String>,
    /// True where no fewer calls reach what was read.
    pub proven: bool,
    /// What was read.
    pub analysis: Analysis,
    /// The level that was planned for: with the goal, constraints and facts that were read.
    pub level: Level,
}

/// The shortest sequence of calls for what a text wants.
///
/// Where the level has a goal or an initial state, the text gives the goal and the level the rest;
/// a level with neither, as [`import_domain`](crate::quest::import_domain) gives, gets objects and
/// initial state from the text as well. Constraints that were read are kept.
///
/// # Errors
/// Where no goal is read, what is read makes no level, or no plan is found.
pub fn deduce_function_sequence(
    level: &Level,
    text: &str,
    limits: &SolveLimits,
) -> Result<Deduction, NarrativeError> {
    let (mut wanted, analysis) = if level.goal.0.is_empty() && level.init.is_empty() {
        level_from_text(level, text)?
    } else {
        let analysis = analyze_narrative(level, text);
        let goal = analysis.goal_condition();
        if goal.0.is_empty() {
            return Err(NarrativeError::NoGoal { level: level.id.clone() });
        }
        (Level { goal, reference: None, ..level.clone() }, analysis)
    };
    for reading in &analysis.constraints {
        constrain(&mut wanted, &reading.what);
    }
    let wanted = wanted.normalised()?;
    let world = World::ground(&wanted)?;
    let solution = solve(&world, limits);
    let Some(plan) = solution.plan() else {
        let level = wanted.id;
        return Err(match solution {
            Solution::Unsolvable { .. } => NarrativeError::Unsolvable { level },
            _ => NarrativeError::GaveUp { level },
        });
    };
    let most = wanted.limits.max_calls;
    if plan.len() > most as usize {
        let (level, calls) = (wanted.id, plan.len());
        return Err(NarrativeError::TooLong { level, calls, most });
    }
    let name = |id: u32| world.calls().get(id as usize).map_or("", |c| c.name.as_str());
    let calls = plan.iter().map(|&(call, _)| name(call).to_owned()).collect();
    let proven = matches!(solution, Solution::Proven { .. });
    Ok(Deduction { calls, proven, analysis, level: wanted })
}

/// Writes a constraint into a level.
fn constrain(level: &mut Level, constraint: &Constraint) {
    match constraint {
        Constraint::MostCalls { calls } => {
            level.limits.max_calls = level.limits.max_calls.min(*calls).max(1);
        }
        Constraint::NeverCall { function, args } => bar(level, function, args),
        Constraint::NeverTrue { fact } => {
            for (function, args) in causes(level, fact) {
                bar(level, &function, &args);
            }
        }
    }
}

/// Makes calls of a function with these arguments impossible.
fn bar(level: &mut Level, function: &str, args: &[Option<String>]) {
    let Some(def) = level.functions.get_mut(function) else { return };
    let named = def.params.iter().zip(args).filter_map(|(p, a)| Some((p.name.clone(), a.clone()?)));
    let same = |negated: bool| {
        move |(var, object): (String, String)| Test::Same {
            left: Term::Var(var),
            right: Term::Object(object),
            negated,
        }
    };
    let named: Vec<(String, String)> = named.collect();
    match named.as_slice() {
        [] => {
            level.functions.remove(function);
        }
        [one] => {
            def.pre.0.push(same(true)(one.clone()));
            def.pre.0.sort();
        }
        // A condition has no `or`, but a guard says it; a function that has one keeps its own.
        _ if def.forbidden.is_none() => {
            let mut tests: Vec<Test> = named.into_iter().map(same(false)).collect();
            tests.sort();
            def.forbidden = Some(Condition(tests));
        }
        _ => {}
    }
}

/// Functions, each with the arguments by which it makes the fact true.
fn causes(level: &Level, fact: &Atom) -> Vec<(String, Vec<Option<String>>)> {
    let mut out = Vec::new();
    for (name, def) in &level.functions {
        let outcomes = def.outcomes.iter().flat_map(|o| &o.effects.0);
        for change in def.effects.0.iter().chain(&def.at_start.0).chain(outcomes) {
            let Change::Add(atom) = change else { continue };
            if atom.predicate != fact.predicate {
                continue;
            }
            let mut args = vec![None; def.params.len()];
            let fits = atom.args.iter().zip(&fact.args).all(|(term, wanted)| match term {
                Term::Object(_) => term == wanted,
                Term::Var(var) => {
                    let at = def.params.iter().position(|p| p.name == *var);
                    if let Some(slot) = at.and_then(|at| args.get_mut(at)) {
                        *slot = Some(wanted.to_string());
                    }
                    true
                }
            });
            if fits {
                out.push((name.clone(), args));
            }
        }
    }
    out
}
