//! From a domain and a problem to a level.

use std::collections::{BTreeMap, BTreeSet};

use super::domain::{Action, Domain};
use super::formula::Cost;
use super::names::to_level;
use super::problem::Problem;
use super::{PddlError, PddlFile};
use crate::quest::expr::{Atom, Change, Condition, Init};
use crate::quest::level::{
    CostTable, FunctionDef, LEVEL_SCHEMA, Level, Limits, Observability, PredicateDef, Source,
    SourceKind, StoreKind,
};

/// Most calls of an episode where the caller does not say.
const MAX_CALLS: u32 = 1000;

/// What a level has and PDDL has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PddlOptions {
    /// Id of the level; the problem's name where not given.
    pub id: Option<String>,
    /// Its family; the domain's name where not given.
    pub family: Option<String>,
    /// Its difficulty; 1 where not given.
    pub level: Option<u32>,
    /// Its challenge; 1 where not given.
    pub challenge: Option<u32>,
    /// Most calls of an episode; 1000 where not given.
    pub max_calls: Option<u32>,
    /// Commit that the files come from.
    pub commit: Option<String>,
    /// License of the files.
    pub license: Option<String>,
}

/// Reads a PDDL problem as a level.
///
/// Without `(:metric minimize (total-cost))` every call costs 1; with it, what the action adds to
/// `total-cost`. A goal that holds at the start is imported: judging that is for
/// [`certify`](crate::quest::certify).
///
/// # Errors
/// [`PddlError::Place`] names file, line, column and what to write where a file is wrong or goes
/// beyond the supported subset; [`PddlError::Level`] where the result is no level.
pub fn import_pddl(
    domain: PddlFile<'_>,
    problem: PddlFile<'_>,
    options: &PddlOptions,
) -> Result<Level, PddlError> {
    let mut read = Domain::read(&domain)?;
    let stated = Problem::read(&problem, &mut read)?;
    let mut functions = BTreeMap::new();
    for (name, action) in &read.actions {
        let mut function = plain(action);
        if stated.costs {
            set_cost(&mut function, action, &stated.values, &problem)?;
        }
        functions.insert(name.clone(), function);
    }
    let costs = tables(&read, &functions, stated.values);
    let mut level = frame(read, stated.name, options);
    level.costs = costs;
    level.functions = functions;
    level.init = stated.init.into_iter().map(Init::Fact).collect();
    level.goal = stated.goal;
    Ok(level.normalised()?)
}

/// Reads a PDDL domain alone: types, constants, predicates and functions, each call at cost 1. It
/// is no level yet, for it has no goal; [`level_from_text`](crate::quest::level_from_text) makes
/// one of it and a text.
///
/// # Errors
/// [`PddlError::Place`] as [`import_pddl`].
pub fn import_domain(domain: PddlFile<'_>, options: &PddlOptions) -> Result<Level, PddlError> {
    let read = Domain::read(&domain)?;
    let functions = read.actions.iter().map(|(name, action)| (name.clone(), plain(action)));
    let functions = functions.collect();
    let name = to_level(&read.name);
    Ok(Level { functions, ..frame(read, name, options) })
}

/// A level with what the domain says, but for the functions.
fn frame(read: Domain, name: String, options: &PddlOptions) -> Level {
    Level {
        schema: LEVEL_SCHEMA.to_owned(),
        id: options.id.clone().unwrap_or(name),
        family: options.family.clone().unwrap_or_else(|| to_level(&read.name)),
        level: options.level.unwrap_or(1),
        challenge: options.challenge.unwrap_or(1),
        narrative: String::new(),
        source: Source {
            kind: SourceKind::Pddl,
            commit: options.commit.clone(),
            license: options.license.clone(),
            seed: None,
        },
        split: None,
        predicates: predicates(&read),
        objects: by_type(read.scope.objects),
        types: read.scope.types,
        fluents: BTreeMap::new(),
        costs: BTreeMap::new(),
        functions: BTreeMap::new(),
        init: Vec::new(),
        goal: Condition::default(),
        limits: Limits { max_calls: options.max_calls.unwrap_or(MAX_CALLS) },
        observability: Observability::Full,
        reference: None,
    }
}

fn plain(action: &Action) -> FunctionDef {
    FunctionDef {
        params: action.params.clone(),
        pre: action.pre.clone(),
        effects: action.effects.clone(),
        ..FunctionDef::default()
    }
}

/// An action without a cost is free. A function without parameters is a number.
fn set_cost(
    function: &mut FunctionDef,
    action: &Action,
    values: &BTreeMap<Atom, f64>,
    problem: &PddlFile<'_>,
) -> Result<(), PddlError> {
    match &action.cost {
        None => function.cost = 0.0,
        Some(Cost::Number(cost)) => function.cost = *cost,
        Some(Cost::Value(atom)) if atom.args.is_empty() => match values.get(atom) {
            Some(cost) => function.cost = *cost,
            None => {
                let message = format!("function `{atom}` has no value");
                let help = format!("add `(= ({atom}) number)` to `:init`");
                return Err(problem.fault(&(0..0), message).with_help(help).into());
            }
        },
        Some(Cost::Value(atom)) => function.cost_by = Some(atom.clone()),
    }
    Ok(())
}

/// The tables that some function's cost is read from.
fn tables(
    domain: &Domain,
    functions: &BTreeMap<String, FunctionDef>,
    values: BTreeMap<Atom, f64>,
) -> BTreeMap<String, CostTable> {
    let mut tables = BTreeMap::new();
    for used in functions.values().filter_map(|f| f.cost_by.as_ref()) {
        let params = domain.scope.functions.get(&used.predicate).cloned().unwrap_or_default();
        tables.insert(used.predicate.clone(), CostTable { params, values: BTreeMap::new() });
    }
    for (atom, value) in values {
        if let Some(table) = tables.get_mut(&atom.predicate) {
            let args: Vec<String> = atom.args.iter().map(ToString::to_string).collect();
            table.values.insert(args.join(", "), value);
        }
    }
    tables
}

fn by_type(objects: BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut grouped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (object, kind) in objects {
        grouped.entry(kind).or_default().insert(object);
    }
    grouped
}

/// The predicates; those that no action changes are static.
fn predicates(domain: &Domain) -> BTreeMap<String, PredicateDef> {
    let changes = domain.actions.values().flat_map(|action| &action.effects.0);
    let changing: BTreeSet<&str> = changes
        .filter_map(|change| match change {
            Change::Add(atom) | Change::Delete(atom) => Some(atom.predicate.as_str()),
            Change::Increase { .. } | Change::Assign { .. } => None,
        })
        .collect();
    let define = |(name, params): (&String, &Vec<_>)| {
        let def = PredicateDef {
            params: params.clone(),
            store: StoreKind::Env,
            fixed: !changing.contains(name.as_str()),
            ..PredicateDef::default()
        };
        (name.clone(), def)
    };
    domain.scope.predicates.iter().map(define).collect()
}
