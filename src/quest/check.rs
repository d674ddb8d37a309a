//! Checks that a level does not contradict itself. Every error names the place and the fix.

use std::collections::{BTreeMap, BTreeSet};

use super::expr::{Atom, Change, Condition, Effects, Init, Param, Term, Test};
use super::level::{FunctionDef, Level, LevelError};

/// The root of all types.
pub(super) const ROOT: &str = "object";
/// Hidden predicate: this object of a pool has been made.
pub(super) const MADE: &str = "made";
/// Name by which effects speak of the object that a call makes.
pub(super) const RET: &str = "ret";

/// Most parameters of a predicate or function; it bounds the depth of grounding.
const MAX_PARAMS: usize = 12;

/// Names of a level, resolved.
pub(super) struct Names<'a> {
    level: &'a Level,
    /// Object → type.
    pub objects: BTreeMap<&'a str, &'a str>,
    has_pool: bool,
}

type Checked = Result<(), LevelError>;

impl<'a> Names<'a> {
    pub(super) fn new(level: &'a Level) -> Self {
        let mut objects = BTreeMap::new();
        for (kind, names) in &level.objects {
            for name in names {
                objects.insert(name.as_str(), kind.as_str());
            }
        }
        let has_pool = level
            .functions
            .values()
            .any(|f| f.returns.as_ref().is_some_and(|r| !r.pool.is_empty()));
        Self { level, objects, has_pool }
    }

    /// Whether `kind` is `above` or one of its descendants.
    pub(super) fn is_a(&self, kind: &str, above: &str) -> bool {
        let mut kind = kind;
        for _ in 0..=self.level.types.len() {
            if kind == above {
                return true;
            }
            match self.level.types.get(kind) {
                Some(parent) => kind = parent,
                None => break,
            }
        }
        above == ROOT
    }

    fn fail<T>(&self, place: &str, problem: String, fix: String) -> Result<T, LevelError> {
        let level = self.level.id.clone();
        Err(LevelError::Invalid { level, place: place.to_owned(), problem, fix })
    }

    fn known_type(&self, place: &str, kind: &str) -> Checked {
        if kind == ROOT || self.level.types.contains_key(kind) {
            return Ok(());
        }
        let fix = "declare it under [types], with its parent".to_owned();
        self.fail(place, format!("type `{kind}` is not declared"), fix)
    }

    fn predicate(&self, place: &str, name: &str) -> Result<Vec<&str>, LevelError> {
        if let Some(p) = self.level.predicates.get(name) {
            return Ok(p.params.iter().map(|p| p.kind.as_str()).collect());
        }
        if name == MADE && self.has_pool {
            return Ok(vec![ROOT]);
        }
        let fix = match closest(name, self.level.predicates.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it under [predicates]".to_owned(),
        };
        self.fail(place, format!("predicate `{name}` is not declared"), fix)
    }

    /// Type of a term, where `scope` holds the parameters.
    fn term(&self, place: &str, term: &Term, scope: &[Param]) -> Result<String, LevelError> {
        match term {
            Term::Object(name) => match self.objects.get(name.as_str()) {
                Some(kind) => Ok((*kind).to_owned()),
                None => {
                    let fix = match closest(name, self.objects.keys().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "declare it under [objects]; parameters start with `?`".to_owned(),
                    };
                    self.fail(place, format!("object `{name}` is not declared"), fix)
                }
            },
            Term::Var(name) => match scope.iter().find(|p| p.name == *name) {
                Some(param) => Ok(param.kind.clone()),
                None => {
                    let fix = "add it to `params`, or name an object".to_owned();
                    self.fail(place, format!("`?{name}` is not a parameter here"), fix)
                }
            },
        }
    }

    fn atom(&self, place: &str, atom: &Atom, scope: &[Param]) -> Checked {
        if atom.args.is_empty() && self.level.fluents.contains_key(&atom.predicate) {
            let fix = format!("write a comparison or change, such as `{} >= 1`", atom.predicate);
            return self.fail(place, format!("`{atom}` is a fluent, not a fact"), fix);
        }
        let kinds = self.predicate(place, &atom.predicate)?;
        if kinds.len() != atom.args.len() {
            let problem = format!("`{atom}` has {} arguments", atom.args.len());
            let fix = format!("`{}` takes {}", atom.predicate, kinds.len());
            return self.fail(place, problem, fix);
        }
        for (term, wanted) in atom.args.iter().zip(kinds) {
            let kind = self.term(place, term, scope)?;
            if !self.is_a(&kind, wanted) {
                let problem = format!("type clash in `{atom}`: `{term}` is a `{kind}`");
                return self.fail(place, problem, format!("a `{wanted}` is wanted there"));
            }
        }
        Ok(())
    }

    fn fluent(&self, place: &str, name: &str) -> Result<(i64, i64), LevelError> {
        match self.level.fluents.get(name) {
            Some(f) => Ok((i64::from(f.min), i64::from(f.max))),
            None => {
                let fix = "declare it under [fluents], with `max`".to_owned();
                self.fail(place, format!("fluent `{name}` is not declared"), fix)
            }
        }
    }

    fn condition(&self, place: &str, condition: &Condition, scope: &[Param]) -> Checked {
        for test in &condition.0 {
            match test {
                Test::Fact { atom, .. } => self.atom(place, atom, scope)?,
                Test::Number { fluent, .. } => {
                    self.fluent(place, fluent)?;
                }
                Test::Same { left, right, .. } => {
                    self.term(place, left, scope)?;
                    self.term(place, right, scope)?;
                }
            }
        }
        Ok(())
    }

    fn effects(&self, place: &str, effects: &Effects, scope: &[Param]) -> Checked {
        let mut changed = BTreeSet::new();
        for change in &effects.0 {
            match change {
                Change::Add(atom) | Change::Delete(atom) => {
                    self.atom(place, atom, scope)?;
                    self.changeable(place, atom)?;
                }
                Change::Increase { fluent, .. } | Change::Assign { fluent, .. } => {
                    let (min, max) = self.fluent(place, fluent)?;
                    if !changed.insert(fluent) {
                        let problem = format!("fluent `{fluent}` is changed twice");
                        return self.fail(place, problem, "write one change of it".to_owned());
                    }
                    if let Change::Assign { to, .. } = change
                        && !(min..=max).contains(to)
                    {
                        let problem = format!("`{fluent} = {to}` is out of range");
                        return self.fail(place, problem, format!("stay within {min}..={max}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn changeable(&self, place: &str, atom: &Atom) -> Checked {
        if self.level.predicates.get(&atom.predicate).is_some_and(|p| p.fixed) {
            let problem = format!("`{}` is static", atom.predicate);
            return self.fail(place, problem, "drop `static = true` or the effect".to_owned());
        }
        if atom.predicate == MADE && !self.level.predicates.contains_key(MADE) {
            let fix = "use the function's `returns.pool`".to_owned();
            return self.fail(place, "`made` is set by the engine alone".to_owned(), fix);
        }
        Ok(())
    }

    fn params(&self, place: &str, params: &[Param]) -> Checked {
        if params.len() > MAX_PARAMS {
            let problem = format!("{} parameters", params.len());
            return self.fail(place, problem, format!("use at most {MAX_PARAMS}"));
        }
        let mut seen = BTreeSet::new();
        for param in params {
            self.known_type(place, &param.kind)?;
            if !seen.insert(&param.name) {
                let problem = format!("`?{}` stands twice", param.name);
                return self.fail(place, problem, "rename one of them".to_owned());
            }
        }
        Ok(())
    }

    fn unit(&self, place: &str, what: &str, value: f64) -> Checked {
        if (0.0..=1.0).contains(&value) {
            return Ok(());
        }
        self.fail(place, format!("{what} {value} is out of range"), "write 0 to 1".to_owned())
    }

    fn function(&self, name: &str, f: &FunctionDef) -> Checked {
        let place = format!("functions.{name}");
        self.params(&format!("{place}.params"), &f.params)?;
        self.condition(&format!("{place}.pre"), &f.pre, &f.params)?;
        let scope = self.scope(&place, f)?;
        self.effects(&format!("{place}.effects"), &f.effects, &scope)?;
        self.unit(&place, "quality", f.quality)?;
        if !(f.cost.is_finite() && f.cost >= 0.0) {
            let problem = format!("cost {} is not usable", f.cost);
            return self.fail(&place, problem, "write a number from 0".to_owned());
        }
        if f.max_calls == Some(0) {
            let fix = "write at least 1, or drop the function".to_owned();
            return self.fail(&place, "max_calls is 0".to_owned(), fix);
        }
        for limit in [f.max_calls, f.cooldown].into_iter().flatten() {
            if limit > 1_000_000 {
                let problem = format!("limit {limit} is too large");
                return self.fail(&place, problem, "write at most 1000000".to_owned());
            }
        }
        for other in &f.exclusive_with {
            if other == name || !self.level.functions.contains_key(other) {
                let problem = format!("exclusive_with names `{other}`");
                return self.fail(&place, problem, "name another function".to_owned());
            }
        }
        self.outcomes(&place, f, &scope)
    }

    /// The parameters, and `?ret` where the function makes objects.
    fn scope(&self, place: &str, f: &FunctionDef) -> Result<Vec<Param>, LevelError> {
        let mut scope = f.params.clone();
        let Some(returns) = &f.returns else { return Ok(scope) };
        let Some(first) = returns.pool.first() else { return Ok(scope) };
        let place = format!("{place}.returns.pool");
        let kind = self.term(&place, &Term::Object(first.clone()), &[])?;
        let mut seen = BTreeSet::new();
        for object in &returns.pool {
            if self.term(&place, &Term::Object(object.clone()), &[])? != kind {
                let problem = format!("`{object}` is not a `{kind}`");
                return self.fail(&place, problem, "give all of them one type".to_owned());
            }
            if !seen.insert(object) {
                let problem = format!("`{object}` stands twice");
                return self.fail(&place, problem, "name each object once".to_owned());
            }
        }
        if scope.iter().any(|p| p.name == RET) {
            let fix = "rename the parameter".to_owned();
            return self.fail(&place, "`?ret` is also a parameter".to_owned(), fix);
        }
        scope.push(Param { name: RET.to_owned(), kind });
        Ok(scope)
    }

    fn outcomes(&self, place: &str, f: &FunctionDef, scope: &[Param]) -> Checked {
        if f.outcomes.is_empty() {
            return Ok(());
        }
        let mut sum = 0.0;
        let mut seen = BTreeSet::new();
        for outcome in &f.outcomes {
            let place = format!("{place}.outcomes.{}", outcome.name);
            self.unit(&place, "probability", outcome.p)?;
            self.unit(&place, "quality", outcome.quality)?;
            self.effects(&place, &outcome.effects, scope)?;
            if !seen.insert(&outcome.name) {
                let fix = "give each outcome its own name".to_owned();
                return self.fail(&place, "two outcomes of this name".to_owned(), fix);
            }
            sum += outcome.p;
        }
        if let Some(first) = f.outcomes.first() {
            let changes = f.effects.0.iter().chain(&first.effects.0).cloned().collect();
            self.effects(&format!("{place}.outcomes.{}", first.name), &Effects(changes), scope)?;
        }
        if (sum - 1.0).abs() > 1e-9 {
            let fix = "make the probabilities sum to 1".to_owned();
            return self.fail(place, format!("probabilities of outcomes sum to {sum}"), fix);
        }
        Ok(())
    }
}

/// The known name that shares the longest prefix (at least three letters) with `name`.
fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|k| (k.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count(), k))
        .filter(|(n, _)| *n >= 3)
        .max_by_key(|(n, k)| (*n, std::cmp::Reverse(*k)))
        .map(|(_, k)| k)
}

pub(super) fn check(level: &Level) -> Checked {
    let names = Names::new(level);
    types(&names, level)?;
    objects(&names, level)?;
    for (name, predicate) in &level.predicates {
        let place = format!("predicates.{name}");
        names.params(&place, &predicate.params)?;
        if level.fluents.contains_key(name) {
            let fix = "rename one of them".to_owned();
            return names.fail(&place, "a fluent has the same name".to_owned(), fix);
        }
        if name == MADE && names.has_pool {
            let fix = "rename it; the engine keeps `made` for pools".to_owned();
            return names.fail(&place, "the name is taken".to_owned(), fix);
        }
    }
    for (name, fluent) in &level.fluents {
        if fluent.min > fluent.max {
            let problem = format!("min {} is above max {}", fluent.min, fluent.max);
            return names.fail(&format!("fluents.{name}"), problem, "swap them".to_owned());
        }
    }
    for (name, function) in &level.functions {
        names.function(name, function)?;
    }
    init(&names, level)?;
    names.condition("goal", &level.goal, &[])?;
    if level.goal.0.is_empty() {
        let fix = "say at least one fact or number that must hold".to_owned();
        return names.fail("goal", "it is empty".to_owned(), fix);
    }
    for test in &level.goal.0 {
        if let Test::Fact { atom, negated: true } = test
            && level.goal.0.contains(&Test::Fact { atom: atom.clone(), negated: false })
        {
            let problem = format!("`{atom}` must be true and false at once");
            return names.fail("goal", problem, "drop one of the two".to_owned());
        }
    }
    if !(1..=1_000_000).contains(&level.limits.max_calls) {
        let problem = format!("max_calls is {}", level.limits.max_calls);
        return names.fail("limits", problem, "write 1 to 1000000".to_owned());
    }
    Ok(())
}

fn types(names: &Names<'_>, level: &Level) -> Checked {
    for (name, parent) in &level.types {
        let place = format!("types.{name}");
        names.known_type(&place, parent)?;
        let mut above = parent;
        for _ in 0..=level.types.len() {
            match level.types.get(above) {
                Some(next) => above = next,
                None => break,
            }
        }
        if above != ROOT || name == ROOT {
            let fix = "every type must lead up to `object`".to_owned();
            return names.fail(&place, "it is its own ancestor".to_owned(), fix);
        }
    }
    Ok(())
}

fn objects(names: &Names<'_>, level: &Level) -> Checked {
    let mut seen = BTreeSet::new();
    for (kind, objects) in &level.objects {
        let place = format!("objects.{kind}");
        names.known_type(&place, kind)?;
        for object in objects {
            if !seen.insert(object) {
                let fix = "give each object one type".to_owned();
                return names.fail(&place, format!("object `{object}` stands twice"), fix);
            }
        }
    }
    Ok(())
}

fn init(names: &Names<'_>, level: &Level) -> Checked {
    let mut seen = BTreeSet::new();
    for entry in &level.init {
        match entry {
            Init::Fact(atom) if atom.predicate == MADE && names.has_pool => {
                let fix = "objects of a pool start unmade; leave it out".to_owned();
                return names.fail("init", format!("`{atom}` cannot be given"), fix);
            }
            Init::Fact(atom) => names.atom("init", atom, &[])?,
            Init::Number { fluent, value } => {
                let (min, max) = names.fluent("init", fluent)?;
                if !(min..=max).contains(value) {
                    let problem = format!("`{fluent} = {value}` is out of range");
                    return names.fail("init", problem, format!("stay within {min}..={max}"));
                }
                if !seen.insert(fluent) {
                    let fix = "give it one value".to_owned();
                    return names.fail("init", format!("`{fluent}` is set twice"), fix);
                }
            }
        }
    }
    Ok(())
}
