//! Grounding: from functions with parameters to numbered calls and facts.
//!
//! Three prunings keep worlds small: static predicates while parameters are bound, relaxed
//! reachability over all calls, and dropping facts that no reachable call changes. Usage
//! constraints and pools of new objects become plain facts and counters here, so that the engine
//! knows only bits and numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{MADE, Names, RET};
use super::constraints::{RUNNING, running, takes, used};
use super::expr::{Atom, Change, Condition, Effects, Init, Term, Test};
use super::join::{Arg, Fixed, Join, Table, TooMany};
use super::level::{FunctionDef, Level, StoreKind};
use super::prune;
use super::raw::{Raw, RawCall, RawOutcome, RawTests};
use super::reach::{self, Reach};
use super::world::{
    Fluent, Function, GroundError, NumChange, NumEffect, NumTest, Predicate, World,
};

/// Most ground calls before pruning by reachability.
const MAX_CALLS: usize = 200_000;
/// Most steps to bind parameters: conditions tried on objects, rows of static predicates looked at.
const MAX_STEPS: usize = 20_000_000;
/// Most facts before pruning.
const MAX_FACTS: usize = 500_000;
/// Most conditions and effects of all calls together, before pruning.
const MAX_PARTS: usize = 4_000_000;

pub(super) struct Grounder<'a> {
    level: &'a Level,
    names: Names<'a>,
    object_ids: BTreeMap<&'a str, usize>,
    predicate_ids: BTreeMap<String, usize>,
    fluent_ids: BTreeMap<String, usize>,
    atom_ids: BTreeMap<(usize, Vec<usize>), u32>,
    /// Predicates that some effect changes.
    changing: BTreeSet<String>,
    /// Functions by function: those that exclude each other, both ways round.
    pub(super) exclusive: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Steps of binding parameters that are left.
    steps: usize,
    parts: usize,
    pub(super) raw: Raw,
}

pub(super) fn ground(level: &Level) -> Result<World, GroundError> {
    let mut grounder = Grounder::new(level);
    grounder.init();
    let tables = grounder.tables();
    for (index, (name, function)) in level.functions.iter().enumerate() {
        grounder.function(index, name, function, &tables)?;
    }
    grounder.wait();
    grounder.goal();
    let raw = grounder.raw;
    let reach = Reach::compute(&raw);
    reach::check_goal(level, &raw, &reach)?;
    Ok(prune::build(level, raw, &reach))
}

impl<'a> Grounder<'a> {
    fn new(level: &'a Level) -> Self {
        let names = Names::new(level);
        let objects: Vec<(String, String)> =
            names.objects.iter().map(|(n, k)| ((*n).to_owned(), (*k).to_owned())).collect();
        let object_ids = names.objects.keys().enumerate().map(|(i, n)| (*n, i)).collect();
        let functions = level.functions.iter().map(|(name, f)| Function {
            name: name.clone(),
            description: f.description.clone(),
            params: f.params.clone(),
            cost: f.cost,
        });
        let raw = Raw {
            objects,
            predicates: Vec::new(),
            functions: functions.collect(),
            fluents: Vec::new(),
            atoms: Vec::new(),
            init: BTreeSet::new(),
            calls: Vec::new(),
            goal: Vec::new(),
            goal_num: Vec::new(),
            running: None,
        };
        let mut grounder = Self {
            level,
            names,
            object_ids,
            predicate_ids: BTreeMap::new(),
            fluent_ids: BTreeMap::new(),
            atom_ids: BTreeMap::new(),
            changing: changing(level),
            exclusive: exclusive(level),
            steps: MAX_STEPS,
            parts: 0,
            raw,
        };
        grounder.declare();
        grounder
    }

    fn declare(&mut self) {
        for (name, p) in &self.level.predicates {
            self.declare_predicate(name.clone(), p.store);
        }
        self.declare_predicate(MADE.to_owned(), StoreKind::Inventory);
        for name in self.exclusive.keys().copied().collect::<Vec<_>>() {
            self.declare_predicate(used(name), StoreKind::Env);
        }
        for (name, f) in &self.level.fluents {
            let (min, max) = (i64::from(f.min), i64::from(f.max));
            self.declare_fluent(name.clone(), min, max, false);
        }
        for (name, f) in &self.level.functions {
            if let Some(limit) = f.max_calls {
                self.declare_fluent(format!("calls({name})"), 0, i64::from(limit), false);
            }
            if let Some(rest) = f.cooldown {
                self.declare_fluent(format!("cooldown({name})"), 0, i64::from(rest), true);
            }
            if takes(f) > 0 {
                self.declare_predicate(running(name), StoreKind::Env);
            }
        }
        if self.level.functions.values().any(|f| takes(f) > 0) {
            self.raw.running = Some(self.raw.fluents.len());
            self.declare_fluent(RUNNING.to_owned(), 0, 0, false);
        }
    }

    fn declare_predicate(&mut self, name: String, store: StoreKind) {
        if !self.predicate_ids.contains_key(&name) {
            self.predicate_ids.insert(name.clone(), self.raw.predicates.len());
            self.raw.predicates.push(Predicate { name, store });
        }
    }

    fn declare_fluent(&mut self, name: String, min: i64, max: i64, ticks: bool) {
        self.fluent_ids.insert(name.clone(), self.raw.fluents.len());
        self.raw.fluents.push(Fluent { name, min, max, init: min, ticks });
    }

    fn init(&mut self) {
        for entry in &self.level.init {
            match entry {
                Init::Fact(atom) => {
                    let id = self.atom(atom, &BTreeMap::new());
                    self.raw.init.insert(id);
                }
                Init::Number { fluent, value } => {
                    let id = self.fluent(fluent);
                    if let Some(f) = self.raw.fluents.get_mut(id) {
                        f.init = *value;
                    }
                }
            }
        }
    }

    fn goal(&mut self) {
        let tests = self.tests(&self.level.goal, &BTreeMap::new());
        (self.raw.goal, self.raw.goal_num) = (tests.facts, tests.num);
    }

    /// The facts and numbers of a condition; what compares two objects is left out.
    fn tests(&mut self, condition: &Condition, bound: &BTreeMap<&str, usize>) -> RawTests {
        let mut tests = RawTests::default();
        for test in &condition.0 {
            match test {
                Test::Fact { atom, negated } => {
                    let id = self.atom(atom, bound);
                    tests.facts.push((id, !negated));
                }
                Test::Number { fluent, compare, value } => {
                    let (fluent, compare, value) = (self.fluent(fluent), *compare, *value);
                    tests.num.push(NumTest { fluent, compare, value });
                }
                Test::Same { .. } => {}
            }
        }
        tests
    }

    pub(super) fn fluent(&self, name: &str) -> usize {
        self.fluent_ids.get(name).copied().unwrap_or(usize::MAX)
    }

    pub(super) fn intern(&mut self, predicate: &str, args: Vec<usize>) -> u32 {
        let predicate = self.predicate_ids.get(predicate).copied().unwrap_or(usize::MAX);
        let next = u32::try_from(self.raw.atoms.len()).unwrap_or(u32::MAX);
        let key = (predicate, args);
        if let Some(&id) = self.atom_ids.get(&key) {
            return id;
        }
        self.raw.atoms.push(key.clone());
        self.atom_ids.insert(key, next);
        next
    }

    fn resolve(&self, term: &Term, bound: &BTreeMap<&str, usize>) -> usize {
        match term {
            Term::Var(name) => bound.get(name.as_str()),
            Term::Object(name) => self.object_ids.get(name.as_str()),
        }
        .copied()
        .unwrap_or(usize::MAX)
    }

    fn atom(&mut self, atom: &Atom, bound: &BTreeMap<&str, usize>) -> u32 {
        let args = atom.args.iter().map(|t| self.resolve(t, bound)).collect();
        self.intern(&atom.predicate, args)
    }

    /// The rows of every static predicate.
    fn tables(&self) -> BTreeMap<String, Table> {
        let mut rows: Vec<BTreeSet<Vec<usize>>> = vec![BTreeSet::new(); self.raw.predicates.len()];
        for (predicate, args) in
            self.raw.init.iter().filter_map(|&i| self.raw.atoms.get(i as usize))
        {
            if let Some(rows) = rows.get_mut(*predicate) {
                rows.insert(args.clone());
            }
        }
        let named = self.raw.predicates.iter().map(|p| p.name.clone()).zip(rows);
        let fixed = named.filter(|(name, _)| !self.changing.contains(name));
        fixed.map(|(name, rows)| (name, Table::new(rows))).collect()
    }

    fn function(
        &mut self,
        index: usize,
        name: &str,
        f: &'a FunctionDef,
        tables: &BTreeMap<String, Table>,
    ) -> Result<(), GroundError> {
        let pool: Vec<usize> = f
            .returns
            .iter()
            .flat_map(|r| &r.pool)
            .filter_map(|o| self.object_ids.get(o.as_str()).copied())
            .collect();
        let level = || self.level.id.clone();
        let too_many = GroundError::TooManyCalls {
            level: level(),
            function: name.to_owned(),
            limit: MAX_CALLS,
        };
        let too_much = GroundError::TooMuchWork { level: level(), function: name.to_owned() };
        let mut slots: Vec<&str> = f.params.iter().map(|p| p.name.as_str()).collect();
        let bindings = self.bindings(f, &pool, tables).map_err(|e| match e {
            TooMany::Bindings => too_many,
            TooMany::Steps => too_much.clone(),
        })?;
        slots.extend((!pool.is_empty()).then_some(RET));
        for binding in bindings {
            let bound = slots.iter().copied().zip(binding).collect();
            let Some(cost) = self.cost(f, &bound) else { continue };
            let mut call = self.call(index, name, f, &bound, &pool);
            call.cost = cost;
            self.parts += call.size();
            self.raw.calls.push(call);
            if self.parts > MAX_PARTS {
                return Err(too_much);
            }
            if self.raw.atoms.len() > MAX_FACTS {
                let level = self.level.id.clone();
                return Err(GroundError::TooManyFacts { level, limit: MAX_FACTS });
            }
        }
        Ok(())
    }

    /// All objects for the parameters, and the new object last where there is a pool, that pass
    /// the static tests: in ascending order, new objects in the order of the pool.
    fn bindings(
        &mut self,
        f: &FunctionDef,
        pool: &[usize],
        tables: &BTreeMap<String, Table>,
    ) -> Result<Vec<Vec<usize>>, TooMany> {
        let none = Table::default();
        let arg = |term: &Term| match term {
            Term::Var(name) => {
                Arg::Slot(f.params.iter().position(|p| p.name == *name).unwrap_or(f.params.len()))
            }
            Term::Object(name) => {
                Arg::Object(self.object_ids.get(name.as_str()).copied().unwrap_or(usize::MAX))
            }
        };
        let fixed = f.pre.0.iter().filter_map(|test| match test {
            Test::Fact { atom, negated } if !self.changing.contains(&atom.predicate) => {
                let table = tables.get(&atom.predicate).unwrap_or(&none);
                let args = atom.args.iter().map(arg).collect();
                Some(Fixed::Fact { table, args, negated: *negated })
            }
            Test::Same { left, right, negated } => {
                Some(Fixed::Same { left: arg(left), right: arg(right), negated: *negated })
            }
            _ => None,
        });
        let tried = f.params.len() * self.raw.objects.len();
        self.steps = self.steps.checked_sub(tried).ok_or(TooMany::Steps)?;
        let mut domains: Vec<Vec<usize>> =
            f.params.iter().map(|p| self.objects_of(&p.kind)).collect();
        if !pool.is_empty() {
            let mut sorted = pool.to_vec();
            sorted.sort_unstable();
            domains.push(sorted);
        }
        let left = MAX_CALLS.saturating_sub(self.raw.calls.len());
        let join = Join::new(fixed.collect(), domains, left);
        let mut found = join.run(&mut self.steps)?;
        let place = |object: &usize| pool.iter().position(|o| o == object);
        found.sort_by_cached_key(|binding| {
            let (args, new) = binding.split_at(f.params.len().min(binding.len()));
            (args.to_vec(), new.first().and_then(place))
        });
        Ok(found)
    }

    fn objects_of(&self, kind: &str) -> Vec<usize> {
        let fits = |k: &str| self.names.is_a(k, kind);
        let all = self.raw.objects.iter().enumerate();
        all.filter(|(_, (_, k))| fits(k)).map(|(i, _)| i).collect()
    }

    /// False where a static test with all its variables bound does not hold.
    fn possible(&self, test: &Test, bound: &BTreeMap<&str, usize>) -> bool {
        let known = |t: &Term| match t {
            Term::Var(name) => bound.contains_key(name.as_str()),
            Term::Object(_) => true,
        };
        match test {
            Test::Fact { atom, negated } => {
                if self.changing.contains(&atom.predicate) || !atom.args.iter().all(known) {
                    return true;
                }
                let args = atom.args.iter().map(|t| self.resolve(t, bound)).collect();
                let predicate = self.predicate_ids.get(&atom.predicate).copied();
                let id = self.atom_ids.get(&(predicate.unwrap_or(usize::MAX), args));
                id.is_some_and(|id| self.raw.init.contains(id)) != *negated
            }
            Test::Same { left, right, negated } if known(left) && known(right) => {
                (self.resolve(left, bound) == self.resolve(right, bound)) != *negated
            }
            _ => true,
        }
    }

    fn call(
        &mut self,
        function: usize,
        name: &str,
        f: &FunctionDef,
        bound: &BTreeMap<&str, usize>,
        pool: &[usize],
    ) -> RawCall {
        let ret = bound.get(RET).copied().filter(|_| !pool.is_empty());
        let args = f.params.iter().filter_map(|p| bound.get(p.name.as_str()).copied()).collect();
        let tests = self.tests(&f.pre, bound);
        let forbidden = f.forbidden.as_ref().filter(|when| self.may_hold(when, bound));
        let mut call = RawCall {
            function,
            args,
            ret,
            pre: tests.facts,
            num: tests.num,
            forbidden: forbidden.map(|when| self.tests(when, bound)),
            ..RawCall::default()
        };
        call.outcomes = self.outcomes(f, bound, ret);
        if let Some(object) = ret {
            self.make(&mut call, object, pool);
        }
        self.take_time(&mut call, name, f, bound);
        self.constrain(&mut call, name, f);
        self.keep_in_range(&mut call);
        self.count_running(&mut call);
        call
    }

    fn may_hold(&self, condition: &Condition, bound: &BTreeMap<&str, usize>) -> bool {
        condition.0.iter().all(|test| self.possible(test, bound))
    }

    /// What the call costs; none where its table has no entry for these arguments, which makes
    /// the call impossible.
    fn cost(&self, f: &FunctionDef, bound: &BTreeMap<&str, usize>) -> Option<f64> {
        let Some(by) = &f.cost_by else { return Some(f.cost) };
        let object = |t: &Term| {
            let object = self.raw.objects.get(self.resolve(t, bound));
            object.map_or("", |(name, _)| name.as_str())
        };
        let key: Vec<&str> = by.args.iter().map(object).collect();
        self.level.costs.get(&by.predicate)?.values.get(&key.join(", ")).copied()
    }

    fn outcomes(
        &mut self,
        f: &FunctionDef,
        bound: &BTreeMap<&str, usize>,
        ret: Option<usize>,
    ) -> Vec<RawOutcome> {
        let returned = ret.map_or_else(
            || self.returned_text(f, bound),
            |o| self.raw.objects.get(o).map(|(name, _)| name.clone()),
        );
        let mut outcomes = Vec::new();
        for def in &f.outcomes {
            let mut outcome = RawOutcome {
                name: Some(def.name.clone()),
                p: def.p,
                quality: def.quality,
                failed: def.failed,
                returned: returned.clone().filter(|_| !def.failed),
                ..RawOutcome::default()
            };
            self.change(&mut outcome, &def.effects, bound);
            outcomes.push(outcome);
        }
        if outcomes.is_empty() {
            outcomes.push(RawOutcome { p: 1.0, quality: 1.0, returned, ..RawOutcome::default() });
        }
        if let Some(first) = outcomes.first_mut() {
            first.quality *= f.quality;
            self.change(first, &f.effects, bound);
        }
        outcomes
    }

    fn returned_text(&self, f: &FunctionDef, bound: &BTreeMap<&str, usize>) -> Option<String> {
        let mut text = f.returns.as_ref()?.value.clone()?;
        for param in &f.params {
            let object = bound.get(param.name.as_str()).and_then(|&o| self.raw.objects.get(o));
            if let Some((name, _)) = object {
                text = text.replace(&format!("{{{}}}", param.name), name);
            }
        }
        Some(text)
    }

    pub(super) fn change(
        &mut self,
        to: &mut RawOutcome,
        effects: &Effects,
        bound: &BTreeMap<&str, usize>,
    ) {
        for change in &effects.0 {
            match change {
                Change::Add(atom) => {
                    let id = self.atom(atom, bound);
                    to.add.insert(id);
                }
                Change::Delete(atom) => {
                    let id = self.atom(atom, bound);
                    to.del.insert(id);
                }
                Change::Increase { fluent, by } => to
                    .num
                    .push(NumEffect { fluent: self.fluent(fluent), change: NumChange::Add(*by) }),
                Change::Assign { fluent, to: value } => to.num.push(NumEffect {
                    fluent: self.fluent(fluent),
                    change: NumChange::Set(*value),
                }),
            }
        }
    }
}

fn changing(level: &Level) -> BTreeSet<String> {
    let mut found = BTreeSet::from([MADE.to_owned()]);
    for f in level.functions.values() {
        for effects in f.outcomes.iter().map(|o| &o.effects).chain([&f.effects, &f.at_start]) {
            for change in &effects.0 {
                if let Change::Add(atom) | Change::Delete(atom) = change {
                    found.insert(atom.predicate.clone());
                }
            }
        }
    }
    found
}

fn exclusive(level: &Level) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut pairs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, f) in &level.functions {
        for other in &f.exclusive_with {
            pairs.entry(name).or_default().insert(other);
            pairs.entry(other).or_default().insert(name);
        }
    }
    pairs
}
