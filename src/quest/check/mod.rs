//! Checks that a level does not contradict itself. Every error names the place and the fix.

mod function;
mod names;

use std::collections::BTreeSet;

pub(super) use names::Names;

use super::expr::{Atom, Init, Term, Test};
use super::level::{CostTable, Level, LevelError, Observability, PredicateDef, cost_key};
use super::place::Place;

/// The root of all types.
pub(super) const ROOT: &str = "object";
/// Hidden predicate: this object of a pool has been made.
pub(super) const MADE: &str = "made";
/// Name by which effects speak of the object that a call makes.
pub(super) const RET: &str = "ret";

/// Most parameters of a predicate or function; it bounds the depth of grounding.
pub(super) const MAX_PARAMS: usize = 12;
/// Deepest nesting of types below the root.
pub(super) const MAX_DEPTH: usize = 32;
/// Largest limit of calls, of an episode and of a function.
const MAX_CALLS: u32 = 1_000_000;
/// Longest id, in bytes: it becomes part of file names.
const MAX_ID: usize = 200;

type Checked = Result<(), LevelError>;

pub(super) fn check(level: &Level) -> Checked {
    let names = Names::new(level);
    head(&names, level)?;
    types(&names, level)?;
    objects(&names, level)?;
    for (name, predicate) in &level.predicates {
        self::predicate(&names, name, predicate)?;
    }
    fluents(&names, level)?;
    for (name, table) in &level.costs {
        costs(&names, name, table)?;
    }
    for (name, function) in &level.functions {
        names.function(name, function)?;
    }
    init(&names, level)?;
    goal(&names, level)?;
    if !(1..=MAX_CALLS).contains(&level.limits.max_calls) {
        let problem = format_args!("max_calls is {}", level.limits.max_calls);
        let place = Place::level().key("limits").key("max_calls");
        return names.fail(&place, problem, format_args!("write 1 to {MAX_CALLS}"));
    }
    Ok(())
}

fn head(names: &Names<'_>, level: &Level) -> Checked {
    let root = Place::level();
    for (key, text) in [("id", &level.id), ("family", &level.family)] {
        if text.is_empty() || text.len() > MAX_ID || text.contains(char::is_control) {
            let fix = format_args!("write 1 to {MAX_ID} letters, digits and signs on one line");
            return names.fail(&root.key(key), format_args!("{key} `{text:.40}` is unusable"), fix);
        }
    }
    for (key, number) in [("level", level.level), ("challenge", level.challenge)] {
        if number == 0 {
            return names.fail(&root.key(key), format_args!("{key} is 0"), "count from 1");
        }
    }
    if level.observability == Observability::GoalInNarrative && level.narrative.trim().is_empty() {
        let problem = "the goal stands in the narrative only, and there is no narrative";
        return names.fail(&root.key("observability"), problem, "write a narrative");
    }
    Ok(())
}

fn types(names: &Names<'_>, level: &Level) -> Checked {
    for (name, parent) in &level.types {
        let place = Place::level().key("types").key(name);
        names.plain(&place.at_key(), name)?;
        names.known_type(&place, parent)?;
        if name == ROOT {
            let problem = "`object` is the root of all types";
            return names.fail(&place.at_key(), problem, "leave it out");
        }
        let mut above = parent;
        for _ in 0..MAX_DEPTH {
            match level.types.get(above) {
                Some(next) => above = next,
                None => break,
            }
        }
        if above != ROOT {
            let problem = format_args!("`{name}` does not lead up to `object`");
            let fix = format_args!("break the circle, or nest at most {MAX_DEPTH} deep");
            return names.fail(&place, problem, fix);
        }
    }
    Ok(())
}

fn objects(names: &Names<'_>, level: &Level) -> Checked {
    let mut seen = BTreeSet::new();
    for (kind, objects) in &level.objects {
        let place = Place::level().key("objects").key(kind);
        names.known_type(&place.at_key(), kind)?;
        for object in objects {
            names.plain(&place.words(object), object)?;
            if !seen.insert(object) {
                let problem = format_args!("object `{object}` stands twice");
                return names.fail(&place.words(object), problem, "give each object one type");
            }
        }
    }
    Ok(())
}

fn predicate(names: &Names<'_>, name: &str, predicate: &PredicateDef) -> Checked {
    let place = Place::level().key("predicates").key(name);
    names.plain(&place.at_key(), name)?;
    names.free(&place.at_key(), name)?;
    names.params(&place.key("params"), &predicate.params)?;
    for (i, template) in predicate.says.iter().enumerate() {
        if let Err(problem) = holes(template, predicate.params.len()) {
            let fix = "write `{0}` for the first argument, `{1}` for the second";
            return names.fail(&place.key("says").index(i), problem, fix);
        }
    }
    if names.level.fluents.contains_key(name) {
        let problem = format_args!("a fluent is called `{name}` too");
        return names.fail(&place.at_key(), problem, "rename one of them");
    }
    Ok(())
}

/// Checks that a template names arguments that exist, and says something.
fn holes(template: &str, params: usize) -> Result<(), String> {
    if template.trim().is_empty() {
        return Err("an empty template says nothing".to_owned());
    }
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let tail = rest.get(at + 1..).unwrap_or_default();
        let hole = if rest.get(at..).is_some_and(|r| r.starts_with('{')) {
            tail.split_once('}')
        } else {
            None
        };
        let Some((inside, behind)) = hole else {
            return Err(format!("a lone brace in `{template}`"));
        };
        if !inside.parse::<usize>().is_ok_and(|n| n < params && inside == n.to_string()) {
            return Err(format!("`{{{inside}}}` is none of the {params} arguments"));
        }
        rest = behind;
    }
    Ok(())
}

fn fluents(names: &Names<'_>, level: &Level) -> Checked {
    for (name, fluent) in &level.fluents {
        let place = Place::level().key("fluents").key(name);
        names.plain(&place.at_key(), name)?;
        names.free(&place.at_key(), name)?;
        if fluent.min > fluent.max {
            let problem = format_args!("min {} is above max {}", fluent.min, fluent.max);
            return names.fail(&place.key("min"), problem, "swap them");
        }
    }
    Ok(())
}

fn costs(names: &Names<'_>, name: &str, table: &CostTable) -> Checked {
    let place = Place::level().key("costs").key(name);
    names.plain(&place.at_key(), name)?;
    names.params(&place.key("params"), &table.params)?;
    let kinds: Vec<&str> = table.params.iter().map(|p| p.kind.as_str()).collect();
    let mut seen = BTreeSet::new();
    for (written, cost) in &table.values {
        let entry = place.key("values").key(written);
        let key = cost_key(written);
        let objects = key.split(", ").filter(|o| !o.is_empty());
        let args: Vec<Term> = objects.map(|o| Term::Object(o.to_owned())).collect();
        names.args(&entry.at_key(), &Atom { predicate: name.to_owned(), args }, &kinds, &[])?;
        names.amount(&entry, *cost)?;
        if !seen.insert(key) {
            let problem = format_args!("`{written}` stands twice, spaced in different ways");
            return names.fail(&entry.at_key(), problem, "keep one of them");
        }
    }
    Ok(())
}

fn init(names: &Names<'_>, level: &Level) -> Checked {
    let mut seen = BTreeSet::new();
    for (i, entry) in level.init.iter().enumerate() {
        let place = Place::level().key("init").index(i);
        match entry {
            Init::Fact(atom) if atom.predicate == MADE && names.has_pool() => {
                let fix = "objects of a pool start unmade; leave it out";
                return names.fail(&place, format_args!("`{atom}` cannot be given"), fix);
            }
            Init::Fact(atom) => names.atom(&place, atom, &[])?,
            Init::Number { fluent, value } => {
                let (min, max) = names.fluent(&place, fluent)?;
                if !(min..=max).contains(value) {
                    let problem = format_args!("`{fluent} = {value}` is out of range");
                    return names.fail(&place, problem, format_args!("stay within {min}..={max}"));
                }
                if !seen.insert(fluent) {
                    let problem = format_args!("`{fluent}` is set twice");
                    return names.fail(&place, problem, "give it one value");
                }
            }
        }
    }
    Ok(())
}

fn goal(names: &Names<'_>, level: &Level) -> Checked {
    let place = Place::level().key("goal");
    names.condition(&place, &level.goal, &[])?;
    if level.goal.0.is_empty() {
        let fix = "say at least one fact or number that must hold";
        return names.fail(&place, "it is empty", fix);
    }
    for test in &level.goal.0 {
        if let Test::Fact { atom, negated: true } = test
            && level.goal.0.contains(&Test::Fact { atom: atom.clone(), negated: false })
        {
            let problem = format_args!("`{atom}` must be true and false at once");
            return names.fail(&place.words(test), problem, "drop one of the two");
        }
    }
    Ok(())
}
