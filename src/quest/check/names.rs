//! What the names of a level mean, and whether an expression uses them rightly.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::{Checked, MADE, MAX_DEPTH, MAX_PARAMS, ROOT};
use crate::core::nearest;
use crate::quest::expr::{Atom, Change, Condition, Effects, Param, Term, Test};
use crate::quest::level::{Fault, Level, LevelError};
use crate::quest::parse::{MAX_NAME, is_name};
use crate::quest::place::Place;

/// Names of a level, resolved.
pub(in crate::quest) struct Names<'a> {
    pub(super) level: &'a Level,
    /// Object → type.
    pub objects: BTreeMap<&'a str, &'a str>,
    /// How many functions make this object of their pool.
    pub(super) makers: BTreeMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    pub(in crate::quest) fn new(level: &'a Level) -> Self {
        let mut objects = BTreeMap::new();
        for (kind, names) in &level.objects {
            for name in names {
                objects.insert(name.as_str(), kind.as_str());
            }
        }
        let mut makers = BTreeMap::new();
        for object in level.functions.values().flat_map(|f| &f.returns).flat_map(|r| &r.pool) {
            *makers.entry(object.as_str()).or_default() += 1;
        }
        Self { level, objects, makers }
    }

    /// True where some function makes objects of a pool.
    pub(super) fn has_pool(&self) -> bool {
        !self.makers.is_empty()
    }

    /// Whether `kind` is `above` or one of its descendants.
    pub(in crate::quest) fn is_a(&self, kind: &str, above: &str) -> bool {
        let mut kind = kind;
        for _ in 0..=MAX_DEPTH {
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

    pub(super) fn fail<T>(
        &self,
        place: &Place,
        problem: impl Display,
        fix: impl Display,
    ) -> Result<T, LevelError> {
        Err(LevelError::Invalid(Box::new(Fault {
            level: self.level.id.clone(),
            place: place.clone(),
            problem: problem.to_string(),
            fix: fix.to_string(),
        })))
    }

    /// Something is named that is not there: the nearest known name is the fix.
    pub(super) fn unknown<'k, T>(
        &self,
        place: &Place,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'k str>,
        or_else: &str,
    ) -> Result<T, LevelError> {
        let fix = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => or_else.to_owned(),
        };
        self.fail(place, format_args!("{what} `{name}` is not declared"), fix)
    }

    /// A name that expressions can say.
    pub(super) fn plain(&self, place: &Place, name: &str) -> Checked {
        if is_name(name) {
            return Ok(());
        }
        if name.len() > MAX_NAME {
            let problem = format_args!("a name of {} bytes", name.len());
            return self.fail(place, problem, format_args!("use at most {MAX_NAME}"));
        }
        let fix = "begin with a letter or `_`, then letters, digits, `_`, `.`, or `-` before \
                   a letter or digit; `and`, `or` and `not` are no names";
        self.fail(place, format_args!("`{name}` is no name"), fix)
    }

    pub(super) fn known_type(&self, place: &Place, kind: &str) -> Checked {
        if kind == ROOT || self.level.types.contains_key(kind) {
            return Ok(());
        }
        let known = self.level.types.keys().map(String::as_str).chain([ROOT]);
        let fix = "declare it under [types], with its parent";
        self.unknown(&place.words(kind), "type", kind, known, fix)
    }

    /// Types of the parameters of a predicate.
    fn predicate(&self, place: &Place, name: &str) -> Result<Vec<&str>, LevelError> {
        if let Some(p) = self.level.predicates.get(name) {
            return Ok(p.params.iter().map(|p| p.kind.as_str()).collect());
        }
        if name == MADE && self.has_pool() {
            return Ok(vec![ROOT]);
        }
        let known = self.level.predicates.keys().map(String::as_str);
        let fix = "declare it under [predicates]";
        self.unknown(&place.words(name), "predicate", name, known, fix)
    }

    /// Type of a term, where `scope` holds the parameters.
    pub(super) fn term(
        &self,
        place: &Place,
        term: &Term,
        scope: &[Param],
    ) -> Result<String, LevelError> {
        match term {
            Term::Object(name) => match self.objects.get(name.as_str()) {
                Some(kind) => Ok((*kind).to_owned()),
                None => {
                    let fix = "declare it under [objects]; parameters start with `?`";
                    let known = self.objects.keys().copied();
                    self.unknown(&place.words(name), "object", name, known, fix)
                }
            },
            Term::Var(name) => match scope.iter().find(|p| p.name == *name) {
                Some(param) => Ok(param.kind.clone()),
                None => {
                    let near = nearest(name, scope.iter().map(|p| p.name.as_str()));
                    let fix = match near {
                        Some(near) => format!("did you mean `?{near}`?"),
                        None => "add it to `params`, or name an object".to_owned(),
                    };
                    let problem = format_args!("`?{name}` is not a parameter here");
                    self.fail(&place.words(term), problem, fix)
                }
            },
        }
    }

    pub(super) fn atom(&self, place: &Place, atom: &Atom, scope: &[Param]) -> Checked {
        let place = place.words(atom);
        if atom.args.is_empty() && self.level.fluents.contains_key(&atom.predicate) {
            let fix =
                format_args!("write a comparison or change, such as `{} >= 1`", atom.predicate);
            return self.fail(&place, format_args!("`{atom}` is a fluent, not a fact"), fix);
        }
        let kinds = self.predicate(&place, &atom.predicate)?;
        self.args(&place, atom, &kinds, scope)
    }

    /// Number and types of the arguments.
    pub(super) fn args(
        &self,
        place: &Place,
        atom: &Atom,
        kinds: &[&str],
        scope: &[Param],
    ) -> Checked {
        if kinds.len() != atom.args.len() {
            let problem = format_args!("`{atom}` has {}", counted(atom.args.len()));
            let fix = format_args!("`{}` takes {}", atom.predicate, kinds.len());
            return self.fail(place, problem, fix);
        }
        for (term, wanted) in atom.args.iter().zip(kinds) {
            let kind = self.term(place, term, scope)?;
            if !self.is_a(&kind, wanted) {
                let problem = format_args!("type clash in `{atom}`: `{term}` is a `{kind}`");
                let fix = format_args!("a `{wanted}` is wanted there");
                return self.fail(&place.words(term), problem, fix);
            }
        }
        Ok(())
    }

    /// The range of a fluent.
    pub(super) fn fluent(&self, place: &Place, name: &str) -> Result<(i64, i64), LevelError> {
        if let Some(f) = self.level.fluents.get(name) {
            return Ok((i64::from(f.min), i64::from(f.max)));
        }
        let known = self.level.fluents.keys().map(String::as_str);
        let fix = "declare it under [fluents], with `max`";
        self.unknown(&place.words(name), "fluent", name, known, fix)
    }

    pub(super) fn condition(
        &self,
        place: &Place,
        condition: &Condition,
        scope: &[Param],
    ) -> Checked {
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

    pub(super) fn effects(&self, place: &Place, effects: &Effects, scope: &[Param]) -> Checked {
        for change in &effects.0 {
            match change {
                Change::Add(atom) | Change::Delete(atom) => {
                    self.atom(place, atom, scope)?;
                    self.changeable(place, atom)?;
                }
                Change::Increase { fluent, .. } => {
                    self.fluent(place, fluent)?;
                }
                Change::Assign { fluent, to } => {
                    let (min, max) = self.fluent(place, fluent)?;
                    if !(min..=max).contains(to) {
                        let problem = format_args!("`{fluent} = {to}` is out of range");
                        let fix = format_args!("stay within {min}..={max}");
                        return self.fail(&place.words(change), problem, fix);
                    }
                }
            }
        }
        self.once(place, &[effects])
    }

    /// No fluent is changed twice by what takes effect together.
    pub(super) fn once(&self, place: &Place, together: &[&Effects]) -> Checked {
        let mut changed = BTreeSet::new();
        for change in together.iter().flat_map(|effects| &effects.0) {
            if let Change::Increase { fluent, .. } | Change::Assign { fluent, .. } = change
                && !changed.insert(fluent)
            {
                let problem = format_args!("fluent `{fluent}` is changed twice");
                return self.fail(&place.words(fluent), problem, "write one change of it");
            }
        }
        Ok(())
    }

    fn changeable(&self, place: &Place, atom: &Atom) -> Checked {
        let place = place.words(atom);
        if self.level.predicates.get(&atom.predicate).is_some_and(|p| p.fixed) {
            let problem = format_args!("`{}` is static", atom.predicate);
            return self.fail(&place, problem, "drop `static = true` or the effect");
        }
        if atom.predicate == MADE && !self.level.predicates.contains_key(MADE) {
            let problem = "`made` is set by the engine alone";
            return self.fail(&place, problem, "use the function's `returns.pool`");
        }
        Ok(())
    }

    pub(super) fn params(&self, place: &Place, params: &[Param]) -> Checked {
        if params.len() > MAX_PARAMS {
            let problem = counted_as(params.len(), "parameter");
            return self.fail(place, problem, format_args!("use at most {MAX_PARAMS}"));
        }
        let mut seen = BTreeSet::new();
        for (i, param) in params.iter().enumerate() {
            let place = place.index(i);
            self.plain(&place, &param.name)?;
            self.known_type(&place, &param.kind)?;
            if !seen.insert(&param.name) {
                let problem = format_args!("`?{}` stands twice", param.name);
                return self.fail(&place, problem, "rename one of them");
            }
        }
        Ok(())
    }
}

fn counted(n: usize) -> String {
    counted_as(n, "argument")
}

fn counted_as(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
