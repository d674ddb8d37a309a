//! The rules of a level a second time, as slowly and plainly as they are stated: over names,
//! without grounding, pruning, counters or indices. The engine must agree with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::quest::{Atom, Change, Condition, Effects, FunctionDef, Init, Level, Term, Test};

type Ground = (String, Vec<String>);
type Bound = BTreeMap<String, String>;

/// A call by name: the function, what its parameters stand for, and the object that it makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// As the engine writes it.
    pub name: String,
    function: String,
    bound: Bound,
}

/// A state of the level.
pub struct Oracle<'a> {
    level: &'a Level,
    /// Every call that types allow, in the order of the engine.
    all: Vec<Asked>,
    facts: BTreeSet<Ground>,
    pub fluents: BTreeMap<String, i64>,
    called: Vec<String>,
    resting: BTreeMap<String, i64>,
    /// Calls under way: outcome and steps left by call.
    running: BTreeMap<(usize, usize), i64>,
    pub violated: bool,
}

fn is_a(level: &Level, kind: &str, above: &str) -> bool {
    kind == above
        || above == "object"
        || level.types.get(kind).is_some_and(|parent| parent != kind && is_a(level, parent, above))
}

fn ground(atom: &Atom, bound: &Bound) -> Ground {
    (atom.predicate.clone(), atom.args.iter().map(|t| term(t, bound)).collect())
}

fn term(term: &Term, bound: &Bound) -> String {
    match term {
        Term::Var(name) => bound[name].clone(),
        Term::Object(name) => name.clone(),
    }
}

/// All ways to fill the parameters, the first one turning slowest.
fn bindings(level: &Level, f: &FunctionDef) -> Vec<Vec<(String, String)>> {
    let mut found = vec![Vec::new()];
    let mut slots: Vec<(String, Vec<String>)> = Vec::new();
    for param in &f.params {
        let of_kind = level.objects.iter().filter(|(kind, _)| is_a(level, kind, &param.kind));
        let mut names: Vec<String> = of_kind.flat_map(|(_, names)| names.clone()).collect();
        names.sort();
        slots.push((param.name.clone(), names));
    }
    if let Some(pool) = f.returns.as_ref().map(|r| r.pool.clone()).filter(|p| !p.is_empty()) {
        slots.push(("ret".to_owned(), pool));
    }
    for (name, objects) in slots {
        found = found
            .iter()
            .flat_map(|before: &Vec<(String, String)>| {
                objects.iter().map(|o| [&before[..], &[(name.clone(), o.clone())]].concat())
            })
            .collect();
    }
    found
}

impl<'a> Oracle<'a> {
    pub fn new(level: &'a Level) -> Self {
        let mut all = Vec::new();
        for (function, f) in &level.functions {
            for bound in bindings(level, f) {
                let objects = bound.iter().take(f.params.len()).map(|(_, o)| o.as_str());
                let args = objects.collect::<Vec<_>>().join(", ");
                let made =
                    bound.get(f.params.len()).map_or(String::new(), |(_, o)| format!("->{o}"));
                let name = format!("{function}({args}){made}");
                let function = function.clone();
                all.push(Asked { name, function, bound: bound.into_iter().collect() });
            }
        }
        let mut oracle = Self {
            level,
            all,
            facts: BTreeSet::new(),
            fluents: level.fluents.iter().map(|(n, f)| (n.clone(), f.min.into())).collect(),
            called: Vec::new(),
            resting: BTreeMap::new(),
            running: BTreeMap::new(),
            violated: false,
        };
        for entry in &level.init {
            match entry {
                Init::Fact(atom) => {
                    oracle.facts.insert(ground(atom, &Bound::new()));
                }
                Init::Number { fluent, value } => {
                    oracle.fluents.insert(fluent.clone(), *value);
                }
            }
        }
        oracle
    }

    fn def(&self, call: &Asked) -> &'a FunctionDef {
        &self.level.functions[&call.function]
    }

    fn holds(&self, condition: &Condition, bound: &Bound) -> bool {
        condition.0.iter().all(|test| match test {
            Test::Fact { atom, negated } => self.facts.contains(&ground(atom, bound)) != *negated,
            Test::Number { fluent, compare, value } => compare.holds(self.fluents[fluent], *value),
            Test::Same { left, right, negated } => {
                (term(left, bound) == term(right, bound)) != *negated
            }
        })
    }

    /// Everything that this outcome changes, at the start and at the end.
    fn changes(&self, call: &Asked, outcome: usize) -> (Vec<Change>, Vec<Change>) {
        let f = self.def(call);
        let list = |e: &Effects| e.0.clone();
        let mut end = f.outcomes.get(outcome).map(|o| list(&o.effects)).unwrap_or_default();
        if outcome == 0 {
            end.extend(list(&f.effects));
        }
        (list(&f.at_start), end)
    }

    fn outcomes(&self, call: &Asked) -> usize {
        self.def(call).outcomes.len().max(1)
    }

    fn applicable(&self, index: usize) -> bool {
        let call = &self.all[index];
        let f = self.def(call);
        let others = |other: &String| {
            let excludes = |a: &str, b: &str| {
                self.level.functions.get(a).is_some_and(|f| f.exclusive_with.contains(b))
            };
            excludes(&call.function, other) || excludes(other, &call.function)
        };
        let used = self.called.iter().filter(|name| **name == call.function).count();
        self.holds(&f.pre, &call.bound)
            && self.priced(call)
            && !self.running.keys().any(|(running, _)| *running == index)
            && f.max_calls.is_none_or(|most| used < most as usize)
            && self.resting.get(&call.function).is_none_or(|left| *left == 0)
            && !self.called.iter().any(others)
            && self.next_of_pool(call, f)
            && (0..self.outcomes(call)).all(|outcome| self.in_range(call, outcome))
    }

    fn priced(&self, call: &Asked) -> bool {
        let Some(by) = &self.def(call).cost_by else { return true };
        let key: Vec<String> = by.args.iter().map(|t| term(t, &call.bound)).collect();
        self.level.costs[&by.predicate].values.contains_key(&key.join(", "))
    }

    fn next_of_pool(&self, call: &Asked, f: &FunctionDef) -> bool {
        let Some(made) = call.bound.get("ret") else { return true };
        let pool = &f.returns.as_ref().unwrap().pool;
        let is_made = |o: &String| self.facts.contains(&("made".to_owned(), vec![o.clone()]));
        let place = pool.iter().position(|o| o == made).unwrap();
        !is_made(made) && (place == 0 || is_made(&pool[place - 1]))
    }

    fn in_range(&self, call: &Asked, outcome: usize) -> bool {
        let (start, end) = self.changes(call, outcome);
        start.iter().chain(&end).all(|change| match change {
            Change::Increase { fluent, by } => {
                let range = &self.level.fluents[fluent];
                (i64::from(range.min)..=i64::from(range.max)).contains(&(self.fluents[fluent] + by))
            }
            _ => true,
        })
    }

    /// Names of the calls that can be made now, in the order of the engine.
    pub fn names(&self) -> Vec<String> {
        let all = (0..self.all.len()).filter(|&i| self.applicable(i));
        let mut names: Vec<String> = all.map(|i| self.all[i].name.clone()).collect();
        if !self.running.is_empty() {
            names.push("wait()".to_owned());
        }
        names
    }

    pub fn forbidden(&self, name: &str) -> bool {
        let Some(call) = self.all.iter().find(|c| c.name == name) else { return false };
        self.def(call).forbidden.as_ref().is_some_and(|when| self.holds(when, &call.bound))
    }

    pub fn goal(&self) -> bool {
        self.holds(&self.level.goal, &Bound::new()) && !self.violated
    }

    pub fn is_true(&self, predicate: &str, args: &[String]) -> bool {
        self.facts.contains(&(predicate.to_owned(), args.to_vec()))
    }

    /// Makes a call with this outcome. Returns the names of the calls that end.
    pub fn make(&mut self, name: &str, outcome: usize) -> Vec<String> {
        self.violated |= self.forbidden(name);
        let waits = name == "wait()";
        let steps = if waits { *self.running.values().min().unwrap() } else { 1 };
        for left in self.resting.values_mut().chain(self.running.values_mut()) {
            *left = (*left - steps).max(0);
        }
        let ended: Vec<(usize, usize)> =
            self.running.iter().filter(|(_, left)| **left == 0).map(|(key, _)| *key).collect();
        if !waits {
            let index = self.all.iter().position(|c| c.name == name).unwrap();
            self.start(index, outcome);
        }
        for &(index, outcome) in &ended {
            self.running.remove(&(index, outcome));
            self.finish(index, outcome);
        }
        ended.iter().map(|(index, _)| self.all[*index].name.clone()).collect()
    }

    fn start(&mut self, index: usize, outcome: usize) {
        let call = self.all[index].clone();
        let f = self.def(&call);
        self.called.push(call.function.clone());
        if let Some(rest) = f.cooldown {
            self.resting.insert(call.function.clone(), rest.into());
        }
        let (start, end) = self.changes(&call, outcome);
        self.count(&start);
        self.count(&end);
        if let Some(takes) = f.takes {
            self.change(&start, &call.bound);
            self.running.insert((index, outcome), takes.into());
        } else {
            self.finish(index, outcome);
        }
    }

    fn finish(&mut self, index: usize, outcome: usize) {
        let call = self.all[index].clone();
        let (_, end) = self.changes(&call, outcome);
        self.change(&end, &call.bound);
        let failed = self.def(&call).outcomes.get(outcome).is_some_and(|o| o.failed);
        if let Some(made) = call.bound.get("ret").filter(|_| !failed) {
            self.facts.insert(("made".to_owned(), vec![made.clone()]));
        }
    }

    fn count(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Increase { fluent, by } => *self.fluents.get_mut(fluent).unwrap() += by,
                Change::Assign { fluent, to } => {
                    self.fluents.insert(fluent.clone(), *to);
                }
                Change::Add(_) | Change::Delete(_) => {}
            }
        }
    }

    fn change(&mut self, changes: &[Change], bound: &Bound) {
        for change in changes {
            if let Change::Delete(atom) = change {
                self.facts.remove(&ground(atom, bound));
            }
        }
        for change in changes {
            if let Change::Add(atom) = change {
                self.facts.insert(ground(atom, bound));
            }
        }
    }
}
